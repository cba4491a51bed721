# Moving pictures: every frame that comes out is the walk of that frame, from the first on and however the frames share calls; memory stays
# flat; sizes, pipes and load that are wrong end in one sentence.
here=$(mktemp -d)
. tests/cli/common.inc
MAKE_FRAMES=${MAKE_FRAMES:-$(dirname "$MAKE_MODEL")/make_frames}
model dit "$here/m.safetensors" height=28 width=28 channels=1 classes=3 patch=4 hidden=32 depth=2 heads=2
model dit "$here/rgb.safetensors" height=28 width=28 channels=3 classes=3 patch=4 hidden=32 depth=1 heads=2
cd "$here" || exit 1
frames() { "$MAKE_FRAMES" "$@" 2> frames.err || not_ok "make_frames $*" "$(cat frames.err)"; }
stream() { "$STRAIT" stream -q -m m.safetensors --raw-pixels gray "$@"; }
number() { sed -n "s/^ *\"$1\": \([0-9.]*\).*/\1/p" "$2" | head -1; }
frames raw in.gray 300
head -c $((30 * 784)) in.gray > short.gray

check "300 frames" stream -i in.gray -o out.raw --json out.json
check "as many come out" test "$(wc -c < out.raw)" -eq $((300 * 784))
check "each was one walk of four calls" test "$(number nfe_full out.json)" -eq 1200
for k in 0 1 2 3 150 299; do
    dd if=in.gray bs=784 skip=$k count=1 of=one.gray 2> /dev/null
    dd if=out.raw bs=784 skip=$k count=1 of=expected.raw 2> /dev/null
    stream -i one.gray -o alone.raw
    cmp -s alone.raw expected.raw || echo "$k" >> strangers
done
check "a frame's picture is its own, the first ones' too" test ! -s strangers
for way in "--slots 1" "--slots 4" "--slots 7 --batch-size 3" "--slots 4 --admission ring" "-t 1" "--queue 1 --warm"; do
    # shellcheck disable=SC2086
    stream -i in.gray -o other.raw $way
    same "the same frames with $way" out.raw other.raw
done
stream -i in.gray -o new/folder/strong.raw --strength 0.9; differ "strength matters" out.raw new/folder/strong.raw
stream -i in.gray -o fresh.raw --noise fresh; differ "fresh noise matters" out.raw fresh.raw
stream -i in.gray -o other.raw -s 7; differ "the seed matters" out.raw other.raw
stream -i in.gray -o class.raw --class-label 1; differ "the class matters" out.raw class.raw
check "no class is a class too" stream -i in.gray -o none.raw --class-label -1
same "not given, there is none" out.raw none.raw

# Residual guidance: each frame steers by itself. Weight 0 on the network leads back to the frame, weight 1 is no guidance, and it takes one row.
stream -i in.gray -o back.raw --guidance endpoint --cfg-scale 0; same "guidance by the frame alone gives the frame" in.gray back.raw
stream -i in.gray -o neutral.raw --guidance endpoint --cfg-scale 1; same "weight 1 is no guidance" out.raw neutral.raw
check "residual guidance" stream -i in.gray -o pushed.raw --guidance endpoint --cfg-scale 1.2 --json pushed.json
differ "it matters" out.raw pushed.raw
check "and takes no row more" test "$(number rows_full pushed.json)" -eq 1200
check "onetime" stream -i short.gray -o once.raw --guidance onetime --cfg-scale 1.2 --json once.json
check "takes one row more a frame" test "$(number rows_full once.json)" -eq $((30 * 5))

# A model that is straight inside windows only: the steps stop at each edge that is left, by themselves.
model dit "$here/perflow.safetensors" height=28 width=28 channels=1 classes=3 patch=4 hidden=32 depth=1 heads=2 windows=4 extra=5
perflow() { "$STRAIT" stream -q -m perflow.safetensors --raw-pixels gray -i short.gray "$@"; }
check "windows" perflow -o w4.raw --strength 0.6 --steps 4 --json w4.json
check "the steps end where windows end" sh -c 'tr -d " \n" < w4.json | grep -q "\"times\":\[0.4[0-9]*,0.45[0-9]*,0.5,0.75,1"'
perflow -o w1.raw --strength 0.6 --steps 4 --slots 1; same "frames with windows share calls too" w4.raw w1.raw
check "a weak change takes fewer" perflow -o w2.raw --strength 0.5 --steps 2
refused "fewer steps than windows that are left" 2 "steps is 2, expected at least 3" perflow -o wx.raw --strength 0.6 --steps 2

# Step blocks with a refiner, and policies that skip calls.
model dit "$here/refiner.safetensors" height=28 width=28 channels=1 classes=3 patch=4 hidden=32 depth=1 heads=2 refines=gap predictor="$here/m.safetensors"
check "blocks with a refiner" stream -i short.gray -o blocks.raw --blocks H1P2R2 --refiner refiner.safetensors --json blocks.json
check "two refined answers a frame" test "$(number nfe_refine blocks.json)" -eq 60
stream -i short.gray -o blocks1.raw --blocks H1P2R2 --refiner refiner.safetensors --slots 1; same "in any company" blocks.raw blocks1.raw
check "a policy" stream -i short.gray -o hold.raw --policy hold --steps 8 --json hold.json
check "answers without the network" test "$(number extrapolated hold.json)" -gt 0
check "a policy that learns" stream -i short.gray -o learn.raw --policy fastflow --policy-option mode=learn,start=cold --profile frames.profile --steps 8
check "keeps what it learned" stream -i short.gray -o learn.raw --policy fastflow --profile frames.profile --steps 8
refused "of frames of another strength it knows nothing" 1 "frames.profile" stream -i short.gray -o no.raw --policy fastflow --profile frames.profile --steps 8 --strength 0.9

# Pipes and the other formats.
check "through pipes" sh -c '"$0" stream -q -m m.safetensors --raw-pixels gray --output-format raw < in.gray > piped.raw' "$STRAIT"
same "pipes give the same" out.raw piped.raw
frames folder in 12; frames y4m in.y4m 12
check "folder to folder" stream -i in -o made
check "a picture a frame" test "$(find made -name 'frame_*.png' | wc -l)" -eq 12
check "Y4M to Y4M" stream -i in.y4m -o out.y4m
check "with header, rate and frames" sh -c 'head -c 40 out.y4m | grep -q "^YUV4MPEG2 W28 H28 F25:1" && test "$(grep -ao FRAME out.y4m | wc -l)" -eq 12'
frames y4m rgb.y4m 6 28 3
check "colours" "$STRAIT" stream -q -m rgb.safetensors -i rgb.y4m -o rgb.raw
check "three bytes a pixel" test "$(wc -c < rgb.raw)" -eq $((6 * 2352))

# Memory: ten times as many frames take no more.
allowed=2500000
[ -z "${ASAN_OPTIONS:-}" ] || allowed=16000000 # its allocator keeps what is freed; there the leak checker is the test
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
stream -i short.gray -o short.raw --slots 4 --json short.json; stream -i in.gray -o long.raw --slots 4 --json long.json
grown=$(($(number peak_memory_bytes long.json) - $(number peak_memory_bytes short.json)))
check "memory is flat over 300 frames (grew by $grown bytes)" test "$grown" -lt $allowed

# Still pictures are shown again, but one in eleven is always made.
frames raw still.gray 111 28 1 1
check "still frames" stream -i still.gray -o still.raw --similarity 0.98 --json still.json
check "one in eleven is processed" test "$(number processed still.json)" -eq 11
check "and all are shown" test "$(number frames_out still.json)" -eq 111
dd if=still.raw bs=784 count=1 2> /dev/null > first.raw
for _ in 1 2 3; do cat first.raw first.raw first.raw; done > nine.raw
check "the same picture" sh -c 'head -c $((9 * 784)) still.raw | cmp - nine.raw'
check "moving frames" stream -i in.gray -o skip.raw --similarity 0.98 --json skip.json
check "processed + skipped = all" test $(($(number processed skip.json) + $(number skipped skip.json))) -eq 300

# Twice as many frames as the network can take.
capacity=$(number frames_per_second out.json)
twice=$(awk "BEGIN { print 2 * $capacity }")
for drop in oldest newest; do
    check "overload, drop $drop" stream -i in.gray -o over.raw --fps "$twice" --drop $drop --queue 2 --json over.json
    check "what is not dropped comes out" test $(($(number frames_out over.json) + $(number dropped over.json))) -eq 300
done
check "nothing but whole frames" test "$(wc -c < over.raw)" -eq $((784 * $(number frames_out over.json)))
check "as fast as the disk, oldest go" stream -i in.gray -o flood.raw --drop oldest --queue 2 --json flood.json
check "frames were dropped" test "$(number dropped flood.json)" -gt 0
tail -c 784 out.raw > last.raw; tail -c 784 flood.raw > last_flood.raw
same "the newest frame is never lost" last.raw last_flood.raw
check "old frames are not begun" stream -i in.gray -o late.raw --queue 100 --max-latency 0.001 --json late.json
check "and counted" test $(($(number frames_out late.json) + $(number too_late late.json))) -eq 300

# Wrong input.
frames y4m big.y4m 3 32; frames folder mixed 3; frames folder mixed2 1 30; cp mixed2/frame_000000.png mixed/frame_000009.png
head -c 1000 in.gray > cut.gray
refused "frames of another size" 1 "frames are 32x32, expected 28x28" stream -i big.y4m -o w.raw
refused "one picture of another size" 1 "frame_000009.png: the picture is 30x30, expected 28x28" stream -i mixed -o w.raw
refused "an input that ends inside a frame" 1 "ends inside frame 1, after 216 of 784 bytes" stream -i cut.gray -o w.raw
refused "no input" 1 "nothere" stream -i nothere -o w.raw
refused "no model" 2 "model is not given" "$STRAIT" stream -i in.gray
refused "a strength of 0" 2 "strength" stream -i in.gray -o w.raw --strength 0
refused "two classes" 2 "one class for all frames" stream -i in.gray -o w.raw --class-label 1,2
refused "a folder on standard output" 2 "output-format is folder" stream -i in.gray --output-format folder
refused "an output that cannot be made" 1 "in.gray" stream -i in.y4m -o in.gray/x.raw

# The reader of our output goes away, and the input would never end.
( stream -i /dev/zero --input-format raw --output-format raw; echo $? > rc ) 2> pipe.err | head -c 3000 > /dev/null
check "a closed pipe ends the stream" test "$(cat rc)" -eq 1
check "with one sentence" sh -c 'test "$(wc -l < pipe.err)" -eq 1 && grep -q "standard output: writing frame [0-9]* failed" pipe.err'

# Ctrl-C: what is finished is kept.
"$STRAIT" stream -q -m m.safetensors --raw-pixels gray -i /dev/zero --input-format raw -o endless.raw 2> endless.err & pid=$!
tries=0; until [ -n "$(find . -name '*endless.raw*' -size +0)" ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -INT $pid; wait $pid; rc=$?
check "an interrupt is exit 130" test $rc -eq 130
check "whole frames are kept" sh -c 'size=$(wc -c < endless.raw); test "$size" -gt 0 && test $((size % 784)) -eq 0'
