/* refit_fuzz.c - the text of a network that a compiled file keeps so that its weights can be replaced: read, its
 * weights set, and built again. With it the text form of graphs, dims and attributes. */
#include "fuzz.h"

#include "driver/compile/refit_source.h"

#include <stdlib.h>

enum { WEIGHTS_MAX = 4 };

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
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
    if (model) status = refit_model(model, WEIGHTS_MAX);
    qn_model_destroy(model);
    free(meta);
    free(graph);
    expect_fair(status);
    return 0;
}
