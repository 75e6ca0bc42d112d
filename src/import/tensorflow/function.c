/* The function library: parsing FunctionDefs, and replacing calls by bodies. */
#include "import/tensorflow/source.h"

#include "import/import.h"

#include <string.h>

/* ---- Parsing ---- */

/* The `name` of an ArgDef. */
static qn_status *read_arg_name(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field,
                                const char **out_name) {
    qn_wire message;
    QN_TRY(qn_wire_enter(wire, field, &message));
    *out_name = NULL;
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&message, &part));
        if (part.number == 1) QN_TRY(qn_import_read_name(arena, &part, "parameter name", out_name));
    }
    return *out_name ? NULL : QN_ERR(QN_INVALID_MODEL, "byte %zu: a function parameter without a name", field->offset);
}

static qn_status *read_signature(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field,
                                 qn_tf_function *function) {
    qn_wire message;
    QN_TRY(qn_wire_enter(wire, field, &message));
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        const char *name;
        QN_TRY(qn_wire_next(&message, &part));
        if (part.number == 1) QN_TRY(qn_import_read_name(arena, &part, "function name", &function->name));
        if (part.number == 2 || part.number == 3) {
            QN_TRY(read_arg_name(arena, &message, &part, &name));
            if (part.number == 2) QN_TRY(QN_LIST_PUSH(arena, &function->args, name));
            if (part.number == 3) QN_TRY(QN_LIST_PUSH(arena, &function->outputs, name));
        }
    }
    return NULL;
}

/* One entry of map<string, string>. */
static qn_status *read_pair(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field, const char *pair[2]) {
    qn_wire message;
    QN_TRY(qn_wire_enter(wire, field, &message));
    pair[0] = pair[1] = NULL;
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&message, &part));
        if (part.number == 1 || part.number == 2)
            QN_TRY(qn_import_read_name(arena, &part, "function result", &pair[part.number - 1]));
    }
    if (!pair[0] || !pair[1]) return QN_ERR(QN_INVALID_MODEL, "byte %zu: an incomplete function result", field->offset);
    return NULL;
}

typedef struct result {
    const char *output, *ref;
} result;

typedef QN_LIST(result) result_list;

/* Nodes that must have run are kept once, however often they are listed: every call repeats them. */
static qn_status *add_control(qn_arena *arena, const char *name, qn_import_names *seen, qn_tf_function *function) {
    uint32_t index;
    int added = qn_import_names_add(seen, arena, name, 0, &index);
    if (added < 0) return qn_status_out_of_memory();
    return added ? QN_LIST_PUSH(arena, &function->controls, name) : NULL;
}

static qn_status *read_function_field(qn_tf_source *source, const qn_wire *wire, const qn_wire_field *field,
                                      qn_tf_function *function, result_list *results, qn_import_names *controls) {
    const char *pair[2];
    qn_tf_node node;
    switch (field->number) {
    case 1: return read_signature(source->arena, wire, field, function);
    case 3:
        if (function->nodes.count >= QN_IMPORT_NODES_MAX)
            return QN_ERR(QN_LIMIT, "byte %zu: more than %d nodes in a function", field->offset, QN_IMPORT_NODES_MAX);
        QN_TRY(qn_tf_read_node(source->arena, wire, field, &node));
        return QN_LIST_PUSH(source->arena, &function->nodes, node);
    case 4:
        QN_TRY(read_pair(source->arena, wire, field, pair));
        return QN_LIST_PUSH(source->arena, results, ((result){pair[0], pair[1]}));
    case 6:
        QN_TRY(read_pair(source->arena, wire, field, pair));
        return add_control(source->arena, pair[1], controls, function);
    default: return NULL;
    }
}

/* Puts the results into the order of the signature. Of several results with one name the last one counts. */
static qn_status *order_results(qn_arena *arena, const result_list *results, qn_tf_function *function) {
    size_t count = function->outputs.count;
    const char **refs = QN_ARENA_ARRAY(arena, const char *, count);
    if (!refs) return qn_status_out_of_memory();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first;
        if (qn_import_names_add(&function->output_names, arena, function->outputs.items[i], i, &first) < 0)
            return qn_status_out_of_memory();
    }
    for (size_t i = 0; i < results->count; i++) {
        int64_t index = qn_import_names_find(&function->output_names, results->items[i].output);
        if (index >= 0) refs[index] = results->items[i].ref;
    }
    for (size_t i = 0; i < count; i++) {
        const char *ref = refs[qn_import_names_find(&function->output_names, function->outputs.items[i])];
        if (!ref) return QN_ERR(QN_INVALID_MODEL, "result '%s' is never set", function->outputs.items[i]);
        QN_TRY(QN_LIST_PUSH(arena, &function->returns, ref));
    }
    return NULL;
}

static qn_status *read_function(qn_tf_source *source, const qn_wire *wire, const qn_wire_field *field) {
    qn_wire message;
    qn_tf_function function = {0};
    result_list results = {0};
    qn_import_names controls = {0};
    QN_TRY(qn_wire_enter(wire, field, &message));
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&message, &part));
        QN_TRY(read_function_field(source, &message, &part, &function, &results, &controls));
    }
    if (!function.name) return QN_ERR(QN_INVALID_MODEL, "byte %zu: a function without a name", field->offset);
    if (function.outputs.count > QN_IMPORT_OUTPUTS_MAX || function.args.count > QN_IMPORT_NODE_INPUTS_MAX)
        return QN_ERR(QN_LIMIT, "function '%s': more than %d results or %d parameters", function.name,
                      QN_IMPORT_OUTPUTS_MAX, QN_IMPORT_NODE_INPUTS_MAX);
    QN_TRY_CTX(order_results(source->arena, &results, &function), "function '%s'", function.name);
    uint32_t index;
    int added = qn_import_names_add(&source->function_names, source->arena, function.name,
                                    (uint32_t)source->functions.count, &index);
    if (added < 0) return qn_status_out_of_memory();
    if (!added) return QN_ERR(QN_INVALID_MODEL, "byte %zu: a second function '%s'", field->offset, function.name);
    return QN_LIST_PUSH(source->arena, &source->functions, function);
}

qn_status *qn_tf_read_library(qn_tf_source *source, const qn_wire *wire, const qn_wire_field *field) {
    qn_wire message;
    QN_TRY(qn_wire_enter(wire, field, &message));
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&message, &part));
        if (part.number == 1) QN_TRY(read_function(source, &message, &part));
    }
    return NULL;
}

/* ---- Inlining ---- */

/* What one expansion works with. */
typedef struct expansion {
    qn_tf_source *source;
    const qn_tf_function *function;
    const char *call; /* the call's node name */
    const qn_tf_scope *scope;
    int depth;
} expansion;

/* Outputs with names of their own; elsewhere "node:out:i" counts through the only output. */
static int named_output(const char *op, const char *output) {
    static const char *const batch_norm[] = {
        "y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"};
    if (strncmp(op, "FusedBatchNorm", strlen("FusedBatchNorm")) != 0) return 0;
    for (int i = 0; i < (int)(sizeof batch_norm / sizeof *batch_norm); i++)
        if (strcmp(output, batch_norm[i]) == 0) return i;
    return 0;
}

/* The first output of `op` that belongs to its named output `name`. */
static qn_status *output_base(const qn_tf_source *source, const char *op, const char *name, int *out_base) {
    int64_t index = qn_import_names_find(&source->function_names, op);
    *out_base = named_output(op, name);
    if (index < 0) return NULL;
    index = qn_import_names_find(&source->functions.items[index].output_names, name);
    if (index < 0) return QN_ERR(QN_INVALID_MODEL, "function '%s' has no result '%s'", op, name);
    *out_base = (int)index;
    return NULL;
}

/* "node:out:2" or "parameter" inside the body, as "CALL/node:2" outside. */
static qn_status *translate_ref(expansion *e, const char *text, qn_tf_ref *out_ref) {
    qn_arena *arena = e->source->arena;
    const char *colon = strchr(text, ':');
    const char *name = qn_arena_copy_string(arena, text, colon ? (size_t)(colon - text) : strlen(text));
    int output = 0;
    if (!name) return qn_status_out_of_memory();
    int64_t local = qn_import_names_find(&e->function->locals, name);
    if (local < 0) return QN_ERR(QN_INVALID_MODEL, "function '%s' has no node '%s'", e->function->name, name);
    if (colon && (size_t)local >= e->function->args.count) {
        const qn_tf_node *producer = &e->function->nodes.items[(size_t)local - e->function->args.count];
        const char *ref_output;
        QN_TRY(qn_tf_parse_ref(arena, colon + 1, &ref_output, &output));
        int base;
        QN_TRY(output_base(e->source, producer->op, ref_output, &base));
        output += base;
    }
    *out_ref = (qn_tf_ref){.text = qn_arena_printf(arena, "%s/%s:%d", e->call, name, output)};
    return out_ref->text ? NULL : qn_status_out_of_memory();
}

static qn_status *translate_control(expansion *e, const char *name, qn_tf_ref *out_ref) {
    if (qn_import_names_find(&e->function->locals, name) < 0)
        return QN_ERR(QN_INVALID_MODEL, "function '%s' has no node '%s'", e->function->name, name);
    *out_ref = (qn_tf_ref){.text = qn_arena_printf(e->source->arena, "^%s/%s", e->call, name)};
    return out_ref->text ? NULL : qn_status_out_of_memory();
}

static qn_status *local_name(expansion *e, const char *name, const char **out_name) {
    if (strlen(e->call) + strlen(name) + 1 > QN_IMPORT_NAME_BYTES_MAX)
        return QN_ERR(QN_LIMIT, "inlining makes a name longer than %d bytes", QN_IMPORT_NAME_BYTES_MAX);
    *out_name = qn_arena_printf(e->source->arena, "%s/%s", e->call, name);
    return *out_name ? NULL : qn_status_out_of_memory();
}

static qn_status *append_node(qn_tf_source *source, const qn_tf_node *node) {
    if (source->nodes.count >= QN_IMPORT_NODES_MAX)
        return QN_ERR(QN_LIMIT, "functions expand to more than %d nodes", QN_IMPORT_NODES_MAX);
    if (source->arena->used_bytes > QN_IMPORT_SCRATCH_BYTES_MAX)
        return QN_ERR(QN_LIMIT, "functions expand to more than %zu bytes", QN_IMPORT_SCRATCH_BYTES_MAX);
    return QN_LIST_PUSH(source->arena, &source->nodes, *node);
}

static qn_status *append_parameter(expansion *e, size_t index, const qn_tf_node *call) {
    qn_tf_node node = {.op = "Identity", .input_count = 1, .offset = call->offset, .depth = e->depth};
    QN_TRY(local_name(e, e->function->args.items[index], &node.name));
    node.inputs = qn_arena_copy(e->source->arena, &call->inputs[index], sizeof *call->inputs);
    if (!node.inputs) return qn_status_out_of_memory();
    return append_node(e->source, &node);
}

static qn_status *append_body_node(expansion *e, const qn_tf_node *body) {
    qn_arena *arena = e->source->arena;
    qn_tf_node node = *body;
    QN_TRY(local_name(e, body->name, &node.name));
    node.scope = e->scope;
    node.depth = e->depth;
    node.inputs = QN_ARENA_ARRAY(arena, qn_tf_ref, body->input_count);
    node.controls = QN_ARENA_ARRAY(arena, qn_tf_ref, body->control_count);
    node.attrs.items = QN_ARENA_ARRAY(arena, qn_tf_attr, body->attrs.count);
    if (!node.inputs || !node.controls || !node.attrs.items) return qn_status_out_of_memory();
    if (body->attrs.count) memcpy(node.attrs.items, body->attrs.items, body->attrs.count * sizeof *body->attrs.items);
    for (size_t i = 0; i < body->input_count; i++)
        QN_TRY_CTX(translate_ref(e, body->inputs[i].text, &node.inputs[i]), "node '%s' (%s), input %zu '%s'", node.name,
                   node.op, i, body->inputs[i].text);
    for (size_t i = 0; i < body->control_count; i++)
        QN_TRY_CTX(translate_control(e, body->controls[i].text + 1, &node.controls[i]), "node '%s' (%s)", node.name,
                   node.op);
    return append_node(e->source, &node);
}

/* The call becomes an IdentityN of the results, after whatever the body insists on running. */
static qn_status *rewrite_call(expansion *e, size_t call_index) {
    qn_arena *arena = e->source->arena;
    const qn_tf_function *function = e->function;
    qn_tf_node call = e->source->nodes.items[call_index];
    QN_LIST(qn_tf_ref) controls = {0};
    qn_tf_ref ref;
    for (size_t i = 0; i < call.control_count; i++) QN_TRY(QN_LIST_PUSH(arena, &controls, call.controls[i]));
    for (size_t i = 0; i < function->controls.count; i++) {
        QN_TRY(translate_control(e, function->controls.items[i], &ref));
        QN_TRY(QN_LIST_PUSH(arena, &controls, ref));
    }
    for (size_t i = 0; i < function->nodes.count; i++) {
        if (strcmp(function->nodes.items[i].op, "Assert") != 0) continue;
        QN_TRY(translate_control(e, function->nodes.items[i].name, &ref));
        QN_TRY(QN_LIST_PUSH(arena, &controls, ref));
    }
    call.inputs = QN_ARENA_ARRAY(arena, qn_tf_ref, function->returns.count);
    if (!call.inputs) return qn_status_out_of_memory();
    call.input_count = function->returns.count;
    for (size_t i = 0; i < call.input_count; i++)
        QN_TRY_CTX(translate_ref(e, function->returns.items[i], &call.inputs[i]), "result '%s'",
                   function->outputs.items[i]);
    call.op = "IdentityN";
    call.attrs.count = 0;
    call.controls = controls.items;
    call.control_count = controls.count;
    e->source->nodes.items[call_index] = call;
    return NULL;
}

/* Once for a function: its calls share the table. */
static qn_status *name_locals(qn_arena *arena, qn_tf_function *function) {
    size_t count = function->args.count;
    if (function->locals.capacity) return NULL;
    for (size_t i = 0; i < count + function->nodes.count; i++) {
        const char *name = i < count ? function->args.items[i] : function->nodes.items[i - count].name;
        uint32_t first;
        int added = qn_import_names_add(&function->locals, arena, name, (uint32_t)i, &first);
        if (added < 0) return qn_status_out_of_memory();
        if (!added) return QN_ERR(QN_INVALID_MODEL, "function '%s' has two nodes '%s'", function->name, name);
    }
    return NULL;
}

/* What the body's attributes may refer to. */
static qn_status *make_scope(qn_arena *arena, const qn_tf_node *call, const qn_tf_scope **out_scope) {
    qn_tf_scope *scope = QN_ARENA_NEW(arena, qn_tf_scope);
    if (!scope) return qn_status_out_of_memory();
    *scope = (qn_tf_scope){.attrs = call->attrs, .outer = call->scope};
    for (uint32_t i = 0; i < call->attrs.count; i++) {
        uint32_t first;
        if (qn_import_names_add(&scope->names, arena, call->attrs.items[i].name, i, &first) < 0)
            return qn_status_out_of_memory();
    }
    *out_scope = scope;
    return NULL;
}

static qn_status *expand_call(qn_tf_source *source, size_t call_index, qn_tf_function *function) {
    const qn_tf_node call = source->nodes.items[call_index];
    if (call.depth >= QN_IMPORT_CALL_DEPTH_MAX)
        return QN_ERR(QN_LIMIT, "calls of function '%s' are nested deeper than %d (does it call itself?)",
                      function->name, QN_IMPORT_CALL_DEPTH_MAX);
    if (call.input_count != function->args.count)
        return QN_ERR(QN_INVALID_MODEL, "function '%s' takes %zu inputs, %zu are given", function->name,
                      function->args.count, call.input_count);
    expansion e = {.source = source, .function = function, .call = call.name, .depth = call.depth + 1};
    QN_TRY(make_scope(source->arena, &call, &e.scope));
    QN_TRY(name_locals(source->arena, function));
    for (size_t i = 0; i < function->args.count; i++) QN_TRY(append_parameter(&e, i, &call));
    for (size_t i = 0; i < function->nodes.count; i++) QN_TRY(append_body_node(&e, &function->nodes.items[i]));
    return rewrite_call(&e, call_index);
}

/* The `name` of a NameAttrList in attribute "f". */
static qn_status *read_callee(qn_arena *arena, const qn_tf_node *node, const char **out_name) {
    *out_name = NULL;
    for (size_t i = 0; i < node->attrs.count; i++) {
        qn_wire value = node->attrs.items[i].value;
        if (strcmp(node->attrs.items[i].name, "f") != 0) continue;
        while (qn_wire_has_more(&value)) {
            qn_wire_field field;
            qn_wire list;
            QN_TRY(qn_wire_next(&value, &field));
            if (field.number != 10) continue;
            QN_TRY(qn_wire_enter(&value, &field, &list));
            while (qn_wire_has_more(&list)) {
                QN_TRY(qn_wire_next(&list, &field));
                if (field.number == 1) QN_TRY(qn_import_read_name(arena, &field, "function name", out_name));
            }
        }
    }
    return *out_name ? NULL : QN_ERR(QN_INVALID_MODEL, "attribute 'f' names no function");
}

static qn_status *inline_node(qn_tf_source *source, size_t index) {
    const qn_tf_node *node = &source->nodes.items[index];
    const char *callee = node->op;
    int is_call = strcmp(node->op, "PartitionedCall") == 0 || strcmp(node->op, "StatefulPartitionedCall") == 0;
    if (is_call) QN_TRY(read_callee(source->arena, node, &callee));
    int64_t found = qn_import_names_find(&source->function_names, callee);
    if (found < 0 && is_call) return QN_ERR(QN_INVALID_MODEL, "the library has no function '%s'", callee);
    return found < 0 ? NULL : expand_call(source, index, &source->functions.items[found]);
}

qn_status *qn_tf_source_inline(qn_tf_source *source) {
    for (size_t i = 0; i < source->nodes.count; i++) {
        const char *name = source->nodes.items[i].name, *op = source->nodes.items[i].op;
        QN_TRY_CTX(inline_node(source, i), "node '%s' (%s)", name, op);
    }
    return NULL;
}
