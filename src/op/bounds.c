/* What the results of an operator lie in (op/card.h). Operators say it of numbers; here element types come in: floats
 * are rounded, and of integers nothing is said where they could wrap. */
#include "op/op.h"

#include <assert.h>
#include <float.h>

/* Doubles hold whole numbers up to here, and the quotient of two of them rounds to no other whole number. */
static const double exact_max = 0x1p52;

qn_interval qn_interval_join(qn_interval a, qn_interval b) {
    return (qn_interval){fmin(a.low, b.low), fmax(a.high, b.high)};
}

/* The numbers of an integer type; of the 64-bit types as doubles round them. */
static qn_interval numbers_of(qn_dtype dtype) {
    assert(qn_dtype_is_integer(dtype));
    const int bits = 8 * (int)qn_dtype_size(dtype);
    if (!qn_dtype_is_signed(dtype)) return (qn_interval){0, ldexp(1, bits) - 1};
    return (qn_interval){-ldexp(1, bits - 1), ldexp(1, bits - 1) - 1};
}

static int lies_within(qn_interval range, double low, double high) { return range.low >= low && range.high <= high; }

qn_interval qn_bounds_unwrapped(const qn_bounds *of, qn_interval exact) {
    if (!qn_dtype_is_integer(of->dtype)) return exact;
    const qn_interval type = numbers_of(of->dtype);
    int fits = lies_within(exact, type.low, type.high) && lies_within(exact, -exact_max, exact_max);
    for (int i = 0; i < of->input_count; i++) fits &= lies_within(of->inputs[i], -exact_max, exact_max);
    return fits ? exact : qn_bounds_unknown();
}

/* What a result of `value` is stored as: operators compute in f32, or f64 for f64, and round that to the type. */
static double stored(qn_dtype dtype, double value) {
    uint64_t cell = 0;
    const qn_view view = {.dtype = dtype, .data = &cell};
    qn_view_set(&view, 0, dtype == QN_DTYPE_F64 ? value : (double)(float)value);
    return qn_view_get(&view, 0);
}

/* Rounding keeps the order of numbers, so that a result between two numbers is stored between those two stored. */
static qn_interval rounded(qn_dtype dtype, qn_interval range) {
    if (!qn_dtype_is_float(dtype)) return range;
    return (qn_interval){stored(dtype, range.low), stored(dtype, range.high)};
}

/* Means are within the range of their elements unless a sum leaves its type: sums of fewer than 2^32 elements that are
   2^32 times smaller than the type's greatest number stay in it. Greater sums of floats may become infinite, and
   greater sums of integers, which are computed in 64 bits, may wrap. */
static qn_interval averaged(const qn_bounds *of) {
    const qn_interval x = of->inputs[0];
    const double most = (of->dtype == QN_DTYPE_F64 ? DBL_MAX : (double)FLT_MAX) * 0x1p-32;
    if (qn_dtype_is_float(of->dtype))
        return (qn_interval){x.low >= -most ? x.low : -INFINITY, x.high <= most ? x.high : INFINITY};
    if (qn_dtype_size(of->dtype) < sizeof(int64_t) || lies_within(x, -0x1p31, 0x1p31)) return x;
    return qn_bounds_unknown();
}

static qn_interval of_data(const qn_op_def *op, const qn_bounds *of) {
    qn_interval all = {INFINITY, -INFINITY};
    for (int i = 0; i < qn_op_data_inputs(op, of->input_count); i++)
        if (of->dtypes[i] != QN_DTYPE_NONE) all = qn_interval_join(all, of->inputs[i]);
    return all;
}

/* Operators compute on u64 as on s64, to which its greater half is negative. */
static int is_half_negative(const qn_op_def *op, const qn_bounds *of) {
    for (int i = 0; i < qn_op_data_inputs(op, of->input_count); i++)
        if (of->dtypes[i] == QN_DTYPE_U64 && !(of->inputs[i].high <= exact_max)) return 1;
    return 0;
}

qn_interval qn_op_bounds(const qn_op_def *op, const qn_bounds *of) {
    assert(of->inputs && of->dtypes && of->dtype != QN_DTYPE_NONE);
    if (of->input_count < 1 || of->input_count > QN_BOUNDS_INPUTS_MAX) return qn_bounds_unknown();
    if (qn_op_moves(op)) return of_data(op, of);
    if (is_half_negative(op, of)) return qn_bounds_unknown();
    if (op->values == QN_VALUES_AVERAGED) {
        const qn_interval mean = averaged(of);
        const qn_bounds within = {of->attrs, of->dtype, 1, &mean, of->dtypes};
        return rounded(of->dtype, op->bounds ? op->bounds(&within) : mean);
    }
    if (op->bounds) return rounded(of->dtype, op->bounds(of));
    return op->values == QN_VALUES_PICKED ? of->inputs[0] : qn_bounds_unknown();
}
