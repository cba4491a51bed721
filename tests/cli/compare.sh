# strait compare: rows from a grid file, the controls beside them, one report; wrong files are refused before any work.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/dit.safetensors" height=12 width=12 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
tree=$PWD
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
# numbers FOLDER METHOD STEPS: of the rows that say no more than these, without their seconds
numbers() { sed -n "/\"flags\":{\"sampling_method\":\"$2\",\"steps\":$3}/s/\"seconds\":[^,]*,//p" "$1/rows.jsonl"; }
printf '%s\ngrid:\n  - {steps: 4}\n' "$plain" > four.yaml
check "a row" compare four.yaml --out as-is
check "the same with another time grid for what the file does not say" compare four.yaml --out shifted --flow-shift 5 --json shifted.json
numbers as-is heun 2 > a; numbers shifted heun 2 > b
check "its control is there" test -s a
same "and has none of it, nor has the reference" a b
check "the row has" grep -q '"name": "euler 4, flow_shift 5"' shifted.json
check "and plain Euler beside it" grep -q '"name": "euler 4"' shifted.json
printf '%s\nreference_solver: euler\ncontrols: false\ngrid:\n  - {steps: 2}\n  - {steps: 2, policy: none}\n' "$plain" > two.yaml
check "a row against Euler" compare two.yaml --out as-is
check "the same with a policy of the command line" compare two.yaml --out held --policy hold
asked() { grep '"steps":2,"policy":"none"' "$1/rows.jsonl" | grep -o '"mse":.*'; }
asked as-is > a; asked held > b
check "the row without it is there" test -s a
same "the reference passes no points" a b
check "controls of rows with a policy have none" compare four.yaml --out held --policy hold
printf '%s\ngrid:\n  - {sampling_method: ab2, sampling_option: first=heun, steps: 2}\n' "$plain" > option.yaml
check "an option of the row's solver is none of the reference's" compare option.yaml --out held
printf '%s\ncontrols: false\ngrid:\n  - {times: [0, 0.5, 1]}\n  - {sigmas: [1, 0.25], sampling_method: heun}\n  - {blocks: H1P1}\n' "$plain" > lists.yaml
check "rows with lists of times and blocks" compare lists.yaml --out lists --json lists.json
check "by their names" sh -c 'grep -q "\"name\": \"euler, times \[0,0.5,1\]\"" lists.json && grep -q "\"name\": \"heun, sigmas \[1,0.25\]\"" lists.json && grep -q "\"name\": \"H1P1\"" lists.json'
check "a row's list in place of the command line's grid" compare lists.yaml --out lists --steps 7 --flow-shift 5
printf '%s\ncontrols: false\ngrid:\n  - {cfg_scale: 2}\n' "$plain" > guided.yaml
check "a list of times for what the file does not say" compare guided.yaml --out lists --times 0,0.5,1 --json times.json
check "and blocks" compare guided.yaml --out lists --blocks H1P1 --json blocks.json
check "in the names" sh -c 'grep -q "\"name\": \"euler, times \[0,0.5,1\], cfg 2\"" times.json && grep -q "\"name\": \"H1P1, cfg 2\"" blocks.json'
printf '%s\ngrid:\n  - {sampler: ab2, num_inference_steps: 4, flow-shift: 3, cache_mode: [none, hold], guidance_scale: 2}\n' "$plain" > alias.yaml
check "keys under their other names" compare alias.yaml --out alias --json alias.json
check "are those of the rows" sh -c 'grep -q "\"name\": \"ab2 4, flow_shift 3, none, cfg 2\"" alias.json && grep -q "\"name\": \"ab2 4, flow_shift 3, hold, cfg 2\"" alias.json'
check "and not of their controls" grep -q '"name": "euler 4, cfg 2"' alias.json
cp report.json first.json
check "again" compare grid.yaml --out run --json report.json
strip() { grep -v -E '^ +[0-9.e-]+,?$|"mean"|"sd"' "$1"; }
strip first.json > a; strip report.json > b
same "the same rows in the same order" a b
cp run/rows.jsonl whole.jsonl
check "every row and seed group is kept" sh -c '[ "$(wc -l < whole.jsonl)" = 14 ]'
check "all rows of a group before the next group" sh -c 'grep -o "\"seed\":[0-9]*" whole.jsonl | uniq -c | tr -s " " > a; printf " 7 \"seed\":42\n 7 \"seed\":1000042\n" | cmp -s a -'
printf '%s\ngrid:\n  - {steps: 2, batch_size: [2, 4], cfg_scale: 2, dtype: bf16}\n' "$plain" > batches.yaml
check "two sizes of a call" "$STRAIT" compare -v -t 1 -m dit.safetensors --grid batches.yaml --out batches --json batches.json
cp err log
check "no row has a plan built on its clock" sh -c 'grep -q ": 0 plans were built while the clock ran" log && ! grep -q ": [1-9][0-9]* plans were" log'
check "the controls have the row's size of a call" grep -q '"name": "heun 1, cfg 2, bf16, batch_size 4"' batches.json
{ head -5 whole.jsonl; sed -n 6p whole.jsonl | cut -c1-100; } > run/rows.jsonl # as a killed run leaves it
check "go on where it was killed" compare grid.yaml --out run --resume --json report.json
head -5 whole.jsonl > a; head -5 run/rows.jsonl > b
same "five are not made again: not even their seconds differ" a b
check "the others are" sh -c '[ "$(wc -l < run/rows.jsonl)" = 14 ]'
sed 's/"seconds":[^,]*,//' whole.jsonl > c; sed 's/"seconds":[^,]*,//' run/rows.jsonl > d
same "to the same numbers" c d
check "another protocol has nothing to recall" compare grid.yaml --paired 3 --out run --resume
check "and keeps what the other had" sh -c '[ "$(wc -l < run/rows.jsonl)" = 28 ]'
check "with another number of threads" compare grid.yaml --out run --resume -t 2 --json two.json
check "on one" compare grid.yaml --out run --resume -t 1 --json one.json
lines() { wc -l < run/rows.jsonl; }
before=$(lines)
check "on one again" compare grid.yaml --out run --resume -t 1
check "recalls what one thread made" [ "$(lines)" = "$before" ]
check "with other kernels" env STRAIT_CPU=ref "$STRAIT" compare -q -m dit.safetensors --grid grid.yaml --out run --resume -t 1
check "recalls nothing" [ "$(lines)" = $((before + 14)) ]
check "the report says how many, and which kernels" sh -c 'grep -q "\"threads\": 2" two.json && grep -q "\"isa\": " two.json && grep -q "\"provider\": " two.json'
check "another number of threads" "$STRAIT" eval --explain one.json two.json --json explain.json
check "does not keep the distances from being compared" sh -c 'grep -q "\"comparable\": true" explain.json && grep -q "\"field\": \"threads\"" explain.json'
rm -r explain.json one.json two.json
rm -r run report.json first.json a b c d whole.jsonl
printf '%s\ngrid:\n  - {sampling_method: eulr}\n' "$plain" > bad.yaml
for row in 'batch_count: 5' 'seed: 3' 'steps: []' 'dtype: 3' 'model: 3'; do
    printf '%s\ngrid:\n  - {%s}\n' "$plain" "$row" > bad.yaml
    refused "a row with $row" 1 "bad.yaml:6: grid: ${row%%:*} is" compare bad.yaml --out o1
done
printf '%s\ngrid:\n  - {sampling_method: eulr}\n' "$plain" > bad.yaml
refused "unknown solver" 1 "eulr" compare bad.yaml --out o1
refused "no images" 2 "--images is 0, expected a whole number from 1" compare grid.yaml --out o1 -n 0
refused "no seeds" 2 "--seeds is 0, expected a whole number from 1" compare grid.yaml --out o1 --seeds 0
refused "no pairs" 2 "--paired is 0, expected a whole number from 1" compare grid.yaml --out o1 --paired 0
printf '%s\ngrid:\n  - {stepps: 3}\n' "$plain" > bad.yaml
refused "unknown key" 1 "bad.yaml:6: grid: unknown key 'stepps'" compare bad.yaml --out o1
printf '%s\ngrid:\n  - {sampler: heun, sampling_method: euler}\n' "$plain" > bad.yaml
refused "a key under two names" 1 "bad.yaml:6: grid: sampling_method is given under two names" compare bad.yaml --out o1
printf 'images: 6\npaired: 7\ngrid:\n  - {steps: 3}\n' > bad.yaml
refused "more pairs than images" 1 "paired" compare bad.yaml --out o1
printf '%s\n' "$plain" > bad.yaml
refused "no grid" 1 "grid is missing" compare bad.yaml --out o1
printf '%s\ndata: fashion-mnist\nextractor_weights: none.safetensors\ngrid:\n  - {steps: 3}\n' "$plain" > bad.yaml
refused "no extractor" 1 "none.safetensors" compare bad.yaml --out o1
model dit small.safetensors height=28 width=28 channels=1 classes=4 patch=7 hidden=16 depth=1 heads=2
mkdir near far
check "pictures to compare with" "$STRAIT" generate -q -m small.safetensors -b 4 --steps 1 -o near/%02d.png
check "and others" "$STRAIT" generate -q -m small.safetensors -b 4 --steps 1 -s 7 -o far/%02d.png
judged() {
    printf '%s\ncontrols: false\ndata: folder\ndata_path: %s\nextractor: classifier\nextractor_weights: %s\ngrid:\n  - {steps: 1}\n' "$plain" "$1" \
        "$tree/models/fashion-classifier.safetensors" > judged.yaml
    "$STRAIT" compare -q -t 1 -m small.safetensors --grid judged.yaml --out judged --resume --json judged.json
}
distance() { sed -n '/"frechet_distance"/,/"mean"/s/.*"mean": \([0-9.]*\).*/\1/p' judged.json; }
check "the distance to the first" judged near
near=$(distance)
check "the distance to the others" judged far
check "is another one: nothing is recalled" [ "$(distance)" != "$near" ]
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
