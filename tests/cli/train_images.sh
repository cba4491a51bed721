#!/bin/sh
# A small bf16 U-Net with dropout, labels and label dropping on real images: the same bytes from any number of threads and after an
# interruption, and a run folder with everything in it.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
set -- recipes/fashion-rf.yaml model.base=8 model.dropout=0.2 train.steps=6 train.batch=32 train.micro_batch=4 train.log_every=2 \
    train.checkpoint_every=4 train.sample_every=4 train.warmup=2 sample.columns=1 sample.steps=2 data.limit=500
check() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat "$dir"/log; fi; }

"$STRAIT" train -q "$@" -t 1 -o "$dir/one" > "$dir/log" 2>&1; rc=$?
if [ $rc -ne 0 ] && grep -q 'was not found' "$dir/log"; then echo "ok skipped: $(cat "$dir/log")"; exit 0; fi
check $rc "a run on images ends well"
for file in model.safetensors recipe.json log.jsonl samples_000004.png samples_000006.png checkpoint_000000004.safetensors; do
    [ -s "$dir/one/$file" ]; check $? "the run folder has $file"
done
if command -v gnuplot > /dev/null; then [ -s "$dir/one/loss.png" ] && [ -s "$dir/one/loss_by_time.png" ]; check $? "curves are drawn"; fi
"$STRAIT" train -q "$@" -t 3 -o "$dir/three" > "$dir/log" 2>&1
cmp "$dir/one/model.safetensors" "$dir/three/model.safetensors" >> "$dir/log" 2>&1; check $? "three threads give the weights of one"
cmp "$dir/one/samples_000006.png" "$dir/three/samples_000006.png" >> "$dir/log" 2>&1; check $? "and its samples"
rm "$dir/three/model.safetensors" "$dir/three/checkpoint_000000006.safetensors"
"$STRAIT" train -q "$@" -t 2 -o "$dir/three" --resume > "$dir/log" 2>&1; check $? "it resumes from step 4"
cmp "$dir/one/model.safetensors" "$dir/three/model.safetensors" >> "$dir/log" 2>&1; check $? "to the same weights"
head -c 1000 "$dir/three/checkpoint_000000006.safetensors" > "$dir/cut" && mv "$dir/cut" "$dir/three/checkpoint_000000006.safetensors"
"$STRAIT" train "$@" -t 2 -o "$dir/three" --resume > "$dir/log" 2>&1; check $? "a damaged checkpoint is passed over"
grep -q 'checkpoint_000000006' "$dir/log"; check $? "and named"
cmp "$dir/one/model.safetensors" "$dir/three/model.safetensors" >> "$dir/log" 2>&1; check $? "and the one before it gives the same weights"
PATH=/nonexistent "$STRAIT" train "$@" train.steps=2 -t 2 -o "$dir/noplot" > "$dir/log" 2>&1; check $? "without gnuplot the run still ends well"
"$STRAIT" train -q "$@" model.height=32 -o "$dir/size" > "$dir/log" 2>&1
[ $? -eq 1 ] && grep -q 28x28x1 "$dir/log"; check $? "a network of another size is refused with both sizes"
"$STRAIT" train -q "$@" model.classes=7 -o "$dir/size" > "$dir/log" 2>&1
[ $? -eq 1 ] && grep -q 'model.classes is 7' "$dir/log"; check $? "another number of classes is refused"
