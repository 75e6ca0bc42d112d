#include "quench/nodes.h"

#include "base/entry.h"
#include "driver/network/network.h"
#include "pass/precision.h"

#include <string.h>

static const qn_op_def *find_op(const char *name, qn_status **out_status) {
    const qn_op_def *op = qn_op_find(name);
    *out_status = NULL;
    if (op) return op;
    const char *names[256], *nearest;
    size_t count = 0;
    for (; count < qn_op_count() && count < 256; count++) names[count] = qn_op_at(count)->name;
    nearest = qn_text_nearest(name, names, count);
    *out_status = QN_ERR(QN_NOT_FOUND, "there is no operator '%s'%s%s", name, nearest ? "; nearest: " : "",
                         nearest ? nearest : "");
    return NULL;
}

/* ---- Building ---- */

qn_status *qn_network_create(const char *name, const qn_allocator *allocator, qn_network **out_network) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_network);
    *out_network = NULL;
    QN_REQUIRE_ARG(name);
    qn_network *network;
    QN_TRY(qn_network_new(allocator, &network));
    network->format = "nodes";
    network->graph = qn_graph_create(&network->arena, name);
    if (!network->graph) {
        qn_network_destroy(network);
        return qn_status_out_of_memory();
    }
    *out_network = network;
    return NULL;
}

/* The type of an input; -1 becomes a symbol named after it. */
static qn_status *make_type(qn_graph *graph, const char *name, qn_dtype dtype, int rank, const int64_t *dims,
                            qn_type *out_type) {
    if (!qn_dtype_size(dtype))
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': %s is no element type for an input", name,
                      qn_dtype_name(dtype));
    if (rank < 0 || rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': rank %d, expected 0 to %d", name, rank, QN_MAX_RANK);
    *out_type = (qn_type){.dtype = dtype, .rank = rank};
    for (int axis = 0; axis < rank; axis++) {
        if (dims[axis] < -1)
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': dim %d is %lld, expected -1 (free) or a size", name, axis,
                          (long long)dims[axis]);
        const char *symbol = dims[axis] < 0 ? qn_arena_printf(graph->arena, "%s.%d", name, axis) : "";
        if (!symbol) return qn_status_out_of_memory();
        out_type->dims[axis] = dims[axis] < 0 ? qn_dim_symbol(graph->dims, symbol, 1, QN_DIM_UNBOUNDED)
                                              : qn_dim_const(graph->dims, dims[axis]);
    }
    return qn_dim_pool_take_status(graph->dims);
}

qn_status *qn_network_add_input(qn_network *network, const char *name, qn_dtype dtype, int rank, const int64_t *dims,
                                qn_value **out_value) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_value);
    *out_value = NULL;
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARRAY(dims, rank);
    qn_type type;
    if (!name) name = "input";
    QN_TRY(make_type(network->graph, name, dtype, rank, dims, &type));
    return qn_graph_add_input(network->graph, name, &type, out_value);
}

qn_status *qn_network_add_constant(qn_network *network, const char *name, const qn_tensor *tensor,
                                   qn_value **out_value) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_value);
    *out_value = NULL;
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(tensor);
    size_t bytes = qn_dtype_size(tensor->dtype);
    if (!name) name = "const";
    if (!bytes)
        return QN_ERR(QN_INVALID_ARGUMENT, "constant '%s': %s is no element type for a constant", name,
                      qn_dtype_name(tensor->dtype));
    if (tensor->rank < 0 || tensor->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "constant '%s': rank %d, expected 0 to %d", name, tensor->rank, QN_MAX_RANK);
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank};
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 0)
            return QN_ERR(QN_INVALID_ARGUMENT, "constant '%s': dim %d is %lld", name, i, (long long)tensor->dims[i]);
        if (!qn_checked_mul_size(bytes, (size_t)tensor->dims[i], &bytes))
            return QN_ERR(QN_LIMIT, "constant '%s' is too large", name);
        view.dims[i] = tensor->dims[i];
    }
    if (bytes && !tensor->data)
        return QN_ERR(QN_INVALID_ARGUMENT, "constant '%s': no elements were given (NULL)", name);
    view.data = qn_arena_alloc_aligned(&network->arena, bytes, 64);
    if (!view.data) return qn_status_out_of_memory();
    if (bytes) memcpy(view.data, tensor->data, bytes);
    return qn_graph_add_constant(network->graph, name, &view, out_value);
}

/* Where the attribute that starts at `at` ends: the next comma outside brackets and quotes, or the end of the text. */
static const char *attribute_end(const char *at) {
    int depth = 0, quoted = 0;
    for (; *at; at++) {
        if (quoted && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '[')
            depth++;
        else if (!quoted && *at == ']')
            depth--;
        else if (!quoted && !depth && *at == ',')
            break;
    }
    return at;
}

static qn_status *parse_attributes(const qn_op_def *op, const char *text, qn_arena *arena, void *attrs) {
    while (*(text += strspn(text, " \n"))) {
        const char *end = attribute_end(text), *equals = memchr(text, '=', (size_t)(end - text));
        if (!equals)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: expected attribute=value, found '%.*s'", op->name,
                          (int)(end - text), text);
        char *name = qn_arena_copy_string(arena, text, (size_t)(equals - text));
        char *value = qn_arena_copy_string(arena, equals + 1, (size_t)(end - equals - 1));
        if (!name || !value) return qn_status_out_of_memory();
        QN_TRY(qn_attrs_parse_one(op, attrs, name, value, arena));
        text = end + (*end == ',');
    }
    return NULL;
}

static int belongs(const qn_network *network, const qn_value *value) {
    return value->id < network->graph->values.count && network->graph->values.items[value->id] == value;
}

qn_status *qn_network_add_node(qn_network *network, const char *op_name, const char *name, const char *attributes,
                               qn_value *const *inputs, size_t input_count, qn_node **out_node) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_node);
    *out_node = NULL;
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_NAMED(op_name, "op");
    QN_REQUIRE_ARRAY(inputs, input_count);
    qn_status *status;
    const qn_op_def *op = find_op(op_name, &status);
    if (status) return status;
    if (input_count > INT16_MAX)
        return QN_ERR(QN_LIMIT, "%s: %zu inputs, the limit is %d", op_name, input_count, INT16_MAX);
    for (size_t i = 0; i < input_count; i++)
        if (inputs[i] && !belongs(network, inputs[i]))
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: input %zu belongs to another network", op_name, i);
    void *attrs = op->attrs_bytes ? qn_arena_alloc(&network->arena, 1, op->attrs_bytes) : NULL;
    if (op->attrs_bytes && !attrs) return qn_status_out_of_memory();
    if (attrs) qn_attrs_init(op, attrs);
    if (attributes) QN_TRY(parse_attributes(op, attributes, &network->arena, attrs));
    QN_TRY(qn_graph_add_node(network->graph, op, name, attrs, (int)input_count, inputs, NULL, out_node));
    status = qn_node_infer(network->graph, *out_node);
    if (status) {
        qn_graph_remove_node(network->graph, *out_node);
        *out_node = NULL;
    }
    return status;
}

qn_status *qn_network_mark_output(qn_network *network, qn_value *value, const char *name) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(value);
    if (value->is_output) return QN_ERR(QN_INVALID_ARGUMENT, "'%s' is an output already", value->name);
    if (name) QN_TRY(qn_network_rename(network, value, name));
    return qn_graph_mark_output(network->graph, value);
}

qn_status *qn_network_unmark_output(qn_network *network, qn_value *value) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(value);
    if (!value->is_output) return QN_ERR(QN_INVALID_ARGUMENT, "'%s' is no output", value->name);
    qn_graph_unmark_output(network->graph, value);
    return NULL;
}

/* ---- Looking ---- */

/* NOT_FOUND with the nearest of the names in use. */
static qn_status *not_found(const qn_network *network, const char *what, const char *name) {
    const qn_graph *graph = network->graph;
    const char *nearest = NULL, **names = qn_alloc_zeroed(NULL, graph->values.count, sizeof *names, 16);
    for (size_t i = 0; names && i < graph->values.count; i++) names[i] = graph->values.items[i]->name;
    if (names) nearest = qn_text_nearest(name, names, graph->values.count);
    qn_status *status = QN_ERR(QN_NOT_FOUND, "there is no %s '%s'%s%s", what, name, nearest ? "; nearest: " : "",
                               nearest ? nearest : "");
    qn_free(NULL, names);
    return status;
}

qn_status *qn_network_find_node(const qn_network *network, const char *name, qn_node **out_node) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_node);
    *out_node = NULL;
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(name);
    *out_node = qn_graph_find_node(network->graph, name);
    return *out_node ? NULL : not_found(network, "node", name);
}

qn_status *qn_network_find_value(const qn_network *network, const char *name, qn_value **out_value) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_value);
    *out_value = NULL;
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(name);
    *out_value = qn_graph_find_value(network->graph, name);
    return *out_value ? NULL : not_found(network, "value", name);
}

static qn_node *next_of(qn_node *node, const char *op) {
    while (node && op && strcmp(node->op->name, op)) node = node->next;
    return node;
}

qn_node *qn_network_first_node(const qn_network *network, const char *op) {
    if (!network) return NULL;
    return next_of(network->graph->first, op);
}
qn_node *qn_network_next_node(const qn_node *node, const char *op) {
    if (!node) return NULL;
    return next_of(node->next, op);
}

const char *qn_node_get_name(const qn_node *node) { return node ? node->name : NULL; }
const char *qn_node_get_op(const qn_node *node) { return node ? node->op->name : NULL; }
size_t qn_node_get_input_count(const qn_node *node) { return node ? (size_t)node->input_count : 0; }
size_t qn_node_get_output_count(const qn_node *node) { return node ? (size_t)node->output_count : 0; }
qn_value *qn_node_get_input(const qn_node *node, size_t index) {
    return index < qn_node_get_input_count(node) ? node->inputs[index] : NULL;
}
qn_value *qn_node_get_output(const qn_node *node, size_t index) {
    return index < qn_node_get_output_count(node) ? node->outputs[index] : NULL;
}
qn_node *qn_value_get_producer(const qn_value *value) { return value ? value->producer : NULL; }
const char *qn_value_get_name(const qn_value *value) { return value ? value->name : NULL; }

void qn_network_describe_value(const qn_network *network, const qn_value *value, qn_value_info *out_info) {
    if (!out_info) return;
    if (!network || !value) {
        *out_info = (qn_value_info){.alias = -1};
        return;
    }
    qn_network_fill_info(network->graph, value, out_info);
}

/* ---- Changing ---- */

qn_status *qn_network_rename(qn_network *network, qn_value *value, const char *name) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(value);
    QN_REQUIRE_ARG(name);
    return qn_graph_rename_value(network->graph, value, name);
}

static qn_status *expect_input(const qn_value *value) {
    return value->is_input ? NULL : QN_ERR(QN_INVALID_ARGUMENT, "'%s' is no input of the network", value->name);
}

/* Gives `input` another type; where the network does not take it, the old one comes back. */
static qn_status *retype(qn_network *network, qn_value *input, const qn_type *type) {
    const qn_type old = input->type;
    qn_value_retype_input(input, type);
    qn_status *status = qn_graph_infer(network->graph);
    if (!status) return NULL;
    qn_value_retype_input(input, &old);
    qn_status_free(qn_graph_infer(network->graph)); /* it held before */
    return status;
}

qn_status *qn_network_set_input_dims(qn_network *network, qn_value *input, int rank, const int64_t *dims) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(input);
    QN_REQUIRE_ARRAY(dims, rank);
    qn_type type;
    QN_TRY(expect_input(input));
    QN_TRY(make_type(network->graph, input->name, input->type.dtype, rank, dims, &type));
    QN_TRY(retype(network, input, &type));
    input->fixed_axes = 0;
    return NULL;
}

qn_status *qn_network_set_input_range(qn_network *network, qn_value *input, const int64_t *min, const int64_t *max) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(input);
    QN_REQUIRE_ARRAY(min, input->type.rank);
    QN_REQUIRE_ARRAY(max, input->type.rank);
    QN_TRY(expect_input(input));
    qn_type type = input->type;
    uint32_t fixed_axes = 0;
    for (int axis = 0; axis < type.rank; axis++) {
        if (min[axis] < 1 || min[axis] > max[axis])
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': dim %d: the range %lld..%lld is none", input->name, axis,
                          (long long)min[axis], (long long)max[axis]);
        const char *symbol = qn_arena_printf(&network->arena, "%s.%d", input->name, axis);
        if (!symbol) return qn_status_out_of_memory();
        type.dims[axis] = min[axis] == max[axis] ? qn_dim_const(network->graph->dims, min[axis])
                                                 : qn_dim_symbol(network->graph->dims, symbol, min[axis], max[axis]);
        fixed_axes |= (uint32_t)(min[axis] == max[axis]) << axis;
    }
    QN_TRY(retype(network, input, &type));
    input->fixed_axes = fixed_axes;
    return NULL;
}

qn_status *qn_network_set_input_dtype(qn_network *network, qn_value *input, qn_dtype dtype) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(input);
    QN_TRY(expect_input(input));
    if (!qn_dtype_size(dtype))
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': %s is no element type for an input", input->name,
                      qn_dtype_name(dtype));
    qn_type type = input->type;
    type.dtype = dtype;
    return retype(network, input, &type);
}

qn_status *qn_network_set_node_precision(qn_network *network, qn_node *node, qn_dtype dtype) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(node);
    return qn_precision_set_node(network->graph, node, dtype, (qn_who){QN_ASKER_NETWORK, NULL});
}

qn_status *qn_network_set_value_precision(qn_network *network, qn_value *value, qn_dtype dtype) {
    QN_ENTER();
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(value);
    return qn_precision_set_value(network->graph, value, dtype, (qn_who){QN_ASKER_NETWORK, NULL});
}

/* ---- Operators ---- */

int qn_operator_at(size_t index, qn_operator_info *out_info) {
    if (!out_info) return 0;
    if (index >= qn_op_count()) return 0;
    const qn_op_def *op = qn_op_at(index);
    *out_info = (qn_operator_info){op->name, op->doc, op->min_inputs, op->max_inputs, op->outputs};
    return 1;
}

int qn_operator_attribute_at(const char *op_name, size_t index, qn_attribute_info *out_info) {
    if (!op_name || !out_info) return 0;
    static const char *const kinds[] = {"integer", "float", "bool", "name", "dtype", "integers", "text"};
    const qn_op_def *op = qn_op_find(op_name);
    const qn_attr_def *row = op ? op->attrs : NULL;
    for (size_t i = 0; row && row->name && i < index; i++) row++;
    if (!row || !row->name) return 0;
    *out_info = (qn_attribute_info){row->name, kinds[row->kind], row->fallback, row->doc};
    return 1;
}
