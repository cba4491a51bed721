#!/bin/sh
# Class-to-class edits of real test pictures: does the judge see the target, and how much of the source is left inside and outside of the
# region where an edit may be expected, at about equal network rows and at three times as many.
#   bench/edit_compare.sh [OUT_FOLDER]        (runs/edit when not given; goes on with what is there)
# STRAIT: the program. SETS. GROUP (32): pictures of one run; FIRSTS (0 32 64): where the groups begin. SEEDS (42 1042 2042): of methods that
# draw noise; the others take the first. METHODS: only these labels, separated by spaces. DTYPE (bf16), THREADS (1).
# MNIST_JUDGE: a classifier of recipes/mnist-classifier.yaml. docs/data.md says what has to lie in data/.
set -u
out=${1:-runs/edit}
strait=${STRAIT:-build/strait} group=${GROUP:-32} firsts=${FIRSTS:-0 32 64} seeds=${SEEDS:-42 1042 2042}
dtype=${DTYPE:-bf16} threads=${THREADS:-1} sets=${SETS:-mnist fashion cifar}
name=perceptual-squeeze-caffe
lpips="--lpips $name --lpips-backbone data/squeezenet/squeezenet_v1.1.bin --lpips-heads data/lpips/squeeze.pth"
mkdir -p "$out" || exit 1
table=$out/compare.tsv json=$out/edit.json
[ -f "$table" ] || printf 'set\tmethod\tfirst\tseed\trows\ttarget\tmse\tssim\tperceptual\tmse in\tssim in\tperceptual in\tmse out\tssim out\tperceptual out\tshare\n' > "$table"
# number SECTION KEY: of the report
number() { sed -n "/\"$1\": {/,/}/s/^ *\"$2\": \([-0-9.e]*\),*$/\1/p" "$json" | head -1; }
any() { sed -n "s/^ *\"$1\": \([-0-9.e]*\),*$/\1/p" "$json" | tail -1; }
marks() { printf '\t%s\t%s\t%s' "$(number "$1" mse)" "$(number "$1" ssim)" "$(number "$1" "$name")"; }

# one METHOD SEED FLAGS...: all groups of $set, by $model, $source, $offset, $judge
one() {
    method=$1 seed=$2; shift 2
    case " ${METHODS:-$method} " in *" $method "*) ;; *) return ;; esac
    for first in $firsts; do
        grep -q "^$set	$method	$first	$seed	" "$table" && continue
        # Picture k of a run has seed + k: so that a group is a part of one long run.
        # shellcheck disable=SC2086
        "$strait" edit -q -t "$threads" --dtype "$dtype" -m "$model" $source -i "$first" -b "$group" -s $((seed + first)) $offset $judge $lpips \
            --side "$out/$set-$method-$first-$seed.png" --zoom 2 --json "$json" "$@" || exit 1
        printf '%s\t%s\t%s\t%s\t%s\t%s%s%s%s\t%s\n' "$set" "$method" "$first" "$seed" "$(any rows)" "$(any target_accuracy)" "$(marks kept)" \
            "$(marks inside)" "$(marks outside)" "$(any share)" >> "$table"
    done
}

# Methods that draw no noise have one seed.
fixed() { label=$1; shift; one "$label" "${seeds%% *}" "$@"; }
drawn() { label=$1; shift; for s in $seeds; do one "$label" "$s" "$@"; done; }

for set in $sets; do
    case $set in
    mnist) model=data/third-party/DiffusionViT.pth source=mnist:test offset="--class-offset 1 --region object"
        judge="--judge ${MNIST_JUDGE:-runs/mnist-classifier-f32/model.safetensors}" ;;
    fashion) model=models/fashion-rf.safetensors source=fashion-mnist:test offset="--class-offset 2 --region object"
        judge="--judge models/fashion-classifier.safetensors" ;;
    cifar) model=models/cifar-small.safetensors source=cifar10:test offset="--class-offset 2 --region occlusion"
        judge="--judge-net resnet56 --judge data/resnet/resnet56-4bfd9763.th" ;;
    esac
    cfg="--cfg-scale 2"
    # about 27 rows a picture
    fixed fireflow-8 --strategy fireflow --steps 8 $cfg
    fixed rf_solver-4 --strategy rf_solver --steps 4 $cfg
    drawn rf_inversion-14 --strategy rf_inversion --steps 14
    drawn flowedit-9 --strategy flowedit --steps 9 $cfg
    drawn sdedit-13 --strategy sdedit --steps 13 $cfg
    fixed reversible-9 --strategy reversible --steps 9 $cfg
    # three times as many rows
    fixed rf_solver-15 --strategy rf_solver --steps 15 $cfg
    # other strengths of the methods that have one
    drawn flowedit-9-0.9 --strategy flowedit --steps 9 $cfg --strength 0.9
    drawn sdedit-13-0.85 --strategy sdedit --steps 13 $cfg --strength 0.85
    drawn rf_inversion-14-eta-0.5 --strategy rf_inversion --steps 14 --eta 0.5
    # features handed over
    fixed fireflow-8-inject-2 --strategy fireflow --steps 8 $cfg --inject 2
    fixed fireflow-8-inject-4 --strategy fireflow --steps 8 $cfg --inject 4
    fixed rf_solver-15-inject-4 --strategy rf_solver --steps 15 $cfg --inject 4
done
awk -f bench/edit_compare.awk "$table" > "$out/compare.md" && echo "$out/compare.md"
