#!/bin/sh
# kill -9 in the middle and --resume give the same bytes as a run that was left alone; one thread gives those of two.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# 512 rows in 8 micro-batches, so that two threads have lanes to share; nothing depends on the time the kill strikes.
set -- recipes/toy-8gauss-rf.yaml train.steps=3000 train.batch=512 train.micro_batch=64 train.lanes=4 train.checkpoint_every=100 \
    train.log_every=50 evaluate.samples=100
check() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat "$dir"/*.log; fi; }

"$STRAIT" train -q "$@" -t 2 -o "$dir/whole" > "$dir/whole.log" 2>&1
check $? "a run ends well"

"$STRAIT" train -q "$@" -t 2 -o "$dir/killed" > "$dir/killed.log" 2>&1 &
pid=$!
# Kill after the third checkpoint has appeared; the run needs several more.
for _ in $(seq 600); do
    ls "$dir"/killed/checkpoint_000000[3-9]*.safetensors > /dev/null 2>&1 && break
    sleep 0.02
done
kill -9 $pid 2> /dev/null; wait $pid 2> /dev/null
[ ! -f "$dir/killed/model.safetensors" ]; check $? "the kill struck in the middle"
"$STRAIT" train -q "$@" -o "$dir/killed" --export "$dir/early.safetensors" > "$dir/early.log" 2>&1 && "$STRAIT" info "$dir/early.safetensors" > "$dir/early.log" 2>&1
check $? "what it had by then is a model"
"$STRAIT" train -q "$@" -t 2 -o "$dir/killed" --resume > "$dir/resumed.log" 2>&1; check $? "the killed run resumes"
cmp "$dir/whole/model.safetensors" "$dir/killed/model.safetensors" > "$dir/cmp.log"; check $? "same model after kill and resume"
last=checkpoint_000003000.safetensors
cmp "$dir/whole/$last" "$dir/killed/$last" > "$dir/cmp.log"; check $? "same weights, EMA and moments after kill and resume"
[ "$(wc -l < "$dir/killed/log.jsonl")" -eq 60 ]; check $? "the log has each interval once"
[ "$(ls "$dir"/killed/checkpoint_* | wc -l)" -le 2 ]; check $? "two checkpoints are kept"

"$STRAIT" train -q "$@" -o "$dir/whole" --export "$dir/late.safetensors" > "$dir/late.log" 2>&1
cmp "$dir/whole/model.safetensors" "$dir/late.safetensors" >> "$dir/late.log"; check $? "the last checkpoint exports the final model"
"$STRAIT" train -q "$@" -o "$dir/none" --export "$dir/none.safetensors" > "$dir/none.log" 2>&1
[ $? -eq 1 ] && grep -q 'has no checkpoint' "$dir/none.log" && [ ! -e "$dir/none" ] && [ ! -e "$dir/none.safetensors" ]; check $? "nothing to export is said"
"$STRAIT" train -q "$@" -o "$dir/none" --export "$dir/none.safetensors" --resume > "$dir/none.log" 2>&1
[ $? -eq 2 ] && grep -q 'one of them' "$dir/none.log"; check $? "to export and to go on is refused"

"$STRAIT" train -q "$@" -t 1 -o "$dir/one" > "$dir/one.log" 2>&1
cmp "$dir/whole/model.safetensors" "$dir/one/model.safetensors" > "$dir/cmp.log"; check $? "one thread gives the bytes of two"

"$STRAIT" train -q "$@" -t 2 -o "$dir/whole" > "$dir/again.log" 2>&1
[ $? -eq 1 ] && grep -q -- --resume "$dir/again.log"; check $? "a folder with another run is refused"
"$STRAIT" train -q "$@" train.lr=0.5 -o "$dir/whole" --resume > "$dir/other.log" 2>&1
[ $? -eq 1 ] && grep -q 'train.lr' "$dir/other.log"; check $? "a checkpoint of another recipe is refused, the key is named"

"$STRAIT" train -q "$@" train.steps=100000000 -o "$dir/int" > "$dir/int.log" 2>&1 &
pid=$!
for _ in $(seq 600); do ls "$dir"/int/checkpoint_* > /dev/null 2>&1 && break; sleep 0.02; done
"$STRAIT" train -q "$@" train.steps=100000000 -o "$dir/int" --resume > "$dir/second.log" 2>&1
[ $? -eq 1 ] && grep -q 'another run writes here' "$dir/second.log"; check $? "a second run in the folder is refused while the first goes on"
kill -INT $pid; wait $pid; [ $? -eq 130 ]; check $? "Ctrl-C ends with 130"
