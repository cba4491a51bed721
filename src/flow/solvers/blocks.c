/* blocks.c - a walk whose steps are FlowTurbo's blocks (blocks.h). Without a list every step is Heun. */
#include "../blocks.h"
#include "../solver.h"

static const rf_block *block_of(const rf_job *job) {
    return job->blocks ? rf__blocks_at(job->blocks, job->position) : rf__block_table()[0];
}

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    const rf_block *block = block_of(job);
    bool first = rf__job_ask_first(job, block->reuse, out);
    if (!first) rf__job_ask_ahead(job, 1, out);
    out->refine = (first ? block->first : block->second) == RF_ASKED_REFINER;
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *d = job->buffer[RF_BUFFER_FIRST];
    bool two = block_of(job)->second != RF_ASKED_NOBODY;
    job->calls++;
    if (two && rf__job_keep_first(job, v)) return;
    if (two)
        for (int64_t i = 0; i < job->scalars; i++) {
            x[i] += 0.5f * h * (d[i] + v[i]);
            d[i] = v[i];
        }
    else
        for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i];
    job->carried = two; /* a step of one question knows the velocity of its left end only */
    rf__job_advance(job);
}

static int64_t left(const rf_job *job) {
    if (!job->blocks) return (int64_t)(job->steps - job->position) * 2 - job->stage;
    rf_block_calls calls = rf__blocks_calls(job->blocks, job->position, job->steps, job->carried);
    bool answered = job->stage == 1 && !(block_of(job)->reuse && job->carried); /* the first question of the step at hand */
    return calls.network + calls.refiner - answered;
}

const rf_solver rf__solver_blocks = {
    .name = "blocks",
    .source = "Zhao et al. 2024 (FlowTurbo), arXiv 2409.18128",
    .help = "steps by a list of blocks (--blocks)",
    .order = 2,
    .calls_per_step = 2,
    .buffers = RF_BUFFERS_AHEAD,
    .history = true, /* the refiner is told the newest velocity and its time */
    .carries = true,
    .blocks = true,
    .left = left,
    .next = next,
    .accept = accept,
};
