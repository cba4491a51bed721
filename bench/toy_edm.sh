#!/bin/sh
# A diffusion model as the teacher (docs/training.md): a network in EDM's form, trained at EDM's noises, then its pairs, and a 2-RF of the same form from
# its weights and from random ones.
#   bench/toy_edm.sh STRAIT OUT [SEEDS]        resumable; prints coupling MSE against the exact flow
strait=$1; out=$2; seeds=${3:-0 1 2}
form="model.form=edm model.sigma_data=2.84" # of one coordinate of the 8 Gaussians
mkdir -p "$out" || exit 1
# trained NAME RECIPE SETTINGS...
trained() {
    run=$out/$1-$seed recipe=$2; shift 2
    # shellcheck disable=SC2086 # settings are words
    [ -f "$run.json" ] || "$strait" train -q -t 1 "recipes/$recipe.yaml" $form "$@" --resume -o "$run" --json "$run.json" || exit 1
}
for seed in $seeds; do
    one=$out/edm-$seed/model.safetensors
    trained edm toy-8gauss-rf train.time=logit_normal train.time_shape=1.2 "train.seed=$seed"
    "$strait" pairs -q -t 1 -m "$one" -b 50000 --batch-size 1024 --sampling-method rk4 --steps 32 -s $((seed * 1000000)) -o "$out/pairs-$seed.pairs" || exit 1
    for from in "" "$one"; do
        trained "2rf-from-${from:+teacher}" toy-8gauss-2rf "data.path=$out/pairs-$seed.pairs" "train.init=$from" train.time=exponential "train.seed=$((seed + 100))"
    done
done
for name in edm 2rf-from- 2rf-from-teacher; do
    for seed in $seeds; do
        printf '%s %s ' "$name" "$seed"
        tr -d ' \n"' < "$out/$name-$seed.json" | sed 's/.*coupling_mse:{\([^}]*\)}.*/\1/'
        echo
    done
done
