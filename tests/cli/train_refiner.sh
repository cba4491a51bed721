# A refiner by recipe: its file works beside its predictor and beside no other; an interrupted run goes on to the same bytes.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/m.safetensors" height=8 width=8 channels=1 classes=2 patch=2 hidden=32 depth=1 heads=2
model dit "$here/other.safetensors" height=8 width=8 channels=1 classes=2 patch=2 hidden=48 depth=1 heads=2
cd "$here" || exit 1
mkdir -p data/a data/b
"$STRAIT" generate -q -m m.safetensors --class-label 0 -b 4 --steps 2 -o data/a/%d.png
"$STRAIT" generate -q -m m.safetensors --class-label 1 -b 4 --steps 2 -o data/b/%d.png
cat > r.yaml <<'Y'
model: {kind: unet, height: 8, width: 8, channels: 1, base: 8, multipliers: [1], blocks: 1, attention: [], classes: 2, refines: guided}
data: {name: folder, path: data}
refiner: {teacher: m.safetensors, examples: 64, every: 8, gap_least: 0.05, gap_most: 0.125, scale_least: 1, scale_most: 3}
train: {coupling: refine_walked, steps: 40, batch: 8, micro_batch: 4, lanes: 2, label_drop: 0.1, checkpoint_every: 10, log_every: 10}
Y
for way in refine_published refine_simulated refine_walked; do
    check "$way" "$STRAIT" train -q r.yaml train.coupling=$way -t 2 -o $way
done
check "info" "$STRAIT" info refine_walked/model.safetensors
"$STRAIT" train -q r.yaml -t 1 -o cut train.steps=40 > /dev/null 2>&1 &
pid=$!
for _ in $(seq 600); do ls cut/checkpoint_* > /dev/null 2>&1 && break; sleep 0.02; done
kill -INT $pid 2> /dev/null; wait $pid 2> /dev/null
check "goes on" "$STRAIT" train -q r.yaml -t 2 -o cut --resume
same "the same bytes, cut or not, by one thread or two" cut/model.safetensors refine_walked/model.safetensors
cp m.safetensors t.safetensors
check "a teacher" "$STRAIT" train -q r.yaml refiner.teacher=t.safetensors train.steps=10 -o swapped
cp other.safetensors t.safetensors
refused "another under its name" 1 "made with refiner.teacher of SHA-256" "$STRAIT" train -q r.yaml refiner.teacher=t.safetensors train.steps=10 -o swapped --resume
check "beside its predictor" "$STRAIT" generate -q -m m.safetensors --refiner refine_walked/model.safetensors --blocks H2P4R3 --cfg-scale 2 -o r.png
refused "beside another" 1 "was trained for the predictor" "$STRAIT" generate -q -m other.safetensors --refiner refine_walked/model.safetensors \
    --blocks H2P4R3 -o no.png
mixed="--sampling-method ab2 --steps 12 --profile mixed.profile"
# shellcheck disable=SC2086 # words
check "mixed walks" "$STRAIT" tune -q -m m.safetensors --refiner refine_walked/model.safetensors $mixed --refiner-cost 0.001 --policies learned --walks 4 -n 4 --held-out 2 \
    --reference-steps 24 --out tuned
check "in which it answers" grep -q '"kinds":"[01]*r' mixed.profile
# shellcheck disable=SC2086
check "pictures of one" "$STRAIT" generate -q -m m.safetensors --refiner refine_walked/model.safetensors $mixed --policy learned --policy-option calls=4.1 -b 2 -o l%d.png --json l.json
check "which it answers" sh -c '! grep -q "\"nfe_refine\": 0" l.json'
check "replay" "$STRAIT" replay -q l1.png -o again.png
same "the same picture" l1.png again.png
mkdir made && mv l0.png l1.png made
# shellcheck disable=SC2086
check "eval has it too" "$STRAIT" eval -q -m m.safetensors made --refiner refine_walked/model.safetensors $mixed --policy learned --policy-option calls=4.1 -n 2 --metrics mse --json judged.json
check "the same pictures" grep -q '"mse": 0.0' judged.json
# shellcheck disable=SC2086
refused "such a walk without it" 2 "ask the refiner" "$STRAIT" generate -q -m m.safetensors $mixed --policy learned --policy-option calls=4.1 -o no.png
# shellcheck disable=SC2086
refused "fewer calls than any walk" 2 "expected at least" "$STRAIT" generate -q -m m.safetensors --refiner refine_walked/model.safetensors $mixed --policy learned --policy-option calls=1 -o no.png
check "a refiner that nobody asks forbids no scale" "$STRAIT" generate -q -m m.safetensors --refiner refine_walked/model.safetensors --steps 2 --cfg-scale 9 -o wide.png
refused "mirrored walks" 1 "data.flip" "$STRAIT" train -q r.yaml data.flip=true -o no
check "mirrored pictures" "$STRAIT" train -q r.yaml train.coupling=refine_simulated data.flip=true train.steps=2 -o flip
refused "a gap it has not learned" 2 "trained for" "$STRAIT" generate -q -m m.safetensors --refiner refine_walked/model.safetensors --blocks H2P3R2 -o no.png
refused "a refiner by another coupling" 1 "for refiners" "$STRAIT" train -q r.yaml train.coupling=independent -o no
refused "a predictor by this coupling" 1 "for refiners" "$STRAIT" train -q r.yaml model.refines=nothing -o no
refused "no teacher" 1 "nowhere" "$STRAIT" train -q r.yaml refiner.teacher=nowhere -o no
refused "examples" 1 "multiple of train.batch" "$STRAIT" train -q r.yaml refiner.examples=63 -o no

cat > g.yaml <<'Y'
images: 3
paired: 2
seeds: 1
reference_steps: 20
grid:
  - {blocks: [H8, H2P4R2, "H4R1:4"], cfg_scale: [1, 1.5]}
Y
check "its cost" "$STRAIT" bench model -m refine_walked/model.safetensors --rows 1,2 --budget 0.01
check "compare" "$STRAIT" compare -q -m m.safetensors --refiner refine_walked/model.safetensors --grid g.yaml --out cmp --json c.json
check "refined calls are counted" grep -q '"nfe_refine"' c.json
refused "compare without the refiner" 1 "refiner" "$STRAIT" compare -q -m m.safetensors --grid g.yaml --out no
