/* peak.c - how fast this machine multiplies and adds. */
#include "quench/cpu.h"

#include "base/entry.h"
#include "base/memory.h"
#include "cpu/features.h"
#include "kernel/kernel.h"
#include "runtime/pool.h"
#include "runtime/threads.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* 384 bytes of a row by 14 rows, and 32 outputs, take 20 KB: they stay in any first-level cache. */
enum { DEPTH_BYTES = 384, ROWS_MAX = 32, PANELS_MAX = 4, OUTPUTS_MAX = PANELS_MAX * QN_CONV_PANEL };
enum { TASKS_PER_THREAD = 16, ROUNDS = 5 };

static const double ROUND_SECONDS = 0.02;

/* What every thread has of its own, apart from the others' cache lines: floats, or bytes and vectors of zeros. */
typedef struct operands {
    _Alignas(64) float src[ROWS_MAX * DEPTH_BYTES / sizeof(float)];
    float weights[OUTPUTS_MAX * DEPTH_BYTES / sizeof(float)];
    float dst[ROWS_MAX * OUTPUTS_MAX];
    int32_t bias[OUTPUTS_MAX];
    float multiplier[OUTPUTS_MAX];
} operands;

typedef struct load {
    const qn_conv_f32_kernel *floats; /* one of the two */
    const qn_conv_int_kernel *bytes;
    operands *operands; /* per thread */
    int64_t repeats;    /* of the tile in one task */
} load;

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void repeat_floats(const qn_conv_f32_kernel *kernel, operands *own, int64_t repeats) {
    const int64_t outputs = (int64_t)kernel->tile_panels * QN_CONV_PANEL, depth = DEPTH_BYTES / sizeof(float);
    const qn_conv_f32_tile tile = {.src = own->src,
                                   .src_stride = depth,
                                   .depth = depth,
                                   .weights = own->weights,
                                   .panel_stride = depth * QN_CONV_PANEL,
                                   .dst = own->dst,
                                   .dst_stride = outputs,
                                   .rows = kernel->tile_rows,
                                   .outputs = outputs,
                                   .act_min = -INFINITY,
                                   .act_max = INFINITY};
    for (; repeats > 0; repeats--) kernel->tile(&tile);
}

static void repeat_bytes(const qn_conv_int_kernel *kernel, operands *own, int64_t repeats) {
    const int64_t outputs = (int64_t)kernel->tile_panels * QN_CONV_PANEL;
    const qn_conv_int_tile tile = {
        .src = own->src,
        .src_stride = DEPTH_BYTES,
        .depth = DEPTH_BYTES,
        .weights = own->weights,
        .panel_stride = (int64_t)DEPTH_BYTES * QN_CONV_PANEL,
        .bias = own->bias,
        .result = {.multiplier = own->multiplier, .dst = own->dst, .high = 255, .dst_storage = QN_STORAGE_U8},
        .result_stride = outputs,
        .rows = kernel->tile_rows,
        .outputs = outputs};
    if (kernel->begin) kernel->begin();
    for (; repeats > 0; repeats--) kernel->tile(&tile);
    if (kernel->end) kernel->end();
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker) {
    const load *l = arg;
    const int64_t repeats = (end - begin) * l->repeats;
    if (l->floats)
        repeat_floats(l->floats, &l->operands[worker], repeats);
    else
        repeat_bytes(l->bytes, &l->operands[worker], repeats);
}

/* Operations of one tile. */
static double tile_ops(const load *l) {
    if (l->floats)
        return 2.0 * (DEPTH_BYTES / sizeof(float)) * l->floats->tile_rows * l->floats->tile_panels * QN_CONV_PANEL;
    return 2.0 * DEPTH_BYTES * l->bytes->tile_rows * l->bytes->tile_panels * QN_CONV_PANEL;
}

/* 10^9 operations a second, the best of some rounds. */
static double measure(load *l, const qn_executor *executor) {
    double ops = tile_ops(l), best = 0;
    int64_t tasks = (int64_t)executor->thread_count * TASKS_PER_THREAD;
    /* The first turns warm up and tell how many fill a round. */
    double start = now_seconds(), seconds = 0;
    l->repeats = 0;
    do {
        load once = *l;
        once.repeats = 1;
        run_tasks(&once, 0, 1, 0);
        l->repeats++;
        seconds = now_seconds() - start;
    } while (seconds < ROUND_SECONDS);
    l->repeats = (l->repeats + TASKS_PER_THREAD - 1) / TASKS_PER_THREAD;
    for (int i = 0; i < ROUNDS; i++) {
        start = now_seconds();
        executor->parallel_for(executor->self, tasks, run_tasks, l);
        seconds = now_seconds() - start;
        double rate = ops * (double)(tasks * l->repeats) / seconds * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}

static void fill(operands *own) {
    for (size_t i = 0; i < sizeof own->src / sizeof *own->src; i++) own->src[i] = 1.0f / (float)(i + 1);
    for (size_t i = 0; i < sizeof own->weights / sizeof *own->weights; i++) own->weights[i] = 1.0f / (float)(i + 2);
}

/* `of_bytes`: of the integer tile instead of the float one. */
static qn_status *measure_peak(const char *mask, int threads, int of_bytes, double *out_gops) {
    qn_cpu_features features;
    qn_kernel_set kernels;
    *out_gops = 0;
    QN_TRY(qn_threads_choose(threads, NULL, &threads));
    QN_TRY(qn_cpu_features_choose(mask, &features));
    qn_kernel_select(qn_cpu_features_permitted(features), &kernels);
    load l = {.floats = of_bytes ? NULL : kernels.conv_f32, .bytes = of_bytes ? kernels.conv_u8 : NULL};
    const int rows = of_bytes ? l.bytes->tile_rows : l.floats->tile_rows;
    const int panels = of_bytes ? l.bytes->tile_panels : l.floats->tile_panels;
    if (rows > ROWS_MAX || panels > PANELS_MAX)
        return QN_ERR(QN_INTERNAL, "tile of %s is larger than the peak measurement is made for",
                      of_bytes ? l.bytes->name : l.floats->name);
    qn_pool *pool = qn_pool_create(qn_allocator_default(), threads);
    l.operands = qn_alloc_zeroed(NULL, (size_t)threads, sizeof(operands), 64);
    qn_status *status = pool && l.operands ? NULL : qn_status_out_of_memory();
    qn_executor executor = {0};
    if (!status) {
        executor = qn_pool_executor(pool);
        if (executor.thread_count < threads)
            status = QN_ERR(QN_LIMIT, "the system grants %d of %d threads", executor.thread_count, threads);
    }
    for (int i = 0; !status && i < threads; i++) fill(&l.operands[i]);
    if (!status) *out_gops = measure(&l, &executor);
    qn_free(NULL, l.operands);
    qn_pool_destroy(pool);
    return status;
}

qn_status *qn_cpu_measure_peak(const char *mask, int threads, double *out_gflops) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_gflops);
    *out_gflops = 0;
    return measure_peak(mask, threads, 0, out_gflops);
}

qn_status *qn_cpu_measure_peak_int8(const char *mask, int threads, double *out_gops) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_gops);
    *out_gops = 0;
    return measure_peak(mask, threads, 1, out_gops);
}
