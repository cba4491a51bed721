#!/bin/sh
# Round trips of real pictures, picture -> noise -> picture, by solver and number of steps: the table and the figure of docs/edit.md.
#   bench/edit_roundtrip.sh [OUT_FOLDER]        (runs/edit when not given; goes on with what is there)
# STRAIT: the program. PICTURES: of one set (32). SETS, STEPS: which to run. THREADS (1). Each set of pictures is one "seed": pictures 0.., 1000.., 2000.. of the test split.
# docs/data.md says what has to lie in data/.
set -u
out=${1:-runs/edit}
strait=${STRAIT:-build/strait} pictures=${PICTURES:-32} threads=${THREADS:-1} sets=${SETS:-fashion mnist cifar}
lpips="--lpips perceptual-squeeze-caffe --lpips-backbone data/squeezenet/squeezenet_v1.1.bin --lpips-heads data/lpips/squeeze.pth"
mkdir -p "$out" || exit 1
table=$out/roundtrip.tsv
[ -f "$table" ] || printf 'set\tsolver\tsteps\tfirst\tcalls\tpsnr\tssim\tperceptual\tlatent_sd\n' > "$table"
number() { sed -n "s/^ *\"$2\": \([-0-9.e]*\),*$/\1/p" "$1" | head -1; }

# one SET SOLVER STEPS FIRST
one() {
    grep -q "^$1	$2	$3	$4	" "$table" && return
    case $1 in
    fashion) model=models/fashion-rf.safetensors source=fashion-mnist:test ;;
    mnist) model=data/third-party/DiffusionViT.pth source=mnist:test ;;
    cifar) model=models/cifar-small.safetensors source=cifar10:test ;;
    esac
    # shellcheck disable=SC2086
    "$strait" invert -q -t "$threads" -m "$model" $source -i "$4" -b "$pictures" --steps "$3" --sampling-method "$2" $lpips --json "$out/one.json" || exit 1
    calls=$(awk "BEGIN { print $(number "$out/one.json" rows_invert) + $(number "$out/one.json" rows_reconstruct) }")
    psnr=$(awk "BEGIN { printf \"%.3f\", 10 * log(4 / ($(number "$out/one.json" mse) + 1e-30)) / log(10) }")
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$calls" "$psnr" "$(number "$out/one.json" ssim)" \
        "$(number "$out/one.json" perceptual-squeeze-caffe)" "$(number "$out/one.json" latent_deviation)" >> "$table"
}

for steps in ${STEPS:-4 6 8 11 15 22 30}; do
    for first in 0 1000 2000; do
        for solver in euler midpoint fireflow reversible; do
            for set in $sets; do one "$set" $solver "$steps" $first; done
        done
    done
done

# set, solver, steps: calls, mean of the sets of pictures and half their spread
summary() {
    awk -F '\t' 'NR > 1 { k = $1 "\t" $2 "\t" $3; n[k]++; calls[k] = $5; s[k] += $6; p[k] += $8; q[k] += $7
                          if (!(k in lo) || $6 < lo[k]) lo[k] = $6; if (!(k in hi) || $6 > hi[k]) hi[k] = $6 }
                 END { for (k in n) printf "%s\t%s\t%.2f\t%.2f\t%.4f\t%.4f\n", k, calls[k], s[k] / n[k], (hi[k] - lo[k]) / 2, q[k] / n[k], p[k] / n[k] }' "$table" |
        sort -t '	' -k1,1 -k2,2 -k3,3n
}
summary > "$out/roundtrip-mean.tsv"
awk -F '\t' 'BEGIN { print "| set | solver | steps | calls | PSNR dB (± half spread of 3 sets) | SSIM | perceptual |\n|---|---|---|---|---|---|---|" }
             { printf "| %s | %s | %s | %s | %s ± %s | %s | %s |\n", $1, $2, $3, $4, $5, $6, $7, $8 }' "$out/roundtrip-mean.tsv" > "$out/roundtrip.md"
for solver in euler midpoint fireflow reversible; do
    for set in mnist fashion cifar; do awk -F '\t' -v a=$set -v b=$solver '$1 == a && $2 == b { print $4, $5 }' "$out/roundtrip-mean.tsv" > "$out/rt-$set-$solver.dat"; done
done
echo "$out/roundtrip.md"
if command -v gnuplot > /dev/null; then gnuplot -e "out='$out'" bench/edit_roundtrip.gp && echo "$out/roundtrip.png"; fi
