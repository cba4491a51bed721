# results_check.awk - whether numbers of one results page fall inside the spread that another states.
#   awk -f bench/results_check.awk STATED.md MADE.md
# A number counts when a row of a block carries it as "X +-Y"; rows are found again by their section, name and turn in it. Inside: at most Y
# (and a half of the last digit shown, which Y is rounded to) from X. Numbers without a spread (milliseconds, counts) are not compared. The
# table says each row; the exit status is 1 when a number is outside or no row was found again.
function rows_of(line, name, list,    rest, n, part) {
    if (line !~ /^    [^ $]/ || line !~ /[0-9] \+-[0-9]/) return 0
    line = substr(line, 5)
    if (!match(line, /   *-?[0-9]/)) return 0
    name[1] = substr(line, 1, RSTART - 1)
    rest = substr(line, RSTART)
    for (n = 0; match(rest, /-?[0-9][0-9.e+-]* \+-[0-9][0-9.]*/); rest = substr(rest, RSTART + RLENGTH)) {
        split(substr(rest, RSTART, RLENGTH), part, / \+-/)
        list[++n] = part[1] " " part[2]
    }
    return n
}
function half_digit(text) { return index(text, ".") ? 0.5 * 10 ^ -(length(text) - index(text, ".")) : 0.5 }
FNR == 1 { file++; section = ""; split("", turn) }
/^## / { section = substr($0, 4) }
(n = rows_of($0, name, list)) > 0 {
    key = section SUBSEP name[1]
    turn[key]++
    key = key SUBSEP turn[key]
    if (file == 1) {
        for (i = 1; i <= n; i++) stated[key, i] = list[i]
        next
    }
    if (!((key, 1) in stated)) next
    found++
    said = made = verdict = ""
    for (i = 1; i <= n && (key, i) in stated; i++) {
        split(stated[key, i], a, " ")
        split(list[i], b, " ")
        off = a[1] > b[1] ? a[1] - b[1] : b[1] - a[1]
        inside = off <= a[2] + half_digit(a[1])
        numbers++
        outside += !inside
        said = said (i > 1 ? ", " : "") a[1] " ± " a[2]
        made = made (i > 1 ? ", " : "") b[1] " ± " b[2]
        verdict = verdict (i > 1 ? ", " : "") (inside ? "inside" : "OUTSIDE")
    }
    if (!shown++) print "\n## Beside what docs/results.md states\n\n| section | row | stated | made here | |\n|---|---|---|---|---|"
    printf "| %s | %s | %s | %s | %s |\n", section, name[1], said, made, verdict
}
END {
    printf "\n%d numbers of %d rows have a stated spread; %d fall outside of it.\n", numbers, found, outside
    exit !(found > 0 && outside == 0)
}
