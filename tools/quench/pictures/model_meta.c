#include "pictures/model_meta.h"

#include <stdio.h>

/* Said once for a model, however often its meta is read. */
static void warn(const qn_model *model, const json_error_t *error) {
    static const qn_model *warned;
    if (warned == model) return;
    warned = model;
    cli_warn("what the model says of itself cannot be used: meta: line %d: %s", error->line,
             *error->text ? error->text : "expected a JSON object");
}

/* How deep it is nested was bounded when the model was loaded. */
json_t *cli_load_meta(const qn_model *model) {
    json_error_t error = {.line = 1};
    json_t *meta = json_loads(qn_model_get_info(model)->meta, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(meta)) {
        warn(model, &error);
        json_decref(meta);
        meta = json_object();
    }
    json_object_del(json_object_get(meta, "refit"), "graph"); /* long, and of no use to people */
    return meta;
}

void cli_print_precision(const qn_model *model, char *text, size_t size) {
    const char *mode = NULL;
    json_t *meta = cli_load_meta(model);
    json_unpack(meta, "{s:{s:{s:s}}}", "config", "precision_config", "precision_mode", &mode);
    snprintf(text, size, "%s", mode ? mode : "force_float32");
    json_decref(meta);
}

int64_t cli_declared_size(const json_t *meta, size_t input, int axis) {
    const json_t *dims = json_array_get(json_object_get(meta, "declared"), input);
    const json_t *size = json_array_get(dims, (size_t)axis);
    return json_is_integer(size) ? json_integer_value(size) : -1;
}

int cli_has_free_batch(const qn_model *model, const json_t *meta, size_t input) {
    const qn_value_info *info = qn_model_input(model, input);
    const json_t *others = json_object_get(meta, "unbatched");
    if (!info->rank || info->min_dims[0] == info->max_dims[0]) return 0;
    for (size_t i = 0; i < json_array_size(others); i++)
        if (json_integer_value(json_array_get(others, i)) == (json_int_t)input) return 0;
    return 1;
}
