# A picture remade from its own metadata has the same bytes; info reads both of its texts.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/m.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
cd "$here" || exit 1
generate() { "$STRAIT" generate -q -m m.safetensors "$@"; }
generate -b 3 -s 5 --steps 3 --cfg-scale 1.7 --guidance-low 0.1 --guidance-high 0.9 --sampling-method heun --flow-shift 2.5 -o h_%d.png
generate --dtype bf16 --class-label 2 --scheduler sigmoid --steps 4 -o b.png
generate --class-label 0,3 -b 6 --grid --columns 4 --steps 2 -o g.png
generate --class-label 1 -b 2 --zoom 3 --steps 1 -o z_%d.png
generate -b 5 --grid --zoom 2 --steps 1 -o y.png
generate --class-label -1 --times 0,0.3,0.31,1 -o n.png
for f in h_0 h_1 h_2 b g z_1 y n; do
    check "replay $f" "$STRAIT" replay $f.png -o again.png
    same "$f again" $f.png again.png
done
mv m.safetensors moved.safetensors
refused "model is gone" 1 "m.safetensors" "$STRAIT" replay -q h_0.png
check "model given" "$STRAIT" replay h_0.png -m moved.safetensors
model dit other.safetensors height=8 width=8 channels=1 classes=4 patch=2 hidden=48 depth=1 heads=2
refused "another model" 1 "SHA-256" "$STRAIT" replay -q h_0.png -m other.safetensors
mv moved.safetensors m.safetensors
generate --steps 1 -o plain.png --disable-image-metadata
refused "no metadata" 1 'no "strait" text' "$STRAIT" replay -q plain.png
refused "not a picture" 1 "m.safetensors" "$STRAIT" replay -q m.safetensors

"$STRAIT" info h_1.png > info.txt; "$STRAIT" info h_1.png --json info.json
check "info: A1111 text" grep -q 'Steps: 3, Sampler: Heun' info.txt
check "info: our chunk" grep -q '"sampling_method": "heun"' info.json
check "info: seed of this image" grep -q '"seed": 6' info.json
check "info: exact times" grep -q '"times"' info.json
"$STRAIT" info m.safetensors --json model.json
check "info: kind" grep -q '"kind": "dit"' model.json
check "info: config" grep -q '"hidden": 32' model.json
check "info: hash" grep -q "$(sha256sum m.safetensors | cut -c1-64)" model.json
check "info: dtype" grep -qi '"dtype": "f32"' model.json
check "info: convention" grep -q '"convention": "t=0 noise' model.json
check "info: class names" grep -q 'Big dog' model.json
check "info: training protocol" grep -q 'random weights' model.json
refused "info of nothing" 1 "gone.png" "$STRAIT" info gone.png
generate -p "big DOG" -s 3 --steps 1 -o dog.png; generate --class-label 1 -s 3 --steps 1 -o one.png
same "a class by its name" dog.png one.png
"$STRAIT" info dog.png > dog.txt
check "the name is the prompt line" grep -q '^  prompt *Big dog$' dog.txt
refused "a name it lacks" 2 "expected one of Cat, Big dog, Hen" "$STRAIT" generate -q -m m.safetensors -p cow -o never.png
refused "a name and a number" 2 "both given" "$STRAIT" generate -q -m m.safetensors -p cat --class-label 1 -o never.png
