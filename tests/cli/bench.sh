# strait bench: every benchmark runs and reports numbers that can be; how fast they are is not a test.
here=$(mktemp -d)
. tests/cli/common.inc
model unet "$here/m.safetensors" height=8 width=8 channels=1 classes=3 base=8 "multipliers=[1]" blocks=1 "attention=[8]"
# alone NAME ARGUMENTS...: the report has standard output for itself, the table goes to standard error
alone() {
    name=$1; shift
    "$STRAIT" bench "$name" "$@" --json - > "$here/stdout" 2> "$here/table"
    check "$name: nothing but the report on standard output" sh -c "head -1 '$here/stdout' | grep -qx '{' && tail -1 '$here/stdout' | grep -qx '}' && test -s '$here/table'"
}
check "limits" "$STRAIT" bench limits --budget 0.01 -t 1 --json "$here/limits.json"
check "memory has a speed" grep -q '"copy-dram"' "$here/limits.json"
alone kernels --budget 0.01 --shapes dit --dtype f32
check "three directions" grep -q '"by_weights"' "$here/stdout"
check "products" "$STRAIT" bench products --count 1 --budget 0.001 -t 1 --json "$here/products.json"
check "four forms, a gradient, attention" sh -c "test \$(grep -c '\"what\"' '$here/products.json') -eq 6 && grep -q '\"cold\"' '$here/products.json'"
check "attention beside oneDNN's products and soft-max" "$STRAIT" bench products --set attention --count 1 --budget 0.001 -t 1 --dtype f32 --json "$here/attention.json"
check "one figure of it" sh -c "test \$(grep -c '\"what\"' '$here/attention.json') -eq 1 && grep -q '\"attention\"' '$here/attention.json'"
check "a model" "$STRAIT" bench model -m "$here/m.safetensors" --rows 1,3 --budget 0.01 --json "$here/model.json"
check "rows as asked" grep -q '"rows": 3' "$here/model.json"
check "ways of sharing calls" "$STRAIT" bench stream --networks "$here/m.safetensors,$here/m.safetensors" --steps 2,3 --jobs 1,4 --rounds 1 --budget 0.01 \
    --json "$here/stream.json"
check "four schemes, two step counts and both, twice" test "$(grep -c '"scheme"' "$here/stream.json")" -eq 40
check "the ring takes M + N - 1 calls" sh -c "grep -A5 '\"scheme\": \"ring\"' '$here/stream.json' | grep '\"calls\"' | tr -dc '0-9\n' | tr '\n' ' ' | grep -q '^2 5 3 6 '"
check "every scheme makes the same pictures" sh -c "! grep '\"largest_difference\"' '$here/stream.json' | grep -v ' 0\.0,*$'"
check "gains" grep -q '"overlap"' "$here/stream.json"
model mlp "$here/points.safetensors"
check "points are no pictures to encode" "$STRAIT" bench stream --networks "$here/points.safetensors" --steps 2 --jobs 1 --rounds 1 --budget 0.01 --json "$here/points.json"
check "the table of them" sh -c "test \$(grep -c '\"scheme\"' '$here/points.json') -eq 4 && grep -q '\"ladder\": null' '$here/points.json'"
alone limits --budget 0.01 -t 1
alone products --count 1 --set gradient --budget 0.001 -t 1
alone model -m "$here/m.safetensors" --rows 1 --budget 0.01 -t 1
alone stream --networks "$here/m.safetensors" --steps 2 --jobs 1 --rounds 1 --budget 0.01 -t 1
# stopped NAME ARGUMENTS...: a signal ends what would take minutes
stopped() {
    "$STRAIT" bench "$@" --budget 100 -t 1 > /dev/null 2> "$here/err" &
    sleep 0.3
    kill -TERM $!
    wait $!
    check "$1 can be interrupted" [ $? -eq 130 ]
}
stopped limits
stopped kernels
stopped products
stopped model -m "$here/m.safetensors"
refused "a report that cannot be, before the work" 1 "/proc/nowhere" "$STRAIT" bench limits --budget 100 --json /proc/nowhere/r.json
refused "the same of a network" 1 "/proc/nowhere" "$STRAIT" bench model -m "$here/m.safetensors" --budget 100 --json /proc/nowhere/r.json
refused "no such checkpoint or network" 1 "nothere" "$STRAIT" bench stream --networks "$here/nothere"
refused "no such network" 2 "network" "$STRAIT" bench model --network huge
refused "end2end: no such network" 2 "fashion or cifar" "$STRAIT" bench end2end huge
refused "end2end: an option that compare has not" 2 "nonsense" "$STRAIT" bench end2end fashion --nonsense
refused "no such benchmark" 2 "limits" "$STRAIT" bench nothing
refused "no model" 1 "absent" "$STRAIT" bench model -m "$here/absent.safetensors"
model dit "$here/d.safetensors" height=8 width=8 channels=1 classes=3 depth=1 hidden=32 heads=2
check "growth" "$STRAIT" bench growth -m "$here/d.safetensors" --sides 8,16 --rows 1,2 --budget 0.01 -t 1 -o "$here/growth" --json "$here/growth.json"
check "two points of each axis, two with an exponent" sh -c "test \$(grep -c '\"roof\"' '$here/growth.json') -eq 4 && test \$(grep -c '\"exponent\": null' '$here/growth.json') -eq 2"
check "numbers for the figure" sh -c "test \$(grep -c '^[0-9]' '$here/growth/growth.dat') -eq 4"
alone growth -m "$here/d.safetensors" --sides 8 --rows 2,2 --budget 0.01 -t 1 -o "$here/growth"
check "the same rows again are no growth" sh -c "test \$(grep -c '\"exponent\": null' '$here/stdout') -eq 3"
refused "a network of one size does not grow" 1 "unet" "$STRAIT" bench growth -m "$here/m.safetensors" --sides 16 --rows 1 --budget 0.01 -o "$here/growth"
printf 'time 2 1\nvalues 2 %s\ntime 1 2\n' "$here/v.safetensors" | "$STRAIT" bench turns -m "$here/m.safetensors" -t 1 --json "$here/turns.json" > "$here/turns"
check "turns: a line for a line" sh -c "head -1 '$here/turns' | grep -qx ready && test \$(grep -c '^0\.' '$here/turns') -eq 2 && grep -qx written '$here/turns'"
check "turns: a report of those that were timed" sh -c "test \$(grep -c '\"seconds\"' '$here/turns.json') -eq 2"
refused "turns: a report among the answers" 2 "standard output" "$STRAIT" bench turns -m "$here/m.safetensors" --json -
check "turns: the answer in the file" grep -aq '"v":{' "$here/v.safetensors"
refused "turns: what is not one" 1 "nonsense" sh -c "echo nonsense | '$STRAIT' bench turns -m '$here/m.safetensors'"
check "turns: a network by name as a file" sh -c "'$STRAIT' bench turns --network unet-7m --save '$here/n.safetensors' && '$STRAIT' info '$here/n.safetensors' | grep -q unet"
