# includes.sh - the rooms of src/ include each other one way only, and the check that says so can fail.
check=tests/check_includes.sh

if found=$("$check"); then
    echo "ok the includes of src/ go one way"
else
    echo "not ok the includes of src/ go one way"
    echo "$found"
fi

# A tree of two files in which `$1` includes `$2`; says whether the check lets it pass.
verdict() {
    tree=$(mktemp -d) || exit 1
    mkdir -p "$tree/include" "$tree/$(dirname "$1")" "$tree/$(dirname "$2")"
    printf '#include "../../%s"\n' "$2" > "$tree/$1"
    : > "$tree/$2"
    if "$check" "$tree" > "$tree/said"; then answer=allowed; else answer=refused; fi
    grep -q "^$1:1: #include" "$tree/said" && answer="$answer, named"
    rm -rf "$tree"
    echo "$answer"
}

expect() { # wanted, from, to
    got=$(verdict "$2" "$3")
    if [ "$got" = "$1" ]; then echo "ok $2 -> $3 is $1"; else echo "not ok $2 -> $3 is $1, got: $got"; fi
}
expect allowed src/graph/a.c src/kernels/b.h
expect allowed src/models/a.c src/flow/field.h
expect allowed src/cli/a.c src/train/b.h
expect allowed src/flow/a_test.c src/models/b.h
expect allowed src/flow/a_test.h src/models/b.h
expect "refused, named" src/flow/a.c src/flow/b_test.h
expect "refused, named" src/flow/a.c src/models/b.h
expect "refused, named" src/models/a.c src/flow/solver.h
expect "refused, named" src/base/a.c src/kernels/b.h
expect "refused, named" src/io/a.h src/models/b.h
expect "refused, named" src/train/a.c src/cli/b.h
expect "refused, named" src/kernels/a.inc src/graph/b.h
expect "refused, named" src/newroom/a.c src/base/b.h
