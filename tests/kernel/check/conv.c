/* check/conv.c - cases of conv_f32 and depthwise_f32. */
#include "check/check.h"
#include "check/geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A rounding at every step of a chain of `steps`, each relative to what has been summed so far. */
static double chain_bound(double magnitude, int64_t steps) {
    return magnitude * (double)(steps + 4) * 0x1p-24 + (double)(steps + 4) * 0x1p-149;
}

/* Runs one row's work into its dst and compares it with `want` (portable, whole buffer) and the naive result. */
typedef struct outcome {
    float *want;
    double *naive, *bound;
    int64_t pixels, channels, dst_stride;
} outcome;

static int compare_row(check_context *context, const qn_kernel_row *row, outcome *o, const float *dst, int is_first) {
    const int64_t floats = (o->pixels - 1) * o->dst_stride + o->channels;
    if (is_first) {
        memcpy(o->want, dst, (size_t)floats * sizeof *dst);
        for (int64_t p = 0; p < o->pixels; p++) {
            if (!check_near(context, row->name, dst + p * o->dst_stride, o->naive + p * o->channels,
                            o->bound + p * o->channels, o->channels)) {
                return 0;
            }
        }
    }
    return check_same_floats(context, row->name, dst, o->want, floats);
}

static void outcome_init(outcome *o, int64_t pixels, int64_t channels, int64_t dst_stride) {
    *o = (outcome){.pixels = pixels, .channels = channels, .dst_stride = dst_stride};
    o->want = calloc((size_t)(pixels * dst_stride), sizeof *o->want);
    o->naive = calloc((size_t)(pixels * channels), sizeof *o->naive);
    o->bound = calloc((size_t)(pixels * channels), sizeof *o->bound);
    if (!o->want || !o->naive || !o->bound) abort();
}

static void outcome_deinit(outcome *o) {
    free(o->want);
    free(o->naive);
    free(o->bound);
}

/* ---- conv_f32 ---- */

typedef struct conv_case {
    check_geometry g;
    int64_t in_c, out_c, src_stride, dst_stride;
    int addend; /* 0 none, 1 a tensor of its own, 2 dst */
    float *src, *weights, *packed, *bias, *addend_data, *dst;
    float act_min, act_max;
} conv_case;

static void draw_conv(check_context *context, conv_case *c) {
    const int big = check_chance(context, 3);
    const int64_t max_macs = big ? 4000000 : 200000, max_floats = 400000;
    int64_t in_floats, out_floats;
    do {
        c->g = check_chance(context, 50) ? check_pointwise_geometry(context, 30) : check_draw_geometry(context, 24, 3);
        c->in_c = check_chance(context, 3) ? 1024 : check_draw_size(context, 16, big ? 600 : 150);
        c->out_c = check_draw_size(context, 16, big ? 400 : 100);
        in_floats = c->g.batch * c->g.in_h * c->g.in_w * c->in_c;
        out_floats = c->g.batch * c->g.out_h * c->g.out_w * c->out_c;
    } while (in_floats > max_floats || out_floats > max_floats ||
             out_floats * c->in_c * c->g.kernel_h * c->g.kernel_w > max_macs);
    c->src_stride = c->in_c + (check_chance(context, 70) ? 0 : check_draw(context, 1, 20));
    c->dst_stride = c->out_c + (check_chance(context, 70) ? 0 : check_draw(context, 1, 20));
    c->addend = check_chance(context, 60) ? 0 : c->dst_stride == c->out_c ? (int)check_draw(context, 1, 2) : 1;
    check_draw_activation(context, &c->act_min, &c->act_max);
}

static void fill_conv(check_context *context, conv_case *c) {
    const int64_t in_pixels = c->g.batch * c->g.in_h * c->g.in_w, pixels = c->g.batch * c->g.out_h * c->g.out_w;
    const int64_t depth = c->g.kernel_h * c->g.kernel_w * c->in_c,
                  src_floats = (in_pixels - 1) * c->src_stride + c->in_c;
    const check_data data = check_draw_data(context);
    c->src = check_buffer(context, "src", (size_t)src_floats * sizeof(float));
    for (int64_t i = 0; i < src_floats; i++) c->src[i] = NAN; /* between the pixels: must not be read */
    for (int64_t p = 0; p < in_pixels; p++) check_fill(context, data, c->src + p * c->src_stride, c->in_c);
    c->weights = check_buffer(context, "weights", (size_t)(depth * c->out_c) * sizeof(float));
    check_fill(context, data, c->weights, depth * c->out_c);
    c->packed = check_buffer_aligned(context, "packed", qn_conv_f32_packed_elems(depth, c->out_c) * sizeof(float));
    qn_conv_f32_pack(c->weights, depth, c->out_c, c->packed);
    c->bias = check_chance(context, 20) ? NULL : check_buffer(context, "bias", (size_t)c->out_c * sizeof(float));
    if (c->bias) check_fill(context, data, c->bias, c->out_c);
    c->addend_data = NULL;
    if (c->addend) {
        c->addend_data = check_buffer(context, "addend", (size_t)(pixels * c->out_c) * sizeof(float));
        check_fill(context, data, c->addend_data, pixels * c->out_c);
    }
    c->dst = check_buffer(context, "dst", (size_t)((pixels - 1) * c->dst_stride + c->out_c) * sizeof(float));
    check_buffers_verify(context, "qn_conv_f32_pack");
}

static void naive_conv(const conv_case *c, outcome *o) {
    const check_geometry *g = &c->g;
    const int64_t steps = g->kernel_h * g->kernel_w * c->in_c + 1;
    for (int64_t p = 0; p < o->pixels; p++) {
        const int64_t x = p % g->out_w, y = p / g->out_w % g->out_h, image = p / g->out_w / g->out_h;
        for (int64_t out = 0; out < c->out_c; out++) {
            double sum = c->bias ? (double)c->bias[out] : 0, size = fabs(sum);
            for (int64_t t = 0; t < g->kernel_h * g->kernel_w; t++) {
                const int64_t cell = check_source_cell(g, image, y, x, t / g->kernel_w, t % g->kernel_w);
                for (int64_t in = 0; in < c->in_c; in++) {
                    const double value = cell < 0 ? 0 : (double)c->src[cell * c->src_stride + in];
                    const double product = value * (double)c->weights[(t * c->in_c + in) * c->out_c + out];
                    sum += product;
                    size += fabs(product);
                }
            }
            if (c->addend) sum += (double)c->addend_data[p * c->out_c + out];
            if (c->addend) size += fabs((double)c->addend_data[p * c->out_c + out]);
            o->naive[p * c->out_c + out] = isfinite(sum) ? check_activate(sum, c->act_min, c->act_max) : sum;
            o->bound[p * c->out_c + out] = chain_bound(size, steps);
        }
    }
}

static qn_conv_f32_params conv_params(const conv_case *c, const void *kernel) {
    const check_geometry *g = &c->g;
    return (qn_conv_f32_params){
        .kernel = kernel,
        .src = c->src,
        .weights = c->packed,
        .bias = c->bias,
        .addend = c->addend == 2 ? c->dst : c->addend_data,
        .dst = c->dst,
        .batch = g->batch,
        .in_h = g->in_h,
        .in_w = g->in_w,
        .in_c = c->in_c,
        .out_h = g->out_h,
        .out_w = g->out_w,
        .out_c = c->out_c,
        .src_stride = c->src_stride,
        .dst_stride = c->dst_stride,
        .kernel_h = g->kernel_h,
        .kernel_w = g->kernel_w,
        .stride_h = g->stride_h,
        .stride_w = g->stride_w,
        .dilation_h = g->dilation_h,
        .dilation_w = g->dilation_w,
        .pad_top = g->pad_top,
        .pad_left = g->pad_left,
        .act_min = c->act_min,
        .act_max = c->act_max,
    };
}

static void run_conv_row(check_context *context, const conv_case *c, outcome *o, int index) {
    const qn_kernel_row *row = context->rows[index];
    const qn_conv_f32_params params = conv_params(c, row->kernel);
    qn_work work;
    memset(c->dst, 0xA5, (size_t)((o->pixels - 1) * c->dst_stride + c->out_c) * sizeof(float));
    if (c->addend == 2) memcpy(c->dst, c->addend_data, (size_t)(o->pixels * c->out_c) * sizeof(float));
    qn_conv_f32_work(&params, &work);
    if (check_run_work(context, row->name, &work, index > 0)) compare_row(context, row, o, c->dst, index == 0);
}

static void describe_conv(check_context *context, const conv_case *c) {
    check_describe(context,
                   "batch %lld, in %lldx%lldx%lld (stride %lld), out %lldx%lldx%lld (stride %lld), kernel %lldx%lld, "
                   "stride %lld,%lld, dilation %lld,%lld, pad %lld,%lld, bias %d, addend %d, act %g..%g",
                   (long long)c->g.batch, (long long)c->g.in_h, (long long)c->g.in_w, (long long)c->in_c,
                   (long long)c->src_stride, (long long)c->g.out_h, (long long)c->g.out_w, (long long)c->out_c,
                   (long long)c->dst_stride, (long long)c->g.kernel_h, (long long)c->g.kernel_w,
                   (long long)c->g.stride_h, (long long)c->g.stride_w, (long long)c->g.dilation_h,
                   (long long)c->g.dilation_w, (long long)c->g.pad_top, (long long)c->g.pad_left, c->bias != NULL,
                   c->addend, (double)c->act_min, (double)c->act_max);
}

void check_conv_f32(check_context *context) {
    conv_case c;
    outcome o;
    draw_conv(context, &c);
    fill_conv(context, &c);
    describe_conv(context, &c);
    outcome_init(&o, c.g.batch * c.g.out_h * c.g.out_w, c.out_c, c.dst_stride);
    naive_conv(&c, &o);
    for (int i = 0; i < context->row_count && !context->failed; i++) run_conv_row(context, &c, &o, i);
    outcome_deinit(&o);
}

/* ---- conv_f16: what the portable conv_f32 gives for the same values, rounded ---- */

void check_conv_f16(check_context *context) {
    conv_case c;
    qn_kernel_set portable;
    qn_work work;
    qn_kernel_select(0, &portable);
    draw_conv(context, &c);
    fill_conv(context, &c);
    describe_conv(context, &c);
    const int64_t in_pixels = c.g.batch * c.g.in_h * c.g.in_w, pixels = c.g.batch * c.g.out_h * c.g.out_w;
    const int64_t depth = c.g.kernel_h * c.g.kernel_w * c.in_c, dst_elems = (pixels - 1) * c.dst_stride + c.out_c;
    uint16_t *src = check_halves(context, "half src", c.src, (in_pixels - 1) * c.src_stride + c.in_c);
    uint16_t *weights = check_halves(context, "half weights", c.weights, depth * c.out_c);
    uint16_t *bias = check_halves(context, "half bias", c.bias, c.out_c);
    uint16_t *addend = check_halves(context, "half addend", c.addend_data, pixels * c.out_c);
    const size_t packed_bytes = qn_conv_f32_packed_elems(depth, c.out_c) * sizeof(uint16_t);
    uint16_t *packed = check_buffer_aligned(context, "half packed", packed_bytes);
    uint16_t *dst = check_buffer(context, "half dst", (size_t)dst_elems * sizeof *dst);
    qn_conv_f32_pack(c.weights, depth, c.out_c, c.packed);
    qn_conv_f16_pack(weights, depth, c.out_c, packed);

    qn_conv_f32_params params = conv_params(&c, portable.conv_f32);
    params.addend = c.addend_data;
    for (int64_t i = 0; i < dst_elems; i++) c.dst[i] = NAN; /* what no pixel fills is a NaN in both */
    qn_conv_f32_work(&params, &work);
    if (!check_run_work(context, "conv_f32", &work, 0)) return;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        const char *name = context->rows[i]->name;
        params = conv_params(&c, context->rows[i]->kernel);
        qn_kernel_set own;
        qn_kernel_select(context->rows[i]->needs, &own);
        params.half = own.convert_f16;
        params.src = src, params.weights = packed, params.bias = bias, params.dst = dst;
        params.addend = c.addend == 2 ? dst : addend;
        memset(dst, 0xFF, (size_t)dst_elems * sizeof *dst);
        if (c.addend == 2) memcpy(dst, addend, (size_t)(pixels * c.out_c) * sizeof *dst);
        qn_conv_f32_work(&params, &work);
        if (check_run_work(context, name, &work, 1)) check_same_halves(context, name, dst, c.dst, dst_elems);
    }
}

/* ---- depthwise_f32 ---- */

typedef struct depthwise_case {
    check_geometry g;
    int64_t channels;
    int addend;
    float *src, *weights, *packed, *bias, *addend_data, *dst;
    float act_min, act_max;
} depthwise_case;

static void draw_depthwise(check_context *context, depthwise_case *c) {
    do {
        c->g = check_draw_geometry(context, 40, check_chance(context, 20) ? 5 : 3);
        if (check_chance(context, 50)) c->g.kernel_h = c->g.kernel_w = 3;
        c->g.out_h = check_out_size(c->g.in_h, 2 * c->g.pad_top, c->g.kernel_h, c->g.stride_h, c->g.dilation_h);
        c->g.out_w = check_out_size(c->g.in_w, 2 * c->g.pad_left, c->g.kernel_w, c->g.stride_w, c->g.dilation_w);
        c->channels = check_draw_size(context, 16, 100);
    } while (c->g.out_h < 1 || c->g.out_w < 1 || c->g.batch * c->g.out_h * c->g.out_w * c->channels > 40000);
    c->addend = check_chance(context, 60) ? 0 : (int)check_draw(context, 1, 2);
    check_draw_activation(context, &c->act_min, &c->act_max);
}

static void fill_depthwise(check_context *context, depthwise_case *c) {
    const int64_t in_floats = c->g.batch * c->g.in_h * c->g.in_w * c->channels;
    const int64_t out_floats = c->g.batch * c->g.out_h * c->g.out_w * c->channels;
    const int64_t taps = c->g.kernel_h * c->g.kernel_w;
    const check_data data = check_draw_data(context);
    c->src = check_buffer(context, "src", (size_t)in_floats * sizeof(float));
    check_fill(context, data, c->src, in_floats);
    c->weights = check_buffer(context, "weights", (size_t)(taps * c->channels) * sizeof(float));
    check_fill(context, data, c->weights, taps * c->channels);
    c->packed =
        check_buffer_aligned(context, "packed", qn_depthwise_f32_packed_elems(taps, c->channels) * sizeof(float));
    qn_depthwise_f32_pack(c->weights, taps, c->channels, c->packed);
    c->bias = check_chance(context, 20) ? NULL : check_buffer(context, "bias", (size_t)c->channels * sizeof(float));
    if (c->bias) check_fill(context, data, c->bias, c->channels);
    c->addend_data = NULL;
    if (c->addend) {
        c->addend_data = check_buffer(context, "addend", (size_t)out_floats * sizeof(float));
        check_fill(context, data, c->addend_data, out_floats);
    }
    c->dst = check_buffer(context, "dst", (size_t)out_floats * sizeof(float));
    check_buffers_verify(context, "qn_depthwise_f32_pack");
}

static void naive_depthwise(const depthwise_case *c, outcome *o) {
    const check_geometry *g = &c->g;
    for (int64_t p = 0; p < o->pixels; p++) {
        const int64_t x = p % g->out_w, y = p / g->out_w % g->out_h, image = p / g->out_w / g->out_h;
        for (int64_t ch = 0; ch < c->channels; ch++) {
            double sum = c->bias ? (double)c->bias[ch] : 0, size = fabs(sum);
            for (int64_t t = 0; t < g->kernel_h * g->kernel_w; t++) {
                const int64_t cell = check_source_cell(g, image, y, x, t / g->kernel_w, t % g->kernel_w);
                const double value = cell < 0 ? 0 : (double)c->src[cell * c->channels + ch];
                const double product = value * (double)c->weights[t * c->channels + ch];
                sum += product;
                size += fabs(product);
            }
            if (c->addend) sum += (double)c->addend_data[p * c->channels + ch];
            if (c->addend) size += fabs((double)c->addend_data[p * c->channels + ch]);
            o->naive[p * c->channels + ch] = isfinite(sum) ? check_activate(sum, c->act_min, c->act_max) : sum;
            o->bound[p * c->channels + ch] = chain_bound(size, g->kernel_h * g->kernel_w + 1);
        }
    }
}

static qn_depthwise_f32_params depthwise_params(const depthwise_case *c, const void *kernel) {
    const check_geometry *g = &c->g;
    return (qn_depthwise_f32_params){
        .kernel = kernel,
        .src = c->src,
        .weights = c->packed,
        .bias = c->bias,
        .addend = c->addend == 2 ? c->dst : c->addend_data,
        .dst = c->dst,
        .batch = g->batch,
        .in_h = g->in_h,
        .in_w = g->in_w,
        .channels = c->channels,
        .out_h = g->out_h,
        .out_w = g->out_w,
        .kernel_h = g->kernel_h,
        .kernel_w = g->kernel_w,
        .stride_h = g->stride_h,
        .stride_w = g->stride_w,
        .dilation_h = g->dilation_h,
        .dilation_w = g->dilation_w,
        .pad_top = g->pad_top,
        .pad_left = g->pad_left,
        .act_min = c->act_min,
        .act_max = c->act_max,
    };
}

static void run_depthwise_row(check_context *context, const depthwise_case *c, outcome *o, int index) {
    const qn_kernel_row *row = context->rows[index];
    const qn_depthwise_f32_params params = depthwise_params(c, row->kernel);
    const size_t bytes = (size_t)(o->pixels * c->channels) * sizeof(float);
    qn_work work;
    memset(c->dst, 0xA5, bytes);
    if (c->addend == 2) memcpy(c->dst, c->addend_data, bytes);
    qn_depthwise_f32_work(&params, &work);
    if (check_run_work(context, row->name, &work, index > 0)) compare_row(context, row, o, c->dst, index == 0);
}

static void describe_depthwise(check_context *context, const depthwise_case *c) {
    check_describe(context,
                   "batch %lld, in %lldx%lldx%lld, out %lldx%lld, kernel %lldx%lld, stride %lld,%lld, dilation "
                   "%lld,%lld, pad %lld,%lld, bias %d, addend %d, act %g..%g",
                   (long long)c->g.batch, (long long)c->g.in_h, (long long)c->g.in_w, (long long)c->channels,
                   (long long)c->g.out_h, (long long)c->g.out_w, (long long)c->g.kernel_h, (long long)c->g.kernel_w,
                   (long long)c->g.stride_h, (long long)c->g.stride_w, (long long)c->g.dilation_h,
                   (long long)c->g.dilation_w, (long long)c->g.pad_top, (long long)c->g.pad_left, c->bias != NULL,
                   c->addend, (double)c->act_min, (double)c->act_max);
}

void check_depthwise_f32(check_context *context) {
    depthwise_case c;
    outcome o;
    draw_depthwise(context, &c);
    fill_depthwise(context, &c);
    describe_depthwise(context, &c);
    outcome_init(&o, c.g.batch * c.g.out_h * c.g.out_w, c.channels, c.channels);
    naive_depthwise(&c, &o);
    for (int i = 0; i < context->row_count && !context->failed; i++) run_depthwise_row(context, &c, &o, i);
    outcome_deinit(&o);
}

/* ---- depthwise_f16 ---- */

void check_depthwise_f16(check_context *context) {
    depthwise_case c;
    qn_kernel_set portable;
    qn_work work;
    qn_kernel_select(0, &portable);
    draw_depthwise(context, &c);
    fill_depthwise(context, &c);
    describe_depthwise(context, &c);
    const int64_t in_elems = c.g.batch * c.g.in_h * c.g.in_w * c.channels, taps = c.g.kernel_h * c.g.kernel_w;
    const int64_t out_elems = c.g.batch * c.g.out_h * c.g.out_w * c.channels;
    uint16_t *src = check_halves(context, "half src", c.src, in_elems);
    uint16_t *weights = check_halves(context, "half weights", c.weights, taps * c.channels);
    uint16_t *bias = check_halves(context, "half bias", c.bias, c.channels);
    uint16_t *addend = check_halves(context, "half addend", c.addend_data, out_elems);
    const size_t packed_bytes = qn_depthwise_f32_packed_elems(taps, c.channels) * sizeof(uint16_t);
    uint16_t *packed = check_buffer_aligned(context, "half packed", packed_bytes);
    uint16_t *dst = check_buffer(context, "half dst", (size_t)out_elems * sizeof *dst);
    qn_depthwise_f32_pack(c.weights, taps, c.channels, c.packed);
    qn_depthwise_f16_pack(weights, taps, c.channels, packed);

    qn_depthwise_f32_params params = depthwise_params(&c, portable.depthwise_f32);
    params.addend = c.addend_data;
    qn_depthwise_f32_work(&params, &work);
    if (!check_run_work(context, "depthwise_f32", &work, 0)) return;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        const char *name = context->rows[i]->name;
        params = depthwise_params(&c, context->rows[i]->kernel);
        qn_kernel_set own;
        qn_kernel_select(context->rows[i]->needs, &own);
        params.half = own.convert_f16;
        params.src = src, params.weights = packed, params.bias = bias, params.dst = dst;
        params.addend = c.addend == 2 ? dst : addend;
        memset(dst, 0xA5, (size_t)out_elems * sizeof *dst);
        if (c.addend == 2) memcpy(dst, addend, (size_t)out_elems * sizeof *dst);
        qn_depthwise_f32_work(&params, &work);
        if (check_run_work(context, name, &work, 1)) check_same_halves(context, name, dst, c.dst, out_elems);
    }
}
