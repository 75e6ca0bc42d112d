#include "driver/build/build.h"

#include "base/entry.h"
#include "base/file.h"
#include "driver/compile/compile.h"
#include "driver/build/integers.h"
#include "driver/report/report.h"

#include <stdio.h>
#include <string.h>

void qn_build_options_init(qn_build_options *options) {
    if (!options) return;
    *options = (qn_build_options){.size = sizeof *options};
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
    return (qn_progress){options->progress, options->progress_self, {options->cancel, options->cancel_self}};
}

/* Weights of integers were scaled to what the network computed with the old ones. */
static qn_status *check_refit(const qn_config *config) {
    const char *mode = json_string_value(qn_config_find(config, "precision_config.precision_mode"));
    if (!mode || !strncmp(mode, "force_float", strlen("force_float"))) return NULL;
    return QN_ERR(QN_UNSUPPORTED,
                  "enable_refit: with precision mode %s no weight can be replaced, since scales are calibrated for the "
                  "weights that were there: build again, or use force_float32 or force_float16",
                  mode);
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
static qn_status *warn_of_large_constants(const qn_graph *graph, const qn_log *log) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        const qn_outcome *outcome = &qn_facts_of(graph, node)->outcome;
        char message[512];
        if (outcome->why != QN_WHY_CONSTANT_TOO_LARGE || outcome->dtype != QN_DTYPE_F32) continue;
        const char *why = qn_outcome_text_untyped(outcome, graph->arena);
        if (!why) return qn_status_out_of_memory();
        snprintf(message, sizeof message, "node '%s' stays in float32: %s", node->name, why);
        log->write(log->self, QN_LOG_WARNING, message);
    }
    return NULL;
}

static qn_status *run_passes(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                             qn_progress *progress) {
    qn_report report;
    qn_norms norms = {{0}};
    graph->cancel = progress->cancel;
    QN_TRY(qn_compile_set_precision(graph, config));
    QN_TRY(qn_report_begin(&report, graph, config, options, progress));
    if (graph->integer.dtype) QN_TRY(qn_norms_find(graph, &norms));
    for (int stage = QN_PASS_CLEAN; stage <= QN_PASS_CONVERT; stage++) {
        QN_TRY(qn_compile_passes(graph, config, options, progress, (qn_pass_stage)stage, (qn_pass_stage)stage));
        if (stage == QN_PASS_SIMPLIFY) QN_TRY(qn_integers_prepare(graph, &norms, config, options, progress));
        QN_TRY(qn_report_after(&report, graph, (qn_pass_stage)stage));
    }
    if (options->log) QN_TRY(warn_of_large_constants(graph, options->log));
    return qn_progress_step(progress, "optimise", 1, 1);
}

static qn_status *prepare(qn_network *network, const qn_config *config, const qn_build_options *options,
                          const qn_progress *progress, qn_buffer *meta, qn_bytes *out_weights) {
    qn_pins pins;
    qn_meta_facts facts;
    QN_TRY(qn_progress_step(progress, "prepare", 0, 1));
    QN_TRY(qn_compile_prepare(network->graph, config, options->log, &pins, &facts));
    if (qn_config_bool(config, "enable_refit", 0)) {
        QN_TRY(check_refit(config));
        QN_TRY(qn_refit_source_take(&network->graph, &network->arena, &facts.refit));
    }
    *out_weights = facts.refit.weights;
    QN_TRY(qn_meta_write(network, config, &facts, meta));
    return qn_progress_step(progress, "prepare", 1, 1);
}

qn_status *qn_build_prepared(qn_network *network, const qn_config *config, const qn_build_options *options,
                             const char *meta, qn_bytes weights, qn_buffer *file) {
    qn_progress progress = progress_of(options);
    QN_TRY(run_passes(network->graph, config, options, &progress));
    qn_integers_warn_of_source(network, options);
    QN_TRY(print_ir(network->graph, config, "after_build", options));
    return qn_compile_program(network->graph, meta, weights, &progress, file);
}

static qn_status *compile(qn_network *network, const qn_config *config, const qn_build_options *options,
                          qn_buffer *meta, qn_buffer *file) {
    qn_progress progress = progress_of(options);
    qn_bytes weights;
    QN_TRY(check_print_after(options->print_after));
    QN_TRY(prepare(network, config, options, &progress, meta, &weights));
    QN_TRY(print_ir(network->graph, config, "before_build", options));
    return qn_build_prepared(network, config, options, qn_buffer_text(meta), weights, file);
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
    QN_ENTER();
    QN_REQUIRE_ARG(out_model);
    *out_model = NULL;
    QN_REQUIRE_ARG(network);
    qn_build_options defaults;
    qn_build_options_init(&defaults);
    if (!options) options = &defaults;
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
    QN_ENTER();
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARG(path);
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    return qn_file_write_atomic(path, data, bytes);
}

const char *qn_pass_name(size_t index) { return index < qn_pass_count() ? qn_pass_at(index)->name : NULL; }
const char *qn_pass_description(size_t index) { return index < qn_pass_count() ? qn_pass_at(index)->doc : NULL; }
