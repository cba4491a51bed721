# One network trained at two sizes of picture: resumed in the middle of a turn it is the same, from any number of threads; and it walks through both sizes.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/start.safetensors" height=16 width=16 depth=1 channels=3 classes=0 patch=4 hidden=32 heads=2
cd "$here" || exit 1
mkdir pictures
check "pictures" "$STRAIT" generate -q -m start.safetensors --steps 1 -b 6 -o pictures/%d.png
cat > r.yaml <<'YAML'
model: {kind: dit, height: 16, width: 16, channels: 3, patch: 4, depth: 1, hidden: 32, heads: 2}
data: {name: folder, path: pictures, resolutions: [8, 8, 16]}
train: {steps: 7, batch: 8, micro_batch: 4, lanes: 2, log_every: 1, checkpoint_every: 4, schedule: constant}
sample: {steps: 1, columns: 1}
YAML
check "seven steps" "$STRAIT" train -q -t 2 r.yaml -o whole
check "four of them" "$STRAIT" train -q -t 1 r.yaml -o parts train.steps=4
check "and three" "$STRAIT" train -q -t 1 r.yaml -o parts --resume
weights() { "$STRAIT" generate -q -m "$1/model.safetensors" --steps 2 -b 2 --disable-image-metadata -o "$1-%d.png"; }
check "a picture of it" weights whole
check "a picture of the other" weights parts
same "resumed is the same" whole/model.safetensors parts/model.safetensors
same "and draws the same" whole-1.png parts-1.png
check "other sizes make another network" "$STRAIT" train -q -t 1 r.yaml -o own "data.resolutions=[]"
differ "other sizes change it" whole/model.safetensors own/model.safetensors
printf 'stages:\n  - {resolution: 8, to: 0.8, blocks: H2P2}\n  - {from: 0.7, blocks: P2}\n' > s.yaml
check "a walk through both sizes" "$STRAIT" generate -q -m whole/model.safetensors --stages s.yaml -o coarse.png
sed -i 's/dit/unet/; s/, patch.*/}/' r.yaml
refused "a network of one size" 1 "fit one size" "$STRAIT" train -q r.yaml -o no
