#!/bin/sh
# bench/results.sh and its check: the quick page runs fewer rows of the same pictures, and says which numbers are inside the stated spread.
here=$(mktemp -d)
. tests/cli/common.inc
tree=$PWD
cd "$here" || exit 1
page() { # VALUE
    printf '## Rows\n\n    $ strait compare\n      NFE  ms/image   distance\n'
    printf '    euler 4, bf16      4.0  6.30  %s +-0.036   21.38 +-1.02  97.3\n    2-RF, 1 step   1.0  0.7   0.425 +-0.086\n' "$1"
    printf '    +-: standard deviation over 3 groups\n'
}
inside() { awk -f "$tree/bench/results_check.awk" "$@"; }
page 0.468 > stated.md
page 0.432 > near.md
page 0.400 > far.md
check "a number inside" inside stated.md near.md
grep -q "^3 numbers of 2 rows.*; 0 fall outside" out && grep -q "| 2-RF, 1 step |" out && ok "all are counted" || not_ok "all are counted" "$(cat out)"
inside stated.md far.md > out && not_ok "a number outside fails" || ok "a number outside fails"
grep -q "0.400 ± 0.036, 21.38 ± 1.02 | OUTSIDE, inside |" out && ok "and is named" || not_ok "and is named" "$(cat out)"
echo nothing > empty.md
inside stated.md empty.md > out && not_ok "nothing to compare fails" || ok "nothing to compare fails"

# The script itself, on a short text: a tree of its own, a program that tells what it is asked.
mkdir -p tree/bench tree/docs tree/recipes/compare # not in $here itself, where check keeps "out"
cp stated.md tree/docs/results.md
cd tree || exit 1
cp "$tree"/bench/results.sh "$tree"/bench/results_check.awk bench/
printf 'images: 2\ncontrols: true\n' > recipes/compare/g.yaml
printf '## Rows\n\n$ $STRAIT compare --grid $GRIDS/g.yaml $SIZE\n$$ touch full\n' > docs/results.in.md
printf '#!/bin/sh\necho "$@" >> asked\necho "euler 4, bf16      4.0  6.30  0.450 +-0.036"\n' > program
chmod +x program
check "the quick version" env STRAIT=./program sh bench/results.sh quick
grep -q -- "--grid out/results-quick/grids/g.yaml -n 200 --paired 24 --seeds 2" asked && ok "two groups of the same pictures" || not_ok "two groups of the same pictures" "$(cat asked)"
[ "$(grep -c controls out/results-quick/grids/g.yaml)" = 1 ] && grep -q "controls: false" out/results-quick/grids/g.yaml && ok "no control rows" || not_ok "no control rows"
grep -q "| Rows | euler 4, bf16 | 0.468 ± 0.036 | 0.450 ± 0.036 | inside |" out/results-quick/results.md && ok "a check column" || not_ok "a check column" "$(cat out/results-quick/results.md)"
[ ! -e full ] && ok "nothing of the full version" || not_ok "nothing of the full version"
sed -i s/0.450/0.300/ program
STRAIT=./program sh bench/results.sh quick > said 2>&1 && not_ok "a number outside fails the whole" || ok "a number outside fails the whole"
printf 'Made on a day\n\n## Rows\n\nold words\n\n    $ strait compare --grid recipes/compare/g.yaml -n 200 --paired 24\n    kept\n    \n    too\n\nAll of it took 3 minutes\n' > docs/results.md
printf 'machine\n\n## Rows\n\nnew words\n\n$ $STRAIT compare --grid $GRIDS/g.yaml $SIZE\n$$ touch full\n' > docs/results.in.md
check "the text alone" env STRAIT=./program sh bench/results.sh text
printf 'Made on a day\n\n## Rows\n\nnew words\n\n    $ strait compare --grid recipes/compare/g.yaml -n 200 --paired 24\n    kept\n    \n    too\n    $ touch full\n    (was not run yet)\n\nAll of it took 3 minutes\n' > wanted.md
same "new words around outputs that stand" wanted.md docs/results.md
printf '$ exit 3\n\n$ cat\n\nlast words\n' > docs/results.in.md
STRAIT=./program sh bench/results.sh full > said 2>&1 && not_ok "a command that fails fails the whole" || ok "a command that fails fails the whole"
grep -q "did not run here: exit 3;" docs/results.md && ok "with its exit code" || not_ok "with its exit code" "$(cat docs/results.md)"
grep -qx "last words" docs/results.md && ok "a command that reads does not read the page" || not_ok "a command that reads does not read the page" "$(cat docs/results.md)"
