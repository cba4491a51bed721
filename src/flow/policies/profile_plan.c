/* profile_plan.c - the frozen schedule: for each number of network calls the places to ask at, least expected displacement first, by
 * dynamic programming (the baseline that fastflow.md section 5 wants the bandit to beat). The state is the place and the gap between the
 * two velocities that the next line goes through, because a line through a wide gap bends less well. */
#include <math.h>
#include <string.h>

#include "../../base/memory.h"
#include "profile_sums.h"

typedef struct cell {
    double cost; /* of the best way here */
    int8_t from_gap, passed;
} cell;

typedef struct search {
    const rf_profile *profile;
    cell *at; /* [calls, place, gap]; calls counts the one at the place */
} search;

static cell *cell_at(const search *s, int calls, int k, int gap) {
    return &s->at[((size_t)calls * (size_t)(s->profile->steps + 1) + (size_t)k) * RF_PROFILE_GAPS + (size_t)gap];
}

/* Points that may be passed after k without one that begins anew. */
static int most_from(const rf_profile *profile, int k) {
    int m = 0;
    while (m < RF_PROFILE_MOST && k + m + 2 <= profile->steps - 1 && profile->fresh[k + m + 1] == '0') m++;
    return m;
}

static void extend(search *s, int calls, int k, int gap) {
    const rf_profile *profile = s->profile;
    double cost = cell_at(s, calls, k, gap)->cost;
    int most = gap ? most_from(profile, k) : 0;
    for (int m = 0; m <= most; m++) {
        double shift = gap ? profile->shift[rf__shift_at(k, gap, m)] : 0;
        if (isnan(shift)) {
            if (m > 0) continue;
            shift = 0;
        }
        int to = k + m + 1;
        bool end = to == profile->steps, anew = !end && profile->fresh[to] != '0';
        int next_gap = end || anew ? 0 : m + 1, next_calls = calls + !end;
        if (next_calls > profile->steps) continue;
        cell *next = cell_at(s, next_calls, to, next_gap);
        if (cost + shift < next->cost) *next = (cell){cost + shift, (int8_t)gap, (int8_t)m};
    }
}

/* Walk back from the end and mark the places that were asked at. */
static void mark(const search *s, int calls, char *plan) {
    int k = s->profile->steps, gap = 0, left = calls;
    memset(plan, '0', (size_t)s->profile->steps);
    while (k > 0) {
        const cell *here = cell_at(s, left, k, gap);
        if (k < s->profile->steps) plan[k] = '1', left--;
        k -= here->passed + 1;
        gap = here->from_gap;
    }
    plan[0] = '1';
}

rf_status rf__profile_plan(rf_profile *profile) {
    int steps = profile->steps;
    size_t cells = (size_t)(steps + 1) * (size_t)(steps + 1) * RF_PROFILE_GAPS;
    search s = {profile, rf__alloc_array(cells, sizeof(cell))};
    if (!s.at) return rf__fail(RF_ENOMEM, "no memory to plan %d steps", steps);
    for (size_t i = 0; i < cells; i++) s.at[i].cost = INFINITY;
    cell_at(&s, 1, 0, 0)->cost = 0;
    for (int calls = 1; calls <= steps; calls++)
        for (int k = calls - 1; k < steps; k++)
            for (int gap = 0; gap < RF_PROFILE_GAPS; gap++)
                if (cell_at(&s, calls, k, gap)->cost < INFINITY) extend(&s, calls, k, gap);
    for (int calls = 1; calls <= steps; calls++) {
        char *plan = profile->plan + (size_t)calls * (size_t)(steps + 1);
        profile->plan_shift[calls] = cell_at(&s, calls, steps, 0)->cost;
        if (profile->plan_shift[calls] < INFINITY) mark(&s, calls, plan);
        else plan[0] = '\0';
    }
    rf__free(s.at);
    return RF_OK;
}

int rf__profile_fewest(const rf_profile *profile) {
    int calls = 1;
    while (calls < profile->steps && !profile->plan[(size_t)calls * (size_t)(profile->steps + 1)]) calls++;
    return calls;
}
