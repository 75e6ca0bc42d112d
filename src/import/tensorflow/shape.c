/* Conversions of operators that move, join and part values, or ask for their shapes. */
#include "import/tensorflow/families.h"

#include <inttypes.h>
#include <string.h>

/* ---- Axes ---- */

qn_status *qn_tf_convert_squeeze(qn_site *site) {
    qn_axes_attrs attrs;
    int rank = site->inputs[0]->type.rank;
    QN_TRY(qn_site_get_ints(site, "squeeze_dims", &attrs.axes));
    if (!attrs.axes.count) QN_TRY(qn_site_get_ints(site, "axis", &attrs.axes));
    for (int64_t i = 0; i < attrs.axes.count; i++)
        QN_TRY_CTX(qn_axis_normalise(attrs.axes.values[i], rank, &attrs.axes.values[i]), "attribute 'squeeze_dims'");
    return qn_site_emit_output(site, site->op, &attrs, 1, site->inputs);
}

qn_status *qn_tf_convert_expand_dims(qn_site *site) {
    qn_axes_attrs attrs = {.axes = {.count = 1}};
    QN_TRY(qn_site_input_axis(site, 1, site->inputs[0]->type.rank + 1, &attrs.axes.values[0]));
    return qn_site_emit_output(site, site->op, &attrs, 1, site->inputs);
}

/* ---- Joining ---- */

/* Concat names the axis first, ConcatV2 last. */
qn_status *qn_tf_convert_concat(qn_site *site) {
    qn_axis_attrs attrs;
    int first = strcmp(site->source_op, "Concat") == 0, count = site->input_count - 1;
    QN_TRY(qn_site_input_axis(site, first ? 0 : count, site->inputs[first]->type.rank, &attrs.axis));
    if (count == 1) return qn_site_set_output(site, 0, site->inputs[first]);
    return qn_site_emit_output(site, site->op, &attrs, count, site->inputs + first);
}

qn_status *qn_tf_convert_pack(qn_site *site) {
    qn_axis_attrs attrs;
    QN_TRY(qn_site_get_axis(site, "axis", 0, site->inputs[0]->type.rank + 1, &attrs.axis));
    return qn_site_emit_output(site, site->op, &attrs, site->input_count, site->inputs);
}

/* ---- Parting ---- */

static qn_status *check_part_count(const char *name, int64_t count) {
    if (count >= 1 && count <= QN_IMPORT_OUTPUTS_MAX) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is %" PRId64 "; 1 to %d expected", name, count,
                  QN_IMPORT_OUTPUTS_MAX);
}

qn_status *qn_tf_convert_split(qn_site *site) {
    int64_t axis, count;
    QN_TRY(qn_site_get_int(site, "num_split", 0, &count));
    QN_TRY(check_part_count("num_split", count));
    QN_TRY(qn_site_input_axis(site, 0, site->inputs[1]->type.rank, &axis));
    return qn_site_emit_split(site, site->inputs[1], axis, count);
}

/* The sizes of the parts along the axis, in input 1. One may be -1: the dim less the other sizes. */
static qn_status *read_sizes(qn_site *site, int64_t axis, qn_ints *out_sizes) {
    int64_t whole = qn_site_const_dim(site, site->inputs[0], (int)axis), sum = 0;
    int open = -1;
    QN_TRY(qn_site_input_ints(site, 1, out_sizes));
    for (int64_t i = 0; i < out_sizes->count; i++) {
        int64_t size = out_sizes->values[i];
        if (size < -1 || size > INT32_MAX || (size == -1 && open >= 0))
            return qn_site_input_context(site, 1,
                                         QN_ERR(QN_INVALID_MODEL, "size %" PRId64 " of part %" PRId64, size, i));
        if (size == -1)
            open = (int)i;
        else
            sum += size;
    }
    if (open >= 0 && whole >= 0)
        out_sizes->values[open] = whole - sum;
    else if (open >= 0 && open < out_sizes->count - 1)
        return qn_site_input_context(site, 1,
                                     QN_ERR(QN_UNSUPPORTED, "an open size (-1) before others, along a free dim"));
    if (whole >= 0 && (whole > INT32_MAX || whole < sum || (open < 0 && whole != sum)))
        return qn_site_input_context(
            site, 1, QN_ERR(QN_INVALID_MODEL, "the sizes sum to %" PRId64 ", the dim is %" PRId64, sum, whole));
    return NULL;
}

qn_status *qn_tf_convert_split_v(qn_site *site) {
    int64_t axis;
    qn_ints sizes;
    QN_TRY(qn_site_input_axis(site, 2, site->inputs[0]->type.rank, &axis));
    QN_TRY(read_sizes(site, axis, &sizes));
    return qn_site_emit_split_sizes(site, site->inputs[0], axis, &sizes);
}

qn_status *qn_tf_convert_unpack(qn_site *site) {
    int64_t axis, count;
    QN_TRY(qn_site_get_int(site, "num", 0, &count));
    QN_TRY(check_part_count("num", count));
    QN_TRY(qn_site_get_axis(site, "axis", 0, site->inputs[0]->type.rank, &axis));
    int64_t whole = qn_site_const_dim(site, site->inputs[0], (int)axis);
    if (whole >= 0 && whole != count)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'num' is %" PRId64 ", dim %" PRId64 " of the input is %" PRId64,
                      count, axis, whole);
    return qn_site_emit_unstack(site, site->inputs[0], axis, count);
}

qn_status *qn_tf_convert_reverse(qn_site *site) {
    qn_ints axes;
    QN_TRY(qn_site_input_ints(site, 1, &axes));
    for (int64_t i = 0; i < axes.count; i++)
        QN_TRY(qn_site_input_context(site, 1,
                                     qn_axis_normalise(axes.values[i], site->inputs[0]->type.rank, &axes.values[i])));
    return qn_site_emit_reverse(site, &axes);
}

/* ---- Moving ---- */

qn_status *qn_tf_convert_gather(qn_site *site) {
    return qn_site_emit_output(site, site->op, &(qn_axis_attrs){.axis = 0}, 2, site->inputs);
}

qn_status *qn_tf_convert_gather_v2(qn_site *site) {
    qn_axis_attrs attrs;
    int64_t batch_dims;
    QN_TRY(qn_site_get_int(site, "batch_dims", 0, &batch_dims));
    if (batch_dims != 0)
        return QN_ERR(QN_UNSUPPORTED, "attribute 'batch_dims' is %" PRId64 "; only 0 is supported", batch_dims);
    QN_TRY(qn_site_input_axis(site, 2, site->inputs[0]->type.rank, &attrs.axis));
    return qn_site_emit_output(site, site->op, &attrs, 2, site->inputs);
}

qn_status *qn_tf_convert_mirror_pad(qn_site *site) {
    static const char *const modes[] = {"REFLECT", "SYMMETRIC", NULL};
    int64_t mode;
    QN_TRY(qn_site_get_choice(site, "mode", modes, 0, &mode));
    qn_pad_attrs attrs = {.mode = mode == 0 ? QN_PAD_REFLECT : QN_PAD_SYMMETRIC};
    return qn_site_emit_output(site, site->op, &attrs, 2, site->inputs);
}

/* SpaceToBatch and BatchToSpace are the ND operators with one block size for height and width. */
qn_status *qn_tf_convert_space_batch_2d(qn_site *site) {
    int64_t size;
    qn_value *block;
    QN_TRY(qn_site_get_int(site, "block_size", 0, &size));
    if (size < 1 || size > INT32_MAX)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'block_size' is %" PRId64 "; 1 or more expected", size);
    QN_TRY(qn_site_constant_ints(site, "block", 2, (int64_t[]){size, size}, &block));
    return qn_site_emit_output(site, site->op, NULL, 3, (qn_value *[]){site->inputs[0], block, site->inputs[1]});
}

/* ---- Shapes ---- */

/* Shape, ShapeN, Size, Rank: one answer for each input. */
qn_status *qn_tf_convert_shape(qn_site *site) {
    qn_dtype dtype;
    QN_TRY(qn_site_get_dtype(site, "out_type", QN_DTYPE_S32, &dtype));
    const qn_dtype_attrs attrs = {.dtype = dtype};
    for (int i = 0; i < site->input_count; i++)
        QN_TRY(qn_site_emit_output_at(site, i, site->op, &attrs, 1, &site->inputs[i]));
    return NULL;
}
