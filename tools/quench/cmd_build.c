/* cmd_build.c - `quench build`: from a source model to one compiled file. */
#include "cost.h"
#include "measure.h"
#include "session.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct build_settings {
    const char *out, *precision, *report, *print_after, *format;
    cli_texts configs, inputs, outputs, ranges;
    int64_t threads;
    int print_config;
} build_settings;

static int set_report(const cli_option *option, void *field, const char *value) {
    size_t length = strlen(value);
    if (length >= 5 && !strcmp(value + length - 5, ".html"))
        return cli_usage(
            "--report: HTML reports come with integer precision, this version writes JSON: name it %.*s.json",
            (int)(length - 5), value);
    return cli_set_text(option, field, value);
}

#define FIELD(name) offsetof(build_settings, name), 0, 0

static const cli_option options[] = {
    {'o', NULL, "OUT.qn", "the compiled file", cli_set_text, FIELD(out)},
    {0, "config", "FILE", "build configuration in JSON (docs/configuration.md); several merge", cli_add_text,
     FIELD(configs)},
    {0, "precision", "MODE", "force_float32 or force_float16; others come with integer precision", cli_set_text, FIELD(precision)},
    {0, "input", "NAME[=1,-1,-1,3]", "an input, if not as found, and its declared shape; -1 is free", cli_add_text,
     FIELD(inputs)},
    {0, "output", "NAME", "an output, if not as found; several", cli_add_text, FIELD(outputs)},
    {0, "range", "NAME=MIN:MAX", "the range of an input: ImageTensor=1,1,1,3:1,513,513,3", cli_add_text, FIELD(ranges)},
    {0, "report", "FILE.json", "what was built, step by step", set_report, FIELD(report)},
    {0, "print-config", NULL, "print the effective configuration as JSON; without -o nothing is built", cli_set_flag,
     FIELD(print_config)},
    {0, "print-after", "PASS", "print the graph after a pass; all: after each", cli_set_text, FIELD(print_after)},
    {0, "format", "NAME", "tensorflow; default: recognised from the content", cli_set_text, FIELD(format)},
    {0, "threads", "N", "accepted; building runs on one thread in this version", cli_set_int,
     offsetof(build_settings, threads), 1, 1024},
    {0},
};

static const cli_command command = {
    "build",
    "build MODEL -o OUT.qn [options]",
    "Imports a TensorFlow frozen graph, optimises it and writes one compiled file, which runs at every shape in its\n"
    "range, on any CPU. Inputs and outputs are found unless they are given. The single input of a model need not be\n"
    "named in --range.",
    options,
    1,
    1,
};

static void free_settings(build_settings *settings) {
    free(settings->configs.items);
    free(settings->inputs.items);
    free(settings->outputs.items);
    free(settings->ranges.items);
}

/* ---- Configuration ---- */

static qn_status *make_config(const build_settings *settings, qn_config **out_config) {
    CLI_TRY(qn_config_create(&cli_log, out_config));
    for (size_t i = 0; i < settings->configs.count; i++)
        CLI_TRY(qn_config_merge_file(*out_config, settings->configs.items[i]));
    if (!settings->precision) return NULL;
    json_t *object = json_pack("{s:{s:s}}", "precision_config", "precision_mode", settings->precision);
    char *text = object ? json_dumps(object, 0) : NULL;
    qn_status *status = text ? qn_config_merge_text(*out_config, text, "--precision") : cli_out_of_memory();
    free(text);
    json_decref(object);
    return status;
}

/* The number of the input that a range is for. */
static qn_status *find_input(const qn_network *network, const char *name, size_t *out_index) {
    size_t count = qn_network_get_info(network).input_count, length = 0;
    char list[512] = "";
    qn_value_info input;
    for (size_t i = 0; qn_network_get_input(network, i, &input); i++) {
        *out_index = i;
        if (!strcmp(input.name, name) || (!*name && count == 1)) return NULL;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", input.name);
    }
    if (!*name)
        return qn_status_create(QN_INVALID_ARGUMENT, "the model has %zu inputs (%s): write NAME=MIN:MAX", count, list);
    return qn_status_create(QN_NOT_FOUND, "there is no input '%s'; there is %s", name, list);
}

static qn_status *parse_range(const char *text, size_t index, json_t **out_object) {
    int64_t min[QN_MAX_RANK], max[QN_MAX_RANK];
    char number[24];
    const char *colon = strchr(text, ':');
    char *low = colon ? strndup(text, (size_t)(colon - text)) : NULL;
    int rank = low ? cli_parse_dims(low, 0, min) : -1;
    int max_rank = colon ? cli_parse_dims(colon + 1, 0, max) : -1;
    free(low);
    if (rank < 0 || rank != max_rank)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "expected two shapes of one rank, as in 1,1,1,3:1,513,513,3, found '%s'", text);
    snprintf(number, sizeof number, "%zu", index);
    *out_object = json_pack("{s:{s:{s:o,s:o}}}", "dim_range", number, "min", cli_dims_to_json(rank, min), "max",
                            cli_dims_to_json(rank, max));
    return *out_object ? NULL : cli_out_of_memory();
}

/* Ranges name inputs, so they join the configuration once the network is there. */
static qn_status *merge_range(const qn_network *network, const char *range, qn_config *config) {
    char *name;
    const char *dims;
    size_t index = 0;
    json_t *object = NULL;
    CLI_TRY(cli_split_name(range, &name, &dims));
    qn_status *status = find_input(network, name, &index);
    free(name);
    if (!status) status = parse_range(dims, index, &object);
    char *text = object ? json_dumps(object, 0) : NULL;
    if (!status) status = text ? qn_config_merge_text(config, text, "--range") : cli_out_of_memory();
    free(text);
    json_decref(object);
    return cli_context(status, "--range %s", range);
}

/* ---- Import ---- */

/* "NAME" or "NAME=1,-1,-1,3"; *out_name is freed with free(). */
static qn_status *parse_input(const char *text, qn_network_input *out_input, char **out_name) {
    const char *equal = strchr(text, '=');
    *out_name = strndup(text, equal ? (size_t)(equal - text) : strlen(text));
    if (!*out_name) return cli_out_of_memory();
    *out_input = (qn_network_input){.name = *out_name, .rank = -1};
    if (equal && (out_input->rank = cli_parse_dims(equal + 1, -1, out_input->dims)) < 0)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "--input %s: expected at most %d sizes (-1: free), as in NAME=1,-1,-1,3", text,
                                QN_MAX_RANK);
    return NULL;
}

static qn_status *import(const char *path, const build_settings *settings, qn_network **out_network) {
    qn_network_options import_options;
    qn_network_options_init(&import_options);
    size_t count = settings->inputs.count;
    qn_network_input *inputs = calloc(count + 1, sizeof *inputs);
    char **names = calloc(count + 1, sizeof *names);
    qn_status *status = inputs && names ? NULL : cli_out_of_memory();
    for (size_t i = 0; i < count && !status; i++)
        status = parse_input(settings->inputs.items[i], &inputs[i], &names[i]);
    import_options.inputs = inputs;
    import_options.input_count = count;
    import_options.outputs = settings->outputs.items;
    import_options.output_count = settings->outputs.count;
    import_options.format = settings->format;
    import_options.log = &cli_log;
    if (!status) status = qn_network_import_file(path, &import_options, out_network);
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
    free(inputs);
    return status;
}

/* ---- Build ---- */

/* After a pass, or where debug_config.print_ir asks: before and after all of them. */
static void print_graph(void *self, const char *when, const char *graph_text) {
    (void)self;
    int is_pass = strcmp(when, "before_build") && strcmp(when, "after_build");
    printf("# %s%s\n%s\n", is_pass ? "after " : "", when, graph_text);
}

static qn_status *print_config(qn_config *config) {
    json_t *effective = json_loads(qn_config_effective_text(config), 0, NULL);
    char *text = effective ? json_dumps(effective, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(effective);
    if (!text) return cli_out_of_memory();
    printf("%s\n", text);
    free(text);
    return NULL;
}

static qn_status *compile(const char *path, const build_settings *settings, cli_watch *watch, qn_model **out_model) {
    qn_network *network = NULL;
    qn_config *config = NULL;
    qn_build_options build;
    qn_build_options_init(&build);
    build.log = &cli_log;
    build.print_after = settings->print_after;
    build.after_pass = print_graph;
    build.progress = cli_watch_progress;
    build.cancel = cli_watch_is_cancelled;
    build.progress_self = build.cancel_self = watch;
    qn_status *status = make_config(settings, &config);
    if (!status) status = import(path, settings, &network);
    for (size_t i = 0; i < settings->ranges.count && !status; i++)
        status = merge_range(network, settings->ranges.items[i], config);
    if (!status && settings->print_config) status = print_config(config);
    if (!status && settings->out) status = qn_build(network, config, &build, out_model);
    if (status && !strstr(qn_status_message(status), path)) status = cli_context(status, "%s", path);
    qn_network_destroy(network);
    qn_config_destroy(config);
    return status;
}

/* ---- Results ---- */

static void print_value(const char *what, const qn_value_info *value) {
    char text[CLI_DIMS_TEXT];
    printf("%-10s %s: %s %s\n", what, value->name, cli_dtype_name(value->dtype), cli_print_range(value, text));
}

static void print_summary(const qn_model *model, const char *out, const cost_table *costs, double ms) {
    const qn_model_info *info = qn_model_get_info(model);
    char text[CLI_BYTES_TEXT];
    printf("%s: %s, built in %.0f ms\n", out, cli_print_bytes(info->file_bytes, text), ms);
    for (size_t i = 0; i < info->input_count; i++) print_value("input", qn_model_input(model, i));
    for (size_t i = 0; i < info->output_count; i++) print_value("output", qn_model_output(model, i));
    printf("%-10s %zu\n%-10s %s\n", "steps", info->step_count, "constants", cli_print_bytes(info->const_bytes, text));
    if (info->arena_bytes_max)
        printf("%-10s at most %s for values, at every shape in range\n", "arena",
               cli_print_bytes(info->arena_bytes_max, text));
    else
        printf("%-10s no ceiling: the shapes have no upper bound; --range gives one\n", "arena");
    if (costs->ceiling)
        printf("%-10s %s with the scratch of %d thread%s\n", "ceiling", cli_print_bytes(costs->ceiling, text),
               costs->threads, costs->threads == 1 ? "" : "s");
    cost_table_print(costs);
}

static json_t *value_to_json(const qn_value_info *value) {
    return json_pack("{s:o,s:s,s:o,s:o}", "name", cli_json_text(value->name), "dtype", cli_dtype_name(value->dtype),
                     "min", cli_dims_to_json(value->rank, value->min_dims), "max",
                     cli_dims_to_json(value->rank, value->max_dims));
}

static json_t *steps_to_json(const qn_model *model) {
    json_t *steps = json_array();
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        json_array_append_new(steps, json_pack("{s:o,s:s,s:s}", "name", cli_json_text(step->name), "op", step->op,
                                               "precision", step->precision));
    return steps;
}

static json_t *report_to_json(const qn_model *model, const char *path, const char *out, const cost_table *costs,
                              double ms) {
    const qn_model_info *info = qn_model_get_info(model);
    json_t *inputs = json_array(), *outputs = json_array();
    for (size_t i = 0; i < info->input_count; i++)
        json_array_append_new(inputs, value_to_json(qn_model_input(model, i)));
    for (size_t i = 0; i < info->output_count; i++)
        json_array_append_new(outputs, value_to_json(qn_model_output(model, i)));
    return json_pack("{s:o,s:o,s:f,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "source", cli_json_text(path), "file",
                     cli_json_text(out), "build_ms", ms, "file_bytes", (json_int_t)info->file_bytes, "const_bytes",
                     (json_int_t)info->const_bytes, "arena_bytes_max",
                     info->arena_bytes_max ? json_integer((json_int_t)info->arena_bytes_max) : json_null(),
                     "arena_bytes_range_max", costs->ceiling ? json_integer((json_int_t)costs->ceiling) : json_null(),
                     "cost", cost_table_to_json(costs), "inputs", inputs, "outputs", outputs, "steps", steps_to_json(model), "meta", cli_load_meta(model));
}

static qn_status *report(qn_model *model, const char *path, const build_settings *settings, double ms) {
    cost_table costs;
    qn_status *status = cost_table_init_alone(&costs, model);
    if (!status && !cli_json_on_stdout(settings->report)) print_summary(model, settings->out, &costs, ms);
    if (!status && settings->report)
        status = cli_write_json(settings->report, report_to_json(model, path, settings->out, &costs, ms));
    cost_table_deinit(&costs);
    return status;
}

static qn_status *check_files(const char *path, const build_settings *settings) {
    cli_files files = {0};
    qn_status *status = cli_files_add_input(&files, path);
    for (size_t i = 0; i < settings->configs.count && !status; i++)
        status = cli_files_add_input(&files, settings->configs.items[i]);
    if (!status) status = cli_files_add_output(&files, settings->out, "the compiled file");
    if (!status && settings->report && !cli_json_on_stdout(settings->report))
        status = cli_files_add_output(&files, settings->report, "the report");
    if (!status) status = cli_files_check(&files);
    cli_files_deinit(&files);
    return status;
}

static qn_status *build(const char *path, const build_settings *settings) {
    qn_model *model = NULL;
    cli_watch watch;
    if (settings->out) CLI_TRY(check_files(path, settings));
    cli_watch_begin(&watch);
    qn_status *status = compile(path, settings, &watch, &model);
    double ms = cli_now_ms() - watch.start_ms;
    if (!status && settings->out) status = qn_model_save_file(model, settings->out); /* complete, or not at all */
    cli_watch_end(&watch);
    if (!settings->out) return status; /* only the configuration was asked for */
    if (!status) status = report(model, path, settings, ms);
    qn_model_destroy(model);
    return status;
}

int cli_cmd_build(int argc, char **argv) {
    build_settings settings = {0};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON && !settings.out && !settings.print_config) code = cli_usage("-o OUT.qn is missing");
    if (code == CLI_GO_ON) code = cli_finish(build(argv[first], &settings));
    free_settings(&settings);
    return code;
}
