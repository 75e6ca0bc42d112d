#include "quench/build.h"

#include "base/file.h"
#include "driver/config.h"
#include "driver/custom_nodes.h"
#include "driver/layout.h"
#include "driver/meta.h"
#include "driver/network.h"
#include "driver/normalise.h"
#include "driver/progress.h"
#include "driver/ranges.h"
#include "pass/narrow_types.h"
#include "pass/pass.h"
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

void qn_build_options_init(qn_build_options *options) { *options = (qn_build_options){.size = sizeof *options}; }

/* Shows the graph after a pass to whoever asked for it. */
static void after_pass(void *self, const qn_pass *pass, const qn_graph *graph) {
    const qn_build_options *options = self;
    if (strcmp(options->print_after, "all") && strcmp(options->print_after, pass->name)) return;
    qn_buffer text;
    qn_buffer_init(&text, options->allocator);
    qn_graph_print(graph, 0, &text);
    options->after_pass(options->after_pass_self, pass->name, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
}

static qn_status *check_print_after(const char *name) {
    const char *names[64];
    if (!name || !strcmp(name, "all") || qn_pass_find(name)) return NULL;
    size_t count = qn_pass_count();
    for (size_t i = 0; i < count && i < 64; i++) names[i] = qn_pass_at(i)->name;
    const char *nearest = qn_text_nearest(name, names, count);
    return QN_ERR(QN_INVALID_ARGUMENT, "there is no pass '%s'%s%s", name, nearest ? "; nearest: " : "",
                  nearest ? nearest : "");
}

/* ---- Progress ---- */

static qn_progress progress_of(const qn_build_options *options) {
    return (qn_progress){options->progress, options->progress_self, options->cancel, options->cancel_self};
}

static qn_status *before_pass(void *self, const qn_pass *pass, size_t number, size_t total) {
    (void)pass;
    return qn_progress_step(self, "optimise", number, total);
}

/* ---- What the configuration changes before any pass ---- */

static void forward_warning(void *self, const char *message) {
    const qn_log *log = self;
    if (log) log->write(log->self, QN_LOG_WARNING, message);
}

/* Types, shapes and layouts as configured; then what the compiled file says of itself. Ranges are given in the source's
   layout, and what is done to an input comes in the order in which data passes: layout, normalisation, network. */
static qn_status *prepare(qn_network *network, const qn_config *config, const qn_build_options *options,
                          qn_buffer *meta) {
    qn_graph *graph = network->graph;
    qn_pins pins;
    qn_meta_facts facts;
    QN_TRY(qn_meta_facts_init(&facts, graph));
    facts.pins = &pins;
    QN_TRY(qn_custom_nodes_apply(graph, config, options->log));
    if (qn_config_bool(config, "opt_config.type64to32_conversion", 0))
        QN_TRY(qn_narrow_types(graph, forward_warning, (void *)options->log));
    QN_TRY(qn_ranges_apply(graph, config, options->log, &pins));
    QN_TRY(qn_inputs_normalise(graph, config));
    QN_TRY(qn_layouts_convert(graph, config, facts.input_perms));
    QN_TRY(qn_graph_infer(graph));
    return qn_meta_write(network, config, &facts, meta);
}

/* ---- debug_config.print_ir ---- */

/* Hands the log one line at a time. */
static void log_lines(const qn_log *log, char *text) {
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = 0;
        log->write(log->self, QN_LOG_INFO, line);
    }
}

static qn_status *print_ir(const qn_graph *graph, const qn_config *config, const char *when,
                           const qn_build_options *options) {
    char key[64];
    int64_t level = qn_config_int(config, "debug_config.print_ir.print_level", 1);
    snprintf(key, sizeof key, "debug_config.print_ir.%s", when);
    if (!qn_config_bool(config, key, 0) || !level || (!options->after_pass && !options->log)) return NULL;
    qn_buffer text;
    qn_buffer_init(&text, options->allocator);
    qn_graph_print(graph, level > 1, &text);
    const char *whole = qn_buffer_text(&text);
    int failed = text.failed;
    if (!failed && options->after_pass)
        options->after_pass(options->after_pass_self, when, whole);
    else if (!failed)
        log_lines(options->log, (char *)(uintptr_t)whole);
    qn_buffer_deinit(&text);
    return failed ? qn_status_out_of_memory() : NULL;
}

/* ---- Passes and program ---- */

/* Layers that were asked to store halves and could not, because of a weight. */
static void warn_of_large_constants(const qn_graph *graph, const qn_log *log) {
    static const char start[] = "f32: constant ";
    for (const qn_node *node = graph->first; node; node = node->next) {
        if (!node->precision_reason || strncmp(node->precision_reason, start, sizeof start - 1)) continue;
        char message[512];
        snprintf(message, sizeof message, "node '%s' stays in float32: %s", node->name, node->precision_reason + strlen("f32: "));
        log->write(log->self, QN_LOG_WARNING, message);
    }
}

static qn_status *run_passes(qn_network *network, const qn_config *config, const qn_build_options *options) {
    qn_progress progress = progress_of(options);
    const json_t *skipped = qn_config_find(config, "debug_config.skip_passes");
    size_t skip_count = json_array_size(skipped);
    const char **skip = QN_ARENA_ARRAY(&network->arena, const char *, skip_count + 1);
    if (!skip) return qn_status_out_of_memory();
    for (size_t i = 0; i < skip_count; i++) skip[i] = json_string_value(json_array_get(skipped, i));
    if (!qn_config_bool(config, "opt_config.conv_scale_fold", 1)) skip[skip_count++] = "fold_scale";
    qn_pass_options passes = {
        .fusion = qn_config_bool(config, "debug_config.fusion_enable", 1), .skip = skip, .skip_count = skip_count};
    passes.before = before_pass;
    passes.before_self = &progress;
    if (options->print_after && options->after_pass) {
        passes.after = after_pass;
        passes.after_self = (void *)options;
    }
    const char *mode = json_string_value(qn_config_find(config, "precision_config.precision_mode"));
    if (mode && !strcmp(mode, "force_float16")) {
        network->graph->precision = QN_DTYPE_F16;
        network->graph->precision_reason = "force_float16";
    }
    QN_TRY(qn_passes_run(network->graph, QN_PASS_CLEAN, QN_PASS_CONVERT, &passes));
    if (options->log) warn_of_large_constants(network->graph, options->log);
    return NULL;
}

static qn_status *compile(qn_network *network, const qn_config *config, const qn_build_options *options,
                          qn_buffer *meta, qn_buffer *file) {
    qn_program program;
    qn_progress progress = progress_of(options);
    QN_TRY(check_print_after(options->print_after));
    QN_TRY(qn_progress_step(&progress, "prepare", 0, 1));
    QN_TRY(prepare(network, config, options, meta));
    QN_TRY(qn_progress_step(&progress, "prepare", 1, 1));
    QN_TRY(print_ir(network->graph, config, "before_build", options));
    QN_TRY(run_passes(network, config, options));
    QN_TRY(qn_progress_step(&progress, "optimise", 1, 1));
    QN_TRY(print_ir(network->graph, config, "after_build", options));
    QN_TRY(qn_progress_step(&progress, "plan", 0, 1));
    QN_TRY(qn_plan_build(network->graph, qn_buffer_text(meta), &network->arena, &program));
    QN_TRY(qn_progress_step(&progress, "plan", 1, 1));
    QN_TRY(qn_progress_step(&progress, "write", 0, 1));
    QN_TRY(qn_program_write(&program, file));
    QN_TRY(qn_progress_step(&progress, "write", 1, 1));
    return file->failed ? qn_status_out_of_memory() : NULL;
}

/* What was written is read back like any file, so nothing leaves the compiler that the loader would refuse. */
static qn_status *read_back(const qn_buffer *file, const qn_build_options *options, qn_model **out_model) {
    qn_progress progress = progress_of(options);
    qn_model_options model_options;
    qn_model_options_init(&model_options);
    model_options.allocator = options->allocator;
    QN_TRY(qn_progress_step(&progress, "check", 0, 1));
    QN_TRY(qn_model_load_memory(file->data, file->size, QN_MEMORY_COPY, &model_options, out_model));
    qn_status *status = qn_progress_step(&progress, "check", 1, 1);
    if (!status) return NULL;
    qn_model_destroy(*out_model);
    *out_model = NULL;
    return status;
}

qn_status *qn_build(qn_network *network, const qn_config *config, const qn_build_options *options,
                    qn_model **out_model) {
    qn_build_options defaults;
    qn_build_options_init(&defaults);
    if (!options) options = &defaults;
    *out_model = NULL;
    if (network->consumed)
        return QN_ERR(QN_INVALID_ARGUMENT, "this network has been built already: import it again for another build");
    network->consumed = 1;
    qn_buffer meta, file;
    qn_buffer_init(&meta, options->allocator);
    qn_buffer_init(&file, options->allocator);
    qn_status *status = compile(network, config, options, &meta, &file);
    if (!status) status = read_back(&file, options, out_model);
    qn_buffer_deinit(&meta);
    qn_buffer_deinit(&file);
    return status;
}

qn_status *qn_model_save_file(const qn_model *model, const char *path) {
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    return qn_file_write_atomic(path, data, bytes);
}

const char *qn_pass_name(size_t index) { return index < qn_pass_count() ? qn_pass_at(index)->name : NULL; }
const char *qn_pass_description(size_t index) { return index < qn_pass_count() ? qn_pass_at(index)->doc : NULL; }
