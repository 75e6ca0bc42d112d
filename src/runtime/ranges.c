/* Ranges of dim instructions, by interval arithmetic over the flat form. The compiler's intervals (dim/interval.c) are
 * tighter, since they know what expressions have in common; the runtime has no expressions. INT64_MIN and INT64_MAX are
 * infinite. */
#include "runtime/internal.h"

typedef struct range {
    int64_t low, high;
} range;

static int is_end(int64_t value) { return value == INT64_MIN || value == INT64_MAX; }

/* Saturating sum and product of range ends; an infinite end stays infinite. */
static int64_t add_ends(int64_t a, int64_t b) {
    int64_t sum;
    if (is_end(a)) return a;
    if (is_end(b)) return b;
    return qn_checked_add_i64(a, b, &sum) ? sum : a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t mul_ends(int64_t a, int64_t b) {
    int64_t product;
    if (a == 0 || b == 0) return 0;
    if (!is_end(a) && !is_end(b) && qn_checked_mul_i64(a, b, &product)) return product;
    return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

static range mul_ranges(range a, range b) {
    int64_t corners[4] = {mul_ends(a.low, b.low), mul_ends(a.low, b.high), mul_ends(a.high, b.low),
                          mul_ends(a.high, b.high)};
    range out = {corners[0], corners[0]};
    for (int i = 1; i < 4; i++) {
        out.low = qn_min_i64(out.low, corners[i]);
        out.high = qn_max_i64(out.high, corners[i]);
    }
    return out;
}

static int64_t div_ends(int64_t a, int64_t b, int up) {
    if (is_end(a)) return a;
    if (is_end(b)) return up ? a > 0 : a < 0 ? -1 : 0;
    return up ? qn_ceil_div_i64(a, b) : qn_floor_div_i64(a, b);
}

/* Divisors are positive where the program is sound; smaller ones fail when shapes are set. */
static range div_ranges(range a, range b, int up) {
    b.low = qn_max_i64(b.low, 1);
    b.high = qn_max_i64(b.high, 1);
    int64_t corners[4] = {div_ends(a.low, b.low, up), div_ends(a.low, b.high, up), div_ends(a.high, b.low, up),
                          div_ends(a.high, b.high, up)};
    range out = {corners[0], corners[0]};
    for (int i = 1; i < 4; i++) {
        out.low = qn_min_i64(out.low, corners[i]);
        out.high = qn_max_i64(out.high, corners[i]);
    }
    return out;
}

void qn_ranges_run(const qn_dim_instr *code, size_t count, const int64_t *symbol_low, const int64_t *symbol_high,
                   int64_t *out_low, int64_t *out_high) {
    for (size_t i = 0; i < count; i++) {
        range result = {code[i].imm, code[i].imm}, a = {0, 0}, b = {0, 0};
        if (code[i].code > QN_DIM_SYMBOL) {
            a = (range){out_low[code[i].a], out_high[code[i].a]};
            b = (range){out_low[code[i].b], out_high[code[i].b]};
        }
        switch ((qn_dim_code)code[i].code) {
        case QN_DIM_CONST: break;
        case QN_DIM_SYMBOL: result = (range){symbol_low[code[i].a], symbol_high[code[i].a]}; break;
        case QN_DIM_ADD: result = (range){add_ends(a.low, b.low), add_ends(a.high, b.high)}; break;
        case QN_DIM_MUL: result = mul_ranges(a, b); break;
        case QN_DIM_FLOOR_DIV: result = div_ranges(a, b, 0); break;
        case QN_DIM_CEIL_DIV: result = div_ranges(a, b, 1); break;
        case QN_DIM_MAX: result = (range){qn_max_i64(a.low, b.low), qn_max_i64(a.high, b.high)}; break;
        case QN_DIM_MIN: result = (range){qn_min_i64(a.low, b.low), qn_min_i64(a.high, b.high)}; break;
        case QN_DIM_CODE_COUNT: break;
        }
        out_low[i] = result.low;
        out_high[i] = result.high;
    }
}
