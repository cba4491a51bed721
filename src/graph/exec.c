/* exec.c - running a plan: one arena, the steps with their pointers filled in, nothing allocated on the way. */
#include "plan_inside.h"

#include <stdlib.h>
#include <string.h>

#include "../base/progress.h"

struct rf_exec {
    const rf_plan *plan;
    rf_any_args *args;  /* of each step, pointers resolved */
    char *arena, *scratch;
    size_t scratch_stride;
    int threads;
    float *grads;
    double *seconds;    /* per step, when profiling */
    int64_t runs;
};

static void resolve(rf_exec *exec, rf_where where, char *base) {
    for (int i = 0; i < exec->plan->fixup_count; i++) {
        const rf_fixup *fixup = &exec->plan->fixups[i];
        if (fixup->where != where) continue;
        char *address = base ? base + fixup->offset : NULL;
        memcpy((char *)&exec->args[fixup->step] + fixup->member, &address, sizeof address);
    }
}

static void write_constants(rf_exec *exec) {
    for (int i = 0; i < exec->plan->constant_count; i++) {
        const rf_constant *constant = &exec->plan->constants[i];
        void *at = exec->arena + constant->offset;
        for (int64_t k = 0; k < constant->count; k++) {
            if (constant->dtype == RF_BF16) ((uint16_t *)at)[k] = rf__f32_to_bf16(constant->value);
            else ((float *)at)[k] = constant->value;
        }
    }
}

rf_status rf__exec_create(rf_exec **out, const rf_plan *plan, int threads) {
    rf_exec *exec = calloc(1, sizeof *exec);
    *out = NULL;
    if (!exec) return rf__fail(RF_ENOMEM, "no memory for an exec");
    exec->plan = plan;
    exec->threads = threads < 1 ? 1 : threads;
    exec->scratch_stride = (plan->scratch_bytes + 4095) / 4096 * 4096;
    exec->args = malloc(((size_t)plan->step_count + 1) * sizeof *exec->args);
    exec->arena = rf__alloc(plan->arena_bytes + 64);
    exec->scratch = rf__alloc(exec->scratch_stride * (size_t)exec->threads + 64);
    if (!exec->args || !exec->arena || !exec->scratch) {
        rf__exec_free(&exec);
        return rf__fail(RF_ENOMEM, "no memory for %.1f MiB of activations", (double)plan->arena_bytes / 1048576);
    }
    for (int i = 0; i < plan->step_count; i++) exec->args[i] = plan->steps[i].args;
    resolve(exec, RF_IN_ARENA, exec->arena);
    write_constants(exec);
    *out = exec;
    return RF_OK;
}

void rf__exec_free(rf_exec **exec_pointer) {
    rf_exec *exec = exec_pointer ? *exec_pointer : NULL;
    if (!exec) return;
    free(exec->args);
    free(exec->seconds);
    rf__free(exec->arena);
    rf__free(exec->scratch);
    free(exec);
    *exec_pointer = NULL;
}

void *rf__exec_buffer(rf_exec *exec, const char *name) {
    for (int i = 0; i < exec->plan->binding_count; i++)
        if (!strcmp(exec->plan->bindings[i].name, name)) return exec->arena + exec->plan->bindings[i].offset;
    return NULL;
}

float *rf__exec_cut(rf_exec *exec, int k, int64_t *width) {
    if (k >= exec->plan->cut_count) return NULL;
    *width = exec->plan->cuts[k].width;
    return (float *)(exec->arena + exec->plan->cuts[k].offset);
}

void rf__exec_bind_grads(rf_exec *exec, float *grads) {
    if (grads == exec->grads) return;
    exec->grads = grads;
    resolve(exec, RF_IN_GRADS, (char *)grads);
}

typedef struct step_task {
    rf_exec *exec;
    int step;
} step_task;

static void run_part(void *arg, int64_t begin, int64_t end, int worker) {
    step_task *task = arg;
    rf_exec *exec = task->exec;
    exec->plan->steps[task->step].fn(&exec->args[task->step], begin, end, exec->scratch + (size_t)worker * exec->scratch_stride);
}

rf_status rf__exec_run(rf_exec *exec, rf_pool *pool) {
    const rf_plan *plan = exec->plan;
    bool needs_grads = false;
    for (int i = 0; i < plan->fixup_count && !exec->grads && !needs_grads; i++) needs_grads = plan->fixups[i].where == RF_IN_GRADS;
    if (needs_grads) return rf__fail(RF_EINVAL, "this plan adds gradients, but none are bound (rf__exec_bind_grads)");
    if (pool && rf__pool_size(pool) > exec->threads)
        return rf__fail(RF_EINVAL, "exec made for %d threads, pool has %d", exec->threads, rf__pool_size(pool));
    uint32_t denormals = rf__denormals_flush();
    for (int i = 0; i < plan->step_count; i++) {
        const rf_step *step = &plan->steps[i];
        double start = exec->seconds ? rf__now() : 0;
        if (!pool || step->units <= step->grain) {
            step->fn(&exec->args[i], 0, step->units, exec->scratch);
        } else {
            step_task task = {exec, i};
            rf__pool_run(pool, step->units, step->grain, run_part, &task);
        }
        if (exec->seconds) exec->seconds[i] += rf__now() - start;
    }
    rf__denormals_restore(denormals);
    exec->runs++;
    return RF_OK;
}

void rf__exec_profile(rf_exec *exec, bool enabled) {
    free(exec->seconds);
    exec->seconds = enabled ? calloc((size_t)exec->plan->step_count + 1, sizeof *exec->seconds) : NULL;
    exec->runs = 0;
}

void rf__exec_profile_print(const rf_exec *exec, FILE *stream) {
    if (!exec->seconds || !exec->runs) return;
    double total = 0;
    for (int i = 0; i < exec->plan->step_count; i++) total += exec->seconds[i];
    for (int i = 0; i < exec->plan->step_count; i++) {
        const rf_step *step = &exec->plan->steps[i];
        double ms = 1e3 * exec->seconds[i] / (double)exec->runs;
        fprintf(stream, "%4d %-16s %9.4f ms %5.1f %%  %7.1f GFLOP/s  %s\n", i, step->kernel, ms, 100 * exec->seconds[i] / total,
                ms > 0 ? 1e3 * step->gflop / ms : 0, step->what);
    }
    fprintf(stream, "     %-16s %9.4f ms\n", "total", 1e3 * total / (double)exec->runs);
}
