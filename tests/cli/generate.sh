# Images do not depend on threads, batch or neighbours; the report counts; requests of different kinds share a run.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/dit.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
model unet "$here/unet.safetensors" height=8 width=8 channels=3 classes=4 base=16 'multipliers=[1,2]' blocks=1 'attention=[4]'

for kind in dit unet; do for dtype in f32 bf16; do
    name="$kind $dtype"
    mkdir -p "$here/$kind$dtype"; cd "$here/$kind$dtype" || exit 1
    generate() { "$STRAIT" generate -q -m "$here/$kind.safetensors" --dtype $dtype --steps 3 --cfg-scale 2 "$@"; }
    generate -b 16 -s 100 -t 1 -o one_%d.png
    generate -b 16 -s 100 -t 2 -o two_%d.png
    generate -b 16 -s 100 --batch-size 5 -o five_%d.png
    for k in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do generate -s $((100 + k)) -o single_$k.png; done
    cat one_?.png one_1?.png > one.all; cat two_?.png two_1?.png > two.all
    cat five_?.png five_1?.png > five.all; cat single_?.png single_1?.png > single.all
    same "$name: one thread and two threads" one.all two.all
    same "$name: 16 and 5 rows a call" one.all five.all
    same "$name: -b 16 and sixteen single runs" one.all single.all
    generate -s 1 --class-label 1 --disable-image-metadata -o a.png
    generate -s 2 --class-label 1 --disable-image-metadata -o b.png
    generate -s 1 --class-label 2 --disable-image-metadata -o c.png
    differ "$name: seeds differ" a.png b.png
    differ "$name: classes differ" a.png c.png
    cd "$here" || exit 1
done; done

m=$here/dit.safetensors
generate() { "$STRAIT" generate -q -m "$m" "$@"; }
check "defaults" generate
check "image 0 has its name" test -s out_000.png
check "heun" generate --sampling-method heun --steps 2 -o heun.png --json heun.json
check "heun counts its calls" grep -q '"nfe_full": 4' heun.json
check "aliases" generate --sampler heun --num-inference-steps 2 --guidance-scale 1 -o alias.png
same "aliases do the same" heun.png alias.png
check "times" generate --times 0,0.5,1 --sampling-method heun -o times.png --disable-image-metadata
check "sigmas" generate --sigmas 1,0.5,0 --sampling-method heun -o sigmas.png --disable-image-metadata
check "sigmas without the 0" generate --sigmas 1,0.5 --sampling-method heun -o sigmas0.png --disable-image-metadata
same "sigmas are 1 - times" times.png sigmas.png
same "the last sigma may be left out" sigmas.png sigmas0.png
check "flux grid" generate --scheduler flux --steps 4 -o flux.png --json flux.json
check "flux grid records its shift" grep -q '"flow_shift": 1.5' flux.json
for method in midpoint rf_solver rk4 dopri5 ab2 pseudo dpm2 dpm++2m fireflow reversible; do
    check "$method" generate --sampling-method $method --steps 4 -o method.png
    check "$method again from its picture" "$STRAIT" replay -q method.png
done
check "solver options" generate --sampling-method dopri5 --sampling-option rtol=1e-2,atol=1e-2 --steps 1 -o dopri5.png --json loose.json
generate --sampling-method dopri5 --sampling-option rtol=1e-5,atol=1e-5 --steps 1 -o dopri5.png --json tight.json
differ "a tolerance changes the picture" loose.json tight.json
check "solver options from the picture" "$STRAIT" replay -q dopri5.png
check "a first step by Heun" generate --sampling-method ab2 --sampling-option first=heun --steps 3 -o ab2.png --json ab2.json
check "it takes one call more" grep -q '"nfe_full": 4' ab2.json
generate -s 3 --steps 4 -o plain.png --disable-image-metadata
generate -s 8 --steps 4 -o target.png --disable-image-metadata
check "endpoint guidance" generate -s 3 --steps 4 --guidance endpoint --guidance-target target.png --cfg-scale 1.3 --guidance-delta 0.5 -o pushed.png
check "endpoint guidance from its picture" "$STRAIT" replay -q pushed.png
generate -s 3 --steps 4 --guidance endpoint --guidance-target target.png --cfg-scale 1 -o neutral.png --disable-image-metadata
same "scale 1 is neutral" neutral.png plain.png
generate -s 3 --steps 4 --guidance endpoint --guidance-target target.png --cfg-scale 0 -o pulled.png --disable-image-metadata
same "scale 0 is the target" pulled.png target.png
check "onetime" generate -s 3 --steps 4 --guidance onetime --cfg-scale 1.5 -o once.png --json once.json
check "onetime takes one row more" grep -q '"rows_full": 5' once.json
check "shift" generate --flow-shift 3 --steps 2 -o shift.png
generate --class-label 1 -s 9 --steps 2 -o c1.png; generate --class-label 2 -s 9 --steps 2 -o c2.png
generate --class-label 1,2 -b 2 -s 9 --steps 2 -o both_%d.png
same "classes are spread over the images" c1.png both_0.png
check "a grid" generate --class-label 0,1,2,3 -b 8 --steps 1 --grid -o new/folder/grid.png --json grid.json
check "in a new folder" test -s new/folder/grid.png
check "one entry an image" test "$(grep -c '"seed"' grid.json)" -eq 9
check "a random seed" generate -s -1 --steps 1 -o r1.png
check "another" generate -s -1 --steps 1 -o r2.png
differ "random seeds differ" r1.png r2.png
generate --steps 1 -o - > stdout.png; generate --steps 1 -o file.png
same "-o - is the same file" stdout.png file.png
generate --steps 1 -o file2.png --json - > report.json
check "--json - is JSON on stdout" /bin/sh -c 'head -c1 report.json | grep -q "{" && grep -q images_per_second report.json && grep -q peak_memory_bytes report.json'
cat > jobs.jsonl <<'J'
{"class_label": 1, "seed": 9, "steps": 2, "output": "j1.png"}

{"class_label": [2], "seed": 9, "num_inference_steps": 2, "output": "j2.png"}
{"seed": 42, "sampling_method": "heun", "steps": 2, "cfg_scale": 1, "output": "j3.png"}
{"seed": 100, "steps": 3, "cfg_scale": 2, "output": "j4.png"}
J
check "requests" generate --requests jobs.jsonl
same "request 1 equals its own run" j1.png c1.png
same "request 2 equals its own run" j2.png c2.png
same "request 3 equals its own run" j3.png heun.png
same "request 4 equals its own run" j4.png ditf32/one_0.png
"$STRAIT" generate -m "$m" --steps 1 -s 77 -o seed.png 2> seed.err
check "the seed is printed" grep -q 'seed 77' seed.err
check "version" /bin/sh -c '"$0" --version | grep -q "^strait [0-9]"' "$STRAIT"
check "help lists the commands" /bin/sh -c '"$0" help | grep -q generate' "$STRAIT"
check "help ends with examples" /bin/sh -c '"$0" generate --help | tail -4 | grep -q "strait generate -m"' "$STRAIT"
for command in generate stream invert edit train info replay convert delta eval compare tune pairs; do
    check "help of $command: options and their text have their columns" /bin/sh -c '"$0" $1 --help > help.txt && grep -q "^      --json=FILE " help.txt && ! grep -qE "^ {7,28}[^ ]|^ {30}" help.txt' "$STRAIT" $command
done
check "help of a command" /bin/sh -c '"$0" help replay | grep -q FILE.png' "$STRAIT"

# How jobs reach the batcher changes how long they take, never what comes out.
cat > mixed.jsonl <<'J'
{"class_label": 1, "seed": 9, "steps": 2, "output": "M_j1.png"}
{"class_label": 2, "seed": 9, "steps": 7, "sampling_method": "heun", "cfg_scale": 3, "output": "M_j2.png"}
{"class_label": 3, "seed": 5, "batch_count": 5, "steps": 3, "scheduler": "shifted", "output": "M_j3_%d.png", "deadline_ms": 1}
{"seed": 100, "steps": 3, "cfg_scale": 2, "output": "M_j4.png", "deadline_ms": 100000}
J
mixed() { sed "s/M_/$1_/" mixed.jsonl > "$1.jsonl"; shift_name=$1; shift; "$STRAIT" generate -q -m "$m" --disable-image-metadata --requests "$shift_name.jsonl" "$@"; }
check "mixed requests, measured rows" mixed plain --json plain.json
check "mixed requests, one row at a time" mixed one --batch-size 2 --slots 1
check "mixed requests, deadlines" mixed deadline --admission deadline
check "mixed requests, ring" mixed ring --admission ring --slots 3 --warm
check "mixed requests, static batches" mixed equal --admission equal --batch-size 5
for way in one deadline ring equal; do for k in j1 j2 j3_0 j3_1 j3_2 j3_3 j3_4 j4; do
    cmp "plain_$k.png" "${way}_$k.png" || echo "$way $k" >> differing
done; done
check "the same pictures whatever the admission" test ! -s differing
check "the report has latencies, fill rate and plans" /bin/sh -c 'for key in p50 p95 p99 fill_rate row_times builds build_seconds hits; do grep -q "\"$key\"" plain.json || exit 1; done'
check "row times are kept" /bin/sh -c 'ls "$XDG_CACHE_HOME"/strait/rows-*-f32-*.json'
for file in "$XDG_CACHE_HOME"/strait/*.json; do echo '{"rows": [1' > "$file"; done
"$STRAIT" generate -m "$m" --requests plain.jsonl > /dev/null 2> damaged.err
check "a damaged table is measured again" /bin/sh -c 'grep -q "rows-.*measured again, because it is not a JSON object" damaged.err && grep -q key "$XDG_CACHE_HOME"/strait/*-f32-*.json'
# t, class, seed and guidance are inputs of a plan: twice as many different requests build no more of them.
generate -b 8 --steps 4 --batch-size 4 -o p_%d.png --json few.json
generate -b 64 --steps 9 --batch-size 4 --class-label 0,1,2,3 -s 7 --cfg-scale 2 --scheduler shifted -o p_%d.png --json many.json
builds() { sed -n 's/.*"builds": \([0-9]*\).*/\1/p' "$1"; }
check "plans: one size, one build" test "$(builds few.json)" -eq 1
check "changing t, class, seed or guidance builds no plan" test "$(builds many.json)" -eq 1
