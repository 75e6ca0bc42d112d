#include "model_meta.h"

#include <stdio.h>

json_t *cli_load_meta(const qn_model *model) {
    json_t *meta = json_loads(qn_model_get_info(model)->meta, 0, NULL);
    if (!json_is_object(meta)) json_decref(meta), meta = json_object();
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
