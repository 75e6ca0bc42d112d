/* runtime/bench_result.h - what a measurement says, from the latencies that were taken. */
#ifndef QN_RUNTIME_BENCH_RESULT_H
#define QN_RUNTIME_BENCH_RESULT_H

#include "quench/bench.h"

/* One measured run. */
typedef struct qn_bench_sample {
    double ms;
    size_t group;
} qn_bench_sample;

/* A growing list of them, from the C library's heap; zeroed is empty. */
typedef struct qn_bench_samples {
    qn_bench_sample *items;
    size_t count, capacity;
} qn_bench_samples;

/* 0: memory is short. */
int qn_bench_samples_add(qn_bench_samples *samples, qn_bench_sample sample);
void qn_bench_samples_deinit(qn_bench_samples *samples);

struct qn_bench {
    qn_bench_info info;
    qn_bench_group *groups;
    qn_shape *shapes; /* of all groups, one after the other */
};

/* Sorts sets of inputs into groups of the same shapes.
 * @param inputs      set_count * input_count tensors
 * @param out_groups  the group of each set
 * @param out_bench   with info.group_count, groups[].shapes and groups[].sets; freed by qn_bench_destroy()
 * returns  OUT_OF_MEMORY */
qn_status *qn_bench_group_sets(const qn_tensor *inputs, size_t set_count, size_t input_count, size_t *out_groups,
                               qn_bench **out_bench) QN_MUST_USE;

/* Works the latencies of all contexts out, of each group and of all runs.
 * @param samples  of `contexts` contexts
 * returns  OUT_OF_MEMORY */
qn_status *qn_bench_summarise(qn_bench *bench, const qn_bench_samples *samples, size_t contexts) QN_MUST_USE;

#endif
