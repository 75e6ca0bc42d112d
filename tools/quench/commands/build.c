/* commands/build.c - `quench build`: from a source model to one compiled file. */
#include "report/build_report.h"
#include "build/builder.h"
#include "show/cost.h"
#include "cli/measure.h"
#include "show/mix.h"
#include "pictures/model_meta.h"
#include "cli/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct build_settings {
    const char *out, *report, *print_after;
    builder_options builder;
    int print_config;
} build_settings;

#define FIELD(name)       offsetof(build_settings, name), 0, 0
#define CALIBRATION(name) FIELD(builder.calibration.name)

static const cli_option options[] = {
    {'o', NULL, "OUT.qn", "the compiled file; default: MODEL.qn in the current folder", cli_set_output, FIELD(out)},
    {0, "config", "FILE", "build configuration in JSON (docs/configuration.md); several merge", cli_add_input,
     FIELD(builder.configs)},
    {0, "precision", "MODE",
     "fp32 (force_float32), fp16 (force_float16), int8 (qint8_mixed_float16), int16 (qint16_mixed_float16), "
     "qint8_mixed_float32 or qint16_mixed_float32",
     builder_set_key, FIELD(builder.precision)},
    {0, "input", "NAME[=1,-1,-1,3]", "an input, if not as found, and its shape, which holds; -1 is free", cli_add_text,
     FIELD(builder.inputs)},
    {0, "output", "NAME", "an output, if not as found; several", cli_add_text, FIELD(builder.outputs)},
    {0, "range", "NAME=MIN:MAX", "the range of an input: ImageTensor=1,1,1,3:1,513,513,3", cli_add_text,
     FIELD(builder.ranges)},
    {0, "calibrate", "DIR|LIST|x.npy", "integer precision: what the values are measured on; NAME=x.npy; several",
     cli_add_input, CALIBRATION(samples)},
    {0, "limit", "N", "use at most N of these, evenly spread", cli_set_int,
     offsetof(build_settings, builder.calibration.limit), 1, 1000000000},
    {0, "algorithm", "NAME", "linear, eqnm, moving_average, percentile, mse or kl", calibration_set_algorithm,
     CALIBRATION(algorithm)},
    {0, "rounding", "N", "sweeps for integers of weights that change the output least; usual: 3; 0: the nearest",
     builder_set_key, offsetof(build_settings, builder.rounding), 0, 0},
    {0, "save-ranges", "FILE", "keep what was measured", cli_set_output, CALIBRATION(save_ranges)},
    {0, "ranges", "FILE", "take ranges that were kept, instead of measuring", cli_set_input, CALIBRATION(ranges)},
    {0, "fixed-range", "LOW,HIGH", "one range for everything: fast, wrong, enough to measure speed", cli_set_text,
     CALIBRATION(fixed)},
    {0, "images", "DIR", "where the names in lists are looked for; default: beside the list", cli_set_text,
     CALIBRATION(folder)},
    {0, "fit", "HOW", "shrink, longest, stretch, tile: as for segment", fitter_set_choice, CALIBRATION(fit)},
    FITTER_LIMITS_OPTION(offsetof(build_settings, builder.calibration.fit.limits)),
    {0, "skip-unreadable", NULL, "leave out pictures that cannot be read, with a warning each", cli_set_flag,
     CALIBRATION(skips_unreadable)},
    {0, "min-agreement", "PERCENT", "keep in float what integers must not compute to agree with float so far",
     cli_set_number, offsetof(build_settings, builder.calibration.min_agreement), 0, 100},
    {0, "max-drop", "POINTS", "the same to lose at most so many points of --metric", cli_set_number,
     offsetof(build_settings, builder.calibration.max_drop), 0, 100},
    {0, "metric", "NAME", "of --max-drop: miou (usual; needs --masks) or agreement", cli_set_text, CALIBRATION(metric)},
    {0, "masks", "DIR", "the true masks: NAME.png for NAME.jpg", cli_set_text, CALIBRATION(masks)},
    {0, "contract", "DIR|LIST|x.npy", "the samples that this is kept on; default: those of --calibrate", cli_add_input,
     CALIBRATION(contract)},
    {0, "confidence", "PERCENT", "how sure it has to be; default 95", cli_set_number,
     offsetof(build_settings, builder.calibration.confidence), 50, 100},
    {0, "report", "FILE.html|FILE.json", "what was built, and what integer precision costs where", cli_set_json,
     FIELD(report)},
    {0, "print-config", NULL, "print the effective configuration as JSON; without -o nothing is built", cli_set_flag,
     FIELD(print_config)},
    {0, "print-after", "PASS", "print the graph after a pass; all: after each", cli_set_text, FIELD(print_after)},
    {0, "format", "NAME", "tensorflow; default: recognised from the content", cli_set_text, FIELD(builder.format)},
    {0, "threads", "N", "threads that measure; default: the CPUs this process may use", cli_set_int,
     offsetof(build_settings, builder.calibration.threads), 1, 1024},
    {0},
};

static const cli_command command = {
    "build",
    "build MODEL [-o OUT.qn] [options]",
    "Imports a TensorFlow frozen graph, optimises it and writes one compiled file, which runs at every shape in its\n"
    "range, on any CPU. Inputs and outputs are found unless they are given. The single input of a model need not be\n"
    "named in --range.\n"
    "Integer precision (qint8, qint16) needs to know the ranges of all values: --calibrate measures them on pictures "
    "(a\n"
    "folder, one, or a list of them), which are decoded and fitted as segment does, or on arrays. In a list a line may "
    "end\n"
    "with ` shape[1,321,321,3]`.",
    options,
    1,
    1,
};

/* ---- Build ---- */

/* After a pass, or where debug_config.print_ir asks: before and after all of them. */
static void print_graph(void *self, const char *when, const char *graph_text) {
    (void)self;
    int is_pass = strcmp(when, "before_build") && strcmp(when, "after_build");
    cli_print("# %s%s\n", is_pass ? "after " : "", when);
    cli_print_lines(graph_text);
    cli_print("\n");
}

static qn_status *print_config(qn_config *config) {
    json_t *effective = json_loads(qn_config_effective_text(config), 0, NULL);
    char *text = effective ? json_dumps(effective, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(effective);
    char *safe = text ? cli_escape(text, QN_TEXT_JSON) : NULL;
    free(text);
    if (!safe) return cli_out_of_memory();
    cli_put_bytes(safe, strlen(safe));
    cli_print("\n");
    free(safe);
    return NULL;
}

static qn_status *compile(builder *b, const build_settings *settings, cli_watch *watch, build_report *report,
                          qn_model **out_model) {
    qn_build_options build;
    qn_build_options_init(&build);
    build.log = &cli_log;
    build.print_after = settings->print_after;
    build.after_pass = print_graph;
    build.progress = cli_watch_progress;
    build.cancel = cli_watch_is_cancelled;
    build.progress_self = build.cancel_self = watch;
    if (settings->print_config) CLI_TRY(print_config(b->config));
    if (settings->out || settings->builder.calibration.save_ranges) CLI_TRY(builder_calibrate(b, watch));
    if (!settings->out) return NULL; /* only configuration or ranges were asked for */
    if (settings->report) CLI_TRY(build_report_begin(report, b, &build));
    CLI_TRY(builder_build(b, &build, out_model));
    CLI_TRY(build_report_end(report));
    return qn_model_save_file(*out_model, settings->out); /* complete, or not at all */
}

/* ---- Results ---- */

static void print_value(const char *what, const qn_value_info *value) {
    char text[QN_DIMS_TEXT];
    cli_print("%-10s %s: %s %s\n", what, value->name, qn_dtype_numpy_name(value->dtype),
              qn_value_info_print_dims(value, text));
}

static void print_calibration(const builder *b) {
    const calibration *c = &b->calibration;
    const char *ranges = b->options->calibration.ranges, *fixed = b->options->calibration.fixed;
    char algorithm[40];
    if (ranges || fixed) cli_print("%-10s %s%s\n", "ranges", ranges ? "from " : "all ", ranges ? ranges : fixed);
    if (ranges || !c->sample_count) return;
    calibration_print_algorithm(c, algorithm, sizeof algorithm);
    cli_print("%-10s %lld samples in %.1f s%s%s\n", "calibrated", (long long)c->sample_count, 1e-3 * c->ms,
              *algorithm ? ", " : "", algorithm);
}

/* What came of a build, and what is known of it. */
typedef struct result {
    const builder *builder;
    qn_model *model;
    build_report report;
    const char *out;
    double ms;
    cost_table costs;
    integer_mix mix;
} result;

enum { CONTRACT_TEXT = 512 };

static void print_contract(const qn_contract_result *contract) {
    char text[CONTRACT_TEXT];
    qn_contract_result_print(contract, text, sizeof text);
    if (*text) cli_print("%-10s kept: %s\n", "contract", text);
}

static void print_summary(const result *r) {
    const qn_model *model = r->model;
    const cost_table *costs = &r->costs;
    const qn_model_info *info = qn_model_get_info(model);
    char text[CLI_BYTES_TEXT];
    cli_print("%s: %s, built in %.0f ms\n", cli_given_name(r->out), cli_print_bytes(info->file_bytes, text), r->ms);
    print_calibration(r->builder);
    for (size_t i = 0; i < info->input_count; i++) print_value("input", qn_model_input(model, i));
    for (size_t i = 0; i < info->output_count; i++) print_value("output", qn_model_output(model, i));
    cli_print("%-10s %zu\n%-10s %s\n", "steps", info->step_count, "constants",
              cli_print_bytes(info->const_bytes, text));
    if (r->mix.integer_layers || r->builder->calibration.calibrator) integer_mix_print(&r->mix);
    print_contract(&r->builder->contract_result);
    if (info->arena_bytes_max)
        cli_print("%-10s at most %s for values, at every shape in range\n", "arena",
                  cli_print_bytes(info->arena_bytes_max, text));
    else
        cli_print("%-10s no ceiling: the shapes have no upper bound; --range gives one\n", "arena");
    if (costs->ceiling)
        cli_print("%-10s %s with the scratch of %d thread%s\n", "ceiling", cli_print_bytes(costs->ceiling, text),
                  costs->threads, costs->threads == 1 ? "" : "s");
    cost_table_print(costs);
}

static json_t *value_to_json(const qn_value_info *value) {
    return json_pack("{s:o,s:s,s:o,s:o}", "name", cli_json_text(value->name), "dtype",
                     qn_dtype_numpy_name(value->dtype), "min", cli_dims_to_json(value->rank, value->min_dims), "max",
                     cli_dims_to_json(value->rank, value->max_dims));
}

static json_t *steps_to_json(const qn_model *model) {
    json_t *steps = json_array();
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        json_array_append_new(steps, json_pack("{s:o,s:s,s:o}", "name", cli_json_text(step->name), "op", step->op,
                                               "precision", cli_json_text(step->precision)));
    return steps;
}

static json_t *calibration_to_json(const calibration *c) {
    char algorithm[40];
    if (!c->sample_count) return json_null();
    calibration_print_algorithm(c, algorithm, sizeof algorithm);
    return json_pack("{s:I,s:s,s:f,s:I}", "samples", (json_int_t)c->sample_count, "algorithm", algorithm, "ms", c->ms,
                     "peak_rss_bytes", (json_int_t)c->peak_bytes);
}

static json_t *contract_to_json(const qn_contract_result *contract) {
    char text[CONTRACT_TEXT];
    qn_contract_result_print(contract, text, sizeof text);
    return *text ? cli_json_text(text) : json_null();
}

static json_t *report_to_json(const result *r) {
    const qn_model *model = r->model;
    const cost_table *costs = &r->costs;
    const qn_model_info *info = qn_model_get_info(model);
    json_t *inputs = json_array(), *outputs = json_array();
    for (size_t i = 0; i < info->input_count; i++)
        json_array_append_new(inputs, value_to_json(qn_model_input(model, i)));
    for (size_t i = 0; i < info->output_count; i++)
        json_array_append_new(outputs, value_to_json(qn_model_output(model, i)));
    return json_pack("{s:o,s:o,s:f,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:O?}", "source",
                     cli_json_text(r->builder->path), "file", cli_json_text(r->out), "build_ms", r->ms, "file_bytes",
                     (json_int_t)info->file_bytes, "const_bytes", (json_int_t)info->const_bytes, "arena_bytes_max",
                     info->arena_bytes_max ? json_integer((json_int_t)info->arena_bytes_max) : json_null(),
                     "arena_bytes_range_max", costs->ceiling ? json_integer((json_int_t)costs->ceiling) : json_null(),
                     "cost", cost_table_to_json(costs), "inputs", inputs, "outputs", outputs, "steps",
                     steps_to_json(model), "meta", cli_load_meta(model), "calibration",
                     calibration_to_json(&r->builder->calibration), "integer", integer_mix_to_json(&r->mix), "contract",
                     contract_to_json(&r->builder->contract_result), "peak_rss_bytes", (json_int_t)cli_peak_rss_bytes(),
                     "quantisation", r->report.quantisation);
}

static qn_status *write_html(const result *r, const char *path) {
    report_pictures pictures;
    json_t *report = report_to_json(r);
    qn_status *status = build_report_see(&r->report, r->builder->float_model, r->model, &pictures);
    if (!status) status = report_html_write(path, report, &pictures);
    report_pictures_deinit(&pictures);
    json_decref(report);
    return cli_context(status, "--report");
}

static qn_status *write_report(const result *r, const char *path) {
    if (!path) return NULL;
    return report_is_html(path) ? write_html(r, path) : cli_write_json(path, report_to_json(r));
}

static qn_status *show_result(result *r, const char *report) {
    CLI_TRY(cost_table_init_alone(&r->costs, r->model));
    integer_mix_find(r->model, &r->costs, &r->mix);
    if (!cli_json_on_stdout(report)) print_summary(r);
    qn_status *status = write_report(r, report);
    cost_table_deinit(&r->costs);
    return status;
}

static qn_status *check_files(const char *path, const build_settings *settings) {
    cli_files files = {0};
    qn_status *status = cli_files_add_input(&files, path);
    for (size_t i = 0; i < settings->builder.configs.count && !status; i++)
        status = cli_files_add_input(&files, settings->builder.configs.items[i]);
    if (!status) status = calibration_add_files(&settings->builder.calibration, &files);
    if (!status && settings->out) status = cli_files_add_output(&files, settings->out, "the compiled file");
    if (!status && settings->report && !cli_json_on_stdout(settings->report))
        status = cli_files_add_output(&files, settings->report, "the report");
    if (!status) status = cli_files_check(&files);
    cli_files_deinit(&files);
    if (!status) status = cli_check_writable(settings->out);
    if (!status) status = cli_check_writable(settings->report);
    if (!status) status = cli_check_writable(settings->builder.calibration.save_ranges);
    return status;
}

static qn_status *build(const char *path, const build_settings *settings) {
    builder b;
    cli_watch watch;
    result r = {.builder = &b, .out = settings->out};
    CLI_TRY(check_files(path, settings));
    cli_watch_begin(&watch);
    qn_status *status = builder_open(&b, path, &settings->builder, &cli_log);
    if (!status) status = compile(&b, settings, &watch, &r.report, &r.model);
    r.ms = cli_now_ms() - watch.start_ms;
    cli_watch_end(&watch);
    if (!status && r.model) status = show_result(&r, settings->report);
    build_report_deinit(&r.report);
    qn_model_destroy(r.model);
    builder_close(&b);
    return status;
}

/* Without -o, as compilers do it: models/net.pb becomes net.qn in the current folder. NULL: memory is short. */
static char *name_after(const char *model) {
    const char *name = cli_given_name(model), *end = name + strlen(name);
    while (end > name && end[-1] == '/') end--;
    const char *base = end;
    while (base > name && base[-1] != '/') base--;
    const char *dot = end;
    while (dot > base && *dot != '.') dot--;
    if (dot > base) end = dot;
    return cli_format("%.*s.qn", (int)(end - base), base);
}

/* Makes `settings` name an output, in *out_name, where it needs one. */
static int choose_output(const char *model, build_settings *settings, char **out_name) {
    if (settings->out || settings->print_config || settings->builder.calibration.save_ranges) return CLI_GO_ON;
    for (size_t i = 0; i < settings->builder.outputs.count; i++) {
        const char *output = settings->builder.outputs.items[i], *ending = strrchr(output, '.');
        if (ending && !strcmp(ending, ".qn"))
            return cli_usage("--output %s: --output names a value of the graph; the compiled file is -o %s", output,
                             output);
    }
    if (!strncmp(cli_given_name(model), "/dev/", 5))
        return cli_usage("-o OUT.qn is missing: a model that comes from a pipe has no name");
    settings->out = *out_name = name_after(model);
    if (!settings->out) return cli_fail(cli_out_of_memory());
    cli_note("the compiled file becomes %s (-o OUT.qn chooses another)", settings->out);
    return CLI_GO_ON;
}

int cli_cmd_build(int argc, char **argv) {
    build_settings settings = {0};
    char *name = NULL;
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) code = choose_output(argv[first], &settings, &name);
    if (code == CLI_GO_ON) code = calibration_check_options(&settings.builder.calibration);
    if (code == CLI_GO_ON) code = cli_finish(build(argv[first], &settings));
    builder_options_deinit(&settings.builder);
    free(name);
    return code;
}
