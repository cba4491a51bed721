#!/bin/sh
# The toy tables of reflow, rf++ and Simple ReFlow (docs/training.md): 1-RF, its pairs, 2-RF under one changed setting at a time, and a second reflow.
#   bench/toy_ladder.sh STRAIT OUT [SEEDS]
# Resumable: a run whose report is there is not made again. Prints coupling MSE against the exact flow, and S and V of each network.
strait=$1; out=$2; seeds=${3:-0 1 2}
mkdir -p "$out" || exit 1
for seed in $seeds; do
    one=$out/rf-$seed
    [ -f "$one.json" ] || "$strait" train -q -t 1 recipes/toy-8gauss-rf.yaml train.seed=$seed evaluate.crossing=2000 --resume -o "$one" --json "$one.json" || exit 1
    "$strait" pairs -q -t 1 -m "$one/model.safetensors" -b 50000 --batch-size 1024 --sampling-method rk4 --steps 32 -s $((seed * 1000000)) \
        -o "$out/pairs-$seed.pairs" || exit 1
    while read -r name settings; do
        two=$out/$name-$seed
        # shellcheck disable=SC2086 # settings are words
        [ -f "$two.json" ] || "$strait" train -q -t 1 recipes/toy-8gauss-2rf.yaml data.path="$out/pairs-$seed.pairs" \
            train.init="$one/model.safetensors" train.seed=$((seed + 100)) evaluate.crossing=2000 $settings --resume -o "$two" --json "$two.json" || exit 1
    done <<EOF
scratch train.init=
init
cosh train.time=cosh
exponential train.time=exponential
huber train.time=cosh train.loss=pseudo_huber train.loss_shape=0.03
sample train.normalise=sample
exponential-sample train.time=exponential train.normalise=sample
time train.normalise=time
data train.target=data
EOF
    two=$out/exponential-$seed three=$out/again-$seed
    "$strait" pairs -q -t 1 -m "$two/model.safetensors" -b 50000 --batch-size 1024 --sampling-method rk4 --steps 32 -s $((seed * 1000000 + 500000)) \
        -o "$out/pairs-again-$seed.pairs" || exit 1
    [ -f "$three.json" ] || "$strait" train -q -t 1 recipes/toy-8gauss-2rf.yaml data.path="$out/pairs-again-$seed.pairs" train.init="$two/model.safetensors" \
        train.seed=$((seed + 400)) train.time=exponential evaluate.crossing=2000 --resume -o "$three" --json "$three.json" || exit 1
done
for name in rf scratch init cosh exponential huber sample exponential-sample time data again; do
    for seed in $seeds; do
        printf '%s %s ' "$name" "$seed"
        tr -d ' \n' < "$out/$name-$seed.json" | sed 's/.*"coupling_mse":{\([^}]*\)}\(.*"straightness":{\("S":[^,]*,"V":[^,]*\),\)*.*/\1 \3/; s/"//g'
        echo
    done
done
