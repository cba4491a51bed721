# Delta checkpoints: PeRFlow's difference added to a fine-tune of the same base, refused for another; PNGs of it are replayed.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/base.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
model dit "$here/stranger.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2 time_scale=999
cd "$here" || exit 1
"$STRAIT" pairs -q -m base.safetensors --steps 3 -s 7 -b 64 -o a.pairs || exit 1
cat > common.yaml <<'Y'
data: {name: pairs, path: a.pairs}
sample: {steps: 4, columns: 2}
Y
settings="kind: dit, height: 8, width: 8, channels: 1, classes: 4, patch: 2, hidden: 32, depth: 2, heads: 2"
train="steps: 4, batch: 16, micro_batch: 8, lanes: 2, dtype: f32, init: base.safetensors"
{ cat common.yaml; echo "model: {$settings}"; echo "train: {$train, coupling: stored}"; } > fine.yaml
{ cat common.yaml; echo "model: {$settings, extra: 3}"; echo "train: {$train, coupling: perflow, label_drop: 0.1}"
  echo "teacher: {model: base.safetensors, steps: 2}"; echo "windows: {count: 2}"; } > student.yaml
check "a fine-tune" "$STRAIT" train -q fine.yaml -o fine
check "a student" "$STRAIT" train -q student.yaml -o student
check "the difference" "$STRAIT" delta -q base.safetensors student/model.safetensors -o delta.safetensors --json delta.json
check "says what it is" grep -q '"command": "delta"' delta.json
gen() { "$STRAIT" generate -q -b 4 --steps 2 --class-label 1 "$@"; }
check "info of it" sh -c '"$0" info delta.safetensors | grep -q "strait.delta"' "$STRAIT"
check "added to the fine-tune" gen -m fine/model.safetensors --delta delta.safetensors -o 'sum%d.png'
check "without it" gen -m fine/model.safetensors -o 'plain%d.png'
differ "it changes the pictures" sum0.png plain0.png
check "added to the base" gen -m base.safetensors --delta delta.safetensors -o 'own%d.png'
check "replayed" "$STRAIT" replay -q sum0.png -o again.png
same "the same picture" sum0.png again.png
check "baked in" "$STRAIT" convert -q fine/model.safetensors new/folder/baked.safetensors --delta delta.safetensors
check "used as any model" gen -m new/folder/baked.safetensors -o 'baked%d.png' --disable-image-metadata
check "and with text switched off" gen -m fine/model.safetensors --delta delta.safetensors -o 'bare%d.png' --disable-image-metadata
same "the same pictures" baked3.png bare3.png
refused "another base" 1 "is a delta for base" gen -m stranger.safetensors --delta delta.safetensors -o 'x%d.png'
refused "a model as a delta" 1 "is a whole model" gen -m base.safetensors --delta fine/model.safetensors -o 'x%d.png'
refused "a delta as a model" 1 "the difference of two models" gen -m delta.safetensors -o 'x%d.png'
refused "fewer steps than windows" 2 "steps is 1, expected at least 2" gen -m base.safetensors --delta delta.safetensors --steps 1 -o 'x%d.png'
refused "no child of this teacher" 1 "expected the same base" "$STRAIT" delta -q stranger.safetensors student/model.safetensors -o x.safetensors
refused "no place for it" 2 "output" "$STRAIT" delta -q base.safetensors student/model.safetensors
