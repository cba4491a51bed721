#!/bin/sh
# Coarse to fine against one size: the re-noising time swept, distance to the data and seconds, as a table and a figure (docs/flowturbo.md).
#   bench/stages_sweep.sh STRAIT MODEL.safetensors OUT [UPSAMPLER]        for the network of recipes/emoji-dit.yaml, on a quiet machine
# TIMES of re-noising, PICTURES a group (500), SEEDS ("0 100000 200000"), THREADS (0: all). Goes on with what is there. SqueezeNet in data/squeezenet (docs/data.md).
# The judge is the authors' Caffe SqueezeNet (512 features): FD between the pictures and the training set (statistics made once), KID with the test set.
# The coarse stage is the whole walk at half the side; the fine one goes on from `a` with steps of 1/16, so that a larger `a` costs less.
set -u
strait=$1; model=$2; out=$3; upsampler=${4:-bicubic}
times=${TIMES:-0.5 0.5625 0.625 0.6875 0.75 0.8125 0.875 0.9375 0.984375} # the last leaves the fine network next to nothing
pictures=${PICTURES:-500}; seeds=${SEEDS:-0 100000 200000}; threads=${THREADS:-0}
judge="--extractor squeezenet-caffe --extractor-weights data/squeezenet/squeezenet_v1.1.bin"
mkdir -p "$out" || exit 1
table=$out/table.tsv
[ -f "$table" ] || printf 'row\ta\tgroup\tcalls\tseconds\tfd\tkid\n' > "$table"
number() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1" | head -1; }

# shellcheck disable=SC2086
[ -f "$out/data.npz" ] || "$strait" eval -q -t "$threads" emoji:train $judge --save-stats "$out/data.npz" > /dev/null || exit 1

# one ROW A SEED FLAGS...: seconds are those of one picture
one() {
    row=$1; a=$2; seed=$3; shift 3
    grep -q "^$row	$a	$seed	" "$table" && return
    rm -rf "$out/pictures"
    "$strait" generate -q -t "$threads" -m "$model" --dtype bf16 --batch-size 16 -s "$seed" -b "$pictures" "$@" --json "$out/made.json" -o "$out/pictures/%d.png" || exit 1
    # shellcheck disable=SC2086
    "$strait" eval -q -t "$threads" "$out/pictures" "$out/data.npz" $judge --measures fd --json "$out/fd.json" > /dev/null || exit 1
    # shellcheck disable=SC2086
    "$strait" eval -q -t "$threads" "$out/pictures" emoji:test $judge --measures kid --kid-subset-size 250 --json "$out/kid.json" > /dev/null || exit 1
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$row" "$a" "$seed" "$(number "$out/made.json" nfe_full)" \
        "$(awk "BEGIN { print $(number "$out/made.json" seconds) / $pictures }")" "$(number "$out/fd.json" frechet_distance)" \
        "$(number "$out/kid.json" kernel_distance_mean)" >> "$table"
}

for seed in $seeds; do
    for blocks in H1P15 H1P7 H1P3; do one "$blocks" 0 "$seed" --blocks $blocks; done
    for a in $times; do
        steps=$(awk "BEGIN { print int(16 * (1 - $a) + 0.5) }")
        if [ "$steps" -gt 1 ]; then fine=H1P$((steps - 1)); else fine=H1; fi
        printf 'stages:\n  - {resolution: 32, to: 1, blocks: H1P15}\n  - {from: %s, blocks: %s, upsampler: %s}\n' "$a" "$fine" "$upsampler" > "$out/stages.yaml"
        one stages "$a" "$seed" --stages "$out/stages.yaml"
    done
done

# row, a: calls, then seconds, FD and KID as mean and half the spread of the groups
awk -F '\t' 'NR > 1 { k = $1 "\t" $2; if (!n[k]++) order[++rows] = k; calls[k] = $4 / '"$pictures"'
                      for (i = 5; i <= 7; i++) { s[k, i] += $i; if (n[k] == 1 || $i < lo[k, i]) lo[k, i] = $i; if (n[k] == 1 || $i > hi[k, i]) hi[k, i] = $i } }
    END { for (r = 1; r <= rows; r++) { k = order[r]; printf "%s\t%g", k, calls[k]
              for (i = 5; i <= 7; i++) printf "\t%.5g\t%.2g", s[k, i] / n[k], (hi[k, i] - lo[k, i]) / 2
              print "" } }' "$table" > "$out/mean.tsv"
printf 'row\ta\tcalls a picture\tseconds\t+-\tFD\t+-\tKID\t+-\n'; cat "$out/mean.tsv"
grep '^stages' "$out/mean.tsv" > "$out/stages.dat"; grep -v '^stages' "$out/mean.tsv" > "$out/single.dat"
gnuplot -e "out='$out'" bench/stages_sweep.gp && echo "$out/stages.png"
