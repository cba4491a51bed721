/* run_report.c - the report of a run as JSON. */
#include <math.h>

#include "run.h"

json_t *rf__run_report_json(const rf_recipe *recipe, const rf_run_report *report, const char *folder) {
    json_t *coupling = json_object();
    for (int i = 0; i < report->couplings; i++) {
        char key[32];
        snprintf(key, sizeof key, "%lld", (long long)recipe->evaluate.coupling_steps.at[i]);
        json_object_set_new(coupling, key, isfinite(report->coupling[i]) ? json_real(report->coupling[i]) : json_null());
    }
    json_t *object = json_pack("{ss ss sI sI sI so sf sf so}", "recipe", recipe->name, "folder", folder, "steps", (json_int_t)report->steps, "images",
                               (json_int_t)report->images, "skipped", (json_int_t)report->skipped, "loss",
                               isfinite(report->loss) ? json_real(report->loss) : json_null(), "seconds", report->seconds,
                               "images_per_second", report->images_per_second, "coupling_mse", coupling);
    const rf_straightness *s = &report->straightness;
    if (object && s->energy_coupling > 0)
        json_object_set_new(object, "straightness", json_pack("{sf sf sf sf}", "S", s->s, "V", s->v, "coupling_cost", s->energy_coupling, "flow_cost", s->energy_flow));
    if (object && report->adversary_pull > 0)
        json_object_set_new(object, "adversary", json_pack("{sf sf}", "loss", report->adversary_loss, "pull", report->adversary_pull));
    return object;
}
