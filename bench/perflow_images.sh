#!/bin/sh
# PeRFlow's students of four windows beside their teachers at equal steps, and on Fashion-MNIST beside 2-RF of as many updates.
#   bench/perflow_images.sh [OUT_FOLDER]        (runs/perflow-images when not given; goes on with what is there; the table is OUT/perflow.md)
# STEPS: updates of each run instead of the recipes' (600 and 240). SEEDS ("0 1 2"). SETS ("fashion cifar"). PAIRS (3000) of the 2-RF. See images.inc for the rest.
out=${1:-runs/perflow-images}
. bench/images.inc
seeds=${SEEDS:-0 1 2} sets=${SETS:-fashion cifar} pairs=${PAIRS:-3000}
equal=${STEPS:+train.steps=$STEPS}
# set_of NAME: teacher and judge
set_of() {
    case $1 in
    fashion) teacher=models/fashion-rf.safetensors eye=$fashion ;;
    cifar) teacher=models/cifar-small.safetensors eye=$cifar ;;
    esac
}
# three NAME [MODEL]: 4, 5 and 8 steps of it
three() { judged "$1-$seed" "$teacher" "$eye" "4, 5, 8" "sampling_method: euler${2:+, model: $2}" "$seed"; }
for seed in $seeds; do
    for part in $sets; do
        set_of "$part"
        three "$part-teacher"
        # shellcheck disable=SC2086 # a word or none
        trained "$part-perflow-$seed" "recipes/$part-perflow.yaml" $equal "train.seed=$seed"
        three "$part-perflow" "$out/$part-perflow-$seed/model.safetensors"
        [ "$part" = fashion ] || continue
        "$strait" pairs -q -t "$threads" -m "$teacher" -b "$pairs" -s 100000 --dtype bf16 --batch-size 32 --sampling-method heun --steps 8 -o "$out/fashion.pairs" || exit 1
        # Twice the batch is the student's: as many pictures.
        trained "fashion-2rf-$seed" recipes/fashion-2rf.yaml "train.steps=${STEPS:-600}" train.batch=64 train.lanes=4 "data.path=$out/fashion.pairs" evaluate.crossing=0 "train.seed=$seed"
        three fashion-2rf "$out/fashion-2rf-$seed/model.safetensors"
    done
done

# all NAME STEPS COLUMN: over the seeds
all() { for seed in $seeds; do [ -f "$out/$1-$seed.tsv" ] && number "$1-$seed" "$2" "$3"; done | mean; }
{
    echo "Seeds $seeds (mean, least and most), $images pictures a row without guidance, Euler. FD: Fréchet distance in the judge's features against the test split;"
    echo "MSE: from the teacher's 16 Heun steps of the same noise, a pixel. The paper (Stable Diffusion 1.5, 4 steps, COCO): student 11.31, InstaFlow 13.86."
    echo
    echo '| | FD 4 | 5 | 8 steps | MSE 4 | 5 | 8 |'
    echo '|---|---|---|---|---|---|---|'
    for name in fashion-teacher fashion-perflow fashion-2rf cifar-teacher cifar-perflow; do
        [ "$(all $name 4 2)" = - ] && continue
        printf '| %s |' "$name"
        for column in 2 3; do
            for calls in 4 5 8; do printf ' %s |' "$(all $name $calls $column)"; done
        done
        echo
    done
} > "$out/perflow.md"
echo "$out/perflow.md"
