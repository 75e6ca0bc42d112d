/* check/quantize.c - cases of quantize, against the formula computed element by element. */
#include "base/dtype.h"
#include "check/check.h"

#include <math.h>
#include <string.h>

/* Elements of a storage, reached through the accessors of base. */
static qn_view view_of(int64_t storage, int64_t count, void *data) {
    static const qn_dtype dtypes[] = {[QN_STORAGE_U8] = QN_DTYPE_U8,
                                      [QN_STORAGE_S16] = QN_DTYPE_S16,
                                      [QN_STORAGE_F16] = QN_DTYPE_F16,
                                      [QN_STORAGE_F32] = QN_DTYPE_F32};
    return (qn_view){.dtype = dtypes[storage], .rank = 1, .dims = {count}, .data = data};
}

static int is_float(int64_t storage) { return storage == QN_STORAGE_F32 || storage == QN_STORAGE_F16; }

static void draw_vectors(check_context *context, qn_quantize_params *p, int is_u8) {
    float *factor = check_buffer(context, "factor", (size_t)p->factors * sizeof *factor);
    int32_t *zero = check_buffer(context, "zero_point", (size_t)p->zero_points * sizeof *zero);
    for (int64_t c = 0; c < p->factors; c++)
        factor[c] = is_float(p->dst_storage) ? qn_rng_float(&context->rng, 0.0f, 0.1f)
                                             : ldexpf(qn_rng_float(&context->rng, 0.5f, 2.0f), is_u8 ? 6 : 14);
    if (check_chance(context, 10)) factor[0] = check_chance(context, 50) ? INFINITY : NAN;
    for (int64_t c = 0; c < p->zero_points; c++)
        zero[c] = (int32_t)check_draw(context, is_u8 ? 0 : -32767, is_u8 ? 255 : 32767);
    if (check_chance(context, 20)) zero[0] = is_u8 ? (check_chance(context, 50) ? 0 : 255) : -32767;
    p->factor = factor;
    p->zero_point = zero;
}

/* Floats that often lie in the middle between two integers, or far outside. */
static void draw_floats(check_context *context, const qn_quantize_params *p, float *values) {
    check_fill(context, check_draw_data(context), values, p->elems);
    for (int64_t i = 0; i < p->elems; i++) {
        const float factor = p->factor[p->factors == 1 ? 0 : i % p->channels];
        if (check_chance(context, 30)) values[i] = ((float)check_draw(context, -300, 300) + 0.5f) / factor;
    }
}

static void compute(const qn_quantize_params *p, const qn_view *src, const qn_view *want) {
    const int is_u8 = p->src_storage == QN_STORAGE_U8 || p->dst_storage == QN_STORAGE_U8;
    for (int64_t i = 0; i < p->elems; i++) {
        const float factor = p->factor[p->factors == 1 ? 0 : i % p->channels];
        const int32_t zero = p->zero_point[p->zero_points == 1 ? 0 : i % p->channels];
        if (is_float(p->dst_storage)) {
            const float value = (float)(qn_view_get_int(src, i) - zero) * factor;
            qn_view_set(want, i, (double)value);
            continue;
        }
        const double t = (double)((float)qn_view_get(src, i) * factor);
        const double low = (is_u8 ? 0 : -32767) - zero, high = (is_u8 ? 255 : 32767) - zero;
        const double bounded = t > low ? (t < high ? t : high) : low;
        qn_view_set_int(want, i, (int64_t)nearbyint(bounded) + zero);
    }
}

static int same(check_context *context, const char *name, const qn_view *got, const qn_view *want) {
    if (want->dtype == QN_DTYPE_F32)
        return check_same_floats(context, name, got->data, want->data, qn_view_elems(want));
    for (int64_t i = 0; i < qn_view_elems(want); i++) {
        const double a = qn_view_get(got, i), b = qn_view_get(want, i);
        if (memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b))) continue;
        check_fail(context, name, "element %lld is %.9g, should be %.9g", (long long)i, a, b);
        return 0;
    }
    return 1;
}

void check_quantize(check_context *context) {
    const int is_u8 = check_chance(context, 60), is_half = check_chance(context, 50);
    const int64_t integers = is_u8 ? QN_STORAGE_U8 : QN_STORAGE_S16;
    const int64_t floats = is_half ? QN_STORAGE_F16 : QN_STORAGE_F32;
    const int to_float = check_chance(context, 50);
    qn_quantize_params p = {.channels = check_chance(context, 5) ? check_draw(context, 2000, 2100)
                                                                 : check_draw_size(context, 16, 80),
                            .src_storage = to_float ? integers : floats,
                            .dst_storage = to_float ? floats : integers};
    p.elems = p.channels * check_draw_size(context, 16, check_chance(context, 3) ? 40000 / p.channels + 1 : 60);
    p.factors = check_chance(context, 50) ? 1 : p.channels;
    p.zero_points = check_chance(context, 50) ? 1 : p.channels;
    draw_vectors(context, &p, is_u8);
    qn_view src = view_of(p.src_storage, p.elems, NULL), dst = view_of(p.dst_storage, p.elems, NULL), want = dst;
    src.data = check_buffer(context, "src", qn_view_bytes(&src));
    dst.data = check_buffer(context, "dst", qn_view_bytes(&dst));
    want.data = check_buffer_aligned(context, "want", qn_view_bytes(&dst));
    if (to_float) {
        for (int64_t i = 0; i < p.elems; i++)
            qn_view_set_int(&src, i, check_draw(context, is_u8 ? 0 : -32768, is_u8 ? 255 : 32767));
    } else {
        float *values = check_buffer_aligned(context, "values", (size_t)p.elems * sizeof *values);
        draw_floats(context, &p, values);
        for (int64_t i = 0; i < p.elems; i++) qn_view_set(&src, i, (double)values[i]);
    }
    p.src = src.data;
    p.dst = dst.data;
    compute(&p, &src, &want);
    check_describe(context, "%lld elements of storage %lld to %lld, %lld channels, %lld factors, %lld zero points",
                   (long long)p.elems, (long long)p.src_storage, (long long)p.dst_storage, (long long)p.channels,
                   (long long)p.factors, (long long)p.zero_points);
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        qn_work work;
        p.kernel = context->rows[i]->kernel;
        memset(dst.data, 0xA5, qn_view_bytes(&dst));
        qn_quantize_work(&p, &work);
        if (!check_run_work(context, context->rows[i]->name, &work, 1)) return;
        same(context, context->rows[i]->name, &dst, &want);
    }
}
