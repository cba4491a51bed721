#!/bin/sh
# The kernels of the tile unit on an emulated processor that has one (CONTRIBUTING.md says why): builds a program without an operating system, boots it in
# Bochs, and passes when every byte equals the same kernels on tiles in plain C.
#   tests/tiles/run.sh BOCHS_SOURCE        a built Bochs (3.0: ./configure --enable-x86-64 --enable-avx --enable-evex --enable-amx
#                                          --enable-long-phy-address --disable-plugins --with-nogui && make)
# wants gcc, xorriso, isolinux, syslinux-common; SECONDS it may take: LIMIT (90)
set -eu
bochs=$1; limit=${LIMIT:-90}
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT
plain="-std=gnu11 -O2 -ffreestanding -fno-pic -fno-pie -mno-red-zone -fcf-protection=none -fno-stack-protector -ftls-model=local-exec -ffp-contract=off -ffunction-sections -Iinclude"
vectors="-O3 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16"
for file in conv_bf16 conv_emulated conv_bytes conv_bytes_emulated dw_bf16 dw_emulated attention_bf16 attention_emulated; do
    gcc $plain $vectors -c "src/kernels/amx/$file.c" -o "$here/$file.o"
done
gcc $plain -c tests/tiles/main.c -o "$here/main.o"
gcc $plain -c src/kernels/native_pack.c -o "$here/pack.o"
gcc $plain -c src/kernels/native_pack_int8.c -o "$here/pack_int8.o"
gcc -c tests/tiles/boot.S -o "$here/boot.o"
ld -n --gc-sections -T tests/tiles/link.ld -o "$here/wide" "$here"/*.o # what is not called may name what is not here
mkdir -p "$here/disc/isolinux"
objcopy -O elf32-i386 "$here/wide" "$here/disc/isolinux/tiles.elf" # the loader knows that form only
cp /usr/lib/ISOLINUX/isolinux.bin "$here/disc/isolinux/"
for file in ldlinux mboot libcom32; do cp "/usr/lib/syslinux/modules/bios/$file.c32" "$here/disc/isolinux/"; done
printf 'default t\nprompt 0\nlabel t\n kernel mboot.c32\n append tiles.elf\n' > "$here/disc/isolinux/isolinux.cfg"
xorriso -as mkisofs -quiet -o "$here/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$here/disc" 2> /dev/null
cat > "$here/bochsrc" <<RC
megs: 1024
romimage: file=$bochs/bios/BIOS-bochs-latest
vgaromimage: file=$bochs/bios/VGABIOS-lgpl/VGABIOS-lgpl-latest.bin
cpu: model=sapphire_rapids, count=1, ips=100000000
ata0-master: type=cdrom, path=$here/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$here/serial
log: $here/log
display_library: nogui
RC
: > "$here/serial"
"$bochs/bochs" -q -f "$here/bochsrc" -unlock > /dev/null 2>&1 < /dev/null &
machine=$!
while [ "$limit" -gt 0 ] && ! grep -q 'done' "$here/serial"; do sleep 1; limit=$((limit - 1)); done
kill $machine 2> /dev/null || true
wait $machine 2> /dev/null || true
head -60 "$here/serial"
grep -q 'done' "$here/serial" && ! grep -v 'done' "$here/serial" | grep -qv 'differing bytes 0 of .* sum [1-9]'
