#!/bin/sh
# Every recipe of the repository is read without complaint, and recipes/README.md says what the program reads.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for recipe in recipes/*.yaml; do
    if "$STRAIT" train "$recipe" --print-config > "$out" 2>&1; then echo "ok $recipe"; else echo "not ok $recipe"; cat "$out"; fi
done
"$STRAIT" train --help-keys > "$out"
if cmp "$out" recipes/README.md > /dev/null; then echo "ok recipes/README.md"
else echo "not ok recipes/README.md is not what 'strait train --help-keys' prints"; fi
