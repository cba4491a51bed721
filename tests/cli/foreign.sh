# Other people's checkpoints: run as they are, kept as ours, described; what is no network is listed or refused.
here=$(mktemp -d)
. tests/cli/common.inc
root=$PWD
shared=${STRAIT_SHARED:-$root/../shared}/data/weights
cd "$here" || exit 1
vit=$shared/mnist-flow-vit/DiffusionViT.pth unet=$shared/mnist-flow-unet/unet.pt
if [ -f "$vit" ] && [ -f "$unet" ]; then
    for file in "$vit" "$unet"; do
        which=$(basename "$file")
        draw() { "$STRAIT" generate -q --class-label 3 -s 5 -b 2 --steps 4 --cfg-scale 2 --grid "$@"; }
        check "$which: generate" draw -m "$file" -o theirs.png
        check "$which: a class by name" "$STRAIT" generate -q -m "$file" -p 7 --steps 1 -o named.png
        check "$which: convert" "$STRAIT" convert -q "$file" ours.safetensors
        check "$which: generate from ours" draw -m ours.safetensors -o ours.png
        check "$which: info" sh -c '"$0" info "$1" | grep -q "^kind  *mnist_"' "$STRAIT" "$file"
        check "$which: replay" "$STRAIT" replay -q theirs.png
        rm -f theirs.png named.png ours.png ours.safetensors
    done
else
    echo "$shared: the checkpoints are not here: skipped"
fi
check "info lists what is no network" sh -c '"$0" info "$1" | grep -q "weight  *4x6 F32"' "$STRAIT" "$root/tests/golden/archives/new.pt"
refused "an archive without a network" 1 "tensors of no network that is known" "$STRAIT" convert -q "$root/tests/golden/archives/new.pt" never.safetensors
refused "a pickle that calls" 1 "posix.system, which is no tensor" "$STRAIT" generate -q -m "$root/tests/golden/archives/calls.pt" -o never.png
refused "one argument" 2 "IN OUT.safetensors" "$STRAIT" convert a.pth
refused "unwritable" 1 "/proc" "$STRAIT" convert -q "$root/models/fashion-rf.safetensors" /proc/nowhere.safetensors
check "bf16" "$STRAIT" convert -q "$root/models/fashion-rf.safetensors" half.safetensors --dtype bf16 --json report.json
check "the report says so" grep -q '"dtype": "bf16"' report.json
