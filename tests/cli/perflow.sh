# PeRFlow: the toy beats its teacher's own four steps, the student's checkpoint knows its windows, and a resumed run has the same bytes.
here=$(mktemp -d)
. tests/cli/common.inc
recipe=recipes/toy-8gauss-perflow.yaml
short="train.batch=32 train.micro_batch=8 train.lanes=4 windows.own=0.25 teacher.steps=1 teacher.rows=16 evaluate.samples=50"
check "the toy" "$STRAIT" train -q "$recipe" train.steps=1500 train.lr=3e-3 evaluate.samples=2000 -o "$here/toy" --json "$here/toy.json" -t 1
mse=$(sed -n 's/.*"4": \([0-9.e-]*\).*/\1/p' "$here/toy.json")
check "four steps of it beat four of its exact teacher (0.130): $mse" awk "BEGIN { exit !($mse < 0.130) }"
"$STRAIT" train -q "$recipe" $short train.steps=30 -o "$here/whole" -t 1 > /dev/null
killed_at "$here/parts/checkpoint_000000010.safetensors" "$STRAIT" train -q "$recipe" $short train.steps=30 train.checkpoint_every=10 -o "$here/parts" -t 2
check "resumed" "$STRAIT" train -q "$recipe" $short train.steps=30 train.checkpoint_every=10 -o "$here/parts" -t 2 --resume
strings_of() { tail -c 30000 "$1" | cksum; }
same_weights() { [ "$(strings_of "$here/whole/model.safetensors")" = "$(strings_of "$here/parts/model.safetensors")" ]; }
check "the same weights from two threads and after a kill" same_weights
"$STRAIT" train -q "$recipe" $short teacher.steps=400 train.steps=100000 train.log_every=1 train.checkpoint_every=100000 -o "$here/int" -t 1 > "$here/int.log" 2>&1 &
pid=$!
for _ in $(seq 600); do [ -s "$here/int/log.jsonl" ] && break; sleep 0.02; done
kill -INT $pid
wait $pid
code=$?
check "Ctrl-C while the teacher is asked loses no step" sh -c "[ $code -eq 130 ] && ls '$here'/int/checkpoint_*"
refused "three steps of four windows" 2 "steps is 3, expected at least 4" "$STRAIT" pairs -q -m "$here/toy/model.safetensors" --steps 3 -b 2 -o "$here/a.pairs"
refused "a grid that misses an edge" 2 "expected a stop at 0.25" "$STRAIT" pairs -q -m "$here/toy/model.safetensors" --times 0,0.2,0.4,0.6,0.8,1 -b 2 -o "$here/a.pairs"
refused "a solver of free steps" 2 "windows end" "$STRAIT" pairs -q -m "$here/toy/model.safetensors" --sampling-method dopri5 -b 2 -o "$here/a.pairs"
check "four steps" "$STRAIT" pairs -q -m "$here/toy/model.safetensors" --steps 4 -b 2 -o "$here/a.pairs"
shipped=models/fashion-perflow.safetensors
check "the shipped student, four steps" "$STRAIT" generate -q -m $shipped --steps 4 -b 4 -o "$here/a%d.png" --disable-image-metadata
check "in a ring" "$STRAIT" generate -q -m $shipped --steps 4 -b 4 --admission ring --slots 2 -o "$here/b%d.png" --disable-image-metadata
same "the same pictures" "$here/a3.png" "$here/b3.png"
mkdir "$here/frames"
cp "$here"/a?.png "$here/frames"
check "as a stream" "$STRAIT" stream -q -m $shipped -i "$here/frames" -o "$here/out1" --steps 4 --strength 1 --slots 1
check "as a stream in a ring" "$STRAIT" stream -q -m $shipped -i "$here/frames" -o "$here/out2" --steps 4 --strength 1 --admission ring
same_frames() { for f in "$here"/out1/*; do cmp "$f" "$here/out2/${f##*/}" || return 1; done; }
check "the same frames" same_frames
refused "a stream of fewer steps than windows are left" 2 "steps is 2, expected at least 4" "$STRAIT" stream -q -m $shipped -i "$here/frames" -o "$here/out3" \
    --steps 2 --strength 1
check "half of the way has half of the windows" "$STRAIT" stream -q -m $shipped -i "$here/frames" -o "$here/out4" --steps 2 --strength 0.5
refused "a teacher of another size" 1 "expected the same" "$STRAIT" train -q "$recipe" teacher.model=models/fashion-rf.safetensors train.steps=1 -o "$here/b"
refused "windows without their input" 1 "model.extra is 5, expected 4" "$STRAIT" train -q "$recipe" windows.count=3 train.steps=1 -o "$here/b"
