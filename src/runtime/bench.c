#include "quench/bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/entry.h"
#include "base/memory.h"
#include "quench/cpu.h"
#include "runtime/bench_result.h"
#include "runtime/internal.h"
#include "runtime/pool.h"
#include "runtime/threads.h"
#include "runtime/trace.h"

enum { YEAR_DAYS = 366 };
static const int64_t MS_MAX = (int64_t)YEAR_DAYS * 24 * 3600 * 1000;

/* What all contexts of a measurement share. */
typedef struct rig {
    const qn_bench_options *options;
    const qn_tensor *inputs;
    const qn_bench *bench; /* its groups */
    const size_t *groups;  /* of each set */
    size_t set_count, input_count, output_count;
    int64_t start_ns;        /* of measuring; set before the gate opens */
    _Atomic int64_t tickets; /* how many runs may still be begun; as options->iterations says */
    _Atomic int stop;        /* a failure, or cancelled: nobody begins another run */
    /* The gate between warm-up and measuring. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int warm, is_open; /* how many contexts wait at it */
} rig;

/* One context and the thread that runs it. */
typedef struct runner {
    rig *rig;
    qn_context *context;
    qn_tensor *outputs;
    size_t set, group; /* the next set; the group whose shapes are set, SIZE_MAX: none */
    int is_caller;     /* runs on the calling thread, which asks whether to cancel */
    qn_bench_samples samples;
    double first_ms, shape_ms;
    size_t shape_changes;
    int64_t end_ns; /* of its last run */
    qn_status *status;
} runner;

void qn_bench_options_init(qn_bench_options *options) {
    if (!options) return;
    *options = (qn_bench_options){.size = sizeof *options, .contexts = 1, .warmup_ms = 200, .duration_ms = 2000};
}

static qn_status *check_options(const qn_bench_options *options) {
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "options of a measurement of size %zu, expected %zu: call qn_bench_options_init() first",
                      options->size, sizeof *options);
    if (options->contexts < 1 || options->contexts > QN_THREADS_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d contexts, expected 1 to %d", options->contexts, QN_THREADS_MAX);
    if (options->warmup_ms < 0 || options->duration_ms < 1 || options->iterations < 0 || options->warmup_ms > MS_MAX ||
        options->duration_ms > MS_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "a warm-up of %lld ms, a duration of %lld ms, %lld iterations: expected at least 0, 1, 0, and "
                      "at most a year",
                      (long long)options->warmup_ms, (long long)options->duration_ms, (long long)options->iterations);
    return NULL;
}

/* Everything else about inputs is checked where their shapes are set and where they run. */
static qn_status *check_ranks(const qn_tensor *inputs, size_t set_count, size_t input_count) {
    for (size_t i = 0; i < set_count * input_count; i++)
        if (inputs[i].rank < 0 || inputs[i].rank > QN_MAX_RANK)
            return QN_ERR(QN_INVALID_ARGUMENT, "input %zu of set %zu: rank %d, expected 0 to %d", i % input_count,
                          i / input_count, inputs[i].rank, QN_MAX_RANK);
    return NULL;
}

static double to_ms(int64_t ns) { return 1e-6 * (double)ns; }

/* ---- Contexts and their outputs ---- */

static const qn_tensor *set_inputs(const rig *r, size_t set) { return &r->inputs[set * r->input_count]; }

/* Gives the context the shapes of `group`, and its outputs the dims that they have then. */
static qn_status *set_shapes(runner *one, const qn_bench_group *group) {
    const rig *r = one->rig;
    QN_TRY(qn_context_set_input_shapes(one->context, group->shapes, r->input_count));
    for (size_t i = 0; i < r->output_count; i++) {
        qn_tensor *output = &one->outputs[i];
        output->dtype = qn_model_output(one->context->model, i)->dtype;
        qn_status *status = qn_context_get_output_shape(one->context, i, &output->rank, output->dims);
        /* The size depends on data: the dims are its upper bound. */
        if (qn_status_code(status) == QN_UNAVAILABLE) {
            qn_status_free(status);
            status = NULL;
        }
        QN_TRY(status);
    }
    return NULL;
}

/* The most bytes that each output takes at the shapes of any group. */
static qn_status *measure_outputs(runner *one, size_t *out_bytes) {
    const qn_bench *bench = one->rig->bench;
    for (size_t g = 0; g < bench->info.group_count; g++) {
        QN_TRY(set_shapes(one, &bench->groups[g]));
        for (size_t i = 0; i < one->rig->output_count; i++) {
            const size_t bytes = qn_tensor_bytes(&one->outputs[i]);
            if (bytes > out_bytes[i]) out_bytes[i] = bytes;
        }
    }
    return NULL;
}

static qn_status *allocate_outputs(runner *one, const size_t *bytes) {
    for (size_t i = 0; i < one->rig->output_count; i++) {
        one->outputs[i].data = qn_alloc_zeroed(qn_allocator_default(), bytes[i], 1, QN_OFFSETS_ALIGN);
        if (!one->outputs[i].data) return qn_status_out_of_memory();
        one->outputs[i].capacity_bytes = bytes[i];
    }
    return NULL;
}

/* Sets the shapes of the next set of inputs, if they are others. */
static qn_status *change_shapes(runner *one) {
    const size_t group = one->rig->groups[one->set];
    if (group == one->group) return NULL;
    const int64_t start = qn_trace_now_ns();
    QN_TRY(set_shapes(one, &one->rig->bench->groups[group]));
    if (one->group != SIZE_MAX) one->shape_ms += to_ms(qn_trace_now_ns() - start), one->shape_changes++;
    one->group = group;
    return NULL;
}

static qn_status *create_runners(rig *r, qn_engine *engine, runner *runners) {
    const qn_allocator *heap = qn_allocator_default();
    const size_t contexts = (size_t)r->options->contexts;
    for (size_t c = 0; c < contexts; c++) {
        runners[c] = (runner){.rig = r, .set = c % r->set_count, .group = SIZE_MAX, .is_caller = c == 0};
        QN_TRY(qn_context_create(engine, &runners[c].context));
        runners[c].outputs = qn_alloc_zeroed(heap, r->output_count, sizeof *runners[c].outputs, _Alignof(qn_tensor));
        if (!runners[c].outputs) return qn_status_out_of_memory();
    }
    size_t *bytes = qn_alloc_zeroed(heap, r->output_count, sizeof *bytes, _Alignof(size_t));
    if (!bytes) return qn_status_out_of_memory();
    qn_status *status = measure_outputs(&runners[0], bytes);
    for (size_t c = 0; c < contexts && !status; c++) status = allocate_outputs(&runners[c], bytes);
    /* The first shapes are set here, one context after the other, so that what cannot be had is told before anything runs. */
    for (size_t c = 0; c < contexts && !status; c++) status = change_shapes(&runners[c]);
    free(bytes);
    return status;
}

static void destroy_runners(runner *runners, size_t count, size_t output_count) {
    for (size_t c = 0; c < count; c++) {
        for (size_t i = 0; runners[c].outputs && i < output_count; i++) free(runners[c].outputs[i].data);
        free(runners[c].outputs);
        qn_context_destroy(runners[c].context);
        qn_bench_samples_deinit(&runners[c].samples);
        qn_status_free(runners[c].status);
    }
    free(runners);
}

/* ---- Running ---- */

/* Sets other shapes if the next set has them, and runs it. */
static qn_status *run_next(runner *one, double *out_ms) {
    const rig *r = one->rig;
    if (one->is_caller && r->options->cancel && r->options->cancel(r->options->self))
        return QN_ERR(QN_CANCELLED, "measuring was cancelled");
    QN_TRY(change_shapes(one));
    const int64_t start = qn_trace_now_ns();
    QN_TRY(qn_context_run(one->context, set_inputs(r, one->set), r->input_count, one->outputs, r->output_count));
    one->end_ns = qn_trace_now_ns();
    one->set = (one->set + 1) % r->set_count;
    *out_ms = to_ms(one->end_ns - start);
    return NULL;
}

static int64_t elapsed_ns(int64_t start_ns) { return qn_trace_now_ns() - start_ns; }

static qn_status *warm_up(runner *one) {
    const int64_t start = qn_trace_now_ns(), length_ns = one->rig->options->warmup_ms * 1000000;
    double ms;
    QN_TRY(run_next(one, &one->first_ms));
    while (elapsed_ns(start) < length_ns && !atomic_load(&one->rig->stop)) QN_TRY(run_next(one, &ms));
    return NULL;
}

/* May this context begin another run? */
static int may_go_on(runner *one) {
    rig *r = one->rig;
    if (atomic_load(&r->stop)) return 0;
    if (r->options->iterations) return atomic_fetch_sub(&r->tickets, 1) > 0;
    return !one->samples.count || elapsed_ns(r->start_ns) < r->options->duration_ms * 1000000;
}

static qn_status *measure(runner *one) {
    qn_bench_sample sample;
    while (may_go_on(one)) {
        sample.group = one->rig->groups[one->set];
        QN_TRY(run_next(one, &sample.ms));
        if (!qn_bench_samples_add(&one->samples, sample)) return qn_status_out_of_memory();
    }
    return NULL;
}

static void keep_status(runner *one, qn_status *status) {
    if (status) atomic_store(&one->rig->stop, 1);
    if (one->status)
        qn_status_free(status);
    else
        one->status = status;
}

static void *runner_main(void *arg) {
    QN_ENTER();
    runner *one = arg;
    rig *r = one->rig;
    keep_status(one, warm_up(one));
    pthread_mutex_lock(&r->mutex);
    r->warm++;
    pthread_cond_broadcast(&r->changed);
    while (!r->is_open) pthread_cond_wait(&r->changed, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
    keep_status(one, measure(one));
    return NULL;
}

/* Waits until `others` contexts are warm, and lets them go on. */
static void open_gate(rig *r, int others) {
    pthread_mutex_lock(&r->mutex);
    while (r->warm < others) pthread_cond_wait(&r->changed, &r->mutex);
    if (r->options->mark && !atomic_load(&r->stop)) r->options->mark(r->options->self, 0);
    r->start_ns = qn_trace_now_ns();
    r->is_open = 1;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->mutex);
}

static double process_cpu_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Runs all contexts, the first on the calling thread. Returns the time of CPUs that measuring took, in seconds. */
static double run_all(rig *r, runner *runners, pthread_t *threads) {
    int started = 1;
    for (; started < r->options->contexts; started++)
        if (!qn_thread_start(&threads[started], runner_main, &runners[started])) break;
    if (started < r->options->contexts)
        keep_status(&runners[0], QN_ERR(QN_LIMIT, "the system grants %d threads, but %d contexts were asked for",
                                        started, r->options->contexts));
    else
        keep_status(&runners[0], warm_up(&runners[0]));
    open_gate(r, started - 1);
    const double cpu_s = process_cpu_s();
    keep_status(&runners[0], measure(&runners[0]));
    for (int i = 1; i < started; i++) pthread_join(threads[i], NULL);
    const double used_s = process_cpu_s() - cpu_s;
    if (r->options->mark && !atomic_load(&r->stop)) r->options->mark(r->options->self, 1);
    return used_s;
}

/* ---- Results ---- */

/* CPUs' worth of time that this process may have. */
static double usable_cpus(void) {
    const qn_cpu_thread_info info = qn_cpu_get_threads();
    return info.quota > 0 && info.quota < info.affinity ? info.quota : info.affinity;
}

static qn_status *take_results(const rig *r, const runner *runners, double cpu_s, qn_bench *bench) {
    const size_t contexts = (size_t)r->options->contexts;
    qn_bench_info *info = &bench->info;
    qn_bench_samples *samples =
        qn_alloc_zeroed(qn_allocator_default(), contexts, sizeof *samples, _Alignof(qn_bench_samples));
    if (!samples) return qn_status_out_of_memory();
    int64_t end_ns = r->start_ns;
    double shape_ms = 0;
    size_t shape_changes = 0;
    for (size_t c = 0; c < contexts; c++) {
        samples[c] = runners[c].samples;
        if (runners[c].end_ns > end_ns) end_ns = runners[c].end_ns;
        shape_ms += runners[c].shape_ms;
        shape_changes += runners[c].shape_changes;
    }
    qn_status *status = qn_bench_summarise(bench, samples, contexts);
    free(samples);
    const double wall_s = 1e-3 * to_ms(end_ns - r->start_ns);
    info->contexts = r->options->contexts;
    info->wall_s = wall_s;
    info->cpu_s = cpu_s;
    info->runs_per_s = wall_s > 0 ? (double)info->runs / wall_s : 0;
    info->utilisation = wall_s > 0 ? cpu_s / (wall_s * usable_cpus()) : 0;
    if (info->utilisation > 1) info->utilisation = 1;
    info->first_ms = runners[0].first_ms;
    info->shape_ms = shape_changes ? shape_ms / (double)shape_changes : 0;
    return status;
}

/* The first failure, which is the caller's then. */
static qn_status *take_failure(runner *runners, size_t contexts) {
    for (size_t c = 0; c < contexts; c++) {
        qn_status *status = runners[c].status;
        runners[c].status = NULL;
        if (status) return status;
    }
    return NULL;
}

static qn_status *run_rig(rig *r, qn_engine *engine, qn_bench *bench) {
    const qn_allocator *heap = qn_allocator_default();
    const size_t contexts = (size_t)r->options->contexts;
    runner *runners = qn_alloc_zeroed(heap, contexts, sizeof *runners, _Alignof(runner));
    pthread_t *threads = qn_alloc_zeroed(heap, contexts, sizeof *threads, _Alignof(pthread_t));
    qn_status *status = runners && threads ? create_runners(r, engine, runners) : qn_status_out_of_memory();
    if (!status) {
        const double cpu_s = run_all(r, runners, threads);
        status = take_failure(runners, contexts);
        if (!status) status = take_results(r, runners, cpu_s, bench);
    }
    if (runners) destroy_runners(runners, contexts, r->output_count);
    free(threads);
    return status;
}

qn_status *qn_bench_run(qn_engine *engine, const qn_tensor *inputs, size_t set_count, const qn_bench_options *options,
                        qn_bench **out_bench) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_bench);
    *out_bench = NULL;
    QN_REQUIRE_ARG(engine);
    const qn_program *program = engine->model->program;
    QN_REQUIRE_ARRAY(inputs, program->input_count);
    qn_bench_options defaults;
    qn_bench_options_init(&defaults);
    if (!options) options = &defaults;
    QN_TRY(check_options(options));
    if (!set_count) return QN_ERR(QN_INVALID_ARGUMENT, "no set of inputs was given, expected at least one");
    QN_TRY(check_ranks(inputs, set_count, program->input_count));
    size_t *groups = qn_alloc_zeroed(qn_allocator_default(), set_count, sizeof *groups, _Alignof(size_t));
    if (!groups) return qn_status_out_of_memory();
    qn_bench *bench;
    qn_status *status = qn_bench_group_sets(inputs, set_count, program->input_count, groups, &bench);
    if (!status) {
        rig r = {.options = options,
                 .inputs = inputs,
                 .bench = bench,
                 .groups = groups,
                 .set_count = set_count,
                 .input_count = program->input_count,
                 .output_count = program->output_count,
                 .tickets = options->iterations,
                 .mutex = PTHREAD_MUTEX_INITIALIZER,
                 .changed = PTHREAD_COND_INITIALIZER};
        status = run_rig(&r, engine, bench);
        pthread_cond_destroy(&r.changed);
        pthread_mutex_destroy(&r.mutex);
    }
    free(groups);
    if (status)
        qn_bench_destroy(bench);
    else
        *out_bench = bench;
    return status;
}
