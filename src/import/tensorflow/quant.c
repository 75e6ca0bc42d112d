/* Conversions of quantised values back to floats, and of quantisation simulated in floats. */
#include "import/tensorflow/families.h"

qn_status *qn_tf_convert_dequantize(qn_site *site) {
    static const char *const modes[] = {"MIN_COMBINED", "MIN_FIRST", "SCALED", NULL};
    static const qn_dequantize_mode ours[] = {QN_DEQUANTIZE_MIN_COMBINED, QN_DEQUANTIZE_MIN_FIRST,
                                              QN_DEQUANTIZE_SCALED};
    qn_dequantize_attrs attrs;
    int64_t mode;
    qn_dtype dtype;
    qn_value *value;
    QN_TRY(qn_site_get_choice(site, "mode", modes, 0, &mode));
    attrs.mode = ours[mode];
    QN_TRY(qn_site_get_bool(site, "narrow_range", 0, &attrs.narrow_range));
    QN_TRY(qn_site_get_int(site, "axis", -1, &attrs.axis));
    QN_TRY(qn_site_get_dtype(site, "dtype", QN_DTYPE_F32, &dtype));
    QN_TRY(qn_site_emit(site, site->op, dtype == QN_DTYPE_F32 ? NULL : "float", &attrs, 3, site->inputs, &value));
    QN_TRY(qn_site_cast_to(site, NULL, dtype, value, &value));
    return qn_site_set_output(site, 0, value);
}

qn_status *qn_tf_convert_fake_quant_args(qn_site *site) {
    qn_fake_quant_attrs attrs;
    float low, high;
    qn_value *range[2];
    QN_TRY(qn_site_get_int(site, "num_bits", 8, &attrs.bits));
    QN_TRY(qn_site_get_bool(site, "narrow_range", 0, &attrs.narrow_range));
    QN_TRY(qn_site_get_float(site, "min", -6.0f, &low));
    QN_TRY(qn_site_get_float(site, "max", 6.0f, &high));
    QN_TRY(qn_site_constant_scalar(site, "min", QN_DTYPE_F32, (double)low, &range[0]));
    QN_TRY(qn_site_constant_scalar(site, "max", QN_DTYPE_F32, (double)high, &range[1]));
    return qn_site_emit_output(site, site->op, &attrs, 3, (qn_value *[]){site->inputs[0], range[0], range[1]});
}
