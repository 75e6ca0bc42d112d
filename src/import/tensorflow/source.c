/* Parsing a GraphDef into nodes, and linking their inputs. */
#include "import/tensorflow/source.h"

#include "import/import.h"

#include <inttypes.h>
#include <string.h>

int64_t qn_tf_source_find(const qn_tf_source *source, const char *name) {
    return qn_import_names_find(&source->node_names, name);
}

/* ---- Fields ---- */

qn_status *qn_tf_read_attr(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field, qn_tf_attr *out_attr) {
    qn_wire entry;
    QN_TRY(qn_wire_enter(wire, field, &entry));
    *out_attr = (qn_tf_attr){.name = NULL, .value = {entry.start, entry.end, entry.end, entry.depth}};
    while (qn_wire_has_more(&entry)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&entry, &part));
        if (part.number == 1) QN_TRY(qn_import_read_name(arena, &part, "attribute name", &out_attr->name));
        if (part.number == 2) QN_TRY(qn_wire_enter(&entry, &part, &out_attr->value));
    }
    if (!out_attr->name) return QN_ERR(QN_INVALID_MODEL, "byte %zu: an attribute without a name", field->offset);
    return NULL;
}

typedef struct node_lists {
    QN_LIST(qn_tf_ref) inputs, controls;
    QN_LIST(qn_tf_attr) attrs;
} node_lists;

static qn_status *read_input(qn_arena *arena, const qn_wire_field *field, node_lists *lists) {
    qn_tf_ref ref = {0};
    QN_TRY(qn_import_read_name(arena, field, "input name", &ref.text));
    if (lists->inputs.count + lists->controls.count >= QN_IMPORT_NODE_INPUTS_MAX)
        return QN_ERR(QN_LIMIT, "byte %zu: more than %d inputs", field->offset, QN_IMPORT_NODE_INPUTS_MAX);
    if (ref.text[0] == '^') return QN_LIST_PUSH(arena, &lists->controls, ref);
    return QN_LIST_PUSH(arena, &lists->inputs, ref);
}

static qn_status *read_node_fields(qn_arena *arena, qn_wire *message, qn_tf_node *node) {
    node_lists lists = {0};
    while (qn_wire_has_more(message)) {
        qn_wire_field field;
        qn_tf_attr attr;
        QN_TRY(qn_wire_next(message, &field));
        switch (field.number) {
        case 1: QN_TRY(qn_import_read_name(arena, &field, "node name", &node->name)); break;
        case 2: QN_TRY(qn_import_read_name(arena, &field, "operator name", &node->op)); break;
        case 3: QN_TRY(read_input(arena, &field, &lists)); break;
        case 5:
            QN_TRY(qn_tf_read_attr(arena, message, &field, &attr));
            QN_TRY(QN_LIST_PUSH(arena, &lists.attrs, attr));
            break;
        default: break; /* device, debug information */
        }
    }
    node->inputs = lists.inputs.items;
    node->input_count = lists.inputs.count;
    node->controls = lists.controls.items;
    node->control_count = lists.controls.count;
    node->attrs = (qn_tf_attrs){lists.attrs.items, lists.attrs.count};
    return NULL;
}

qn_status *qn_tf_read_node(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field, qn_tf_node *out_node) {
    qn_wire message;
    *out_node = (qn_tf_node){.offset = field->offset};
    QN_TRY(qn_wire_enter(wire, field, &message));
    qn_status *status = read_node_fields(arena, &message, out_node);
    if (status && out_node->name) return qn_status_context(status, "node '%s'", out_node->name);
    if (status) return status;
    if (!out_node->name) return QN_ERR(QN_INVALID_MODEL, "byte %zu: a node without a name", field->offset);
    if (!out_node->op)
        return QN_ERR(QN_INVALID_MODEL, "byte %zu: node '%s' names no operator", field->offset, out_node->name);
    return NULL;
}

/* ---- The whole file ---- */

static qn_status *add_node(qn_tf_source *source, const qn_wire *wire, const qn_wire_field *field) {
    qn_tf_node node;
    if (source->nodes.count >= QN_IMPORT_NODES_MAX)
        return QN_ERR(QN_LIMIT, "byte %zu: more than %d nodes", field->offset, QN_IMPORT_NODES_MAX);
    QN_TRY(qn_tf_read_node(source->arena, wire, field, &node));
    return QN_LIST_PUSH(source->arena, &source->nodes, node);
}

qn_status *qn_tf_source_read(qn_bytes bytes, qn_arena *arena, qn_tf_source *out_source) {
    *out_source = (qn_tf_source){.arena = arena};
    if (!bytes.size) return QN_ERR(QN_INVALID_MODEL, "the file is empty");
    qn_wire wire = qn_wire_open(bytes);
    while (qn_wire_has_more(&wire)) {
        qn_wire_field field;
        QN_TRY(qn_wire_next(&wire, &field));
        switch (field.number) {
        case 1: QN_TRY(add_node(out_source, &wire, &field)); break;
        case 2: QN_TRY(qn_tf_read_library(out_source, &wire, &field)); break;
        case 3: /* version */
        case 4: /* versions */
        case 5: /* debug information */ break;
        default:
            return QN_ERR(QN_INVALID_MODEL,
                          "byte %zu: field %" PRIu32 " is none of a GraphDef's; the file is damaged, or no "
                          "frozen graph",
                          field.offset, field.number);
        }
    }
    if (!out_source->nodes.count) return QN_ERR(QN_INVALID_MODEL, "the graph has no nodes");
    return NULL;
}

/* ---- Linking ---- */

qn_status *qn_tf_parse_ref(qn_arena *arena, const char *text, const char **out_name, int *out_output) {
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    int output = 0;
    if (colon) {
        if (!colon[1]) return QN_ERR(QN_INVALID_MODEL, "'%s' has no number after ':'", text);
        for (const char *digit = colon + 1; *digit; digit++) {
            if (*digit < '0' || *digit > '9' || output >= QN_IMPORT_OUTPUTS_MAX)
                return QN_ERR(QN_INVALID_MODEL,
                              "'%s' names no output: NAME or NAME:NUMBER with a number below %d expected", text,
                              QN_IMPORT_OUTPUTS_MAX);
            output = 10 * output + (*digit - '0');
        }
    }
    if (!length) return QN_ERR(QN_INVALID_MODEL, "'%s' names no node", text);
    *out_name = qn_arena_copy_string(arena, text, length);
    *out_output = output;
    return *out_name ? NULL : qn_status_out_of_memory();
}

static qn_status *link_ref(qn_tf_source *source, int control, qn_tf_ref *ref) {
    const char *name;
    if (control) {
        name = ref->text + 1;
    } else {
        QN_TRY(qn_tf_parse_ref(source->arena, ref->text, &name, &ref->output));
    }
    int64_t index = qn_tf_source_find(source, name);
    if (index < 0) return QN_ERR(QN_INVALID_MODEL, "the graph has no node '%s'", name);
    ref->node = (uint32_t)index;
    return NULL;
}

static qn_status *link_node(qn_tf_source *source, qn_tf_node *node) {
    for (size_t i = 0; i < node->input_count; i++)
        QN_TRY_CTX(link_ref(source, 0, &node->inputs[i]), "node '%s' (%s), input %zu '%s'", node->name, node->op, i,
                   node->inputs[i].text);
    for (size_t i = 0; i < node->control_count; i++)
        QN_TRY_CTX(link_ref(source, 1, &node->controls[i]), "node '%s' (%s), control input '%s'", node->name, node->op,
                   node->controls[i].text);
    return NULL;
}

qn_status *qn_tf_source_link(qn_tf_source *source) {
    for (size_t i = 0; i < source->nodes.count; i++) {
        const qn_tf_node *node = &source->nodes.items[i];
        uint32_t first;
        int added = qn_import_names_add(&source->node_names, source->arena, node->name, (uint32_t)i, &first);
        if (added < 0) return qn_status_out_of_memory();
        if (!added)
            return QN_ERR(QN_INVALID_MODEL, "byte %zu: node '%s' (%s) has the name of an earlier node (%s, byte %zu)",
                          node->offset, node->name, node->op, source->nodes.items[first].op,
                          source->nodes.items[first].offset);
    }
    for (size_t i = 0; i < source->nodes.count; i++) QN_TRY(link_node(source, &source->nodes.items[i]));
    return NULL;
}
