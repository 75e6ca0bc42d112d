/* Where TensorFlow's operators say NHWC or NCHW: strides, windows and pads. */
#include "import/tensorflow/importer.h"

#include <inttypes.h>

static const char *const layouts[] = {"NHWC", "NCHW", NULL};

qn_status *qn_tf_enter_nhwc(qn_site *site, int index, int64_t *out_nchw, qn_value **out_value) {
    QN_TRY(qn_site_get_choice(site, "data_format", layouts, 0, out_nchw));
    return qn_site_enter_nhwc(site, index, *out_nchw, out_value);
}

qn_status *qn_tf_check_spatial(const char *name, const qn_ints *all, int64_t nchw, qn_ints *out_spatial) {
    if (all->count != 4) return QN_ERR(QN_INVALID_MODEL, "'%s' has %" PRId64 " numbers, 4 expected", name, all->count);
    int channel = nchw ? 1 : 3, height = nchw ? 2 : 1;
    if (all->values[0] != 1 || all->values[channel] != 1)
        return QN_ERR(QN_UNSUPPORTED,
                      "'%s' is %" PRId64 " along the batch and %" PRId64 " along the channels; only 1 is "
                      "supported there",
                      name, all->values[0], all->values[channel]);
    *out_spatial = (qn_ints){.count = 2, .values = {all->values[height], all->values[height + 1]}};
    return NULL;
}

qn_status *qn_tf_get_spatial(qn_site *site, const char *name, int64_t nchw, int required, qn_ints *out_spatial) {
    qn_ints all;
    QN_TRY(qn_site_get_ints(site, name, &all));
    *out_spatial = (qn_ints){.count = 2, .values = {1, 1}};
    if (!all.count && !required) return NULL;
    return qn_tf_check_spatial(name, &all, nchw, out_spatial);
}

qn_status *qn_tf_get_padding(qn_site *site, int64_t nchw, int64_t *out_padding, qn_ints *out_pads) {
    static const char *const paddings[] = {"VALID", "SAME", "EXPLICIT", NULL};
    static const qn_padding ours[] = {QN_PADDING_VALID, QN_PADDING_SAME_UPPER, QN_PADDING_EXPLICIT};
    int64_t choice;
    qn_ints all;
    QN_TRY(qn_site_get_choice(site, "padding", paddings, -1, &choice));
    QN_TRY(qn_site_get_ints(site, "explicit_paddings", &all));
    *out_padding = ours[choice];
    *out_pads = (qn_ints){.count = 4};
    if (ours[choice] != QN_PADDING_EXPLICIT) return NULL;
    if (all.count != 8)
        return QN_ERR(QN_INVALID_MODEL, "'explicit_paddings' has %" PRId64 " numbers, 8 expected", all.count);
    int channel = nchw ? 2 : 6, height = nchw ? 4 : 2;
    if (all.values[0] || all.values[1] || all.values[channel] || all.values[channel + 1])
        return QN_ERR(QN_UNSUPPORTED,
                      "'explicit_paddings' pads the batch or the channels; only height and width can be "
                      "padded");
    const int64_t *pads = &all.values[height]; /* top, bottom, left, right */
    *out_pads = (qn_ints){.count = 4, .values = {pads[0], pads[2], pads[1], pads[3]}};
    return NULL;
}
