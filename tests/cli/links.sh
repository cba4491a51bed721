#!/bin/sh
# Links in README.md, CONTRIBUTING.md and docs/: files and headings they point to are there, and so is every script and recipe that a page names.
here=$(mktemp -d)
. tests/cli/common.inc
heading_of() { sed -n 's/^##* //p' "$1" | tr 'A-Z' 'a-z' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }

broken=""
for page in README.md CONTRIBUTING.md docs/*.md; do
    base=$(dirname "$page")
    grep -o '](\([^)h ][^) ]*\))' "$page" | sed 's/^](//; s/)$//' | sort -u > "$here/links"
    while IFS= read -r link; do
        file=${link%%#*} anchor=""
        case $link in *'#'*) anchor=${link#*#} ;; esac
        if [ -n "$file" ]; then target=$base/$file; else target=$page; fi
        if [ ! -e "$target" ]; then broken="$broken $page:$link"
        elif [ -n "$anchor" ] && ! heading_of "$target" | grep -qxF "$anchor"; then broken="$broken $page:$link"
        fi
    done < "$here/links"
done
[ -z "$broken" ] && ok "links lead somewhere" || not_ok "links lead somewhere" "$broken"

broken=""
for page in README.md docs/*.md recipes/*.yaml recipes/compare/*.yaml; do
    for file in $(grep -o '\(recipes\|bench\|tests\|src\|examples\)/[A-Za-z0-9_/-]*\.\(yaml\|sh\|py\|c\|h\|awk\|gp\|md\)' "$page" | sort -u); do
        [ -e "$file" ] || broken="$broken $page:$file"
    done
done
[ -z "$broken" ] && ok "commands name files that are here" || not_ok "commands name files that are here" "$broken"
