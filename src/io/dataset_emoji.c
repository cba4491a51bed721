/* dataset_emoji.c - emoji as 64x64 pictures from the sheets of the emoji-datasource packages: noto_64.png (Google Noto) and a table of
 * captions, captions.tsv: column, row, caption, category, subcategory, code points, in_noto, in_twemoji. Classes are the categories.
 * A set of real 64x64 detail that is small enough to be learned in minutes. */
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "dataset.h"
#include "image.h"

#define SIDE 64
#define PITCH 66 /* cells have a border of one pixel */
#define LINES_MAX 100000
#define LINE_ENDS "\r\n"

enum { COLUMN, ROW, CAPTION, CATEGORY, SUBCATEGORY, CODE, IN_NOTO, FIELDS };
static const char *const categories[] = {"Activities", "Animals & Nature", "Component", "Flags", "Food & Drink", "Objects", "People & Body",
                                         "Smileys & Emotion", "Symbols", "Travel & Places"};
enum { CATEGORIES = sizeof categories / sizeof *categories };

/* Cut a line at its tabs, in place; false when it has too few. */
static bool cut_fields(char *line, char *field[FIELDS]) {
    for (int i = 0; i < FIELDS; i++) {
        field[i] = line;
        char *tab = strchr(line, '\t');
        if (!tab) return i == FIELDS - 1;
        *tab = 0;
        line = tab + 1;
    }
    return true;
}

static int category_of(const char *name) {
    for (int i = 0; i < CATEGORIES; i++)
        if (!strcmp(name, categories[i])) return i;
    return -1;
}

static rf_status take_cell(rf_dataset *out, const rf_image *sheet, char *const field[FIELDS], int line, const char *path) {
    int column = atoi(field[COLUMN]), row = atoi(field[ROW]), category = category_of(field[CATEGORY]);
    int x0 = PITCH * column + 1, y0 = PITCH * row + 1;
    if (category < 0) return rf__fail(RF_EFORMAT, "%s:%d: category is \"%.40s\", expected one of ten", path, line, field[CATEGORY]);
    if (column < 0 || row < 0 || column >= sheet->width / PITCH || row >= sheet->height / PITCH)
        return rf__fail(RF_EFORMAT, "%s:%d: cell %d, %d lies outside the sheet of %dx%d pixels", path, line, column, row, sheet->width, sheet->height);
    uint8_t *to = out->pixels + out->count * SIDE * SIDE * 3;
    for (int y = 0; y < SIDE; y++)
        memcpy(to + y * SIDE * 3, sheet->pixels + ((size_t)(y0 + y) * (size_t)sheet->width + (size_t)x0) * 3, SIDE * 3);
    out->labels[out->count++] = category;
    return RF_OK;
}

/* One cell of ten is the test set: skin tones of one emoji may lie on both sides. */
static rf_status take_lines(rf_dataset *out, const rf_image *sheet, char *text, bool test, const char *path) {
    rf_status status = RF_OK;
    int number = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, LINE_ENDS, &rest); line && status == RF_OK; line = strtok_r(NULL, LINE_ENDS, &rest)) {
        char *field[FIELDS];
        if (++number == 1) continue; /* names of the columns */
        if (!cut_fields(line, field)) return rf__fail(RF_EFORMAT, "%s:%d: has too few columns, expected %d", path, number, FIELDS);
        if (strcmp(field[IN_NOTO], "1") || (number % 10 == 0) != test) continue;
        status = take_cell(out, sheet, field, number, path);
    }
    if (status == RF_OK && out->count == 0) status = rf__fail(RF_EFORMAT, "%s: names no picture", path);
    return status;
}

static rf_status read_emoji(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    char sheet_path[4400], table_path[4400];
    snprintf(sheet_path, sizeof sheet_path, "%.4000s/noto_64.png", directory);
    snprintf(table_path, sizeof table_path, "%.4000s/captions.tsv", directory);
    if (!rf__file_exists(sheet_path) || !rf__file_exists(table_path)) return rf__fail(RF_ENOTFOUND, "%s: no noto_64.png and captions.tsv", directory);
    rf_image sheet;
    uint8_t *text = NULL;
    size_t size;
    RF_TRY(rf__image_read(&sheet, sheet_path, 3)); /* over white */
    rf_status status = rf__file_read(table_path, 16 << 20, &text, &size);
    int64_t lines = 0;
    for (size_t i = 0; status == RF_OK && i < size; i++) lines += text[i] && strchr(LINE_ENDS, text[i]) != NULL;
    if (status == RF_OK && lines > LINES_MAX) status = rf__fail(RF_EFORMAT, "%s: has %lld lines, expected at most %d", table_path, (long long)lines, LINES_MAX);
    if (status == RF_OK) status = rf__dataset_alloc(out, lines + 1, SIDE, SIDE, 3, CATEGORIES);
    out->count = 0;
    if (status == RF_OK) status = take_lines(out, &sheet, (char *)text, spec->split && !strcmp(spec->split, "test"), table_path);
    rf__free(text);
    rf__image_free(&sheet);
    return status == RF_OK ? rf__dataset_names(out, categories) : status;
}

const rf_dataset_kind rf__dataset_emoji = {
    .name = "emoji",
    .source = "Google Noto Emoji 2.048 by way of emoji-datasource-google 16.0.0",
    .help = "3,786 RGB 64x64 emoji of ten categories, over white",
    .how_to_get = "Put the package's img/google/sheets/64.png there as noto_64.png, and captions.tsv (docs/data.md says how it is made)",
    .places = (const char *const[]){"../shared/data/emoji", NULL},
    .read = read_emoji,
};
