#include "driver/compile/compile.h"

#include "driver/config/custom_nodes.h"
#include "driver/picture/layout.h"
#include "driver/picture/normalise.h"
#include "driver/shapes/ranges.h"
#include "driver/compile/refit_source.h"
#include "pass/narrow_types.h"
#include "plan/plan.h"

#include <string.h>

/* ---- What the configuration changes before any pass ---- */

static void forward_warning(void *self, const char *message) {
    const qn_log *log = self;
    if (log) log->write(log->self, QN_LOG_WARNING, message);
}

static const char *text_at(const qn_config *config, const char *path) {
    const char *text = json_string_value(qn_config_find(config, path));
    return text ? text : "";
}

static int has_bytes(const qn_config *config) {
    return !strncmp(text_at(config, "precision_config.precision_mode"), "qint8", strlen("qint8"));
}

static qn_status *check_weight_type(const qn_config *config) {
    if (!has_bytes(config) || strcmp(text_at(config, "precision_config.weight_type"), "int16")) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "precision_config.weight_type int16 goes with activations of 16 bits only: choose a mode "
                  "qint16_*, or ask for nodes with \"precision\": \"int16\" in custom_nodes");
}

/* Ranges are given in the source's layout, and what is done to an input comes in the order in which data passes: layout,
   normalisation, network. */
qn_status *qn_compile_prepare(qn_graph *graph, const qn_config *config, const qn_log *log, qn_pins *pins,
                              qn_meta_facts *facts) {
    QN_TRY(qn_meta_facts_init(facts, graph));
    facts->pins = pins;
    QN_TRY(check_weight_type(config));
    QN_TRY(qn_custom_nodes_apply(graph, config, log));
    if (qn_config_bool(config, "opt_config.type64to32_conversion", 0))
        QN_TRY(qn_narrow_types(graph, forward_warning, (void *)(uintptr_t)log));
    QN_TRY(qn_ranges_apply(graph, config, log, pins));
    QN_TRY(qn_inputs_normalise(graph, config));
    QN_TRY(qn_layouts_convert(graph, config, facts->input_perms));
    return qn_graph_infer(graph);
}

/* ---- Precision ---- */

enum { ROUNDING_ITERATIONS = 3 }; /* the default of config_keys.def: more hardly helps */

const qn_cost_model *qn_compile_cost_model(const qn_config *config) {
    const json_t *first = json_array_get(qn_config_find(config, "archs"), 0);
    const char *name = json_is_object(first) ? json_object_iter_key(json_object_iter((json_t *)(uintptr_t)first))
                                             : json_string_value(first);
    return qn_cost_model_find(name);
}

int64_t qn_compile_rounding_iterations(const qn_config *config) {
    int is_integer = !strncmp(text_at(config, "precision_config.precision_mode"), "qint", strlen("qint"));
    int has_byte_weights = has_bytes(config) || !strcmp(text_at(config, "precision_config.weight_type"), "int8") ||
                           qn_custom_nodes_ask_for_bytes(config);
    return is_integer && has_byte_weights
               ? qn_config_int(config, "precision_config.rounding_iterations", ROUNDING_ITERATIONS)
               : 0;
}

qn_status *qn_compile_set_precision(qn_graph *graph, const qn_config *config) {
    const char *mode = text_at(config, "precision_config.precision_mode");
    const qn_who who = {QN_ASKER_MODE, qn_arena_copy_string(graph->arena, mode, strlen(mode))};
    if (!who.name) return qn_status_out_of_memory();
    if (strstr(mode, "float16")) {
        graph->precision = QN_DTYPE_F16;
        graph->precision_asker = who;
    }
    if (strncmp(mode, "qint", 4)) return NULL;
    int per_tensor = !strcmp(text_at(config, "precision_config.weight_quant_granularity"), "per_tensor");
    graph->integer = (qn_integer_wish){
        .dtype = !strncmp(mode, "qint16", 6) ? QN_DTYPE_S16 : QN_DTYPE_U8,
        .weights = !strcmp(text_at(config, "precision_config.weight_type"), "int8") ? QN_DTYPE_S8 : QN_DTYPE_S16,
        .who = who,
        .arch = qn_compile_cost_model(config)->arch,
        .per_tensor = per_tensor,
        .symmetric = !strcmp(text_at(config, "precision_config.activation_quant_algo"), "symmetric"),
        .equalise = qn_config_bool(config, "precision_config.channel_scales", !per_tensor),
        .correct_bias = qn_config_bool(config, "precision_config.bias_correction", 1),
        .rounding_iterations = qn_compile_rounding_iterations(config),
    };
    return NULL;
}

/* ---- Passes ---- */

static void show_graph(void *self, const qn_pass *pass, const qn_graph *graph) {
    const qn_build_options *options = self;
    if (strcmp(options->print_after, "all") && strcmp(options->print_after, pass->name)) return;
    qn_buffer text;
    qn_buffer_init(&text, options->allocator);
    qn_graph_print(graph, 0, &text);
    options->after_pass(options->after_pass_self, pass->name, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
}

static qn_status *before_pass(void *self, const qn_pass *pass, size_t number, size_t total) {
    (void)pass;
    return qn_progress_step(self, "optimise", number, total);
}

qn_status *qn_compile_passes(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                             qn_progress *progress, qn_pass_stage first, qn_pass_stage last) {
    const json_t *skipped = qn_config_find(config, "debug_config.skip_passes");
    size_t skip_count = json_array_size(skipped);
    const char **skip = QN_ARENA_ARRAY(graph->arena, const char *, skip_count + 1);
    if (!skip) return qn_status_out_of_memory();
    for (size_t i = 0; i < skip_count; i++) skip[i] = json_string_value(json_array_get(skipped, i));
    if (!qn_config_bool(config, "opt_config.conv_scale_fold", 1)) skip[skip_count++] = "fold_scale";
    qn_pass_options passes = {.fusion = qn_config_bool(config, "debug_config.fusion_enable", 1),
                              .skip = skip,
                              .skip_count = skip_count,
                              .before = before_pass,
                              .before_self = progress};
    if (options->print_after && options->after_pass) {
        passes.after = show_graph;
        passes.after_self = (void *)(uintptr_t)options;
    }
    return qn_passes_run(graph, first, last, &passes);
}

/* ---- Program ---- */

qn_status *qn_compile_program(qn_graph *graph, const char *meta, qn_bytes weights, const qn_progress *progress,
                              qn_buffer *file) {
    qn_program program;
    QN_TRY(qn_progress_step(progress, "plan", 0, 1));
    QN_TRY(qn_plan_build(graph, meta, graph->arena, &program));
    if (weights.size) QN_TRY(qn_refit_source_append(weights, graph->arena, &program));
    QN_TRY(qn_progress_step(progress, "plan", 1, 1));
    QN_TRY(qn_progress_step(progress, "write", 0, 1));
    QN_TRY(qn_program_write(&program, file));
    if (file->failed) return qn_status_out_of_memory();
    return qn_progress_step(progress, "write", 1, 1);
}
