/* eval_report.c - numbers with the protocol they were measured under. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/npz.h"
#include "eval.h"
#include "report.h"

/* Inception's features entitle a number to its usual name. */
static bool is_inception(const rf_eval *eval) {
    return eval->features && strncmp(rf__features_describe(eval->features).name, "inception", 9) == 0;
}

static const char *key_of(const rf_eval *eval, const rf_measure_value *value) { return is_inception(eval) ? value->inception : value->key; }

/* ---- the protocol ---- */

static json_t *side_json(const rf_eval *eval, int side) {
    const rf_eval_source *s = &eval->source[side];
    if (!s->kind) return json_null();
    json_t *json = json_deep_copy(s->protocol);
    if (s->mean) return json;
    json_object_set_new(json, "count", json_integer((json_int_t)eval->count[side]));
    json_object_set_new(json, "size", json_pack("[i, i, i]", s->shape.height, s->shape.width, s->shape.channels));
    if (eval->digest[side][0]) json_object_set_new(json, "rows_sha256", json_string(eval->digest[side]));
    return json;
}

static json_t *extractor_json(const rf_eval *eval) {
    if (!eval->features) return json_null();
    rf_features_info info = rf__features_describe(eval->features);
    return json_pack("{s:s, s:s, s:[i,i,i], s:s, s:i, s:s}", "name", info.name, "sha256", info.sha256, "size", info.height, info.width, info.channels,
                     "resize", info.resize, "features", info.feature_width, "dtype", "f32");
}

static json_t *perceptual_json(const rf_eval *eval) {
    if (!(eval->needs & RF_NEED_LPIPS)) return json_null();
    return json_pack("{s:s, s:s, s:s}", "name", rf__perceptual_entry(eval->perceptual)->name, "backbone_sha256",
                     rf__perceptual_sha256(eval->perceptual, false), "heads_sha256", rf__perceptual_sha256(eval->perceptual, true));
}

/* A subset has no more rows than there are. */
static int64_t kid_subset(const rf_eval *eval) {
    int64_t size = eval->opts.kid_subset_size;
    for (int side = 0; side < 2; side++)
        if (eval->set[side].kept.count && eval->set[side].kept.count < size) size = eval->set[side].kept.count;
    return size;
}

/* Only what some measure of this report depends on. */
static json_t *settings_json(const rf_eval *eval) {
    json_t *json = json_pack("{s:I}", "seed", (json_int_t)eval->opts.seed);
    if (eval->needs & (RF_NEED_KEPT | RF_NEED_POINTS)) json_object_set_new(json, "keep", json_integer((json_int_t)eval->keep));
    if (eval->needs & RF_NEED_KEPT) {
        json_object_set_new(json, "kid_subsets", json_integer(eval->opts.kid_subsets));
        json_object_set_new(json, "kid_subset_size", json_integer((json_int_t)kid_subset(eval)));
        json_object_set_new(json, "neighbours", json_integer(eval->opts.neighbours));
    }
    if (eval->needs & RF_NEED_LOGITS) json_object_set_new(json, "splits", json_integer(RF_SPLITS));
    if (eval->needs & RF_NEED_PAIRS) json_object_set_new(json, "range", json_real(RF_PAIRED_RANGE));
    if (eval->needs & RF_NEED_POINTS) json_object_set_new(json, "directions", json_integer(eval->opts.directions));
    if (eval->needs & RF_NEED_FLOW) {
        json_object_set_new(json, "flow_samples", json_integer((json_int_t)eval->flow_samples));
        json_object_set_new(json, "flow_steps", json_integer(eval->opts.flow_steps));
    }
    return json;
}

static json_t *protocol_json(const rf_eval *eval) {
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "version", RF_VERSION, "made", side_json(eval, 0), "reference", side_json(eval, 1), "extractor",
                     extractor_json(eval), "perceptual", perceptual_json(eval), "settings", settings_json(eval));
}

/* ---- the report ---- */

static double per_10000(const rf_eval *eval) {
    return eval->feature_rows ? 10000 * eval->feature_seconds / (double)eval->feature_rows : (double)NAN;
}

json_t *rf__eval_json(const rf_eval *eval) {
    json_t *json = json_object();
    for (int i = 0; i < eval->values; i++) json_object_set_new(json, key_of(eval, &eval->value[i]), rf__report_number(eval->value[i].value));
    if (eval->features) json_object_set_new(json, "extractor", json_string(rf__features_describe(eval->features).name));
    json_object_set_new(json, "protocol", protocol_json(eval));
    json_object_set_new(json, "timing", json_pack("{s:f, s:I, s:o}", "seconds", eval->seconds, "pictures_looked_at", (json_int_t)eval->feature_rows,
                                                  "seconds_per_10000", rf__report_number(per_10000(eval))));
    return json;
}

static void print_side(const char *what, const rf_eval *eval, int side, FILE *stream) {
    const rf_eval_source *s = &eval->source[side];
    if (!s->kind) return;
    const char *name = json_string_value(json_object_get(s->protocol, json_object_get(s->protocol, "file") ? "file" : "name")), *split = json_string_value(json_object_get(s->protocol, "split"));
    fprintf(stream, "%-28s %s%s%s%s%s", what, s->kind->name, name ? " " : "", name ? name : "", split ? ":" : "", split ? split : "");
    if (eval->count[side]) fprintf(stream, ", %lld of %dx%dx%d", (long long)eval->count[side], s->shape.height, s->shape.width, s->shape.channels);
    fputc('\n', stream);
}

void rf__eval_print(const rf_eval *eval, FILE *stream) {
    for (int i = 0; i < eval->values; i++) {
        const rf_measure_value *value = &eval->value[i];
        if (isfinite(value->value)) fprintf(stream, "%-28s %.7g\n", key_of(eval, value), value->value);
        else fprintf(stream, "%-28s not defined here\n", key_of(eval, value));
    }
    print_side("judged", eval, RF_EVAL_MADE, stream);
    print_side("reference", eval, RF_EVAL_REFERENCE, stream);
    if (eval->needs & RF_NEED_LPIPS) fprintf(stream, "%-28s %s\n", "distance of pairs by", rf__perceptual_entry(eval->perceptual)->name);
    if (eval->features) {
        rf_features_info info = rf__features_describe(eval->features);
        fprintf(stream, "%-28s %s, weights %.10s, resize %s\n", "extractor", info.name, info.sha256, info.resize);
        if (eval->feature_rows) fprintf(stream, "%-28s %.1f s for 10000 pictures\n", "features", per_10000(eval));
    }
}

/* ---- statistics ---- */

rf_status rf__eval_save_statistics(const rf_eval *eval, const char *path) {
    const rf_moments *m = &eval->set[RF_EVAL_MADE].moments;
    int64_t n = m->width;
    double *sigma = malloc((size_t)(n * n) * sizeof *sigma);
    json_t *protocol = json_pack("{s:o, s:o}", "made", side_json(eval, RF_EVAL_MADE), "extractor", extractor_json(eval));
    char *text = protocol ? json_dumps(protocol, JSON_COMPACT) : NULL;
    rf_status status = sigma && text ? rf__moments_covariance(m, sigma) : rf__fail(RF_ENOMEM, "--save-stats: no memory for %lld features", (long long)n);
    if (status == RF_OK) {
        const rf_tensor_entry entries[] = {
            {.name = "mu", .type = RF_TENSOR_F64, .rank = 1, .dim = {n}, .count = n, .data = m->mean},
            {.name = "sigma", .type = RF_TENSOR_F64, .rank = 2, .dim = {n, n}, .count = n * n, .data = sigma},
            {.name = "protocol", .type = RF_TENSOR_U8, .rank = 1, .dim = {(int64_t)strlen(text)}, .count = (int64_t)strlen(text), .data = text},
        };
        status = rf__npz_save(path, entries, 3);
    }
    free(sigma);
    free(text);
    json_decref(protocol);
    return status;
}
