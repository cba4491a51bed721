#!/bin/sh
# Two flows that nobody here trained, from their own PyTorch files, through the same commands as ours: accelerated, straightened, inverted, edited.
#   bench/third_party.sh [vit] [unet]        (both when not given; goes on with what is there)
# It prints the tables of docs/third-party.md and leaves sheets in runs/third-NAME/. A quarter of an hour on two quiet cores.
# STRAIT: the program. The files lie in data/third-party (docs/data.md). THREADS (0: all). SIZE: -n, --seeds, --paired of the comparison.
set -u
strait=${STRAIT:-build/strait} threads=${THREADS:-0} size=${SIZE:-}
judge=runs/mnist-classifier/model.safetensors
say() { printf '\n$ strait %s\n' "$*"; }
# step FILE COMMAND...: unless its result is there
step() { [ -e "$1" ] && return; shift; say "$@" >&2; "$strait" "$@" -t "$threads" || exit 1; }
# shown COMMAND...: with its output on this script's
shown() { say "$@"; "$strait" "$@" -t "$threads" || exit 1; }

step "$judge" train -q recipes/mnist-classifier.yaml train.steps=700 -o runs/mnist-classifier
[ $# -gt 0 ] || set -- vit unet
for name; do
    out=runs/third-$name teacher=runs/third-$name/teacher.safetensors student=runs/third-$name/2rf/model.safetensors
    mkdir -p "$out" || exit 1
    case $name in
    vit) file=data/third-party/DiffusionViT.pth pairs="-b 20000 --sampling-method heun --steps 12" cfg=2 tune="--walks 32" ;;
    unet) file=data/third-party/unet.pt pairs="-b 1500 --sampling-method ab2 --steps 12" cfg=3 tune="--walks 16 -n 32 --held-out 32 --reference-steps 40" ;;
    *) echo "third_party.sh: $name is not one of vit, unet" >&2; exit 2 ;;
    esac
    [ -f "$file" ] || { echo "$file is not here: skipped"; continue; }
    say info "$file"
    "$strait" info "$file" > "$out/said" || exit 1
    sed -n '/^kind/p;/^source/p;/^parameters/p;/^sha256/p' "$out/said"
    [ -f "$teacher" ] || "$strait" convert -q "$file" "$teacher" || exit 1

    # faster: a profile for the policies, then the rows; straighter: pairs, one reflow
    # shellcheck disable=SC2086
    step "$out/tune/tune.json" tune -q -m "$teacher" --sampling-method ab2 --steps 50 $tune --policies table --out "$out/tune"
    # shellcheck disable=SC2086
    step "$student" pairs -q -m "$teacher" $pairs -s 100000 -o "$out/teacher.pairs"
    step "$student" train -q "recipes/mnist-$name-2rf.yaml" -o "$out/2rf" --resume
    # shellcheck disable=SC2086
    shown compare -q -m "$teacher" --grid "recipes/compare/third-party-$name.yaml" --out "$out/compare" $size

    # there and back, and another class: test pictures, or where the network wants another size its own
    source=mnist:test
    if [ "$name" = unet ]; then
        source=$out/made
        for class in 0 1 2 3 4 5 6 7 8 9; do
            mkdir -p "$source/$class"
            step "$source/$class/3.png" generate -q -m "$file" -c $class -b 4 -s $((1000 + 10 * class)) --cfg-scale $cfg -o "$source/$class/%d.png"
        done
    fi
    for solver in euler fireflow reversible; do
        say invert -m "$file" "$source" -b 40 --steps 10 --sampling-method $solver
        "$strait" invert -m "$file" "$source" -b 40 --steps 10 --sampling-method $solver -t "$threads" > "$out/said" 2>&1 || { cat "$out/said" >&2; exit 1; }
        tr '\r' '\n' < "$out/said" | sed -n 's/^strait: //p'
    done
    say edit -m "$file" "$source" -b 40 --class-offset 1 --steps 10 --cfg-scale $cfg --judge $judge
    "$strait" edit -q -m "$file" "$source" -b 40 --class-offset 1 --steps 10 --cfg-scale $cfg --judge $judge --json "$out/edit.json" -t "$threads" || exit 1
    awk -F '[":, ]+' '/"(kept|reconstruction)"/ { part = $2 } /"psnr"/ { printf "%s: PSNR %.2f dB\n", part, $3 } /"target_accuracy"/ { printf "the judge sees the target class in %.1f %%\n", 100 * $3 }' "$out/edit.json"
    "$strait" edit -q -m "$file" "$source" -b 8 --class-offset 1 --steps 10 --cfg-scale $cfg --side "$out/edit.png" --zoom 2 -t "$threads" || exit 1

    # sheets, eight of each class: 50 Euler steps, 8 of ab2, one step before and after the reflow
    sheet() { to=$1; shift; "$strait" generate -q -c 0,1,2,3,4,5,6,7,8,9 -b 80 -s 42 --columns 16 --grid -o "$out/$to.png" -t "$threads" "$@" || exit 1; }
    sheet euler-50 -m "$file" --steps 50 --cfg-scale $cfg
    sheet ab2-8 -m "$file" --sampling-method ab2 --steps 8 --cfg-scale $cfg
    sheet one-step -m "$file" --steps 1
    sheet reflowed-one-step -m "$student" --steps 1
done
