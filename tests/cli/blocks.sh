# FlowTurbo's step blocks and refiners through the program: counts by kind, company changes no byte, replay, and what is refused.
here=$(mktemp -d)
. tests/cli/common.inc
SIZE="height=8 width=8 channels=1 classes=4"
model dit "$here/m.safetensors" $SIZE patch=2 hidden=32 depth=2 heads=2
model dit "$here/other.safetensors" $SIZE patch=2 hidden=48 depth=1 heads=2
cd "$here" || exit 1
model dit r.safetensors $SIZE patch=2 hidden=32 depth=1 heads=2 refines=gap predictor=m.safetensors
model dit w.safetensors $SIZE patch=2 hidden=32 depth=1 heads=2 refines=guided predictor=m.safetensors
generate() { "$STRAIT" generate -q -m m.safetensors "$@"; }
count() { grep -o "\"$2\": [0-9]*" "$1" | head -1 | grep -o '[0-9]*$'; }
counts() { # NAME FILE full refine rows_refine
    got="$(count "$2" nfe_full) $(count "$2" nfe_refine) $(count "$2" rows_refine)"
    if [ "$got" = "$3" ]; then ok "$1"; else not_ok "$1" "full, refine, refine rows: $got, expected $3"; fi
}

generate --blocks H8P9R5 --refiner r.safetensors -b 2 --cfg-scale 1.5 --json a.json -o a_%d.png
counts "H8P9R5, two images, guided" a.json "50 10 20"
generate --blocks H2P4R2 --refiner w.safetensors -b 1 --cfg-scale 1.5 --json b.json -o b_%d.png
counts "a refiner that knows the scale: one row" b.json "8 2 2"
generate --blocks H2P8 -b 1 --json c.json -o c_%d.png
counts "no refiner" c.json "12 0 0"
generate --blocks H8 -b 1 -o h.png --disable-image-metadata
generate --sampling-method heun --steps 8 -b 1 -o h2.png --disable-image-metadata
same "H8 is heun, 8 steps" h.png h2.png

echo '{"blocks": "H8P9R5", "count": 2, "output": "q_%d.png", "cfg_scale": 1.5}
{"blocks": "H5P7R1:3", "count": 3, "seed": 70, "output": "x_%d.png"}
{"sampling_method": "heun", "steps": 9, "seed": 90, "output": "y.png"}' > q.jsonl
check "a mixed batch" "$STRAIT" generate -q -m m.safetensors --refiner r.safetensors --requests q.jsonl --batch-size 8
same "in company" a_1.png q_1.png
for f in a_1 b_0 c_0 x_2; do
    check "replay $f" "$STRAIT" replay $f.png -o again.png
    same "$f again" $f.png again.png
done
mv r.safetensors away.safetensors
refused "refiner is gone" 1 "r.safetensors" "$STRAIT" replay -q a_0.png
check "refiner given" "$STRAIT" replay a_0.png --refiner away.safetensors
refused "another refiner" 1 "SHA-256" "$STRAIT" replay -q a_0.png --refiner w.safetensors
mv away.safetensors r.safetensors

mkdir made
check "pictures with a refiner" generate --blocks H2P4R2 --refiner r.safetensors -b 6 -o made/%d.png
check "eval takes the refiner" "$STRAIT" eval -q -m m.safetensors made --refiner r.safetensors --blocks H2P4R2 -n 6 --metrics mse --json eval.json
grep -q '"mse": 0.0' eval.json && ok "and judges the same pictures" || not_ok "and judges the same pictures" "$(head -9 eval.json)"
grep -q "\"refiner_sha256\": \"$(sha256sum < r.safetensors | cut -d' ' -f1)\"" eval.json && ok "the protocol names the refiner" || not_ok "the protocol names the refiner"
rm -r made
refused "no refiner for R" 2 "refiner" generate --blocks H8P9R5 -o no.png
refused "wrong predictor" 1 "was trained for the predictor" "$STRAIT" generate -q -m other.safetensors --refiner r.safetensors --blocks H8P9R5 -o no.png
refused "wrong gap" 2 "trained for" generate --refiner r.safetensors --blocks H1P3R2 -o no.png
refused "wrong scale" 2 "guidance scale is 9" generate --refiner w.safetensors --blocks H8P9R5 --cfg-scale 9 -o no.png
refused "not a refiner" 1 "expected a refiner" generate --refiner m.safetensors --blocks H8P9R5 -o no.png
refused "a refiner as model" 1 "is a refiner" "$STRAIT" generate -q -m r.safetensors -o no.png
refused "no such block" 2 "no block 'Q'" generate --blocks H2Q3 -o no.png
refused "another number of steps" 2 "--steps is 9" generate --blocks H2P4 --steps 9 -o no.png
refused "another solver" 2 "--sampling-method is heun" generate --blocks H2P4 --sampling-method heun -o no.png

generate --policy cascade --policy-option e_skip=0.05,e_refine=0.3 --sampling-method ab2 --steps 24 --refiner r.safetensors -b 2 --json p.json -o p_%d.png
[ "$(count p.json nfe_refine)" -gt 0 ] && [ "$(count p.json nfe_full)" -lt 48 ] && ok "a policy asks the refiner" || not_ok "a policy asks the refiner" "$(head -5 p.json)"
check "replay of a policy's picture" "$STRAIT" replay p_1.png -o again.png
same "a policy's picture again" p_1.png again.png

mixed="--sampling-method ab2 --steps 12 --profile mixed.profile"
# shellcheck disable=SC2086 # words
check "mixed walks with a refiner" "$STRAIT" tune -q -m m.safetensors --refiner r.safetensors $mixed --refiner-cost 0.1 --policies learned --walks 2 -n 2 --held-out 2 \
    --reference-steps 4 --out tuned
check "name it and its cost" grep -q "\"refiner\":\"$(sha256sum < r.safetensors | cut -d' ' -f1)\",\"share\":0.1" mixed.profile
# shellcheck disable=SC2086
check "pictures of one" generate $mixed --policy learned --policy-option calls=6 --refiner r.safetensors -b 2 -o l_%d.png
check "replay" "$STRAIT" replay l_1.png -o again.png
same "l_1 again" l_1.png again.png
# shellcheck disable=SC2086
refused "tune with a refiner that no policy asks" 2 "expected learned among them" "$STRAIT" tune -q -m m.safetensors --refiner r.safetensors $mixed --policies table --out no
# shellcheck disable=SC2086
refused "tune with another model's refiner" 1 "was trained for the predictor" "$STRAIT" tune -q -m other.safetensors --refiner r.safetensors $mixed --policies learned --out no
