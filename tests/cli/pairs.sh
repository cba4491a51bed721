# strait pairs: a store that an interrupted run goes on with, the pictures of generate in it, and 2-RF trained on it.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/dit.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
model dit "$here/other.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=1 heads=2
model mlp "$here/mlp.safetensors"
root=$PWD
cd "$here" || exit 1
pairs() { "$STRAIT" pairs -q -m dit.safetensors --steps 3 -s 7 "$@"; }
check "a store of twelve" pairs -b 12 -o a.pairs --json a.json
check "all were made" grep -q '"count": 12' a.json
cp a.pairs whole.pairs
check "asking again makes nothing" pairs -b 12 -o a.pairs --json b.json
check "none were made" grep -q '"count": 0' b.json
same "and changes nothing" a.pairs whole.pairs
head -c 4500 whole.pairs > cut.pairs
check "a cut store goes on" pairs -b 12 -o cut.pairs --json c.json
check "with what was missing" grep -q '"found": 4' c.json
same "the same pairs in the same places" cut.pairs whole.pairs
check "two threads, other batches" pairs -b 12 -o threads.pairs -t 2 --batch-size 3
sum_of() { tail -c +4097 "$1" | od -An -v -tx1 -w84 | sort | cksum; }
check "the same pairs" [ "$(sum_of threads.pairs)" = "$(sum_of whole.pairs)" ]
refused "another teacher" 1 "teacher" "$STRAIT" pairs -m other.safetensors --steps 3 -s 7 -b 12 -o a.pairs
refused "other steps" 1 "steps" pairs -b 12 --steps 4 -o a.pairs
refused "no store" 1 "mlp.safetensors" pairs -b 2 -o mlp.safetensors
refused "the teacher as its own store" 2 "which --model names too" pairs -b 2 -o dit.safetensors
refused "no place" 1 "nowhere" pairs -b 2 -o /proc/nowhere/a.pairs
refused "a report that cannot be, before the work" 1 "nowhere" pairs -b 2 -o none.pairs --json /proc/nowhere/r.json
check "points" "$STRAIT" pairs -q -m mlp.safetensors --steps 2 -b 300 --batch-size 64 -o p.pairs
sed -e "s,runs/toy-8gauss.pairs,$here/p.pairs," -e "s,runs/toy-8gauss-rf/model.safetensors,$here/mlp.safetensors," "$root/recipes/toy-8gauss-2rf.yaml" > 2rf.yaml
check "2-RF from it" "$STRAIT" train -q 2rf.yaml train.steps=20 evaluate.samples=100 -o run
refused "a report of training that cannot be, before the work" 1 "nowhere" "$STRAIT" train -q 2rf.yaml train.steps=1000000 -o run2 --json /proc/nowhere/r.json
refused "init of another kind" 1 "train.init" "$STRAIT" train -q 2rf.yaml "train.init=$here/dit.safetensors" train.steps=20 -o run2
refused "stored pairs from a data set" 1 "stored" "$STRAIT" train -q 2rf.yaml data.name=8gauss data.path= train.steps=20 -o run3
check "noise of real data" "$STRAIT" pairs -q -m mlp.safetensors --invert 8gauss --sampling-method rk4 --steps 8 -b 40 -o real.pairs --json r.json
check "with its spread" grep -q '"noise_spread": [0-9]' r.json
check "all were found" grep -q '"count": 40' r.json
check "noise of real data, aloud" "$STRAIT" pairs -m mlp.safetensors --invert 8gauss --sampling-method rk4 --steps 8 -b 4 -o aloud.pairs
cp err aloud
check "noise that is not what sampling starts from is warned of" grep -q "found has a spread of [2-4]" aloud
cp real.pairs whole-real.pairs
head -c 4400 real.pairs > real-cut.pairs
check "a cut store of them goes on" "$STRAIT" pairs -q -m mlp.safetensors --invert 8gauss --sampling-method rk4 --steps 8 -b 40 -o real-cut.pairs
check "with the same pairs" [ "$(wc -c < real-cut.pairs)" = "$(wc -c < whole-real.pairs)" ]
check "info of a store" sh -c '"$0" info real.pairs --json - | grep -q "\"pairs\": 40"' "$STRAIT"
refused "other pairs into it" 1 "noise true" "$STRAIT" pairs -q -m mlp.safetensors --sampling-method rk4 --steps 8 -b 40 -o real.pairs
refused "data of another size" 1 "model takes" "$STRAIT" pairs -q -m dit.safetensors --invert 8gauss -b 4 -o wrong.pairs
check "2-RF from both kinds" "$STRAIT" train -q 2rf.yaml data.real=real.pairs train.steps=20 evaluate.samples=100 evaluate.crossing=32 -o run4
refused "real pairs of another label set" 1 "data.real" "$STRAIT" train -q 2rf.yaml data.real=whole.pairs train.steps=20 -o run5
sed -e '/^evaluate/,$d' -e 's/kind: mlp/kind: mlp\n  refines: plain/' -e '/init:/d' -e "s,coupling: stored,coupling: stored\n  path: caf_acceleration\n  initial: $here/mlp.safetensors," 2rf.yaml > caf.yaml
check "CAF's second network" "$STRAIT" train -q caf.yaml train.steps=20 -o caf
refused "caf without its second network" 2 "second network" "$STRAIT" pairs -q -m mlp.safetensors --sampling-method caf -b 3 -o c.pairs
refused "a path of CAF without the first network" 1 "train.initial" "$STRAIT" train -q caf.yaml train.initial= train.steps=20 -o caf2
refused "a premetric of points" 1 "train.premetric" "$STRAIT" train -q 2rf.yaml train.premetric=classifier train.steps=20 -o run6
# A disk that is full in the middle: what was written stays, and the same command goes on. (ulimit counts in 512 bytes.)
cd "$here" || exit 1
full() { ( trap '' XFSZ; ulimit -f 9; pairs -b 12 -o full.pairs ); }
full > full.txt 2>&1; code=$?
check "a full disk is said" [ "$code" = 1 ]
check "with the file's name" grep -q "full.pairs" full.txt
check "then it goes on" pairs -b 12 -o full.pairs
same "and nothing was lost" full.pairs whole.pairs
