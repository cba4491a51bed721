# Coarse to fine through the program: two networks, or one at two sizes; counts, replay, and what is refused before any work.
here=$(mktemp -d)
. tests/cli/common.inc
REST="channels=1 classes=4 patch=2 hidden=32 heads=2"
model dit "$here/fine.safetensors" height=16 width=16 depth=2 $REST
model dit "$here/coarse.safetensors" height=8 width=8 depth=1 $REST
model dit "$here/classless.safetensors" height=8 width=8 depth=1 channels=1 patch=2 hidden=32 heads=2
model unet "$here/unet.safetensors" height=16 width=16 channels=1 base=8 "multipliers=[1]" "attention=[]" classes=4
cd "$here" || exit 1
model dit r.safetensors height=16 width=16 depth=1 $REST refines=gap predictor=fine.safetensors
generate() { "$STRAIT" generate -q -m fine.safetensors "$@"; }
write() { file=$1; shift; { printf 'stages:\n'; printf '  - {%s}\n' "$@"; } > "$file"; }
# bad NAME CODE WORD STAGE...: what these stages are refused with
bad() { name=$1 code=$2 word=$3; shift 3; write bad.yaml "$@"; refused "$name" "$code" "$word" generate --stages bad.yaml -o no.png; }
count() { grep -o "\"$2\": [0-9]*" "$1" | head -1 | grep -o '[0-9]*$'; }

write s.yaml "model: coarse.safetensors, to: 0.6, blocks: H2P4" "from: 0.55, blocks: P4R2, refiner: r.safetensors"
check "two networks" generate --stages s.yaml -b 3 --cfg-scale 1.5 --json s.json -o s_%d.png
[ "$(count s.json nfe_full) $(count s.json nfe_refine)" = "42 6" ] && ok "calls of both stages" || not_ok "calls of both stages" "$(cat s.json)"
check "replay" "$STRAIT" replay s_1.png -o again.png
same "replayed" s_1.png again.png
check "alone" generate --stages s.yaml -s 43 --cfg-scale 1.5 -o alone.png
same "company changes no byte" s_1.png alone.png

write one.yaml "resolution: 8, to: 0.5, blocks: H3" "from: 0.5, blocks: H4, upsampler: bilinear"
check "one network at two sizes" generate --stages one.yaml --dtype bf16 -o one.png
check "and in f32" generate --stages one.yaml -o one32.png
check "throughput first" generate --stages s.yaml -b 4 --admission fullest -o f_%d.png
check "latency first" generate --stages s.yaml -b 4 --admission finish -o l_%d.png
same "in any order the same" f_2.png l_2.png

write none.yaml "to: 0.5, blocks: H4" "from: 0.5, blocks: H4, noise: estimated"
generate --stages none.yaml -o cut.png --disable-image-metadata
generate --blocks H8 -o whole.png --disable-image-metadata
same "a switch that changes nothing" cut.png whole.png

bad "an only stage that stops early" 2 "the only stage ends at t = 0.5, expected 1" "blocks: H1, to: 0.5"
bad "hole" 2 "nobody walks between" "to: 0.5, blocks: H4" "from: 0.6, blocks: H4"
bad "re-noised to 0" 2 "inside (0, 1)" "to: 0.5, blocks: H4" "from: 0, blocks: H4"
bad "re-noised to 1" 2 "from is 1" "to: 0.5, blocks: H4" "from: 1, blocks: H4"
bad "begins late" 2 "first stage" "from: 0.1, to: 0.5, blocks: H4" "from: 0.5, blocks: H4"
bad "ends early" 2 "last stage ends" "to: 0.5, blocks: H4" "from: 0.5, to: 0.9, blocks: H4"
bad "wrong refiner" 1 "r.safetensors" "model: coarse.safetensors, to: 0.5, blocks: H4, refiner: r.safetensors" "from: 0.5, blocks: H4"
bad "wrong gap" 2 "trained for" "to: 0.5, blocks: H4" "from: 0.5, blocks: H1R2, refiner: r.safetensors"
bad "no refiner" 2 "refiner" "to: 0.5, blocks: H4" "from: 0.5, blocks: H4R4"
bad "ends small" 1 "last stage makes 8x8" "blocks: H4" "from: 0.5, resolution: 8, blocks: H4"
bad "other classes" 1 "classes" "model: classless.safetensors, to: 0.5, blocks: H4" "from: 0.5, blocks: H4"
bad "no such upsampler" 2 "magic" "to: 0.5, blocks: H4, upsampler: magic" "from: 0.5, blocks: H4, upsampler: magic"
refused "a grid beside stages" 2 "inside the stages" generate --stages s.yaml --steps 4 -o no.png
write bad.yaml "resolution: 8, to: 0.5, blocks: H4" "from: 0.5, blocks: H4"
refused "a size the weights do not fit" 1 "fit no other size" "$STRAIT" generate -q -m unet.safetensors --stages bad.yaml -o no.png
write s.yaml "blocks: H2"
refused "stages and a solver" 2 "--stages is given with --sampling-method" generate --stages s.yaml --sampling-method heun -o no.png
