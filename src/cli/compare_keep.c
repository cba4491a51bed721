/* compare_keep.c - numbers of finished rows, a line each in FOLDER/rows.jsonl, so that `--resume` goes on where a long run ended. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/file.h"
#include "compare.h"

static const struct { const char *name; size_t at; } values[] = {
    {"seconds", offsetof(rf_compare_result, seconds)}, {"nfe", offsetof(rf_compare_result, nfe)},
    {"refined", offsetof(rf_compare_result, refined)}, {"extrapolated", offsetof(rf_compare_result, extrapolated)},
    {"frechet", offsetof(rf_compare_result, frechet)}, {"kid", offsetof(rf_compare_result, kid)},
    {"accuracy", offsetof(rf_compare_result, accuracy)}, {"mse", offsetof(rf_compare_result, mse)},
    {"psnr", offsetof(rf_compare_result, psnr)}, {"ssim", offsetof(rf_compare_result, ssim)},
};
enum { VALUES = sizeof values / sizeof *values };

static double *value_at(const rf_compare_result *result, int i) { return (double *)((char *)result + values[i].at); }

/* A last line that a killed run left half written is not JSON: its row is made again. */
static void read_lines(rf_compare *compare, FILE *file) {
    json_t *line;
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) json_array_append_new(compare->kept, line);
}

/* All at once, so that no moment has fewer of them. */
static rf_status write_lines(const json_t *lines, const char *path) {
    rf_writer *writer;
    size_t i;
    const json_t *line;
    RF_TRY(rf__writer_open(&writer, path));
    json_array_foreach(lines, i, line) {
        json_dumpf(line, rf__writer_stream(writer), JSON_COMPACT);
        fputc('\n', rf__writer_stream(writer));
    }
    return rf__writer_commit(&writer);
}

rf_status rf__compare_kept_open(rf_compare *compare, bool resume) {
    char path[4096];
    snprintf(path, sizeof path, "%s/rows.jsonl", compare->folder);
    RF_TRY(rf__make_dirs(compare->folder));
    compare->kept = json_array();
    if (!compare->kept) return rf__fail(RF_ENOMEM, "compare: no memory");
    FILE *old = resume ? fopen(path, "r") : NULL;
    if (old) {
        read_lines(compare, old);
        fclose(old);
    }
    RF_TRY(write_lines(compare->kept, path));
    compare->keeper = fopen(path, "a");
    return compare->keeper ? RF_OK : rf__fail(RF_EIO, "%s: cannot be written: %s", path, strerror(errno));
}

bool rf__compare_recall(const rf_compare *compare, const json_t *key, rf_compare_result *out) {
    size_t i;
    const json_t *line;
    json_array_foreach(compare->kept, i, line) {
        if (!json_equal(json_object_get(line, "row"), key)) continue;
        for (int v = 0; v < VALUES; v++) {
            const json_t *value = json_object_get(line, values[v].name);
            *value_at(out, v) = json_is_number(value) ? json_number_value(value) : json_is_true(value) ? (double)INFINITY : (double)NAN;
        }
        return true;
    }
    return false;
}

rf_status rf__compare_keep(rf_compare *compare, json_t *key, const rf_compare_result *result) {
    json_t *line = json_pack("{s:O}", "row", key);
    for (int v = 0; line && v < VALUES; v++) { /* JSON has no infinity, which a PSNR of equal pictures is, and no NAN: not measured */
        double value = *value_at(result, v);
        json_object_set_new(line, values[v].name, isfinite(value) ? json_real(value) : isinf(value) ? json_true() : json_null());
    }
    bool written = line && json_dumpf(line, compare->keeper, JSON_COMPACT) == 0 && fputc('\n', compare->keeper) != EOF && fflush(compare->keeper) == 0;
    json_decref(line);
    return written ? RF_OK : rf__fail(RF_EIO, "%s/rows.jsonl: cannot be written: %s", compare->folder, strerror(errno));
}

void rf__compare_kept_close(rf_compare *compare) {
    if (compare->keeper) fclose(compare->keeper);
    json_decref(compare->kept);
    compare->keeper = NULL;
    compare->kept = NULL;
}
