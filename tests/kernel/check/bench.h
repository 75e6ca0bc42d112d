/* check/bench.h - shared by the benchmarks. */
#ifndef QN_TESTS_KERNEL_CHECK_BENCH_H
#define QN_TESTS_KERNEL_CHECK_BENCH_H

#include "check/check.h"

typedef struct bench_shape {
    int64_t side, in_c, out_c, kernel, stride, dilation;
} bench_shape;

extern const bench_shape bench_conv_shapes[], bench_depthwise_shapes[];
extern const size_t bench_conv_shape_count, bench_depthwise_shape_count;

double bench_now_s(void);
/* 10^9 operations a second with the row's instructions, or 0 where there is no such loop (peak.c). */
double bench_peak(const qn_kernel_row *row);
/* Best seconds of one run. */
double bench_measure(const qn_work *work, int64_t time_ms);
void bench_print_rate(const char *label, double seconds, double ops, double bytes, double peak);
float *bench_random_floats(int64_t count);

/* Convolutions and sums of integers (bench_quantized.c). */
void bench_quantized(const qn_kernel_row *row, int64_t time_ms, double peak);
void bench_add_int(const qn_kernel_row *row, int64_t time_ms);

#endif
