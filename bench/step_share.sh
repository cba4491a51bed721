#!/bin/sh
# What of a guided step is not the network: instructions of a walk of one Heun and one pseudo-corrector step (valgrind, which does not know
# AVX-512), by function. docs/flowturbo.md says what came out.
#   bench/step_share.sh STRAIT OUT [MODEL.safetensors ...]
# Without a model: the Fashion-MNIST U-Net, and an untrained DiT-S/2 for 32x32x3, made with one step of training on CIFAR-10.
strait=$1; out=$2; shift 2
mkdir -p "$out" || exit 1
if [ $# = 0 ]; then
    dit=$out/dit-s.safetensors
    if [ ! -f "$dit" ]; then
        cat > "$out/dit-s.yaml" <<'YAML'
model: {kind: dit, height: 32, width: 32, channels: 3, patch: 2, depth: 12, hidden: 384, heads: 6, classes: 10}
data: {name: cifar10}
train: {steps: 1, batch: 1, micro_batch: 1, lanes: 1}
YAML
        "$strait" train -q -t 1 "$out/dit-s.yaml" -o "$out/dit-s" sample.steps=1 && cp "$out/dit-s/model.safetensors" "$dit" && rm -r "$out/dit-s" || exit 1
    fi
    set -- models/fashion-rf.safetensors "$dit"
fi
for model; do
    STRAIT_CPU=avx2 valgrind -q --tool=callgrind --callgrind-out-file="$out/callgrind" "$strait" generate -m "$model" --blocks H1P1 --cfg-scale 1.5 -t 1 -q \
        -o "$out/picture.png" || exit 1
    printf '%s\n' "$model"
    callgrind_annotate --inclusive=yes --auto=no --threshold=100 "$out/callgrind" | awk '
        function count(n) { gsub(",", "", n); return n + 0 }
        /:rf__exec_run / { network = count($1) }
        /guidance.c:cfg_combine / { guidance = count($1) }
        /blocks.c:accept / { update += count($1) }
        /blocks.c:next / { update += count($1) }
        /trajectory.c:rf__trajectory_answer / { flow += count($1) }
        /trajectory.c:rf__trajectory_ask / { flow += count($1) }
        /trajectory.c:rf__trajectory_place / { flow += count($1) }
        END {
            printf "network, three answers of two rows %d\n", network
            printf "guidance %d = %.4f %%\nnew x %d = %.4f %%\n", guidance, 100 * guidance / network, update, 100 * update / network
            printf "all of the walk beside the network %d = %.4f %%\n", flow, 100 * flow / network
        }'
done
