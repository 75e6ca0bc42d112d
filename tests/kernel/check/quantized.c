/* check/quantized.c - cases of conv_u8, conv_s16, conv_s16s8, depthwise_u8, depthwise_s16 and add_int. Sums are exact and
 * what becomes of them is defined to the last bit, so that the portable kernel too must agree with the naive computation
 * bit by bit.
 */
#include "base/dtype.h"
#include "check/check.h"
#include "check/geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct int_case {
    check_geometry g;
    int64_t in_c, out_c;
    int is_depthwise, is_s16, has_words, pad_value; /* source of 16 bits, weights of 16 bits */
    void *src, *weights, *packed, *bias;
    qn_requantize result; /* addend: the tensor's own memory */
    int addend_is_dst;
} int_case;

static int64_t storage_bytes(int64_t storage) {
    return storage == QN_STORAGE_U8 ? 1 : storage == QN_STORAGE_F32 ? 4 : 2;
}

static int64_t result_elems(const int_case *c) { return c->g.batch * c->g.out_h * c->g.out_w * c->out_c; }

/* ---- Drawing ---- */

static void draw_case(check_context *context, int_case *c) {
    const int big = check_chance(context, 3);
    const int64_t max_macs = big ? 4000000 : 200000;
    int64_t in_elems, out_elems, depth;
    do {
        if (c->is_depthwise)
            c->g = check_draw_geometry(context, 40, check_chance(context, 30) ? 6 : 3);
        else
            c->g =
                check_chance(context, 50) ? check_pointwise_geometry(context, 30) : check_draw_geometry(context, 24, 3);
        c->in_c = check_chance(context, 3) ? 4096 : check_draw_size(context, 16, big ? 600 : 150);
        c->out_c = c->is_depthwise ? c->in_c : check_draw_size(context, 16, big ? 400 : 100);
        in_elems = c->g.batch * c->g.in_h * c->g.in_w * c->in_c;
        out_elems = result_elems(c);
        depth = c->g.kernel_h * c->g.kernel_w * (c->is_depthwise ? 1 : c->in_c);
    } while (in_elems > 400000 || out_elems > 100000 || out_elems * depth > max_macs);
}

static void fill_bytes(check_context *context, uint8_t *bytes, int64_t count) {
    const int64_t kind = check_draw(context, 0, 3);
    const uint8_t equal = (uint8_t)check_draw(context, 0, 255);
    for (int64_t i = 0; i < count; i++)
        bytes[i] = kind == 0   ? equal
                   : kind == 1 ? (uint8_t)(check_chance(context, 50) ? 255 : 0)
                               : (uint8_t)check_draw(context, 0, 255);
}

static void fill_weights(check_context *context, const int_case *c, int64_t count) {
    const int has_bytes = !c->has_words || (c->is_depthwise && check_chance(context, 50)); /* which words may be, too */
    const int64_t kind = check_draw(context, 0, 3), low = has_bytes ? -128 : -32768, high = -low - 1;
    const int64_t equal = check_draw(context, low, high), ends[] = {low, low + 1, high, high};
    for (int64_t i = 0; i < count; i++) {
        const int64_t value = kind == 0   ? equal
                              : kind == 1 ? ends[check_draw(context, 0, 3)]
                                          : check_draw(context, low, high);
        if (c->has_words)
            ((int16_t *)c->weights)[i] = (int16_t)value;
        else
            ((int8_t *)c->weights)[i] = (int8_t)value;
    }
}

/* Words: bytes that are alike, or at their ends, make words that are. */
static void fill_source(check_context *context, const int_case *c, int64_t count) {
    int16_t *words = c->src;
    fill_bytes(context, c->src, count * (c->is_s16 ? 2 : 1));
    if (!c->is_s16 || !check_chance(context, 30)) return;
    for (int64_t i = 0; i < count; i++) words[i] = check_chance(context, 90) ? -32768 : 32767;
}

/* Small as a rule; of words as large as makes sums leave 32 bits just so, or by far. */
static int64_t draw_bias_span(check_context *context, const int_case *c) {
    if (check_chance(context, 70)) return 1000;
    if (!c->is_s16) return (1 << 30) - 1;
    return check_chance(context, 50) ? INT64_C(1) << 31 : INT64_C(1) << 50;
}

static void fill_bias(check_context *context, const int_case *c) {
    const int64_t span = draw_bias_span(context, c);
    for (int64_t i = 0; i < c->out_c; i++) {
        const int64_t value = check_draw(context, -span, span);
        if (c->is_s16)
            ((int64_t *)c->bias)[i] = value;
        else
            ((int32_t *)c->bias)[i] = (int32_t)value;
    }
}

static float *draw_vector(check_context *context, const char *name, int64_t count, float low, float high) {
    static const float special[] = {0.0f, -0.0f, 0.5f, 1.0f, -1.0f, 1e-42f, 3e38f, INFINITY, -INFINITY, NAN};
    const int has_special = check_chance(context, 10), are_halves = check_chance(context, 10);
    float *values = check_buffer(context, name, (size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        values[i] = are_halves ? 0.5f : qn_rng_float(&context->rng, low, high);
        if (has_special && check_chance(context, 20))
            values[i] = special[check_draw(context, 0, sizeof special / sizeof *special - 1)];
    }
    return values;
}

/* A zero point, often at an end of what the type holds. */
static int32_t draw_zero_point(check_context *context, int64_t storage) {
    static const int32_t bytes[] = {0, 128, 255}, words[] = {-32767, 0, 32767};
    const int at = (int)check_draw(context, 0, 4);
    if (storage == QN_STORAGE_U8) return at < 3 ? bytes[at] : (int32_t)check_draw(context, 0, 255);
    if (storage == QN_STORAGE_S16) return at < 3 ? words[at] : (int32_t)check_draw(context, -32767, 32767);
    return 0;
}

static void draw_bounds(check_context *context, qn_requantize *r) {
    r->low = -INFINITY;
    r->high = INFINITY;
    if (r->dst_storage == QN_STORAGE_U8 || r->dst_storage == QN_STORAGE_S16) {
        const int is_u8 = r->dst_storage == QN_STORAGE_U8;
        r->low = (float)((is_u8 ? 0 : -32767) - r->zero_point);
        r->high = (float)((is_u8 ? 255 : 32767) - r->zero_point);
    }
    if (check_chance(context, 50) && r->low < 0) r->low = 0;
}

static void fill_addend(check_context *context, qn_requantize *r, int64_t elems, int64_t channels) {
    uint8_t *data = check_buffer(context, "addend", (size_t)(elems * storage_bytes(r->addend_storage)));
    if (r->addend_storage == QN_STORAGE_F32 || r->addend_storage == QN_STORAGE_F16) {
        float *values = malloc((size_t)elems * sizeof *values);
        if (!values) abort();
        check_fill(context, check_draw_data(context), values, elems);
        for (int64_t i = 0; i < elems; i++) {
            const uint16_t half = qn_float_to_half(values[i]);
            if (r->addend_storage == QN_STORAGE_F32) memcpy(data + 4 * i, &values[i], sizeof values[i]);
            if (r->addend_storage == QN_STORAGE_F16) memcpy(data + 2 * i, &half, sizeof half);
        }
        free(values);
    } else {
        fill_bytes(context, data, elems * storage_bytes(r->addend_storage));
        r->addend_multiplier = draw_vector(context, "addend_multiplier", channels, -2.0f, 2.0f);
        r->addend_zero_point = draw_zero_point(context, r->addend_storage);
    }
    r->addend = data;
}

static void fill_result(check_context *context, int_case *c, int64_t depth) {
    qn_requantize *r = &c->result;
    const float most = (c->is_s16 ? 32768.0f : 128.0f) * (c->has_words ? 32768.0f : 128.0f);
    const float span = (c->is_s16 && check_chance(context, 50) ? 1e5f : 400.0f) / (most * sqrtf((float)depth));
    const int64_t elems = result_elems(c);
    *r = (qn_requantize){.dst_storage = check_draw(context, QN_STORAGE_U8, QN_STORAGE_F32)};
    if (check_chance(context, 40)) r->dst_storage = QN_STORAGE_U8;
    r->zero_point = draw_zero_point(context, r->dst_storage);
    draw_bounds(context, r);
    r->multiplier = draw_vector(context, "multiplier", c->out_c, 0, span);
    if (check_chance(context, 40)) r->limit = draw_vector(context, "limit", c->out_c, 0, 200);
    if (check_chance(context, 50)) {
        r->addend_storage = check_draw(context, QN_STORAGE_U8, QN_STORAGE_F32);
        fill_addend(context, r, elems, c->out_c);
    }
    c->addend_is_dst =
        r->addend && storage_bytes(r->addend_storage) == storage_bytes(r->dst_storage) && check_chance(context, 50);
    r->dst = check_buffer(context, "dst", (size_t)(elems * storage_bytes(r->dst_storage)));
}

static void pack_weights(check_context *context, int_case *c, int64_t depth) {
    const int64_t h = c->g.kernel_h, w = c->g.kernel_w, out_c = c->out_c;
    const size_t bytes = c->is_depthwise ? c->is_s16 ? qn_depthwise_s16_packed_bytes(h, w, out_c)
                                                     : qn_depthwise_u8_packed_bytes(h, w, out_c)
                         : c->has_words ? qn_conv_s16_packed_bytes(depth, out_c)
                         : c->is_s16     ? qn_conv_s16s8_packed_bytes(depth, out_c)
                                         : qn_conv_u8_packed_bytes(depth, out_c);
    c->packed = check_buffer_aligned(context, "packed", bytes);
    if (c->is_depthwise && c->is_s16)
        qn_depthwise_s16_pack(c->weights, h, w, out_c, c->packed);
    else if (c->is_depthwise)
        qn_depthwise_u8_pack(c->weights, h, w, out_c, c->packed);
    else if (c->has_words)
        qn_conv_s16_pack(c->weights, depth, out_c, c->packed);
    else if (c->is_s16)
        qn_conv_s16s8_pack(c->weights, depth, out_c, c->packed);
    else
        qn_conv_u8_pack(c->weights, depth, out_c, c->packed);
}

static void fill_case(check_context *context, int_case *c) {
    const int64_t in_elems = c->g.batch * c->g.in_h * c->g.in_w * c->in_c, bytes = c->is_s16 ? 2 : 1;
    const int64_t taps = c->g.kernel_h * c->g.kernel_w, depth = taps * (c->is_depthwise ? 1 : c->in_c);
    c->src = check_buffer(context, "src", (size_t)(in_elems * bytes));
    fill_source(context, c, in_elems);
    c->weights = check_buffer(context, "weights", (size_t)(depth * c->out_c * (c->has_words ? 2 : 1)));
    fill_weights(context, c, depth * c->out_c);
    c->bias = check_buffer(context, "bias", (size_t)(c->out_c * (c->is_s16 ? 8 : 4)));
    fill_bias(context, c);
    c->pad_value = draw_zero_point(context, c->is_s16 ? QN_STORAGE_S16 : QN_STORAGE_U8);
    pack_weights(context, c, depth);
    fill_result(context, c, depth);
    check_buffers_verify(context, "packing");
}

/* ---- The naive result ---- */

static int64_t source_at(const int_case *c, int64_t i) {
    return c->is_s16 ? ((const int16_t *)c->src)[i] : ((const uint8_t *)c->src)[i];
}
static int64_t weight_at(const int_case *c, int64_t i) {
    return c->has_words ? ((const int16_t *)c->weights)[i] : ((const int8_t *)c->weights)[i];
}

static int64_t naive_sum(const int_case *c, int64_t pixel, int64_t out) {
    const check_geometry *g = &c->g;
    const int64_t x = pixel % g->out_w, y = pixel / g->out_w % g->out_h, image = pixel / g->out_w / g->out_h;
    const int64_t first = c->is_depthwise ? out : 0, count = c->is_depthwise ? 1 : c->in_c;
    int64_t sum = c->is_s16 ? ((const int64_t *)c->bias)[out] : ((const int32_t *)c->bias)[out];
    for (int64_t t = 0; t < g->kernel_h * g->kernel_w; t++) {
        const int64_t cell = check_source_cell(g, image, y, x, t / g->kernel_w, t % g->kernel_w);
        for (int64_t i = 0; i < count; i++) {
            const int64_t value = cell < 0 ? c->pad_value : source_at(c, cell * c->in_c + first + i);
            sum += value * weight_at(c, (t * count + i) * c->out_c + out);
        }
    }
    return sum;
}

static float naive_addend(const qn_requantize *r, int64_t index, int64_t channel) {
    const uint8_t *at = (const uint8_t *)r->addend + index * storage_bytes(r->addend_storage);
    float value;
    int16_t word;
    memcpy(&word, at, r->addend_storage == QN_STORAGE_U8 ? 1 : 2);
    if (r->addend_storage == QN_STORAGE_F16) return qn_half_to_float((uint16_t)word);
    if (r->addend_storage == QN_STORAGE_F32) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    const int32_t quantized = r->addend_storage == QN_STORAGE_U8 ? *at : word;
    return (float)(quantized - r->addend_zero_point) * r->addend_multiplier[channel];
}

static void naive_store(const qn_requantize *r, int64_t sum, int64_t index, int64_t channel, uint8_t *out) {
    float t = (float)sum * r->multiplier[channel];
    if (r->addend) t = t + naive_addend(r, index, channel);
    if (r->limit) t = t < r->limit[channel] ? t : r->limit[channel];
    t = t > r->low ? t : r->low;
    t = t < r->high ? t : r->high;
    const uint16_t half = qn_float_to_half(t);
    switch (r->dst_storage) {
    case QN_STORAGE_U8: out[index] = (uint8_t)(lrintf(t) + r->zero_point); break;
    case QN_STORAGE_S16: ((int16_t *)(void *)out)[index] = (int16_t)(lrintf(t) + r->zero_point); break;
    case QN_STORAGE_F16: memcpy(out + 2 * index, &half, sizeof half); break;
    default: memcpy(out + 4 * index, &t, sizeof t);
    }
}

/* ---- Running ---- */

static void describe(check_context *context, const int_case *c) {
    const check_geometry *g = &c->g;
    const qn_requantize *r = &c->result;
    check_describe(context,
                   "batch %lld, in %lldx%lldx%lld, out %lldx%lldx%lld, kernel %lldx%lld, stride %lld,%lld, dilation "
                   "%lld,%lld, pad %lld,%lld of %d, result %d, zero point %d, addend %d%s, limit %d, bounds %g..%g",
                   (long long)g->batch, (long long)g->in_h, (long long)g->in_w, (long long)c->in_c, (long long)g->out_h,
                   (long long)g->out_w, (long long)c->out_c, (long long)g->kernel_h, (long long)g->kernel_w,
                   (long long)g->stride_h, (long long)g->stride_w, (long long)g->dilation_h, (long long)g->dilation_w,
                   (long long)g->pad_top, (long long)g->pad_left, c->pad_value, (int)r->dst_storage, r->zero_point,
                   (int)r->addend_storage, c->addend_is_dst ? " in place" : "", r->limit != NULL, (double)r->low,
                   (double)r->high);
}

static qn_conv_int_params params_of(const int_case *c, const void *kernel) {
    const check_geometry *g = &c->g;
    qn_conv_int_params params = {
        .kernel = kernel,
        .src = c->src,
        .weights = c->packed,
        .bias = c->bias,
        .batch = g->batch,
        .in_h = g->in_h,
        .in_w = g->in_w,
        .in_c = c->in_c,
        .out_h = g->out_h,
        .out_w = g->out_w,
        .out_c = c->out_c,
        .kernel_h = g->kernel_h,
        .kernel_w = g->kernel_w,
        .stride_h = g->stride_h,
        .stride_w = g->stride_w,
        .dilation_h = g->dilation_h,
        .dilation_w = g->dilation_w,
        .pad_top = g->pad_top,
        .pad_left = g->pad_left,
        .pad_value = c->pad_value,
        .result = c->result,
    };
    if (c->addend_is_dst) params.result.addend = c->result.dst;
    return params;
}

static void make_work(const int_case *c, const qn_conv_int_params *params, qn_work *out_work) {
    if (c->is_depthwise)
        c->is_s16 ? qn_depthwise_s16_work(params, out_work) : qn_depthwise_u8_work(params, out_work);
    else if (c->has_words)
        qn_conv_s16_work(params, out_work);
    else
        c->is_s16 ? qn_conv_s16s8_work(params, out_work) : qn_conv_u8_work(params, out_work);
}

static void check_case(check_context *context, int is_depthwise, int is_s16, int has_words) {
    int_case c = {.is_depthwise = is_depthwise, .is_s16 = is_s16, .has_words = has_words};
    draw_case(context, &c);
    fill_case(context, &c);
    describe(context, &c);
    const int64_t elems = result_elems(&c);
    const size_t bytes = (size_t)(elems * storage_bytes(c.result.dst_storage));
    uint8_t *want = malloc(bytes);
    if (!want) abort();
    for (int64_t i = 0; i < elems; i++)
        naive_store(&c.result, naive_sum(&c, i / c.out_c, i % c.out_c), i, i % c.out_c, want);
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        const qn_kernel_row *row = context->rows[i];
        const qn_conv_int_params params = params_of(&c, row->kernel);
        qn_work work;
        memset(c.result.dst, 0xA5, bytes);
        if (c.addend_is_dst) memcpy(c.result.dst, c.result.addend, bytes);
        make_work(&c, &params, &work);
        if (check_run_work(context, row->name, &work, i > 0))
            check_same_bytes(context, row->name, c.result.dst, want, bytes);
    }
    free(want);
}

void check_conv_u8(check_context *context) { check_case(context, 0, 0, 0); }
void check_depthwise_u8(check_context *context) { check_case(context, 1, 0, 0); }
void check_conv_s16(check_context *context) { check_case(context, 0, 1, 1); }
void check_conv_s16s8(check_context *context) { check_case(context, 0, 1, 0); }
void check_depthwise_s16(check_context *context) { check_case(context, 1, 1, 1); }

/* ---- add_int ---- */

/* An element for every channel, whether `values` has one or as many. */
static float *each_channel(const float *values, int64_t count, int64_t channels) {
    float *each = malloc((size_t)channels * sizeof *each);
    if (!each) abort();
    for (int64_t c = 0; c < channels; c++) each[c] = values[count == 1 ? 0 : c];
    return each;
}

static int32_t *draw_zero_points(check_context *context, const char *name, int64_t count, int64_t storage) {
    int32_t *values = check_buffer(context, name, (size_t)count * sizeof *values);
    for (int64_t c = 0; c < count; c++) values[c] = draw_zero_point(context, storage);
    return values;
}

static void draw_addition(check_context *context, qn_add_int_params *p) {
    qn_requantize *r = &p->result;
    const int has_limit = check_chance(context, 40);
    p->channels = check_chance(context, 5) ? check_draw(context, 500, 1100) : check_draw_size(context, 16, 80);
    p->elems = p->channels * check_draw_size(context, 16, check_chance(context, 3) ? 40000 / p->channels + 1 : 60);
    *r = (qn_requantize){.dst_storage = check_draw(context, QN_STORAGE_U8, QN_STORAGE_F32),
                         .addend_storage = check_chance(context, 60) ? QN_STORAGE_U8 : QN_STORAGE_S16};
    r->zero_point = draw_zero_point(context, r->dst_storage);
    draw_bounds(context, r);
    for (int v = 0; v < QN_ADD_VECTORS; v++) p->vector_elems[v] = check_chance(context, 50) ? 1 : p->channels;
    if (!has_limit) p->vector_elems[QN_ADD_LIMIT] = 0;
}

static void fill_addition(check_context *context, qn_add_int_params *p) {
    qn_requantize *r = &p->result;
    const int64_t *counts = p->vector_elems, bytes = p->elems * storage_bytes(r->addend_storage);
    void *a = check_buffer(context, "a", (size_t)bytes), *b = check_buffer(context, "b", (size_t)bytes);
    fill_bytes(context, a, bytes);
    fill_bytes(context, b, bytes);
    p->a = a;
    r->addend = b;
    r->multiplier = draw_vector(context, "multiplier", counts[QN_ADD_MULTIPLIER], -2.0f, 2.0f);
    r->addend_multiplier = draw_vector(context, "b_multiplier", counts[QN_ADD_B_MULTIPLIER], -2.0f, 2.0f);
    if (counts[QN_ADD_LIMIT]) r->limit = draw_vector(context, "limit", counts[QN_ADD_LIMIT], 0, 200);
    p->zero_point = draw_zero_points(context, "zero_point", counts[QN_ADD_ZERO_POINT], r->addend_storage);
    p->b_zero_point = draw_zero_points(context, "b_zero_point", counts[QN_ADD_B_ZERO_POINT], r->addend_storage);
    r->dst = check_buffer(context, "dst", (size_t)(p->elems * storage_bytes(r->dst_storage)));
}

/* What a sum of one product and an integer addend becomes, the zero point of both being that of the channel. */
static void naive_addition(const qn_add_int_params *p, uint8_t *out) {
    const int64_t *counts = p->vector_elems;
    qn_requantize r = p->result;
    float *multiplier = each_channel(r.multiplier, counts[QN_ADD_MULTIPLIER], p->channels);
    float *b_multiplier = each_channel(r.addend_multiplier, counts[QN_ADD_B_MULTIPLIER], p->channels);
    float *limit = r.limit ? each_channel(r.limit, counts[QN_ADD_LIMIT], p->channels) : NULL;
    r.multiplier = multiplier;
    r.addend_multiplier = b_multiplier;
    r.limit = limit;
    for (int64_t i = 0; i < p->elems; i++) {
        const int64_t c = i % p->channels;
        const int32_t a = r.addend_storage == QN_STORAGE_S16 ? ((const int16_t *)p->a)[i] : ((const uint8_t *)p->a)[i];
        r.addend_zero_point = p->b_zero_point[counts[QN_ADD_B_ZERO_POINT] == 1 ? 0 : c];
        naive_store(&r, a - p->zero_point[counts[QN_ADD_ZERO_POINT] == 1 ? 0 : c], i, c, out);
    }
    free(multiplier), free(b_multiplier), free(limit);
}

void check_add_int(check_context *context) {
    qn_add_int_params p = {0};
    draw_addition(context, &p);
    fill_addition(context, &p);
    const qn_requantize *r = &p.result;
    const size_t bytes = (size_t)(p.elems * storage_bytes(r->dst_storage));
    uint8_t *want = malloc(bytes);
    if (!want) abort();
    naive_addition(&p, want);
    check_describe(context,
                   "%lld elements of storage %lld to %lld, %lld channels, zero point %d, limit %d, bounds %g..%g",
                   (long long)p.elems, (long long)r->addend_storage, (long long)r->dst_storage, (long long)p.channels,
                   r->zero_point, r->limit != NULL, (double)r->low, (double)r->high);
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        qn_work work;
        p.kernel = context->rows[i]->kernel;
        memset(r->dst, 0xA5, bytes);
        qn_add_int_work(&p, &work);
        if (check_run_work(context, context->rows[i]->name, &work, i > 0))
            check_same_bytes(context, context->rows[i]->name, r->dst, want, bytes);
    }
    free(want);
}
