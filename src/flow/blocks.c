/* blocks.c - the table of step blocks, and lists of them. */
#include "blocks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "Zhao et al. 2024 (FlowTurbo), arXiv 2409.18128"

static const rf_block heun = {.name = "H", .source = "explicit trapezoid; the sampler of SiT, arXiv 2401.08740",
                              .help = "Heun: two network calls", .first = RF_ASKED_NETWORK, .second = RF_ASKED_NETWORK};
static const rf_block pseudo = {.name = "P", .source = SOURCE ", pseudo corrector", .help = "Heun with the velocity handed on: one network call",
                                .first = RF_ASKED_NETWORK, .second = RF_ASKED_NETWORK, .reuse = true};
static const rf_block euler = {.name = "E", .source = "Euler", .help = "one network call, first order", .first = RF_ASKED_NETWORK};
/* Ours: P with the refiner in place of the network. Its gap is always the step (the trained case), and what it hands on is the velocity
 * at the right end, so it may stand before or behind P (flowturbo.md section 2). */
static const rf_block refine = {.name = "RP", .source = SOURCE ", its refiner in the pseudo corrector",
                                .help = "P answered by the refiner: one small call", .first = RF_ASKED_REFINER, .second = RF_ASKED_REFINER, .reuse = true};
static const rf_block refine_once = {.name = "R1", .source = SOURCE ", equation of the velocity refiner",
                                     .help = "Euler answered by the refiner: one small call", .first = RF_ASKED_REFINER};
/* The release conditions its second call on the old velocity; ours on the one just refined. */
static const rf_block refine_twice = {.name = "R2", .source = SOURCE ", as its released sampler, the second call knowing the first",
                                      .help = "Heun answered by the refiner: two small calls", .first = RF_ASKED_REFINER, .second = RF_ASKED_REFINER};
static const rf_block *const table[] = {&heun, &pseudo, &refine, &refine_once, &refine_twice, &euler, NULL};

const rf_block *const *rf__block_table(void) { return table; }

static const rf_block *find(const char *name, size_t length) {
    char names[128] = "";
    size_t used = 0;
    if (length == 1 && *name == 'R') return &refine; /* the papers' letter */
    for (int i = 0; table[i]; i++) {
        if (strlen(table[i]->name) == length && memcmp(table[i]->name, name, length) == 0) return table[i];
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", table[i]->name);
    }
    rf__fail(RF_EINVAL, "no block '%.*s', expected one of %s", (int)(length < 20 ? length : 20), name, names);
    return NULL;
}

/* One run at *text: letters, digits, and with a colon more digits. */
static rf_status parse_run(rf_blocks *out, const char **text, const char *whole) {
    const char *at = *text;
    size_t name = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), digits = strspn(at + name, "0123456789");
    if (at[name + digits] == ':') {
        name += digits;
        digits = strspn(at + name + 1, "0123456789");
        at++; /* so that at + name is the count either way */
    }
    if (name == 0 || digits == 0 || digits > 5)
        return rf__fail(RF_EINVAL, "blocks are '%.60s', expected runs of a name and a count such as H2P4R2", whole);
    const rf_block *block = find(*text, name);
    if (!block) return RF_EINVAL;
    long steps = strtol(at + name, NULL, 10);
    *text = at + name + digits;
    if (steps == 0) return RF_OK; /* H0P8 is P8 */
    if (out->runs == RF_BLOCK_RUNS) return rf__fail(RF_EINVAL, "blocks '%.60s' have more than %d runs", whole, RF_BLOCK_RUNS);
    out->run[out->runs].block = block;
    out->run[out->runs++].steps = (int)steps;
    return RF_OK;
}

rf_status rf__blocks_parse(rf_blocks *out, const char *text) {
    *out = (rf_blocks){0};
    for (const char *at = text; *at;) RF_TRY(parse_run(out, &at, text));
    if (out->runs == 0) return rf__fail(RF_EINVAL, "blocks are '%.60s', expected at least one step", text);
    return RF_OK;
}

void rf__blocks_text(const rf_blocks *blocks, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < blocks->runs && used < size; i++) {
        const rf_block *block = blocks->run[i].block;
        const char *name = block == &refine ? "R" : block->name, *colon = strpbrk(name, "0123456789") ? ":" : "";
        used += (size_t)snprintf(out + used, size - used, "%s%s%d", name, colon, blocks->run[i].steps);
    }
}

int rf__blocks_steps(const rf_blocks *blocks) {
    int steps = 0;
    for (int i = 0; i < blocks->runs; i++) steps += blocks->run[i].steps;
    return steps;
}

const rf_block *rf__blocks_at(const rf_blocks *blocks, int position) {
    int run = 0;
    for (; run + 1 < blocks->runs && position >= blocks->run[run].steps; run++) position -= blocks->run[run].steps;
    return blocks->run[run].block;
}

static void count(rf_block_calls *calls, rf_asked asked, bool *known) {
    if (asked == RF_ASKED_NOBODY) return;
    if (asked == RF_ASKED_REFINER && *known) calls->refiner++;
    else calls->network++;
    *known = true;
}

rf_block_calls rf__blocks_calls(const rf_blocks *blocks, int from, int steps, bool carried) {
    rf_block_calls calls = {0};
    bool known = from > 0 || carried;
    for (int i = from; i < steps; i++) {
        const rf_block *block = rf__blocks_at(blocks, i);
        if (!(block->reuse && carried)) count(&calls, block->first, &known);
        count(&calls, block->second, &known);
        carried = block->second != RF_ASKED_NOBODY;
    }
    return calls;
}

static bool asks_refiner(const rf_block *block) { return block->first == RF_ASKED_REFINER || block->second == RF_ASKED_REFINER; }

rf_status rf__blocks_check(const rf_blocks *blocks, const double *times, int steps, bool refiner, double least, double most) {
    char text[160];
    rf__blocks_text(blocks, text, sizeof text);
    if (rf__blocks_steps(blocks) != steps)
        return rf__fail(RF_EINVAL, "blocks %s are %d steps, expected %d as the time grid has", text, rf__blocks_steps(blocks), steps);
    for (int i = 0; i < steps; i++) {
        if (!asks_refiner(rf__blocks_at(blocks, i))) continue;
        double gap = times[i + 1] - times[i], slack = 1e-9; /* a grid of n steps meets 1/n to rounding */
        if (!refiner) return rf__fail(RF_EINVAL, "blocks %s have steps of a refiner, expected a refiner with them", text);
        if (most > 0 && (gap < least - slack || gap > most + slack))
            return rf__fail(RF_EINVAL, "step %d of blocks %s is %g long, and the refiner was trained for %g .. %g", i + 1, text, gap, least, most);
    }
    return RF_OK;
}
