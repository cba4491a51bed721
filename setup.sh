#!/bin/sh
# setup.sh - from a bare Debian 12 to a finished `make TARGET`: installs the missing packages first.
# Needs nothing but a POSIX shell. ONEDNN=0, B=folder, CC=clang ... in the environment reach make as they are.
set -eu

build="make gcc libc6-dev pkg-config libjansson-dev libpng-dev libturbojpeg0-dev zlib1g-dev libzip-dev nettle-dev libyaml-dev
       librandom123-dev libopenblas-dev liblapacke-dev"
[ "${ONEDNN:-1}" = 0 ] || build="$build libdnnl-dev"
train="dataset-fashion-mnist gnuplot-nox" # the images of recipes/fashion-rf.yaml; loss curves
tests="libcmocka-dev"

usage() {
    cat <<'END'
usage: ./setup.sh build | demo | test | deps | help
  build   build/strait, build/libstrait.a and build/libstrait.so
  demo    build, then out/demo.png: ten kinds of garment, eight images of each
  test    build, then every test; the last line says how many passed
  deps    only install what all of the above and `strait train` need
What is missing of the Debian packages is listed, then installed (with sudo when you are not root).
ONEDNN=0 ./setup.sh ... builds without oneDNN.
END
}

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

# The packages among "$@" that are not installed.
missing() {
    for package in "$@"; do
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
        [ "$state" = installed ] || printf ' %s' "$package"
    done
}

# Run "$@" as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    command -v apt-get >/dev/null ||
        fail "this system has no apt-get; install the equivalents of these Debian packages, then call make: $*"
    wanted=$(missing "$@")
    [ -n "$wanted" ] || return 0
    echo "setup.sh: installing these Debian packages:$wanted"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        fail "not root and sudo is not here; as root run: apt-get install --no-install-recommends$wanted"
    as_root apt-get update -q || echo "setup.sh: apt-get update failed, trying with the package lists at hand" >&2
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $wanted ||
        fail "apt-get could not install them (is the network there, is this Debian 12?):$wanted"
}

unset CDPATH
here=$(dirname -- "$0")
cd -- "$here" || fail "cannot enter $here"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || jobs=2

# shellcheck disable=SC2086 # the package lists are words
case "${1:-}" in
    build) install $build; exec make -j"$jobs" all ;;
    demo) install $build; exec make -j"$jobs" demo ;;
    test) install $build $train $tests; exec make -j"$jobs" test ;;
    deps) install $build $train $tests ;;
    help | -h | --help) usage ;;
    "") usage >&2; exit 2 ;;
    *) echo "setup.sh: unknown target '$1', expected build, demo, test, deps or help" >&2; exit 2 ;;
esac
