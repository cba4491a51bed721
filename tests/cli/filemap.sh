#!/bin/sh
# filemap.sh - the file map of CONTRIBUTING.md names every source file, and nothing that is not there.
# In it, "### src/ROOM/ ..." opens a room, and "- `name`, `sub/name`: ..." lists files without their ending.
have=$(find src -name '*.[ch]' -o -name '*.inc' | grep -v '_test\.c$' | sed -E 's/\.(c|h|inc)$//' | LC_ALL=C sort -u)
said=$(awk '
    /^### src\// { room = $2; next }
    /^#/ { room = "" }
    /^- / { listing = 1 }
    /^$/ { listing = 0 }
    room != "" && listing {
        count = split($0, part, "`")
        for (i = 2; i <= count; i += 2) {
            print room part[i]
            if (part[i + 1] ~ /:/) { listing = 0; break }
        }
    }' CONTRIBUTING.md | LC_ALL=C sort -u)

report() { # sentence, names
    if [ -z "$2" ]; then echo "ok $1"; else echo "not ok $1, not so:"; echo "$2"; fi
}
both=$(printf '%s\n%s\n' "$have" "$said" | LC_ALL=C sort | uniq -d)
report "every source file is in the map" "$(printf '%s\n%s\n' "$have" "$both" | LC_ALL=C sort | uniq -u)"
report "every file of the map exists" "$(printf '%s\n%s\n' "$said" "$both" | LC_ALL=C sort | uniq -u)"
