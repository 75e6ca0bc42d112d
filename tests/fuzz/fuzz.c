#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS_MAX = 4, MESSAGE_MIN = 10 };

static const int64_t port_bytes_max = 1 << 22, macs_max = 20000000, moved_max = 1 << 26;

void expect_fair(qn_status *status) {
    const char *message = status ? qn_status_message(status) : "";
    if (qn_status_code(status) == QN_INTERNAL || (status && strlen(message) < MESSAGE_MIN)) {
        fprintf(stderr, "no answer to any input: '%s'\n", message);
        abort();
    }
    qn_status_free(status);
}

char *as_text(const uint8_t *data, size_t bytes) {
    char *text = malloc(bytes + 1);
    if (!text) abort();
    if (bytes) memcpy(text, data, bytes);
    text[bytes] = 0;
    return text;
}

/* Bytes of a tensor, -1 beyond what a port may have. */
static int64_t bytes_of(const qn_tensor *tensor) {
    int64_t bytes = 8; /* of the widest element */
    for (int d = 0; d < tensor->rank; d++) {
        if (tensor->dims[d] > port_bytes_max / (bytes ? bytes : 1)) return -1;
        bytes *= tensor->dims[d];
    }
    return bytes;
}

static qn_status *make_room(qn_tensor *tensor) {
    int64_t bytes = bytes_of(tensor);
    if (bytes < 0) return qn_status_create(QN_LIMIT, "a port is too large to be run here");
    tensor->data = calloc(1, (size_t)bytes + 1);
    return tensor->data ? NULL : qn_status_create(QN_OUT_OF_MEMORY, "no memory for a port");
}

static qn_status *set_inputs(qn_model *model, qn_engine *engine, qn_context *context, qn_tensor *inputs) {
    size_t count = qn_model_get_info(model)->input_count;
    qn_shape shapes[PORTS_MAX] = {{0}};
    qn_cost cost;
    qn_status *status = NULL;
    for (size_t i = 0; i < count; i++) {
        const qn_value_info *value = qn_model_input(model, i);
        inputs[i].dtype = value->dtype;
        inputs[i].rank = shapes[i].rank = value->rank;
        for (int d = 0; d < value->rank; d++) {
            int is_free = value->min_dims[d] != value->max_dims[d] && value->min_dims[d] < 1;
            inputs[i].dims[d] = shapes[i].dims[d] = is_free ? 1 : value->min_dims[d];
        }
        if ((status = make_room(&inputs[i]))) return status;
    }
    if ((status = qn_engine_measure_cost(engine, shapes, count, &cost))) return status;
    if (cost.macs > macs_max || cost.moved_bytes > moved_max)
        return qn_status_create(QN_LIMIT, "too slow to be run here");
    for (size_t i = 0; !status && i < count; i++)
        status = qn_context_set_input_shape(context, i, inputs[i].rank, inputs[i].dims);
    return status;
}

static qn_status *set_outputs(qn_model *model, qn_context *context, qn_tensor *outputs) {
    for (size_t i = 0; i < qn_model_get_info(model)->output_count; i++) {
        outputs[i].dtype = qn_model_output(model, i)->dtype;
        qn_status *status = qn_context_get_output_shape(context, i, &outputs[i].rank, outputs[i].dims);
        if (qn_status_code(status) == QN_UNAVAILABLE) { /* told by the run */
            qn_status_free(status);
            continue;
        }
        if (!status) status = make_room(&outputs[i]);
        if (status) return status;
    }
    return NULL;
}

qn_status *run_smallest(qn_model *model) {
    const qn_model_info *info = qn_model_get_info(model);
    qn_tensor inputs[PORTS_MAX] = {{0}}, outputs[PORTS_MAX] = {{0}};
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    if (info->input_count > PORTS_MAX || info->output_count > PORTS_MAX)
        return qn_status_create(QN_LIMIT, "too many ports to be run here");
    qn_engine_options_init(&options);
    options.threads = 1;
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = set_inputs(model, engine, context, inputs);
    if (!status) status = set_outputs(model, context, outputs);
    if (!status) status = qn_context_run(context, inputs, info->input_count, outputs, info->output_count);
    for (size_t i = 0; i < PORTS_MAX; i++) {
        free(inputs[i].data);
        free(outputs[i].data);
    }
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return status;
}
