/* jump.h - what every skipping policy shares: after a network answer it decides how many grid points to pass without one. Guards
 * (fastflow.md section 5): the first two answers and the last come from the network, nothing is skipped while less than two
 * velocities are known (the history ends at every discontinuity), and after a bad jump there is a pause. */
#ifndef RF_FLOW_JUMP_H
#define RF_FLOW_JUMP_H
#include "../policy.h"

/* Of one job; zero at the start. */
typedef struct rf_jump {
    int chosen, observed; /* position + 1 of the newest decision and of the newest network answer */
    rf_kind kind;         /* for all requests of the position `chosen` */
    int left;             /* points still to pass */
    int length;           /* points passed since the newest jump was decided */
    int quiet;            /* network answers until skipping is allowed again */
    /* Measured at the newest network answer: */
    double error;  /* |v^ - v|^2 / |v|^2 of the extrapolation from the two answers before; negative: not known */
    double span;   /* how far in t that extrapolation reached, positive */
    double change; /* |v - v_p|^2 / |v|^2 against the answer before, per (mean grid step)^2 of distance */
    int landed;    /* points the jump had passed that ended here */
} rf_jump;

/* policy->check: the walk must be on a fixed grid and ask one question a step, or passing a point would mean something else. */
rf_status rf__jump_check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps);
/* policy->choose, of a state that begins with an rf_jump. */
rf_kind rf__jump_choose(void *state, const rf_step_view *view);
/* policy->observe: true when two network velocities are now known and a decision is due. hold: of the policy. */
bool rf__jump_observe(rf_jump *jump, const rf_step_view *view, rf_kind kind, const float *v, double hold);
/* Decide: pass m points, or fewer where the last answer must be real. */
void rf__jump_take(rf_jump *jump, const rf_step_view *view, int m);
/* No skipping until three more network answers have come: the jump before was bad. */
void rf__jump_pause(rf_jump *jump);
/* Points that may be passed from here. */
int rf__jump_room(const rf_step_view *view);

/* The other way to choose: who answers stands in letters (RF_LETTERS), one a step. */
typedef struct rf_written { const char *kinds; } rf_written; /* of one job; borrowed */
/* policy->choose, of a state that begins with an rf_written. */
rf_kind rf__written_choose(void *state, const rf_step_view *view);

/* |a - b|^2 / max(|b|^2, tiny) of two velocities. */
double rf__relative_error(const float *a, const float *b, int64_t n);

#endif
