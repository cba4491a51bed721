#!/bin/sh
# strait eval: sources against each other, statistics, a model, a flow, protocols, and wrong input.
here=$(mktemp -d)
. tests/cli/common.inc
tree=$PWD
model dit "$here/dit.safetensors" height=28 width=28 channels=1 classes=4 patch=4 hidden=32 depth=2 heads=2
model classifier "$here/other.safetensors" height=28 width=28 channels=1 classes=10
judge="--extractor classifier --extractor-weights $tree/models/fashion-classifier.safetensors"
cd "$here" || exit 1
generate() { "$STRAIT" generate -q -m dit.safetensors "$@"; }
# shellcheck disable=SC2086 # judge is words
features() { "$STRAIT" eval -q $judge "$@"; }
value() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"; } # FILE KEY
near() { # NAME A B RELATIVE
    if awk -v a="$2" -v b="$3" -v r="$4" 'BEGIN { d = a - b; if (d < 0) d = -d; s = b < 0 ? -b : b; exit !(a != "" && b != "" && s > 0 && d <= r * s + 1e-12) }'
    then ok "$1"; else not_ok "$1" "$2 against $3"; fi
}
mkdir slow fast
check "pictures" generate -b 24 --steps 8 -o slow/%02d.png
check "the same seeds with fewer steps" generate -b 24 --steps 2 -o fast/%02d.png

check "pairs of two folders" "$STRAIT" eval -q fast slow --metrics mse,psnr,ssim --json pairs.json
near "psnr goes with mse, within Jensen" "$(value pairs.json psnr)" "$(awk -v m="$(value pairs.json mse)" 'BEGIN { print 10 * log(4 / m) / log(10) }')" 0.1
check "a folder against itself" "$STRAIT" eval -q slow slow --metrics psnr,ssim --json same.json
[ "$(value same.json equal_pairs)" = 24.0 ] && grep -q '"psnr": null' same.json && ok "equal pairs have no psnr" || not_ok "equal pairs have no psnr" "$(head -4 same.json)"

check "features of two folders" features fast slow --metrics fd,kid,prc,isc --json folders.json
check "a model makes the same pictures" features -m dit.safetensors slow --steps 2 -n 24 --metrics fd,kid,prc,isc --json model.json
for key in frechet_distance kernel_distance_mean precision coverage class_score_mean; do
    near "model and folder agree: $key" "$(value model.json $key)" "$(value folders.json $key)" 1e-12
done
same_rows() { [ "$(sed -n '/"made"/,/}/s/.*rows_sha256": "\(.*\)".*/\1/p' "$1")" = "$(sed -n '/"made"/,/}/s/.*rows_sha256": "\(.*\)".*/\1/p' "$2")" ]; }
check "and the protocol says that they are the same bytes" same_rows model.json folders.json
check "a checkpoint in a source's place" features dit.safetensors slow --steps 2 -n 24 --json place.json
near "is the model" "$(value place.json frechet_distance)" "$(value model.json frechet_distance)" 1e-12
check "two classes of a model" features dit.safetensors slow --steps 2 -n 24 --class-label 0,2 --json classes.json
check "a model against itself" features dit.safetensors dit.safetensors --steps 2 -n 24 --reference-count 24 --metrics fd,kid,prc --json self.json
[ "$(value self.json precision)" = 1.0 ] && ok "is precise" || not_ok "is precise" "$(head -8 self.json)"
check "other threads and batches" features -m dit.safetensors slow --steps 2 -n 24 --metrics fd,kid,prc,isc --json again.json -t 1 --batch-size 5
sed '/"timing"/,$d' model.json > a; sed '/"timing"/,$d' again.json > b
same "give the same report" a b
grep -q '"nfe": 2.0' model.json && ok "the protocol counts network answers" || not_ok "the protocol counts network answers"

check "statistics of one folder" features fast --save-stats fast.npz
check "statistics of the other" features slow --save-stats slow.npz
check "a folder against statistics" features fast slow.npz --json stats.json
near "the same distance" "$(value stats.json frechet_distance)" "$(value folders.json frechet_distance)" 1e-9
check "statistics against statistics" features fast.npz slow.npz --json both.json
near "the same distance again" "$(value both.json frechet_distance)" "$(value folders.json frechet_distance)" 1e-9
grep -q '"source": "folder"' both.json && ok "statistics remember what they are of" || not_ok "statistics remember what they are of"
check "pictures of an npz" "$STRAIT" eval -q "$tree/tests/golden/pictures.npz" "$tree/tests/golden/pictures.npz" --metrics psnr --json npz.json
[ "$(value npz.json equal_pairs)" = 5.0 ] && ok "all of them" || not_ok "all of them" "$(cat npz.json)"
check "noise has the size of the other side" features noise slow -n 30 --json noise.json

check "a toy network" "$STRAIT" train -q "$tree/recipes/toy-8gauss-rf.yaml" train.steps=6000 -o toy
check "a flow and its coupling" "$STRAIT" eval -q -m toy/model.safetensors 8gauss --steps 20 -n 2000 --flow-samples 4000 \
    --metrics straightness,coupling-mse,swd,energy --json flow.json
near "S + V is what the coupling loses" "$(awk -v s="$(value flow.json straightness)" -v v="$(value flow.json crossing)" 'BEGIN { print s + v }')" \
    "$(awk -v a="$(value flow.json coupling_cost)" -v b="$(value flow.json flow_cost)" 'BEGIN { print a - b }')" 0.02
near "S is that of the exact flow" "$(value flow.json straightness)" 2.869 0.05
near "its error after one step" "$(value flow.json coupling_mse_1)" 15.7 0.1

check "equal protocols" "$STRAIT" eval --explain model.json again.json
grep -q "equal" out && ok "are said to be equal" || not_ok "are said to be equal" "$(cat out)"
check "a model against a folder" "$STRAIT" eval --explain model.json folders.json --json explain.json
grep -q '"comparable": true' explain.json && ok "other pictures, the same measure" || not_ok "other pictures, the same measure" "$(cat explain.json)"
check "fewer pictures" features -m dit.safetensors slow --steps 2 -n 20 --json fewer.json
check "against more" "$STRAIT" eval --explain fewer.json folders.json
grep -q "made.count *\[matters\]" out && grep -q "cannot be compared" out && ok "cannot be compared" || not_ok "cannot be compared" "$(cat out)"
rm -f out err

refused "nothing to judge" 2 "nothing to judge" "$STRAIT" eval
refused "unknown measure" 2 "fd, kid" "$STRAIT" eval fast slow --metrics fdd
refused "a measure twice" 2 "twice" "$STRAIT" eval fast slow --metrics mse,mse
refused "unknown extractor" 2 "extractor" "$STRAIT" eval fast slow --extractor vg16
refused "no extractor" 2 "--extractor is not given" "$STRAIT" eval fast slow
refused "no weights" 2 "--extractor-weights" "$STRAIT" eval fast slow --extractor classifier
refused "no reference" 2 "second one" features fast
refused "absent source" 1 "no source of pictures" features fast nowhere
refused "absent weights" 1 "none.th" "$STRAIT" eval fast slow --extractor resnet20 --extractor-weights none.th
refused "too many wanted" 2 "has 24 pictures" features fast slow -n 25
refused "pairs without partners" 2 "partner" "$STRAIT" eval fast noise --metrics mse --reference-count 3
refused "statistics have no pictures" 2 "only mu and sigma" features fast slow.npz --metrics kid
refused "a flow without a model" 2 "expected --model" "$STRAIT" eval fast slow --metrics straightness
refused "lpips without its network" 2 "--lpips is not given" "$STRAIT" eval fast slow --metrics lpips
refused "lpips without its files" 2 "--lpips-heads" "$STRAIT" eval fast slow --metrics lpips --lpips lpips-alex
refused "pairs with what a model makes" 2 "rows of the reference" "$STRAIT" eval fast dit.safetensors --metrics mse
mkdir -p two/a two/b && cp slow/00.png two/a && cp slow/01.png two/b
# shellcheck disable=SC2086
refused "accuracy by a judge of other classes" 2 "2 classes apart" "$STRAIT" eval -q $judge two slow --metrics accuracy
rm -r two
refused "statistics of another extractor" 1 "made with weights" "$STRAIT" eval fast slow.npz --extractor classifier --extractor-weights other.safetensors
refused "sizes that differ" 1 "28x28" "$STRAIT" eval fast "$tree/tests/golden/pictures.npz" --metrics mse
refused "a report that is none" 1 "no protocol" "$STRAIT" eval --explain explain.json folders.json
refused "one report" 2 "B.json" "$STRAIT" eval --explain explain.json
printf 'PK\003\004' > broken.npz
refused "a broken npz" 1 "broken.npz" features fast broken.npz
refused "a refiner without a model" 2 "--refiner is given" "$STRAIT" eval fast slow --metrics mse --refiner nope
refused "steps without a model" 2 "--steps is given" "$STRAIT" eval fast slow --metrics mse --steps 9 --policy hold
check "a seed without a model" "$STRAIT" eval -q fast slow --metrics mse -s 9
# Four pictures of 0x8 pixels.
echo UEsDBBQAAAAIAAAAIQD3MFecTAAAAIAAAAAFAAAAYS5ucHmb7BfqGxDJyFDGUK2eklqcXKRupaBeU2qorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RomOgoGOgoWOgqGmjoKtQpkAC4AUEsBAhQDFAAAAAgAAAAhAPcwV5xMAAAAgAAAAAUAAAAAAAAAAAAAAIABAAAAAGEubnB5UEsFBgAAAAABAAEAMwAAAG8AAAAAAA== | base64 -d > flat.npz
refused "pictures without pixels" 1 "8x0 pixels" "$STRAIT" eval flat.npz slow --metrics mse
mkdir empty
refused "an empty folder" 1 "no PNG or JPEG" features fast empty
