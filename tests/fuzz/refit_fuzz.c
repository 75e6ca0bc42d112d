/* refit_fuzz.c - the text of a network that a compiled file keeps so that its weights can be replaced: read, its
 * weights set, and built again. With it the text form of graphs, dims and attributes. */
#include "fuzz.h"

#include "base/dtype.h"
#include "driver/refit_source.h"
#include "quench/refit.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHTS_MAX = 4, WEIGHT_BYTES_MAX = 1 << 16 };

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

/* Gives new numbers to the first weights. */
static qn_status *set_weights(qn_refitter *refitter) {
    qn_weights_info info;
    qn_status *status = NULL;
    for (size_t i = 0; i < WEIGHTS_MAX && !status && qn_refitter_get_weights(refitter, i, &info); i++) {
        qn_tensor tensor = {.dtype = info.dtype, .rank = info.rank};
        memcpy(tensor.dims, info.dims, sizeof tensor.dims);
        const qn_view view = {.dtype = info.dtype, .rank = info.rank};
        qn_view sized = view;
        memcpy(sized.dims, info.dims, sizeof sized.dims);
        const size_t bytes = qn_view_bytes(&sized);
        if (bytes > WEIGHT_BYTES_MAX || info.reason) continue;
        tensor.data = calloc(1, bytes ? bytes : 1);
        if (!tensor.data) abort();
        status = qn_refitter_set_named_weights(refitter, info.name, &tensor);
        free(tensor.data);
    }
    return status;
}

static qn_status *refit(qn_model *model) {
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_refitter *refitter = NULL;
    qn_engine_options_init(&options);
    options.threads = 1;
    options.allocator = fuzz_allocator();
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_refitter_create(engine, &refitter);
    if (!status) status = set_weights(refitter);
    if (!status) status = qn_refitter_refit_engine(refitter);
    qn_refitter_destroy(refitter);
    qn_engine_destroy(engine);
    return status;
}

/* The meta of `model` with another graph in it. NULL: the text is no UTF-8. Freed by the caller. */
static char *meta_with(const qn_model *model, const char *graph) {
    json_t *meta = json_loads(qn_model_get_info(model)->meta, 0, NULL);
    json_t *text = json_string(graph);
    int failed = !text || json_object_set_new(json_object_get(meta, "refit"), "graph", text);
    char *out = failed ? NULL : json_dumps(meta, JSON_COMPACT);
    json_decref(meta);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static qn_model *made; /* once for all inputs */
    qn_model *model = NULL;
    if (!made) made = make_model(fuzz_picture_network, "{\"enable_refit\": true}");
    char *graph = as_text(data, bytes), *meta = meta_with(made, graph);
    qn_status *status = meta ? make_model_with_meta(made, meta, &model) : NULL;
    if (model) status = refit(model);
    qn_model_destroy(model);
    free(meta);
    free(graph);
    expect_fair(status);
    return 0;
}
