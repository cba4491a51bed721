#!/bin/sh
# The toy table of Constant Acceleration Flow (docs/training.md), on the pairs that bench/toy_ladder.sh left in OUT.
#   bench/toy_caf.sh STRAIT OUT [SEEDS]
# Resumable. Prints coupling MSE against the exact flow after 1, 2, 4, 8 steps: 2, 3, 5, 9 network calls.
strait=$1; out=$2; seeds=${3:-0 1 2}
for seed in $seeds; do
    pairs=$out/pairs-$seed.pairs
    for h in 0 0.5 1 1.5 2; do
        first=$out/caf-velocity-$h-$seed; second=$out/caf-$h-$seed
        [ -f "$second.json" ] && continue
        "$strait" train -q -t 1 recipes/toy-8gauss-caf-velocity.yaml data.path="$pairs" train.path_shape=$h train.seed=$((seed + 200)) --resume -o "$first" || exit 1
        "$strait" train -q -t 1 recipes/toy-8gauss-caf.yaml data.path="$pairs" train.initial="$first/model.safetensors" train.seed=$((seed + 300)) --resume \
            -o "$second" --json "$second.json" || exit 1
    done
done
for h in 0 0.5 1 1.5 2; do
    for seed in $seeds; do
        printf 'h=%s %s ' "$h" "$seed"
        tr -d ' \n' < "$out/caf-$h-$seed.json" | sed 's/.*"coupling_mse":{\([^}]*\)}.*/\1/; s/"//g'
        echo
    done
done
