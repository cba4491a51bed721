#!/bin/sh
# FlowTurbo's tables (docs/flowturbo.md): trains what has no shipped file (the transformer of CIFAR-10 and its refiner, 40 minutes of one core), then
# compares the published block strings. One part by name, or all of them.
#   bench/flowturbo.sh STRAIT OUT [fashion] [cifar] [fashion-dit] [cifar-dit]        resumable; cifar: docs/data.md says where its files go
# THREADS (0: all); ONLY=train or ONLY=compare for one half.
set -u
strait=$1; out=$2; shift 2
threads=${THREADS:-0}; only=${ONLY:-}
[ $# -gt 0 ] || set -- fashion cifar fashion-dit cifar-dit
mkdir -p "$out" || exit 1

# train NAME OVERRIDES...: recipes/NAME.yaml into OUT/NAME
train() {
    name=$1; shift
    [ "$only" = compare ] || [ -f "$out/$name/model.safetensors" ] || "$strait" train -q -t "$threads" "recipes/$name.yaml" "$@" --resume -o "$out/$name" || exit 1
}
# compared NAME GRID MODEL REFINER FLAGS...
compared() {
    name=$1; grid=$2; model=$3; refiner=$4; shift 4
    [ "$only" = train ] || "$strait" compare -q -t "$threads" --resume -m "$model" --refiner "$refiner" --grid "recipes/compare/$grid.yaml" "$@" --out "$out/compare-$name" || exit 1
}

for part; do
    case $part in
    fashion) compared fashion flowturbo-fashion models/fashion-rf.safetensors models/fashion-refiner.safetensors ;;
    cifar) compared cifar flowturbo-cifar models/cifar-small.safetensors models/cifar-refiner.safetensors ;;
    fashion-dit) compared fashion-dit flowturbo-fashion-dit models/fashion-dit.safetensors models/fashion-dit-refiner.safetensors ;;
    cifar-dit)
        train cifar-dit
        train refiner-cifar-dit refiner.teacher="$out/cifar-dit/model.safetensors"
        compared cifar-dit flowturbo-cifar "$out/cifar-dit/model.safetensors" "$out/refiner-cifar-dit/model.safetensors" ;;
    *) echo "flowturbo.sh: no part '$part', expected fashion, cifar, fashion-dit or cifar-dit" >&2; exit 2 ;;
    esac
done
