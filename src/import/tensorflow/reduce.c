/* Conversions of reductions. */
#include "import/tensorflow/families.h"

#include <inttypes.h>

/* Known axes become positive ones; an axis given twice would count twice nowhere. */
static qn_status *normalise_axes(qn_tf_site *site, qn_value **out_axes) {
    qn_ints axes;
    int64_t unique[QN_MAX_RANK], count = 0;
    unsigned seen = 0;
    QN_TRY(qn_tf_input_ints(site, 1, &axes));
    for (int64_t i = 0; i < axes.count; i++) {
        int64_t axis;
        QN_TRY(qn_tf_input_context(site, 1, qn_tf_normalise_axis(axes.values[i], site->inputs[0]->type.rank, &axis)));
        if (seen & 1u << axis)
            return qn_tf_input_context(site, 1, QN_ERR(QN_INVALID_MODEL, "axis %" PRId64 " is given twice", axis));
        seen |= 1u << axis;
        unique[count++] = axis;
    }
    return qn_tf_constant_ints(site, "axes", count, unique, out_axes);
}

qn_status *qn_tf_convert_reduce(qn_tf_site *site) {
    qn_reduce_attrs attrs;
    qn_value *axes;
    QN_TRY(qn_tf_get_bool(site, "keep_dims", 0, &attrs.keep_dims));
    QN_TRY(normalise_axes(site, &axes));
    return qn_tf_emit_output(site, site->op, &attrs, 2, (qn_value *[]){site->inputs[0], axes});
}

qn_status *qn_tf_convert_arg(qn_tf_site *site) {
    qn_argreduce_attrs attrs;
    qn_dtype dtype;
    QN_TRY(qn_tf_get_dtype(site, "output_type", QN_DTYPE_S64, &dtype));
    QN_TRY(qn_tf_input_axis(site, 1, site->inputs[0]->type.rank, &attrs.axis));
    attrs.dtype = dtype;
    return qn_tf_emit_output(site, site->op, &attrs, 1, site->inputs);
}
