/* Conversions of operators that move, join and part values, or ask for their shapes. */
#include "import/tensorflow/families.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Axes ---- */

/* Attribute `name` as an axis of `rank` dims. */
static qn_status *attr_axis(qn_tf_site *site, const char *name, int rank, int64_t *out_axis) {
    int64_t axis;
    QN_TRY(qn_tf_get_int(site, name, 0, &axis));
    QN_TRY_CTX(qn_tf_normalise_axis(axis, rank, out_axis), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_convert_squeeze(qn_tf_site *site) {
    qn_axes_attrs attrs;
    int rank = site->inputs[0]->type.rank;
    QN_TRY(qn_tf_get_ints(site, "squeeze_dims", &attrs.axes));
    if (!attrs.axes.count) QN_TRY(qn_tf_get_ints(site, "axis", &attrs.axes));
    for (int64_t i = 0; i < attrs.axes.count; i++)
        QN_TRY_CTX(qn_tf_normalise_axis(attrs.axes.values[i], rank, &attrs.axes.values[i]), "attribute 'squeeze_dims'");
    return qn_tf_emit_output(site, site->op, &attrs, 1, site->inputs);
}

qn_status *qn_tf_convert_expand_dims(qn_tf_site *site) {
    qn_axes_attrs attrs = {.axes = {.count = 1}};
    QN_TRY(qn_tf_input_axis(site, 1, site->inputs[0]->type.rank + 1, &attrs.axes.values[0]));
    return qn_tf_emit_output(site, site->op, &attrs, 1, site->inputs);
}

/* ---- Joining ---- */

/* Concat names the axis first, ConcatV2 last. */
qn_status *qn_tf_convert_concat(qn_tf_site *site) {
    qn_axis_attrs attrs;
    int first = strcmp(site->node->op, "Concat") == 0, count = site->input_count - 1;
    QN_TRY(qn_tf_input_axis(site, first ? 0 : count, site->inputs[first]->type.rank, &attrs.axis));
    if (count == 1) return qn_tf_set_output(site, 0, site->inputs[first]);
    return qn_tf_emit_output(site, site->op, &attrs, count, site->inputs + first);
}

qn_status *qn_tf_convert_pack(qn_tf_site *site) {
    qn_axis_attrs attrs;
    QN_TRY(attr_axis(site, "axis", site->inputs[0]->type.rank + 1, &attrs.axis));
    return qn_tf_emit_output(site, site->op, &attrs, site->input_count, site->inputs);
}

/* ---- Parting ---- */

/* One part becomes output `index`; its node is called "NAME" or "NAME:1". */
static qn_status *emit_part(qn_tf_site *site, const qn_op_def *op, int index, const void *attrs, int input_count,
                            qn_value *const *inputs) {
    qn_tf_site part = *site;
    qn_tf_node renamed = *site->node;
    qn_value *value;
    renamed.name = qn_tf_output_name(site, index);
    if (!renamed.name) return qn_status_out_of_memory();
    part.node = &renamed;
    qn_status *status = qn_tf_emit(&part, op, NULL, attrs, input_count, inputs, &value);
    site->is_named = part.is_named;
    return status ? status : qn_tf_set_output(site, index, value);
}

static qn_status *check_part_count(const char *name, int64_t count) {
    if (count >= 1 && count <= QN_IMPORT_OUTPUTS_MAX) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is %" PRId64 "; 1 to %d expected", name, count,
                  QN_IMPORT_OUTPUTS_MAX);
}

qn_status *qn_tf_convert_split(qn_tf_site *site) {
    qn_split_attrs attrs;
    QN_TRY(qn_tf_get_int(site, "num_split", 0, &attrs.count));
    QN_TRY(check_part_count("num_split", attrs.count));
    QN_TRY(qn_tf_input_axis(site, 0, site->inputs[1]->type.rank, &attrs.axis));
    for (attrs.index = 0; attrs.index < attrs.count; attrs.index++)
        QN_TRY(emit_part(site, site->op, (int)attrs.index, &attrs, 1, &site->inputs[1]));
    return NULL;
}

/* The sizes along the axis; one may be -1, "what is left". */
static qn_status *read_sizes(qn_tf_site *site, int64_t axis, qn_ints *out_sizes) {
    int64_t whole = qn_tf_const_dim(site, site->inputs[0], (int)axis), sum = 0;
    int open = -1;
    QN_TRY(qn_tf_input_ints(site, 1, out_sizes));
    for (int64_t i = 0; i < out_sizes->count; i++) {
        int64_t size = out_sizes->values[i];
        if (size < -1 || size > INT32_MAX || (size == -1 && open >= 0))
            return qn_tf_input_context(site, 1, QN_ERR(QN_INVALID_MODEL, "size %" PRId64 " of part %" PRId64, size, i));
        if (size == -1)
            open = (int)i;
        else
            sum += size;
    }
    if (open >= 0 && whole >= 0)
        out_sizes->values[open] = whole - sum;
    else if (open >= 0 && open < out_sizes->count - 1)
        return qn_tf_input_context(site, 1,
                                   QN_ERR(QN_UNSUPPORTED, "an open size (-1) before others, along a free dim"));
    if (whole >= 0 && (whole > INT32_MAX || whole < sum || (open < 0 && whole != sum)))
        return qn_tf_input_context(
            site, 1, QN_ERR(QN_INVALID_MODEL, "the sizes sum to %" PRId64 ", the dim is %" PRId64, sum, whole));
    return NULL;
}

qn_status *qn_tf_convert_split_v(qn_tf_site *site) {
    int64_t axis, starts[QN_MAX_RANK] = {0}, sizes[QN_MAX_RANK];
    int rank = site->inputs[0]->type.rank;
    qn_ints parts;
    QN_TRY(qn_tf_input_axis(site, 2, rank, &axis));
    QN_TRY(read_sizes(site, axis, &parts));
    for (int i = 0; i < rank; i++) sizes[i] = -1; /* slice reads it as: to the end */
    for (int64_t i = 0; i < parts.count; i++) {
        char begin_name[32], size_name[32];
        qn_value *begin, *size;
        snprintf(begin_name, sizeof begin_name, "begin_%d", (int)i);
        snprintf(size_name, sizeof size_name, "size_%d", (int)i);
        sizes[axis] = parts.values[i];
        QN_TRY(qn_tf_constant_ints(site, begin_name, rank, starts, &begin));
        QN_TRY(qn_tf_constant_ints(site, size_name, rank, sizes, &size));
        QN_TRY(emit_part(site, site->op, (int)i, NULL, 3, (qn_value *[]){site->inputs[0], begin, size}));
        starts[axis] += parts.values[i];
    }
    return NULL;
}

/* A part of width 1, without its axis. */
static qn_status *emit_unpacked(qn_tf_site *site, const qn_split_attrs *split) {
    char part[32];
    qn_value *value;
    const qn_axes_attrs squeeze = {.axes = {.count = 1, .values = {split->axis}}};
    snprintf(part, sizeof part, "part_%d", (int)split->index);
    QN_TRY(qn_tf_emit(site, &qn_op_split, part, split, 1, site->inputs, &value));
    return emit_part(site, &qn_op_squeeze, (int)split->index, &squeeze, 1, &value);
}

qn_status *qn_tf_convert_unpack(qn_tf_site *site) {
    qn_split_attrs attrs;
    QN_TRY(qn_tf_get_int(site, "num", 0, &attrs.count));
    QN_TRY(check_part_count("num", attrs.count));
    QN_TRY(attr_axis(site, "axis", site->inputs[0]->type.rank, &attrs.axis));
    int64_t whole = qn_tf_const_dim(site, site->inputs[0], (int)attrs.axis);
    if (whole >= 0 && whole != attrs.count)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'num' is %" PRId64 ", dim %" PRId64 " of the input is %" PRId64,
                      attrs.count, attrs.axis, whole);
    for (attrs.index = 0; attrs.index < attrs.count; attrs.index++) QN_TRY(emit_unpacked(site, &attrs));
    return NULL;
}

qn_status *qn_tf_convert_strided_slice(qn_tf_site *site) {
    qn_strided_slice_attrs attrs;
    QN_TRY(qn_tf_get_int(site, "begin_mask", 0, &attrs.begin_mask));
    QN_TRY(qn_tf_get_int(site, "end_mask", 0, &attrs.end_mask));
    QN_TRY(qn_tf_get_int(site, "ellipsis_mask", 0, &attrs.ellipsis_mask));
    QN_TRY(qn_tf_get_int(site, "new_axis_mask", 0, &attrs.new_axis_mask));
    QN_TRY(qn_tf_get_int(site, "shrink_axis_mask", 0, &attrs.shrink_axis_mask));
    return qn_tf_emit_output(site, site->op, &attrs, 4, site->inputs);
}

/* Whole axes with stride -1. */
qn_status *qn_tf_convert_reverse(qn_tf_site *site) {
    qn_ints axes;
    int64_t strides[QN_MAX_RANK], zeros[QN_MAX_RANK] = {0};
    int rank = site->inputs[0]->type.rank;
    qn_value *zero, *stride;
    qn_strided_slice_attrs attrs = {.begin_mask = (1 << rank) - 1, .end_mask = (1 << rank) - 1};
    QN_TRY(qn_tf_input_ints(site, 1, &axes));
    for (int i = 0; i < rank; i++) strides[i] = 1;
    for (int64_t i = 0; i < axes.count; i++) {
        int64_t axis;
        QN_TRY(qn_tf_input_context(site, 1, qn_tf_normalise_axis(axes.values[i], rank, &axis)));
        strides[axis] = -1;
    }
    QN_TRY(qn_tf_constant_ints(site, "bounds", rank, zeros, &zero));
    QN_TRY(qn_tf_constant_ints(site, "strides", rank, strides, &stride));
    return qn_tf_emit_output(site, site->op, &attrs, 4, (qn_value *[]){site->inputs[0], zero, zero, stride});
}

/* ---- Moving ---- */

qn_status *qn_tf_convert_gather(qn_tf_site *site) {
    return qn_tf_emit_output(site, site->op, &(qn_axis_attrs){.axis = 0}, 2, site->inputs);
}

qn_status *qn_tf_convert_gather_v2(qn_tf_site *site) {
    qn_axis_attrs attrs;
    int64_t batch_dims;
    QN_TRY(qn_tf_get_int(site, "batch_dims", 0, &batch_dims));
    if (batch_dims != 0)
        return QN_ERR(QN_UNSUPPORTED, "attribute 'batch_dims' is %" PRId64 "; only 0 is supported", batch_dims);
    QN_TRY(qn_tf_input_axis(site, 2, site->inputs[0]->type.rank, &attrs.axis));
    return qn_tf_emit_output(site, site->op, &attrs, 2, site->inputs);
}

qn_status *qn_tf_convert_mirror_pad(qn_tf_site *site) {
    static const char *const modes[] = {"REFLECT", "SYMMETRIC", NULL};
    int64_t mode;
    QN_TRY(qn_tf_get_choice(site, "mode", modes, 0, &mode));
    qn_pad_attrs attrs = {.mode = mode == 0 ? QN_PAD_REFLECT : QN_PAD_SYMMETRIC};
    return qn_tf_emit_output(site, site->op, &attrs, 2, site->inputs);
}

/* SpaceToBatch and BatchToSpace are the ND operators with one block size for height and width. */
qn_status *qn_tf_convert_space_batch_2d(qn_tf_site *site) {
    int64_t size;
    qn_value *block;
    QN_TRY(qn_tf_get_int(site, "block_size", 0, &size));
    if (size < 1 || size > INT32_MAX)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'block_size' is %" PRId64 "; 1 or more expected", size);
    QN_TRY(qn_tf_constant_ints(site, "block", 2, (int64_t[]){size, size}, &block));
    return qn_tf_emit_output(site, site->op, NULL, 3, (qn_value *[]){site->inputs[0], block, site->inputs[1]});
}

/* ---- Shapes ---- */

/* Shape, ShapeN, Size, Rank: one answer for each input. */
qn_status *qn_tf_convert_shape(qn_tf_site *site) {
    qn_dtype dtype;
    QN_TRY(qn_tf_get_dtype(site, "out_type", QN_DTYPE_S32, &dtype));
    const qn_dtype_attrs attrs = {.dtype = dtype};
    for (int i = 0; i < site->input_count; i++) QN_TRY(emit_part(site, site->op, i, &attrs, 1, &site->inputs[i]));
    return NULL;
}
