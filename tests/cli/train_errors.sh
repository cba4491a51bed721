#!/bin/sh
# Wrong recipes and wrong places: one sentence, exit code 1 (2 for wrong usage), nothing left behind.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
toy=recipes/toy-8gauss-rf.yaml
refused() { # NAME CODE WORD ARGS...: exit code CODE, one line on stderr that has WORD
    name=$1; code=$2; word=$3; shift 3
    "$STRAIT" train -q -o "$dir/run" "$@" > "$dir/out" 2> "$dir/err"; rc=$?
    if [ $rc -eq "$code" ] && [ "$(wc -l < "$dir/err")" -eq 1 ] && grep -q -- "$word" "$dir/err" && [ ! -e "$dir/run/model.safetensors" ]
    then echo "ok $name"; else echo "not ok $name (exit $rc)"; cat "$dir/err"; fi
}
recipe() { sed "$1" "$toy" > "$dir/changed.yaml"; }

refused "no recipe" 2 RECIPE
refused "missing file" 1 nowhere.yaml nowhere.yaml
recipe 's/steps: 20000/stepz: 20000/';       refused "unknown key" 1 stepz "$dir/changed.yaml"
recipe 's/steps: 20000/stepz: 20000/';       refused "unknown key, with its line" 1 'changed.yaml:[0-9]' "$dir/changed.yaml"
recipe 's/steps: 20000/steps: many/';        refused "wrong type" 1 steps "$dir/changed.yaml"
recipe 's/steps: 20000/steps: 0/';           refused "out of range" 1 steps "$dir/changed.yaml"
recipe '/steps: 20000/d';                    refused "missing key" 1 steps "$dir/changed.yaml"
recipe 's/8gauss/9gauss/';                   refused "unknown data lists the known" 1 8gauss "$dir/changed.yaml"
recipe 's/kind: mlp/kind: mlpp/';            refused "unknown network lists the known" 1 mlp "$dir/changed.yaml"
recipe 's/^evaluate/evaluation/';            refused "unknown section" 1 evaluation "$dir/changed.yaml"
recipe 's/^model:/model: [/';                refused "not YAML" 1 changed.yaml "$dir/changed.yaml"
refused "override: unknown plug-in" 1 independent $toy train.coupling=nearest
refused "override: not a pair" 1 SECTION.KEY $toy train.steps
refused "override: out of range" 1 beta1 $toy train.beta1=2
refused "micro-batch must divide the batch" 1 micro_batch $toy train.micro_batch=100
refused "labels of an unconditional network" 1 label_drop $toy train.label_drop=0.1
refused "a network larger than memory" 1 "M parameters, and training it with" $toy model.width=16384 model.layers=64 train.batch=65536
STRAIT_MEMORY_MB=200 refused "one that is larger than it may be" 1 "27.91 M parameters" recipes/slimflow-cifar-27m.yaml
refused "a run that learned nothing" 1 "gradients were not finite" $toy train.steps=20 train.lr=1000 train.clip=0 evaluate.samples=50
rm -rf "$dir/run"
{ printf 'a: '; head -c 100000 /dev/zero | tr '\0' '['; } > "$dir/changed.yaml"
refused "nested without end" 1 "nested deeper than 32" "$dir/changed.yaml"
sed 's/base: 32/bass: 32/' recipes/fashion-rf.yaml > "$dir/changed.yaml"
refused "the line of a network's setting" 1 "changed.yaml:[0-9]*: unknown key bass" "$dir/changed.yaml"
refused "fewer steps of a grid than windows" 1 "sample.steps is 3, expected at least the 4" recipes/fashion-perflow.yaml sample.steps=3
refused "a grid by a solver nobody has" 1 "sample.solver: no solver 'eulr'" recipes/fashion-rf.yaml sample.solver=eulr
refused "an adversary that would never look" 1 "train.time_eps is 0.001, expected 0 with an adversary" recipes/fashion-2rf-gan.yaml train.time_eps=0.001
refused "an exact velocity of what has none" 1 "evaluate.exact is foo" $toy evaluate.exact=foo
refused "a toy is not flipped" 1 flip $toy data.flip=true
: > "$dir/file"
"$STRAIT" train -q $toy -o "$dir/file/run" > "$dir/out" 2> "$dir/err"; rc=$?
if [ $rc -eq 1 ] && grep -q "$dir/file" "$dir/err"; then echo "ok unwritable folder"; else echo "not ok unwritable folder"; cat "$dir/err"; fi
