#!/bin/sh
# StreamFlow's own setting with a network made for it: the PeRFlow student at 4 steps through its ring and by continuous admission, beside the
# teacher's plain loop at 4 and at 50 steps; images a second, and what the pictures are worth. The ways of sharing calls make the same pictures.
#   bench/perflow_stream.sh [OUT_FOLDER]        (runs/perflow-stream when not given; the table is OUT/stream.md)
# Times are worth something on a quiet machine alone; they are measured anew each time, the distances are not. JOBS (24), ROUNDS (3), THREADS (0: all),
# STUDENT (models/fashion-perflow.safetensors). See images.inc for the rest.
out=${1:-runs/perflow-stream}
THREADS=${THREADS:-0}
. bench/images.inc
teacher=models/fashion-rf.safetensors student=${STUDENT:-models/fashion-perflow.safetensors} jobs=${JOBS:-24}
judged teacher "$teacher" "$fashion" "4, 50" "sampling_method: euler"
judged student "$teacher" "$fashion" 4 "sampling_method: euler, model: $student"
# timed NAME NETWORK STEPS: lines "scheme images/s"
timed() {
    "$strait" bench stream -q -t "$threads" --networks "$2" --steps "$3" --jobs "$jobs" --rounds "${ROUNDS:-3}" --dtype bf16 --budget 0 \
        --json "$out/$1-$3.json" > /dev/null || exit 1
    awk -F '[:,]' '/"scheme"/ { gsub(/[ "]/, "", $2); scheme = $2 } /"images_per_second"/ { print scheme, $2 + 0 }' "$out/$1-$3.json" > "$out/$1-$3.speed"
}
timed teacher "$teacher" 4
timed teacher "$teacher" 50
timed student "$student" 4
# line "TITLE" NAME STEPS SCHEME
line() { printf '| %s | %.1f | %s |\n' "$1" "$(sed -n "s/^$4 //p" "$out/$2-$3.speed")" "$(number "$2" "$3" 2)"; }
{
    echo "Fashion-MNIST, bf16, $jobs images there at once, Euler without guidance; FD: Fréchet distance in the judge's features, $images pictures."
    echo
    echo '| | images/s | FD |'
    echo '|---|---|---|'
    line "teacher, 50 steps, one after the other" teacher 50 sequential
    line "teacher, 4 steps, one after the other" teacher 4 sequential
    line "teacher, 4 steps, ring" teacher 4 ring
    line "teacher, 4 steps, continuous" teacher 4 continuous
    line "student, 4 steps, one after the other" student 4 sequential
    line "student, 4 steps, ring" student 4 ring
    line "student, 4 steps, continuous" student 4 continuous
} > "$out/stream.md"
cat "$out/stream.md"
