# strait invert, strait edit, strait generate --init-latent: there and back, the mask, every strategy, and wrong input.
here=$(mktemp -d)
. tests/cli/common.inc
model dit "$here/m.safetensors" height=8 width=8 channels=1 classes=4 patch=2 hidden=32 depth=2 heads=2
model dit "$here/big.safetensors" height=16 width=16 channels=1 classes=4 patch=4 hidden=32 depth=1 heads=2
cd "$here" || exit 1
"$STRAIT" generate -q -m m.safetensors -c 1 -s 3 --steps 4 -o src.png
"$STRAIT" generate -q -m big.safetensors -c 1 -s 3 --steps 4 -o big.png
head -c 100 src.png > cut.png
"$STRAIT" generate -q -m m.safetensors -b 3 --steps 2 -o many_%d.png && mkdir many && mv many_?.png many/
number() { sed -n "s/^ *\"$2\": \([-0-9.e]*\),*$/\1/p" "$1" | head -1; }

m="-q -t 1 -m m.safetensors"
check "invert" "$STRAIT" invert $m src.png --source-class 1 --steps 6 -o z.safetensors --side pair.png --json r.json
[ "$(number r.json rows_invert)" = 7.0 ] && [ "$(number r.json rows_reconstruct)" = 7.0 ] && ok "N + 1 calls a pass" || not_ok "N + 1 calls a pass" "$(cat r.json)"
check "generate from the latent" "$STRAIT" generate $m --init-latent z.safetensors --steps 6 --sampling-method fireflow -o back.png
check "the same again by replay" "$STRAIT" replay -q back.png -o again.png
same "replay gives the same picture" back.png again.png

check "invert, reversible" "$STRAIT" invert $m many --source-class 2 -b 3 --steps 5 --sampling-method reversible -o zr.safetensors --json rr.json
psnr=$(number rr.json psnr)
awk "BEGIN { exit !($psnr > 100) }" && ok "reversible comes back to rounding" || not_ok "reversible comes back to rounding" "psnr $psnr"
check "generate with the carried velocity" "$STRAIT" generate $m --init-latent zr.safetensors --steps 5 --sampling-method reversible -o "r_%d.png"
equal() { "$STRAIT" eval -q "$1" "$2" --metrics psnr --json e.json > /dev/null && number e.json equal_pairs; }
mkdir r && mv r_?.png r/ && [ "$(equal r many)" = 3.0 ] && ok "and the pictures are the sources" || not_ok "and the pictures are the sources" "$(cat e.json 2>/dev/null)"
rm -f e.json

for strategy in fireflow rf_solver reversible euler rf_inversion flowedit sdedit; do
    check "edit $strategy" "$STRAIT" edit $m src.png --source-class 1 -c 2 --steps 4 --cfg-scale 2 --strategy $strategy -o e_$strategy.png --side s.png --json e.json
    [ -s e_$strategy.png ] && [ -s s.png ] || not_ok "edit $strategy leaves its pictures"
    rm -f s.png e.json
done
check "many at once" "$STRAIT" edit $m many --source-class 1 -b 3 -c 2 --steps 4 -o "b_%d.png"
check "one of them alone" "$STRAIT" edit $m many --index 2 --source-class 1 -c 2 --steps 4 -o alone.png
same "an edit does not see its neighbours" b_2.png alone.png

"$STRAIT" edit $m src.png --source-class 1 -c 2 --steps 4 --mask src.png -o masked.png > out 2> err && ok "a mask" || not_ok "a mask" "$(cat err)"
rm -f out err

for type in bf16 int8; do
    check "edit in $type" "$STRAIT" edit $m src.png --source-class 1 -c 2 --steps 4 --dtype $type -o e_$type.png
    check "invert in $type" "$STRAIT" invert $m src.png --source-class 1 --steps 4 --dtype $type -o z_$type.safetensors
    differ "$type is not f32" e_$type.png e_fireflow.png
done

# Marks inside and outside of a region. src.png is a grey one.
check "a region" "$STRAIT" edit $m src.png --source-class 1 -c 2 --steps 4 --region object -o reg.png --side regs.png --json reg.json
grep -q '"share"' reg.json && [ "$(grep -c '"equal"' reg.json)" = 4 ] && ok "and its marks" || not_ok "and its marks" "$(cat reg.json)"
rm -f regs.png reg.json

# Features handed over: 2 blocks, and with FireFlow all but the first evaluation of the second pass finds its own.
in="$STRAIT edit $m many --source-class 1 -c 2 --steps 4 --cfg-scale 2 --inject 3"
check "edit with features" $in -b 3 -o "i_%d.png" --json f.json
[ "$(number f.json hits) $(number f.json misses) $(number f.json dropped)" = "18 6 0" ] && ok "hits and misses" || not_ok "hits and misses" "$(grep -A8 features f.json)"
check "one of them alone, with features" $in --index 2 -o alone.png
same "features do not cross to neighbours" i_2.png alone.png
check "features on disk" $in --index 2 --inject-memory 0 --inject-disk 8 -o disk.png
same "disk gives the same picture as memory" alone.png disk.png
"$STRAIT" edit -t 1 -m m.safetensors many --source-class 1 -c 2 --steps 4 --cfg-scale 2 --inject 3 --index 2 --inject-memory 0 -o full.png 2> err
grep -q "6 of 6 did not fit into --inject-memory 0" err && ok "a full store says so" || not_ok "a full store says so" "$(cat err)"
check "the same without features" "$STRAIT" edit $m many --source-class 1 -c 2 --steps 4 --cfg-scale 2 --index 2 -o free.png
same "a full store leaves a correct picture" full.png free.png
differ "features change the picture" alone.png free.png
check "strength 0 is none" $in --index 2 --inject-rule "replace_v:0" -o zero.png
same "strength 0 gives the free picture" zero.png free.png
rm -f err

e="$STRAIT edit $m --source-class 1 -c 2 --steps 4 -o never.png --side never2.png"
refused "edit: wrong size" 2 "big.png: is 16x16, expected the model's 8x8" $e big.png
refused "edit: pictures over their sources" 2 "many/many_0.png, a picture that is there in many" "$STRAIT" edit $m many --source-class 1 -c 2 -b 3 --steps 1 -o "many/many_%d.png"
refused "edit: a side picture among the edits" 2 "names too" "$STRAIT" edit $m many --source-class 1 -c 2 -b 3 --steps 1 -o "never_%d.png" --side never_2.png
refused "invert: a policy" 2 "--policy is fixed" "$STRAIT" invert $m src.png --source-class 1 --policy fixed -o never.safetensors
refused "invert: a class to go to" 2 "expected --source-class" "$STRAIT" invert $m src.png -c 1 -o never.safetensors
refused "edit: corrupt picture" 1 "cut.png" $e cut.png
refused "edit: no such picture" 1 "gone.png" $e gone.png
refused "edit: a class the model lacks" 2 "class is 9, expected 0 .. 3" "$STRAIT" edit $m src.png -c 9 -o never.png
refused "edit: a source class it lacks" 2 "--source-class: class is 7" $e src.png --source-class 7
refused "edit: no target" 2 "--class-label is not given" "$STRAIT" edit $m src.png -o never.png
refused "edit: offset without a class" 2 "has no class" "$STRAIT" edit $m src.png --class-offset 1 -o never.png
refused "edit: unknown strategy" 2 "--strategy is magic, expected one of fireflow" $e src.png --strategy magic
refused "edit: adaptive solver" 2 "dopri5" $e src.png --sampling-method dopri5
refused "edit: too many pictures" 2 "go beyond the 3" $e many --index 2 -b 2
refused "edit: a mask of another size" 2 "big.png" $e src.png --mask big.png
refused "edit: a region of another size" 2 "big.png" $e src.png --region big.png
refused "edit: a region nobody knows" 2 "no region 'magic', expected one of object, occlusion" $e src.png --region magic
refused "edit: a region without its judge" 2 "occlusion asks a judge" $e src.png --region occlusion
refused "edit: inject beyond the steps" 2 "--inject is 5, expected at most the 4 steps" $e src.png --inject 5
refused "edit: inject without inversion" 2 "does not invert" $e src.png --inject 1 --strategy sdedit
refused "edit: a rule that is none" 2 "replace_w" $e src.png --inject 1 --inject-rule replace_w
refused "edit: blocks upside down" 2 "blocks are 3 to 1" $e src.png --inject 1 --inject-blocks 3,1
refused "edit: strength above 1" 2 "--strength" $e src.png --strength 1.5
refused "edit: two pictures into one file" 2 "--output" $e many -b 2
refused "edit: no source" 2 "SOURCE" "$STRAIT" edit $m -c 2
refused "invert: corrupt picture" 1 "cut.png" "$STRAIT" invert $m cut.png -o never.safetensors
refused "invert: wrong size" 2 "big.png" "$STRAIT" invert $m big.png -o never.safetensors
refused "latents of another shape" 1 "expected \[n, 16, 16, 1\]" "$STRAIT" generate -q -m big.safetensors --init-latent z.safetensors -o never.png
refused "more classes than latents" 2 "2 classes for 1 latents" "$STRAIT" generate $m --init-latent z.safetensors -c 0,1 -o never.png
refused "latents that are a model" 1 "strait invert" "$STRAIT" generate $m --init-latent m.safetensors -o never.png
refused "more images than latents" 2 "expected at most the 1 latents" "$STRAIT" generate $m --init-latent z.safetensors -b 2 -o "never_%d.png"
head -c 300 z.safetensors > zcut.safetensors
refused "latents cut short" 1 "zcut" "$STRAIT" generate $m --init-latent zcut.safetensors -o never.png
