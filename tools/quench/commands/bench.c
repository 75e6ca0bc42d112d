/* commands/bench.c - `quench bench`: latency, throughput and memory of a model. */
#include "show/layers.h"
#include "cli/measure.h"
#include "cli/watch.h"
#include "session/bench_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench_settings {
    const char *json, *trace;
    bench_inputs_options inputs;
    cli_run_options run;
    int64_t contexts, warmup_ms, duration_ms, iterations; /* iterations 0: as many as fit into the duration */
    int layers;
} bench_settings;

enum { DAY_MS = 24 * 3600 * 1000, CONTEXTS_MAX = 1024, BATCH_MAX = 65536, GROUPS_SHOWN = 20 };

#define FIELD(name) offsetof(bench_settings, name), 0, 0

static const cli_option options[] = {
    {0, "shape", "[NAME=]1,513,513,3", "shape of an input; default: its largest. Several: measured in turn",
     cli_add_text, FIELD(inputs.shapes)},
    {0, "batch", "N", "the first dim of every input; of --images, so many pictures a run", cli_set_int,
     offsetof(bench_settings, inputs.batch), 1, BATCH_MAX},
    {0, "input", "[NAME=]FILE", "values of an input, x.npy or raw bytes; default: random. Several: in turn",
     cli_add_input, FIELD(inputs.files)},
    {0, "images", "WHAT", "pictures, folders of them or lists, fitted as `segment` does, in turn", cli_add_input,
     FIELD(inputs.images)},
    {0, "limit", "N", "at most N of the pictures, evenly spread; default 100", cli_set_int,
     offsetof(bench_settings, inputs.limit), 1, 1000000},
    {0, "fit", "HOW", "shrink (usual), longest, stretch, tile: as `segment`", fitter_set_choice, FIELD(inputs.fit)},
    FITTER_LIMITS_OPTION(offsetof(bench_settings, inputs.fit.limits)),
    {0, "contexts", "N", "runs at the same time, each on a thread of its own; default 1", cli_set_int,
     offsetof(bench_settings, contexts), 1, CONTEXTS_MAX},
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
    "Measures a model on inputs that are random but always the same, or on files. MODEL is a compiled file, or a source\n"
    "model, whose load_ms is then the time to import and build it. All times are in milliseconds, MB are 10^6 bytes.\n"
    "For throughput, --threads 1 --contexts N runs N inputs side by side; for latency, one context has all threads.",
    options,
    1,
    1,
};

typedef struct bench {
    const bench_settings *settings;
    cli_counter counter;
    qn_allocator allocator;
    cli_session session;
    bench_inputs inputs;
    qn_tensor *outputs; /* for the first set of inputs */
    size_t output_count;
    qn_bench *result;
    uint64_t allocations; /* while measuring */
    uint64_t arena_bytes, arena_bytes_range_max, peak_rss_bytes;
    layer_table layers;
} bench;

static void bench_deinit(bench *b) {
    for (size_t i = 0; b->outputs && i < b->output_count; i++) qn_tensor_deinit(&b->outputs[i], NULL);
    free(b->outputs);
    bench_inputs_deinit(&b->inputs);
    qn_bench_destroy(b->result);
    layer_table_deinit(&b->layers);
    cli_session_close(&b->session);
}

/* Inputs, and the session's context ready for the first set of them. */
static qn_status *prepare(bench *b) {
    CLI_TRY(bench_inputs_make(b->session.model, &b->settings->inputs, &b->inputs));
    b->output_count = qn_model_get_info(b->session.model)->output_count;
    b->outputs = calloc(b->output_count + 1, sizeof *b->outputs);
    if (!b->outputs) return cli_out_of_memory();
    double start = cli_now_ms();
    CLI_TRY(cli_set_input_shapes(b->session.context, b->inputs.tensors, b->inputs.input_count));
    b->session.bind_ms += cli_now_ms() - start;
    return cli_session_make_outputs(&b->session, b->outputs);
}

/* ---- Measuring ---- */

/* One run of the session's context, on the first set of inputs. */
static qn_status *run_once(bench *b) {
    CLI_TRY(cli_watch_check());
    return qn_context_run(b->session.context, b->inputs.tensors, b->inputs.input_count, b->outputs, b->output_count);
}

static void count_allocations(void *self, int is_end) {
    bench *b = self;
    b->allocations = is_end ? b->counter.allocations - b->allocations : b->counter.allocations;
}

static qn_status *measure(bench *b) {
    const bench_settings *settings = b->settings;
    qn_bench_options how;
    qn_bench_options_init(&how);
    how.contexts = (int)settings->contexts;
    how.warmup_ms = settings->warmup_ms;
    how.duration_ms = settings->duration_ms;
    how.iterations = settings->iterations;
    how.mark = count_allocations;
    how.cancel = cli_watch_is_cancelled;
    how.self = b;
    CLI_TRY(qn_bench_run(b->session.engine, b->inputs.tensors, b->inputs.set_count, &how, &b->result));
    b->peak_rss_bytes = cli_peak_rss_bytes();
    return NULL;
}

static qn_status *measure_layers(bench *b) {
    enum { RUNS_MAX = 20 };
    const size_t measured = qn_bench_get_info(b->result)->runs;
    int runs = measured < RUNS_MAX ? (int)measured : RUNS_MAX;
    CLI_TRY(layer_table_init(&b->layers, &b->session));
    CLI_TRY(qn_context_set_profiling(b->session.context, 1));
    for (int i = 0; i < runs; i++) {
        CLI_TRY(run_once(b));
        CLI_TRY(layer_table_add(&b->layers, b->session.context));
    }
    return layer_table_finish(&b->layers, b->settings->run.cpu, qn_engine_threads(b->session.engine));
}

/* One more run. */
static qn_status *trace_run(bench *b) {
    qn_trace *trace;
    CLI_TRY(cli_session_begin_trace(&b->session, &trace));
    return cli_session_end_trace(&b->session, trace, b->settings->trace, run_once(b));
}

static qn_status *measure_memory(bench *b) {
    qn_arena_info arena;
    qn_context_get_arena(b->session.context, &arena);
    b->arena_bytes = arena.value_bytes + arena.scratch_bytes;
    return cli_session_find_ceiling(&b->session, &b->arena_bytes_range_max);
}

/* ---- Results ---- */

/* How many inputs one run takes: the largest first dim of an input, of the first set. */
static int64_t batch_of(const bench *b) {
    int64_t most = 1;
    for (size_t i = 0; i < b->inputs.input_count; i++) {
        const qn_tensor *input = &b->inputs.tensors[i];
        if (qn_model_input(b->session.model, i)->rank > 1 && input->rank > 1 && input->dims[0] > most)
            most = input->dims[0];
    }
    return most;
}

static void print_model(const bench *b, const char *path) {
    char text[QN_DIMS_TEXT], precision[32];
    const qn_bench_info *info = qn_bench_get_info(b->result);
    cli_print_precision(b->session.model, precision, sizeof precision);
    cli_print("model\n  %-18s %s\n  %-18s %s\n", "file", path, "precision", precision);
    for (size_t i = 0; i < b->inputs.input_count && info->group_count == 1; i++) {
        const qn_tensor *input = &b->inputs.tensors[i];
        cli_print("  %-18s %s: %s\n", "input", qn_model_input(b->session.model, i)->name,
                  qn_dims_print(input->rank, input->dims, text));
    }
    if (b->inputs.set_count > 1)
        cli_print("  %-18s %zu sets of %zu shape%s, in turn\n", "inputs", b->inputs.set_count, info->group_count,
                  info->group_count == 1 ? "" : "s");
    if (info->contexts > 1) cli_print("  %-18s %d\n", "contexts", info->contexts);
    cli_print("  %-18s %d\n  %-18s %s\n", "threads", qn_engine_threads(b->session.engine), "cpu",
              qn_engine_cpu(b->session.engine));
}

static void print_latency(const bench *b) {
    const qn_bench_info *info = qn_bench_get_info(b->result);
    const qn_bench_stats *t = &info->latency;
    cli_print("\nlatency, ms\n  %-18s %.3f (%zu runs in %.2f s)\n", "median", t->median, info->runs, info->wall_s);
    cli_print("  %-18s %.3f  %.3f  %.3f\n  %-18s %.3f  %.3f  %.3f\n", "mean, min, max", t->mean, t->min, t->max,
              "p90, p95, p99", t->p90, t->p95, t->p99);
    cli_print("  %-18s %.2f per second", "throughput", info->runs_per_s);
    if (batch_of(b) > 1) cli_print(", %.2f inputs", info->runs_per_s * (double)batch_of(b));
    cli_print("\n  %-18s %.0f %% of the CPUs this process may use\n", "utilisation", 100 * info->utilisation);
    cli_print("  %-18s %.3f\n  %-18s %.3f\n  %-18s %.3f\n", b->session.is_compiled ? "load" : "import and build",
              b->session.load_ms, "bind", b->session.bind_ms, "first run", info->first_ms);
    if (info->shape_ms > 0) cli_print("  %-18s %.3f\n", "change of shapes", info->shape_ms);
}

/* "1x513x513x3", of several inputs with commas. */
static void print_group_shapes(const qn_bench_group *group, size_t input_count) {
    char text[QN_DIMS_TEXT];
    for (size_t i = 0; i < input_count; i++)
        cli_print("%s%s", i ? ", " : "", qn_dims_print(group->shapes[i].rank, group->shapes[i].dims, text));
}

static void print_groups(const bench *b) {
    const size_t count = qn_bench_get_info(b->result)->group_count;
    if (count < 2) return;
    cli_print("\nby shape, ms\n  %6s %6s %9s %9s %9s %9s  %s\n", "sets", "runs", "median", "mean", "p90", "max",
              "shapes");
    for (size_t g = 0; g < count && g < GROUPS_SHOWN; g++) {
        const qn_bench_group *group = qn_bench_get_group(b->result, g);
        const qn_bench_stats *t = &group->latency;
        cli_print("  %6zu %6zu %9.3f %9.3f %9.3f %9.3f  ", group->sets, group->runs, t->median, t->mean, t->p90,
                  t->max);
        print_group_shapes(group, b->inputs.input_count);
        cli_print("\n");
    }
    if (count > GROUPS_SHOWN) cli_print("  and %zu more; --json FILE has them all\n", count - GROUPS_SHOWN);
}

static void print_memory(const bench *b) {
    char text[CLI_BYTES_TEXT];
    cli_print("\nmemory\n  %-18s %s\n", "constants",
              cli_print_bytes(qn_model_get_info(b->session.model)->const_bytes, text));
    cli_print("  %-18s %s\n", "arena", cli_print_bytes(b->arena_bytes, text));
    cli_print("  %-18s %s\n", "arena, whole range",
              b->arena_bytes_range_max ? cli_print_bytes(b->arena_bytes_range_max, text) : "no ceiling");
    cli_print("  %-18s %s\n  %-18s %g\n", "peak of process", cli_print_bytes(b->peak_rss_bytes, text),
              "allocations a run", (double)b->allocations / (double)qn_bench_get_info(b->result)->runs);
}

static void print_results(const bench *b, const char *path) {
    print_model(b, path);
    print_latency(b);
    print_groups(b);
    print_memory(b);
    if (b->settings->layers) layer_table_print(&b->layers);
}

static json_t *shapes_to_json(const bench *b, const qn_bench_group *group) {
    json_t *shapes = json_object();
    for (size_t i = 0; i < b->inputs.input_count; i++) {
        json_t *key = cli_json_text(qn_model_input(b->session.model, i)->name);
        json_object_set_new(shapes, json_string_value(key),
                            cli_dims_to_json(group->shapes[i].rank, group->shapes[i].dims));
        json_decref(key);
    }
    return shapes;
}

static json_t *groups_to_json(const bench *b) {
    json_t *groups = json_array();
    for (size_t g = 0; g < qn_bench_get_info(b->result)->group_count; g++) {
        const qn_bench_group *group = qn_bench_get_group(b->result, g);
        json_array_append_new(groups, json_pack("{s:o,s:I,s:I,s:o}", "shapes", shapes_to_json(b, group), "sets",
                                                (json_int_t)group->sets, "runs", (json_int_t)group->runs, "latency_ms",
                                                cli_stats_to_json(&group->latency)));
    }
    return groups;
}

static json_t *to_json(const bench *b, const char *path) {
    char precision[32];
    const qn_bench_info *info = qn_bench_get_info(b->result);
    cli_print_precision(b->session.model, precision, sizeof precision);
    json_t *object = json_pack(
        "{s:o,s:o,s:i,s:i,s:s,s:o,s:f,s:f,s:f,s:f,s:o,s:o,s:f,s:f,s:f,s:f,s:I,s:f,s:I,s:I,s:o,s:I,s:f}", "model",
        cli_json_text(path), "precision", cli_json_text(precision), "threads", qn_engine_threads(b->session.engine),
        "contexts", info->contexts, "cpu", qn_engine_cpu(b->session.engine), "shapes",
        shapes_to_json(b, qn_bench_get_group(b->result, 0)), "load_ms", b->session.load_ms, "bind_ms",
        b->session.bind_ms, "first_ms", info->first_ms, "shape_ms", info->shape_ms, "latency_ms",
        cli_stats_to_json(&info->latency), "groups", groups_to_json(b), "throughput_per_s", info->runs_per_s,
        "inputs_per_s", info->runs_per_s * (double)batch_of(b), "utilisation", info->utilisation, "cpu_s", info->cpu_s,
        "iterations", (json_int_t)info->runs, "wall_s", info->wall_s, "const_bytes",
        (json_int_t)qn_model_get_info(b->session.model)->const_bytes, "arena_bytes", (json_int_t)b->arena_bytes,
        "arena_bytes_range_max",
        b->arena_bytes_range_max ? json_integer((json_int_t)b->arena_bytes_range_max) : json_null(), "peak_rss_bytes",
        (json_int_t)b->peak_rss_bytes, "allocations_per_run", (double)b->allocations / (double)info->runs);
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
    bench_settings settings = {.contexts = 1, .warmup_ms = 200, .duration_ms = 2000};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) {
        bench b = {.settings = &settings};
        code = cli_finish(run_bench(&b, argv[first]));
        bench_deinit(&b);
    }
    bench_inputs_options_deinit(&settings.inputs);
    cli_run_options_deinit(&settings.run);
    return code;
}
