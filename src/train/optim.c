/* optim.c - see optim.h. Two passes over memory a step: reduce (with the norm), then Adam with the EMA. */
#include "optim.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"

static double constant_factor(double progress) {
    (void)progress;
    return 1;
}

static double cosine_factor(double progress) { return 0.5 * (1 + cos(M_PI * progress)); }

static const rf_lr_schedule constant = {{"constant", "-", "lr after the warm-up"}, constant_factor, .endless = true};
static const rf_lr_schedule cosine = {{"cosine", "Loshchilov & Hutter 2016, arXiv 1608.03983", "half a cosine from lr to 0"}, cosine_factor};

const rf_plugin *const *rf__lr_schedules(void) {
    static const rf_plugin *const table[] = {&constant.is, &cosine.is, NULL};
    return table;
}

double rf__optim_lr(const rf_optim_config *config, int64_t step) {
    if (step < config->warmup) return config->lr * (double)(step + 1) / (double)config->warmup;
    int64_t rest = config->steps - config->warmup;
    double progress = rest > 0 ? (double)(step - config->warmup) / (double)rest : 0;
    return config->lr * config->schedule->factor(progress > 1 ? 1 : progress);
}

double rf__ema_decay(double cap, int64_t n) {
    double ramp = (1 + (double)n) / (10 + (double)n);
    return ramp < cap ? ramp : cap;
}

static int64_t blocks_of(int64_t count) { return (count + RF_OPTIM_BLOCK - 1) / RF_OPTIM_BLOCK; }

rf_status rf__optim_init(rf_optim *optim, const rf_optim_config *config, int64_t count) {
    *optim = (rf_optim){.config = *config, .count = count};
    optim->m = rf__alloc_array((size_t)count, sizeof(float));
    optim->v = rf__alloc_array((size_t)count, sizeof(float));
    optim->partial = rf__alloc_array((size_t)blocks_of(count), sizeof(double));
    if (optim->m && optim->v && optim->partial) return RF_OK;
    rf__optim_fini(optim);
    return rf__fail(RF_ENOMEM, "optimiser: no memory for the moments of %lld weights", (long long)count);
}

void rf__optim_fini(rf_optim *optim) {
    rf__free(optim->m);
    rf__free(optim->v);
    rf__free(optim->partial);
    optim->m = optim->v = NULL;
    optim->partial = NULL;
}

static int64_t block_end(const rf_optim *optim, int64_t begin) {
    return begin + RF_OPTIM_BLOCK < optim->count ? begin + RF_OPTIM_BLOCK : optim->count;
}

typedef struct reduce_job {
    rf_optim *optim;
    float *const *grads;
    int lanes;
} reduce_job;

static void reduce_blocks(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const reduce_job *job = arg;
    const rf_kernels *kernels = rf__kernels();
    for (int64_t block = begin; block < end; block++) {
        int64_t at = block * RF_OPTIM_BLOCK, n = block_end(job->optim, at) - at;
        float *sum = job->grads[0] + at, squares = 0;
        for (int lane = 1; lane < job->lanes; lane++) {
            float *part = job->grads[lane] + at;
            rf_map_args add = {.dtype = RF_F32, .y_dtype = RF_F32, .a = 1, .b = 1, .x = sum, .z = part, .y = sum};
            kernels->fn[RF_K_axpby](&add, 0, n, NULL);
            memset(part, 0, (size_t)n * sizeof(float));
        }
        rf_rows_args dot = {.dtype = RF_F32, .batch = 1, .n = n, .a = 1, .x = sum, .z = sum, .out = &squares};
        kernels->fn[RF_K_sum](&dot, 0, 1, NULL);
        job->optim->partial[block] = (double)squares;
    }
}

double rf__optim_reduce(rf_optim *optim, rf_pool *pool, float *const *grads, int lanes) {
    int64_t blocks = blocks_of(optim->count);
    rf__pool_run(pool, blocks, 1, reduce_blocks, &(reduce_job){optim, grads, lanes});
    double norm2 = 0;
    for (int64_t i = 0; i < blocks; i++) norm2 += optim->partial[i];
    return norm2;
}

typedef struct adam_job {
    const rf_optim *optim;
    rf_adam_args args;
    float *grad;
    bool apply;
} adam_job;

static void adam_blocks(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const adam_job *job = arg;
    for (int64_t block = begin; block < end; block++) {
        int64_t at = block * RF_OPTIM_BLOCK, stop = block_end(job->optim, at);
        if (job->apply) rf__kernels()->fn[RF_K_adam](&job->args, at, stop, NULL);
        memset(job->grad + at, 0, (size_t)(stop - at) * sizeof(float));
    }
}

bool rf__optim_step(rf_optim *optim, rf_pool *pool, float *w, float *ema, float *grad, double norm2, int64_t step) {
    const rf_optim_config *c = &optim->config;
    bool apply = isfinite(norm2);
    optim->grad_norm = sqrt(norm2);
    double scale = c->clip > 0 && optim->grad_norm > c->clip ? c->clip / optim->grad_norm : 1;
    double k = (double)(optim->updates + 1);
    adam_job job = {.optim = optim, .grad = grad, .apply = apply};
    job.args = (rf_adam_args){
        .w = w, .m = optim->m, .v = optim->v, .ema = ema, .g = grad, .lr = (float)rf__optim_lr(c, step),
        .beta1 = (float)c->beta1, .beta2 = (float)c->beta2, .eps = (float)c->eps, .decay = (float)c->weight_decay,
        .c1 = (float)(1 / (1 - pow(c->beta1, k))), .c2 = (float)(1 / (1 - pow(c->beta2, k))), .grad_scale = (float)scale,
        .ema_beta = (float)rf__ema_decay(c->ema, optim->updates)};
    rf__pool_run(pool, blocks_of(optim->count), 1, adam_blocks, &job);
    if (apply) optim->updates++;
    else optim->skipped++;
    return apply;
}
