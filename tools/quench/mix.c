#include "mix.h"

#include "quench/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPICAL_SIZE = 224 };

/* Convolutions and matrix products, however they are called. */
static int is_layer(const qn_step_info *step) { return strstr(step->op, "conv") || strstr(step->op, "matmul"); }

/* Its precision is told as "u8: ...", "s16: ...", "f32: ...". */
static int is_integer(const qn_step_info *step) { return step->precision[0] == 'u' || step->precision[0] == 's'; }

static void count_layers(const qn_model *model, integer_mix *mix) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        if (is_layer(step)) mix->layers++, mix->integer_layers += (size_t)is_integer(step);
}

static void add_up(const qn_model *model, qn_context *context, integer_mix *inout_mix) {
    const qn_step_info *step;
    qn_step_profile profile;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        qn_status *status = is_layer(step) ? qn_context_get_step_profile(context, i, &profile) : NULL;
        if (is_layer(step) && !status) {
            inout_mix->macs += profile.macs;
            inout_mix->integer_macs += is_integer(step) ? profile.macs : 0;
        }
        qn_status_free(status);
    }
}

static void choose_shapes(const qn_model *model, qn_shape *shapes, char *text) {
    char dims[CLI_DIMS_TEXT];
    const qn_value_info *input;
    size_t length = 0;
    for (size_t i = 0; (input = qn_model_input(model, i)); i++) {
        shapes[i].rank = input->rank;
        for (int k = 0; k < input->rank; k++) {
            const int64_t low = input->min_dims[k], high = input->max_dims[k];
            shapes[i].dims[k] = high != QN_NO_LIMIT ? high : low > TYPICAL_SIZE ? low : k ? TYPICAL_SIZE : low;
        }
        if (length < CLI_DIMS_TEXT)
            length += (size_t)snprintf(text + length, CLI_DIMS_TEXT - length, "%s%s", i ? ", " : "",
                                       cli_print_dims(shapes[i].rank, shapes[i].dims, dims));
    }
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

void integer_mix_find(qn_model *model, integer_mix *out_mix) {
    *out_mix = (integer_mix){0};
    count_layers(model, out_mix);
    qn_shape *shapes = calloc(qn_model_get_info(model)->input_count + 1, sizeof *shapes);
    if (!shapes) return;
    choose_shapes(model, shapes, out_mix->shapes);
    qn_status_free(add_up_at(model, shapes, out_mix)); /* what cannot run here can still be looked at */
    free(shapes);
}

void integer_mix_print(const integer_mix *mix) {
    printf("%-10s %zu of %zu layers", "integer", mix->integer_layers, mix->layers);
    if (mix->macs)
        printf(", %.1f %% of %.4g million multiply-adds at %s", 100 * (double)mix->integer_macs / (double)mix->macs,
               1e-6 * (double)mix->macs, mix->shapes);
    printf("\n");
}

json_t *integer_mix_to_json(const integer_mix *mix) {
    return json_pack("{s:I,s:I,s:o}", "layers", (json_int_t)mix->layers, "integer_layers",
                     (json_int_t)mix->integer_layers, "mac_share",
                     mix->macs ? json_real((double)mix->integer_macs / (double)mix->macs) : json_null());
}
