/* check/pointwise.c - cases of elementwise and argmax_f32. */
#include "check/check.h"

#include <math.h>
#include <string.h>

enum { MAX_ELEMS = 40000 };

static const struct {
    const char *name;
    int binary;
    double ulps; /* largest distance from the true value in units of the last place; 0: correctly rounded */
} codes[QN_EW_COUNT] = {
    [QN_EW_ADD] = {"add", 1, 0},     [QN_EW_SUB] = {"sub", 1, 0},
    [QN_EW_MUL] = {"mul", 1, 0},     [QN_EW_DIV] = {"div", 1, 0},
    [QN_EW_MAX] = {"max", 1, 0},     [QN_EW_MIN] = {"min", 1, 0},
    [QN_EW_CLAMP] = {"clamp", 0, 0}, [QN_EW_ABS] = {"abs", 0, 0},
    [QN_EW_NEG] = {"neg", 0, 0},     [QN_EW_SQUARE] = {"square", 0, 0},
    [QN_EW_SQRT] = {"sqrt", 0, 0},   [QN_EW_RSQRT] = {"rsqrt", 0, 0},
    [QN_EW_EXP] = {"exp", 0, 2},     [QN_EW_SIGMOID] = {"sigmoid", 0, 3},
    [QN_EW_TANH] = {"tanh", 0, 3},   [QN_EW_U8_TO_F32] = {"u8_to_f32", 0, 0},
};

/* In double: for one correctly rounded operation on floats, rounding the double result gives the same answer. */
static double naive(int code, double a, double b, float low, float high) {
    switch (code) {
    case QN_EW_ADD: return a + b;
    case QN_EW_SUB: return a - b;
    case QN_EW_MUL: return a * b;
    case QN_EW_DIV: return a / b;
    case QN_EW_MAX: return isnan(a) || isnan(b) ? (double)NAN : a > b ? a : b;
    case QN_EW_MIN: return isnan(a) || isnan(b) ? (double)NAN : a < b ? a : b;
    case QN_EW_CLAMP: return check_activate(a, low, high);
    case QN_EW_ABS: return fabs(a);
    case QN_EW_NEG: return -a;
    case QN_EW_SQUARE: return a * a;
    case QN_EW_SQRT: return sqrt(a);
    case QN_EW_RSQRT: return 1.0 / (double)(float)sqrt(a);
    case QN_EW_EXP: return exp(a);
    case QN_EW_SIGMOID: return 1.0 / (1.0 + exp(-a));
    case QN_EW_TANH: return tanh(a);
    default: return a;
    }
}

typedef struct elementwise_case {
    int64_t code, elems, a_period, b_period;
    int in_place; /* 0: no, 1: dst is a, 2: dst is b */
    const void *a, *b;
    void *a_copy, *b_copy; /* in-place operands are restored from these before each run */
    float *dst, *want;
    float low, high;
} elementwise_case;

static int64_t draw_period(check_context *context, int64_t elems) {
    if (check_chance(context, 50)) return elems;
    if (check_chance(context, 30)) return 1;
    int64_t period = check_draw_size(context, 16, elems);
    while (elems % period != 0) period--;
    return period;
}

static void *draw_operand(check_context *context, const char *name, int is_bytes, int64_t count) {
    const check_data data = check_draw_data(context);
    if (is_bytes) {
        uint8_t *bytes = check_buffer(context, name, (size_t)count);
        for (int64_t i = 0; i < count; i++) bytes[i] = (uint8_t)check_draw(context, 0, 255);
        return bytes;
    }
    float *values = check_buffer(context, name, (size_t)count * sizeof *values);
    check_fill(context, data, values, count);
    if (check_chance(context, 30)) {
        for (int64_t i = 0; i < count; i++) values[i] *= 60.0f; /* where exp and tanh saturate */
    }
    return values;
}

static void draw_elementwise(check_context *context, elementwise_case *c) {
    memset(c, 0, sizeof *c);
    c->code = check_draw(context, 0, QN_EW_COUNT - 1);
    c->elems = check_chance(context, 5) ? check_draw(context, 1, MAX_ELEMS) : check_draw_size(context, 16, 300);
    if (check_chance(context, 30)) c->elems *= check_draw_size(context, 16, 40);
    if (c->elems > MAX_ELEMS) c->elems = MAX_ELEMS;
    c->a_period = draw_period(context, c->elems);
    c->b_period = codes[c->code].binary ? draw_period(context, c->elems) : 0;
    c->low = qn_rng_float(&context->rng, -2, 0);
    c->high = qn_rng_float(&context->rng, 0, 2);
    c->a = draw_operand(context, "a", c->code == QN_EW_U8_TO_F32, c->a_period);
    if (codes[c->code].binary) c->b = draw_operand(context, "b", 0, c->b_period);
    c->in_place = (int)check_draw(context, 0, 2);
    if (c->in_place == 1 && (c->a_period != c->elems || c->code == QN_EW_U8_TO_F32)) c->in_place = 0;
    if (c->in_place == 2 && (!c->b || c->b_period != c->elems)) c->in_place = 0;
    c->dst = check_buffer(context, "dst", (size_t)c->elems * sizeof(float));
    c->want = check_buffer(context, "want", (size_t)c->elems * sizeof(float));
}

static void verify_elementwise(check_context *context, const elementwise_case *c, const char *kernel) {
    for (int64_t i = 0; i < c->elems; i++) {
        const double a = c->code == QN_EW_U8_TO_F32 ? (double)((const uint8_t *)c->a)[i % c->a_period]
                                                    : (double)((const float *)c->a)[i % c->a_period];
        const double b = c->b ? (double)((const float *)c->b)[i % c->b_period] : 0;
        const double exact = naive((int)c->code, a, b, c->low, c->high), ulps = codes[c->code].ulps;
        const float want = (float)exact, got = c->dst[i];
        const float below = nextafterf(want, -INFINITY), above = nextafterf(want, INFINITY);
        const double ulp = fmax((double)above - (double)want, (double)want - (double)below);
        if (isnan(want)                ? isnan(got)
            : ulps == 0 || isinf(want) ? got == want
                                       : fabs((double)got - exact) <= ulps * ulp) {
            continue;
        }
        check_fail(context, kernel, "element %lld: %s(%a, %a) is %a, should be %a", (long long)i, codes[c->code].name,
                   a, b, (double)got, (double)want);
        return;
    }
}

static void run_elementwise_row(check_context *context, const elementwise_case *c, int index) {
    const qn_kernel_row *row = context->rows[index];
    const size_t bytes = (size_t)c->elems * sizeof(float);
    qn_work work;
    qn_elementwise_params params = {.kernel = row->kernel,
                                    .code = c->code,
                                    .a = c->a,
                                    .b = c->b,
                                    .dst = c->dst,
                                    .elems = c->elems,
                                    .a_period = c->a_period,
                                    .b_period = c->b_period,
                                    .low = c->low,
                                    .high = c->high};
    memset(c->dst, 0xA5, bytes);
    if (c->in_place) {
        memcpy(c->dst, c->in_place == 1 ? c->a : c->b, bytes);
        *(c->in_place == 1 ? &params.a : &params.b) = c->dst;
    }
    qn_elementwise_work(&params, &work);
    if (!check_run_work(context, row->name, &work, index > 0)) return;
    if (index == 0) {
        memcpy(c->want, c->dst, bytes);
        verify_elementwise(context, c, row->name);
    } else {
        check_same_floats(context, row->name, c->dst, c->want, c->elems);
    }
}

void check_elementwise(check_context *context) {
    elementwise_case c;
    draw_elementwise(context, &c);
    check_describe(context, "%s of %lld elements, periods %lld and %lld, in place %d, limits %g..%g",
                   codes[c.code].name, (long long)c.elems, (long long)c.a_period, (long long)c.b_period, c.in_place,
                   (double)c.low, (double)c.high);
    for (int i = 0; i < context->row_count && !context->failed; i++) run_elementwise_row(context, &c, i);
}

/* ---- argmax_f32 ---- */

static void store_label(void *dst, int64_t at, int64_t label, int64_t bytes, int64_t is_float) {
    if (is_float) {
        ((float *)dst)[at] = (float)label;
    } else if (bytes == 1) {
        ((uint8_t *)dst)[at] = (uint8_t)label;
    } else if (bytes == 4) {
        ((int32_t *)dst)[at] = (int32_t)label;
    } else {
        ((int64_t *)dst)[at] = label;
    }
}

void check_argmax_f32(check_context *context) {
    static const struct { int64_t bytes, is_float; } types[] = {{1, 0}, {4, 0}, {8, 0}, {4, 1}};
    qn_argmax_f32_params params = {.channels = check_draw_size(context, 64, 200)};
    params.rows = check_chance(context, 5) ? check_draw(context, 1, 3000) : check_draw_size(context, 16, 100);
    const int64_t type = check_draw(context, 0, 3), elems = params.rows * params.channels;
    const int64_t cell = types[type].bytes;
    params.label_bytes = cell;
    params.label_float = types[type].is_float;
    if (elems > MAX_ELEMS * 10) params.rows = MAX_ELEMS * 10 / params.channels;
    float *src = check_buffer(context, "src", (size_t)(params.rows * params.channels) * sizeof(float));
    check_fill(context, check_draw_data(context), src, params.rows * params.channels);
    if (check_chance(context, 30)) { /* ties */
        for (int64_t i = 0; i < params.rows * params.channels; i++) src[i] = rintf(src[i]);
    }
    uint8_t *dst = check_buffer(context, "dst", (size_t)(params.rows * cell));
    uint8_t *want = check_buffer(context, "want", (size_t)(params.rows * cell));
    for (int64_t row = 0; row < params.rows; row++) {
        int64_t label = 0;
        float best = -INFINITY;
        for (int64_t c = 0; c < params.channels; c++) {
            if (!(src[row * params.channels + c] > best)) continue;
            best = src[row * params.channels + c];
            label = c;
        }
        store_label(want, row, label, cell, params.label_float);
    }
    check_describe(context, "%lld rows of %lld channels, labels of %lld bytes, float %lld", (long long)params.rows,
                   (long long)params.channels, (long long)cell, (long long)params.label_float);
    params.src = src;
    params.dst = dst;
    for (int i = 0; i < context->row_count && !context->failed; i++) {
        qn_work work;
        params.kernel = context->rows[i]->kernel;
        memset(dst, 0xA5, (size_t)(params.rows * cell));
        qn_argmax_f32_work(&params, &work);
        if (!check_run_work(context, context->rows[i]->name, &work, 1)) return;
        check_same_bytes(context, context->rows[i]->name, dst, want, (size_t)(params.rows * cell));
    }
}
