/* Conversions of reductions. */
#include "import/tensorflow/families.h"

static qn_status *constant_axes(qn_site *site, qn_value **out_axes) {
    qn_ints axes;
    QN_TRY(qn_site_input_ints(site, 1, &axes));
    QN_TRY(qn_site_input_context(site, 1, qn_axes_normalise(&axes, site->inputs[0]->type.rank, &axes)));
    return qn_site_constant_ints(site, "axes", axes.count, axes.values, out_axes);
}

qn_status *qn_tf_convert_reduce(qn_site *site) {
    qn_reduce_attrs attrs;
    qn_value *axes;
    QN_TRY(qn_site_get_bool(site, "keep_dims", 0, &attrs.keep_dims));
    QN_TRY(constant_axes(site, &axes));
    return qn_site_emit_output(site, site->op, &attrs, 2, (qn_value *[]){site->inputs[0], axes});
}
