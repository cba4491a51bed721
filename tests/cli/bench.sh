# strait bench: every benchmark runs and reports numbers that can be; how fast they are is not a test.
here=$(mktemp -d)
. tests/cli/common.inc
model unet "$here/m.safetensors" height=8 width=8 channels=1 classes=3 base=8 "multipliers=[1]" blocks=1 "attention=[8]"
check "limits" "$STRAIT" bench limits --budget 0.01 -t 1 --json "$here/limits.json"
check "memory has a speed" grep -q '"copy-dram"' "$here/limits.json"
check "kernels" "$STRAIT" bench kernels --budget 0.01 --shapes dit --dtype f32 --json "$here/kernels.json"
check "three directions" grep -q '"by_weights"' "$here/kernels.json"
check "a model" "$STRAIT" bench model -m "$here/m.safetensors" --rows 1,3 --budget 0.01 --json "$here/model.json"
check "rows as asked" grep -q '"rows": 3' "$here/model.json"
check "ways of sharing calls" "$STRAIT" bench stream --networks "$here/m.safetensors,$here/m.safetensors" --steps 2,3 --jobs 1,4 --rounds 1 --budget 0.01 \
    --json "$here/stream.json"
check "four schemes, two step counts and both, twice" test "$(grep -c '"scheme"' "$here/stream.json")" -eq 40
check "the ring takes M + N - 1 calls" sh -c "grep -A5 '\"scheme\": \"ring\"' '$here/stream.json' | grep '\"calls\"' | tr -dc '0-9\n' | tr '\n' ' ' | grep -q '^2 5 3 6 '"
check "every scheme makes the same pictures" sh -c "! grep '\"largest_difference\"' '$here/stream.json' | grep -v ' 0\.0,*$'"
check "gains" grep -q '"overlap"' "$here/stream.json"
refused "no such checkpoint or network" 1 "nothere" "$STRAIT" bench stream --networks "$here/nothere"
refused "no such network" 2 "network" "$STRAIT" bench model --network huge
refused "no such benchmark" 2 "limits" "$STRAIT" bench nothing
refused "no model" 1 "absent" "$STRAIT" bench model -m "$here/absent.safetensors"
