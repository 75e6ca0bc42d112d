/* Inputs of a source's node, and axes. */
#include "import/common/site.h"

#include "base/checked.h"

#include <assert.h>
#include <inttypes.h>

/* ---- The node ---- */

qn_status *qn_site_context(const qn_site *site, qn_status *status) {
    if (!status || site->is_named) return status;
    return qn_status_context(status, "node '%s' (%s)", site->node, site->source_op);
}

qn_status *qn_site_input_context(qn_site *site, int index, qn_status *status) {
    if (!status) return NULL;
    site->is_named = 1;
    return qn_status_context(status, "node '%s' (%s), input %d '%s'", site->node, site->source_op, index,
                             site->input_names[index]);
}

qn_status *qn_site_check_input_count(const qn_site *site, size_t count) {
    const qn_import_row *row = site->row;
    const size_t fewest = (size_t)row->min_inputs;
    if (count >= fewest && (row->max_inputs < 0 || count <= (size_t)row->max_inputs)) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "has %zu inputs, %s%d expected", count,
                  row->min_inputs == row->max_inputs ? ""
                  : count < fewest                   ? "at least "
                                                     : "at most ",
                  count < fewest ? row->min_inputs : row->max_inputs);
}

/* Some formats may leave inputs out. */
static qn_status *expect_input(qn_site *site, int index) {
    if (index < site->input_count && site->inputs[index]) return NULL;
    if (index < site->input_count)
        return qn_site_input_context(site, index, QN_ERR(QN_INVALID_MODEL, "is left out; this operator needs it"));
    return QN_ERR(QN_INVALID_MODEL, "input %d is left out; this operator needs it", index);
}

qn_status *qn_site_convert(qn_site *site) {
    site->op = site->row->op;
    for (int i = 0; i < site->row->min_inputs; i++) QN_TRY(expect_input(site, i));
    return site->row->convert(site);
}

/* ---- Inputs ---- */

qn_status *qn_site_expect_rank(qn_site *site, int index, int rank) {
    QN_TRY(expect_input(site, index));
    int found = site->inputs[index]->type.rank;
    if (found == rank) return NULL;
    return qn_site_input_context(site, index, QN_ERR(QN_INVALID_MODEL, "%d dims expected, %d found", rank, found));
}

int64_t qn_site_const_dim(const qn_site *site, const qn_value *value, int axis) {
    int64_t number;
    assert(axis >= 0 && axis < value->type.rank);
    return qn_dim_is_const(site->importer->graph->dims, value->type.dims[axis], &number) ? number : -1;
}

/* Number of elements, or -1 if it is not known. */
static int64_t count_elements(const qn_site *site, const qn_value *value) {
    int64_t count = 1;
    for (int i = 0; i < value->type.rank; i++) {
        int64_t dim = qn_site_const_dim(site, value, i);
        if (dim < 0 || !qn_checked_mul_i64(count, dim, &count)) return -1;
    }
    return count;
}

/* Element `index` of an integer value as a number; 0 if it is not known. */
static int read_element(const qn_site *site, const qn_value *value, int64_t index, int64_t *out_number) {
    if (qn_value_is_constant(value)) {
        qn_view view = qn_value_view(value);
        *out_number = qn_view_get_int(&view, index);
        return 1;
    }
    return value->contents && qn_dim_is_const(site->importer->graph->dims, value->contents[index], out_number);
}

static qn_status *read_ints(const qn_site *site, const qn_value *value, qn_ints *out_ints) {
    int64_t count = count_elements(site, value);
    if (!qn_dtype_is_integer(value->type.dtype))
        return QN_ERR(QN_INVALID_MODEL, "integers expected, %s found", qn_dtype_name(value->type.dtype));
    if (count > QN_ATTR_INTS_MAX)
        return QN_ERR(QN_LIMIT, "%" PRId64 " numbers; at most %d are possible here", count, QN_ATTR_INTS_MAX);
    out_ints->count = count;
    for (int64_t i = 0; i < count; i++)
        if (!read_element(site, value, i, &out_ints->values[i])) count = -1;
    if (count < 0)
        return QN_ERR(QN_UNSUPPORTED, "its value must be a constant; here it is computed while the network runs");
    return NULL;
}

qn_status *qn_site_input_ints(qn_site *site, int index, qn_ints *out_ints) {
    *out_ints = (qn_ints){0};
    QN_TRY(expect_input(site, index));
    return qn_site_input_context(site, index, read_ints(site, site->inputs[index], out_ints));
}

qn_status *qn_site_input_axis(qn_site *site, int index, int rank, int64_t *out_axis) {
    qn_ints ints;
    QN_TRY(qn_site_input_ints(site, index, &ints));
    if (ints.count != 1)
        return qn_site_input_context(
            site, index, QN_ERR(QN_INVALID_MODEL, "one axis expected, %" PRId64 " numbers found", ints.count));
    return qn_site_input_context(site, index, qn_axis_normalise(ints.values[0], rank, out_axis));
}

/* ---- Axes ---- */

qn_status *qn_axis_normalise(int64_t axis, int rank, int64_t *out_axis) {
    if (axis < -rank || axis >= rank)
        return QN_ERR(QN_INVALID_MODEL, "axis %" PRId64 " is outside %d .. %d", axis, -rank, rank - 1);
    *out_axis = axis < 0 ? axis + rank : axis;
    return NULL;
}

qn_status *qn_axes_normalise(const qn_ints *axes, int rank, qn_ints *out_axes) {
    unsigned seen = 0;
    qn_ints result = {.count = axes->count};
    for (int64_t i = 0; i < axes->count; i++) {
        int64_t *axis = &result.values[i];
        QN_TRY(qn_axis_normalise(axes->values[i], rank, axis));
        if (seen & 1u << *axis) return QN_ERR(QN_INVALID_MODEL, "axis %" PRId64 " is given twice", *axis);
        seen |= 1u << *axis;
    }
    *out_axes = result;
    return NULL;
}
