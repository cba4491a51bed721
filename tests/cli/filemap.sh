#!/bin/sh
# filemap.sh - the file map of CONTRIBUTING.md names every source file (by its name without the ending) and every folder.
status=0
missing=
for file in src/*/*.[ch] src/*/*/*.[ch] src/*/*.inc; do
    case $file in *_test.c) continue ;; esac
    name=${file##*/}
    name=${name%.*}
    grep -qE "\`([a-z0-9_]+/)?$name\`" CONTRIBUTING.md || missing="$missing $file"
done
if [ -z "$missing" ]; then echo "ok every source file is in the map"; else echo "not ok missing from CONTRIBUTING.md:$missing"; status=1; fi
for folder in src/*/; do
    if grep -q "^### $folder" CONTRIBUTING.md; then echo "ok $folder"; else echo "not ok $folder has no section in CONTRIBUTING.md"; status=1; fi
done
exit $status
