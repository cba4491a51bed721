#!/bin/sh
# FlowTurbo's tables (docs/flowturbo.md): trains what has no shipped file (about an hour and a half of one core for all), then compares the published block
# strings. One part by name, or all of them.
#   bench/flowturbo.sh STRAIT OUT [fashion] [cifar] [fashion-dit] [cifar-dit]        resumable; cifar: docs/data.md says where its files go
# THREADS (0: all); ONLY=train or ONLY=compare for one half. Small models that came out well belong into models/ (bf16).
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
    cifar) train refiner-cifar
           compared cifar flowturbo-cifar models/cifar-small.safetensors "$out/refiner-cifar/model.safetensors" ;;
    fashion-dit | cifar-dit)
        train "$part"
        train "refiner-$part" refiner.teacher="$out/$part/model.safetensors"
        grid=flowturbo-$part; [ "$part" = fashion-dit ] || grid=flowturbo-cifar
        compared "$part" "$grid" "$out/$part/model.safetensors" "$out/refiner-$part/model.safetensors" ;;
    *) echo "flowturbo.sh: no part '$part', expected fashion, cifar, fashion-dit or cifar-dit" >&2; exit 2 ;;
    esac
done
