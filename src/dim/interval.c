/* Interval arithmetic whose ends saturate. A low end of INT64_MIN and a high end of INT64_MAX are "no bound"; an end
 * that saturates the other way stays a number, which keeps the interval valid. */
#include "dim/pool.h"

#include <assert.h>

static int64_t add_end(int64_t a, int64_t b, int64_t unbounded) {
    int64_t sum;
    if (a == unbounded || b == unbounded) return unbounded;
    if (qn_checked_add_i64(a, b, &sum)) return sum;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t mul_end(int64_t a, int64_t b) {
    int64_t product;
    if (qn_checked_mul_i64(a, b, &product)) return product;
    return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

qn_dim_interval qn_dim_interval_add(qn_dim_interval a, qn_dim_interval b) {
    return (qn_dim_interval){add_end(a.low, b.low, INT64_MIN), add_end(a.high, b.high, INT64_MAX)};
}

/* One end of an interval, told whether it means infinity. */
typedef struct end {
    int64_t value;
    int infinite;
} end;

static int sign_of(int64_t value) { return (value > 0) - (value < 0); }

/* The product of two ends; 0 times infinity is 0, since the infinite end is never reached. */
static int64_t end_product(end a, end b) {
    if (a.value == 0 || b.value == 0) return 0;
    if (a.infinite || b.infinite) return sign_of(a.value) == sign_of(b.value) ? INT64_MAX : INT64_MIN;
    return mul_end(a.value, b.value);
}

qn_dim_interval qn_dim_interval_mul(qn_dim_interval a, qn_dim_interval b) {
    end as[2] = {{a.low, a.low == INT64_MIN}, {a.high, a.high == INT64_MAX}};
    end bs[2] = {{b.low, b.low == INT64_MIN}, {b.high, b.high == INT64_MAX}};
    qn_dim_interval out = {INT64_MAX, INT64_MIN};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            int64_t product = end_product(as[i], bs[j]);
            out.low = qn_min_i64(out.low, product);
            out.high = qn_max_i64(out.high, product);
        }
    return out;
}

qn_dim_interval qn_dim_interval_scale(qn_dim_interval a, int64_t scale) {
    return qn_dim_interval_mul(a, (qn_dim_interval){scale, scale});
}

qn_dim_interval qn_dim_interval_floor_div(qn_dim_interval a, qn_dim_interval b) {
    assert(b.low >= 1 && b.low <= b.high);
    qn_dim_interval out = a;
    if (a.low != INT64_MIN) {
        if (a.low < 0)
            out.low = qn_floor_div_i64(a.low, b.low);
        else
            out.low = b.high == INT64_MAX ? 0 : a.low / b.high;
    }
    if (a.high != INT64_MAX) {
        if (a.high >= 0)
            out.high = a.high / b.low;
        else
            out.high = b.high == INT64_MAX ? -1 : qn_floor_div_i64(a.high, b.high);
    }
    return out;
}

qn_dim_interval qn_dim_interval_meet(qn_dim_interval a, qn_dim_interval b) {
    return (qn_dim_interval){qn_max_i64(a.low, b.low), qn_min_i64(a.high, b.high)};
}
