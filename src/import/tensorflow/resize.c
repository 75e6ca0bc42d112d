/* Conversions of operators on pictures and boxes. */
#include "import/tensorflow/families.h"

/* TensorFlow interpolates in float32 whatever comes in. */
qn_status *qn_tf_convert_resize_bilinear(qn_site *site) {
    qn_resize_attrs attrs;
    qn_value *x;
    QN_TRY(qn_site_get_bool(site, "align_corners", 0, &attrs.align_corners));
    QN_TRY(qn_site_get_bool(site, "half_pixel_centers", 0, &attrs.half_pixel_centers));
    QN_TRY(qn_site_cast_to(site, "float", QN_DTYPE_F32, site->inputs[0], &x));
    return qn_site_emit_output(site, site->op, &attrs, 2, (qn_value *[]){x, site->inputs[1]});
}

qn_status *qn_tf_convert_crop_and_resize(qn_site *site) {
    static const char *const methods[] = {"bilinear", "nearest", NULL};
    qn_crop_and_resize_attrs attrs;
    qn_value *image;
    QN_TRY(qn_site_get_choice(site, "method", methods, 0, &attrs.method));
    QN_TRY(qn_site_get_float(site, "extrapolation_value", 0.0f, &attrs.extrapolation));
    QN_TRY(qn_site_cast_to(site, "float", QN_DTYPE_F32, site->inputs[0], &image));
    return qn_site_emit_output(site, site->op, &attrs, 4,
                               (qn_value *[]){image, site->inputs[1], site->inputs[2], site->inputs[3]});
}

/* Boxes, scores, how many, and thresholds as inputs. */
qn_status *qn_tf_convert_nms_inputs(qn_site *site) {
    return qn_site_emit_output(site, site->op, NULL, site->input_count, site->inputs);
}

/* The first version carries its threshold as an attribute. */
qn_status *qn_tf_convert_nms(qn_site *site) {
    float threshold;
    qn_value *value;
    QN_TRY(qn_site_get_float(site, "iou_threshold", 0.5f, &threshold));
    QN_TRY(qn_site_constant_scalar(site, "iou_threshold", QN_DTYPE_F32, (double)threshold, &value));
    return qn_site_emit_output(site, site->op, NULL, 4,
                               (qn_value *[]){site->inputs[0], site->inputs[1], site->inputs[2], value});
}
