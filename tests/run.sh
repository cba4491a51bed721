#!/bin/sh
# Run every test program (cmocka) and cli script; print the failures and end with 'N passed, M failed'.
build=$1; shift
passed=0; failed=0
count() { passed=$((passed + $1)); failed=$((failed + $2)); }
for program in "$@"; do
    start=$(date +%s)
    log="$program.log"
    "./$program" > "$log" 2>&1; rc=$?
    ok=$(grep -c '^\[       OK \]' "$log"); bad=$(grep -c '^\[  FAILED  \] [a-z]' "$log")
    # cmocka prints each failure twice (when it happens and in the closing list).
    bad=$(grep '^\[  FAILED  \] [A-Za-z_]' "$log" | sort -u | wc -l)
    [ $rc -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ] && bad=1 # a program that ran nothing has not passed
    count "$ok" "$bad"
    printf '%-52s %3d ok %3d failed  %3d s\n' "$program" "$ok" "$bad" $(($(date +%s) - start))
    [ "$bad" -gt 0 ] && tail -40 "$log"
done
for script in tests/cli/*.sh; do
    [ -f "$script" ] || continue
    start=$(date +%s)
    log="$build/$(basename "$script").log"
    STRAIT="$PWD/$build/strait" MAKE_MODEL="$PWD/$build/tests/make_model" sh "$script" > "$log" 2>&1; rc=$?
    ok=$(grep -c '^ok ' "$log"); bad=$(grep -c '^not ok ' "$log")
    [ $rc -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    count "$ok" "$bad"
    printf '%-52s %3d ok %3d failed  %3d s\n' "$script" "$ok" "$bad" $(($(date +%s) - start))
    [ "$bad" -gt 0 ] && grep -A12 '^not ok ' "$log"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
