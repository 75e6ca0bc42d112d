/* Attributes of a source's node, checked the same way for every format. */
#include "import/common/site.h"

#include <assert.h>
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

/* ---- By the schema of our operator ---- */

static qn_status *read_attr(qn_site *site, const qn_import_attr *attr, void *out_field) {
    static const qn_site_attr_kind kinds[] = {[QN_ATTR_INT] = QN_SITE_INT,
                                              [QN_ATTR_FLOAT] = QN_SITE_FLOAT,
                                              [QN_ATTR_BOOL] = QN_SITE_BOOL,
                                              [QN_ATTR_DTYPE] = QN_SITE_DTYPE,
                                              [QN_ATTR_INTS] = QN_SITE_INTS};
    const qn_attr_def *ours = attr->ours;
    const int rank = site->inputs[0]->type.rank;
    qn_site_attr value;
    int found;
    if (attr->input >= 0) return qn_site_input_axis(site, attr->input, rank, out_field);
    QN_TRY(site->read_attr(site, attr->source, kinds[ours->kind], &value, &found));
    if (!found && ours->fallback) return NULL;
    if (!found) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is missing", attr->source);
    switch (ours->kind) {
    case QN_ATTR_FLOAT: *(float *)out_field = value.real; break;
    case QN_ATTR_DTYPE: *(int64_t *)out_field = value.dtype; break;
    case QN_ATTR_INTS: *(qn_ints *)out_field = value.ints; break;
    default: *(int64_t *)out_field = value.number;
    }
    if (attr->is_axis) QN_TRY_CTX(qn_axis_normalise(value.number, rank, out_field), "attribute '%s'", attr->source);
    return NULL;
}

qn_status *qn_site_read_attrs(qn_site *site, void *attrs) {
    const char *entries = site->row->attrs ? site->row->attrs : "";
    qn_import_attr attr;
    qn_attrs_init(site->op, attrs);
    while (qn_import_attr_next(site->op, &entries, &attr))
        QN_TRY(read_attr(site, &attr, (char *)attrs + attr.ours->offset));
    assert(!*entries); /* qn_import_table_is_sound */
    return NULL;
}
