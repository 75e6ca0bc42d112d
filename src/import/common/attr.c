/* Attributes of a source's node, checked the same way for every format. */
#include "import/common/site.h"

#include <stdio.h>
#include <string.h>

qn_status *qn_site_get_int(qn_site *site, const char *name, int64_t fallback, int64_t *out_value) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_INT, &value, &found));
    *out_value = found ? value.number : fallback;
    return NULL;
}

qn_status *qn_site_get_float(qn_site *site, const char *name, float fallback, float *out_value) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_FLOAT, &value, &found));
    *out_value = found ? value.real : fallback;
    return NULL;
}

qn_status *qn_site_get_bool(qn_site *site, const char *name, int fallback, int64_t *out_value) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_BOOL, &value, &found));
    *out_value = found ? value.number : fallback;
    return NULL;
}

qn_status *qn_site_get_dtype(qn_site *site, const char *name, qn_dtype fallback, qn_dtype *out_dtype) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_DTYPE, &value, &found));
    *out_dtype = found ? value.dtype : fallback;
    return NULL;
}

qn_status *qn_site_get_text(qn_site *site, const char *name, const char *fallback, const char **out_text) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_TEXT, &value, &found));
    *out_text = found ? value.text : fallback;
    return NULL;
}

qn_status *qn_site_get_choice(qn_site *site, const char *name, const char *const *choices, int fallback,
                              int64_t *out_index) {
    const char *text;
    char allowed[256];
    size_t used = 0;
    QN_TRY(qn_site_get_text(site, name, fallback < 0 ? NULL : choices[fallback], &text));
    if (!text) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is missing", name);
    for (int i = 0; choices[i]; i++) {
        *out_index = i;
        if (strcmp(text, choices[i]) == 0) return NULL;
        int length = snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", choices[i]);
        if (length > 0 && (size_t)length < sizeof allowed - used) used += (size_t)length;
    }
    return QN_ERR(QN_UNSUPPORTED, "attribute '%s' is '%s'; %s expected", name, text, allowed);
}

qn_status *qn_site_get_axis(qn_site *site, const char *name, int64_t fallback, int rank, int64_t *out_axis) {
    int64_t axis;
    QN_TRY(qn_site_get_int(site, name, fallback, &axis));
    QN_TRY_CTX(qn_axis_normalise(axis, rank, out_axis), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_site_get_ints(qn_site *site, const char *name, qn_ints *out_ints) {
    qn_site_attr value;
    int found;
    *out_ints = (qn_ints){0};
    QN_TRY(site->read_attr(site, name, QN_SITE_INTS, &value, &found));
    if (found) *out_ints = value.ints;
    return NULL;
}

qn_status *qn_site_get_shape(qn_site *site, const char *name, qn_import_shape *out_shape) {
    qn_site_attr value;
    int found;
    *out_shape = (qn_import_shape){.rank = -1};
    QN_TRY(site->read_attr(site, name, QN_SITE_SHAPE, &value, &found));
    if (found) *out_shape = value.shape;
    return NULL;
}

qn_status *qn_site_get_tensor(qn_site *site, const char *name, qn_view *out_view) {
    qn_site_attr value;
    int found;
    QN_TRY(site->read_attr(site, name, QN_SITE_TENSOR, &value, &found));
    if (!found) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is missing", name);
    *out_view = value.tensor;
    return NULL;
}
