/* Results of a conversion: nodes that know their source, constants, layouts. */
#include "import/common/site.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

const char *qn_site_output_name(const qn_site *site, int index) {
    return index ? qn_arena_printf(site->importer->scratch, "%s:%d", site->node, index) : site->node;
}

/* The node's name; for a part, NODE/part, made longer where a node of the source is called so already. */
static const char *part_name(const qn_site *site, const char *part) {
    const qn_import_names *taken = site->importer->taken;
    if (!part) return site->node;
    const char *name = qn_arena_printf(site->importer->scratch, "%s/%s", site->node, part);
    while (name && taken && qn_import_names_find(taken, name) >= 0)
        name = qn_arena_printf(site->importer->scratch, "%s_", name);
    return name;
}

qn_status *qn_site_set_output(qn_site *site, int index, qn_value *value) {
    qn_site_outputs *outputs = site->outputs;
    while (outputs->count <= (size_t)index) QN_TRY(QN_LIST_PUSH(site->importer->scratch, outputs, NULL));
    /* Where the graph is cut the input stays. */
    if (!outputs->items[index]) outputs->items[index] = value;
    return NULL;
}

/* ---- Nodes ---- */

/* Inference begins its messages with the node's source. While importing the file stands between the format and the
   node, so the format is left out until the node is sound. */
static qn_status *infer_node(qn_site *site, const char *source_node, qn_node *node) {
    const char *format = site->importer->format;
    const char *source =
        qn_arena_printf(site->importer->arena, "%s: node '%s' (%s)", format, source_node, site->source_op);
    if (!source) return qn_status_out_of_memory();
    node->source = source + strlen(format) + strlen(": ");
    qn_status *status = qn_node_infer(site->importer->graph, node);
    node->source = source;
    site->is_named = status != NULL;
    return status;
}

/* `source_node`: what the node's source calls it. */
static qn_status *emit_named(qn_site *site, const qn_op_def *op, const char *name, const char *source_node,
                             const void *attrs, int input_count, qn_value *const *inputs, qn_value **out_value) {
    qn_node *node;
    if (!name) return qn_status_out_of_memory();
    if (input_count < op->min_inputs || (op->max_inputs >= 0 && input_count > op->max_inputs))
        return QN_ERR(QN_INVALID_MODEL, "%d inputs make no %s", input_count, op->name);
    if (attrs) QN_TRY(qn_attrs_verify(op, attrs));
    QN_TRY(qn_graph_add_node(site->importer->graph, op, name, attrs, input_count, inputs, NULL, &node));
    QN_TRY(infer_node(site, source_node, node));
    *out_value = node->output_count ? node->outputs[0] : NULL;
    return NULL;
}

qn_status *qn_site_emit(qn_site *site, const qn_op_def *op, const char *part, const void *attrs, int input_count,
                        qn_value *const *inputs, qn_value **out_value) {
    return emit_named(site, op, part_name(site, part), site->node, attrs, input_count, inputs, out_value);
}

qn_status *qn_site_emit_output_at(qn_site *site, int index, const qn_op_def *op, const void *attrs, int input_count,
                                  qn_value *const *inputs) {
    qn_value *value;
    const char *name = qn_site_output_name(site, index);
    QN_TRY(emit_named(site, op, name, name, attrs, input_count, inputs, &value));
    return qn_site_set_output(site, index, value);
}

qn_status *qn_site_emit_output(qn_site *site, const qn_op_def *op, const void *attrs, int input_count,
                               qn_value *const *inputs) {
    return qn_site_emit_output_at(site, 0, op, attrs, input_count, inputs);
}

/* ---- Constants ---- */

qn_status *qn_site_constant(qn_site *site, const char *part, const qn_view *view, qn_value **out_value) {
    const char *name = part_name(site, part);
    if (!name) return qn_status_out_of_memory();
    return qn_graph_add_constant(site->importer->graph, name, view, out_value);
}

qn_status *qn_site_constant_ints(qn_site *site, const char *part, int64_t count, const int64_t *values,
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
    return qn_site_constant(site, part, &view, out_value);
}

qn_status *qn_site_constant_scalar(qn_site *site, const char *part, qn_dtype dtype, double number,
                                   qn_value **out_value) {
    qn_view view = {.dtype = dtype, .rank = 0};
    view.data = qn_arena_alloc(site->importer->arena, 1, qn_dtype_size(dtype));
    if (!view.data) return qn_status_out_of_memory();
    qn_view_set(&view, 0, number);
    return qn_site_constant(site, part, &view, out_value);
}

/* ---- Moved and converted values ---- */

qn_status *qn_site_cast_to(qn_site *site, const char *part, qn_dtype dtype, qn_value *value, qn_value **out_value) {
    *out_value = value;
    if (value->type.dtype == dtype) return NULL;
    return qn_site_emit(site, &qn_op_cast, part, &(qn_cast_attrs){.dtype = dtype}, 1, &value, out_value);
}

qn_status *qn_site_reshape_to(qn_site *site, const char *part, int rank, const int64_t *dims, qn_value *value,
                              qn_value **out_value) {
    if (qn_value_is_constant(value)) {
        qn_view view = qn_value_view(value);
        view.rank = rank;
        for (int i = 0; i < rank; i++) view.dims[i] = dims[i];
        assert((uint64_t)qn_view_elems(&view) * qn_dtype_size(view.dtype) == value->data_bytes);
        return qn_site_constant(site, part, &view, out_value);
    }
    qn_value *shape;
    const char *shape_part = qn_arena_printf(site->importer->scratch, "%s/shape", part);
    if (!shape_part) return qn_status_out_of_memory();
    QN_TRY(qn_site_constant_ints(site, shape_part, rank, dims, &shape));
    return qn_site_emit(site, &qn_op_reshape, part, NULL, 2, (qn_value *[]){value, shape}, out_value);
}

qn_status *qn_site_transpose(qn_site *site, const char *part, const char *perm_part, int rank, const int64_t *perm,
                             qn_value *value, qn_value **out_value) {
    qn_value *order;
    QN_TRY(qn_site_constant_ints(site, perm_part, rank, perm, &order));
    return qn_site_emit(site, &qn_op_transpose, part, NULL, 2, (qn_value *[]){value, order}, out_value);
}

/* ---- Layout ---- */

static const int64_t nhwc_of_nchw[] = {0, 2, 3, 1}, nchw_of_nhwc[] = {0, 3, 1, 2};

qn_status *qn_site_enter_nhwc(qn_site *site, int index, int64_t nchw, qn_value **out_value) {
    QN_TRY(qn_site_expect_rank(site, index, 4));
    *out_value = site->inputs[index];
    if (!nchw) return NULL;
    return qn_site_transpose(site, "to_nhwc", "to_nhwc/perm", 4, nhwc_of_nchw, *out_value, out_value);
}

qn_status *qn_site_emit_nhwc(qn_site *site, int64_t nchw, const qn_op_def *op, const void *attrs, int input_count,
                             qn_value *const *inputs) {
    if (!nchw) return qn_site_emit_output(site, op, attrs, input_count, inputs);
    qn_value *value;
    QN_TRY(qn_site_emit(site, op, "nhwc", attrs, input_count, inputs, &value));
    QN_TRY(qn_site_transpose(site, NULL, "to_nchw/perm", 4, nchw_of_nhwc, value, &value));
    return qn_site_set_output(site, 0, value);
}
