/* check/bench.c - times the kernels on shapes of DeepLabv3 at 513 x 513, one thread.
 *
 * Every figure is the best of many runs; "peak" is what a loop of nothing but independent products and sums reaches
 * with the row's instructions.
 */
#include "check/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Measuring ---- */

float *bench_random_floats(int64_t count) {
    float *values = aligned_alloc(64, ((size_t)count * sizeof *values + 63) / 64 * 64);
    uint64_t state = 1;
    if (!values) abort();
    for (int64_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        values[i] = (float)(int64_t)(state >> 40) * 0x1p-23f - 1.0f;
    }
    return values;
}

/* Best seconds of one run. */
double bench_measure(const qn_work *work, int64_t time_ms) {
    void *scratch = aligned_alloc(64, (work->scratch_bytes + 127) / 64 * 64);
    const double end = bench_now_s() + (double)time_ms * 1e-3;
    double best = INFINITY;
    if (!scratch) abort();
    for (int runs = 0; runs < 3 || bench_now_s() < end; runs++) {
        const double start = bench_now_s();
        work->run(work->params, 0, work->tasks, scratch);
        best = fmin(best, bench_now_s() - start);
    }
    free(scratch);
    return best;
}

void bench_print_rate(const char *label, double seconds, double flops, double bytes, double peak) {
    printf("  %-40s %8.3f ms  %7.1f GB/s", label, seconds * 1e3, bytes / seconds * 1e-9);
    if (flops > 0) printf("  %7.1f GOP/s", flops / seconds * 1e-9);
    if (flops > 0 && peak > 0) printf("  %5.1f %% of peak", 100 * flops / seconds * 1e-9 / peak);
    printf("\n");
    fflush(stdout);
}

/* ---- Shapes ---- */

const bench_shape bench_conv_shapes[] = {
    {513, 3, 32, 3, 2, 1},   {257, 32, 16, 1, 1, 1},  {257, 16, 96, 1, 1, 1},  {129, 96, 24, 1, 1, 1},
    {129, 24, 144, 1, 1, 1}, {129, 144, 24, 1, 1, 1}, {65, 144, 32, 1, 1, 1},  {65, 32, 192, 1, 1, 1},
    {65, 192, 32, 1, 1, 1},  {65, 64, 384, 1, 1, 1},  {65, 384, 64, 1, 1, 1},  {65, 384, 96, 1, 1, 1},
    {65, 96, 576, 1, 1, 1},  {65, 576, 96, 1, 1, 1},  {65, 576, 160, 1, 1, 1}, {65, 160, 960, 1, 1, 1},
    {65, 960, 160, 1, 1, 1}, {65, 960, 320, 1, 1, 1}, {65, 320, 256, 1, 1, 1}, {65, 512, 256, 1, 1, 1},
    {65, 256, 21, 1, 1, 1},  {65, 256, 256, 3, 1, 2}, {1, 320, 256, 1, 1, 1},
};

const bench_shape bench_depthwise_shapes[] = {
    {257, 32, 32, 3, 1, 1},  {257, 96, 96, 3, 2, 1},  {129, 144, 144, 3, 1, 1}, {129, 144, 144, 3, 2, 1},
    {65, 192, 192, 3, 1, 1}, {65, 384, 384, 3, 1, 2}, {65, 576, 576, 3, 1, 2},  {65, 960, 960, 3, 1, 4},
};

const size_t bench_conv_shape_count = sizeof bench_conv_shapes / sizeof *bench_conv_shapes;
const size_t bench_depthwise_shape_count = sizeof bench_depthwise_shapes / sizeof *bench_depthwise_shapes;

static void bench_conv(const qn_kernel_row *row, const bench_shape *s, int64_t time_ms, double peak) {
    const int64_t out = (s->side + s->stride - 1) / s->stride, depth = s->kernel * s->kernel * s->in_c;
    const int64_t pixels = out * out;
    float *src = bench_random_floats(s->side * s->side * s->in_c), *weights = bench_random_floats(depth * s->out_c);
    float *bias = bench_random_floats(s->out_c), *dst = bench_random_floats(pixels * s->out_c);
    float *packed = bench_random_floats((int64_t)qn_conv_f32_packed_elems(depth, s->out_c));
    char label[64];
    qn_work work;
    qn_conv_f32_pack(weights, depth, s->out_c, packed);
    const qn_conv_f32_params params = {.kernel = row->kernel,
                                       .src = src,
                                       .weights = packed,
                                       .bias = bias,
                                       .dst = dst,
                                       .batch = 1,
                                       .in_h = s->side,
                                       .in_w = s->side,
                                       .in_c = s->in_c,
                                       .out_h = out,
                                       .out_w = out,
                                       .out_c = s->out_c,
                                       .src_stride = s->in_c,
                                       .dst_stride = s->out_c,
                                       .kernel_h = s->kernel,
                                       .kernel_w = s->kernel,
                                       .stride_h = s->stride,
                                       .stride_w = s->stride,
                                       .dilation_h = s->dilation,
                                       .dilation_w = s->dilation,
                                       .pad_top = s->kernel / 2 * s->dilation,
                                       .pad_left = s->kernel / 2 * s->dilation,
                                       .act_min = 0,
                                       .act_max = 6};
    qn_conv_f32_work(&params, &work);
    snprintf(label, sizeof label, "%lldx%lldx%lld %lldx%lld/%lld -> %lld", (long long)s->side, (long long)s->side,
             (long long)s->in_c, (long long)s->kernel, (long long)s->kernel, (long long)s->stride, (long long)s->out_c);
    bench_print_rate(label, bench_measure(&work, time_ms), 2.0 * (double)(pixels * depth * s->out_c),
                     4.0 * (double)(s->side * s->side * s->in_c + depth * s->out_c + pixels * s->out_c), peak);
    free(src), free(weights), free(bias), free(dst), free(packed);
}

static void bench_depthwise(const qn_kernel_row *row, const bench_shape *s, int64_t time_ms, double peak) {
    const int64_t out = (s->side + s->stride - 1) / s->stride, taps = s->kernel * s->kernel;
    float *src = bench_random_floats(s->side * s->side * s->in_c), *weights = bench_random_floats(taps * s->in_c);
    float *bias = bench_random_floats(s->in_c), *dst = bench_random_floats(out * out * s->in_c);
    float *packed = bench_random_floats((int64_t)qn_depthwise_f32_packed_elems(taps, s->in_c));
    char label[64];
    qn_work work;
    qn_depthwise_f32_pack(weights, taps, s->in_c, packed);
    const qn_depthwise_f32_params params = {.kernel = row->kernel,
                                            .src = src,
                                            .weights = packed,
                                            .bias = bias,
                                            .dst = dst,
                                            .batch = 1,
                                            .in_h = s->side,
                                            .in_w = s->side,
                                            .channels = s->in_c,
                                            .out_h = out,
                                            .out_w = out,
                                            .kernel_h = s->kernel,
                                            .kernel_w = s->kernel,
                                            .stride_h = s->stride,
                                            .stride_w = s->stride,
                                            .dilation_h = s->dilation,
                                            .dilation_w = s->dilation,
                                            .pad_top = s->dilation,
                                            .pad_left = s->dilation,
                                            .act_min = 0,
                                            .act_max = 6};
    qn_depthwise_f32_work(&params, &work);
    snprintf(label, sizeof label, "%lldx%lldx%lld 3x3/%lld dilation %lld", (long long)s->side, (long long)s->side,
             (long long)s->in_c, (long long)s->stride, (long long)s->dilation);
    bench_print_rate(label, bench_measure(&work, time_ms), 2.0 * (double)(out * out * taps * s->in_c),
                     4.0 * (double)(s->side * s->side + out * out) * (double)s->in_c, peak);
    free(src), free(weights), free(bias), free(dst), free(packed);
}

static void bench_elementwise(const qn_kernel_row *row, int64_t time_ms) {
    static const struct {
        const char *name;
        int code;
    } codes[] = {{"add", QN_EW_ADD},         {"clamp", QN_EW_CLAMP}, {"exp", QN_EW_EXP},
                 {"sigmoid", QN_EW_SIGMOID}, {"tanh", QN_EW_TANH},   {"u8 to f32", QN_EW_U8_TO_F32}};
    const int64_t elems = 65 * 65 * 320;
    float *a = bench_random_floats(elems), *b = bench_random_floats(elems), *dst = bench_random_floats(elems);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const qn_elementwise_params params = {.kernel = row->kernel,
                                              .code = codes[i].code,
                                              .a = a,
                                              .b = b,
                                              .dst = dst,
                                              .elems = elems,
                                              .a_period = elems,
                                              .b_period = elems,
                                              .high = 6};
        char label[64];
        qn_work work;
        qn_elementwise_work(&params, &work);
        snprintf(label, sizeof label, "%s of %lld", codes[i].name, (long long)elems);
        bench_print_rate(label, bench_measure(&work, time_ms), 0,
                         (i == 0   ? 12.0
                          : i == 5 ? 5.0
                                   : 8.0) *
                             (double)elems,
                         0);
    }
    free(a), free(b), free(dst);
}

static void bench_pool(const qn_kernel_row *row, int64_t integers_bytes, int64_t time_ms) {
    const int64_t bytes = integers_bytes ? integers_bytes : 4;
    float *src = bench_random_floats(65 * 65 * 320), *dst = bench_random_floats(65 * 65 * 320);
    for (int global = 0; global < 2; global++) {
        char label[64];
        qn_pool_params params = {.kernel = integers_bytes ? NULL : row->kernel,
                                 .integers = integers_bytes ? row->kernel : NULL,
                                 .integers_bytes = integers_bytes,
                                 .src = src,
                                 .dst = dst,
                                 .batch = 1,
                                 .in_h = 65,
                                 .in_w = 65,
                                 .channels = 320,
                                 .out_h = 32,
                                 .out_w = 32,
                                 .kernel_h = 3,
                                 .kernel_w = 3,
                                 .stride_h = 2,
                                 .stride_w = 2};
        qn_work work;
        if (global) {
            params.out_h = params.out_w = params.stride_h = params.stride_w = 1;
            params.kernel_h = params.kernel_w = 65;
            params.average = 1;
        }
        qn_pool_work(&params, &work);
        snprintf(label, sizeof label, "%s of %lld bytes", global ? "global average 65x65x320" : "max 65x65x320 3x3/2",
                 (long long)bytes);
        bench_print_rate(label, bench_measure(&work, time_ms), 0, (double)bytes * 65 * 65 * 320, 0);
    }
    free(src), free(dst);
}

static void bench_spread(const qn_kernel_row *row, int64_t time_ms) {
    float *src = bench_random_floats(256), *dst = bench_random_floats(65 * 65 * 256);
    const qn_resize_f32_params params = {.kernel = row->kernel,
                                         .src = src,
                                         .dst = dst,
                                         .batch = 1,
                                         .in_h = 1,
                                         .in_w = 1,
                                         .channels = 256,
                                         .out_h = 65,
                                         .out_w = 65,
                                         .align_corners = 1};
    qn_work work;
    qn_resize_f32_work(&params, &work);
    bench_print_rate("1x1x256 -> 65x65", bench_measure(&work, time_ms), 0, 4.0 * 65 * 65 * 256, 0);
    free(src), free(dst);
}

static void bench_resize(const qn_kernel_row *row, int64_t time_ms) {
    const int64_t out_floats = 513 * 513 * 21;
    float *src = bench_random_floats(65 * 65 * 21), *dst = bench_random_floats(out_floats);
    qn_kernel_set portable;
    qn_kernel_select(0, &portable);
    for (int argmax = 0; argmax < 2; argmax++) {
        const qn_resize_f32_params params = {.kernel = row->kernel,
                                             .argmax = argmax ? portable.argmax_f32 : NULL,
                                             .src = src,
                                             .dst = dst,
                                             .label_bytes = 8,
                                             .batch = 1,
                                             .in_h = 65,
                                             .in_w = 65,
                                             .channels = 21,
                                             .out_h = 513,
                                             .out_w = 513,
                                             .align_corners = 1};
        qn_work work;
        qn_resize_f32_work(&params, &work);
        bench_print_rate(argmax ? "65x65x21 -> 513x513 with argmax" : "65x65x21 -> 513x513",
                         bench_measure(&work, time_ms), 0, argmax ? 8.0 * 513 * 513 : 4.0 * (double)out_floats, 0);
    }
    free(src), free(dst);
}

static void bench_argmax(const qn_kernel_row *row, int64_t time_ms) {
    const int64_t rows = 513 * 513, channels = 21;
    float *src = bench_random_floats(rows * channels), *dst = bench_random_floats(rows * 2);
    const qn_argmax_f32_params params = {
        .kernel = row->kernel, .src = src, .dst = dst, .rows = rows, .channels = channels, .label_bytes = 8};
    qn_work work;
    qn_argmax_f32_work(&params, &work);
    bench_print_rate("513x513x21", bench_measure(&work, time_ms), 0, 4.0 * (double)(rows * channels), 0);
    free(src), free(dst);
}

static void bench_quantize(const qn_kernel_row *row, int64_t time_ms) {
    const int64_t elems = 65 * 65 * 320;
    float *floats = bench_random_floats(elems), *factors = bench_random_floats(320);
    int32_t *zero_points = calloc(320, sizeof *zero_points);
    uint8_t *integers = calloc((size_t)elems, 1);
    if (!zero_points || !integers) abort();
    for (int each = 0; each < 2; each++) {
        for (int back = 0; back < 2; back++) {
            const qn_quantize_params params = {.kernel = row->kernel,
                                               .src = back ? (void *)integers : (void *)floats,
                                               .dst = back ? (void *)floats : (void *)integers,
                                               .factor = factors,
                                               .zero_point = zero_points,
                                               .elems = elems,
                                               .channels = 320,
                                               .factors = each ? 320 : 1,
                                               .zero_points = each ? 320 : 1,
                                               .src_storage = back ? QN_STORAGE_U8 : QN_STORAGE_F32,
                                               .dst_storage = back ? QN_STORAGE_F32 : QN_STORAGE_U8};
            char label[64];
            qn_work work;
            qn_quantize_work(&params, &work);
            snprintf(label, sizeof label, "%s of 65x65x320, %s", back ? "u8 to f32" : "f32 to u8",
                     each ? "by channel" : "alike");
            bench_print_rate(label, bench_measure(&work, time_ms), 0, 5.0 * (double)elems, 0);
        }
    }
    free(floats), free(factors), free(zero_points), free(integers);
}

static void bench_row(const qn_kernel_row *row, int64_t time_ms) {
    const double peak = bench_peak(row);
    printf("%s", row->name);
    if (peak > 0) printf(" (peak %.1f GOP/s)", peak);
    printf("\n");
    if (strcmp(row->family, "conv_f32") == 0) {
        for (size_t i = 0; i < bench_conv_shape_count; i++) bench_conv(row, &bench_conv_shapes[i], time_ms, peak);
    } else if (strcmp(row->family, "depthwise_f32") == 0) {
        for (size_t i = 0; i < bench_depthwise_shape_count; i++)
            bench_depthwise(row, &bench_depthwise_shapes[i], time_ms, peak);
    } else if (strcmp(row->family, "conv_u8") == 0 || strcmp(row->family, "depthwise_u8") == 0 ||
               strcmp(row->family, "conv_s16") == 0 || strcmp(row->family, "conv_s16s8") == 0 ||
               strcmp(row->family, "depthwise_s16") == 0) {
        bench_quantized(row, time_ms, peak);
    } else if (strcmp(row->family, "elementwise") == 0) {
        bench_elementwise(row, time_ms);
    } else if (strcmp(row->family, "pool_f32") == 0) {
        bench_pool(row, 0, time_ms);
    } else if (strcmp(row->family, "pool_int") == 0) {
        bench_pool(row, 1, time_ms);
        bench_pool(row, 2, time_ms);
    } else if (strcmp(row->family, "resize_f32") == 0) {
        bench_resize(row, time_ms);
        bench_spread(row, time_ms);
    } else if (strcmp(row->family, "quantize") == 0) {
        bench_quantize(row, time_ms);
    } else if (strcmp(row->family, "add_int") == 0) {
        bench_add_int(row, time_ms);
    } else if (strcmp(row->family, "argmax_f32") == 0) {
        bench_argmax(row, time_ms);
    }
}

void check_bench(qn_cpu_features features, const char *family, const char *isa, int64_t time_ms) {
    for (size_t i = 0; i < qn_kernel_row_count(); i++) {
        const qn_kernel_row *row = qn_kernel_row_at(i);
        if (!row->kernel || (row->needs & ~features)) continue;
        if (family && strcmp(row->family, family) != 0) continue;
        if (isa ? strstr(row->name, isa) == NULL : row->needs == 0) continue; /* portable only when asked for */
        bench_row(row, time_ms);
    }
}
