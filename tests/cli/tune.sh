# strait tune: a profile is made, kept, used, promised by and learned on; one that does not fit is refused with one sentence.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/dit.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
model dit "$here/other.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=16 depth=1 heads=2
cd "$here" || exit 1
small="--steps 12 --sampling-method ab2"
tune() { "$STRAIT" tune -q -m dit.safetensors $small --walks 4 -n 30 --held-out 8 --reference-steps 8 "$@"; }
generate() { "$STRAIT" generate -q -m dit.safetensors $small "$@"; }
check "tune" tune --out run --requests 10 --json report.json
check "the profile is beside the model" test -s dit.ab2-12.profile
check "pictures" test -s run/tune.png
check "settings of three policies in the report" sh -c '[ "$(grep -c "\"held_broke\"" report.json)" -ge 6 ]'
check "four learning curves" sh -c '[ "$(grep -c "\"regret\"" report.json)" = 4 ]'
cp dit.ab2-12.profile first
check "tune again" tune --out run
same "the same seeds give the same profile" first dit.ab2-12.profile
check "under guidance it has a name of its own" sh -c '"$0" tune -q -m dit.safetensors --steps 12 --sampling-method ab2 --cfg-scale 2 --walks 2 -n 2 --held-out 2 --reference-steps 4 --policies table --out run' "$STRAIT"
check "which is" test -s dit.ab2-12-cfg-2-0..1.profile
rm -r run report.json dit.ab2-12-cfg-2-0..1.profile

check "a frozen schedule" generate --policy table --policy-option calls=6 -b 3 -o t_%d.png --json t.json
check "calls by kind" sh -c 'grep -q "\"nfe_full\": 18" t.json && grep -q "\"extrapolated\": 18" t.json'
mkdir frozen
check "the same pictures, judged" sh -c '"$0" generate -q -m dit.safetensors --steps 12 --sampling-method ab2 --policy table --policy-option calls=6 -b 20 -o frozen/%02d.png && "$0" eval -q -m dit.safetensors frozen --steps 12 --sampling-method ab2 --policy table --policy-option calls=6 -n 20 --metrics mse --json judged.json' "$STRAIT"
check "are the same" grep -q '"mse": 0.0,' judged.json
check "a budget" generate --quality-budget rel=0.9 -o b.png --json b.json
check "is cheaper than everything" sh -c '[ "$(sed -n "s/.*\"nfe_full\": \([0-9]*\).*/\1/p" b.json | head -1)" -lt 12 ]'
check "and says what it promises" grep -q "\"tried_images\": 30" b.json
refused "a budget nobody can promise" 2 "best that can be promised" generate --quality-budget rel=1e-9 -o x.png
refused "a budget in words" 2 "rel=X" generate --quality-budget good -o x.png
refused "even where no profile is" 2 "rel=X" "$STRAIT" generate -q -m dit.safetensors --steps 7 --quality-budget good -o x.png
refused "a budget without the network it needs" 2 "lpips" generate --quality-budget lpips=0.1 -o x.png
refused "a budget while learning" 2 "stand still" generate --policy fastflow --policy-option mode=learn --quality-budget rel=0.9 -o x.png
refused "a budget for a policy without a knob" 2 "hold" generate --policy hold --quality-budget rel=0.9 -o x.png

check "a bandit learns" generate --policy fastflow --policy-option mode=learn -b 8 -o l_%d.png
check "and the file knows" grep -q '"walks":8,"pulls"' dit.ab2-12.profile
check "a picture of learned tables is made again" "$STRAIT" replay -q l_3.png -o again.png
same "byte for byte" l_3.png again.png
check "a grid of them" generate --policy contextual --policy-option e_tol=0.1 -b 4 --grid -o g.png
check "is made again" "$STRAIT" replay -q g.png
check "frozen tables give one picture" sh -c '"$0" generate -q -m dit.safetensors --steps 12 --sampling-method ab2 --policy fastflow -o f1.png && "$0" generate -q -m dit.safetensors --steps 12 --sampling-method ab2 --policy fastflow -o f2.png' "$STRAIT"
same "always" f1.png f2.png
check "learning from nothing" generate --policy fastflow --policy-option mode=learn,start=cold --profile new.profile -b 2 -o n_%d.png
check "makes a file" test -s new.profile

refused "another grid" 1 "not there" "$STRAIT" generate -q -m dit.safetensors --steps 9 --sampling-method ab2 --policy table -o x.png
refused "steps outside the profile" 1 "12 steps" "$STRAIT" generate -q -m dit.safetensors --steps 9 --sampling-method ab2 --policy table --profile first -o x.png
refused "another solver" 1 "solver" "$STRAIT" generate -q -m dit.safetensors --steps 12 --policy table --profile first -o x.png
refused "another model" 1 "model" "$STRAIT" generate -q -m other.safetensors $small --policy table --profile first -o x.png
refused "other guidance" 1 "guidance" generate --cfg-scale 2 --policy table --profile first -o x.png
head -c 3000 first > cut.profile
refused "a file that was cut" 1 "cut.profile" generate --policy table --profile cut.profile -o x.png
sed 's/0\.1/0.2/' first > bent.profile
refused "one changed number" 1 "damaged" generate --policy table --profile bent.profile -o x.png
refused "nothing was measured" 2 "calibrated" generate --policy table --profile new.profile -o x.png
refused "a profile nobody asked for" 2 "profile" generate --policy hold --profile first -o x.png
refused "mixed walks that nobody looked for" 2 "policies learned" generate --policy learned --profile first -o x.png
check "mixed walks" tune --policies learned --profile mixed.profile --out run
check "the cheapest of them" generate --policy learned --policy-option calls=4 --profile mixed.profile -b 2 -o m_%d.png --json m.json
check "asks no more" sh -c '[ "$(sed -n "s/.*\"nfe_full\": \([0-9]*\).*/\1/p" m.json | head -1)" -le 8 ]'
check "is made again" "$STRAIT" replay -q m_1.png -o m_again.png
same "to the byte" m_1.png m_again.png
refused "fewer calls than any" 2 "cheapest walk" generate --policy learned --policy-option calls=1 --profile mixed.profile -o x.png
check "in whole numbers" sh -c '"$0" tune -q -m dit.safetensors --dtype int8 --steps 12 --sampling-method ab2 --walks 2 -n 2 --held-out 2 --reference-steps 4 --policies table --out run8' "$STRAIT"
check "three steps have nothing to pass" sh -c '"$0" tune -q -m dit.safetensors --steps 3 --sampling-method ab2 --walks 1 -n 1 --held-out 1 --reference-steps 2 --policies table --out run && "$0" generate -q -m dit.safetensors --steps 3 --sampling-method ab2 --policy table -o s.png --json s.json && grep -q "\"nfe_full\": 3" s.json' "$STRAIT"
refused "tune takes no policy" 2 "policy" tune --policy hold --out o2
refused "tune knows its policies" 2 "hold" tune --policies hold --out o2
refused "a policy twice" 2 "table twice" tune --policies table,table --out o2
for flags in "--sampling-method heun" "--sampling-method dopri5" "--sampling-method caf"; do
    # shellcheck disable=SC2086 # words
    refused "$flags" 2 "asks the network once a step" "$STRAIT" tune -q -m dit.safetensors --steps 12 $flags --out o2
done
refused "blocks" 2 "asks the network once a step" "$STRAIT" tune -q -m dit.safetensors --blocks H2P4 --out o2
refused "guidance with too few rows" 2 "batch-size" tune --cfg-scale 2 --batch-size 1 --out o2
refused "a grid on which fastflow has nothing to choose" 2 "expected at least 5" "$STRAIT" tune -q -m dit.safetensors --steps 2 --out o2
refused "a folder that cannot be, before the work" 1 "/proc/nowhere" tune --walks 10000 --out /proc/nowhere
refused "a report that cannot be, before the work" 1 "/proc/nowhere" tune --walks 10000 --out run --json /proc/nowhere/r.json
refused "a profile that cannot be, before the work" 1 "/proc/nowhere" tune --walks 10000 --out run --profile /proc/nowhere/p.profile
check "a regret of five requests" tune --policies fastflow --requests 5 --profile five.profile --out run
printf 'images: 4\npaired: 2\nseeds: 2\nreference_steps: 4\ncontrols: false\ngrid:\n  - {sampling_method: ab2, steps: 12, policy: [fastflow, contextual], profile: first}\n' > grid.yaml
check "bandits in a grid" "$STRAIT" compare -q -m dit.safetensors --grid grid.yaml --out grid
cp grid/rows.jsonl once
check "again, where bandits have begun their tables meanwhile" "$STRAIT" compare -q -m dit.safetensors --grid grid.yaml --out grid --resume
same "nothing is made again" once grid/rows.jsonl
