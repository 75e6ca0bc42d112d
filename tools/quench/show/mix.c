#include "show/mix.h"

#include "quench/engine.h"

#include <stdio.h>

static int is_layer(const qn_step_info *step) { return step->role == QN_ROLE_LAYER; }

int integer_mix_has_step(const qn_model *model, const qn_step_info *step) {
    const qn_value_info *value = is_layer(step) && step->input_count ? qn_model_value(model, step->inputs[0]) : NULL;
    return value && (value->dtype == QN_DTYPE_U8 || value->dtype == QN_DTYPE_S16);
}

static void count_layers(const qn_model *model, integer_mix *mix) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        if (is_layer(step)) mix->layers++, mix->integer_layers += (size_t)integer_mix_has_step(model, step);
}

static void add_up(const qn_model *model, qn_context *context, integer_mix *inout_mix) {
    const qn_step_info *step;
    qn_step_profile profile;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        qn_status *status = is_layer(step) ? qn_context_get_step_profile(context, i, &profile) : NULL;
        if (is_layer(step) && !status) {
            inout_mix->macs += profile.macs;
            inout_mix->integer_macs += integer_mix_has_step(model, step) ? profile.macs : 0;
        }
        qn_status_free(status);
    }
}

static void print_shapes(const qn_shape *shapes, size_t count, char *text) {
    char dims[QN_DIMS_TEXT];
    size_t length = 0;
    for (size_t i = 0; i < count && length < QN_DIMS_TEXT; i++)
        length += (size_t)snprintf(text + length, QN_DIMS_TEXT - length, "%s%s", i ? ", " : "",
                                   qn_dims_print(shapes[i].rank, shapes[i].dims, dims));
}

static qn_status *add_up_at(qn_model *model, const qn_shape *shapes, integer_mix *mix) {
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_engine_options_init(&options);
    options.threads = 1;
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = qn_context_set_input_shapes(context, shapes, qn_model_get_info(model)->input_count);
    if (!status) add_up(model, context, mix);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return status;
}

void integer_mix_find(qn_model *model, const cost_table *costs, integer_mix *out_mix) {
    const qn_shape *shapes = NULL;
    *out_mix = (integer_mix){0};
    count_layers(model, out_mix);
    for (int row = 0; row < COST_ROWS; row++) /* from the smallest on */
        if (costs->rows[row].shapes) shapes = costs->rows[row].shapes;
    if (!shapes) return;
    print_shapes(shapes, costs->input_count, out_mix->shapes);
    qn_status_free(add_up_at(model, shapes, out_mix)); /* what cannot run here can still be looked at */
}

void integer_mix_print(const integer_mix *mix) {
    cli_print("%-10s %zu of %zu layers", "integer", mix->integer_layers, mix->layers);
    if (mix->macs)
        cli_print(", %.1f %% of %.4g million multiply-adds at %s", 100 * (double)mix->integer_macs / (double)mix->macs,
                  1e-6 * (double)mix->macs, mix->shapes);
    cli_print("\n");
}

json_t *integer_mix_to_json(const integer_mix *mix) {
    return json_pack("{s:I,s:I,s:o}", "layers", (json_int_t)mix->layers, "integer_layers",
                     (json_int_t)mix->integer_layers, "mac_share",
                     mix->macs ? json_real((double)mix->integer_macs / (double)mix->macs) : json_null());
}
