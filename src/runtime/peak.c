/* peak.c - how fast this machine multiplies and adds. */
#include "quench/cpu.h"

#include "base/memory.h"
#include "cpu/features.h"
#include "kernel/kernel.h"
#include "runtime/pool.h"
#include "runtime/threads.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* 96 terms of 14 rows by 32 outputs take 20 KB: they stay in any first-level cache. */
enum { DEPTH = 96, ROWS_MAX = 32, PANELS_MAX = 4, TASKS_PER_THREAD = 16, ROUNDS = 5 };

static const double ROUND_SECONDS = 0.02;

/* What every thread has of its own, apart from the others' cache lines. */
typedef struct operands {
    _Alignas(64) float src[ROWS_MAX * DEPTH];
    float weights[PANELS_MAX * DEPTH * QN_CONV_PANEL];
    float dst[ROWS_MAX * PANELS_MAX * QN_CONV_PANEL];
} operands;

typedef struct load {
    const qn_conv_f32_kernel *kernel;
    operands *operands; /* per thread */
    int64_t repeats;    /* of the tile in one task */
} load;

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker) {
    const load *l = arg;
    operands *own = &l->operands[worker];
    int64_t outputs = (int64_t)l->kernel->tile_panels * QN_CONV_PANEL;
    const qn_conv_f32_tile tile = {.src = own->src,
                                   .src_stride = DEPTH,
                                   .depth = DEPTH,
                                   .weights = own->weights,
                                   .panel_stride = (int64_t)DEPTH * QN_CONV_PANEL,
                                   .dst = own->dst,
                                   .dst_stride = outputs,
                                   .rows = l->kernel->tile_rows,
                                   .outputs = outputs,
                                   .act_min = -INFINITY,
                                   .act_max = INFINITY};
    for (int64_t i = (end - begin) * l->repeats; i > 0; i--) l->kernel->tile(&tile);
}

/* 10^9 operations a second, the best of some rounds. */
static double measure(load *l, const qn_executor *executor) {
    double ops = 2.0 * DEPTH * l->kernel->tile_rows * l->kernel->tile_panels * QN_CONV_PANEL, best = 0;
    int64_t tasks = (int64_t)executor->thread_count * TASKS_PER_THREAD;
    /* The first turns warm up and tell how many fill a round. */
    double start = now_seconds(), seconds = 0;
    l->repeats = 0;
    do {
        const load once = {l->kernel, l->operands, 1};
        run_tasks((void *)&once, 0, 1, 0);
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

qn_status *qn_cpu_measure_peak(const char *mask, int threads, double *out_gflops) {
    qn_cpu_features features;
    *out_gflops = 0;
    QN_TRY(qn_threads_choose(threads, NULL, &threads));
    QN_TRY(qn_cpu_features_choose(mask, &features));
    qn_kernel_set kernels;
    qn_kernel_select(features, &kernels);
    if (kernels.conv_f32->tile_rows > ROWS_MAX || kernels.conv_f32->tile_panels > PANELS_MAX)
        return QN_ERR(QN_INTERNAL, "tile of %s is larger than the peak measurement is made for",
                      kernels.conv_f32->name);
    qn_pool *pool = qn_pool_create(qn_allocator_default(), threads);
    load l = {.kernel = kernels.conv_f32, .operands = qn_alloc_zeroed(NULL, (size_t)threads, sizeof(operands), 64)};
    qn_status *status = pool && l.operands ? NULL : qn_status_out_of_memory();
    qn_executor executor = {0};
    if (!status) {
        executor = qn_pool_executor(pool);
        if (executor.thread_count < threads)
            status = QN_ERR(QN_LIMIT, "the system grants %d of %d threads", executor.thread_count, threads);
    }
    for (int i = 0; !status && i < threads; i++) fill(&l.operands[i]);
    if (!status) *out_gflops = measure(&l, &executor);
    qn_free(NULL, l.operands);
    qn_pool_destroy(pool);
    return status;
}
