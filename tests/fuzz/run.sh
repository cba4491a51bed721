#!/bin/sh
# run.sh SECONDS PROGRAM... - each fuzzer for so many seconds (default 20), from tests/fuzz/seeds, corpora in the build folder; ends with 'N passed, M failed'.
seconds=${1:-20}; shift
passed=0; failed=0
for program in "$@"; do
    corpus="$program.corpus"
    name=$(basename "$program")
    seeds="tests/fuzz/seeds/${name%_fuzz}" # small valid files to start from
    mkdir -p "$corpus"
    if "./$program" -max_total_time="$seconds" -rss_limit_mb=4096 -max_len=65536 -artifact_prefix="$corpus-" "$corpus" "$seeds" > "$program.log" 2>&1; then
        passed=$((passed + 1)); verdict=ok
    else
        failed=$((failed + 1)); verdict=FAILED
    fi
    printf '%-46s %-6s %s\n' "$program" "$verdict" "$(grep -aE '^(Done|stat::number_of_executed)' "$program.log" | tail -1)"
    [ "$verdict" = ok ] || tail -30 "$program.log"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
