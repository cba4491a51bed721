# The adversarial stage of Constant Acceleration Flow: both networks go on where a killed run stopped, on any number of threads; what does not fit is refused.
here=$(mktemp -d)
. tests/cli/common.inc
small="height=8 width=8 channels=1 classes=4 patch=2 hidden=16 depth=1 heads=2"
# shellcheck disable=SC2086 # words
model dit "$here/first.safetensors" $small
model classifier "$here/judge.safetensors" height=8 width=8 channels=1 classes=4 base=8
cd "$here" || exit 1
check "pairs" "$STRAIT" pairs -q -m first.safetensors --steps 2 -b 32 -o a.pairs
for class in 0 1 2 3; do
    mkdir -p "real/$class"
    "$STRAIT" generate -q -m first.safetensors --steps 4 -s $((100 * class + 7)) -c $class -b 4 -o "real/$class/%d.png" || exit 1
done
cat > gan.yaml <<END
model: {kind: dit, height: 8, width: 8, channels: 1, classes: 4, patch: 2, hidden: 16, depth: 1, heads: 2, refines: plain}
data: {name: pairs, path: a.pairs}
adversary: {features: classifier, file: judge.safetensors, data: folder, path: real}
train: {initial: first.safetensors, path: caf_acceleration, coupling: stored, time: nodes, time_shape: 2, steps: 24, batch: 16, micro_batch: 4, lanes: 2, dtype: f32, checkpoint_every: 4}
END
check "both networks learn" "$STRAIT" train -q gan.yaml -o whole -t 1 --json report.json
check "the report has the discriminator's loss" grep -q '"adversary"' report.json
killed_at parts/checkpoint_000000008.safetensors "$STRAIT" train -q gan.yaml -o parts -t 2
check "gone on with after a kill" "$STRAIT" train -q gan.yaml -o parts -t 1 --resume
same "the same network" whole/model.safetensors parts/model.safetensors
same "and the same discriminator" whole/checkpoint_000000024.safetensors parts/checkpoint_000000024.safetensors
check "without the adversary" "$STRAIT" train -q gan.yaml adversary.features= -o without -t 1
check "without it, on two threads" "$STRAIT" train -q gan.yaml adversary.features= -o again -t 2
same "nothing of it is there" without/model.safetensors again/model.safetensors
differ "it matters" whole/model.safetensors without/model.safetensors
check "in bf16" "$STRAIT" train -q gan.yaml train.dtype=bf16 train.steps=4 -o half -t 1
check "beside a premetric" "$STRAIT" train -q gan.yaml train.premetric=classifier train.premetric_file=judge.safetensors train.premetric_any_file=true train.steps=4 -o felt -t 1
check "one step of both networks" "$STRAIT" generate -q -m first.safetensors --refiner whole/model.safetensors --sampling-method caf --steps 1 -b 2 -o 'x%d.png'
cp -r parts other
refused "a run with an adversary goes on with one" 1 "adversary" "$STRAIT" train -q gan.yaml adversary.features= train.steps=30 -o other --resume
refused "all times" 1 "train.time is uniform" "$STRAIT" train -q gan.yaml train.time=uniform -o no
refused "no real pictures" 1 "adversary.data is empty" "$STRAIT" train -q gan.yaml adversary.data= -o no
refused "no weights" 1 "adversary.file is empty" "$STRAIT" train -q gan.yaml adversary.file= -o no
refused "features that are none" 1 "adversary.features" "$STRAIT" train -q gan.yaml adversary.features=eyes -o no
refused "a first velocity that says nothing of the data" 1 "predicts no data" "$STRAIT" train -q gan.yaml train.path=caf_velocity train.path_shape=0 model.refines=nothing train.initial= -o no
