# The library from outside: make install into an empty folder, compile the example against its pkg-config file, run it.
here=$(mktemp -d)
. tests/cli/common.inc
build=$(dirname "$STRAIT")
case $build in */build-san*) echo "ok skipped: a sanitized library wants a sanitized host"; exit 0;; esac
check "install" make -s B="${build#"$PWD"/}" PREFIX="$here/usr" ${ONEDNN:+ONEDNN="$ONEDNN"} install
export PKG_CONFIG_PATH="$here/usr/lib/pkgconfig" LD_LIBRARY_PATH="$here/usr/lib"
# shellcheck disable=SC2046
check "compile the example" ${CC:-cc} -Wall -Wextra -Werror examples/embed.c $(pkg-config --cflags --libs strait) -o "$here/embed"
model dit "$here/m.safetensors" height=8 width=8 channels=1 classes=3 patch=2 hidden=32 depth=1 heads=2
mkdir "$here/pictures"
check "run it" "$here/embed" "$here/m.safetensors" "$here/pictures"
check "a picture a class" test -s "$here/pictures/class-2.pgm"
refused "a model that is not there" 1 "absent" "$here/embed" "$here/absent.safetensors" "$here/pictures"
# shellcheck disable=SC2046
check "compile the stream" ${CC:-cc} -Wall -Wextra -Werror examples/serve.c $(pkg-config --cflags --libs strait) -o "$here/serve"
printf '1 2 30\n2 0 4\n3 9 4\n4 1 4\n' > "$here/lines"
check "requests that come one by one" sh -c "'$here/serve' '$here/m.safetensors' < '$here/lines' > '$here/answers' 2> '$here/wrong'"
check "short walks overtake long ones" sh -c "[ \"\$(sed 's/ class.*//' '$here/answers' | tr '\n' ,)\" = 'seed 2,seed 4,seed 1,' ]"
check "a class the model lacks is answered too" grep -q "seed 3: class is 9" "$here/wrong"
