/* plan.c - compile a graph: fuse, find what is live, lay out memory, lower node by node. */
#include "plan_inside.h"

#include <stdlib.h>
#include <string.h>

#include "../base/progress.h"

/* Every parameter the graph uses must be in the weights, with its shape. */
static rf_status check_weights(const rf_graph *graph, rf_weights *weights, const bool *live) {
    char a[64], b[64];
    for (int i = 0; i < graph->param_count; i++) {
        if (!live[graph->param_nodes[i]->id]) continue;
        const rf_param *param = &graph->params[i];
        int index = -1;
        rf_weights *owner = rf__weights_owner(weights, param->name, &index);
        if (!owner) return rf__fail(RF_EMISMATCH, "%s: the weights have no such parameter", param->name);
        if (owner != weights && param->trained)
            return rf__fail(RF_EMISMATCH, "%s: is in the attached weights, which are not trained", param->name);
        const rf_shape *have = &rf__weights_param(owner, index)->shape;
        if (!rf__shape_equal(have, &param->shape))
            return rf__fail(RF_EMISMATCH, "%s: the weights have %s, the graph wants %s", param->name, rf__shape_text(have, a),
                            rf__shape_text(&param->shape, b));
    }
    return RF_OK;
}

static bool bind_name(rf_plan *plan, const char *name, size_t offset) {
    rf_binding *bigger = realloc(plan->bindings, (size_t)(plan->binding_count + 1) * sizeof *bigger);
    if (!bigger) return false;
    plan->bindings = bigger;
    rf_binding *binding = &bigger[plan->binding_count++];
    snprintf(binding->name, sizeof binding->name, "%s", name);
    binding->offset = offset;
    return true;
}

static size_t offset_of(const rf_layout *layout, rf_node *node) {
    return layout->blocks[layout->block_of[rf__node_storage(node)->id]].offset;
}

/* Names of inputs and outputs, and the constants to write once. */
static rf_status record_ends(rf_plan *plan, const rf_graph *graph, const rf_layout *layout, const bool *live) {
    plan->cuts = calloc((size_t)graph->cut_count + 1, sizeof *plan->cuts);
    if (!plan->cuts) goto memory;
    plan->cut_count = graph->cut_count;
    for (int i = 0; i < graph->node_count; i++) {
        rf_node *node = graph->nodes[i];
        if (!live[i]) continue;
        if (node->cut) plan->cuts[node->cut - 1] = (rf_crossing){offset_of(layout, node), rf__shape_count(&node->shape) / node->shape.dim[0]};
        else if (node->op == RF_OP_INPUT && !bind_name(plan, node->name, offset_of(layout, node))) goto memory;
        if (node->op != RF_OP_FILL) continue;
        rf_constant *bigger = realloc(plan->constants, (size_t)(plan->constant_count + 1) * sizeof *bigger);
        if (!bigger) goto memory;
        plan->constants = bigger;
        bigger[plan->constant_count++] =
            (rf_constant){offset_of(layout, node), rf__shape_count(&node->shape), node->dtype, node->attr.a};
    }
    for (int i = 0; i < graph->output_count; i++)
        if (!bind_name(plan, graph->outputs[i].name, offset_of(layout, graph->outputs[i].node))) goto memory;
    return RF_OK;
memory:
    return rf__fail(RF_ENOMEM, "no memory for the plan's names");
}

static rf_status lower_all(rf_plan *plan, const rf_graph *graph, const bool *live, rf_layout *layout) {
    size_t *work = calloc((size_t)graph->node_count + 1, sizeof *work);
    if (!work) return rf__fail(RF_ENOMEM, "no memory for the plan");
    for (int i = 0; i < graph->node_count; i++)
        if (live[i]) work[i] = rf__lower_work(plan, graph->nodes[i]);
    rf_status status = rf__layout_build(layout, graph, live, work);
    free(work);
    RF_TRY(status);
    for (int i = 0; i < graph->node_count; i++)
        if (live[i]) RF_TRY(rf__lower_node(plan, graph, layout, graph->nodes[i]));
    return record_ends(plan, graph, layout, live);
}

static rf_status sum_up(rf_plan *plan, const rf_layout *layout) {
    plan->arena_bytes = layout->arena_bytes;
    plan->stats.arena_bytes = layout->arena_bytes;
    plan->stats.activation_bytes = layout->activation_bytes;
    plan->stats.steps = plan->step_count;
    for (int i = 0; i < plan->step_count; i++) {
        plan->stats.gflop += plan->steps[i].gflop;
        if (plan->steps[i].scratch > plan->scratch_bytes) plan->scratch_bytes = plan->steps[i].scratch;
        if (!plan->steps[i].fn)
            return rf__fail(RF_EUNSUPPORTED, "%s: no kernel for it in the %s table", plan->steps[i].kernel, plan->kernels.isa);
    }
    return RF_OK;
}

static rf_status build(rf_plan **out, rf_graph *graph, rf_weights *weights, const rf_kernels *kernels, bool fuse) {
    *out = NULL;
    double start = rf__now();
    RF_TRY(rf__graph_status(graph));
    if (!kernels && !(kernels = rf__kernels())) return RF_ENOTFOUND; /* the sentence names the provider */
    rf_plan *plan = calloc(1, sizeof *plan);
    int fused = fuse ? rf__graph_fuse(graph, false) + rf__graph_fuse(graph, true) : 0;
    bool *live = calloc((size_t)graph->node_count + 1, sizeof *live);
    rf_layout layout = {0};
    if (!plan || !live) {
        free(plan);
        free(live);
        return rf__fail(RF_ENOMEM, "no memory for the plan");
    }
    plan->kernels = *kernels;
    plan->int8 = graph->int8;
    plan->weights = weights;
    plan->stats.fused = fused;
    rf__graph_live(graph, live);
    rf_status status = check_weights(graph, weights, live);
    if (status == RF_OK) status = lower_all(plan, graph, live, &layout);
    if (status == RF_OK) status = sum_up(plan, &layout);
    plan->stats.build_seconds = rf__now() - start;
    rf__layout_free(&layout);
    free(live);
    if (status != RF_OK) {
        rf__plan_free(&plan);
        return status;
    }
    *out = plan;
    return RF_OK;
}

rf_status rf__plan_build(rf_plan **out, rf_graph *graph, rf_weights *weights, const rf_kernels *kernels) {
    return build(out, graph, weights, kernels, true);
}

rf_status rf__plan_build_apart(rf_plan **out, rf_graph *graph, rf_weights *weights, const rf_kernels *kernels) {
    return build(out, graph, weights, kernels, false);
}

void rf__plan_free(rf_plan **plan_pointer) {
    rf_plan *plan = plan_pointer ? *plan_pointer : NULL;
    if (!plan) return;
    for (int i = 0; i < plan->step_count && plan->kernels.conv.state_free; i++) {
        rf_step *step = &plan->steps[i];
        if (step->dense == 1 || step->dense == 2) plan->kernels.conv.state_free(step->args.conv.provider_state);
        if (step->dense == 3) plan->kernels.conv.state_free(step->args.conv_dw.provider_state);
    }
    free(plan->steps);
    free(plan->fixups);
    free(plan->bindings);
    free(plan->constants);
    free(plan->cuts);
    free(plan);
    *plan_pointer = NULL;
}

rf_plan_stats rf__plan_stats(const rf_plan *plan) { return plan->stats; }

bool rf__plan_dense(const rf_plan *plan, int *cursor, rf_dense_step *out) {
    for (; *cursor < plan->step_count; (*cursor)++) {
        const rf_step *step = &plan->steps[*cursor];
        if (!step->dense) continue;
        *out = (rf_dense_step){.direction = step->dense, .what = step->what, .gflop = step->gflop};
        if (step->dense == 3) {
            const rf_conv_dw_args *a = &step->args.conv_dw;
            out->args = (rf_conv_args){.dtype = a->dtype, .y_dtype = a->dtype, .batch = a->batch, .h = a->h, .w = a->w,
                                       .cin = a->cin, .oh = a->oh, .ow = a->ow, .cout = a->cout, .kh = a->kh, .kw = a->kw,
                                       .stride = a->stride, .pad_h = a->pad_h, .pad_w = a->pad_w, .dilate = 1, .scale = 1};
        } else {
            out->args = step->args.conv;
            if (out->args.dtype == RF_INT8) out->args.dtype = RF_BF16; /* the layer as a library would compute it */
        }
        (*cursor)++;
        return true;
    }
    return false;
}
