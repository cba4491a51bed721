#!/bin/sh
# Class-to-class edits of real test pictures: does the judge see the target, and how much of the source is left, at about equal network rows.
#   bench/edit_compare.sh [OUT_FOLDER]        (runs/edit when not given; goes on with what is there)
# STRAIT: the program. PICTURES (96) of each set, SETS, THREADS (1). MNIST_JUDGE: a classifier of recipes/mnist-classifier.yaml.
set -u
out=${1:-runs/edit}
strait=${STRAIT:-build/strait} pictures=${PICTURES:-96} threads=${THREADS:-1} sets=${SETS:-mnist fashion cifar}
shared=${STRAIT_SHARED:-../shared}/data
w=$shared/weights
lpips="--lpips perceptual-squeeze-caffe --lpips-backbone $w/squeezenet-v1.1-fp16/squeezenet_v1.1.bin --lpips-heads $w/lpips-heads/squeeze.pth"
mkdir -p "$out" || exit 1
table=$out/compare.tsv
[ -f "$table" ] || printf 'set\tmethod\trows\tpictures\ttarget\tpsnr\tssim\tperceptual\n' > "$table"
number() { sed -n "/\"kept\"/,\$s/^ *\"$2\": \([-0-9.e]*\),*$/\1/p" "$1" | head -1; }
any() { sed -n "s/^ *\"$2\": \([-0-9.e]*\),*$/\1/p" "$1" | tail -1; }

# one NAME FLAGS...: on the set of $set, $model, $source, $judge
one() {
    name=$1; shift
    grep -q "^$set	$name	" "$table" && return
    # shellcheck disable=SC2086
    "$strait" edit -q -t "$threads" -m "$model" "$source" -b "$pictures" $offset $judge $lpips --side "$out/$set-$name.png" --zoom 2 --json "$out/edit.json" "$@" || return
    printf '%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t%s\n' "$set" "$name" "$(any "$out/edit.json" rows)" "$pictures" "$(any "$out/edit.json" target_accuracy)" \
        "$(awk "BEGIN { print 10 * log(4 / $(number "$out/edit.json" mse)) / log(10) }")" "$(number "$out/edit.json" ssim)" \
        "$(number "$out/edit.json" perceptual-squeeze-caffe)" >> "$table"
}

for set in $sets; do
    case $set in
    mnist) model=$w/mnist-flow-vit/DiffusionViT.pth source=mnist:test offset="--class-offset 1" judge="--judge ${MNIST_JUDGE:-runs/mnist-classifier/model.safetensors}" ;;
    fashion) model=models/fashion-rf.safetensors source=fashion-mnist:test offset="--class-offset 2" judge="--judge models/fashion-classifier.safetensors" ;;
    cifar) model=models/cifar-small.safetensors source=cifar10:test offset="--class-offset 2" judge="--judge-net resnet56 --judge $w/cifar10-resnet/resnet56-4bfd9763.th" ;;
    esac
    cfg="--cfg-scale 2"
    # about 27 rows a picture
    one fireflow-8 --strategy fireflow --steps 8 $cfg
    one rf_solver-4 --strategy rf_solver --steps 4 $cfg
    one rf_inversion-14 --strategy rf_inversion --steps 14
    one flowedit-9 --strategy flowedit --steps 9 $cfg
    one sdedit-13 --strategy sdedit --steps 13 $cfg
    one reversible-9 --strategy reversible --steps 9 $cfg
    one fireflow-8-inject-2 --strategy fireflow --steps 8 $cfg --inject 2
    one fireflow-8-inject-4 --strategy fireflow --steps 8 $cfg --inject 4
    # three times as many rows
    one rf_solver-15 --strategy rf_solver --steps 15 $cfg
    one rf_solver-15-inject-4 --strategy rf_solver --steps 15 $cfg --inject 4
    # other strengths of the methods that have one
    one flowedit-9-0.9 --strategy flowedit --steps 9 $cfg --strength 0.9
    one sdedit-13-0.85 --strategy sdedit --steps 13 $cfg --strength 0.85
    one rf_inversion-14-eta-0.5 --strategy rf_inversion --steps 14 --eta 0.5
done
awk -F '\t' 'NR == 1 { print "| set | method and steps | rows | pictures | target class | PSNR to source | SSIM | perceptual |\n|---|---|---|---|---|---|---|---|"; next }
             { printf "| %s | %s | %.0f | %s | %.0f %% | %s | %.3f | %.3f |\n", $1, $2, $3, $4, 100 * $5, $6, $7, $8 }' "$table" > "$out/compare.md"
echo "$out/compare.md"
