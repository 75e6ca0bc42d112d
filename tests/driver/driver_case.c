#include "driver_case.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void remember(void *self, qn_log_level level, const char *text) {
    case_log *log = self;
    size_t used = strlen(log->text);
    log->count++;
    log->warnings += level == QN_LOG_WARNING;
    snprintf(log->text + used, sizeof log->text - used, "%s\n", text);
}

void case_log_init(case_log *log) {
    memset(log, 0, sizeof *log);
    log->log = (qn_log){log, remember};
}

void expect_ok(qn_status *status) {
    if (!status) return;
    print_error("%s (%s)\n", qn_status_message(status), qn_status_where(status));
    qn_status_free(status);
    fail();
}

void expect_refused(qn_status *status, qn_code code, const char *words) {
    if (!status) fail_msg("nothing was refused, expected '%s'", words);
    if (!strstr(qn_status_message(status), words))
        fail_msg("'%s' does not mention '%s'", qn_status_message(status), words);
    if (qn_status_code(status) != code)
        fail_msg("'%s' has code %d, expected %d", qn_status_message(status), (int)qn_status_code(status), (int)code);
    qn_status_free(status);
}

qn_graph *graph_of(qn_arena *arena, const char *statements) {
    qn_graph *graph = NULL;
    expect_ok(qn_graph_parse(arena, qn_arena_printf(arena, "graph \"g\" {\n%s\n}", statements), &graph));
    expect_ok(qn_graph_infer(graph));
    return graph;
}

qn_network *network_of(const char *statements) {
    qn_network *network;
    expect_ok(qn_network_create("g", NULL, &network));
    network->graph = graph_of(&network->arena, statements);
    return network;
}

/* Single quotes become double ones. */
static char *json_text(const char *json) {
    char *text = strdup(json);
    for (char *c = text; *c; c++)
        if (*c == '\'') *c = '"';
    return text;
}

qn_config *config_of(const char *json) {
    qn_config *config;
    expect_ok(qn_config_create(NULL, &config));
    char *text = json_text(json ? json : "{}");
    expect_ok(qn_config_merge_text(config, text, "test"));
    free(text);
    return config;
}

qn_status *try_build(const char *statements, const char *json, qn_model **out_model) {
    qn_network *network = network_of(statements);
    qn_config *config = config_of(json);
    qn_status *status = qn_build(network, config, NULL, out_model);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return status;
}

qn_model *build_of(const char *statements, const char *json) {
    qn_model *model;
    expect_ok(try_build(statements, json, &model));
    return model;
}

int run_model(qn_model *model, const qn_tensor *input, float *out, int64_t *out_dims) {
    qn_engine *engine;
    qn_context *context;
    qn_tensor output = {.dtype = qn_model_output(model, 0)->dtype, .data = out};
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_context_create(engine, &context));
    expect_ok(qn_context_set_input_shape(context, 0, input->rank, input->dims));
    expect_ok(qn_context_get_output_shape(context, 0, &output.rank, output.dims));
    expect_ok(qn_context_run(context, input, 1, &output, 1));
    memcpy(out_dims, output.dims, sizeof output.dims);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return output.rank;
}

void expect_meta(const qn_model *model, const char *path, const char *json) {
    json_t *root = json_loads(qn_model_get_info(model)->meta, 0, NULL);
    assert_non_null(root);
    const json_t *at = root;
    char name[64];
    for (const char *p = path; at && *p;) {
        size_t length = strcspn(p, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, p);
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name)) : json_object_get(at, name);
        p += length + (p[length] == '.');
    }
    char *text = json ? json_text(json) : NULL;
    json_t *expected = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    char *found = at ? json_dumps(at, JSON_ENCODE_ANY) : NULL;
    if (json ? !at || !json_equal(at, expected) : at != NULL)
        fail_msg("meta %s is %s, expected %s", path, found ? found : "absent", text ? text : "absent");
    free(text), free(found);
    json_decref(expected), json_decref(root);
}
