/* quench/bench.h - how fast a model runs: latency, throughput, and how much of the machine that takes.
 *
 *     qn_bench_options options;
 *     qn_bench_options_init(&options);
 *     options.contexts = 8;
 *     qn_bench *bench = NULL;
 *     status = qn_bench_run(engine, &input, 1, &options, &bench);
 *     if (!status) printf("%.1f runs a second\n", qn_bench_get_info(bench)->runs_per_s);
 *     qn_bench_destroy(bench);
 *
 * Every context runs on a thread of its own, beside the threads of the engine: for throughput take an engine of one
 * thread and as many contexts as there are CPUs, for latency one context on an engine of all threads.
 * Threads: any thread; a finished qn_bench is immutable.
 * Stability: since 0.1; structs that quench fills, and structs that start with `size`, only grow at their end.
 */
#ifndef QUENCH_BENCH_H
#define QUENCH_BENCH_H

#include "quench/context.h"
#include "quench/engine.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_bench_options {
    size_t size;  /* sizeof(qn_bench_options), set by qn_bench_options_init */
    int contexts; /* that run at the same time; 1 .. 1024. Default 1: the calling thread runs it */
    /* Each context runs so long before measuring begins, and once at least; milliseconds, 0 .. a year. Default 200 */
    int64_t warmup_ms;
    int64_t duration_ms; /* measures so long; milliseconds, 1 .. a year. Default 2000 */
    int64_t
        iterations; /* measures exactly so many runs instead, all contexts together; default 0: as duration_ms says */
    /* Default NULL. Called on the calling thread after the warm-up and after the last run that is measured, while no
       run is active: to read counters of the caller's own. The end is not told where a run fails or is cancelled */
    void (*mark)(void *self, int is_end);
    /* Default NULL. Asked between runs, on the calling thread; non-zero gives CANCELLED. */
    int (*cancel)(void *self);
    void *self; /* handed to both */
} qn_bench_options;

/* Sets every option to its default. */
QN_API void qn_bench_options_init(qn_bench_options *out_options);

/* Of a sample of at least one; all in milliseconds. Percentiles lie between the two nearest ranks, in proportion. */
typedef struct qn_bench_stats {
    double min, max, mean, median, p90, p95, p99;
} qn_bench_stats;

/* The runs at one set of input shapes. */
typedef struct qn_bench_group {
    const qn_shape *shapes; /* one per input of the model */
    size_t sets;            /* how many of the given sets of inputs have these shapes */
    size_t runs;            /* that were measured; 0: measuring ended before it was their turn, `latency` is zeroed */
    qn_bench_stats latency; /* of qn_context_run() */
} qn_bench_group;

typedef struct qn_bench_info {
    size_t group_count, runs; /* runs of all groups and contexts that were measured */
    int contexts;
    double wall_s;          /* from the first of these runs to the end of the last */
    double runs_per_s;      /* runs / wall_s; setting shapes, where they change from run to run, is in it */
    double cpu_s;           /* time of CPUs that the whole process used meanwhile */
    double utilisation;     /* cpu_s / (wall_s * CPUs that the process may use, as qn_cpu_get_threads() says); 0 .. 1 */
    double first_ms;        /* the first run of the context on the calling thread */
    double shape_ms;        /* setting other shapes, mean; 0: shapes never changed */
    qn_bench_stats latency; /* of all runs */
} qn_bench_info;

typedef struct qn_bench qn_bench;

/* Runs an engine's model again and again.
 * @param inputs     `set_count` sets of inputs one after the other, each with one tensor per input in the model's order;
 *                   read during the call only. Every context takes the sets in this order, the context numbered i
 *                   beginning with set i, and starts again after the last; sets may differ in shape
 * @param set_count  >= 1
 * @param options    NULL for the defaults
 * @param out_bench  on success what was measured, freed by qn_bench_destroy(); else NULL
 * returns  INVALID_ARGUMENT: options out of range or that qn_bench_options_init() did not make; errors of
 *          qn_context_create(), qn_context_set_input_shapes() and qn_context_run(); LIMIT: the system grants fewer
 *          threads; CANCELLED; OUT_OF_MEMORY
 * cost     contexts come from the engine's allocator, outputs, latencies and everything else from the C library's heap */
QN_API qn_status *qn_bench_run(qn_engine *engine, const qn_tensor *inputs, size_t set_count,
                               const qn_bench_options *options, qn_bench **out_bench) QN_MUST_USE;
QN_API void qn_bench_destroy(qn_bench *bench); /* accepts NULL */

/* Owned by `bench`; NULL only for NULL. */
QN_API const qn_bench_info *qn_bench_get_info(const qn_bench *bench);
/* In the order of each group's first set. Owned by `bench`; NULL: no such group. */
QN_API const qn_bench_group *qn_bench_get_group(const qn_bench *bench, size_t index);

#ifdef __cplusplus
}
#endif
#endif
