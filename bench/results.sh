#!/bin/sh
# results.sh - remake docs/results.md: the text of docs/results.in.md with the output of every command in it.
#
#   bench/results.sh full     into docs/results.md and docs/images/      (an hour; quiet machine)
#   bench/results.sh quick    into out/results-quick/                    (under 20 minutes; fewer images and seeds)
#
# In the text, a line "$ COMMAND" is run from the repository's root and replaced by itself and its output; "picture FILE NAME" copies a figure
# beside the page and shows it. $STRAIT, $SIZE (images and seeds of
# `strait compare`, unless you set it) and $OUT (a folder for what commands write) are set here.
set -u
mode=${1:-}
case $mode in
full) page=docs/results.md images=docs/images SIZE=${SIZE-} ;;
quick) page=out/results-quick/results.md images=out/results-quick SIZE=${SIZE--n 200 --seeds 2} ;;
*) echo "usage: bench/results.sh full|quick" >&2; exit 2 ;;
esac
STRAIT=${STRAIT:-build/strait}
OUT=${OUT:-runs/results-$mode}
export STRAIT SIZE OUT
mkdir -p "$(dirname "$page")" "$images" "$OUT"
log=$OUT/log
: > "$log"
failed=0 begun=$(date +%s)

run() {
    echo "== $1" | tee -a "$log" >&2
    printf '    $ %s\n' "$(printf '%s' "$1" | sed -e "s|\$STRAIT|strait|; s|\$SIZE *|${SIZE:+$SIZE }|; s|\$OUT|runs|g")"
    if sh -c "$1" > "$OUT/output" 2>> "$log"; then
        sed 's/^/    /' "$OUT/output"
    else
        failed=$((failed + 1))
        echo "    (did not run here: exit $?; $(tail -1 "$log"))"
    fi
}

{
    while IFS= read -r line; do
        case $line in
        '$ '*) run "${line#??}" ;;
        'picture '*)
            # shellcheck disable=SC2086
            set -- $line
            file=$(eval echo "$2")
            name=$3
            shift 3
            if [ -f "$file" ] && cp "$file" "$images/$name"; then
                if [ "$mode" = full ]; then echo "![$*](images/$name)"; else echo "![$*]($name)"; fi
            fi ;;
        machine)
            echo "Made on $(date -u +%Y-%m-%d) by \`bench/results.sh $mode\`: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(getconf _NPROCESSORS_ONLN) processors seen, $("$STRAIT" --version 2>&1 | head -1), $(. /etc/os-release && echo "$PRETTY_NAME")." ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
    echo
    echo "All of it took $((($(date +%s) - begun) / 60)) minutes; $failed commands did not run here."
} < docs/results.in.md > "$page.part" && mv "$page.part" "$page"
echo "$page" >&2
[ "$failed" -eq 0 ]
