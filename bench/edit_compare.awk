# The table of bench/edit_compare.sh: means over groups of pictures and seeds, +- half the range of the groups (each the mean of its seeds),
# and for methods that draw noise half the range of the seeds (each the mean of its groups) of class share and distance inside. Then what
# fireflow-8 has more than each other method, group by group: the pictures of a group are the same for all.
BEGIN { FS = "\t"; split("target psnr_in psnr_out ssim_in ssim_out per_in per_out", quantity, " ")
        print "| set | method and steps | rows | target class | PSNR in | PSNR out | SSIM in | SSIM out | perceptual in | perceptual out | seeds: class, perceptual in |\n|---|---|---|---|---|---|---|---|---|---|---|" }
function psnr(mse) { return 10 * log(4 / mse) / log(10) }
NR == 1 { next }
{
    key = $1 FS $2
    if (!(key in rows)) order[++keys] = key
    rows[key] = $5
    value["target"] = 100 * $6; value["psnr_in"] = psnr($10); value["psnr_out"] = psnr($13)
    value["ssim_in"] = $11; value["ssim_out"] = $14; value["per_in"] = $12; value["per_out"] = $15
    groups[key, $3] = 1; seeds[key, $4] = 1; first[$3] = 1; seed[$4] = 1
    n[key, "g", $3]++; n[key, "s", $4]++; n[key]++
    for (q in value) { sum[key, q] += value[q]; sum[key, q, "g", $3] += value[q]; sum[key, q, "s", $4] += value[q] }
}
function half(key, q, kind, of,   k, at, low, high, some) {
    for (k in of) {
        if (!n[key, kind, k]) continue
        at = sum[key, q, kind, k] / n[key, kind, k]
        if (!some || at < low) low = at
        if (!some || at > high) high = at
        some++
    }
    return some > 1 ? (high - low) / 2 : -1
}
function cell(key, q, form,   spread) {
    spread = half(key, q, "g", first)
    return sprintf(spread < 0 ? " " form " |" : " " form " ± " form " |", sum[key, q] / n[key], spread)
}
# fireflow-8 less the method of key, over the groups that both have.
function less(key, base, q, form,   k, at, low, high, total, some) {
    for (k in first) {
        if (!n[key, "g", k] || !n[base, "g", k]) continue
        at = sum[base, q, "g", k] / n[base, "g", k] - sum[key, q, "g", k] / n[key, "g", k]
        if (!some || at < low) low = at
        if (!some || at > high) high = at
        total += at; some++
    }
    if (!some) return " |"
    return sprintf(some > 1 ? " %+" form " ± %" form " |" : " %+" form " |", total / some, (high - low) / 2)
}
END {
    for (i = 1; i <= keys; i++) {
        key = order[i]
        split(key, part, FS)
        line = sprintf("| %s | %s | %.0f |", part[1], part[2], rows[key])
        for (j = 1; j <= 7; j++) line = line cell(key, quantity[j], j == 1 ? "%.0f" : j < 4 ? "%.1f" : "%.3f")
        spread = half(key, "target", "s", seed)
        print line (spread < 0 ? " |" : sprintf(" ± %.0f, ± %.3f |", spread, half(key, "per_in", "s", seed)))
    }
    print "\n| set | fireflow-8 less | rows | target class | SSIM in | SSIM out | perceptual in | perceptual out |\n|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= keys; i++) {
        key = order[i]
        split(key, part, FS)
        if (part[2] == "fireflow-8") continue
        line = sprintf("| %s | %s | %.0f |", part[1], part[2], rows[key])
        for (j = 1; j <= 7; j++)
            if (j < 2 || j > 3) line = line less(key, part[1] FS "fireflow-8", quantity[j], j == 1 ? ".0f" : ".3f")
        print line
    }
}
