/* runlog.c - see runlog.h. */
#include "runlog.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/gnuplot.h"
#include "../base/memory.h"

void rf__loss_bins_add(rf_loss_bins *bins, const float *loss, const float *t, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) {
        int bin = (int)(t[r] * RF_TIME_BINS);
        bin = bin < 0 ? 0 : bin >= RF_TIME_BINS ? RF_TIME_BINS - 1 : bin;
        bins->sum[bin] += (double)loss[r];
        bins->count[bin]++;
        bins->total += (double)loss[r];
    }
    bins->rows += rows;
}

double rf__loss_bins_mean(const rf_loss_bins *bins) { return bins->rows ? bins->total / (double)bins->rows : (double)NAN; }

/* JSON has no NaN: an empty bin, a loss that blew up is null. */
static json_t *real_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

rf_status rf__runlog_write(FILE *stream, const rf_log_line *line) {
    json_t *bins = json_array();
    for (int i = 0; i < RF_TIME_BINS; i++)
        json_array_append_new(bins, real_or_null(line->bins->sum[i] / (double)line->bins->count[i]));
    json_t *object = json_pack("{sI so so so so sI so}", "step", (json_int_t)line->step, "loss",
                               real_or_null(rf__loss_bins_mean(line->bins)), "images_per_second", real_or_null(line->images_per_second), "lr",
                               real_or_null(line->lr), "grad_norm", real_or_null(line->grad_norm), "skipped", (json_int_t)line->skipped,
                               "loss_by_time", bins);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
    json_decref(object);
    if (!text) return rf__fail(RF_ENOMEM, "log.jsonl: no memory for a line");
    bool written = fprintf(stream, "%s\n", text) > 0 && fflush(stream) == 0;
    free(text);
    return written ? RF_OK : rf__fail(RF_EIO, "log.jsonl: %s", strerror(errno));
}

/* Bytes of the lines whose step is at most `step`; a torn last line is dropped. */
static size_t kept_bytes(const char *text, size_t size, int64_t step) {
    size_t kept = 0;
    while (kept < size) {
        const char *end = memchr(text + kept, '\n', size - kept);
        long long at = 0;
        if (!end || sscanf(text + kept, "{\"step\":%lld", &at) != 1 || at > step) break;
        kept = (size_t)(end - text) + 1;
    }
    return kept;
}

rf_status rf__runlog_open(FILE **out, const char *path, int64_t step) {
    *out = NULL;
    if (rf__file_exists(path)) {
        uint8_t *text = NULL;
        size_t size = 0;
        RF_TRY(rf__file_read(path, 1u << 30, &text, &size));
        size_t kept = kept_bytes((const char *)text, size, step);
        rf_status status = kept < size ? rf__file_write(path, text, kept) : RF_OK;
        rf__free(text);
        RF_TRY(status);
    }
    *out = fopen(path, "a");
    return *out ? RF_OK : rf__fail(RF_EIO, "%s: cannot be opened for writing: %s", path, strerror(errno));
}

/* ---- curves ---- */

/* Columns step, loss, ten bins; a number a column, NaN where the log has null. */
static rf_status write_columns(const char *log_path, FILE *out) {
    FILE *in = fopen(log_path, "r");
    if (!in) return rf__fail(RF_EIO, "%s: cannot be read: %s", log_path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, in) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        if (!object) continue;
        const json_t *bins = json_object_get(object, "loss_by_time"), *loss = json_object_get(object, "loss");
        fprintf(out, "%lld %g", (long long)json_integer_value(json_object_get(object, "step")),
                json_is_number(loss) ? json_number_value(loss) : (double)NAN);
        for (size_t i = 0; i < RF_TIME_BINS; i++) {
            const json_t *bin = json_array_get(bins, i);
            fprintf(out, " %g", json_is_number(bin) ? json_number_value(bin) : (double)NAN);
        }
        fputc('\n', out);
        json_decref(object);
    }
    free(line);
    fclose(in);
    return RF_OK;
}

static const char script[] =
    "set terminal pngcairo size 900,560 font 'sans,11'\nset grid\nset xlabel 'step'\nset logscale y 2\n"
    "set autoscale noextend\nset palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#f0d020')\nunset colorbox\n"
    "set output 'loss.png.part'\nset ylabel 'loss'\nplot 'curves.dat' using 1:2 with lines lw 2 notitle\n"
    "set output 'loss_by_time.png.part'\nset ylabel 'loss by t'\nset key outside right\n"
    "plot for [i=0:9] 'curves.dat' using 1:(column(i+3)) with lines lw 1.5 lc palette frac i/9.0 title sprintf('%.1f - %.1f', i/10.0, (i+1)/10.0)\n"
    "set output\n";

rf_status rf__runlog_curves(const char *folder) {
    char path[4096], data[4096];
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    snprintf(data, sizeof data, "%s/curves.dat", folder);
    rf_writer *writer = NULL;
    RF_TRY(rf__writer_open(&writer, data));
    rf_status status = write_columns(path, rf__writer_stream(writer));
    if (status != RF_OK) {
        rf__writer_abort(&writer);
        return status;
    }
    RF_TRY(rf__writer_commit(&writer));
    rf__gnuplot(folder, script, (const char *const[]){"loss.png", "loss_by_time.png", NULL});
    remove(data);
    return RF_OK;
}
