#!/bin/sh
# The range of gaps a refiner is trained for: refiners of the Fashion-MNIST model trained equally long for four ranges, and rows whose steps lie in
# all of them (docs/flowturbo.md). The published table has (FID of H6R2/H9R3/H12R5) (0,.1] 3.58/2.73/2.53, (0,.12] 3.55/2.65/2.54,
# (0,.2] 4.48/2.93/2.64, [.06,.12] 3.36/2.62/2.89; here a step outside the trained range is refused, so the rows have 10, 12 and 16 steps.
#   bench/refiner_dt.sh STRAIT OUT            resumable
# STEPS of each training (1000), IMAGES a row and group (500), SEEDS (3), THREADS (0: all), SCALE of guidance (1.5).
# COUPLING: refine_simulated, where a gap is drawn evenly from the range; refine_walked takes 1/N of the sampler's own walks.
set -u
strait=$1; out=$2
steps=${STEPS:-1000}; images=${IMAGES:-500}; seeds=${SEEDS:-3}; threads=${THREADS:-0}; scale=${SCALE:-1.5}; coupling=${COUPLING:-refine_simulated}
mkdir -p "$out" || exit 1
cat > "$out/grid.yaml" <<YAML
images: $images
paired: 64
seeds: $seeds
reference_solver: heun
reference_steps: 100
controls: false
data: fashion-mnist
split: test
extractor: classifier
extractor_weights: models/fashion-classifier.safetensors
grid:
  - {blocks: [H8R2, H9R3, H12R4], cfg_scale: $scale, dtype: bf16}
YAML
for range in "0 0.1" "0 0.12" "0 0.2" "0.06 0.12"; do
    least=${range% *}; most=${range#* }; run=$out/$coupling-$least-$most
    [ -f "$run/model.safetensors" ] ||
        "$strait" train -q -t "$threads" recipes/refiner-fashion.yaml refiner.gap_least="$least" refiner.gap_most="$most" train.coupling="$coupling" \
            train.steps="$steps" --resume -o "$run" || exit 1
    [ -f "$run/compare.json" ] ||
        "$strait" compare -q -t "$threads" -m models/fashion-rf.safetensors --refiner "$run/model.safetensors" --grid "$out/grid.yaml" --out "$run" > "$run/table.txt" || exit 1
    printf '\ngaps %s .. %s\n' "$least" "$most"
    cat "$run/table.txt"
done
