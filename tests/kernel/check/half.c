/* check/half.c - half precision: conversions. */
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

void check_convert_f16(check_context *context) {
    check_describe(context, "every half");
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        if (check_chance(context, 3)) check_every_half(context, context->rows[i]);
    }
    if (!context->failed) check_floats(context);
    check_buffers_reset();
    if (!context->failed) check_stored_drivers(context);
}
