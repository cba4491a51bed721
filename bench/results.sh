#!/bin/sh
# results.sh - remake docs/results.md: the text of docs/results.in.md with the output of every command in it.
#
#   bench/results.sh full     into docs/results.md and docs/images/      (35 minutes; quiet machine)
#   bench/results.sh quick    into out/results-quick/                    (eight minutes on two quiet cores, the build of a clean clone included; two groups of seeds, no control rows)
#   bench/results.sh text     the text of docs/results.md again, around the outputs that stand there (runs nothing)
#
# In the text, a line "$ COMMAND" is run from the repository's root and replaced by itself and its output, "$$ COMMAND" in the full version only; "picture
# FILE NAME" copies a figure beside the page and shows it. Set here: $STRAIT, $SIZE (images and seeds of `strait compare`, unless you set it), $GRIDS (the
# folder of its grids), $JOBS and $OUT (a folder for what commands write). Both versions use the same pictures a group, because a Fréchet distance falls with
# their number; the quick one ends with bench/results_check.awk, which says of each number that has a spread whether it is inside the one stated.
set -u
mode=${1:-}
case $mode in
full) page=docs/results.md images=docs/images SIZE=${SIZE--n 200 --paired 24} GRIDS=recipes/compare JOBS=24 ;;
quick) page=out/results-quick/results.md images=out/results-quick SIZE=${SIZE--n 200 --paired 24 --seeds 2} GRIDS=out/results-quick/grids JOBS=8 ;;
text) page=docs/results.md images=docs/images SIZE=${SIZE--n 200 --paired 24} GRIDS=recipes/compare JOBS=24 ;;
*) echo "usage: bench/results.sh full|quick|text" >&2; exit 2 ;;
esac
STRAIT=${STRAIT:-build/strait}
OUT=${OUT:-runs/results-$mode}
export STRAIT SIZE GRIDS JOBS OUT
mkdir -p "$(dirname "$page")" "$images" "$OUT"
if [ "$mode" = quick ]; then
    mkdir -p "$GRIDS"
    for grid in recipes/compare/*.yaml; do { grep -v '^controls:' "$grid"; echo 'controls: false'; } > "$GRIDS/${grid##*/}"; done
fi
log=$OUT/log
: > "$log"
failed=0 begun=$(date +%s)

# shown COMMAND: as the page has it
shown() {
    printf '    $ %s\n' "$(printf '%s' "$1" | sed -e "s|\$STRAIT|strait|g; s|\$SIZE *|${SIZE:+$SIZE }|; s|\$OUT|runs|g; s|\$GRIDS|$GRIDS|g; s|\$JOBS|$JOBS|g; s| *\$||")"
}

# kept COMMAND: the block that the page has already
kept() {
    wanted=$(shown "$1") awk '$0 == ENVIRON["wanted"] { on = found = 1; print; next } !/^    / || /^    \$ / { on = 0 } on
        END { if (!found) print ENVIRON["wanted"] "\n    (was not run yet)" }' docs/results.md
}

run() {
    if [ "$mode" = text ]; then kept "$1"; return; fi
    echo "== $1" | tee -a "$log" >&2
    shown "$1"
    rc=0
    sh -c "$1" < /dev/null > "$OUT/output" 2>> "$log" || rc=$? # or a command that reads would take the rest of the page
    if [ "$rc" -eq 0 ]; then
        sed 's/^/    /' "$OUT/output"
    else
        failed=$((failed + 1))
        echo "    (did not run here: exit $rc; $(tail -1 "$log"))"
    fi
}

{
    while IFS= read -r line; do
        case $line in
        '$ '*) run "${line#??}" ;;
        '$$ '*) [ "$mode" = quick ] || run "${line#???}" ;;
        'picture '*)
            # shellcheck disable=SC2086
            set -- $line
            file=$(eval echo "$2")
            name=$3
            shift 3
            if { [ "$mode" = text ] && [ -f "$images/$name" ]; } || { [ -f "$file" ] && cp "$file" "$images/$name"; }; then
                if [ "$mode" != quick ]; then echo "![$*](images/$name)"; else echo "![$*]($name)"; fi
            fi ;;
        machine)
            [ "$mode" = text ] && { grep -m1 '^Made on ' docs/results.md; continue; }
            echo "Made on $(date -u +%Y-%m-%d) by \`bench/results.sh $mode\`: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(getconf _NPROCESSORS_ONLN) processors seen, $("$STRAIT" --version 2>&1 | head -1), $(. /etc/os-release && echo "$PRETTY_NAME")." ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
    echo
    [ "$mode" = text ] && grep '^All of it took ' docs/results.md
    [ "$mode" = text ] || echo "All of it took $((($(date +%s) - begun) / 60)) minutes; $failed commands did not run here."
} < docs/results.in.md > "$page.part" && mv "$page.part" "$page"
if [ "$mode" = quick ]; then awk -f bench/results_check.awk docs/results.md "$page" > "$OUT/check" || failed=$((failed + 1)); cat "$OUT/check" >> "$page"; tail -1 "$page" >&2; fi
echo "$page" >&2
[ "$failed" -eq 0 ]
