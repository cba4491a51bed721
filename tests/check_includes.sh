#!/bin/sh
# check_includes.sh [ROOT] - refuses an #include that goes against the one-way order of the rooms of src/.
# Prints every offending line; silent and 0 when all is well. Tests (*_test.c, and *_test.h that only they include) may include anything.
root=${1:-.}
cd "$root" || exit 1
[ -d src ] || { echo "$root/src: no such folder, expected the sources of strait" >&2; exit 1; }

# room: the rooms it may include besides itself. A single header may be named too.
order='
base:
kernels: base
graph: base kernels
nn: base kernels graph
io: base kernels graph
flow: base kernels graph
models: base kernels graph nn io flow/field.h flow/windows.h
eval: base kernels graph nn io models flow
train: base kernels graph nn io models flow eval
api: base kernels graph nn io models flow
cli: base kernels graph nn io models flow train eval api
'

find src include -name '*.[ch]' -o -name '*.inc' | LC_ALL=C sort | awk -v order="$order" '
# src/flow/../base/x.h -> src/base/x.h
function normal(path,    part, n, i, out, kept) {
    n = split(path, part, "/"); kept = 0
    for (i = 1; i <= n; i++) {
        if (part[i] == "." || part[i] == "") continue
        if (part[i] == "..") { if (kept) kept--; else return "" } else out[++kept] = part[i]
    }
    path = out[1]
    for (i = 2; i <= kept; i++) path = path "/" out[i]
    return path
}
# The file that an include of file means: beside it, or below the -I folders of the Makefile.
function find(file, name,    folder, path) {
    folder = file; sub(/[^\/]*$/, "", folder)
    path = normal(folder name); if (path in known) return path
    path = normal("src/" name); if (path in known) return path
    path = normal("include/" name); if (path in known) return path
    return ""
}
# file, line and text are those of the loop at the end.
function refuse(why) { print file ":" line ": " text "\n    " why; bad++ }
function check(name,    target, from, to, part) {
    target = find(file, name)
    if (target == "") { refuse("no such file in src/ or include/"); return }
    if (target ~ /_test\.h$/) { refuse("is for tests only"); return }
    split(file, part, "/"); from = part[2]
    split(target, part, "/"); to = part[2]
    if (part[1] == "include" || to == from) return
    if (!(from in rooms)) { refuse("src/" from "/ has no place in the order of tests/check_includes.sh"); return }
    sub(/^src\//, "", target)
    if ((from, to) in may || (from, target) in may) return
    refuse("src/" from "/ may include only:" rooms[from])
}
BEGIN {
    count = split(order, row, "\n")
    for (i = 1; i <= count; i++) {
        if ((colon = index(row[i], ":")) == 0) continue
        from = substr(row[i], 1, colon - 1)
        rooms[from] = substr(row[i], colon + 1) " and itself"
        n = split(substr(row[i], colon + 1), to, " ")
        for (k = 1; k <= n; k++) may[from, to[k]] = 1
    }
}
{ known[$0] = 1; files[NR] = $0 }
END {
    for (i = 1; i <= NR; i++) {
        if (files[i] ~ /^include\// || files[i] ~ /_test\.[ch]$/) continue
        line = 0; file = files[i]
        while ((getline text < file) > 0) {
            line++
            if (text !~ /^[ \t]*#[ \t]*include[ \t]*"/) continue
            split(text, quoted, "\"")
            check(quoted[2])
        }
        close(file)
    }
    exit bad > 0
}'
