/* recipe_help.c - every key and every plug-in of a recipe as Markdown, from the tables that read them. */
#include "recipe_fields.h"

static void section(FILE *stream, const char *name, const char *help, const rf_field_desc *table) {
    fprintf(stream, "\n## %s: %s\n\n```\n", name, help);
    rf__fields_help(table, stream);
    fputs("```\n", stream);
}

static void plugins(FILE *stream, const char *key, const rf_plugin *const *table) {
    fprintf(stream, "\n`train.%s`\n\n```\n", key);
    rf__plugin_list(table, stream);
    fputs("```\n", stream);
}

void rf__recipe_help(FILE *stream) {
    fputs("# Recipes\n\nAn experiment is one file: `strait train recipes/NAME.yaml [SECTION.KEY=VALUE ...] [--resume]`.\n"
          "This page is made by `strait train --help-keys`.\n", stream);
    section(stream, "data", "what the network learns", rf__data_fields);
    fputs("\n`data.name`\n\n```\n", stream);
    rf__plugin_list(rf__sources(), stream);
    fputs("```\n", stream);
    section(stream, "train", "how it learns", rf__train_fields);
    plugins(stream, "coupling", rf__couplings());
    plugins(stream, "time", rf__time_laws());
    plugins(stream, "path", rf__paths());
    plugins(stream, "target", rf__targets());
    plugins(stream, "loss", rf__metrics());
    plugins(stream, "weight", rf__loss_weights());
    plugins(stream, "schedule", rf__lr_schedules());
    section(stream, "teacher", "who makes pairs while training", rf__teacher_fields);
    section(stream, "windows", "PeRFlow", rf__windows_fields);
    section(stream, "anneal", "SlimFlow", rf__anneal_fields);
    fputs("\n`anneal.schedule`\n\n```\n", stream);
    rf__plugin_list(rf__anneal_schedules(), stream);
    fputs("```\n", stream);
    section(stream, "adversary", "Constant Acceleration Flow's last stage, beside train.time nodes", rf__adversary_fields);
    section(stream, "sample", "grids drawn on the way, from the EMA", rf__sample_fields);
    section(stream, "evaluate", "numbers printed at the end", rf__evaluate_fields);
    section(stream, "refiner", "how a refiner learns, beside train (train.coupling refine_...)", rf__refine_fields);
    for (const rf_model_kind *const *kind = rf__model_kinds(); *kind; kind++) {
        char title[128];
        snprintf(title, sizeof title, "model, kind: %s", (*kind)->name);
        section(stream, title, (*kind)->help, (*kind)->fields);
    }
}
