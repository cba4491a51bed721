#!/bin/sh
# Every rung of the ladder on Fashion-MNIST at one budget, beside what its paper reports: the teacher, 2-RF, distillation, rf++'s A to G one upon the
# other, Simple ReFlow's switches one at a time and together, CAF and its adversarial stage, and a second reflow.
#   bench/ladder_images.sh [OUT_FOLDER]        (runs/ladder-images when not given; goes on with what is there; the table is OUT/ladder.md)
# STEPS (800): updates of each run, batches of 32: two minutes of one quiet core. PAIRS (3000) noise to picture, REAL (1000) picture to noise.
# SEEDS ("0"). SETS ("reflow rfpp simple caf again cifar"): which parts to make; the table shows what there is. HEADLINE (""): anything leaves the single
# switches and the adversary out, for further seeds. See images.inc for the rest.
out=${1:-runs/ladder-images}
. bench/images.inc
steps=${STEPS:-800} pairs=${PAIRS:-3000} real=${REAL:-1000} seeds=${SEEDS:-0} sets=${SETS:-reflow rfpp simple caf again cifar}
teacher=models/fashion-rf.safetensors eye=$fashion
calls="--dtype bf16 --batch-size 32 --sampling-method heun -q -t $threads"
forth="$calls --steps 8"
# shellcheck disable=SC2086 # words
"$strait" pairs -m "$teacher" -b "$pairs" -s 100000 $forth -o "$out/backward.pairs" || exit 1
equal="train.steps=$steps data.path=$out/backward.pairs evaluate.crossing=64"
euler="1, 2, 4, 9"

# The classifier inside the losses is not the one that judges.
second_eye() { trained eye recipes/fashion-classifier.yaml train.seed=7 "train.steps=${EYE_STEPS:-1000}" train.warmup=50 train.batch=64; }
# 128 calls, as rf++ has (two for each of INVERT_STEPS): with 16 the noise that is found has a spread of 0.82 instead of 0.94, and sampling starts from 1.
inverted() {
    # shellcheck disable=SC2086
    "$strait" pairs -m "$teacher" --invert fashion-mnist:train -b "$real" $calls --steps "${INVERT_STEPS:-64}" -o "$out/forward.pairs" || exit 1
}
# two NAME SETTINGS...: a 2-RF from the teacher with uniform times, changed by the settings, judged by Euler steps
two() {
    name=$1; shift
    # shellcheck disable=SC2086
    trained "$name-$seed" recipes/fashion-2rf.yaml $equal train.time=uniform "train.seed=$seed" "$@"
    judge "$name"
}
# single NAME SETTINGS...: the same, unless only the headline is wanted
single() { [ -n "${HEADLINE:-}" ] || two "$@"; }
# judge NAME [STEPS FLAGS NETWORK]
judge() { judged "$1-$seed" "$teacher" "$eye" "${2:-$euler}" "model: $out/${4:-$1-$seed}/model.safetensors, ${3:-sampling_method: euler}" "$seed"; }

reflow() {
    judged "teacher-$seed" "$teacher" "$eye" "$euler" "sampling_method: euler" "$seed"
    two 2rf
    # shellcheck disable=SC2086
    trained "distil-$seed" recipes/fashion-2rf-distill.yaml $equal "train.steps=$(((steps + 1) / 2))" "train.init=$out/2rf-$seed/model.safetensors" "train.seed=$seed"
    judge distil
}
rfpp() {
    feel="train.premetric=classifier train.premetric_file=$out/eye/model.safetensors"
    second_eye
    inverted
    two A train.init=
    two 2rf # B: from the teacher
    single C train.time=cosh
    single D train.time=cosh train.loss=pseudo_huber
    # shellcheck disable=SC2086
    single E train.time=cosh train.loss=pseudo_huber train.weight=t $feel
    # shellcheck disable=SC2086
    two F train.time=cosh train.loss=pseudo_huber train.weight=t $feel train.premetric_weight=inverse
    # shellcheck disable=SC2086
    two G train.time=cosh train.loss=pseudo_huber train.weight=t $feel train.premetric_weight=inverse "train.init=$out/F-$seed/model.safetensors" \
        "train.steps=$(((steps + 7) / 8))" "data.real=$out/forward.pairs" data.real_share=1
    judge G-reinterpolate "$euler" "sampling_method: reinterpolate" "G-$seed"
}
simple() {
    inverted
    two 2rf
    single normalise train.normalise=sample
    single exponential train.time=exponential
    single high-pass train.target=high_pass
    single dropout model.dropout=0.05
    single forward "data.real=$out/forward.pairs"
    [ -n "${HEADLINE:-}" ] || judge sigmoid "$euler" "sampling_method: euler, scheduler: sigmoid" "2rf-$seed"
    [ -n "${HEADLINE:-}" ] || judge dpm2 "1, 2, 3, 5" "sampling_method: dpm2" "2rf-$seed"
    two all train.normalise=sample train.time=exponential train.target=high_pass model.dropout=0.05 "data.real=$out/forward.pairs"
    judge all-sampler "1, 2, 3, 5" "sampling_method: dpm2, scheduler: sigmoid" "all-$seed"
}
caf() {
    two 2rf
    judge 2rf-more "2, 3, 5" "sampling_method: euler" "2rf-$seed"
    trained "caf-$seed" recipes/fashion-caf.yaml "train.steps=$steps" "data.path=$out/backward.pairs" "train.initial=$out/2rf-$seed/model.safetensors" \
        "train.init=$out/2rf-$seed/model.safetensors" "train.seed=$seed"
    judge caf "1, 2, 4" "sampling_method: caf, refiner: $out/caf-$seed/model.safetensors" "2rf-$seed"
    [ -z "${HEADLINE:-}" ] || return 0
    second_eye
    trained "gan-$seed" recipes/fashion-caf-gan.yaml "train.steps=$(((steps + 1) / 2))" "data.path=$out/backward.pairs" "train.initial=$out/2rf-$seed/model.safetensors" \
        "train.init=$out/caf-$seed/model.safetensors" "adversary.file=$out/eye/model.safetensors" "train.seed=$seed"
    judge gan "1, 2, 4" "sampling_method: caf, refiner: $out/gan-$seed/model.safetensors" "2rf-$seed"
}
again() { # "one reflow is enough"
    two 2rf
    # shellcheck disable=SC2086
    "$strait" pairs -m "$out/2rf-$seed/model.safetensors" -b "$pairs" -s 200000 $forth -o "$out/second-$seed.pairs" || exit 1
    two 3rf "train.init=$out/2rf-$seed/model.safetensors" "data.path=$out/second-$seed.pairs"
}
# CIFAR-10: a 2-RF with nothing on it, and with the two switches that did best on Fashion-MNIST
cifar() ( # in a shell of its own: another teacher, judge and settings
    teacher=models/cifar-small.safetensors eye=$cifar
    # shellcheck disable=SC2086
    "$strait" pairs -m "$teacher" -b "$pairs" -s 100000 $forth -o "$out/cifar.pairs" || exit 1
    judged "cifar-teacher-$seed" "$teacher" "$eye" "$euler" "sampling_method: euler" "$seed"
    equal="train.steps=$steps data.path=$out/cifar.pairs evaluate.crossing=64 train.seed=$seed"
    # shellcheck disable=SC2086
    trained "cifar-2rf-$seed" recipes/cifar-2rf.yaml $equal train.time=uniform train.loss=l2
    judge cifar-2rf
    # shellcheck disable=SC2086
    trained "cifar-D-$seed" recipes/cifar-2rf.yaml $equal
    judge cifar-D
)
for seed in $seeds; do
    for part in $sets; do "$part" || exit 1; done
done

# all NAME FUNCTION ARGUMENTS...: over the seeds that there are
all() {
    name=$1; what=$2; shift 2
    for seed in $seeds; do
        if [ "$what" = straight ]; then [ -f "$out/$name-$seed.json" ] && straight "$name-$seed" "$1"
        elif [ -f "$out/$name-$seed.tsv" ]; then number "$name-$seed" "$@"; fi
    done | mean
}
# agrees NAME OTHER CALLS better|worse: whether NAME's distance is that, seed by seed
agrees() {
    for seed in $seeds; do
        [ -f "$out/$1-$seed.tsv" ] && [ -f "$out/$2-$seed.tsv" ] && echo "$(number "$1-$seed" "$3" 2) $(number "$2-$seed" "$3" 2)"
    done | awk -v way="$4" '$1 == "-" || $2 == "-" { next } { n++; k += ($1 < $2 ? "better" : "worse") == way }
                            END { print (!n ? "-" : n == 1 ? (k ? "yes" : "no") : k " of " n) }'
}
# line "TITLE" NAME CALLS "PAPER" AGAINST DIRECTION: the paper's change from AGAINST to NAME, and whether ours has its sign
line() {
    ls "$out/$2"-[0-9]*.tsv > /dev/null 2>&1 || return
    printf '| %s |' "$1"
    for calls in 1 2 4 9; do printf ' %s |' "$(all "$2" number $calls 2)"; done
    for calls in 1 2 4 9; do printf ' %s |' "$(all "$2" number $calls 3)"; done
    for which in S V; do printf ' %s |' "$(all "$2" straight $which)"; done
    printf ' %s | %s |\n' "$4" "$(agrees "$2" "$5" "$3" "$6")"
}
{
    echo "$steps updates of 32 a run, $pairs pairs, seeds $seeds, $images pictures a row against the test split; FD: Fréchet distance in the judge's features;"
    echo "MSE: from the teacher's 16 Heun steps of the same noise, a pixel; S, V: over the run's pairs, a picture. The paper's FID is CIFAR-10's at as many calls as it names."
    echo
    echo '| | FD 1 | 2 | 4 | 9 calls | MSE 1 | 2 | 4 | 9 | S | V | paper | same direction |'
    echo '|---|---|---|---|---|---|---|---|---|---|---|---|---|'
    line "teacher (1-RF)" teacher 1 "378 at 1" - -
    line "2-RF, from the teacher (rf++ B)" 2rf 1 "12.21 at 1" teacher better
    line "2-RF + distillation, half a run more" distil 1 "4.85 at 1" 2rf better
    line "rf++ A: random weights" A 1 "12.21 at 1" - -
    line "B: from the teacher" 2rf 1 "7.14 / 3.61 at 1 / 2, batch x4" A better
    line "C: + U-shaped t" C 1 "5.17 / 3.37" 2rf better
    line "D: + pseudo-Huber" D 1 "5.24 / 3.34" C worse
    line "E: + premetric, t on the Huber" E 1 "3.42 / 2.95" D better
    line "F: + 1/(1-t) on the premetric" F 1 "3.38 / 2.76" E better
    line "G: + an eighth of a run on real pairs" G 1 "3.07 / 2.40" F better
    line "G, rf++'s sampler" G-reinterpolate 2 "better at few steps" G better
    line "Simple ReFlow 1: normalise=sample" normalise 9 "better; figure not to be had" 2rf better
    line "2: time=exponential" exponential 9 "better; not to be had" 2rf better
    line "3: target=high_pass" high-pass 9 "better; not to be had" 2rf better
    line "4: dropout 0.05 (the teacher had none)" dropout 9 "less than the teacher's is better" 2rf worse
    line "5: a fifth forward pairs" forward 9 "better; not to be had" 2rf better
    line "6: sigmoid grid" sigmoid 9 "better; not to be had" 2rf better
    line "7: dpm2, 9 calls" dpm2 9 "better; not to be had" 2rf better
    line "1 to 5 together" all 9 - 2rf better
    line "1 to 7 together, 9 calls" all-sampler 9 "2.23 at 9" 2rf better
    line "a second reflow" 3rf 1 "12.21 to 8.15 at 1; rf++: not needed" 2rf better
    line "CIFAR-10: teacher" cifar-teacher 1 "378 at 1" - -
    line "2-RF" cifar-2rf 1 "12.21 at 1" cifar-teacher better
    line "2-RF, U-shaped t, pseudo-Huber" cifar-D 1 "5.24 / 3.34, more pairs" cifar-2rf better
    if ls "$out"/caf-[0-9]*.tsv > /dev/null 2>&1; then
        echo
        echo '| calls | 2-RF | CAF | and half a run with the adversary | paper, uncond. | same direction |'
        echo '|---|---|---|---|---|---|'
        for calls in 2 3 5; do
            plain=$(all 2rf-more number $calls 2) second=$(all caf number $calls 2) third=$(all gan number $calls 2)
            [ $calls = 2 ] && paper="7.89, 4.81, 1.48" || paper=-
            printf '| %s | %s | %s | %s | %s | %s, %s |\n' $calls "$plain" "$second" "$third" "$paper" "$(agrees caf 2rf-more $calls better)" \
                "$(agrees gan caf $calls better)"
        done
    fi
} > "$out/ladder.md"
# curve NAME TITLE CALLS..: for the figure
curve() {
    name=$1
    ls "$out/$name"-[0-9]*.tsv > /dev/null 2>&1 || return
    echo "\"$2\""; shift 2
    for calls; do printf '%s\t%s\n' "$calls" "$(all "$name" number "$calls" 2 | sed 's/ .*//')"; done
    printf '\n\n'
}
{
    curve teacher teacher 1 2 4 9
    curve 2rf 2-RF 1 2 4 9
    curve distil "2-RF, distilled" 1 2 4 9
    curve A "2-RF from random weights" 1 2 4 9
    curve F "rf++ F" 1 2 4 9
    curve G "rf++ G" 1 2 4 9
    curve all "Simple ReFlow, 1 to 5" 1 2 4 9
    curve caf CAF 2 3 5
    curve gan "CAF, adversary" 2 3 5
    curve 3rf 3-RF 1 2 4 9
} > "$out/ladder.dat"
echo "$out/ladder.md"
if command -v gnuplot > /dev/null; then gnuplot -e "out='$out'" bench/ladder_images.gp && echo "$out/ladder.png"; fi
