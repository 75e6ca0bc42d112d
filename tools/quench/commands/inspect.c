/* commands/inspect.c - `quench inspect`: what is in a source model or a compiled file. */
#include "show/cost.h"
#include "show/describe.h"
#include "cli/measure.h"
#include "show/mix.h"
#include "cli/streams.h"
#include "show/transposes.h"

#include "quench/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct inspect_settings {
    const char *graph, *json;
    cli_texts shapes;
    int steps, memory;
    cli_run_options run;
} inspect_settings;

static int set_graph(const cli_option *option, void *field, const char *value) {
    if (strcmp(value, "text") && strcmp(value, "dot") && strcmp(value, "json"))
        return cli_usage("--graph: expected text, dot or json, found '%s'", value);
    return cli_set_text(option, field, value);
}

#define FIELD(name) offsetof(inspect_settings, name), 0, 0

static const cli_option options[] = {
    {0, "steps", NULL, "every step: operator, attributes, shapes, precision and why, kernel", cli_set_flag,
     FIELD(steps)},
    {0, "memory", NULL, "every value: where it lies and how long", cli_set_flag, FIELD(memory)},
    {0, "shape", "[NAME=]1,513,513,3", "show kernels and the arena at this shape; default: the largest", cli_add_text,
     FIELD(shapes)},
    {0, "graph", "text|dot|json", "nothing but the graph, in this form", set_graph, FIELD(graph)},
    CLI_RUN_OPTIONS(inspect_settings),
    {0},
};

static const cli_command command = {
    "inspect",
    "inspect FILE [options]",
    "Shows inputs and outputs with their ranges and what bounds them, operators, constants, memory and provenance of "
    "a\n"
    "compiled file, or what was found in a source model. With --steps, --memory or --shape a source model is built in\n"
    "memory, and what comes of it is shown.",
    options,
    1,
    1,
};

static qn_graph_format graph_format(const char *name) {
    return !strcmp(name, "dot") ? QN_GRAPH_DOT : !strcmp(name, "json") ? QN_GRAPH_JSON : QN_GRAPH_TEXT;
}

/* ---- Source models ---- */

static int count_node(void *self, const char *name, const char *op) {
    (void)name;
    op_counts_add(self, op);
    return 0;
}

static void print_network(const char *path, const qn_network *network, const op_counts *counts) {
    qn_network_info info = qn_network_get_info(network);
    qn_value_info value;
    cli_print("%s: %s model '%s', %zu operations, %zu parameters\n", path, info.format, info.name, info.node_count,
              info.parameter_count);
    for (size_t i = 0; qn_network_get_input(network, i, &value); i++) describe_value("input", &value);
    for (size_t i = 0; qn_network_get_output(network, i, &value); i++) describe_value("output", &value);
    op_counts_print(counts);
}

static json_t *network_to_json(const char *path, const qn_network *network, const op_counts *counts) {
    qn_network_info info = qn_network_get_info(network);
    qn_value_info value;
    json_t *inputs = json_array(), *outputs = json_array();
    for (size_t i = 0; qn_network_get_input(network, i, &value); i++)
        json_array_append_new(inputs, value_to_json(&value));
    for (size_t i = 0; qn_network_get_output(network, i, &value); i++)
        json_array_append_new(outputs, value_to_json(&value));
    return json_pack("{s:o,s:s,s:s,s:o,s:o,s:I,s:I,s:o}", "file", cli_json_text(path), "kind", "source", "format",
                     info.format, "inputs", inputs, "outputs", outputs, "node_count", (json_int_t)info.node_count,
                     "parameters", (json_int_t)info.parameter_count, "operators", op_counts_to_json(counts));
}

static qn_status *show_network(const char *path, qn_network *network, const inspect_settings *settings) {
    op_counts counts = {0};
    if (settings->graph) {
        const char *text;
        CLI_TRY(qn_network_print(network, graph_format(settings->graph), &text));
        return cli_print_lines(text), NULL;
    }
    qn_network_visit_nodes(network, count_node, &counts);
    op_counts_sort(&counts);
    if (!cli_json_on_stdout(settings->json)) print_network(path, network, &counts);
    qn_status *status = counts.failed ? cli_out_of_memory() : NULL;
    if (!status && settings->json) status = cli_write_json(settings->json, network_to_json(path, network, &counts));
    op_counts_deinit(&counts);
    return status;
}

static qn_status *inspect_source(const char *path, const inspect_settings *settings) {
    qn_network *network = NULL;
    qn_network_options import;
    qn_network_options_init(&import);
    import.log = &cli_log;
    CLI_TRY(qn_network_import_file(path, &import, &network));
    qn_status *status = show_network(path, network, settings);
    qn_network_destroy(network);
    return status;
}

/* ---- Compiled models ---- */

/* A compiled model and what is known of it at some shapes. */
typedef struct view {
    const inspect_settings *settings;
    const char *path;
    cli_session session;
    qn_shape *shapes; /* one per input */
    int has_shapes;   /* the context is ready at them */
    qn_arena_info arena;
    uint64_t ceiling; /* 0: none */
    cost_table costs;
    op_counts counts;
    integer_mix mix;
    json_t *meta;
} view;

static void view_deinit(view *v) {
    free(v->shapes);
    cost_table_deinit(&v->costs);
    op_counts_deinit(&v->counts);
    json_decref(v->meta);
    cli_session_close(&v->session);
}

/* Binds the shapes that were asked for, or the largest where there are such. */
static qn_status *bind_shapes(view *v) {
    const qn_model_info *info = qn_model_get_info(v->session.model);
    v->shapes = calloc(info->input_count + 1, sizeof *v->shapes);
    if (!v->shapes) return cli_out_of_memory();
    qn_status *status = cli_make_shapes(v->session.model, &v->settings->shapes, 0, v->shapes);
    if (!status) status = qn_context_set_input_shapes(v->session.context, v->shapes, info->input_count);
    v->has_shapes = !status;
    if (v->has_shapes) qn_context_get_arena(v->session.context, &v->arena);
    if (!status || v->settings->shapes.count) return status;
    cli_remark("no shapes are set: %s", qn_status_message(status));
    qn_status_free(status);
    return NULL;
}

static qn_status *look(view *v) {
    cli_run_options run = v->settings->run;
    const qn_cpu_thread_info threads = qn_cpu_get_threads();
    if (!run.threads) run.threads = threads.asked ? threads.asked : threads.usable;
    CLI_TRY(cli_open_copy(v->path, &run.source, &v->session.model, &v->session.is_compiled));
    qn_status *status = cli_session_bind(&run, NULL, &v->session);
    if (!status) status = bind_shapes(v);
    if (!status) status = cli_session_find_ceiling(&v->session, &v->ceiling);
    if (!status) status = cost_table_init(&v->costs, v->session.engine, v->session.model);
    /* A model that cannot run here can still be looked at. */
    if (status && v->settings->shapes.count) return status;
    if (status) cli_warn("nothing can be said about its arena: %s", qn_status_message(status));
    qn_status_free(status);
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(v->session.model, i)); i++) op_counts_add(&v->counts, step->op);
    op_counts_sort(&v->counts);
    integer_mix_find(v->session.model, &v->costs, &v->mix);
    v->meta = cli_load_meta(v->session.model);
    return v->meta && !v->counts.failed ? NULL : cli_out_of_memory();
}

/* Dims that the graph holds to one size. */
static void print_pins(const json_t *pins) {
    size_t i;
    json_t *pin;
    json_array_foreach((json_t *)pins, i, pin) {
        const char *input = "?", *reason = "?";
        int axis = 0;
        json_int_t size = 0;
        json_unpack(pin, "{s?s,s?i,s?I,s?s}", "input", &input, "axis", &axis, "size", &size, "reason", &reason);
        cli_print("%-10s dim %d of input '%s' stays %lld: %s\n", "pinned", axis, input, (long long)size, reason);
    }
}

static void print_meta(const json_t *meta) {
    const char *version = "?", *format = "?", *name = "?", *hash = "?", *input, *output, *decode = "?";
    json_int_t bytes = 0, classes = 0;
    json_unpack((json_t *)meta, "{s?s,s?{s?s,s?s,s?I,s?s}}", "quench", &version, "source", "format", &format, "name",
                &name, "bytes", &bytes, "xxh3", &hash);
    cli_print("%-10s %s model '%s' of %lld bytes, hash %s; built by quench %s\n", "source", format, name,
              (long long)bytes, hash, version);
    char *config = json_dumps(json_object_get(meta, "config"), JSON_COMPACT | JSON_SORT_KEYS);
    if (config && cli_is_verbose()) cli_print("%-10s %s\n", "config", config);
    free(config);
    print_pins(json_object_get(meta, "pinned"));
    const json_t *kept = json_object_get(json_object_get(meta, "refit"), "weight_bytes");
    char text[CLI_BYTES_TEXT];
    if (kept)
        cli_print("%-10s weights can be replaced: the constants hold %s of them for that\n", "refit",
                  cli_print_bytes((uint64_t)json_integer_value(kept), text));
    double threshold = 0;
    const char *reason = "?";
    if (json_unpack((json_t *)meta, "{s:{s:s,s:s,s?s,s?I,s?F,s?s}}", "image", "input", &input, "output", &output,
                    "decode", &decode, "class_count", &classes, "threshold", &threshold, "threshold_reason", &reason))
        return;
    cli_print("%-10s pictures go into '%s', '%s' gives ", "image", input, output);
    if (!strcmp(decode, "foreground"))
        cli_print("2 classes: 1 where it is above %g, else 0 (%s)\n", threshold, reason);
    else if (classes)
        cli_print("%s of %lld classes\n", decode, (long long)classes);
    else
        cli_print("%s\n", decode);
}

static void print_arena(const view *v) {
    char text[CLI_BYTES_TEXT], dims[QN_DIMS_TEXT];
    if (v->has_shapes) {
        cli_print("%-10s %s at", "arena", cli_print_bytes(v->arena.value_bytes + v->arena.scratch_bytes, text));
        for (size_t i = 0; i < qn_model_get_info(v->session.model)->input_count; i++)
            cli_print("%s %s", i ? "," : "", qn_dims_print(v->shapes[i].rank, v->shapes[i].dims, dims));
        cli_print(": values %s,", cli_print_bytes(v->arena.value_bytes, text));
        cli_print(" scratch of %d threads %s\n", qn_engine_threads(v->session.engine),
                  cli_print_bytes(v->arena.scratch_bytes, text));
    }
    if (!v->session.context) return;
    if (v->ceiling)
        cli_print("%-10s %s for every shape in range\n", "ceiling", cli_print_bytes(v->ceiling, text));
    else
        cli_print("%-10s no ceiling: the shapes have no upper bound\n", "ceiling");
}

static qn_status *print_model(const view *v) {
    char text[CLI_BYTES_TEXT], precision[32];
    const qn_model *model = v->session.model;
    const qn_model_info *info = qn_model_get_info(model);
    cli_print_precision(model, precision, sizeof precision);
    cli_print("%s: %s model '%s', %s, %s\n", cli_given_name(v->path),
              v->session.is_compiled ? "compiled" : "source (built in memory)", info->name, precision,
              cli_print_bytes(info->file_bytes, text));
    for (size_t i = 0; i < info->input_count; i++) describe_value("input", qn_model_input(model, i));
    for (size_t i = 0; i < info->output_count; i++) describe_value("output", qn_model_output(model, i));
    print_meta(v->meta);
    cli_print("%-10s %zu\n", "steps", info->step_count);
    op_counts_print(&v->counts);
    const transpose_count transposes = transpose_count_find(model);
    transpose_count_print(&transposes);
    if (v->mix.integer_layers) integer_mix_print(&v->mix);
    cli_print("%-10s %s\n", "constants", cli_print_bytes(info->const_bytes, text));
    print_arena(v);
    cost_table_print(&v->costs);
    if (v->settings->steps || cli_is_verbose())
        CLI_TRY(describe_steps(model, v->has_shapes ? v->session.context : NULL));
    if (v->settings->memory) describe_memory(model);
    return NULL;
}

static json_t *model_to_json(const view *v) {
    char precision[32];
    const qn_model *model = v->session.model;
    const qn_model_info *info = qn_model_get_info(model);
    const transpose_count transposes = transpose_count_find(model);
    json_t *inputs = json_array(), *outputs = json_array(), *shapes = v->has_shapes ? json_array() : json_null();
    cli_print_precision(model, precision, sizeof precision);
    for (size_t i = 0; i < info->input_count; i++)
        json_array_append_new(inputs, value_to_json(qn_model_input(model, i)));
    for (size_t i = 0; i < info->output_count; i++)
        json_array_append_new(outputs, value_to_json(qn_model_output(model, i)));
    for (size_t i = 0; v->has_shapes && i < info->input_count; i++)
        json_array_append_new(shapes, cli_dims_to_json(v->shapes[i].rank, v->shapes[i].dims));
    json_t *object = json_pack(
        "{s:o,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:O}", "file", cli_json_text(v->path), "kind",
        "compiled", "name", cli_json_text(info->name), "precision", cli_json_text(precision), "inputs", inputs,
        "outputs", outputs, "step_count", (json_int_t)info->step_count, "file_bytes", (json_int_t)info->file_bytes,
        "const_bytes", (json_int_t)info->const_bytes, "operators", op_counts_to_json(&v->counts), "shapes", shapes,
        "arena_bytes",
        v->has_shapes ? json_integer((json_int_t)(v->arena.value_bytes + v->arena.scratch_bytes)) : json_null(),
        "arena_bytes_range_max", v->ceiling ? json_integer((json_int_t)v->ceiling) : json_null(), "cost",
        cost_table_to_json(&v->costs), "integer", integer_mix_to_json(&v->mix), "transposes",
        transpose_count_to_json(&transposes), "meta", v->meta);
    if (object && v->settings->steps)
        json_object_set_new(object, "steps", steps_to_json(model, v->has_shapes ? v->session.context : NULL));
    if (object && v->settings->memory) json_object_set_new(object, "values", memory_to_json(model));
    return object;
}

static qn_status *show_model(view *v) {
    CLI_TRY(cli_check_writable(v->settings->json));
    if (v->settings->graph) {
        CLI_TRY(cli_open_copy(v->path, &v->settings->run.source, &v->session.model, NULL));
        return print_step_graph(v->session.model, graph_format(v->settings->graph));
    }
    CLI_TRY(look(v));
    if (!cli_json_on_stdout(v->settings->json)) CLI_TRY(print_model(v));
    return v->settings->json ? cli_write_json(v->settings->json, model_to_json(v)) : NULL;
}

static qn_status *inspect_model(const char *path, const inspect_settings *settings) {
    view v = {.settings = settings, .path = path};
    qn_status *status = show_model(&v);
    view_deinit(&v);
    return status;
}

int cli_cmd_inspect(int argc, char **argv) {
    inspect_settings settings = {0};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) {
        int wants_plan = settings.steps || settings.memory || settings.shapes.count ||
                         builder_options_find_given(&settings.run.source);
        int is_compiled = cli_is_compiled_file(argv[first]);
        code = cli_finish(is_compiled || (wants_plan && !settings.graph) ? inspect_model(argv[first], &settings)
                                                                         : inspect_source(argv[first], &settings));
    }
    free(settings.shapes.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
