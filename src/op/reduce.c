/* reduce_sum, reduce_mean, reduce_prod, reduce_max, reduce_min, reduce_all, reduce_any - one value for all elements
 * along the axes that input 1 names (negative ones count from the end):
 *
 *   out[kept..] = f over all indices of the reduced axes of x[.., ..]      keep_dims: reduced axes stay, with dim 1
 *
 * Numbers (all, any: bool). Floats are computed in double and rounded once, integers in 64 bits, and wrap; their mean
 * is cut towards zero. Of no elements the sum is 0, the product 1, all is true and any false, the maximum is the least
 * number of the type and the minimum the greatest (of floats: -inf and inf), the mean NaN, of integers 0. */
#include "op/operand.h"

typedef enum reduction { SUM, MEAN, PROD, MAX, MIN, ALL, ANY } reduction;

static const qn_attr_def attr_defs[] = {
    {.name = "keep_dims",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_reduce_attrs, keep_dims),
     .fallback = "false",
     .doc = "Reduced axes stay, with size 1."},
    {0},
};

/* Bit i: axis i is reduced. */
static qn_status *mark_axes(const int64_t *axes, int64_t count, int rank, uint32_t *out_mask) {
    *out_mask = 0;
    for (int64_t i = 0; i < count; i++) {
        if (axes[i] < -rank || axes[i] >= rank)
            return QN_ERR(QN_INVALID_MODEL, "axes[%lld] is %lld, but x has rank %d", (long long)i, (long long)axes[i],
                          rank);
        uint32_t bit = 1u << (axes[i] < 0 ? axes[i] + rank : axes[i]);
        if (*out_mask & bit)
            return QN_ERR(QN_INVALID_MODEL, "axes names axis %lld twice",
                          (long long)(axes[i] < 0 ? axes[i] + rank : axes[i]));
        *out_mask |= bit;
    }
    return NULL;
}

/* ---- Symbolic ---- */

static qn_dim combine_dims(qn_dim_pool *pool, reduction kind, qn_dim a, qn_dim b) {
    switch (kind) {
    case SUM: return qn_dim_add(pool, a, b);
    case PROD: return qn_dim_mul(pool, a, b);
    case MAX: return qn_dim_max(pool, a, b);
    case MIN: return qn_dim_min(pool, a, b);
    case ALL: return qn_dim_and(pool, a, b);
    default: return qn_dim_or(pool, a, b);
    }
}

/* Output element that each element of x goes to. */
static int64_t target_index(const qn_view *x, uint32_t mask, int64_t index) {
    int64_t target = 0, stride = 1;
    for (int axis = x->rank - 1; axis >= 0; axis--) {
        if (!(mask & 1u << axis)) {
            target += index % x->dims[axis] * stride;
            stride *= x->dims[axis];
        }
        index /= x->dims[axis];
    }
    return target;
}

/* Known elements of x give known results; means and reductions of nothing are left to eval. */
static qn_status *infer_contents(qn_infer *infer, reduction kind, uint32_t mask) {
    qn_view x;
    if (!infer->contents[0] || kind == MEAN || !qn_infer_const_view(infer, &infer->inputs[0], &x)) return NULL;
    int64_t elems = qn_view_elems(&x), count = 1;
    for (int axis = 0; axis < x.rank; axis++)
        if (!(mask & 1u << axis)) count *= x.dims[axis];
    if (!elems || !count) return NULL;
    qn_dim *results;
    QN_TRY(qn_infer_new_contents(infer, count, &results));
    if (!results) return NULL;
    uint64_t begun = 0; /* count <= QN_CONTENT_MAX: a bit each */
    for (int64_t i = 0; i < elems; i++) {
        int64_t target = target_index(&x, mask, i);
        int first = !(begun >> target & 1);
        results[target] =
            first ? infer->contents[0][i] : combine_dims(infer->dims, kind, results[target], infer->contents[0][i]);
        begun |= (uint64_t)1 << target;
    }
    return qn_infer_set_contents(infer, 0, x.dtype, count, results);
}

static qn_status *infer_reduce(qn_infer *infer, reduction kind) {
    const qn_reduce_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, kind == ALL || kind == ANY ? QN_DTYPES_BOOL : QN_DTYPES_NUMBER, "x"));
    QN_TRY(qn_infer_expect_dtypes(infer, 1, QN_DTYPES_INDEX, "axes"));
    if (infer->inputs[1].rank > 1) QN_TRY(qn_infer_expect_rank(infer, 1, 1, "axes"));
    int64_t axes[QN_MAX_RANK], count = qn_infer_const_elems(infer, 1);
    if (count > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_MODEL, "axes has %lld elements, but x has rank %d", (long long)count, x->rank);
    if (count && !qn_infer_const_ints(infer, 1, axes, QN_MAX_RANK, &count))
        return QN_ERR(QN_UNSUPPORTED, "axes depend on the input; give them as a constant");
    uint32_t mask;
    QN_TRY(mark_axes(axes, count, x->rank, &mask));
    qn_dim dims[QN_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (!(mask & 1u << i))
            dims[rank++] = x->dims[i];
        else if (attrs->keep_dims)
            dims[rank++] = qn_infer_const(infer, 1);
    qn_infer_set(infer, 0, x->dtype, rank, dims);
    return infer_contents(infer, kind, mask);
}

/* ---- Numeric ---- */

/* One set of axes (the kept or the reduced ones), outermost first. */
typedef struct axes_walk {
    int rank;
    int64_t dims[QN_MAX_RANK], strides[QN_MAX_RANK], elems;
} axes_walk;

static void add_axis(axes_walk *walk, int64_t dim, int64_t stride) {
    walk->dims[walk->rank] = dim;
    walk->strides[walk->rank++] = stride;
    walk->elems *= dim;
}

/* Moves `index` one position on in row-major order and `offset` with it. */
static void advance(const axes_walk *walk, int64_t index[QN_MAX_RANK], int64_t *offset) {
    for (int i = walk->rank - 1; i >= 0; i--) {
        *offset += walk->strides[i];
        if (++index[i] < walk->dims[i]) return;
        *offset -= walk->dims[i] * walk->strides[i];
        index[i] = 0;
    }
}

/* The reduction of the elements of x that `over` visits from `first` on. */
static double reduce_floats(const qn_view *x, reduction kind, int64_t first, const axes_walk *over) {
    double value = kind == PROD ? 1 : kind == MAX ? -INFINITY : kind == MIN ? INFINITY : 0;
    int64_t index[QN_MAX_RANK] = {0}, offset = first;
    for (int64_t i = 0; i < over->elems; i++, advance(over, index, &offset)) {
        double element = qn_view_get(x, offset);
        switch (kind) {
        case PROD: value *= element; break;
        case MAX: value = element > value || element != element ? element : value; break;
        case MIN: value = element < value || element != element ? element : value; break;
        default: value += element;
        }
    }
    return kind == MEAN ? value / (double)over->elems : value;
}

static int64_t reduce_ints(const qn_view *x, reduction kind, int64_t first, const axes_walk *over) {
    int bits = 8 * (int)qn_dtype_size(x->dtype), is_signed = qn_dtype_is_signed(x->dtype);
    int64_t lowest = is_signed ? (int64_t)(UINT64_MAX << (bits - 1)) : 0;
    int64_t highest = (int64_t)(UINT64_MAX >> (64 - bits + is_signed));
    int64_t value = kind == PROD || kind == ALL ? 1 : kind == MAX ? lowest : kind == MIN ? highest : 0;
    int64_t index[QN_MAX_RANK] = {0}, offset = first;
    for (int64_t i = 0; i < over->elems; i++, advance(over, index, &offset)) {
        int64_t element = qn_view_get_int(x, offset);
        switch (kind) {
        case PROD: value = (int64_t)((uint64_t)value * (uint64_t)element); break;
        case MAX: value = qn_max_i64(value, element); break;
        case MIN: value = qn_min_i64(value, element); break;
        case ALL: value &= element != 0; break;
        case ANY: value |= element != 0; break;
        default: value = (int64_t)((uint64_t)value + (uint64_t)element);
        }
    }
    return kind == MEAN && over->elems ? value / over->elems : value;
}

static qn_status *eval_reduce(const qn_eval *eval, reduction kind) {
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    int64_t strides[QN_MAX_RANK], axes[QN_MAX_RANK], count = qn_view_elems(&eval->inputs[1]);
    if (count > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "axes has %lld elements, but x has rank %d", (long long)count, x->rank);
    for (int64_t i = 0; i < count; i++) axes[i] = qn_view_get_int(&eval->inputs[1], i);
    uint32_t mask;
    QN_TRY(mark_axes(axes, count, x->rank, &mask));
    qn_view_strides(x, strides);
    axes_walk kept = {.elems = 1}, reduced = {.elems = 1};
    for (int i = 0; i < x->rank; i++) add_axis(mask & 1u << i ? &reduced : &kept, x->dims[i], strides[i]);
    int is_float = qn_dtype_is_float(x->dtype);
    int64_t index[QN_MAX_RANK] = {0}, first = 0;
    for (int64_t i = 0; i < kept.elems; i++, advance(&kept, index, &first)) {
        if (is_float)
            qn_view_set(out, i, reduce_floats(x, kind, first, &reduced));
        else
            qn_view_set_int(out, i, reduce_ints(x, kind, first, &reduced));
    }
    return NULL;
}

static void sample_reduce(qn_sample *sample, qn_dtype dtype) {
    qn_rng *rng = sample->rng;
    int64_t dims[4], axes[4];
    int rank = (int)qn_rng_range(rng, 0, 4), count = 0;
    for (int i = 0; i < rank; i++) {
        dims[i] = qn_rng_range(rng, 1, 6);
        if (qn_rng_range(rng, 0, 1)) axes[count++] = qn_rng_range(rng, 0, 1) ? i : i - rank;
    }
    ((qn_reduce_attrs *)sample->attrs)->keep_dims = qn_rng_range(rng, 0, 1);
    qn_sample_input(sample, dtype, rank, dims);
    qn_sample_ints(sample, qn_rng_range(rng, 0, 1) ? QN_DTYPE_S32 : QN_DTYPE_S64, count, axes);
}

static void sample_number(qn_sample *sample) {
    sample_reduce(sample, qn_rng_range(sample->rng, 0, 3) ? QN_DTYPE_F32 : QN_DTYPE_S32);
}
static void sample_bool(qn_sample *sample) { sample_reduce(sample, QN_DTYPE_BOOL); }

/*  name         kind  sample         doc */
#define REDUCE_ROWS(ROW)                                                                                               \
    ROW(reduce_sum, SUM, sample_number, "Sum over axes.")                                                              \
    ROW(reduce_mean, MEAN, sample_number, "Mean over axes; of integers, rounded towards zero.")                        \
    ROW(reduce_prod, PROD, sample_number, "Product over axes.")                                                        \
    ROW(reduce_max, MAX, sample_number, "Greatest element over axes.")                                                 \
    ROW(reduce_min, MIN, sample_number, "Least element over axes.")                                                    \
    ROW(reduce_all, ALL, sample_bool, "Is every element over axes true?")                                              \
    ROW(reduce_any, ANY, sample_bool, "Is any element over axes true?")

static int trace_reduce(const qn_eval *operands, int *out_source) {
    const qn_reduce_attrs *attrs = operands->attrs;
    const qn_view *axes = &operands->inputs[1];
    uint32_t mask = 0;
    int rank = 0;
    if (!axes->data) return -1;
    for (int64_t k = 0; k < qn_view_elems(axes); k++) {
        int64_t axis = qn_view_get_int(axes, k);
        mask |= 1u << (axis < 0 ? axis + operands->inputs[0].rank : axis);
    }
    for (int i = 0; i < operands->inputs[0].rank; i++)
        if (!(mask & 1u << i) || attrs->keep_dims) out_source[rank++] = i;
    return rank;
}

#define REDUCE_DEFINE(row_name, reduces, draw, text)                                                                   \
    static qn_status *infer_##row_name(qn_infer *infer) { return infer_reduce(infer, reduces); }                       \
    static qn_status *eval_##row_name(const qn_eval *eval) { return eval_reduce(eval, reduces); }                      \
    const qn_op_def qn_op_##row_name = {                                                                               \
        .name = #row_name,                                                                                             \
        .doc = text,                                                                                                   \
        .node_type = (reduces) == ALL || (reduces) == ANY ? NULL : "IReduceNode",                                      \
        .min_inputs = 2,                                                                                               \
        .max_inputs = 2,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attr_defs,                                                                                            \
        .attrs_bytes = sizeof(qn_reduce_attrs),                                                                        \
        .data_inputs = 1,                                                                                              \
        .axes = {.kind = QN_AXES_TRACED, .controls = {[1] = QN_CONTROL_NAMES_AXES}, .trace = trace_reduce},            \
        .values = (reduces) == MEAN                      ? QN_VALUES_AVERAGED                                          \
                  : (reduces) == MAX || (reduces) == MIN ? QN_VALUES_PICKED                                            \
                  : (reduces) == ALL || (reduces) == ANY ? QN_VALUES_TRUTH                                             \
                                                         : QN_VALUES_NEW,                                              \
        .infer = infer_##row_name,                                                                                     \
        .eval = eval_##row_name,                                                                                       \
        .sample = draw,                                                                                                \
    };
REDUCE_ROWS(REDUCE_DEFINE)
