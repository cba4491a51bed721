/* options.c - see options.h. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/number.h"

rf_options rf__options_defaults(const rf_option *table) {
    rf_options values = {{0}};
    for (int i = 0; table && table[i].name; i++) values.at[i] = table[i].preset;
    return values;
}

double rf__option(const rf_option *table, const rf_options *values, int index) {
    return values ? values->at[index] : table[index].preset;
}

static rf_status no_such_option(const rf_option *table, const char *owner, const char *text) {
    char names[400];
    size_t used = 0;
    if (!table || !table[0].name) return rf__fail(RF_EINVAL, "'%.80s' is given, and %s takes no options", text, owner);
    for (int i = 0; table && table[i].name && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", table[i].name);
    return rf__fail(RF_EINVAL, "%s has no option '%.80s', expected one of %s", owner, text, names);
}

static rf_status choose(const rf_option *option, const char *owner, const char *text, double *out) {
    char names[400] = "";
    size_t used = 0;
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *out = i;
            return RF_OK;
        }
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return rf__fail(RF_EINVAL, "option %s of %s is '%.80s', expected one of %s", option->name, owner, text, names);
}

rf_status rf__options_set(const rf_option *table, rf_options *values, const char *owner, const char *text) {
    const char *sign = strchr(text, '=');
    size_t length = sign ? (size_t)(sign - text) : 0;
    if (!sign || length == 0) return rf__fail(RF_EINVAL, "option '%.80s' of %s, expected NAME=VALUE", text, owner);
    int index = 0;
    while (table && table[index].name && !(strlen(table[index].name) == length && memcmp(table[index].name, text, length) == 0)) index++;
    if (!table || !table[index].name) return no_such_option(table, owner, text);
    const rf_option *option = &table[index];
    if (option->choices) return choose(option, owner, sign + 1, &values->at[index]);
    char *end = NULL;
    double value = rf__number_read(sign + 1, &end);
    if (end == sign + 1 || *end || !isfinite(value) || value < option->min || value > option->max || (option->whole && value != rint(value)))
        return rf__fail(RF_EINVAL, "option %s of %s is '%.80s', expected a %snumber %g .. %g", option->name, owner, sign + 1, option->whole ? "whole " : "",
                        option->min, option->max);
    values->at[index] = value;
    return RF_OK;
}

void rf__options_print(const rf_option *table, const rf_options *values, int index, char *out, size_t size) {
    const rf_option *option = &table[index];
    double value = rf__option(table, values, index);
    if (option->choices) snprintf(out, size, "%s=%s", option->name, option->choices[(int)value]);
    else snprintf(out, size, "%s=%.17g", option->name, value);
}

rf_status rf__options_parse(const rf_option *table, rf_options *values, const char *owner, const char *text) {
    rf_options read = rf__options_defaults(table);
    char one[256];
    for (const char *at = text; at && *at;) {
        size_t length = strcspn(at, ",");
        if (length >= sizeof one) return rf__fail(RF_EINVAL, "option of %s has %zu characters, expected at most %zu", owner, length, sizeof one - 1);
        memcpy(one, at, length);
        one[length] = '\0';
        RF_TRY(rf__options_set(table, &read, owner, one));
        at += length + (at[length] == ',');
    }
    *values = read;
    return RF_OK;
}

void rf__options_text(const rf_option *table, const rf_options *values, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; table && table[i].name && used + 1 < size; i++) {
        if (i) used += (size_t)snprintf(out + used, size - used, ",");
        if (used >= size) break;
        rf__options_print(table, values, i, out + used, size - used);
        used += strlen(out + used);
    }
}
