/* Inputs and results of one conversion. */
#include "import/tensorflow/importer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- Inputs ---- */

qn_status *qn_tf_input_context(qn_tf_site *site, int index, qn_status *status) {
    site->is_named = status != NULL;
    return qn_status_context(status, "node '%s' (%s), input %d '%s'", site->node->name, site->node->op, index,
                             site->node->inputs[index].text);
}

qn_status *qn_tf_expect_rank(qn_tf_site *site, int index, int rank) {
    int found = site->inputs[index]->type.rank;
    if (found == rank) return NULL;
    return qn_tf_input_context(site, index, QN_ERR(QN_INVALID_MODEL, "%d dims expected, %d found", rank, found));
}

int64_t qn_tf_const_dim(const qn_tf_site *site, const qn_value *value, int axis) {
    int64_t number;
    assert(axis >= 0 && axis < value->type.rank);
    return qn_dim_is_const(site->importer->graph->dims, value->type.dims[axis], &number) ? number : -1;
}

/* Number of elements, or -1 if it is not known. */
static int64_t count_elements(const qn_tf_site *site, const qn_value *value) {
    int64_t count = 1;
    for (int i = 0; i < value->type.rank; i++) {
        int64_t dim = qn_tf_const_dim(site, value, i);
        if (dim < 0 || !qn_checked_mul_i64(count, dim, &count)) return -1;
    }
    return count;
}

/* Element `index` of an integer value as a number; 0 if it is not known. */
static int read_element(const qn_tf_site *site, const qn_value *value, int64_t index, int64_t *out_number) {
    if (qn_value_is_constant(value)) {
        qn_view view = qn_value_view(value);
        *out_number = qn_view_get_int(&view, index);
        return 1;
    }
    return value->contents && qn_dim_is_const(site->importer->graph->dims, value->contents[index], out_number);
}

static qn_status *read_ints(const qn_tf_site *site, const qn_value *value, qn_ints *out_ints) {
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

qn_status *qn_tf_input_ints(qn_tf_site *site, int index, qn_ints *out_ints) {
    *out_ints = (qn_ints){0};
    return qn_tf_input_context(site, index, read_ints(site, site->inputs[index], out_ints));
}

qn_status *qn_tf_normalise_axis(int64_t axis, int rank, int64_t *out_axis) {
    if (axis < -rank || axis >= rank)
        return QN_ERR(QN_INVALID_MODEL, "axis %" PRId64 " is outside %d .. %d", axis, -rank, rank - 1);
    *out_axis = axis < 0 ? axis + rank : axis;
    return NULL;
}

qn_status *qn_tf_input_axis(qn_tf_site *site, int index, int rank, int64_t *out_axis) {
    qn_ints ints;
    QN_TRY(qn_tf_input_ints(site, index, &ints));
    if (ints.count != 1)
        return qn_tf_input_context(
            site, index, QN_ERR(QN_INVALID_MODEL, "one axis expected, %" PRId64 " numbers found", ints.count));
    return qn_tf_input_context(site, index, qn_tf_normalise_axis(ints.values[0], rank, out_axis));
}

/* ---- Results ---- */

const char *qn_tf_output_name(const qn_tf_site *site, int index) {
    return index ? qn_arena_printf(site->importer->scratch, "%s:%d", site->node->name, index) : site->node->name;
}

/* The node's name, or one for a part of it that no node of the source has. */
static const char *part_name(const qn_tf_site *site, const char *part) {
    if (!part) return site->node->name;
    const char *name = qn_arena_printf(site->importer->scratch, "%s/%s", site->node->name, part);
    while (name && qn_tf_source_find(&site->importer->source, name) >= 0)
        name = qn_arena_printf(site->importer->scratch, "%s_", name);
    return name;
}

qn_status *qn_tf_set_output(qn_tf_site *site, int index, qn_value *value) {
    qn_tf_state *state = site->state;
    while (state->outputs.count <= (size_t)index) QN_TRY(QN_LIST_PUSH(site->importer->scratch, &state->outputs, NULL));
    /* Where the graph is cut the input stays. */
    if (!state->outputs.items[index]) state->outputs.items[index] = value;
    return NULL;
}

/* Inference begins its messages with the node's source. While importing the file stands between the format and the
   node, so that part is left out until the node is sound. */
static qn_status *infer_node(qn_tf_site *site, qn_node *node) {
    const char *source =
        qn_arena_printf(site->importer->arena, "tensorflow: node '%s' (%s)", site->node->name, site->node->op);
    if (!source) return qn_status_out_of_memory();
    node->source = source + strlen("tensorflow: ");
    qn_status *status = qn_node_infer(site->importer->graph, node);
    node->source = source;
    site->is_named = status != NULL;
    return status;
}

qn_status *qn_tf_emit(qn_tf_site *site, const qn_op_def *op, const char *part, const void *attrs, int input_count,
                      qn_value *const *inputs, qn_value **out_value) {
    const char *name = part_name(site, part);
    qn_node *node;
    if (!name) return qn_status_out_of_memory();
    if (input_count < op->min_inputs || (op->max_inputs >= 0 && input_count > op->max_inputs))
        return QN_ERR(QN_INVALID_MODEL, "%d inputs make no %s", input_count, op->name);
    if (attrs) QN_TRY(qn_attrs_verify(op, attrs));
    QN_TRY(qn_graph_add_node(site->importer->graph, op, name, attrs, input_count, inputs, NULL, &node));
    QN_TRY(infer_node(site, node));
    *out_value = node->output_count ? node->outputs[0] : NULL;
    return NULL;
}

qn_status *qn_tf_emit_output(qn_tf_site *site, const qn_op_def *op, const void *attrs, int input_count,
                             qn_value *const *inputs) {
    qn_value *value;
    QN_TRY(qn_tf_emit(site, op, NULL, attrs, input_count, inputs, &value));
    return qn_tf_set_output(site, 0, value);
}

qn_status *qn_tf_constant(qn_tf_site *site, const char *part, const qn_view *view, qn_value **out_value) {
    const char *name = part_name(site, part);
    if (!name) return qn_status_out_of_memory();
    return qn_graph_add_constant(site->importer->graph, name, view, out_value);
}

qn_status *qn_tf_constant_ints(qn_tf_site *site, const char *part, int64_t count, const int64_t *values,
                               qn_value **out_value) {
    size_t elems = count < 0 ? 1 : (size_t)count;
    int32_t *data = QN_ARENA_ARRAY(site->importer->arena, int32_t, elems);
    if (!data) return qn_status_out_of_memory();
    for (size_t i = 0; i < elems; i++) {
        if (values[i] < INT32_MIN || values[i] > INT32_MAX)
            return QN_ERR(QN_LIMIT, "%" PRId64 " is too large for a dim or an index", values[i]);
        data[i] = (int32_t)values[i];
    }
    qn_view view = {.dtype = QN_DTYPE_S32, .rank = count < 0 ? 0 : 1, .dims = {count}, .data = data};
    return qn_tf_constant(site, part, &view, out_value);
}

qn_status *qn_tf_constant_scalar(qn_tf_site *site, const char *part, qn_dtype dtype, double number,
                                 qn_value **out_value) {
    qn_view view = {.dtype = dtype, .rank = 0};
    view.data = qn_arena_alloc(site->importer->arena, 1, qn_dtype_size(dtype));
    if (!view.data) return qn_status_out_of_memory();
    qn_view_set(&view, 0, number);
    return qn_tf_constant(site, part, &view, out_value);
}

qn_status *qn_tf_cast_to(qn_tf_site *site, const char *part, qn_dtype dtype, qn_value *value, qn_value **out_value) {
    *out_value = value;
    if (value->type.dtype == dtype) return NULL;
    return qn_tf_emit(site, &qn_op_cast, part, &(qn_cast_attrs){.dtype = dtype}, 1, &value, out_value);
}

qn_status *qn_tf_reshape_to(qn_tf_site *site, const char *part, int rank, const int64_t *dims, qn_value *value,
                            qn_value **out_value) {
    if (qn_value_is_constant(value)) {
        qn_view view = qn_value_view(value);
        view.rank = rank;
        for (int i = 0; i < rank; i++) view.dims[i] = dims[i];
        assert((uint64_t)qn_view_elems(&view) * qn_dtype_size(view.dtype) == value->data_bytes);
        return qn_tf_constant(site, part, &view, out_value);
    }
    qn_value *shape;
    const char *shape_part = qn_arena_printf(site->importer->scratch, "%s/shape", part);
    if (!shape_part) return qn_status_out_of_memory();
    QN_TRY(qn_tf_constant_ints(site, shape_part, rank, dims, &shape));
    return qn_tf_emit(site, &qn_op_reshape, part, NULL, 2, (qn_value *[]){value, shape}, out_value);
}
