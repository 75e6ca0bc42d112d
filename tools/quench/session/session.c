#include "session/session.h"
#include "cli/measure.h"

#include "quench/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_is_compiled_file(const char *path) {
    unsigned char start[16];
    if (!cli_is_regular_file(path)) return 0;
    FILE *file = fopen(path, "rb");
    size_t bytes = file ? fread(start, 1, sizeof start, file) : 0;
    if (file) fclose(file);
    return qn_model_is_compiled(start, bytes);
}

void cli_run_options_deinit(cli_run_options *options) { builder_options_deinit(&options->source); }

cli_run_options cli_run_options_plain(const cli_run_options *options) {
    return (cli_run_options){.threads = options->threads, .cpu = options->cpu};
}

static qn_status *build_in_memory(const char *path, const builder_options *options, qn_model **out_model) {
    static const builder_options defaults;
    qn_build_options build;
    builder b;
    cli_watch watch;
    cli_watch_begin(&watch);
    qn_build_options_init(&build);
    build.log = &cli_log;
    build.cancel = cli_watch_is_cancelled;
    qn_status *status = builder_open(&b, path, options ? options : &defaults, &cli_log);
    if (!status) status = builder_calibrate(&b, &watch);
    if (!status) status = builder_build(&b, &build, out_model);
    builder_close(&b);
    cli_watch_end(&watch);
    if (!status)
        cli_note("%s: built in memory in %.0f ms; `quench build` keeps the result", path,
                 cli_now_ms() - watch.start_ms);
    return status;
}

static qn_status *load_compiled(const char *path, const builder_options *options, qn_memory memory,
                                qn_model **out_model) {
    qn_model_options load;
    qn_model_options_init(&load);
    load.memory = memory;
    const char *given = options ? builder_options_find_given(options) : NULL;
    if (given)
        return qn_status_create(QN_INVALID_ARGUMENT, "%s: is compiled already: %s is for source models", path, given);
    qn_status *status = qn_model_load_file(path, &load, out_model);
    return cli_name_file(status, path);
}

static qn_status *open_model(const char *path, const builder_options *source, qn_memory memory, qn_model **out_model,
                             int *out_is_compiled) {
    int is_compiled = cli_is_compiled_file(path);
    if (out_is_compiled) *out_is_compiled = is_compiled;
    *out_model = NULL;
    return is_compiled ? load_compiled(path, source, memory, out_model) : build_in_memory(path, source, out_model);
}

qn_status *cli_open_model(const char *path, const builder_options *source, qn_model **out_model, int *out_is_compiled) {
    return open_model(path, source, QN_MEMORY_MAP, out_model, out_is_compiled);
}

qn_status *cli_open_copy(const char *path, const builder_options *source, qn_model **out_model, int *out_is_compiled) {
    return open_model(path, source, QN_MEMORY_COPY, out_model, out_is_compiled);
}

static void note_threads(int threads) {
    static int noted; /* once, however many models are opened */
    if (noted) return;
    noted = 1;
    qn_cpu_thread_info info = qn_cpu_get_threads();
    char quota[64] = "no time limit";
    if (info.asked) {
        cli_note("%d thread%s (as QUENCH_THREADS says)", threads, threads == 1 ? "" : "s");
        return;
    }
    if (info.quota > 0) snprintf(quota, sizeof quota, "the control group grants the time of %.3g", info.quota);
    cli_note("%d thread%s (%d CPU%s in the affinity mask, %s)", threads, threads == 1 ? "" : "s", info.affinity,
             info.affinity == 1 ? "" : "s", quota);
}

qn_status *cli_session_bind(const cli_run_options *options, const qn_allocator *allocator, cli_session *session) {
    qn_engine_options engine;
    qn_engine_options_init(&engine);
    engine.threads = (int)options->threads;
    engine.cpu = options->cpu;
    engine.allocator = allocator;
    engine.log = &cli_log;
    double start = cli_now_ms();
    CLI_TRY(qn_engine_create(session->model, &engine, &session->engine));
    CLI_TRY(qn_context_create(session->engine, &session->context));
    session->bind_ms = cli_now_ms() - start;
    if (!options->threads) note_threads(qn_engine_threads(session->engine));
    cli_remark("CPU features in use: %s", qn_engine_cpu(session->engine));
    return NULL;
}

qn_status *cli_session_open(const char *path, const cli_run_options *options, const qn_allocator *allocator,
                            cli_session *out) {
    *out = (cli_session){0};
    double start = cli_now_ms();
    builder_options source = options->source;
    source.calibration.threads = options->threads;
    qn_status *status = cli_open_model(path, &source, &out->model, &out->is_compiled);
    out->load_ms = cli_now_ms() - start;
    if (!status) status = cli_session_bind(options, allocator, out);
    if (status) cli_session_close(out);
    return status;
}

void cli_session_close(cli_session *session) {
    qn_context_destroy(session->context);
    qn_engine_destroy(session->engine);
    qn_model_destroy(session->model);
    *session = (cli_session){0};
}

qn_status *cli_session_make_outputs(const cli_session *session, qn_tensor *out_outputs) {
    size_t count = qn_model_get_info(session->model)->output_count;
    memset(out_outputs, 0, count * sizeof *out_outputs);
    qn_status *status = NULL;
    for (size_t i = 0; i < count && !status; i++) {
        int rank;
        int64_t dims[QN_MAX_RANK];
        const qn_value_info *output = qn_model_output(session->model, i);
        status = qn_context_get_output_shape(session->context, i, &rank, dims);
        if (qn_status_code(status) == QN_UNAVAILABLE) {
            qn_status_free(status);
            status = NULL;
        }
        if (!status)
            status = cli_context(qn_tensor_init(output->dtype, rank, dims, NULL, &out_outputs[i]), "output '%s'",
                                 output->name);
    }
    for (size_t i = 0; status && i < count; i++) qn_tensor_deinit(&out_outputs[i], NULL);
    return status;
}

qn_status *cli_session_fit(const cli_session *session, const qn_tensor *inputs, qn_tensor *inout_outputs) {
    const qn_model_info *info = qn_model_get_info(session->model);
    for (size_t i = 0; i < info->output_count; i++) qn_tensor_deinit(&inout_outputs[i], NULL);
    CLI_TRY(cli_set_input_shapes(session->context, inputs, info->input_count));
    return cli_session_make_outputs(session, inout_outputs);
}

qn_status *cli_session_begin_trace(cli_session *session, qn_trace **out_trace) {
    CLI_TRY(qn_trace_create(NULL, out_trace));
    qn_status *status = qn_context_set_trace(session->context, *out_trace);
    if (!status) return NULL;
    qn_trace_destroy(*out_trace);
    *out_trace = NULL;
    return status;
}

qn_status *cli_session_end_trace(cli_session *session, qn_trace *trace, const char *path, qn_status *status) {
    if (!status) status = qn_trace_write_file(trace, path);
    if (!status && qn_trace_lost(trace)) cli_note("the trace leaves out %zu events, it is full", qn_trace_lost(trace));
    qn_status_free(qn_context_set_trace(session->context, NULL)); /* the context is idle: this cannot fail */
    qn_trace_destroy(trace);
    return status;
}

qn_status *cli_session_find_ceiling(const cli_session *session, uint64_t *out_bytes) {
    qn_status *status = qn_engine_measure_arena(session->engine, NULL, 0, out_bytes);
    if (qn_status_code(status) != QN_UNAVAILABLE) return status;
    qn_status_free(status);
    *out_bytes = 0;
    return NULL;
}
