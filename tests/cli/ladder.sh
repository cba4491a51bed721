# A training ladder: rungs in order, resumed rung by rung, its table; what does not fit is refused before anything is made.
here=$(mktemp -d)
. tests/cli/common.inc
root=$PWD
cd "$here" || exit 1
ln -s "$root/recipes" recipes
cat > small.yaml <<END
rungs:
  - {name: rf, train: "recipes/toy-8gauss-rf.yaml train.steps=40 train.checkpoint_every=20 evaluate.samples=50 evaluate.crossing=30"}
  - {name: pairs, pairs: "-m {rf} -b 60 --batch-size 64 --steps 2"}
  - {name: 2rf, train: "recipes/toy-8gauss-2rf.yaml data.path={pairs} train.init={rf} train.steps=20 evaluate.samples=50"}
  - {name: first, train: "recipes/toy-8gauss-caf-velocity.yaml data.path={pairs} train.steps=20"}
  - {name: caf, train: "recipes/toy-8gauss-caf.yaml data.path={pairs} train.initial={first} train.steps=20 evaluate.samples=50"}
END
climb() { "$STRAIT" train -t 1 "$@"; }
check "five rungs" climb small.yaml -o all
check "a table of the three that have numbers" [ "$(grep -c '^| [r2cf]' all/ladder.md)" = 4 ]
cp all/2rf/model.safetensors 2rf.before
cp all/rf/model.safetensors rf.before
rm -r all/2rf all/2rf.json
check "a rung that is gone is made again" climb small.yaml -o all
same "with the same bytes" all/2rf/model.safetensors 2rf.before
same "and nothing before it" all/rf/model.safetensors rf.before
sed 's/-b 60/-b 61/' small.yaml > other.yaml
refused "other words for a rung that is there" 1 "other words" climb other.yaml -o all
sed 's/{pairs} train.init/{none} train.init/' small.yaml > unknown.yaml
refused "a rung that is none" 1 "is not a rung" climb unknown.yaml -o new
sed 's/velocity.yaml data.path={pairs} train.steps=20/velocity.yaml data.path={pairs/' small.yaml > open.yaml
for wrong in '{runn: x, steps: [1]}' '{run: x}' '{steps: [1]}' '{run: x, steps: 2}' '{run: x, steps: [1, a]}'; do
    { cat small.yaml; echo "evaluate: $wrong"; } > judged.yaml
    refused "evaluate: $wrong" 1 "evaluate" climb judged.yaml -o new
done
echo 'rungs: []' > empty.yaml
refused "no rungs" 1 "rungs is empty" climb empty.yaml -o new
sed 's/name: first/name: ladder/; s/{first}/{ladder}/' small.yaml > table.yaml
refused "a rung in the table's place" 1 "named ladder" climb table.yaml -o new
check "the table as a report" climb small.yaml -o all --json report.json
check "has its rungs" [ "$(grep -c '"name"' report.json)" = "$(grep -c '"name"' all/ladder.json)" ]
refused "a folder of two words" 1 "without blanks" climb small.yaml -o "my runs"
refused "a brace that is not closed" 1 "is not a rung" climb open.yaml -o new
sed 's/name: 2rf/name: rf/' small.yaml > twice.yaml
refused "two of a name" 1 "named" climb twice.yaml -o new
sed 's/train.steps=40/train.stepz=40/' small.yaml > wrong.yaml
climb wrong.yaml -o failing > failing.txt 2>&1
check "a rung that fails is named" grep -q "rf failed" failing.txt
refused "settings for a ladder" 1 "inside a rung" climb small.yaml train.steps=1 -o new
