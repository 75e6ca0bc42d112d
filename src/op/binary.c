/* Operators of two operands of one type that broadcast as NumPy's do: arithmetic, comparison, logic.
 *
 *   out[i] = f(a[i], b[i])
 *
 * The rows of the table below say what f is. Comparisons give bool, the others the type of the operands. f64 is
 * computed in double, the narrower floats in f32, rounded to their type; integers wrap, and dividing them by 0 or
 * raising them to a negative power is an error of the run. Example: 7 div -2 is -3, 7 floor_div -2 is -4, and 7
 * floor_mod -2 is -1. */
#include "op/lower.h"
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>
#include <math.h>

typedef struct binary_row {
    double (*real)(double, double);       /* f64, and rounded once for the narrower floats */
    float (*single)(float, float);        /* these instead where the steps between round to f32; may be NULL */
    int64_t (*integer)(int64_t, int64_t); /* wraps; NULL where `dtypes` has no integers */
    qn_status *(*check)(int64_t b);       /* of integer operand b; may be NULL */
    int (*dim)(qn_dim_pool *, qn_dim, qn_dim, qn_dim *); /* contents, 0 if not known; may be NULL */
    uint32_t dtypes;
    int compares;             /* the result is bool */
    qn_elementwise_code code; /* QN_EW_COUNT: no kernel */
} binary_row;

/* ---- Floats. A NaN goes through maximum and minimum, as it does in the kernels. ---- */

static double add_real(double a, double b) { return a + b; }
static double sub_real(double a, double b) { return a - b; }
static double mul_real(double a, double b) { return a * b; }
static double div_real(double a, double b) { return a / b; }
static double floor_div_real(double a, double b) { return floor(a / b); }
static float floor_div_single(float a, float b) { return floorf(a / b); }
static double floor_mod_real(double a, double b) {
    double rest = fmod(a, b);
    return rest != 0.0 && (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}
static double maximum_real(double a, double b) { return a != a || a > b ? a : b; }
static double minimum_real(double a, double b) { return a != a || a < b ? a : b; }
static double squared_difference_real(double a, double b) { return (a - b) * (a - b); }
static float squared_difference_single(float a, float b) { return (a - b) * (a - b); }
static double equal_real(double a, double b) { return a == b; }
static double not_equal_real(double a, double b) { return a != b; }
static double less_real(double a, double b) { return a < b; }
static double less_equal_real(double a, double b) { return a <= b; }
static double greater_real(double a, double b) { return a > b; }
static double greater_equal_real(double a, double b) { return a >= b; }

/* ---- Integers ---- */

static int64_t add_int(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t sub_int(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t mul_int(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }
/* b == -1 apart: the smallest number has no opposite. */
static int64_t div_int(int64_t a, int64_t b) { return b == -1 ? sub_int(0, a) : a / b; }
static int64_t floor_mod_int(int64_t a, int64_t b) {
    int64_t rest = b == -1 ? 0 : a % b;
    return rest && (rest < 0) != (b < 0) ? rest + b : rest;
}
static int64_t floor_div_int(int64_t a, int64_t b) {
    if (b == -1) return sub_int(0, a);
    return a / b - (a % b && (a < 0) != (b < 0));
}
static int64_t maximum_int(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t minimum_int(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t squared_difference_int(int64_t a, int64_t b) { return mul_int(sub_int(a, b), sub_int(a, b)); }
static int64_t pow_int(int64_t base, int64_t exponent) {
    int64_t result = 1;
    for (; exponent; exponent >>= 1, base = mul_int(base, base))
        if (exponent & 1) result = mul_int(result, base);
    return result;
}
static int64_t equal_int(int64_t a, int64_t b) { return a == b; }
static int64_t not_equal_int(int64_t a, int64_t b) { return a != b; }
static int64_t less_int(int64_t a, int64_t b) { return a < b; }
static int64_t less_equal_int(int64_t a, int64_t b) { return a <= b; }
static int64_t greater_int(int64_t a, int64_t b) { return a > b; }
static int64_t greater_equal_int(int64_t a, int64_t b) { return a >= b; }
static int64_t and_int(int64_t a, int64_t b) { return a && b; }
static int64_t or_int(int64_t a, int64_t b) { return a || b; }

static qn_status *check_divisor(int64_t b) {
    return b ? NULL : QN_ERR(QN_INVALID_ARGUMENT, "integer division by zero");
}
static qn_status *check_exponent(int64_t b) {
    if (b >= 0) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "expected an integer exponent of at least 0, found %lld", (long long)b);
}

/* ---- Contents ---- */

#define DIM_FN(name, expression)                                                                                       \
    static int name(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim *out) {                                              \
        *out = expression;                                                                                             \
        return 1;                                                                                                      \
    }
DIM_FN(dim_add, qn_dim_add(pool, a, b))
DIM_FN(dim_sub, qn_dim_sub(pool, a, b))
DIM_FN(dim_mul, qn_dim_mul(pool, a, b))
DIM_FN(dim_maximum, qn_dim_max(pool, a, b))
DIM_FN(dim_minimum, qn_dim_min(pool, a, b))
DIM_FN(dim_squared_difference, qn_dim_mul(pool, qn_dim_sub(pool, a, b), qn_dim_sub(pool, a, b)))
DIM_FN(dim_equal, qn_dim_eq(pool, a, b))
DIM_FN(dim_not_equal, qn_dim_not(pool, qn_dim_eq(pool, a, b)))
DIM_FN(dim_less, qn_dim_gt(pool, b, a))
DIM_FN(dim_less_equal, qn_dim_ge(pool, b, a))
DIM_FN(dim_greater, qn_dim_gt(pool, a, b))
DIM_FN(dim_greater_equal, qn_dim_ge(pool, a, b))
DIM_FN(dim_and, qn_dim_and(pool, a, b))
DIM_FN(dim_or, qn_dim_or(pool, a, b))

/* Makes the divisor positive by turning the signs of both operands. 0 where the divisor may be zero or of either
   sign. */
static int make_divisor_positive(qn_dim_pool *pool, qn_dim *a, qn_dim *b) {
    int64_t low, high;
    qn_dim_range(pool, *b, &low, &high);
    if (low > 0) return 1;
    if (high >= 0) return 0;
    qn_dim zero = qn_dim_const(pool, 0);
    *a = qn_dim_sub(pool, zero, *a);
    *b = qn_dim_sub(pool, zero, *b);
    return 1;
}

static int dim_floor_div(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim *out) {
    if (!make_divisor_positive(pool, &a, &b)) return 0;
    *out = qn_dim_floor_div(pool, a, b);
    return 1;
}

static int dim_floor_mod(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim *out) {
    qn_dim quotient;
    if (!dim_floor_div(pool, a, b, &quotient)) return 0;
    *out = qn_dim_sub(pool, a, qn_dim_mul(pool, b, quotient));
    return 1;
}

/* Towards zero: the floor of what is not negative, else the ceiling. */
static int dim_div(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim *out) {
    if (!make_divisor_positive(pool, &a, &b)) return 0;
    int64_t low, high;
    qn_dim_range(pool, a, &low, &high);
    qn_dim zero = qn_dim_const(pool, 0);
    if (low >= 0)
        *out = qn_dim_floor_div(pool, a, b);
    else if (high <= 0)
        *out = qn_dim_ceil_div(pool, a, b);
    else
        *out = qn_dim_add(pool, qn_dim_max(pool, qn_dim_floor_div(pool, a, b), zero),
                          qn_dim_min(pool, qn_dim_ceil_div(pool, a, b), zero));
    return 1;
}

/* ---- Common to all rows ---- */

static qn_status *infer_contents(qn_infer *infer, const binary_row *row, qn_dtype dtype) {
    const qn_dim *a = infer->contents[0], *b = infer->contents[1];
    qn_view operands[2], result;
    if (!row->dim || !a || !b || !qn_infer_const_view(infer, &infer->outputs[0], &result)) return NULL;
    for (int k = 0; k < 2; k++)
        if (!qn_infer_const_view(infer, &infer->inputs[k], &operands[k])) return NULL;
    qn_dim *contents;
    qn_walk walk;
    int64_t count = qn_view_elems(&result);
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    qn_walk_init(&walk, &result, operands, 2);
    for (int64_t i = 0; contents && i < count; i++, qn_walk_next(&walk))
        if (!row->dim(infer->dims, a[walk.at[0]], b[walk.at[1]], &contents[i])) contents = NULL;
    return qn_infer_set_contents(infer, 0, dtype, count, contents);
}

static qn_status *infer_row(qn_infer *infer, const binary_row *row) {
    int rank;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, row->dtypes, "a"));
    QN_TRY(qn_infer_expect_same_dtype(infer, 0, 1));
    QN_TRY(qn_infer_broadcast(infer, &infer->inputs[0], &infer->inputs[1], &rank, dims));
    qn_dtype dtype = row->compares ? QN_DTYPE_BOOL : infer->inputs[0].dtype;
    qn_infer_set(infer, 0, dtype, rank, dims);
    return infer_contents(infer, row, dtype);
}

static double compute_real(const binary_row *row, qn_dtype dtype, double a, double b) {
    if (dtype == QN_DTYPE_F64) return row->real(a, b);
    return row->single ? row->single((float)a, (float)b) : (float)row->real(a, b);
}

static qn_status *eval_row(const qn_eval *eval, const binary_row *row) {
    const qn_view *a = &eval->inputs[0], *b = &eval->inputs[1], *y = &eval->outputs[0];
    int64_t elems = qn_view_elems(y);
    int is_float = qn_dtype_is_float(a->dtype);
    qn_walk walk;
    assert(a->dtype == b->dtype && y->dtype == (row->compares ? QN_DTYPE_BOOL : a->dtype));
    qn_walk_init(&walk, y, eval->inputs, 2);
    for (int64_t i = 0; i < elems; i++, qn_walk_next(&walk)) {
        if (is_float) {
            double left = qn_view_get(a, walk.at[0]), right = qn_view_get(b, walk.at[1]);
            qn_view_set(y, i, compute_real(row, a->dtype, left, right));
        } else {
            int64_t left = qn_view_get_int(a, walk.at[0]), right = qn_view_get_int(b, walk.at[1]);
            if (row->check) QN_TRY(row->check(right));
            qn_view_set_int(y, i, row->integer(left, right));
        }
    }
    return NULL;
}

/* How many elements of the result pass until an operand repeats, where it repeats whole: the operand's own number of
   elements. 0 where it does not. Example: a result [2, 3, 4] repeats [4], [1, 3, 4] and [1] whole, but not [3, 1]. */
static int64_t repeat_period(const qn_view *operand, const qn_view *result) {
    int first = 0;
    while (first < operand->rank && operand->dims[first] == 1) first++;
    for (int i = first; i < operand->rank; i++)
        if (operand->dims[i] != result->dims[result->rank - operand->rank + i]) return 0;
    return qn_view_elems(operand);
}

static int lower_row(const qn_eval *eval, const qn_kernel_set *kernels, qn_work *out_work, const binary_row *row) {
    const qn_view *a = &eval->inputs[0], *b = &eval->inputs[1], *y = &eval->outputs[0];
    const qn_convert_f16_kernel *half;
    if (row->code == QN_EW_COUNT || !qn_lower_storage(a->dtype, kernels, &half) || !kernels->elementwise) return 0;
    int64_t elems = qn_view_elems(y), a_period = repeat_period(a, y), b_period = repeat_period(b, y);
    if (!elems || !a_period || !b_period) return 0;
    qn_elementwise_params params = {.kernel = kernels->elementwise,
                                    .half = half,
                                    .code = row->code,
                                    .a = a->data,
                                    .b = b->data,
                                    .dst = y->data,
                                    .elems = elems,
                                    .a_period = a_period,
                                    .b_period = b_period};
    qn_elementwise_work(&params, out_work);
    return 1;
}

/* A shape that broadcasts to `dims`: leading dims dropped, some dims 1. */
static int sample_operand_dims(qn_sample *sample, int rank, const int64_t *dims, int64_t *out_dims) {
    int drop = qn_rng_range(sample->rng, 0, 2) ? 0 : (int)qn_rng_range(sample->rng, 0, rank);
    int thin = !qn_rng_range(sample->rng, 0, 1);
    for (int i = drop; i < rank; i++) out_dims[i - drop] = thin && qn_rng_range(sample->rng, 0, 1) ? 1 : dims[i];
    return rank - drop;
}

/* Operand b of integers that a row checks: never zero or negative. */
static void sample_positive(qn_sample *sample, qn_dtype dtype, int rank, const int64_t *dims) {
    qn_view *view = &sample->inputs[qn_sample_input(sample, dtype, rank, dims)];
    int64_t elems = qn_view_elems(view);
    view->data = qn_arena_alloc(sample->arena, elems ? (size_t)elems : 1, qn_dtype_size(dtype));
    for (int64_t i = 0; view->data && i < elems; i++) qn_view_set_int(view, i, qn_rng_range(sample->rng, 1, 9));
}

static void sample_row(qn_sample *sample, const binary_row *row) {
    int64_t dims[QN_MAX_RANK], a_dims[QN_MAX_RANK], b_dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_dtype dtype = qn_sample_dtype(sample, row->dtypes);
    int a_rank = sample_operand_dims(sample, rank, dims, a_dims),
        b_rank = sample_operand_dims(sample, rank, dims, b_dims);
    qn_sample_input(sample, dtype, a_rank, a_dims);
    if (row->check && qn_dtype_is_integer(dtype))
        sample_positive(sample, dtype, b_rank, b_dims);
    else
        qn_sample_input(sample, dtype, b_rank, b_dims);
}

/* ---- Bounds ---- */

/* The range that the ends span. An end is NaN where infinities met (inf - inf, 0 * inf): then nothing is known. */
static qn_interval range_of(const double *ends, int count) {
    qn_interval range = {INFINITY, -INFINITY};
    for (int i = 0; i < count; i++) {
        if (isnan(ends[i])) return qn_bounds_unknown();
        range.low = fmin(range.low, ends[i]);
        range.high = fmax(range.high, ends[i]);
    }
    return range;
}

/* Quotients of integers are cut towards zero, which keeps their order. */
static qn_interval quotient(const qn_bounds *of, qn_interval range) {
    if (!qn_dtype_is_integer(of->dtype)) return range;
    return qn_bounds_unwrapped(of, (qn_interval){trunc(range.low), trunc(range.high)});
}

/* For results that are one of both operands as it is. */
static qn_interval one_of_both(const qn_bounds *of, qn_interval range) {
    (void)of;
    return range;
}

/* Results rise, or fall, with each operand, so that they lie between those of the operands' ends. */
#define BOUNDS(op, finish, condition, ...)                                                                             \
    static qn_interval bounds_##op(const qn_bounds *of) {                                                              \
        const qn_interval a = of->inputs[0], b = of->inputs[1];                                                        \
        const double ends[] = {__VA_ARGS__};                                                                           \
        return (condition) ? finish(of, range_of(ends, (int)(sizeof ends / sizeof *ends))) : qn_bounds_unknown();      \
    }
BOUNDS(add, qn_bounds_unwrapped, 1, a.low + b.low, a.high + b.high)
BOUNDS(sub, qn_bounds_unwrapped, 1, a.low - b.high, a.high - b.low)
BOUNDS(mul, qn_bounds_unwrapped, 1, a.low *b.low, a.low *b.high, a.high *b.low, a.high *b.high)
BOUNDS(div, quotient, b.low > 0 || b.high < 0, a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high)
BOUNDS(maximum, one_of_both, 1, fmax(a.low, b.low), fmax(a.high, b.high))
BOUNDS(minimum, one_of_both, 1, fmin(a.low, b.low), fmin(a.high, b.high))

/* A comparison's result is narrower than a repeating operand, so only the others may reuse an operand's memory. */
#define ARITHMETIC (QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS)
#define COMPARISON QN_OP_ELEMENTWISE
#define COMPARABLE (QN_DTYPES_NUMBER | QN_DTYPES_BOOL)

#define BINARY_ROWS(ROW)                                                                                               \
    ROW(add, ADD, bounds_add, add_real, NULL, add_int, NULL, dim_add, QN_DTYPES_NUMBER, QN_EW_ADD,                     \
        ARITHMETIC | QN_OP_COMMUTES, "a + b", &qn_op_add_quantized)                                                    \
    ROW(sub, SUBTRACT, bounds_sub, sub_real, NULL, sub_int, NULL, dim_sub, QN_DTYPES_NUMBER, QN_EW_SUB, ARITHMETIC,    \
        "a - b", NULL)                                                                                                 \
    ROW(mul, MULTIPLY, bounds_mul, mul_real, NULL, mul_int, NULL, dim_mul, QN_DTYPES_NUMBER, QN_EW_MUL,                \
        ARITHMETIC | QN_OP_COMMUTES, "a * b", NULL)                                                                    \
    ROW(div, DIVIDE, bounds_div, div_real, NULL, div_int, check_divisor, dim_div, QN_DTYPES_NUMBER, QN_EW_DIV,         \
        ARITHMETIC, "a / b, of integers towards zero", NULL)                                                           \
    ROW(floor_div, NONE, NULL, floor_div_real, floor_div_single, floor_div_int, check_divisor, dim_floor_div,          \
        QN_DTYPES_NUMBER, QN_EW_COUNT, ARITHMETIC, "a / b towards minus infinity", NULL)                               \
    ROW(floor_mod, NONE, NULL, floor_mod_real, NULL, floor_mod_int, check_divisor, dim_floor_mod, QN_DTYPES_NUMBER,    \
        QN_EW_COUNT, ARITHMETIC, "what floor_div leaves, with the sign of b", NULL)                                    \
    ROW(maximum, NONE, bounds_maximum, maximum_real, NULL, maximum_int, NULL, dim_maximum, QN_DTYPES_NUMBER,           \
        QN_EW_MAX, ARITHMETIC | QN_OP_COMMUTES, "the greater of a and b", NULL)                                        \
    ROW(minimum, NONE, bounds_minimum, minimum_real, NULL, minimum_int, NULL, dim_minimum, QN_DTYPES_NUMBER,           \
        QN_EW_MIN, ARITHMETIC | QN_OP_COMMUTES, "the smaller of a and b", NULL)                                        \
    ROW(pow, NONE, NULL, pow, NULL, pow_int, check_exponent, NULL, QN_DTYPES_NUMBER, QN_EW_COUNT, ARITHMETIC,          \
        "a to the power of b", NULL)                                                                                   \
    ROW(squared_difference, NONE, NULL, squared_difference_real, squared_difference_single, squared_difference_int,    \
        NULL, dim_squared_difference, QN_DTYPES_NUMBER, QN_EW_COUNT, ARITHMETIC | QN_OP_COMMUTES, "(a - b) * (a - b)", \
        NULL)                                                                                                          \
    ROW(equal, NONE, NULL, equal_real, NULL, equal_int, NULL, dim_equal, COMPARABLE, QN_EW_COUNT,                      \
        COMPARISON | QN_OP_COMMUTES, "a == b", NULL)                                                                   \
    ROW(not_equal, NONE, NULL, not_equal_real, NULL, not_equal_int, NULL, dim_not_equal, COMPARABLE, QN_EW_COUNT,      \
        COMPARISON | QN_OP_COMMUTES, "a != b", NULL)                                                                   \
    ROW(less, NONE, NULL, less_real, NULL, less_int, NULL, dim_less, QN_DTYPES_NUMBER, QN_EW_COUNT, COMPARISON,        \
        "a < b", NULL)                                                                                                 \
    ROW(less_equal, NONE, NULL, less_equal_real, NULL, less_equal_int, NULL, dim_less_equal, QN_DTYPES_NUMBER,         \
        QN_EW_COUNT, COMPARISON, "a <= b", NULL)                                                                       \
    ROW(greater, NONE, NULL, greater_real, NULL, greater_int, NULL, dim_greater, QN_DTYPES_NUMBER, QN_EW_COUNT,        \
        COMPARISON, "a > b", NULL)                                                                                     \
    ROW(greater_equal, NONE, NULL, greater_equal_real, NULL, greater_equal_int, NULL, dim_greater_equal,               \
        QN_DTYPES_NUMBER, QN_EW_COUNT, COMPARISON, "a >= b", NULL)                                                     \
    ROW(logical_and, NONE, NULL, NULL, NULL, and_int, NULL, dim_and, QN_DTYPES_BOOL, QN_EW_COUNT,                      \
        ARITHMETIC | QN_OP_COMMUTES, "a and b", NULL)                                                                  \
    ROW(logical_or, NONE, NULL, NULL, NULL, or_int, NULL, dim_or, QN_DTYPES_BOOL, QN_EW_COUNT,                         \
        ARITHMETIC | QN_OP_COMMUTES, "a or b", NULL)

#define DEFINE_ROW(op, arithmetic_kind, bounds_fn, real_fn, single_fn, integer_fn, check_fn, dim_fn, dtype_set,        \
                   kernel_code, op_flags, text, twin)                                                                  \
    static const binary_row row_##op = {                                                                               \
        real_fn, single_fn, integer_fn, check_fn, dim_fn, dtype_set, !((op_flags)&QN_OP_MAY_ALIAS), kernel_code};      \
    static qn_status *infer_##op(qn_infer *infer) { return infer_row(infer, &row_##op); }                              \
    static qn_status *eval_##op(const qn_eval *eval) { return eval_row(eval, &row_##op); }                             \
    static int lower_##op(const qn_eval *eval, const qn_kernel_set *kernels, qn_work *out_work) {                      \
        return lower_row(eval, kernels, out_work, &row_##op);                                                          \
    }                                                                                                                  \
    static void sample_##op(qn_sample *sample) { sample_row(sample, &row_##op); }                                      \
    const qn_op_def qn_op_##op = {                                                                                     \
        .name = #op,                                                                                                   \
        .doc = text,                                                                                                   \
        .node_type = (dtype_set) == QN_DTYPES_NUMBER && (op_flags)&QN_OP_MAY_ALIAS ? "IElementwiseNode" : NULL,        \
        .min_inputs = 2,                                                                                               \
        .max_inputs = 2,                                                                                               \
        .outputs = 1,                                                                                                  \
        .flags = (op_flags),                                                                                           \
        .axes = {.kind = QN_AXES_KEPT},                                                                                \
        .values = (dtype_set) == QN_DTYPES_BOOL || !((op_flags)&QN_OP_MAY_ALIAS) ? QN_VALUES_TRUTH : QN_VALUES_NEW,    \
        .bounds = bounds_fn,                                                                                           \
        .arithmetic = QN_ARITHMETIC_##arithmetic_kind,                                                                 \
        .integer = (twin),                                                                                             \
        .infer = infer_##op,                                                                                           \
        .eval = eval_##op,                                                                                             \
        .lower = (kernel_code) == QN_EW_COUNT ? NULL : lower_##op,                                                     \
        .sample = sample_##op,                                                                                         \
    };

BINARY_ROWS(DEFINE_ROW)
