/* check/spatial.c - cases of pool_f32, pool_int and resize_f32. */
#include "check/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- pool_f32 ---- */

static void draw_pool(check_context *context, qn_pool_params *p) {
    int64_t pad_h, pad_w;
    do {
        p->batch = check_chance(context, 80) ? 1 : check_draw(context, 1, 3);
        p->in_h = check_draw_size(context, 7, 20);
        p->in_w = check_draw_size(context, 7, 20);
        p->channels = check_draw_size(context, 16, 80);
        const int global = check_chance(context, 20);
        p->kernel_h = global ? p->in_h : check_draw(context, 1, 4);
        p->kernel_w = global ? p->in_w : check_draw(context, 1, 4);
        p->stride_h = check_draw(context, 1, 3);
        p->stride_w = check_draw(context, 1, 3);
        p->pad_top = check_draw(context, 0, p->kernel_h - 1);
        p->pad_left = check_draw(context, 0, p->kernel_w - 1);
        pad_h = p->pad_top + check_draw(context, 0, p->kernel_h - 1);
        pad_w = p->pad_left + check_draw(context, 0, p->kernel_w - 1);
    } while (p->in_h + pad_h < p->kernel_h || p->in_w + pad_w < p->kernel_w);
    p->out_h = (p->in_h + pad_h - p->kernel_h) / p->stride_h + 1;
    p->out_w = (p->in_w + pad_w - p->kernel_w) / p->stride_w + 1;
    p->average = check_draw(context, 0, 1);
    p->count_include_pad = check_draw(context, 0, 1);
}

/* The value of one output and how far rounding may take a kernel from it. */
static double naive_pool(const qn_pool_params *p, int64_t pixel, int64_t channel, double *out_bound) {
    const int64_t x = pixel % p->out_w, y = pixel / p->out_w % p->out_h, image = pixel / p->out_w / p->out_h;
    double sum = 0, size = 0, greatest = -INFINITY;
    int64_t cells = 0;
    for (int64_t ky = 0; ky < p->kernel_h; ky++) {
        for (int64_t kx = 0; kx < p->kernel_w; kx++) {
            const int64_t sy = y * p->stride_h - p->pad_top + ky, sx = x * p->stride_w - p->pad_left + kx;
            if (sy < 0 || sx < 0 || sy >= p->in_h || sx >= p->in_w) continue;
            const double value =
                (double)((const float *)p->src)[((image * p->in_h + sy) * p->in_w + sx) * p->channels + channel];
            cells++;
            sum += value;
            size += fabs(value);
            greatest = isnan(value) || isnan(greatest) ? (double)NAN : value > greatest ? value : greatest;
        }
    }
    *out_bound = 0;
    if (!p->average) return greatest;
    const double divisor = (double)(p->count_include_pad ? p->kernel_h * p->kernel_w : cells);
    *out_bound = size / divisor * (double)(cells + 3) * 0x1p-24 + 0x1p-140;
    return sum / divisor;
}

static void verify_pool(check_context *context, const qn_pool_params *p) {
    const int64_t count = p->batch * p->out_h * p->out_w * p->channels;
    double *want = calloc((size_t)count, sizeof *want), *bound = calloc((size_t)count, sizeof *bound);
    if (!want || !bound) abort();
    for (int64_t i = 0; i < count; i++) want[i] = naive_pool(p, i / p->channels, i % p->channels, &bound[i]);
    check_near(context, p->kernel->name, p->dst, want, bound, count);
    free(want);
    free(bound);
}

void check_pool_f32(check_context *context) {
    qn_pool_params p;
    memset(&p, 0, sizeof p);
    draw_pool(context, &p);
    const int64_t in = p.batch * p.in_h * p.in_w * p.channels, out = p.batch * p.out_h * p.out_w * p.channels;
    float *src = check_buffer(context, "src", (size_t)in * sizeof *src);
    float *dst = check_buffer(context, "dst", (size_t)out * sizeof *dst);
    float *want = check_buffer(context, "want", (size_t)out * sizeof *dst);
    check_fill(context, check_draw_data(context), src, in);
    check_describe(
        context, "%s, in %lldx%lldx%lldx%lld, out %lldx%lld, kernel %lldx%lld, stride %lld,%lld, pad %lld,%lld",
        p.average ? "average" : "max", (long long)p.batch, (long long)p.in_h, (long long)p.in_w, (long long)p.channels,
        (long long)p.out_h, (long long)p.out_w, (long long)p.kernel_h, (long long)p.kernel_w, (long long)p.stride_h,
        (long long)p.stride_w, (long long)p.pad_top, (long long)p.pad_left);
    p.src = src;
    p.dst = dst;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        qn_work work;
        p.kernel = context->rows[i]->kernel;
        memset(dst, 0xA5, (size_t)out * sizeof *dst);
        qn_pool_work(&p, &work);
        if (!check_run_work(context, context->rows[i]->name, &work, i > 0)) return;
        if (i == 0) {
            verify_pool(context, &p);
            memcpy(want, dst, (size_t)out * sizeof *dst);
        }
        check_same_floats(context, context->rows[i]->name, dst, want, out);
    }
}

/* ---- pool_int ---- */

static int64_t integer(const void *data, int64_t i, int64_t bytes) {
    return bytes == 2 ? ((const int16_t *)data)[i] : ((const uint8_t *)data)[i];
}

static void put_integer(void *data, int64_t i, int64_t bytes, int64_t value) {
    if (bytes == 2)
        ((int16_t *)data)[i] = (int16_t)value;
    else
        ((uint8_t *)data)[i] = (uint8_t)value;
}

/* Exact: the contract fixes every rounding. */
static int64_t naive_pool_int(const qn_pool_params *p, int64_t pixel, int64_t channel) {
    const int64_t x = pixel % p->out_w, y = pixel / p->out_w % p->out_h, image = pixel / p->out_w / p->out_h;
    int64_t sum = 0, cells = 0, greatest = INT64_MIN;
    for (int64_t ky = 0; ky < p->kernel_h; ky++) {
        for (int64_t kx = 0; kx < p->kernel_w; kx++) {
            const int64_t sy = y * p->stride_h - p->pad_top + ky, sx = x * p->stride_w - p->pad_left + kx;
            if (sy < 0 || sx < 0 || sy >= p->in_h || sx >= p->in_w) continue;
            const int64_t at = ((image * p->in_h + sy) * p->in_w + sx) * p->channels + channel;
            const int64_t value = integer(p->src, at, p->integers_bytes);
            cells++;
            sum += value;
            greatest = value > greatest ? value : greatest;
        }
    }
    const float factor = 1.0f / (float)cells, mean = (float)sum * factor;
    return p->average ? (int64_t)nearbyintf(mean) : greatest;
}

void check_pool_int(check_context *context) {
    qn_pool_params p = {.integers_bytes = check_draw(context, 1, 2)};
    draw_pool(context, &p);
    p.count_include_pad = 0;
    const int64_t in = p.batch * p.in_h * p.in_w * p.channels, out = p.batch * p.out_h * p.out_w * p.channels;
    const int64_t bytes = p.integers_bytes, low = bytes == 2 ? -32768 : 0, high = bytes == 2 ? 32767 : 255;
    void *src = check_buffer(context, "src", (size_t)(in * bytes)),
         *dst = check_buffer(context, "dst", (size_t)(out * bytes));
    void *want = check_buffer(context, "want", (size_t)(out * bytes));
    const int64_t span = check_chance(context, 50) ? 3 : high - low,
                  base = check_chance(context, 50) ? low : high - span;
    for (int64_t i = 0; i < in; i++) put_integer(src, i, bytes, base + check_draw(context, 0, span));
    p.src = src;
    p.dst = dst;
    for (int64_t i = 0; i < out; i++) put_integer(want, i, bytes, naive_pool_int(&p, i / p.channels, i % p.channels));
    check_describe(context, "%s of %lld bytes, in %lldx%lldx%lldx%lld, out %lldx%lld, kernel %lldx%lld",
                   p.average ? "average" : "max", (long long)bytes, (long long)p.batch, (long long)p.in_h,
                   (long long)p.in_w, (long long)p.channels, (long long)p.out_h, (long long)p.out_w,
                   (long long)p.kernel_h, (long long)p.kernel_w);
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        qn_work work;
        p.integers = context->rows[i]->kernel;
        memset(dst, 0xA5, (size_t)(out * bytes));
        qn_pool_work(&p, &work);
        if (!check_run_work(context, context->rows[i]->name, &work, 1)) return;
        check_same_bytes(context, context->rows[i]->name, dst, want, (size_t)(out * bytes));
    }
}

/* ---- resize_f32 ---- */

static void draw_resize(check_context *context, qn_resize_f32_params *p) {
    do {
        p->batch = check_chance(context, 80) ? 1 : check_draw(context, 1, 3);
        p->in_h = check_draw_size(context, 8, 20);
        p->in_w = check_draw_size(context, 8, 20);
        p->channels = check_draw_size(context, 16, 60);
        p->out_h = check_draw_size(context, 16, 90);
        p->out_w = check_chance(context, 3) ? check_draw(context, 600, 1500) : check_draw_size(context, 16, 90);
    } while (p->batch * p->out_h * p->out_w * p->channels > 120000);
    if (check_chance(context, 5)) p->in_h = p->in_w = 1;
    p->align_corners = check_draw(context, 0, 1);
    p->half_pixel_centers = p->align_corners ? 0 : check_draw(context, 0, 1);
}

typedef struct axis_pair {
    int64_t low, high;
    float factor;
} axis_pair;

/* TensorFlow's coordinates, in float as there. */
static axis_pair naive_axis(int64_t out, int64_t in_size, int64_t out_size, int64_t align_corners, int64_t half_pixel) {
    const float scale =
        align_corners && out_size > 1 ? (float)(in_size - 1) / (float)(out_size - 1) : (float)in_size / (float)out_size;
    const float at = half_pixel ? ((float)out + 0.5f) * scale - 0.5f : (float)out * scale;
    axis_pair pair = {(int64_t)floorf(at), (int64_t)floorf(at) + 1, at - floorf(at)};
    if (pair.low < 0) pair.low = 0;
    if (pair.low > in_size - 1) pair.low = in_size - 1;
    if (pair.high > in_size - 1) pair.high = in_size - 1;
    if (pair.factor == 0) pair.high = pair.low;
    return pair;
}

/* The contract fixes every rounding, so this is exact, not a bound. */
static float naive_resize(const qn_resize_f32_params *p, int64_t image, int64_t y, int64_t x, int64_t c) {
    const axis_pair v = naive_axis(y, p->in_h, p->out_h, p->align_corners, p->half_pixel_centers);
    const axis_pair h = naive_axis(x, p->in_w, p->out_w, p->align_corners, p->half_pixel_centers);
    const float *top = (const float *)p->src + (image * p->in_h + v.low) * p->in_w * p->channels + c;
    const float *bottom = (const float *)p->src + (image * p->in_h + v.high) * p->in_w * p->channels + c;
    const float tl = top[h.low * p->channels], tr = top[h.high * p->channels];
    const float bl = bottom[h.low * p->channels], br = bottom[h.high * p->channels];
    const float t = tl + (tr - tl) * h.factor, b = bl + (br - bl) * h.factor;
    return t + (b - t) * v.factor;
}

static void run_resize_row(check_context *context, qn_resize_f32_params *p, int index, const void *want, size_t bytes) {
    const char *name = context->rows[index]->name;
    qn_work work;
    p->kernel = context->rows[index]->kernel;
    memset(p->dst, 0xA5, bytes);
    qn_resize_f32_work(p, &work);
    if (!check_run_work(context, name, &work, 1)) return;
    if (p->argmax) {
        check_same_bytes(context, name, p->dst, want, bytes);
    } else {
        check_same_floats(context, name, p->dst, want, (int64_t)(bytes / sizeof(float)));
    }
}

void check_resize_f32(check_context *context) {
    qn_resize_f32_params p;
    qn_kernel_set portable;
    memset(&p, 0, sizeof p);
    qn_kernel_select(0, &portable);
    draw_resize(context, &p);
    p.label_bytes = check_chance(context, 50) ? 1 : 8;
    if (check_chance(context, 50)) p.argmax = portable.argmax_f32;
    const int64_t in = p.batch * p.in_h * p.in_w * p.channels, pixels = p.batch * p.out_h * p.out_w;
    float *src = check_buffer(context, "src", (size_t)in * sizeof *src);
    check_fill(context, check_draw_data(context), src, in);
    p.src = src;
    const size_t bytes = (size_t)pixels * (size_t)(p.argmax ? p.label_bytes : p.channels * (int64_t)sizeof(float));
    p.dst = check_buffer(context, "dst", bytes);
    uint8_t *want = check_buffer_aligned(context, "want", bytes);
    for (int64_t i = 0; i < pixels; i++) {
        const int64_t x = i % p.out_w, y = i / p.out_w % p.out_h, image = i / p.out_w / p.out_h;
        float best = -INFINITY;
        int64_t label = 0;
        for (int64_t c = 0; c < p.channels; c++) {
            const float value = naive_resize(&p, image, y, x, c);
            if (!p.argmax) ((float *)(void *)want)[i * p.channels + c] = value;
            if (!(value > best)) continue;
            best = value;
            label = c;
        }
        if (p.argmax && p.label_bytes == 1) want[i] = (uint8_t)label;
        if (p.argmax && p.label_bytes == 8) ((int64_t *)(void *)want)[i] = label;
    }
    check_describe(context, "in %lldx%lldx%lldx%lld, out %lldx%lld, argmax %d, align %lld, half pixel %lld",
                   (long long)p.batch, (long long)p.in_h, (long long)p.in_w, (long long)p.channels, (long long)p.out_h,
                   (long long)p.out_w, p.argmax != NULL, (long long)p.align_corners, (long long)p.half_pixel_centers);
    for (int i = 0; i < context->row_count && !context->failed; i++) run_resize_row(context, &p, i, want, bytes);
}
