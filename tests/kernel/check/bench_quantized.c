/* check/bench_quantized.c - times the convolutions of integers, from and to one type, with a limit, as relu6 has it, and
 * their sums. */
#include "check/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *random_bytes(int64_t count) {
    uint8_t *bytes = aligned_alloc(64, ((size_t)count + 63) / 64 * 64);
    uint64_t state = 1;
    if (!bytes) abort();
    for (int64_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 40);
    }
    return bytes;
}

static void fill_floats(float *values, int64_t count, float value) {
    for (int64_t i = 0; i < count; i++) values[i] = value;
}

static size_t packed_bytes(const bench_shape *s, int64_t depth, int is_depthwise, int is_s16, int has_words) {
    if (is_depthwise)
        return (is_s16 ? qn_depthwise_s16_packed_bytes : qn_depthwise_u8_packed_bytes)(s->kernel, s->kernel, s->out_c);
    if (has_words) return qn_conv_s16_packed_bytes(depth, s->out_c);
    return (is_s16 ? qn_conv_s16s8_packed_bytes : qn_conv_u8_packed_bytes)(depth, s->out_c);
}

static void bench_one(const qn_kernel_row *row, const bench_shape *s, int is_depthwise, int64_t time_ms, double peak) {
    const int is_s16 = strstr(row->family, "_s16") != NULL, has_words = is_s16 && !strstr(row->family, "s8");
    const int64_t out = (s->side + s->stride - 1) / s->stride, taps = s->kernel * s->kernel;
    const int64_t depth = is_depthwise ? taps : taps * s->in_c, pixels = out * out;
    const int64_t bytes = is_s16 ? 2 : 1;
    void *src = random_bytes(s->side * s->side * s->in_c * bytes), *dst = random_bytes(pixels * s->out_c * bytes);
    void *packed = random_bytes((int64_t)packed_bytes(s, depth, is_depthwise, is_s16, has_words));
    void *bias = calloc((size_t)s->out_c, sizeof(int64_t));
    float *multiplier = bench_random_floats(s->out_c), *limit = bench_random_floats(s->out_c);
    char label[64];
    qn_work work;
    if (!bias) abort();
    fill_floats(multiplier, s->out_c, 1e-3f);
    fill_floats(limit, s->out_c, 240.0f);
    const qn_conv_int_params params = {
        .kernel = row->kernel,
        .src = src,
        .weights = packed,
        .bias = bias,
        .batch = 1,
        .in_h = s->side,
        .in_w = s->side,
        .in_c = s->in_c,
        .out_h = out,
        .out_w = out,
        .out_c = s->out_c,
        .kernel_h = s->kernel,
        .kernel_w = s->kernel,
        .stride_h = s->stride,
        .stride_w = s->stride,
        .dilation_h = s->dilation,
        .dilation_w = s->dilation,
        .pad_top = s->kernel / 2 * s->dilation,
        .pad_left = s->kernel / 2 * s->dilation,
        .pad_value = 3,
        .result = {.multiplier = multiplier,
                   .limit = limit,
                   .dst = dst,
                   .high = 252,
                   .zero_point = 3,
                   .dst_storage = is_s16 ? QN_STORAGE_S16 : QN_STORAGE_U8},
    };
    if (is_depthwise)
        (is_s16 ? qn_depthwise_s16_work : qn_depthwise_u8_work)(&params, &work);
    else if (has_words)
        qn_conv_s16_work(&params, &work);
    else
        (is_s16 ? qn_conv_s16s8_work : qn_conv_u8_work)(&params, &work);
    snprintf(label, sizeof label, "%lldx%lldx%lld %lldx%lld/%lld -> %lld", (long long)s->side, (long long)s->side,
             (long long)s->in_c, (long long)s->kernel, (long long)s->kernel, (long long)s->stride, (long long)s->out_c);
    bench_print_rate(
        label, bench_measure(&work, time_ms), 2.0 * (double)(pixels * depth * s->out_c),
        (double)(bytes * (s->side * s->side * s->in_c + pixels * s->out_c) + (has_words ? 2 : 1) * depth * s->out_c),
        peak);
    free(src), free(dst), free(packed), free(bias), free(multiplier), free(limit);
}

void bench_quantized(const qn_kernel_row *row, int64_t time_ms, double peak) {
    const int is_depthwise = strncmp(row->family, "depthwise", strlen("depthwise")) == 0;
    const bench_shape *shapes = is_depthwise ? bench_depthwise_shapes : bench_conv_shapes;
    const size_t count = is_depthwise ? bench_depthwise_shape_count : bench_conv_shape_count;
    for (size_t i = 0; i < count; i++) bench_one(row, &shapes[i], is_depthwise, time_ms, peak);
}

/* A residual sum of bytes, and the same into floats. */
void bench_add_int(const qn_kernel_row *row, int64_t time_ms) {
    enum { CHANNELS = 160, ELEMS = 65 * 65 * CHANNELS };
    uint8_t *a = random_bytes(ELEMS), *b = random_bytes(ELEMS);
    float *dst = random_bytes(ELEMS * (int64_t)sizeof *dst),
          *multiplier = random_bytes(CHANNELS * (int64_t)sizeof *dst);
    int32_t *zero_points = calloc(CHANNELS, sizeof *zero_points);
    if (!zero_points) abort();
    fill_floats(multiplier, CHANNELS, 0.7f);
    for (int each = 0; each < 2; each++) {
        for (int to_float = 0; to_float < 2; to_float++) {
            qn_add_int_params params = {.kernel = row->kernel,
                                        .a = a,
                                        .zero_point = zero_points,
                                        .b_zero_point = zero_points,
                                        .elems = ELEMS,
                                        .channels = CHANNELS,
                                        .result = {.multiplier = multiplier,
                                                   .addend_multiplier = multiplier,
                                                   .addend = b,
                                                   .dst = dst,
                                                   .high = 255,
                                                   .dst_storage = to_float ? QN_STORAGE_F32 : QN_STORAGE_U8,
                                                   .addend_storage = QN_STORAGE_U8}};
            char label[64];
            qn_work work;
            for (int v = 0; v < QN_ADD_LIMIT; v++) params.vector_elems[v] = each ? CHANNELS : 1;
            qn_add_int_work(&params, &work);
            snprintf(label, sizeof label, "65x65x160 to %s, %s", to_float ? "f32" : "u8",
                     each ? "by channel" : "alike");
            bench_print_rate(label, bench_measure(&work, time_ms), 0, (to_float ? 6.0 : 3.0) * ELEMS, 0);
        }
    }
    free(a), free(b), free(dst), free(multiplier), free(zero_points);
}
