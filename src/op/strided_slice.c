/* strided_slice - x[begin:end:stride, ..., newaxis, i] with every mask of TensorFlow's StridedSlice:
 *
 *   out[.., i, ..] = x[.., from + i * stride, ..] while from + i * stride is before `to`, for the axis of each entry
 *
 * Entry k of begin, end and strides is about the next axis of x; bit k of a mask says what else it is:
 *   begin_mask, end_mask   from is the first element, to is behind the last one (in the direction of the stride)
 *   ellipsis_mask          the entry stands for all axes that no other entry is about (at most one entry)
 *   new_axis_mask          a new axis of dim 1; the entry is about no axis of x
 *   shrink_axis_mask       element begin alone, whatever begin_mask says; its axis goes away
 * If several are set for an entry the ellipsis wins over the new axis, and that over all others. Axes behind the last
 * entry are whole. Negative begins and ends count from the end; then both are clamped to the axis.
 *
 * Example: x[1, ..., newaxis, 3:0:-2] of [2, 3, 4, 5] has four entries, with shrink_axis_mask 1, ellipsis_mask 2 and
 * new_axis_mask 4. The ellipsis is the axes of 3 and 4, the last entry takes columns 3 and 1: the result is
 * [3, 4, 1, 2].
 *
 * Any element type. Masks and strides are known before the run, so that the number of axes is; begin and end may be
 * expressions, or unknown until the step runs. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>

#define MASK(mask_name, text)                                                                                          \
    {                                                                                                                  \
        .name = #mask_name, .kind = QN_ATTR_INT, .offset = offsetof(qn_strided_slice_attrs, mask_name),                \
        .low = INT32_MIN, .high = INT32_MAX, .fallback = "0", .doc = text                                              \
    }

static const qn_attr_def attrs[] = {
    MASK(begin_mask, "bit i: entry i starts at its first element"),
    MASK(end_mask, "bit i: entry i ends with its last element"),
    MASK(ellipsis_mask, "bit i: entry i stands for all axes that no other entry names"),
    MASK(new_axis_mask, "bit i: entry i is a new axis of dim 1"),
    MASK(shrink_axis_mask, "bit i: entry i picks one index and its axis goes away"),
    {.name = NULL},
};

enum { ENTRIES_MAX = 2 * QN_MAX_RANK, ITEMS_MAX = ENTRIES_MAX + QN_MAX_RANK };

/* One axis of x or of the result. */
typedef struct slice_item {
    int axis;  /* of x; -1: a new one */
    int entry; /* of begin, end, strides; -1: the whole axis */
    int shrink, from_start, to_end;
} slice_item;

typedef struct slice_items {
    int count, rank; /* of the result */
    slice_item items[ITEMS_MAX];
} slice_items;

static void push(slice_items *list, slice_item item) {
    list->items[list->count++] = item;
    list->rank += !item.shrink;
}

/* Spells out the entries as axes. An ellipsis wins over a new axis, that over a shrunk one. */
static qn_status *resolve(const qn_strided_slice_attrs *a, int rank, int64_t entries, slice_items *out) {
    int named = 0, ellipses = 0, axis = 0;
    *out = (slice_items){0};
    if (entries > ENTRIES_MAX)
        return QN_ERR(QN_UNSUPPORTED, "expected at most %d entries in 'begin', found %lld", ENTRIES_MAX,
                      (long long)entries);
    for (int i = 0; i < entries; i++) {
        int is_ellipsis = (int)(a->ellipsis_mask >> i & 1);
        ellipses += is_ellipsis;
        named += !is_ellipsis && !(a->new_axis_mask >> i & 1);
    }
    if (ellipses > 1) return QN_ERR(QN_INVALID_MODEL, "expected at most one ellipsis, found %d", ellipses);
    if (named > rank) return QN_ERR(QN_INVALID_MODEL, "expected at most %d indices, found %d", rank, named);
    for (int i = 0; i < entries; i++) {
        if (a->ellipsis_mask >> i & 1)
            for (int k = named; k < rank; k++) push(out, (slice_item){.axis = axis++, .entry = -1});
        else if (a->new_axis_mask >> i & 1)
            push(out, (slice_item){.axis = -1, .entry = -1});
        else
            push(out, (slice_item){.axis = axis++,
                                   .entry = i,
                                   .shrink = (int)(a->shrink_axis_mask >> i & 1),
                                   .from_start = (int)(a->begin_mask >> i & 1),
                                   .to_end = (int)(a->end_mask >> i & 1)});
    }
    while (axis < rank) push(out, (slice_item){.axis = axis++, .entry = -1});
    if (out->rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected a result of at most %d dims, found %d", QN_MAX_RANK, out->rank);
    return NULL;
}

static qn_status *check_stride(int64_t stride, const slice_item *item) {
    if (!stride || stride <= INT32_MIN || stride > INT32_MAX)
        return QN_ERR(QN_INVALID_MODEL, "expected strides[%d] other than 0, found %lld", item->entry,
                      (long long)stride);
    if (item->shrink && stride < 0)
        return QN_ERR(QN_INVALID_MODEL, "expected strides[%d] above 0 where one index is picked, found %lld",
                      item->entry, (long long)stride);
    return NULL;
}

/* ---- Over dims ---- */

/* x + dim where x < 0 counts from the end. */
static qn_dim dim_forward(qn_dim_pool *pool, qn_dim x, qn_dim dim) {
    int64_t low, high;
    qn_dim_range(pool, x, &low, &high);
    if (low >= 0) return x;
    if (high < 0) return qn_dim_add(pool, x, dim);
    return qn_dim_add(pool, x, qn_dim_mul(pool, dim, qn_dim_gt(pool, qn_dim_const(pool, 0), x)));
}

static qn_dim dim_clamped(qn_dim_pool *pool, qn_dim x, qn_dim dim, int64_t stride) {
    qn_dim first = qn_dim_const(pool, stride > 0 ? 0 : -1);
    qn_dim last = stride > 0 ? dim : qn_dim_sub(pool, dim, qn_dim_const(pool, 1));
    return qn_dim_max(pool, qn_dim_min(pool, dim_forward(pool, x, dim), last), first);
}

/* begin and end: NULL where unknown. */
static qn_dim infer_length(qn_infer *infer, int out_axis, const slice_item *item, int64_t stride, qn_dim dim,
                           const qn_dim *begin, const qn_dim *end) {
    qn_dim_pool *pool = infer->dims;
    qn_dim zero = qn_dim_const(pool, 0), step = qn_dim_const(pool, stride > 0 ? stride : -stride);
    if ((!begin && !item->from_start) || (!end && !item->to_end))
        return qn_infer_data_dim(infer, 0, out_axis, zero, qn_dim_ceil_div(pool, dim, step));
    qn_dim last = qn_dim_sub(pool, dim, qn_dim_const(pool, 1)), before = qn_dim_const(pool, -1);
    qn_dim from = item->from_start ? (stride > 0 ? zero : last) : dim_clamped(pool, *begin, dim, stride);
    qn_dim to = item->to_end ? (stride > 0 ? dim : before) : dim_clamped(pool, *end, dim, stride);
    qn_dim span = stride > 0 ? qn_dim_sub(pool, to, from) : qn_dim_sub(pool, from, to);
    return qn_dim_ceil_div(pool, qn_dim_max(pool, span, zero), step);
}

static qn_status *require_index(qn_infer *infer, const slice_item *item, const qn_dim *begin, qn_dim dim) {
    if (!begin) return NULL;
    qn_dim low = qn_dim_sub(infer->dims, qn_infer_const(infer, 0), dim);
    qn_dim high = qn_dim_sub(infer->dims, dim, qn_infer_const(infer, 1));
    return qn_infer_require_within(infer, *begin, low, high, "begin", item->entry);
}

static qn_status *infer_strided_slice(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t count = -1, strides[ENTRIES_MAX];
    const qn_dim *begin, *end, *known;
    slice_items list;
    qn_dim dims[QN_MAX_RANK];
    int rank = 0;
    QN_TRY(qn_infer_control(infer, 1, "begin", &count, &begin));
    QN_TRY(qn_infer_control(infer, 2, "end", &count, &end));
    QN_TRY(qn_infer_control(infer, 3, "strides", &count, &known));
    QN_TRY(resolve(infer->attrs, x->rank, count, &list));
    if (!qn_infer_const_ints(infer, 3, strides, ENTRIES_MAX, &count))
        return QN_ERR(QN_UNSUPPORTED, "expected constant 'strides', found ones that are computed");
    for (int i = 0; i < list.count; i++) {
        const slice_item *item = &list.items[i];
        qn_dim dim = item->axis < 0 ? qn_infer_const(infer, 1) : x->dims[item->axis];
        const qn_dim *from = begin && item->entry >= 0 ? &begin[item->entry] : NULL;
        if (item->entry < 0) {
            dims[rank++] = dim;
            continue;
        }
        QN_TRY(check_stride(strides[item->entry], item));
        if (item->shrink)
            QN_TRY(require_index(infer, item, from, dim));
        else {
            dims[rank] =
                infer_length(infer, rank, item, strides[item->entry], dim, from, end ? &end[item->entry] : NULL);
            rank++;
        }
    }
    qn_infer_set(infer, 0, x->dtype, rank, dims);
    return NULL;
}

/* ---- Over numbers ---- */

static int64_t clamped(int64_t x, int64_t dim, int64_t stride) {
    int64_t first = stride > 0 ? 0 : -1, last = stride > 0 ? dim : dim - 1;
    return qn_max_i64(qn_min_i64(x < 0 ? x + dim : x, last), first);
}

static qn_status *read_item(const slice_item *item, int64_t dim, int64_t begin, int64_t end, int64_t stride,
                            int64_t *out_from, int64_t *out_length) {
    QN_TRY(check_stride(stride, item));
    if (item->shrink) {
        QN_TRY(qn_move_expect_within(begin, -dim, dim - 1, "begin", item->entry));
        *out_from = begin < 0 ? begin + dim : begin;
        *out_length = 1;
        return NULL;
    }
    int64_t from = item->from_start ? (stride > 0 ? 0 : dim - 1) : clamped(begin, dim, stride);
    int64_t to = item->to_end ? (stride > 0 ? dim : -1) : clamped(end, dim, stride);
    *out_from = from;
    *out_length = stride > 0 ? qn_ceil_div_i64(qn_max_i64(to - from, 0), stride)
                             : qn_ceil_div_i64(qn_max_i64(from - to, 0), -stride);
    return NULL;
}

static qn_status *eval_strided_slice(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    qn_view *y = &eval->outputs[0];
    int64_t count = qn_view_elems(&eval->inputs[1]), control[3][ENTRIES_MAX], strides[QN_MAX_RANK], dims[QN_MAX_RANK];
    slice_items list;
    int rank = 0;
    qn_view_strides(x, strides);
    QN_TRY(resolve(eval->attrs, x->rank, count, &list));
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "begin", count, control[0]));
    QN_TRY(qn_move_read_ints(&eval->inputs[2], "end", count, control[1]));
    QN_TRY(qn_move_read_ints(&eval->inputs[3], "strides", count, control[2]));
    qn_move move = {.src = x->data, .dst = y->data, .elem_bytes = (int64_t)qn_dtype_size(x->dtype)};
    int64_t offset = 0;
    for (int i = 0; i < list.count; i++) {
        const slice_item *item = &list.items[i];
        int64_t from = 0, length = item->axis < 0 ? 1 : x->dims[item->axis], stride = 1;
        if (item->entry >= 0) {
            int k = item->entry;
            stride = control[2][k];
            QN_TRY(read_item(item, length, control[0][k], control[1][k], stride, &from, &length));
        }
        int64_t step = item->axis < 0 ? 0 : strides[item->axis] * move.elem_bytes;
        offset += from * step;
        if (item->shrink) continue;
        move.src_step[rank] = length > 1 ? stride * step : 0; /* a stride past the only element may not fit */
        dims[rank++] = length;
    }
    assert(rank == y->rank);
    QN_TRY(qn_move_settle(y, dims));
    if (!qn_view_elems(y)) return NULL;
    qn_view_strides(y, move.dst_step);
    for (int i = 0; i < rank; i++) {
        move.dims[i] = dims[i];
        move.dst_step[i] *= move.elem_bytes;
    }
    move.rank = rank;
    move.src += offset;
    qn_move_run(&move);
    return NULL;
}

static void sample_strided_slice(qn_sample *sample) {
    qn_strided_slice_attrs *a = sample->attrs;
    int64_t dims[QN_MAX_RANK], control[3][QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims), count = 0, axis = 0;
    int entries = (int)qn_rng_range(sample->rng, 0, rank + 1);
    for (; count < entries && axis <= rank; count++) {
        int64_t kind = qn_rng_range(sample->rng, 0, 7), bit = (int64_t)1 << count;
        int64_t dim = axis < rank ? dims[axis] : 0;
        for (int k = 0; k < 2; k++) control[k][count] = qn_rng_range(sample->rng, -dim - 2, dim + 2);
        control[2][count] = qn_rng_range(sample->rng, 1, 3);
        if (kind == 0 || (axis == rank && kind > 1)) {
            a->new_axis_mask |= bit;
        } else if (kind == 1 && !a->ellipsis_mask) {
            a->ellipsis_mask |= bit;
            axis += (int)qn_rng_range(sample->rng, 0, rank - axis);
        } else if (axis == rank) {
            break;
        } else if (kind == 2 && dim > 0) {
            a->shrink_axis_mask |= bit;
            control[0][count] = qn_rng_range(sample->rng, -dim, dim - 1);
            axis++;
        } else {
            if (kind > 5) control[2][count] = -control[2][count];
            a->begin_mask |= qn_rng_range(sample->rng, 0, 2) ? 0 : bit;
            a->end_mask |= qn_rng_range(sample->rng, 0, 2) ? 0 : bit;
            axis++;
        }
    }
    /* An ellipsis moves later entries to other axes, where a picked index may lie outside. */
    if (a->ellipsis_mask) a->shrink_axis_mask = 0;
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    for (int k = 0; k < 3; k++) qn_sample_ints(sample, qn_sample_index_dtype(sample), count, control[k]);
}

/* ---- Axes ---- */

/* Strides that are computed, and slices that name nothing, are followed by nobody. */
static int resolve_known(const qn_eval *operands, slice_items *out) {
    const qn_view *strides = &operands->inputs[3];
    if (strides->rank != 1 || !strides->data || strides->dims[0] < 1) return 0;
    qn_status *status = resolve(operands->attrs, operands->inputs[0].rank, strides->dims[0], out);
    const int is_known = !status && out->count > 0 && out->count <= QN_TURN_NUMBERS_MAX;
    qn_status_free(status);
    return is_known;
}

static int trace_strided_slice(const qn_eval *operands, int *out_source) {
    slice_items list;
    int rank = 0;
    if (!resolve_known(operands, &list)) return -1;
    for (int i = 0; i < list.count; i++)
        if (!list.items[i].shrink) out_source[rank++] = list.items[i].axis;
    return rank;
}

/* Spells an item as the next entry. Whole axes have masks for begin and end, so that those of any entry will do. */
static void spell(const slice_item *item, const qn_view *strides, qn_axes_turn *turn) {
    qn_strided_slice_attrs *a = turn->attrs;
    const int is_whole = item->axis >= 0 && item->entry < 0;
    const int64_t bit = (int64_t)1 << turn->controls[1].count, row = item->entry < 0 ? 0 : item->entry;
    if (item->axis < 0) a->new_axis_mask |= bit;
    if (item->shrink) a->shrink_axis_mask |= bit;
    if (item->from_start || is_whole) a->begin_mask |= bit;
    if (item->to_end || is_whole) a->end_mask |= bit;
    for (int k = 1; k <= 3; k++) {
        qn_turned_control *control = &turn->controls[k];
        control->kind = k < 3 ? QN_TURN_ROWS : QN_TURN_NUMBERS;
        control->numbers[control->count++] = k < 3 ? row : item->entry < 0 ? 1 : qn_view_get_int(strides, item->entry);
    }
}

/* Every axis and new axis gets an entry, in their new order: x[:, :, i, ::2] of [N, C, H, W] is x[:, i, ::2, :] of
   [N, H, W, C]. New axes stand where the result wants them, axes that go away in the order of x. */
static void turn_strided_slice(const qn_eval *operands, qn_axes_turn *turn) {
    const qn_view *strides = &operands->inputs[3];
    const slice_item *gone[QN_MAX_RANK] = {NULL}, *result[QN_MAX_RANK] = {NULL};
    const int rank = operands->inputs[0].rank;
    slice_items list;
    int is_resolved = resolve_known(operands, &list), next = 0, at = 0;
    assert(is_resolved);
    (void)is_resolved;
    for (int i = 0; i < list.count; i++) {
        const slice_item *item = &list.items[i];
        if (item->shrink)
            gone[turn->in[item->axis]] = item;
        else
            result[turn->out[at++]] = item;
    }
    *(qn_strided_slice_attrs *)turn->attrs = (qn_strided_slice_attrs){0};
    for (int k = 0; k < list.rank; k++) {
        for (; result[k]->axis >= 0 && next < turn->in[result[k]->axis]; next++)
            if (gone[next]) spell(gone[next], strides, turn);
        spell(result[k], strides, turn);
    }
    for (; next < rank; next++)
        if (gone[next]) spell(gone[next], strides, turn);
}

const qn_op_def qn_op_strided_slice = {
    .name = "strided_slice",
    .doc = "x[begin:end:stride, ...] with the masks of TensorFlow",
    .min_inputs = 4,
    .max_inputs = 4,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE,
    .data_inputs = 1,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_strided_slice_attrs),
    .axes = {.kind = QN_AXES_TRACED, .trace = trace_strided_slice, .turn = turn_strided_slice},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_CROPPED,
    .infer = infer_strided_slice,
    .eval = eval_strided_slice,
    .sample = sample_strided_slice,
};
