/* Operators of one operand whose result has its type and shape:
 *
 *   out[i] = f(x[i])
 *
 * The rows of the table below say what f is and for which types. f64 is computed in double; the narrower floats round
 * that once to f32 (rsqrt after each of its two steps) and then to their type; integers wrap. A NaN stays one. */
#include "op/lower.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>
#include <math.h>

typedef struct unary_row {
    double (*real)(double);               /* f64, and rounded once for the narrower floats */
    float (*single)(float);               /* these instead where the steps between round to f32; may be NULL */
    int64_t (*integer)(int64_t);          /* NULL where `dtypes` has no integers; wraps */
    qn_dim (*dim)(qn_dim_pool *, qn_dim); /* contents; may be NULL */
    uint32_t dtypes;
    qn_elementwise_code code; /* QN_EW_COUNT: no kernel */
    float low, high;          /* CLAMP; also the range of sample data for the others (0, 0: any) */
} unary_row;

/* ---- What each computes. A NaN goes through all of them, as it does in the kernels. ---- */

static int64_t wrap_neg(int64_t x) { return (int64_t)(0 - (uint64_t)x); }
static double neg_real(double x) { return -x; }
static int64_t abs_int(int64_t x) { return x < 0 ? wrap_neg(x) : x; }
static double rsqrt_real(double x) { return 1.0 / sqrt(x); }
static float rsqrt_single(float x) { return 1.0f / sqrtf(x); }
static double square_real(double x) { return x * x; }
static int64_t square_int(int64_t x) { return (int64_t)((uint64_t)x * (uint64_t)x); }
static double sigmoid_real(double x) { return 1.0 / (1.0 + exp(-x)); }
static double relu_real(double x) { return 0.0 > x ? 0.0 : x; }
static int64_t relu_int(int64_t x) { return x > 0 ? x : 0; }
static double relu6_real(double x) { return 6.0 < x ? 6.0 : relu_real(x); }
static int64_t relu6_int(int64_t x) { return relu_int(x) < 6 ? relu_int(x) : 6; }
static double round_real(double x) { return nearbyint(x); }
static int64_t same_int(int64_t x) { return x; }
static double sign_real(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }
static int64_t sign_int(int64_t x) { return (x > 0) - (x < 0); }
static double softplus_real(double x) { return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double elu_real(double x) { return x < 0.0 ? expm1(x) : x; }
/* scale * (x, or alpha * (exp(x) - 1) below 0), with the numbers of Klambauer et al. 2017 ("Self-Normalizing Neural
   Networks"), to which mean 0 and variance 1 is a fixed point. */
static double selu_real(double x) { return 1.0507009873554805 * (x < 0.0 ? 1.6732632423543772 * expm1(x) : x); }
static int64_t not_int(int64_t x) { return !x; }

static qn_dim dim_neg(qn_dim_pool *pool, qn_dim a) { return qn_dim_sub(pool, qn_dim_const(pool, 0), a); }
static qn_dim dim_abs(qn_dim_pool *pool, qn_dim a) { return qn_dim_max(pool, a, dim_neg(pool, a)); }
static qn_dim dim_square(qn_dim_pool *pool, qn_dim a) { return qn_dim_mul(pool, a, a); }
static qn_dim dim_relu(qn_dim_pool *pool, qn_dim a) { return qn_dim_max(pool, a, qn_dim_const(pool, 0)); }
static qn_dim dim_relu6(qn_dim_pool *pool, qn_dim a) {
    return qn_dim_min(pool, dim_relu(pool, a), qn_dim_const(pool, 6));
}
static qn_dim dim_same(qn_dim_pool *pool, qn_dim a) {
    (void)pool;
    return a;
}
static qn_dim dim_sign(qn_dim_pool *pool, qn_dim a) {
    return qn_dim_max(pool, qn_dim_min(pool, a, qn_dim_const(pool, 1)), qn_dim_const(pool, -1));
}

/* ---- Common to all rows ---- */

/* How a function goes: strictly upwards, upwards, downwards, or up and down. */
typedef enum direction { NEITHER, FALLS, RISES, STRICTLY } direction;

static qn_status *infer_row(qn_infer *infer, const unary_row *row) {
    const qn_type *x = &infer->inputs[0];
    const qn_dim *known = infer->contents[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, row->dtypes, "x"));
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    if (!known || !row->dim) return NULL;
    qn_dim *contents;
    int64_t count = qn_infer_const_elems(infer, 0);
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    for (int64_t i = 0; contents && i < count; i++) contents[i] = row->dim(infer->dims, known[i]);
    return qn_infer_set_contents(infer, 0, x->dtype, count, contents);
}

static double compute_real(const unary_row *row, qn_dtype dtype, double x) {
    if (dtype == QN_DTYPE_F64) return row->real(x);
    return row->single ? row->single((float)x) : (float)row->real(x);
}

static qn_status *eval_row(const qn_eval *eval, const unary_row *row) {
    const qn_view *x = &eval->inputs[0], *y = &eval->outputs[0];
    int64_t elems = qn_view_elems(y);
    assert(elems == qn_view_elems(x) && x->dtype == y->dtype);
    if (qn_dtype_is_float(x->dtype)) {
        for (int64_t i = 0; i < elems; i++) qn_view_set(y, i, compute_real(row, x->dtype, qn_view_get(x, i)));
    } else {
        for (int64_t i = 0; i < elems; i++) qn_view_set_int(y, i, row->integer(qn_view_get_int(x, i)));
    }
    return NULL;
}

static int lower_row(const qn_eval *eval, const qn_kernel_set *kernels, qn_work *out_work, const unary_row *row) {
    const qn_view *x = &eval->inputs[0];
    const qn_convert_f16_kernel *half;
    if (row->code == QN_EW_COUNT || !qn_lower_storage(x->dtype, kernels, &half) || !kernels->elementwise) return 0;
    int64_t elems = qn_view_elems(x);
    qn_elementwise_params params = {.kernel = kernels->elementwise,
                                    .half = half,
                                    .code = row->code,
                                    .a = x->data,
                                    .dst = eval->outputs[0].data,
                                    .elems = elems,
                                    .a_period = elems,
                                    .b_period = elems,
                                    .low = row->low,
                                    .high = row->high};
    qn_elementwise_work(&params, out_work);
    return 1;
}

/* Results lie between those of the ends, if the function goes one way and has any there. On integers the functions that
   rise give no number that the type lacks; neg, which falls, may: -(-128) is 128, and as s8 again -128. */
static qn_interval bounds_row(const unary_row *row, direction order, const qn_bounds *of) {
    if (order == NEITHER || !row->real) return qn_bounds_unknown();
    const double a = row->real(of->inputs[0].low), b = row->real(of->inputs[0].high);
    if (isnan(a) || isnan(b)) return qn_bounds_unknown();
    return order == FALLS ? qn_bounds_unwrapped(of, (qn_interval){b, a}) : (qn_interval){a, b};
}

static void sample_row(qn_sample *sample, const unary_row *row) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    if (row->code != QN_EW_CLAMP && row->low < row->high) {
        sample->low = row->low;
        sample->high = row->high;
    } else {
        sample->low = -8.0f;
        sample->high = 8.0f;
    }
    qn_sample_input(sample, qn_sample_dtype(sample, row->dtypes), rank, dims);
}

/* The node_type of those that MagicMind counts among activations. */
#define ACTIVATION "IActivationNode"

/*   name         values  type  order  real           single        integer     dim         dtypes             code           low  high
     doc */
#define UNARY_ROWS(ROW)                                                                                                \
    ROW(abs, TABLE, NULL, NEITHER, fabs, NULL, abs_int, dim_abs, QN_DTYPES_NUMBER, QN_EW_ABS, 0, 0, "|x|")             \
    ROW(neg, TABLE, NULL, FALLS, neg_real, NULL, wrap_neg, dim_neg, QN_DTYPES_NUMBER, QN_EW_NEG, 0, 0, "-x")           \
    ROW(exp, TABLE, NULL, STRICTLY, exp, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_EXP, 0, 0, "e to the power of x")    \
    ROW(log, TABLE, NULL, STRICTLY, log, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0.01f, 99,                    \
        "natural logarithm of x")                                                                                      \
    ROW(sqrt, TABLE, NULL, STRICTLY, sqrt, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_SQRT, 0, 99, "square root of x")   \
    ROW(rsqrt, TABLE, NULL, NEITHER, rsqrt_real, rsqrt_single, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_RSQRT, 0.01f, 99,    \
        "1 / sqrt(x)")                                                                                                 \
    ROW(square, TABLE, NULL, NEITHER, square_real, NULL, square_int, dim_square, QN_DTYPES_NUMBER, QN_EW_SQUARE, 0, 0, \
        "x * x")                                                                                                       \
    ROW(sigmoid, TABLE, ACTIVATION, STRICTLY, sigmoid_real, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_SIGMOID, 0, 0,    \
        "1 / (1 + exp(-x))")                                                                                           \
    ROW(tanh, TABLE, ACTIVATION, STRICTLY, tanh, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_TANH, 0, 0,                  \
        "hyperbolic tangent of x")                                                                                     \
    ROW(relu, TABLE, ACTIVATION, RISES, relu_real, NULL, relu_int, dim_relu, QN_DTYPES_NUMBER, QN_EW_CLAMP, 0,         \
        INFINITY, "max(x, 0)")                                                                                         \
    ROW(relu6, TABLE, ACTIVATION, RISES, relu6_real, NULL, relu6_int, dim_relu6, QN_DTYPES_NUMBER, QN_EW_CLAMP, 0, 6,  \
        "min(max(x, 0), 6)")                                                                                           \
    ROW(floor, ROUNDED, NULL, RISES, floor, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0, 0,                      \
        "the greatest whole number not above x")                                                                       \
    ROW(ceil, ROUNDED, NULL, RISES, ceil, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0, 0,                        \
        "the smallest whole number not below x")                                                                       \
    ROW(round, ROUNDED, NULL, RISES, round_real, NULL, same_int, dim_same, QN_DTYPES_NUMBER, QN_EW_COUNT, 0, 0,        \
        "the nearest whole number, halves to the even one")                                                            \
    ROW(sign, TABLE, NULL, RISES, sign_real, NULL, sign_int, dim_sign, QN_DTYPES_NUMBER, QN_EW_COUNT, 0, 0,            \
        "-1, 0 or 1; NaN stays")                                                                                       \
    ROW(softplus, TABLE, ACTIVATION, STRICTLY, softplus_real, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0, 0,    \
        "log(1 + exp(x))")                                                                                             \
    ROW(elu, TABLE, ACTIVATION, RISES, elu_real, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0, 0,                 \
        "x, or exp(x) - 1 where x < 0")                                                                                \
    ROW(selu, TABLE, ACTIVATION, RISES, selu_real, NULL, NULL, NULL, QN_DTYPES_FLOAT, QN_EW_COUNT, 0, 0,               \
        "1.0507 * (x, or 1.6733 * (exp(x) - 1) where x < 0)")                                                          \
    ROW(logical_not, TRUTH, NULL, NEITHER, NULL, NULL, not_int, qn_dim_not, QN_DTYPES_BOOL, QN_EW_COUNT, 0, 0, "not x")

#define DEFINE_ROW(op, value_kind, type, order, real_fn, single_fn, integer_fn, dim_fn, dtype_set, kernel_code, from,  \
                   to, text)                                                                                           \
    static const unary_row row_##op = {real_fn, single_fn, integer_fn, dim_fn, dtype_set, kernel_code, from, to};      \
    static qn_status *infer_##op(qn_infer *infer) { return infer_row(infer, &row_##op); }                              \
    static qn_status *eval_##op(const qn_eval *eval) { return eval_row(eval, &row_##op); }                             \
    static int lower_##op(const qn_eval *eval, const qn_kernel_set *kernels, qn_work *out_work) {                      \
        return lower_row(eval, kernels, out_work, &row_##op);                                                          \
    }                                                                                                                  \
    static void sample_##op(qn_sample *sample) { sample_row(sample, &row_##op); }                                      \
    static qn_interval bounds_##op(const qn_bounds *of) { return bounds_row(&row_##op, order, of); }                   \
    const qn_op_def qn_op_##op = {                                                                                     \
        .name = #op,                                                                                                   \
        .doc = text,                                                                                                   \
        .node_type = type,                                                                                             \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .flags = QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS | ((order) == STRICTLY ? QN_OP_KEEPS_ORDER : 0u),                 \
        .axes = {.kind = QN_AXES_KEPT},                                                                                \
        .values = QN_VALUES_##value_kind,                                                                              \
        .activation = ((kernel_code) == QN_EW_CLAMP ? (to) == 6 ? QN_ACTIVATION_RELU6 : QN_ACTIVATION_RELU             \
                                                    : QN_ACTIVATION_NONE),                                             \
        .bounds = bounds_##op,                                                                                         \
        .infer = infer_##op,                                                                                           \
        .eval = eval_##op,                                                                                             \
        .lower = (kernel_code) == QN_EW_COUNT ? NULL : lower_##op,                                                     \
        .sample = sample_##op,                                                                                         \
    };

UNARY_ROWS(DEFINE_ROW)
