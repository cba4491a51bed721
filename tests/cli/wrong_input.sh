# Wrong input: one sentence that names the thing, the right exit code, nothing left behind.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/m.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
root=$PWD
cd "$here" || exit 1
g="$STRAIT generate -q -m m.safetensors -o never.png"

refused "unknown command" 2 "no command 'fly'" "$STRAIT" fly
refused "no model" 2 "--model" "$STRAIT" generate
refused "steps 0" 2 "--steps is 0, expected a whole number from 1" $g --steps 0
refused "steps by alias" 2 "--steps" $g --num-inference-steps 1.5
refused "steps too many" 2 "--steps" $g --steps 1000000
refused "unknown solver" 2 "--sampling-method is ode45, expected one of euler, heun" $g --sampling-method ode45
refused "unknown schedule" 2 "--scheduler" $g --scheduler karras
refused "class out of range" 2 "class-label: class is 4, expected 0 .. 3" $g --class-label 4
refused "class no number" 2 "--class-label is dog" $g --class-label dog
refused "more classes than images" 2 "--class-label" $g --class-label 0,1 -b 1
refused "wrong width" 2 "--width is 64, expected 8" $g -W 64
refused "wrong height" 2 "--height" $g -H 1
refused "times that fall back" 2 "--times" $g --times 0,0.5,0.4,1
refused "times that stop early" 2 "--times runs from 0 to 0.5" $g --times 0,0.5
refused "times and sigmas" 2 "both given" $g --times 0,1 --sigmas 1,0
refused "times and steps" 2 "--steps is 4" $g --times 0,0.5,1 --steps 4
refused "shift of a uniform grid" 2 "--flow-shift" $g --flow-shift 3 --scheduler uniform
refused "interval upside down" 2 "--guidance-low" $g --guidance-low 0.8 --guidance-high 0.2 --cfg-scale 2
refused "scale no number" 2 "--cfg-scale is inf" $g --cfg-scale inf
refused "one row for two" 2 "--batch-size" $g --cfg-scale 2 --batch-size 1
refused "unknown dtype" 2 "--dtype is fp8, expected one of f32, bf16" $g --dtype fp8
refused "argument without option" 2 "takes no other arguments" $g cat
refused "many images in one file" 2 "--output is never.png for several images" $g -b 2
refused "pattern of another kind" 2 "--output" $g -o "%s.png"
refused "jpeg" 2 "ends in .png" $g -o never.jpg
refused "columns without grid" 2 "--columns" $g --columns 3
refused "bounds of no guidance" 2 "--guidance-low is given, and nothing reads it without --cfg-scale or --guidance" $g --guidance-low 0.2
refused "a setting of another strategy" 2 "--eta is given, and nothing reads it without --strategy=rf_inversion" "$STRAIT" edit -q -m m.safetensors a.png -c 1 --eta 0.5
refused "what is injected where nothing is" 2 "--inject-rule is given, and nothing reads it without --inject" "$STRAIT" edit -q -m m.safetensors a.png -c 1 --inject-rule add_q
refused "a report without a name" 2 "--json is empty, expected FILE" $g --json ''
refused "a profile over its model" 2 "--profile is m.safetensors, which --model names too" "$STRAIT" tune -q -m m.safetensors --profile m.safetensors
refused "statistics over the model" 2 "--save-stats is m.safetensors, which --model names too" "$STRAIT" eval -q -m m.safetensors --save-stats m.safetensors
refused "two on stdout" 2 "standard output" $g -o - --json -
refused "grid and requests" 2 "--requests" $g --grid --requests x.jsonl
refused "one file written twice" 2 "--output is never.png, which --json names too" $g --json ./never.png
refused "one file under another name, not there yet" 2 "which --json names too" $g --json "$PWD/.//never.png"
refused "a report among the pictures" 2 "names too" "$STRAIT" generate -q -m m.safetensors -b 3 --steps 1 -o never%d.png --json never2.png
refused "a store on standard output" 2 "--out is -" "$STRAIT" pairs -q -m m.safetensors -b 1 -o -
refused "a checkpoint on standard output" 2 "OUT is -" "$STRAIT" convert -q m.safetensors -
refused "a target of no guidance" 2 "nothing reads it without --guidance=endpoint" $g --guidance cfg --cfg-scale 2 --guidance-target a.png
refused "the model as a report" 2 "which --model names too" $g --json m.safetensors
refused "a model replaced by a difference" 2 "which an argument names too" "$STRAIT" delta -q m.safetensors m.safetensors -o "$here/m.safetensors"
refused "a picture replaced by its replay" 2 "which an argument names too" "$STRAIT" replay a.png -o a.png
refused "a checkpoint replaced by its copy" 2 "OUT is ./m.safetensors, which is read too" "$STRAIT" convert -q m.safetensors ./m.safetensors --dtype bf16
refused "a store of random seeds" 2 "--seed is -1, expected 0 or more" "$STRAIT" pairs -q -m m.safetensors -b 2 -s -1 -o p.pairs
refused "a solver that cannot turn round" 2 "expected a solver that walks along one velocity" "$STRAIT" pairs -q -m m.safetensors --invert fashion-mnist:test --sampling-method reinterpolate -b 2 -o p.pairs
refused "a seed whose last picture wraps" 2 "--seed is 9223372036854775807 for 2 images" $g -b 2 -o never%d.png -s 9223372036854775807
refused "a scale without guidance" 2 "--guidance none" $g --guidance none --cfg-scale 3
refused "two times that are one" 2 "strictly rising" $g --times 0,0,1
refused "an option of nobody" 2 "takes no options" $g --policy-option skip=2
"$STRAIT" generate -q -m m.safetensors --steps 1 -o made.png
refused "an edit that skips" 2 "--policy is fixed, expected none" "$STRAIT" edit -q -m m.safetensors made.png --source-class 1 -c 2 --policy fixed -o never.png
rm made.png
shipped=$root/models/fashion
refused "speed of a network that judges" 1 "judges pictures" "$STRAIT" bench model -q -m "$shipped-classifier.safetensors" --rows 1 --budget 0.01
refused "a refiner as CAF's second network" 2 "at t = 0" "$STRAIT" generate -q -m "$shipped-rf.safetensors" --refiner "$shipped-refiner.safetensors" --sampling-method caf \
    --steps 1 -o never.png
refused "CAF's second network as a refiner" 2 "expected solver caf" "$STRAIT" generate -q -m "$shipped-2rf.safetensors" --refiner "$shipped-caf.safetensors" --blocks H1R1 -o never.png
"$STRAIT" generate -m "$shipped-rf.safetensors" --refiner "$shipped-refiner.safetensors" --steps 1 -o made.png 2> err
if [ -f made.png ] && grep -q "no step of this walk asked it" err; then ok "a refiner that nobody asks"; else not_ok "a refiner that nobody asks" "$(cat err)"; fi
rm -f made.png
refused "unknown option" 2 "unrecognized option '--nonsense'" "$STRAIT" generate --nonsense
refused "option without value" 2 "'--steps' requires an argument" "$STRAIT" generate --steps
refused "unknown letter" 2 "invalid option -- 'Z'" "$STRAIT" generate -Z

refused "missing file" 1 "gone.safetensors" "$STRAIT" generate -q -m gone.safetensors
refused "a folder as a model" 1 "$here" "$STRAIT" generate -q -m "$here"
refused "a file as a folder" 1 "m.safetensors" $g -o m.safetensors/a.png
refused "unwritable folder" 1 "/proc" $g -o /proc/nowhere/a.png
# A disk that takes no more than 512 bytes of a file; the error stream is shorter.
small() { ( ulimit -f 1; "$@" ); }
refused "full disk" 1 "never.png: could not be written" small $g --steps 20
refused "full disk for a grid" 1 "never.png: could not be written" small $g -b 4 --grid
refused "unwritable report" 1 "/proc" $g --steps 1 --json /proc/nowhere/r.json

size=$(wc -c < m.safetensors)
for n in 0 1 7 8 20 200 $((size / 2)) $((size - 1)); do
    head -c "$n" m.safetensors > cut.safetensors
    refused "cut to $n bytes" 1 "cut.safetensors" "$STRAIT" generate -q -m cut.safetensors -o never.png
done
{ cat m.safetensors; printf x; } > long.safetensors
refused "one byte too many" 1 "long.safetensors" "$STRAIT" generate -q -m long.safetensors -o never.png
# lie COUNT-BYTES HEADER: a file with this header length field and header
lie() { printf "$1" > lie.safetensors; printf '%s' "$2" >> lie.safetensors; head -c 64 /dev/zero >> lie.safetensors; }
lie '\377\377\377\377\377\377\377\177' '{}'; refused "header of 2^63 bytes" 1 "lie" "$STRAIT" info lie.safetensors
lie '\377\377\377\377\377\377\377\377' '{}'; refused "header of 2^64 bytes" 1 "lie" "$STRAIT" info lie.safetensors
header='{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}'
lie "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0" "$header"; refused "overlapping tensors" 1 "lie" "$STRAIT" info lie.safetensors
header='{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,64]}}'
lie "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0" "$header"; refused "a shape that overflows" 1 "lie" "$STRAIT" info lie.safetensors
header='{"a":{"dtype":"X9","shape":[16],"data_offsets":[0,64]}}'
lie "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0" "$header"; refused "an unknown dtype" 1 "lie" "$STRAIT" info lie.safetensors
rm -f cut.safetensors long.safetensors lie.safetensors

echo '{"seed": 1, "colour": "red"}' > bad.jsonl
refused "request with a wrong key" 2 "bad.jsonl:1: unknown key 'colour'" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
printf '{"seed": 1}\n{"steps": 0}\n' > bad.jsonl
refused "request with a wrong value" 2 "bad.jsonl:2: steps is 0" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
printf '{"seed": 1}\n{"class_label": 9}\n' > bad.jsonl
refused "request with a wrong class" 2 "bad.jsonl:2: .*class is 9" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
echo 'seed 1' > bad.jsonl
refused "request that is no JSON" 2 "bad.jsonl:1" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
echo '{"model": "x"}' > bad.jsonl
refused "request for another model" 2 "unknown key 'model'" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
: > bad.jsonl
refused "no request at all" 2 "has no request" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
printf '{"output": "a.png"}\n\n{"output": "a.png"}\n' > bad.jsonl
refused "two requests for one file" 2 "request 2: output is a.png, which request 1" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
printf '{"output": "b%%d.png", "batch_count": 3}\n{"output": "./b1.png"}\n' > bad.jsonl
refused "a request for a picture of another's" 2 "request 2: output is b1.png, which request 1 names too" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
echo '{"output": "c1.png"}' > bad.jsonl; echo '{}' >> bad.jsonl
refused "or of the run's" 2 "request 1: output is c1.png, which --output names too" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl -o c%d.png
echo '{"output": "a.jpg"}' > bad.jsonl
refused "request for another kind of file" 2 "request 1: .*ends in .png" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
echo '{"output": "-"}' > bad.jsonl
refused "request and report on stdout" 2 "request 1 and --json" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl --json -
echo '{"steps": 2, "num_inference_steps": 3}' > bad.jsonl
refused "one setting under two names" 2 "another name of steps" "$STRAIT" generate -q -m m.safetensors --requests bad.jsonl
refused "requests that are not there" 1 "gone.jsonl" "$STRAIT" generate -q -m m.safetensors --requests gone.jsonl

$g --steps 1 -o - > /dev/full 2> err; rc=$?
if [ $rc -eq 1 ] && [ "$(wc -l < err)" -eq 1 ]; then ok "full standard output"; else not_ok "full standard output" "exit $rc" "$(cat err)"; fi

# Ctrl-C, or a terminal that is closed, in the middle: after the first picture, long before the last.
for signal in INT HUP; do
    mkdir run
    $g --steps 50 -b 1000000 -o run/%d.png 2> err & pid=$!
    tries=0
    while [ ! -f run/0.png ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -$signal $pid; wait $pid; rc=$?
    if [ $rc -eq 130 ] && grep -q interrupted err; then ok "SIG$signal"; else not_ok "SIG$signal" "exit $rc" "$(cat err)"; fi
    left=$(find run -type f ! -name '*[0-9].png')
    if [ -z "$left" ]; then ok "nothing half-written after SIG$signal"; else not_ok "nothing half-written after SIG$signal" "$left"; fi
    rm -r run
done
