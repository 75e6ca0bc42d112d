/* check/stored.c - drivers that convert what is stored around kernels of float, and the conversions of integers. */
#include "check/check.h"

#include <math.h>
#include <string.h>

/* ---- Drivers that convert: the same case with floats and portable kernels, then with halves and every row ---- */

typedef struct driver_case {
    void (*make)(struct driver_case *c, const qn_kernel_set *set, const qn_convert_kernel *stored, qn_work *out_work);
    const void *src, *other;
    void *dst;
    int64_t params[12];
} driver_case;

static void make_elementwise(driver_case *c, const qn_kernel_set *set, const qn_convert_kernel *stored, qn_work *out) {
    const qn_elementwise_params p = {.kernel = set->elementwise,
                                     .half = stored,
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

static void make_pool(driver_case *c, const qn_kernel_set *set, const qn_convert_kernel *stored, qn_work *out) {
    const int64_t *v = c->params;
    const qn_pool_params p = {.kernel = set->pool_f32,
                              .stored = stored,
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
    qn_pool_work(&p, out);
}

static void make_resize(driver_case *c, const qn_kernel_set *set, const qn_convert_kernel *stored, qn_work *out) {
    const int64_t *v = c->params;
    const qn_resize_f32_params p = {.kernel = set->resize_f32,
                                    .argmax = v[5] ? set->argmax_f32 : NULL,
                                    .stored = stored,
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

static void make_argmax(driver_case *c, const qn_kernel_set *set, const qn_convert_kernel *stored, qn_work *out) {
    const qn_argmax_f32_params p = {.kernel = set->argmax_f32,
                                    .stored = stored,
                                    .src = c->src,
                                    .dst = c->dst,
                                    .rows = c->params[0],
                                    .channels = c->params[1],
                                    .label_bytes = 4};
    qn_argmax_f32_work(&p, out);
}

/* The values as they are stored, in a buffer; `values` become what is stored. NULL stays NULL. */
static void *store(check_context *context, const char *name, const qn_convert_kernel *stored, int is_int, float *values,
                   int64_t count) {
    if (!values) return NULL;
    if (!is_int) return check_halves(context, name, values, count);
    void *out = check_buffer(context, name, (size_t)(count * stored->elem_bytes));
    for (int64_t i = 0; i < count; i++) values[i] = (float)(values[i] * 60);
    stored->narrow(values, out, count);
    stored->widen(out, values, count);
    return out;
}

static int same_ints(check_context *context, const qn_kernel_row *row, const void *got, const float *want,
                     int64_t count) {
    const qn_convert_kernel *portable = context->rows[0]->kernel;
    const size_t bytes = (size_t)(count * portable->elem_bytes);
    void *rounded = check_buffer_aligned(context, "rounded", bytes);
    portable->narrow(want, rounded, count);
    return check_same_bytes(context, row->name, got, rounded, bytes);
}

static void run_driver(check_context *context, driver_case *c, int64_t src_elems, int64_t other_elems,
                       int64_t dst_elems, int labels) {
    qn_kernel_set set;
    qn_work work;
    const qn_convert_kernel *portable = context->rows[0]->kernel;
    const int is_int = strcmp(context->family, "convert_f16") != 0;
    const check_data data = check_draw_data(context);
    float *src = check_buffer(context, "src", (size_t)src_elems * sizeof *src);
    float *other = other_elems ? check_buffer(context, "other", (size_t)other_elems * sizeof *other) : NULL;
    float *want = check_buffer(context, "want", (size_t)dst_elems * sizeof *want);
    check_fill(context, data, src, src_elems);
    if (other) check_fill(context, data, other, other_elems);
    const void *stored_src = store(context, "stored src", portable, is_int, src, src_elems);
    const void *stored_other = store(context, "stored other", portable, is_int, other, other_elems);
    const size_t cell = labels ? sizeof(int32_t) : (size_t)portable->elem_bytes;
    void *dst = check_buffer(context, "stored dst", (size_t)dst_elems * cell);
    qn_kernel_select(0, &set);
    c->src = src, c->other = other, c->dst = want;
    c->make(c, &set, NULL, &work);
    if (!check_run_work(context, "portable", &work, 0)) return;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        const qn_kernel_row *row = context->rows[i];
        qn_kernel_select(row->needs, &set);
        c->src = stored_src, c->other = stored_other, c->dst = dst;
        c->make(c, &set, row->kernel, &work);
        memset(dst, 0xA5, (size_t)dst_elems * cell);
        if (!check_run_work(context, row->name, &work, 1)) return;
        if (labels)
            check_same_bytes(context, row->name, dst, want, (size_t)dst_elems * cell);
        else if (is_int)
            same_ints(context, row, dst, want, dst_elems);
        else
            check_same_halves(context, row->name, dst, want, dst_elems);
    }
}

void check_stored_drivers(check_context *context) {
    driver_case c = {0};
    int64_t *v = c.params;
    /* Integers are storage of resize and argmax only. */
    switch (check_draw(context, strcmp(context->family, "convert_f16") ? 2 : 0, 3)) {
    case 0: {
        c.make = make_elementwise;
        v[0] = check_draw(context, 0, QN_EW_TANH);
        v[2] = check_draw_size(context, 16, 100), v[1] = v[2] * check_draw_size(context, 16, 60), v[3] = v[1];
        if (check_chance(context, 50)) v[3] = check_chance(context, 50) ? 1 : v[2], v[2] = v[1];
        const int binary = v[0] < QN_EW_CLAMP;
        check_describe(context, "elementwise %lld of %lld elements, periods %lld and %lld", (long long)v[0],
                       (long long)v[1], (long long)v[2], (long long)v[3]);
        run_driver(context, &c, v[2], binary ? v[3] : 0, v[1], 0);
        return;
    }
    case 1:
        c.make = make_pool;
        v[0] = check_draw_size(context, 7, 12), v[1] = check_draw_size(context, 7, 12);
        v[2] = check_draw_size(context, 16, 80), v[3] = check_draw(context, 0, 1);
        check_describe(context, "pool of %lldx%lldx%lld elements, average %lld", (long long)v[0], (long long)v[1],
                       (long long)v[2], (long long)v[3]);
        run_driver(context, &c, v[0] * v[1] * v[2], 0, v[0] * v[1] * v[2], 0);
        return;
    case 2:
        c.make = make_resize;
        v[0] = check_draw_size(context, 7, 12), v[1] = check_draw_size(context, 7, 12),
        v[2] = check_draw_size(context, 16, 40);
        v[3] = check_draw_size(context, 16, 40), v[4] = check_draw_size(context, 16, 40);
        if (check_chance(context, 15)) v[0] = v[1] = 1;
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

/* ---- convert_u8 and convert_s16 ---- */

enum { FLOATS = 3000 };

static float draw_float(check_context *context) {
    static const float special[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0.0f, -0.0f, 255.5f, -32768.5f, 32767.5f};
    switch (check_draw(context, 0, 3)) {
    case 0: return special[check_draw(context, 0, sizeof special / sizeof *special - 1)];
    case 1: return (float)check_draw(context, -70000, 70000) * 0.5f;
    case 2: return nextafterf((float)check_draw(context, -600, 600) * 0.5f, check_chance(context, 50) ? 1e9f : -1e9f);
    default: return qn_rng_float(&context->rng, -300.0f, 300.0f);
    }
}

static int64_t element(const void *data, int64_t i, int is_s16) {
    return is_s16 ? ((const int16_t *)data)[i] : ((const uint8_t *)data)[i];
}

static void check_convert_int(check_context *context, int is_s16) {
    const int64_t count = check_draw_size(context, 16, FLOATS), low = is_s16 ? -32768 : 0, high = is_s16 ? 32767 : 255;
    float *src = check_buffer(context, "floats", (size_t)count * sizeof *src);
    float *wide = check_buffer(context, "wide", (size_t)count * sizeof *wide);
    void *dst = check_buffer(context, "integers", (size_t)(count * (is_s16 ? 2 : 1)));
    for (int64_t i = 0; i < count; i++) src[i] = draw_float(context);
    check_describe(context, "%lld floats to %s and back", (long long)count, is_s16 ? "s16" : "u8");
    for (int r = 0; r < context->row_count && !context->failed; r++) {
        const qn_kernel_row *row = context->rows[r];
        const qn_convert_kernel *kernel = row->kernel;
        kernel->narrow(src, dst, count);
        kernel->widen(dst, wide, count);
        check_buffers_verify(context, row->name);
        for (int64_t i = 0; i < count && !context->failed; i++) {
            const double value = (double)src[i] > (double)low ? (double)src[i] : (double)low;
            const double want = value < (double)high ? nearbyint(value) : (double)high;
            const int64_t got = element(dst, i, is_s16);
            if ((double)got != want || (double)wide[i] != want)
                check_fail(context, row->name, "%a becomes %lld and %g, should be %g", (double)src[i], (long long)got,
                           (double)wide[i], want);
        }
    }
    check_buffers_reset();
    if (!context->failed) check_stored_drivers(context);
}

void check_convert_u8(check_context *context) { check_convert_int(context, 0); }
void check_convert_s16(check_context *context) { check_convert_int(context, 1); }
