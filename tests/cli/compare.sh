# strait compare: rows from a grid file, the controls beside them, one report; wrong files are refused before any work.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/dit.safetensors" height=12 width=12 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
cd "$here" || exit 1
plain='images: 6
paired: 4
seeds: 2
reference_steps: 8'
printf '%s\ngrid:\n  - {sampling_method: [euler, heun], steps: [2, 3]}\n' "$plain" > grid.yaml
compare() { "$STRAIT" compare -q -m dit.safetensors --grid "$@"; }
check "compare" compare grid.yaml --out run --json report.json
check "rows and their controls: 4 wanted, Euler 4 and 6 and Heun 1 added" sh -c '[ "$(grep -c "\"control\"" report.json)" = 7 ]'
check "the protocol is in the report" grep -q '"model_sha256": "[0-9a-f]*"' report.json
check "Heun with 2 steps asks four times" sh -c 'grep -A60 "\"name\": \"heun 2\"" report.json | grep -A2 "\"nfe\"" | grep -q "4.0"'
printf '%s\ncontrols: false\ngrid:\n  - {cfg_scale: 2}\n  - {steps: 2}\n' "$plain" > rest.yaml
check "what a row does not say" compare rest.yaml --out rest --sampling-method heun --steps 3 --json rest.json
check "the command line does" sh -c 'grep -q "\"name\": \"heun 3, cfg 2\"" rest.json && grep -q "\"name\": \"heun 2\"" rest.json'
cp report.json first.json
check "again" compare grid.yaml --out run --json report.json
strip() { grep -v -E '^ +[0-9.e-]+,?$|"mean"|"sd"' "$1"; }
strip first.json > a; strip report.json > b
same "the same rows in the same order" a b
cp run/rows.jsonl whole.jsonl
check "every row and seed group is kept" sh -c '[ "$(wc -l < whole.jsonl)" = 14 ]'
{ head -5 whole.jsonl; sed -n 6p whole.jsonl | cut -c1-100; } > run/rows.jsonl # as a killed run leaves it
check "go on where it was killed" compare grid.yaml --out run --resume --json report.json
head -5 whole.jsonl > a; head -5 run/rows.jsonl > b
same "five are not made again: not even their seconds differ" a b
check "the others are" sh -c '[ "$(wc -l < run/rows.jsonl)" = 14 ]'
sed 's/"seconds":[^,]*,//' whole.jsonl > c; sed 's/"seconds":[^,]*,//' run/rows.jsonl > d
same "to the same numbers" c d
check "another protocol has nothing to recall" compare grid.yaml --paired 3 --out run --resume
check "and keeps what the other had" sh -c '[ "$(wc -l < run/rows.jsonl)" = 28 ]'
rm -r run report.json first.json a b c d whole.jsonl
printf '%s\ngrid:\n  - {sampling_method: eulr}\n' "$plain" > bad.yaml
for row in 'batch_count: 5' 'seed: 3' 'steps: []' 'dtype: 3' 'model: 3'; do
    printf '%s\ngrid:\n  - {%s}\n' "$plain" "$row" > bad.yaml
    refused "a row with $row" 1 "bad.yaml:6: grid: ${row%%:*} is" compare bad.yaml --out o1
done
printf '%s\ngrid:\n  - {sampling_method: eulr}\n' "$plain" > bad.yaml
refused "unknown solver" 1 "eulr" compare bad.yaml --out o1
printf '%s\ngrid:\n  - {stepps: 3}\n' "$plain" > bad.yaml
refused "unknown key" 1 "stepps" compare bad.yaml --out o1
printf 'images: 6\npaired: 7\ngrid:\n  - {steps: 3}\n' > bad.yaml
refused "more pairs than images" 1 "paired" compare bad.yaml --out o1
printf '%s\n' "$plain" > bad.yaml
refused "no grid" 1 "grid is missing" compare bad.yaml --out o1
printf '%s\ndata: fashion-mnist\nextractor_weights: none.safetensors\ngrid:\n  - {steps: 3}\n' "$plain" > bad.yaml
refused "no extractor" 1 "none.safetensors" compare bad.yaml --out o1
model dit student.safetensors height=12 width=12 channels=1 classes=4 patch=4 hidden=16 depth=1 heads=2
model dit other.safetensors height=8 width=8 channels=1 classes=4 patch=2 hidden=16 depth=1 heads=2
printf '%s\nwaterfall: true\ngrid:\n  - {name: plain, steps: 4, batch_size: 1}\n  - {name: batched, steps: 4}\n  - {name: student, steps: 2, model: student.safetensors, dtype: bf16}\n' "$plain" > fall.yaml
check "a waterfall" compare fall.yaml --out fall --json fall.json
check "its rows and no controls" sh -c '[ "$(grep -c "\"control\"" fall.json)" = 3 ]'
check "by their names" grep -q '"name": "student"' fall.json
printf '%s\ngrid:\n  - {steps: 3, model: other.safetensors}\n' "$plain" > bad.yaml
refused "a student of another size" 1 "64" compare bad.yaml --out o1
printf '%s\ngrid:\n  - {steps: 3, batch_size: 0}\n' "$plain" > bad.yaml
refused "no rows in a call" 1 "batch_size" compare bad.yaml --out o1
