/* ladder_table.c - see ladder_table.h. */
#include "ladder_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/gnuplot.h"
#include "../base/memory.h"

enum { PATH = 4096, COLUMNS = 16 };

static json_t *report_of(const rf_ladder *l, const char *name, const char *ending) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s%s.json", l->folder, name, ending);
    return json_load_file(path, 0, NULL);
}

/* The first number of that key, however deep. */
static const json_t *find_number(const json_t *tree, const char *key) {
    const json_t *own = json_object_get(tree, key), *value;
    const char *name;
    if (json_is_number(own)) return own;
    json_object_foreach((json_t *)tree, name, value) {
        const json_t *found = json_is_object(value) ? find_number(value, key) : NULL;
        if (found) return found;
    }
    return NULL;
}

static void put(json_t *row, const char *key, const json_t *number) {
    if (number) json_object_set_new(row, key, json_real(json_number_value(number)));
}

/* {"name", "S", "V", "1", "2", ...}: what is known of a rung. */
static json_t *row_of(const rf_ladder *l, const json_t *rung) {
    const char *name = json_string_value(json_object_get(rung, "name")), *number = json_string_value(json_object_get(l->evaluate, "number"));
    const json_t *steps = json_object_get(l->evaluate, "steps");
    json_t *row = json_pack("{ss}", "name", name), *made = report_of(l, name, "");
    put(row, "S", find_number(made, "S"));
    put(row, "V", find_number(made, "V"));
    const char *key;
    json_t *value;
    if (!steps) json_object_foreach(json_object_get(made, "coupling_mse"), key, value) put(row, key, value);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        char ending[64], column[32];
        snprintf(column, sizeof column, "%lld", (long long)json_integer_value(json_array_get(steps, i)));
        snprintf(ending, sizeof ending, "-eval-%s", column);
        json_t *judged = report_of(l, name, ending);
        put(row, column, find_number(judged, number ? number : "frechet_distance"));
        json_decref(judged);
    }
    json_decref(made);
    return row;
}

/* Columns that any row has, numbers of steps in rising order. */
static int columns_of(const json_t *rows, char out[COLUMNS][32]) {
    int count = 0;
    for (size_t r = 0; r < json_array_size(rows); r++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(rows, r), key, value) {
            bool known = !json_is_number(value) || count == COLUMNS || strlen(key) > 30;
            for (int i = 0; i < count; i++) known = known || !strcmp(out[i], key);
            if (!known) snprintf(out[count++], 32, "%s", key);
        }
    }
    for (int i = 1; i < count; i++)
        for (int k = i; k > 0 && atoi(out[k]) < atoi(out[k - 1]); k--) {
            char keep[32];
            memcpy(keep, out[k], sizeof keep);
            memcpy(out[k], out[k - 1], sizeof keep);
            memcpy(out[k - 1], keep, sizeof keep);
        }
    return count;
}

static const char *what_numbers(const rf_ladder *l) {
    const char *number = json_string_value(json_object_get(l->evaluate, "number"));
    return !json_object_get(l->evaluate, "steps") ? "coupling_mse" : number ? number : "frechet_distance";
}

static rf_status write_markdown(const rf_ladder *l, const json_t *rows) {
    char column[COLUMNS][32], path[PATH], *text = NULL;
    int count = columns_of(rows, column);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return rf__fail(RF_ENOMEM, "%s: no memory for the table", l->name);
    fprintf(out, "%s at so many steps\n\n| rung |", what_numbers(l));
    for (int i = 0; i < count; i++) fprintf(out, " %s |", column[i]);
    fputs("\n|---|", out);
    for (int i = 0; i < count; i++) fputs("---|", out);
    fputc('\n', out);
    for (size_t r = 0; r < json_array_size(rows); r++) {
        const json_t *row = json_array_get(rows, r);
        if (json_object_size(row) < 2) continue; /* pairs, and what is not made yet */
        fprintf(out, "| %s |", json_string_value(json_object_get(row, "name")));
        for (int i = 0; i < count; i++) {
            const json_t *value = json_object_get(row, column[i]);
            if (value) fprintf(out, " %.4g |", json_number_value(value));
            else fputs(" |", out);
        }
        fputc('\n', out);
    }
    bool whole = fclose(out) == 0;
    snprintf(path, sizeof path, "%s/ladder.md", l->folder);
    rf_status status = whole ? rf__file_write(path, text, size) : rf__fail(RF_ENOMEM, "%s: no memory for the table", l->name);
    free(text);
    return status;
}

/* A curve a rung over the number of steps. */
static void draw(const rf_ladder *l, const json_t *rows) {
    static const char *const pictures[] = {"ladder.png", NULL};
    char column[COLUMNS][32], *script = NULL;
    int count = columns_of(rows, column), curves = 0;
    size_t size = 0;
    FILE *out = open_memstream(&script, &size);
    if (!out) return;
    fprintf(out, "set terminal pngcairo size 720,480\nset output 'ladder.png.part'\nset logscale xy\nset xlabel 'steps'\nset ylabel '%s' noenhanced\nset key noenhanced\n",
            what_numbers(l));
    for (int pass = 0; pass < 2; pass++) {
        if (pass) fputs("plot ", out);
        for (size_t r = 0; r < json_array_size(rows); r++) {
            const json_t *row = json_array_get(rows, r);
            int points = 0;
            for (int i = 0; i < count; i++) points += atoi(column[i]) > 0 && json_object_get(row, column[i]);
            if (!points) continue;
            if (pass) fprintf(out, "%s$rung%zu using 1:2 with linespoints title '%s'", curves++ ? ", " : "", r, json_string_value(json_object_get(row, "name")));
            else fprintf(out, "$rung%zu << END\n", r);
            for (int i = 0; i < count && !pass; i++)
                if (atoi(column[i]) > 0 && json_object_get(row, column[i])) fprintf(out, "%s %.9g\n", column[i], json_number_value(json_object_get(row, column[i])));
            if (!pass) fputs("END\n", out);
        }
    }
    fputc('\n', out);
    bool whole = fclose(out) == 0;
    if (whole && curves) rf__gnuplot(l->folder, script, pictures);
    free(script);
}

rf_status rf__ladder_table(const rf_ladder *l) {
    char path[PATH];
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(l->rungs); i++) json_array_append_new(rows, row_of(l, json_array_get(l->rungs, i)));
    json_t *object = json_pack("{ss sO}", "number", what_numbers(l), "rungs", rows);
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    snprintf(path, sizeof path, "%s/ladder.json", l->folder);
    rf_status status = text ? rf__file_write(path, text, strlen(text)) : rf__fail(RF_ENOMEM, "%s: no memory for the table", l->name);
    if (status == RF_OK) status = write_markdown(l, rows);
    if (status == RF_OK) draw(l, rows);
    free(text);
    json_decref(object);
    json_decref(rows);
    return status;
}

rf_status rf__ladder_print(const rf_ladder *l) {
    char path[PATH];
    uint8_t *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/ladder.md", l->folder);
    RF_TRY(rf__file_read(path, 1 << 20, &text, &size));
    fwrite(text, 1, size, stdout);
    rf__free(text);
    return RF_OK;
}
