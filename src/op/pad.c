/* pad - x with paddings[a] = {before, after} more elements along each axis a:
 *
 *   constant    value (default 0) around x
 *   reflect     x mirrored at its first and last element, which are not repeated
 *   symmetric   x mirrored with its first and last element
 *
 * Any element type. Example: 1 2 3 with {2, 1}: 0 0 1 2 3 0, or 3 2 1 2 3 2, or 2 1 1 2 3 3. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

static const char *const mode_names[] = {"constant", "reflect", "symmetric", NULL};

static const qn_attr_def attrs[] = {
    {.name = "mode",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(qn_pad_attrs, mode),
     .names = mode_names,
     .fallback = "constant",
     .doc = "what goes around x: a value, or x mirrored without or with its edge"},
    {.name = NULL},
};

/* Of the rows of 'paddings', for messages. */
static const char *const names[QN_MAX_RANK] = {"paddings[0]", "paddings[1]", "paddings[2]", "paddings[3]",
                                               "paddings[4]", "paddings[5]", "paddings[6]", "paddings[7]"};

/* ---- Inference ---- */

/* `dims` are those of x; paddings is NULL where unknown until the step runs. */
static qn_status *infer_dims(qn_infer *infer, int64_t mode, const qn_dim *paddings, qn_dim *inout_dims) {
    qn_dim zero = qn_infer_const(infer, 0), none = qn_infer_const(infer, QN_DIM_UNBOUNDED);
    for (int i = 0; i < infer->inputs[0].rank; i++) {
        qn_dim dim = inout_dims[i], most = none;
        if (mode == QN_PAD_REFLECT)
            most = qn_dim_max(infer->dims, qn_dim_sub(infer->dims, dim, qn_infer_const(infer, 1)), zero);
        if (mode == QN_PAD_SYMMETRIC) most = dim;
        if (!paddings) {
            /* A mirror reaches no further than x itself; a value may go on without end. */
            qn_dim high = mode == QN_PAD_CONSTANT ? none : qn_dim_mul(infer->dims, dim, qn_infer_const(infer, 3));
            inout_dims[i] = qn_infer_data_dim(infer, 0, i, dim, high);
            continue;
        }
        for (int side = 0; side < 2; side++) {
            QN_TRY(qn_infer_require_within(infer, paddings[2 * i + side], zero, most, names[i], side));
            inout_dims[i] = qn_dim_add(infer->dims, inout_dims[i], paddings[2 * i + side]);
        }
    }
    return NULL;
}

/* The element of x along one axis that index `at` of the result mirrors, or -1 outside in constant mode. */
static int64_t source_index(int64_t mode, int64_t at, int64_t before, int64_t dim) {
    int64_t x = at - before;
    if (x >= 0 && x < dim) return x;
    if (mode == QN_PAD_CONSTANT) return -1;
    int64_t edge = mode == QN_PAD_SYMMETRIC;
    return x < 0 ? -x - edge : 2 * dim - 2 - x + edge;
}

/* Known elements of x and of the value, where the paddings are numbers. */
static qn_status *infer_contents(qn_infer *infer, int64_t mode) {
    const qn_dim *x = infer->contents[0];
    int has_value = infer->input_count > 2 && infer->inputs[2].dtype != QN_DTYPE_NONE;
    int64_t paddings[2 * QN_MAX_RANK], count;
    qn_view in, out;
    if (!x || (has_value && !infer->contents[2])) return NULL;
    if (!qn_infer_const_ints(infer, 1, paddings, 2 * QN_MAX_RANK, &count)) return NULL;
    if (!qn_infer_const_view(infer, &infer->inputs[0], &in)) return NULL;
    if (!qn_infer_const_view(infer, &infer->outputs[0], &out)) return NULL;
    qn_dim value = has_value ? infer->contents[2][0] : qn_infer_const(infer, 0), *contents;
    int64_t elems = qn_view_elems(&out), strides[QN_MAX_RANK];
    QN_TRY(qn_infer_new_contents(infer, elems, &contents));
    qn_view_strides(&in, strides);
    qn_walk walk;
    qn_walk_init(&walk, &out, NULL, 0);
    for (int64_t i = 0; contents && i < elems; i++, qn_walk_next(&walk)) {
        int64_t at = 0;
        for (int axis = 0; axis < in.rank && at >= 0; axis++) {
            int64_t index = source_index(mode, walk.index[axis], paddings[2 * axis], in.dims[axis]);
            at = index < 0 ? -1 : at + index * strides[axis];
        }
        contents[i] = at < 0 ? value : x[at];
    }
    return qn_infer_set_contents(infer, 0, in.dtype, elems, contents);
}

static qn_status *infer_pad(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t mode = ((const qn_pad_attrs *)infer->attrs)->mode, count = 2 * x->rank;
    const qn_dim *paddings;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_control(infer, 1, "paddings", &count, &paddings));
    if (infer->input_count > 2 && infer->inputs[2].dtype != QN_DTYPE_NONE) {
        QN_TRY(qn_infer_expect_same_dtype(infer, 0, 2));
        if (qn_infer_const_elems(infer, 2) != 1)
            return QN_ERR(QN_INVALID_MODEL, "expected a 'value' of one element, found shape %s",
                          qn_infer_dims_text(infer, infer->inputs[2].rank, infer->inputs[2].dims));
    }
    memcpy(dims, x->dims, sizeof dims);
    QN_TRY(infer_dims(infer, mode, paddings, dims));
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return infer_contents(infer, mode);
}

/* ---- Evaluation ---- */

static qn_status *read_paddings(const qn_eval *eval, int64_t mode, int64_t *out_before, int64_t *out_dims) {
    const qn_view *x = &eval->inputs[0];
    int64_t paddings[2 * QN_MAX_RANK];
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "paddings", 2 * x->rank, paddings));
    for (int i = 0; i < x->rank; i++) {
        int64_t dim = x->dims[i], most = INT64_MAX / 4; /* sums of it and of any real dim fit */
        if (mode != QN_PAD_CONSTANT) most = mode == QN_PAD_REFLECT ? qn_max_i64(dim - 1, 0) : dim;
        for (int side = 0; side < 2; side++)
            QN_TRY(qn_move_expect_within(paddings[2 * i + side], 0, most, names[i], side));
        out_before[i] = paddings[2 * i];
        out_dims[i] = dim + paddings[2 * i] + paddings[2 * i + 1];
    }
    return NULL;
}

/* x into the middle of the result. */
static void copy_middle(const qn_view *x, const qn_view *y, const int64_t *before) {
    if (!qn_view_elems(x)) return;
    qn_move move;
    qn_move_init(&move, x, y, x->dims);
    for (int i = 0; i < x->rank; i++) move.dst += before[i] * move.dst_step[i];
    qn_move_run(&move);
}

/* Mirrors one axis of the result within itself. Axes before `axis` are mirrored already and taken whole; of axes
   behind it only the middle, where x lies, is filled yet. */
static void mirror_axis(int64_t mode, int axis, const qn_view *x, const qn_view *y, const int64_t *before) {
    int64_t corner = 0;
    qn_move line;
    qn_move_init(&line, y, y, y->dims);
    for (int i = axis + 1; i < y->rank; i++) {
        line.dims[i] = x->dims[i];
        corner += before[i] * line.dst_step[i];
    }
    line.dims[axis] = 1;
    for (int64_t at = 0; at < y->dims[axis]; at++) {
        int64_t from = before[axis] + source_index(mode, at, before[axis], x->dims[axis]);
        if (from == at) continue;
        line.src = (const uint8_t *)y->data + corner + from * line.src_step[axis];
        line.dst = (uint8_t *)y->data + corner + at * line.dst_step[axis];
        qn_move_run(&line);
    }
}

static qn_status *eval_pad(const qn_eval *eval) {
    int64_t mode = ((const qn_pad_attrs *)eval->attrs)->mode;
    const qn_view *x = &eval->inputs[0];
    qn_view *y = &eval->outputs[0];
    int64_t before[QN_MAX_RANK], dims[QN_MAX_RANK];
    QN_TRY(read_paddings(eval, mode, before, dims));
    QN_TRY(qn_move_settle(y, dims));
    if (!qn_view_elems(y)) return NULL;
    if (mode == QN_PAD_CONSTANT && qn_view_elems(y) > qn_view_elems(x)) {
        int has_value = eval->input_count > 2 && eval->inputs[2].dtype != QN_DTYPE_NONE;
        qn_move_fill(y->data, qn_view_elems(y), has_value ? eval->inputs[2].data : NULL,
                     (int64_t)qn_dtype_size(y->dtype));
    }
    copy_middle(x, y, before);
    for (int i = 0; mode != QN_PAD_CONSTANT && i < x->rank; i++) mirror_axis(mode, i, x, y, before);
    return NULL;
}

static int lower_pad(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_view *paddings = &operands->inputs[1];
    int has_value = operands->input_count > 2 && operands->inputs[2].dtype != QN_DTYPE_NONE;
    (void)kernels;
    if (((const qn_pad_attrs *)operands->attrs)->mode != QN_PAD_CONSTANT || !(operands->settled & 1u << 1)) return 0;
    return qn_move_lower_box(&operands->inputs[0], &operands->outputs[0], has_value ? &operands->inputs[2] : NULL,
                             paddings, 2, 1, out_work);
}

static void sample_pad(qn_sample *sample) {
    qn_pad_attrs *a = sample->attrs;
    int64_t dims[QN_MAX_RANK], paddings[2 * QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_dtype dtype = qn_sample_dtype(sample, QN_DTYPES_ANY);
    a->mode = qn_rng_range(sample->rng, QN_PAD_CONSTANT, QN_PAD_SYMMETRIC);
    for (int i = 0; i < rank; i++) {
        if (a->mode != QN_PAD_CONSTANT && !dims[i]) dims[i] = 1;
        int64_t most = a->mode == QN_PAD_CONSTANT ? 3 : a->mode == QN_PAD_REFLECT ? dims[i] - 1 : dims[i];
        for (int side = 0; side < 2; side++)
            paddings[2 * i + side] = qn_rng_range(sample->rng, 0, 2) ? qn_rng_range(sample->rng, 0, most) : 0;
    }
    qn_sample_input(sample, dtype, rank, dims);
    qn_view *control = &sample->inputs[qn_sample_ints(sample, qn_sample_index_dtype(sample), 2 * rank, paddings)];
    control->rank = 2;
    control->dims[0] = rank;
    control->dims[1] = 2;
    if (a->mode == QN_PAD_CONSTANT && qn_rng_range(sample->rng, 0, 1)) qn_sample_input(sample, dtype, 0, NULL);
}

/* The elements of x, and in constant mode the value around them: input 2, or 0 where there is none. */
static qn_interval bounds_pad(const qn_bounds *of) {
    const int has_value = of->input_count > 2 && of->dtypes[2] != QN_DTYPE_NONE;
    if (((const qn_pad_attrs *)of->attrs)->mode != QN_PAD_CONSTANT) return of->inputs[0];
    return qn_interval_join(of->inputs[0], has_value ? of->inputs[2] : (qn_interval){0, 0});
}

/* Mirrors need none. */
static int filler_of_pad(const void *attrs_of_pad) {
    return ((const qn_pad_attrs *)attrs_of_pad)->mode == QN_PAD_CONSTANT ? 2 : 0;
}

const qn_op_def qn_op_pad = {
    .name = "pad",
    .doc = "x with paddings[i] = {before, after} more elements along axis i: a value (default 0), or x mirrored",
    .node_type = "IPadNode",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE | QN_OP_FITS,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_pad_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .controls = {[1] = QN_CONTROL_PER_AXIS}},
    .values = QN_VALUES_PICKED,
    .bounds = bounds_pad,
    .extents = QN_EXTENTS_PADDED,
    .filler = filler_of_pad,
    .infer = infer_pad,
    .eval = eval_pad,
    .lower = lower_pad,
    .sample = sample_pad,
};
