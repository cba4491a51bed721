# SlimFlow: annealing by the measured loss goes on where a killed run stopped, a student of another shape learns from the pairs, and is distilled.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/teacher.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
cd "$here" || exit 1
check "pairs of a larger teacher" "$STRAIT" pairs -q -m teacher.safetensors --steps 2 -b 64 -o a.pairs
student() { # COUPLING STEPS EXTRA-SECTIONS
    echo "model: {kind: dit, height: 8, width: 8, channels: 1, classes: 4, patch: 2, hidden: 16, depth: 1, heads: 2}"
    echo "data: {name: pairs, path: a.pairs, flip: true}"
    echo "train: {coupling: $1, steps: $2, batch: 16, micro_batch: 4, lanes: 2, dtype: f32, checkpoint_every: 4${3-}}"
    echo "sample: {steps: 1, columns: 2}"
}
{ student annealed 24; echo "anneal: {schedule: measured, patience: 2, drop: 0.25, flat: 0.5}"; } > slim.yaml
check "stage 1" "$STRAIT" train -q slim.yaml -o whole -t 1
killed_at parts/checkpoint_000000008.safetensors "$STRAIT" train -q slim.yaml -o parts -t 2
check "gone on with after a kill" "$STRAIT" train -q slim.yaml -o parts -t 1 --resume
same "the same student" whole/model.safetensors parts/model.safetensors
for schedule in linear cosine exponential constant; do
    check "annealing: $schedule" "$STRAIT" train -q slim.yaml anneal.schedule=$schedule anneal.over=8 train.steps=12 -o "run_$schedule"
done
differ "schedules matter" run_linear/model.safetensors run_constant/model.safetensors
{ student guided 12 ", init: whole/model.safetensors"; echo "teacher: {model: whole/model.safetensors, rows: 8}"; } > distil.yaml
check "stage 2" "$STRAIT" train -q distil.yaml -o one -t 1
check "stage 2 on two threads" "$STRAIT" train -q distil.yaml -o two -t 2
same "the same student again" one/model.safetensors two/model.safetensors
model classifier "$here/judge.safetensors" height=8 width=8 channels=1 classes=4
check "stage 2 with distances of features and of edges" "$STRAIT" train -q distil.yaml train.premetric=classifier train.premetric_file=judge.safetensors \
    train.premetric_any_file=true train.target=high_pass train.loss=pseudo_huber -o felt
differ "they matter" one/model.safetensors felt/model.safetensors
check "one step" "$STRAIT" generate -q -m one/model.safetensors --steps 1 -b 4 -o 'x%d.png'
refused "distillation without a teacher" 1 "teacher.model is empty" "$STRAIT" train -q distil.yaml teacher.model= -o no
refused "unknown schedule lists the known" 1 "exponential" "$STRAIT" train -q slim.yaml anneal.schedule=sqrt -o no
mkdir small
"$STRAIT" generate -q -m one/model.safetensors --steps 1 -b 2 -o 'small/%d.png'
refused "annealing without pairs" 1 "annealed" "$STRAIT" train -q slim.yaml model.classes=0 data.name=folder data.path=small -o no
refused "a student that starts from another shape" 1 "in its settings" "$STRAIT" train -q distil.yaml train.init=teacher.safetensors -o no
