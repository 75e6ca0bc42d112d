/* check/half.c - half precision: conversions, and the drivers that convert around kernels of float. */
#include "base/dtype.h"
#include "check/check.h"

#include <math.h>
#include <string.h>

uint16_t *check_halves(check_context *context, const char *name, float *values, int64_t count) {
    if (!values) return NULL;
    uint16_t *halves = check_buffer(context, name, (size_t)count * sizeof *halves);
    for (int64_t i = 0; i < count; i++) {
        halves[i] = qn_float_to_half(values[i]);
        values[i] = qn_half_to_float(halves[i]);
    }
    return halves;
}

static int is_nan(uint16_t half) { return (half & 0x7fff) > 0x7c00; }

int check_same_halves(check_context *context, const char *kernel, const uint16_t *got, const float *want,
                      int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const uint16_t half = qn_float_to_half(want[i]);
        if (got[i] == half || (is_nan(got[i]) && is_nan(half))) continue;
        check_fail(context, kernel, "element %lld is %a, the portable kernel of floats gives %a, rounded %a",
                   (long long)i, (double)qn_half_to_float(got[i]), (double)want[i], (double)qn_half_to_float(half));
        return 0;
    }
    return 1;
}

/* ---- convert_f16 ---- */

enum { HALVES = 65536, FLOATS = 3000 };

static float draw_float(check_context *context) {
    uint32_t bits = (uint32_t)check_draw(context, 0, UINT32_MAX);
    float value;
    switch (check_draw(context, 0, 3)) {
    case 0: /* anything, NaNs and subnormals among it */ memcpy(&value, &bits, sizeof value); return value;
    case 1: { /* on or beside the middle between two neighbouring halves, up to infinity */
        const uint16_t half = (uint16_t)check_draw(context, 0, 0x7bff);
        const double low = (double)qn_half_to_float(half);
        const double high = half == 0x7bff ? 65536.0 : (double)qn_half_to_float((uint16_t)(half + 1));
        value = (float)((low + high) / 2);
        const int64_t step = check_draw(context, -1, 1);
        if (step) value = nextafterf(value, step < 0 ? -INFINITY : INFINITY);
        return check_chance(context, 50) ? value : -value;
    }
    case 2: return ldexpf(qn_rng_float(&context->rng, -2.0f, 2.0f), (int)check_draw(context, -27, 17));
    default: return qn_half_to_float((uint16_t)bits);
    }
}

static int convert(check_context *context, const qn_kernel_row *row, const void *src, void *dst, int64_t elems,
                   int to_half) {
    qn_work work;
    const qn_convert_f16_params params = {
        .kernel = row->kernel, .src = src, .dst = dst, .elems = elems, .to_half = to_half};
    qn_convert_f16_work(&params, &work);
    return check_run_work(context, row->name, &work, 1);
}

/* Every half, to float and back: bit for bit, NaNs too. */
static void check_every_half(check_context *context, const qn_kernel_row *row) {
    static uint16_t halves[HALVES], back[HALVES];
    static float floats[HALVES];
    for (int i = 0; i < HALVES; i++) halves[i] = (uint16_t)i;
    if (!convert(context, row, halves, floats, HALVES, 0)) return;
    for (int i = 0; i < HALVES; i++) {
        const float want = qn_half_to_float((uint16_t)i);
        if (memcmp(&want, &floats[i], sizeof want) == 0) continue;
        check_fail(context, row->name, "half %#x becomes %a, should be %a", (unsigned)i, (double)floats[i],
                   (double)want);
        return;
    }
    if (!convert(context, row, floats, back, HALVES, 1)) return;
    for (int i = 0; i < HALVES; i++) {
        const uint16_t want = is_nan((uint16_t)i) ? (uint16_t)(i | 0x200) : (uint16_t)i;
        if (back[i] == want) continue;
        check_fail(context, row->name, "half %#x comes back as %#x", (unsigned)i, (unsigned)back[i]);
        return;
    }
}

static void check_floats(check_context *context) {
    const int64_t count = check_draw_size(context, 16, FLOATS);
    float *src = check_buffer(context, "floats", (size_t)count * sizeof *src);
    float *wide = check_buffer(context, "wide", (size_t)count * sizeof *wide);
    uint16_t *dst = check_buffer(context, "halves", (size_t)count * sizeof *dst);
    for (int64_t i = 0; i < count; i++) src[i] = draw_float(context);
    check_describe(context, "%lld floats to half and back", (long long)count);
    for (int r = 0; r < context->row_count && !context->failed; r++) {
        const qn_kernel_row *row = context->rows[r];
        memset(dst, 0xA5, (size_t)count * sizeof *dst);
        if (!convert(context, row, src, dst, count, 1)) return;
        for (int64_t i = 0; i < count; i++) {
            const uint16_t want = qn_float_to_half(src[i]);
            if (dst[i] == want) continue;
            check_fail(context, row->name, "%a becomes %#x, should be %#x", (double)src[i], (unsigned)dst[i],
                       (unsigned)want);
            return;
        }
        if (!convert(context, row, dst, wide, count, 0)) return;
        for (int64_t i = 0; i < count; i++) dst[i] = qn_float_to_half(wide[i]);
        check_same_halves(context, row->name, dst, wide, count);
    }
}

/* ---- Drivers that convert: the same case with floats and portable kernels, then with halves and every row ---- */

typedef struct driver_case {
    void (*make)(struct driver_case *c, const qn_kernel_set *set, const qn_convert_f16_kernel *half, qn_work *out_work);
    const void *src, *other;
    void *dst;
    int64_t params[12];
} driver_case;

static void make_elementwise(driver_case *c, const qn_kernel_set *set, const qn_convert_f16_kernel *half,
                             qn_work *out) {
    const qn_elementwise_params p = {.kernel = set->elementwise,
                                     .half = half,
                                     .code = c->params[0],
                                     .a = c->src,
                                     .b = c->other,
                                     .dst = c->dst,
                                     .elems = c->params[1],
                                     .a_period = c->params[2],
                                     .b_period = c->params[3],
                                     .low = -1,
                                     .high = 1};
    qn_elementwise_work(&p, out);
}

static void make_pool(driver_case *c, const qn_kernel_set *set, const qn_convert_f16_kernel *half, qn_work *out) {
    const int64_t *v = c->params;
    const qn_pool_f32_params p = {.kernel = set->pool_f32,
                                  .half = half,
                                  .src = c->src,
                                  .dst = c->dst,
                                  .batch = 1,
                                  .in_h = v[0],
                                  .in_w = v[1],
                                  .channels = v[2],
                                  .out_h = v[0],
                                  .out_w = v[1],
                                  .kernel_h = 3,
                                  .kernel_w = 3,
                                  .stride_h = 1,
                                  .stride_w = 1,
                                  .pad_top = 1,
                                  .pad_left = 1,
                                  .average = v[3]};
    qn_pool_f32_work(&p, out);
}

static void make_resize(driver_case *c, const qn_kernel_set *set, const qn_convert_f16_kernel *half, qn_work *out) {
    const int64_t *v = c->params;
    const qn_resize_f32_params p = {.kernel = set->resize_f32,
                                    .argmax = v[5] ? set->argmax_f32 : NULL,
                                    .half = half,
                                    .src = c->src,
                                    .dst = c->dst,
                                    .label_bytes = 4,
                                    .batch = 1,
                                    .in_h = v[0],
                                    .in_w = v[1],
                                    .channels = v[2],
                                    .out_h = v[3],
                                    .out_w = v[4],
                                    .align_corners = v[6]};
    qn_resize_f32_work(&p, out);
}

static void make_argmax(driver_case *c, const qn_kernel_set *set, const qn_convert_f16_kernel *half, qn_work *out) {
    const qn_argmax_f32_params p = {.kernel = set->argmax_f32,
                                    .half = half,
                                    .src = c->src,
                                    .dst = c->dst,
                                    .rows = c->params[0],
                                    .channels = c->params[1],
                                    .label_bytes = 4};
    qn_argmax_f32_work(&p, out);
}

static void run_driver(check_context *context, driver_case *c, int64_t src_elems, int64_t other_elems,
                       int64_t dst_elems, int labels) {
    qn_kernel_set set;
    qn_work work;
    const check_data data = check_draw_data(context);
    float *src = check_buffer(context, "src", (size_t)src_elems * sizeof *src);
    float *other = other_elems ? check_buffer(context, "other", (size_t)other_elems * sizeof *other) : NULL;
    float *want = check_buffer(context, "want", (size_t)dst_elems * sizeof *want);
    check_fill(context, data, src, src_elems);
    if (other) check_fill(context, data, other, other_elems);
    const uint16_t *half_src = check_halves(context, "half src", src, src_elems);
    const uint16_t *half_other = check_halves(context, "half other", other, other_elems);
    const size_t cell = labels ? sizeof(int32_t) : sizeof(uint16_t);
    void *dst = check_buffer(context, "half dst", (size_t)dst_elems * cell);
    qn_kernel_select(0, &set);
    c->src = src, c->other = other, c->dst = want;
    c->make(c, &set, NULL, &work);
    if (!check_run_work(context, "portable", &work, 0)) return;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        const qn_kernel_row *row = context->rows[i];
        qn_kernel_select(row->needs, &set);
        c->src = half_src, c->other = half_other, c->dst = dst;
        c->make(c, &set, row->kernel, &work);
        memset(dst, 0xA5, (size_t)dst_elems * cell);
        if (!check_run_work(context, row->name, &work, 1)) return;
        if (labels)
            check_same_bytes(context, row->name, dst, want, (size_t)dst_elems * cell);
        else
            check_same_halves(context, row->name, dst, want, dst_elems);
    }
}

static void check_drivers(check_context *context) {
    driver_case c = {0};
    int64_t *v = c.params;
    switch (check_draw(context, 0, 3)) {
    case 0: {
        c.make = make_elementwise;
        v[0] = check_draw(context, 0, QN_EW_TANH);
        v[2] = check_draw_size(context, 16, 100), v[1] = v[2] * check_draw_size(context, 16, 60), v[3] = v[1];
        if (check_chance(context, 50)) v[3] = check_chance(context, 50) ? 1 : v[2], v[2] = v[1];
        const int binary = v[0] < QN_EW_CLAMP;
        check_describe(context, "elementwise %lld of %lld halves, periods %lld and %lld", (long long)v[0],
                       (long long)v[1], (long long)v[2], (long long)v[3]);
        run_driver(context, &c, v[2], binary ? v[3] : 0, v[1], 0);
        return;
    }
    case 1:
        c.make = make_pool;
        v[0] = check_draw_size(context, 7, 12), v[1] = check_draw_size(context, 7, 12);
        v[2] = check_draw_size(context, 16, 80), v[3] = check_draw(context, 0, 1);
        check_describe(context, "pool of %lldx%lldx%lld halves, average %lld", (long long)v[0], (long long)v[1],
                       (long long)v[2], (long long)v[3]);
        run_driver(context, &c, v[0] * v[1] * v[2], 0, v[0] * v[1] * v[2], 0);
        return;
    case 2:
        c.make = make_resize;
        v[0] = check_draw_size(context, 7, 12), v[1] = check_draw_size(context, 7, 12),
        v[2] = check_draw_size(context, 16, 40);
        v[3] = check_draw_size(context, 16, 40), v[4] = check_draw_size(context, 16, 40);
        v[5] = check_draw(context, 0, 1), v[6] = check_draw(context, 0, 1);
        check_describe(context, "resize of %lldx%lldx%lld halves to %lldx%lld, argmax %lld, align %lld",
                       (long long)v[0], (long long)v[1], (long long)v[2], (long long)v[3], (long long)v[4],
                       (long long)v[5], (long long)v[6]);
        run_driver(context, &c, v[0] * v[1] * v[2], 0, v[3] * v[4] * (v[5] ? 1 : v[2]), (int)v[5]);
        return;
    default:
        c.make = make_argmax;
        v[0] = check_draw_size(context, 16, 1500), v[1] = check_draw_size(context, 16, 60);
        check_describe(context, "argmax of %lld rows of %lld halves", (long long)v[0], (long long)v[1]);
        run_driver(context, &c, v[0] * v[1], 0, v[0], 1);
    }
}

void check_convert_f16(check_context *context) {
    check_describe(context, "every half");
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        if (check_chance(context, 3)) check_every_half(context, context->rows[i]);
    }
    if (!context->failed) check_floats(context);
    check_buffers_reset();
    if (!context->failed) check_drivers(context);
}
