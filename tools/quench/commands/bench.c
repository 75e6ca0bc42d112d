/* commands/bench.c - `quench bench`: latency, throughput and memory of a model. */
#include "show/layers.h"
#include "cli/measure.h"
#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_settings {
    const char *json, *trace;
    cli_texts shapes;
    cli_run_options run;
    int64_t warmup_ms, duration_ms, iterations; /* iterations 0: as many as fit into the duration */
    int layers;
} bench_settings;

enum { DAY_MS = 24 * 3600 * 1000 };

#define FIELD(name) offsetof(bench_settings, name), 0, 0

static const cli_option options[] = {
    {0, "shape", "[NAME=]1,513,513,3", "shape of an input; default: its largest", cli_add_text, FIELD(shapes)},
    {0, "warmup", "MS", "run so long before measuring; default 200", cli_set_int, offsetof(bench_settings, warmup_ms),
     0, DAY_MS},
    {0, "duration", "MS", "measure so long; default 2000", cli_set_int, offsetof(bench_settings, duration_ms), 1,
     DAY_MS},
    {0, "iterations", "N", "measure exactly N runs instead", cli_set_int, offsetof(bench_settings, iterations), 1,
     100000000},
    {0, "layers", NULL, "also the time of every step, and its share of this machine's peak", cli_set_flag,
     FIELD(layers)},
    {0, "trace", "FILE", "also one run as a trace for Chrome or Perfetto", cli_set_output, FIELD(trace)},
    CLI_RUN_OPTIONS(bench_settings),
    {0},
};

static const cli_command command = {
    "bench",
    "bench MODEL [options]",
    "Measures a model on inputs that are random but always the same. MODEL is a compiled file, or a source model, "
    "whose\n"
    "load_ms is then the time to import and build it. All times are in milliseconds, MB are 10^6 bytes.",
    options,
    1,
    1,
};

typedef struct bench {
    const bench_settings *settings;
    cli_counter counter;
    qn_allocator allocator;
    cli_session session;
    qn_tensor *inputs, *outputs;
    qn_shape *shapes;
    size_t input_count, output_count;
    double *samples;
    size_t sample_count, sample_room;
    double first_ms, wall_s, allocations_per_run;
    uint64_t arena_bytes, arena_bytes_range_max, peak_rss_bytes;
    cli_stats latency;
    layer_table layers;
} bench;

static void bench_deinit(bench *b) {
    for (size_t i = 0; b->inputs && i < b->input_count; i++) cli_tensor_free(&b->inputs[i]);
    for (size_t i = 0; b->outputs && i < b->output_count; i++) cli_tensor_free(&b->outputs[i]);
    free(b->inputs);
    free(b->outputs);
    free(b->shapes);
    free(b->samples);
    layer_table_deinit(&b->layers);
    cli_session_close(&b->session);
}

/* ---- Inputs ---- */

/* Floats in [-1, 1), bytes of every value, booleans; wider integers, which are sizes more often than data, are 1. */
static void fill_input(qn_tensor *input, uint64_t seed) {
    size_t bytes = cli_tensor_bytes(input), elems = bytes / cli_dtype_size(input->dtype);
    for (size_t i = 0; i < elems; i++) {
        uint64_t random = cli_random(&seed);
        double value = (double)(random >> 40) / (1 << 23) - 1;
        switch (input->dtype) {
        case QN_DTYPE_F32: ((float *)input->data)[i] = (float)value; break;
        case QN_DTYPE_F64: ((double *)input->data)[i] = value; break;
        case QN_DTYPE_F16:
            ((uint16_t *)input->data)[i] = (uint16_t)(0x3800 | (random & 0x83ff));
            break; /* 0.5 <= |x| < 1 */
        case QN_DTYPE_BF16: ((uint16_t *)input->data)[i] = (uint16_t)(0x3f00 | (random & 0x807f)); break;
        case QN_DTYPE_U8:
        case QN_DTYPE_S8: ((uint8_t *)input->data)[i] = (uint8_t)random; break;
        case QN_DTYPE_BOOL: ((uint8_t *)input->data)[i] = random & 1; break;
        case QN_DTYPE_S16:
        case QN_DTYPE_U16: ((uint16_t *)input->data)[i] = 1; break;
        case QN_DTYPE_S32:
        case QN_DTYPE_U32: ((uint32_t *)input->data)[i] = 1; break;
        default: ((uint64_t *)input->data)[i] = 1; break;
        }
    }
}

static qn_status *prepare(bench *b) {
    const qn_model_info *info = qn_model_get_info(b->session.model);
    b->input_count = info->input_count;
    b->output_count = info->output_count;
    b->inputs = calloc(b->input_count + 1, sizeof *b->inputs);
    b->outputs = calloc(b->output_count + 1, sizeof *b->outputs);
    b->shapes = calloc(b->input_count + 1, sizeof *b->shapes);
    if (!b->inputs || !b->outputs || !b->shapes) return cli_out_of_memory();
    CLI_TRY(cli_make_shapes(b->session.model, &b->settings->shapes, 1, b->shapes));
    double start = cli_now_ms();
    CLI_TRY(qn_context_set_input_shapes(b->session.context, b->shapes, b->input_count));
    b->session.bind_ms += cli_now_ms() - start;
    for (size_t i = 0; i < b->input_count; i++) {
        const qn_value_info *input = qn_model_input(b->session.model, i);
        CLI_TRY(cli_context(cli_tensor_init(input->dtype, b->shapes[i].rank, b->shapes[i].dims, &b->inputs[i]),
                            "input '%s'", input->name));
        fill_input(&b->inputs[i], i + 1);
    }
    return cli_session_make_outputs(&b->session, b->outputs);
}

/* ---- Measuring ---- */

static qn_status *run_once(bench *b, double *out_ms) {
    CLI_TRY(cli_watch_check());
    double start = cli_now_ms();
    CLI_TRY(qn_context_run(b->session.context, b->inputs, b->input_count, b->outputs, b->output_count));
    *out_ms = cli_now_ms() - start;
    return NULL;
}

static qn_status *add_sample(bench *b, double ms) {
    if (b->sample_count == b->sample_room) {
        size_t room = b->sample_room ? 2 * b->sample_room : 1024;
        double *samples = realloc(b->samples, room * sizeof *samples);
        if (!samples) return cli_out_of_memory();
        b->samples = samples;
        b->sample_room = room;
    }
    b->samples[b->sample_count++] = ms;
    return NULL;
}

static int is_enough(const bench *b, double elapsed_ms) {
    if (b->settings->iterations) return b->sample_count >= (size_t)b->settings->iterations;
    return b->sample_count && elapsed_ms >= (double)b->settings->duration_ms;
}

static qn_status *measure(bench *b) {
    double ms, start;
    CLI_TRY(run_once(b, &b->first_ms));
    for (start = cli_now_ms(); cli_now_ms() - start < (double)b->settings->warmup_ms;) CLI_TRY(run_once(b, &ms));
    uint64_t allocations = b->counter.allocations;
    for (start = cli_now_ms(); !is_enough(b, cli_now_ms() - start);) {
        CLI_TRY(run_once(b, &ms));
        CLI_TRY(add_sample(b, ms));
    }
    b->wall_s = 1e-3 * (cli_now_ms() - start);
    b->allocations_per_run = (double)(b->counter.allocations - allocations) / (double)b->sample_count;
    b->latency = cli_stats_from(b->samples, b->sample_count);
    b->peak_rss_bytes = cli_peak_rss_bytes();
    return NULL;
}

static qn_status *measure_layers(bench *b) {
    enum { RUNS_MAX = 20 };
    int runs = b->sample_count < RUNS_MAX ? (int)b->sample_count : RUNS_MAX;
    CLI_TRY(layer_table_init(&b->layers, &b->session));
    CLI_TRY(qn_context_set_profiling(b->session.context, 1));
    for (int i = 0; i < runs; i++) {
        double ms;
        CLI_TRY(run_once(b, &ms));
        CLI_TRY(layer_table_add(&b->layers, b->session.context));
    }
    return layer_table_finish(&b->layers, b->settings->run.cpu, qn_engine_threads(b->session.engine));
}

/* One more run. */
static qn_status *trace_run(bench *b) {
    qn_trace *trace;
    double ms;
    CLI_TRY(cli_session_begin_trace(&b->session, &trace));
    return cli_session_end_trace(&b->session, trace, b->settings->trace, run_once(b, &ms));
}

static qn_status *measure_memory(bench *b) {
    qn_arena_info arena;
    qn_context_get_arena(b->session.context, &arena);
    b->arena_bytes = arena.value_bytes + arena.scratch_bytes;
    return cli_session_find_ceiling(&b->session, &b->arena_bytes_range_max);
}

/* ---- Results ---- */

static void print_results(const bench *b, const char *path) {
    char text[CLI_DIMS_TEXT], precision[32];
    const cli_stats *t = &b->latency;
    cli_print_precision(b->session.model, precision, sizeof precision);
    cli_print("model\n  %-18s %s\n  %-18s %s\n", "file", path, "precision", precision);
    for (size_t i = 0; i < b->input_count; i++)
        cli_print("  %-18s %s: %s\n", "input", qn_model_input(b->session.model, i)->name,
                  cli_print_dims(b->shapes[i].rank, b->shapes[i].dims, text));
    cli_print("  %-18s %d\n  %-18s %s\n", "threads", qn_engine_threads(b->session.engine), "cpu",
              qn_engine_cpu(b->session.engine));
    cli_print("\nlatency, ms\n  %-18s %.3f (%zu runs in %.2f s)\n", "median", t->median, b->sample_count, b->wall_s);
    cli_print("  %-18s %.3f  %.3f  %.3f\n  %-18s %.3f  %.3f  %.3f\n", "mean, min, max", t->mean, t->min, t->max,
              "p90, p95, p99", t->p90, t->p95, t->p99);
    cli_print("  %-18s %.2f per second\n", "throughput", (double)b->sample_count / b->wall_s);
    cli_print("  %-18s %.3f\n  %-18s %.3f\n  %-18s %.3f\n", b->session.is_compiled ? "load" : "import and build",
              b->session.load_ms, "bind", b->session.bind_ms, "first run", b->first_ms);
    cli_print("\nmemory\n  %-18s %s\n", "constants",
              cli_print_bytes(qn_model_get_info(b->session.model)->const_bytes, text));
    cli_print("  %-18s %s\n", "arena", cli_print_bytes(b->arena_bytes, text));
    cli_print("  %-18s %s\n", "arena, whole range",
              b->arena_bytes_range_max ? cli_print_bytes(b->arena_bytes_range_max, text) : "no ceiling");
    cli_print("  %-18s %s\n  %-18s %g\n", "peak of process", cli_print_bytes(b->peak_rss_bytes, text),
              "allocations a run", b->allocations_per_run);
    if (b->settings->layers) layer_table_print(&b->layers);
}

static json_t *to_json(const bench *b, const char *path) {
    char precision[32];
    cli_print_precision(b->session.model, precision, sizeof precision);
    json_t *shapes = json_object();
    for (size_t i = 0; i < b->input_count; i++) {
        json_t *key = cli_json_text(qn_model_input(b->session.model, i)->name);
        json_object_set_new(shapes, json_string_value(key), cli_dims_to_json(b->shapes[i].rank, b->shapes[i].dims));
        json_decref(key);
    }
    json_t *object =
        json_pack("{s:o,s:o,s:i,s:s,s:o,s:f,s:f,s:f,s:o,s:f,s:I,s:f,s:I,s:I,s:o,s:I,s:f}", "model", cli_json_text(path),
                  "precision", cli_json_text(precision), "threads", qn_engine_threads(b->session.engine), "cpu",
                  qn_engine_cpu(b->session.engine), "shapes", shapes, "load_ms", b->session.load_ms, "bind_ms",
                  b->session.bind_ms, "first_ms", b->first_ms, "latency_ms", cli_stats_to_json(&b->latency),
                  "throughput_per_s", (double)b->sample_count / b->wall_s, "iterations", (json_int_t)b->sample_count,
                  "wall_s", b->wall_s, "const_bytes", (json_int_t)qn_model_get_info(b->session.model)->const_bytes,
                  "arena_bytes", (json_int_t)b->arena_bytes, "arena_bytes_range_max",
                  b->arena_bytes_range_max ? json_integer((json_int_t)b->arena_bytes_range_max) : json_null(),
                  "peak_rss_bytes", (json_int_t)b->peak_rss_bytes, "allocations_per_run", b->allocations_per_run);
    if (object && b->settings->layers) layer_table_to_json(&b->layers, object);
    return object;
}

static qn_status *measure_and_write(bench *b, const char *path) {
    CLI_TRY(cli_context(prepare(b), "%s", path));
    CLI_TRY(cli_context(measure(b), "%s", path));
    if (b->settings->layers) CLI_TRY(measure_layers(b));
    if (b->settings->trace) CLI_TRY(trace_run(b));
    CLI_TRY(measure_memory(b));
    if (!cli_json_on_stdout(b->settings->json)) print_results(b, path);
    return b->settings->json ? cli_write_json(b->settings->json, to_json(b, path)) : NULL;
}

static qn_status *run_bench(bench *b, const char *path) {
    cli_watch watch;
    b->allocator = cli_counting_allocator(&b->counter);
    CLI_TRY(cli_check_writable(b->settings->json));
    CLI_TRY(cli_check_writable(b->settings->trace));
    CLI_TRY(cli_session_open(path, &b->settings->run, &b->allocator, &b->session));
    cli_watch_begin(&watch);
    qn_status *status = measure_and_write(b, path);
    cli_watch_end(&watch);
    return status;
}

int cli_cmd_bench(int argc, char **argv) {
    bench_settings settings = {.warmup_ms = 200, .duration_ms = 2000};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) {
        bench b = {.settings = &settings};
        code = cli_finish(run_bench(&b, argv[first]));
        bench_deinit(&b);
    }
    free(settings.shapes.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
