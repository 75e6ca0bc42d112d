/* Warnings, inputs and outputs of an import. */
#include "import/common/importer.h"

#include <stdarg.h>
#include <string.h>

void qn_importer_warn(const qn_importer *importer, const char *format, ...) {
    if (!importer->options->warn) return;
    qn_buffer text;
    va_list args;
    qn_buffer_init(&text, importer->arena->allocator);
    qn_buffer_printf(&text, "%s: %s: ", importer->format, importer->file_name);
    va_start(args, format);
    qn_buffer_vprintf(&text, format, args);
    va_end(args);
    importer->options->warn(importer->options->warn_self, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
}

qn_status *qn_importer_warn_attr(qn_importer *importer, const char *node, const char *op, const char *attr) {
    enum { WARNED_MAX = 256 };
    if (importer->warned.count >= WARNED_MAX) return NULL;
    const char *key = qn_arena_printf(importer->scratch, "%s/%s", op, attr);
    if (!key) return qn_status_out_of_memory();
    for (size_t i = 0; i < importer->warned.count; i++)
        if (strcmp(importer->warned.items[i], key) == 0) return NULL;
    QN_TRY(QN_LIST_PUSH(importer->scratch, &importer->warned, key));
    qn_importer_warn(importer, "node '%s' (%s): attribute '%s' is not known; it is ignored, here and on other %s nodes",
                     node, op, attr, op);
    return NULL;
}

qn_status *qn_importer_create_graph(qn_importer *importer) {
    const char *slash = strrchr(importer->file_name, '/');
    importer->graph = qn_graph_create(importer->arena, slash ? slash + 1 : importer->file_name);
    return importer->graph ? NULL : qn_status_out_of_memory();
}

const char *qn_importer_suggest(qn_importer *importer, const char *name, const char *const *candidates, size_t count) {
    enum { CANDIDATES_MAX = 20000 };
    const char *nearest = qn_text_nearest(name, candidates, count < CANDIDATES_MAX ? count : CANDIDATES_MAX);
    const char *text = nearest ? qn_arena_printf(importer->scratch, "; did you mean '%s'?", nearest) : NULL;
    return text ? text : "";
}

/* ---- Inputs of the graph ---- */

static const char *operator_note(const qn_importer *importer, const qn_import_input *input) {
    const char *note = input->op ? qn_arena_printf(importer->scratch, " (%s)", input->op) : "";
    return note ? note : "";
}

static qn_status *override_shape(const qn_importer *importer, const qn_import_input *input,
                                 qn_import_shape *out_shape) {
    const qn_import_shape *declared = &input->declared;
    const qn_import_input_dims *asked = input->asked;
    if (asked->rank < 0 || asked->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d dims are given; at most %d are possible", asked->rank, QN_MAX_RANK);
    if (declared->rank > 0 && declared->rank != asked->rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d dims are given, the graph declares %d", asked->rank, declared->rank);
    out_shape->rank = asked->rank;
    for (int i = 0; i < asked->rank; i++) {
        int64_t dim = out_shape->dims[i] = asked->dims[i];
        if (dim < -1)
            return QN_ERR(QN_INVALID_ARGUMENT, "dim %d is given as %lld; 0 or more expected, or -1 where it is free", i,
                          (long long)dim);
        if (declared->rank > 0 && declared->dims[i] >= 0 && declared->dims[i] != dim)
            qn_importer_warn(importer, "node '%s'%s: dim %d is declared as %lld; %lld is used as asked", input->node,
                             operator_note(importer, input), i, (long long)declared->dims[i], (long long)dim);
    }
    return NULL;
}

static qn_status *settle_shape(const qn_importer *importer, const qn_import_input *input, qn_import_shape *out_shape) {
    *out_shape = input->declared;
    if (input->asked) return override_shape(importer, input, out_shape);
    if (out_shape->rank < 0)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "the graph does not declare the shape of this input; give it: --input "
                      "%s=1,224,224,3 (-1 where a dim is free)",
                      input->node);
    return NULL;
}

static qn_status *settle_type(const qn_importer *importer, const qn_import_input *input, qn_type *out_type) {
    qn_import_shape shape;
    QN_TRY(settle_shape(importer, input, &shape));
    qn_dim_pool *dims = importer->graph->dims;
    *out_type = (qn_type){.dtype = input->dtype, .rank = shape.rank};
    for (int i = 0; i < shape.rank; i++) {
        const char *symbol = qn_arena_printf(importer->scratch, "%s.%d", input->name, i);
        if (!symbol) return qn_status_out_of_memory();
        out_type->dims[i] =
            shape.dims[i] < 0 ? qn_dim_symbol(dims, symbol, 1, QN_DIM_UNBOUNDED) : qn_dim_const(dims, shape.dims[i]);
    }
    return qn_dim_pool_take_status(dims);
}

qn_status *qn_importer_add_input(qn_importer *importer, const qn_import_input *input, qn_value **out_value) {
    qn_type type;
    QN_TRY_CTX(settle_type(importer, input, &type), "input '%s'%s", input->name, operator_note(importer, input));
    QN_TRY(qn_graph_add_input(importer->graph, input->name, &type, out_value));
    for (int i = 0; input->asked && i < type.rank; i++)
        if (input->asked->dims[i] >= 0) (*out_value)->fixed_axes |= 1u << i; /* asked for, not only declared */
    return NULL;
}

/* ---- Outputs of the graph ---- */

qn_status *qn_importer_mark_output(qn_importer *importer, const char *name, qn_value *value) {
    if (strcmp(value->name, name) != 0) {
        qn_node *node;
        QN_TRY(qn_graph_add_node(importer->graph, &qn_op_identity, name, NULL, 1, &value, NULL, &node));
        QN_TRY(qn_node_infer(importer->graph, node));
        value = node->outputs[0];
    }
    return qn_graph_mark_output(importer->graph, value);
}
