#!/bin/sh
# SlimFlow's rows at one step: on Fashion-MNIST students of half and a quarter of the teacher's size beside the full-size 2-RF and its
# distillation; on CIFAR-10, where mirrored pairs are pairs, the ablation of mirroring and annealing with a student of 1.35 M.
#   bench/slimflow_images.sh [OUT_FOLDER]        (runs/slimflow-images when not given; goes on with what is there; the tables are OUT/slimflow.md)
# STEPS (600): updates of each stage, batches of 64. PAIRS (5000). SEEDS ("0 1 2"). SETS ("sizes ablation"). See images.inc for the rest.
out=${1:-runs/slimflow-images}
. bench/images.inc
steps=${STEPS:-600} pairs=${PAIRS:-5000} seeds=${SEEDS:-0 1 2} sets=${SETS:-sizes ablation}
equal="train.steps=$steps train.batch=64 train.warmup=$((steps / 20)) anneal.over=$((steps / 2))"
store() {
    "$strait" pairs -q -t "$threads" -m "$1" -b "$pairs" -s 100000 --dtype bf16 --batch-size 32 --sampling-method heun --steps 8 -o "$2" || exit 1
}
# student NAME RECIPE SETTINGS...
student() {
    name=$1 recipe=$2; shift 2
    # shellcheck disable=SC2086 # words
    trained "$name-$seed" "$recipe" $equal "train.seed=$seed" "$@"
    judge "$name"
}
judge() { judged "$1-$seed" "$teacher" "$eye" 1 "sampling_method: euler, model: $out/$1-$seed/model.safetensors" "$seed"; }
# distilled FROM BASE: stage 2
distilled() {
    student "$1-distilled" recipes/slimflow-distil-fashion.yaml "data.path=$out/fashion.pairs" "model.base=$2" \
        "teacher.model=$out/$1-$seed/model.safetensors" "train.init=$out/$1-$seed/model.safetensors"
}
sizes() {
    teacher=models/fashion-rf.safetensors eye=$fashion
    store "$teacher" "$out/fashion.pairs"
    judged "teacher-$seed" "$teacher" "$eye" 1 "sampling_method: euler" "$seed"
    student half recipes/slimflow-fashion-half.yaml "data.path=$out/fashion.pairs"
    distilled half 24
    student quarter recipes/slimflow-fashion-quarter.yaml "data.path=$out/fashion.pairs"
    distilled quarter 16
    student full recipes/fashion-2rf.yaml "data.path=$out/fashion.pairs" evaluate.crossing=0
    student full-distilled recipes/fashion-2rf-distill.yaml "data.path=$out/fashion.pairs" "train.init=$out/full-$seed/model.safetensors"
}
ablation() {
    teacher=models/cifar-small.safetensors eye=$cifar
    small="data.path=$out/cifar.pairs model.base=40 model.classes=10 train.lr=1e-3 train.ema=0.99"
    store "$teacher" "$out/cifar.pairs"
    # shellcheck disable=SC2086
    for mirror in false true; do
        [ $mirror = true ] && both=both flip=flip || both=anneal flip=neither
        student $flip recipes/slimflow-cifar-3m.yaml $small train.coupling=stored data.flip=$mirror
        student $both recipes/slimflow-cifar-3m.yaml $small train.coupling=annealed data.flip=$mirror
    done
}
for seed in $seeds; do
    for part in $sets; do "$part"; done
done

# all NAME COLUMN: over the seeds
all() { for seed in $seeds; do [ -f "$out/$1-$seed.tsv" ] && number "$1-$seed" 1 "$2"; done | mean; }
size() { for file in "$out/$1"-*/model.safetensors "models/fashion-rf.safetensors"; do "$strait" info "$file" 2> /dev/null | sed -n 's/^parameters *//p'; done | head -1; }
# line "TITLE" NAME "PAPER"
line() { [ "$(all "$2" 2)" = - ] || printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$(size "$2")" "$(all "$2" 2)" "$(all "$2" 3)" "$(all "$2" 4)" "$3"; }
{
    echo "One step; $steps updates of 64 a stage, $pairs pairs, seeds $seeds (mean, least and most), $images pictures a row. The paper's FID is CIFAR-10's, with"
    echo "networks of other sizes; its ablation is of the reflow stage, measured with RK45."
    echo
    echo '| | parameters | FD | MSE from the teacher | ms | paper |'
    echo '|---|---|---|---|---|---|'
    line "teacher" teacher 378
    line "half, reflow" half -
    line "half, distilled" half-distilled "4.53 at half the teacher's size"
    line "quarter, reflow" quarter -
    line "quarter, distilled" quarter-distilled "5.02 at 0.28 of it"
    line "full size, 2-RF" full 12.21
    line "full size, 2-RF, distilled" full-distilled 4.85
    line "CIFAR-10: neither" neither 5.84
    line "mirrored pairs" flip 5.06
    line "annealed" anneal 5.46
    line "both" both 4.51
} > "$out/slimflow.md"
echo "$out/slimflow.md"
