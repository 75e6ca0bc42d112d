#include "ir/text.h"

#include <string.h>

/* Longer constants are shown by hash unless everything is asked for. */
enum { SHORT_ELEMS = 16, ELEMS_PER_LINE = 16 };

static void print_quoted(const char *text, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            qn_buffer_printf(buffer, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            qn_buffer_printf(buffer, "\\x%02x", c);
        else
            qn_buffer_append(buffer, text, 1);
    }
    qn_buffer_printf(buffer, "\"");
}

static void print_name(const char *name, qn_buffer *buffer) {
    size_t plain = 0;
    while (qn_text_is_plain(name[plain])) plain++;
    qn_buffer_printf(buffer, "%%");
    if (plain && !name[plain])
        qn_buffer_printf(buffer, "%s", name);
    else
        print_quoted(name, buffer);
}

static void print_type(const qn_graph *graph, const qn_type *type, qn_buffer *buffer) {
    if (type->dtype == QN_DTYPE_NONE) {
        qn_buffer_printf(buffer, "?");
        return;
    }
    qn_buffer_printf(buffer, "%s[", qn_dtype_name(type->dtype));
    for (int i = 0; i < type->rank; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        qn_dim_print(graph->dims, type->dims[i], buffer);
    }
    qn_buffer_printf(buffer, "]");
}

static void print_symbols(const qn_graph *graph, qn_buffer *buffer) {
    for (size_t i = 0; i < qn_dim_symbol_count(graph->dims); i++) {
        qn_dim symbol = qn_dim_symbol_at(graph->dims, i);
        int64_t low, high;
        qn_dim_range(graph->dims, symbol, &low, &high);
        qn_buffer_printf(buffer, "  symbol ");
        qn_dim_print_name(qn_dim_symbol_name(graph->dims, symbol), buffer);
        qn_buffer_printf(buffer, " [%lld, ", (long long)low);
        if (high == QN_DIM_UNBOUNDED)
            qn_buffer_printf(buffer, "*]");
        else
            qn_buffer_printf(buffer, "%lld]", (long long)high);
        const char *reason = qn_dim_symbol_reason(graph->dims, symbol);
        if (reason) {
            qn_buffer_printf(buffer, " ");
            print_quoted(reason, buffer);
        }
        qn_buffer_printf(buffer, "\n");
    }
}

static int is_splat(const qn_view *view, int64_t elems) {
    size_t size = qn_dtype_size(view->dtype);
    const uint8_t *bytes = view->data;
    return elems > 1 && memcmp(bytes, bytes + size, (size_t)(elems - 1) * size) == 0;
}

static void print_elements(const qn_view *view, int64_t elems, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "{");
    for (int64_t i = 0; i < elems; i++) {
        if (i) qn_buffer_printf(buffer, i % ELEMS_PER_LINE ? ", " : ",\n    ");
        qn_text_print_element(view, i, buffer);
    }
    qn_buffer_printf(buffer, "}");
}

static void print_constant(const qn_graph *graph, const qn_value *value, int full, qn_buffer *buffer) {
    qn_view view = qn_value_view(value);
    int64_t elems = qn_view_elems(&view);
    qn_buffer_printf(buffer, "  const ");
    print_name(value->name, buffer);
    qn_buffer_printf(buffer, " : ");
    print_type(graph, &value->type, buffer);
    if (value->type.dtype != QN_DTYPE_STRING) {
        qn_buffer_printf(buffer, " = ");
        if (is_splat(&view, elems)) {
            qn_buffer_printf(buffer, "splat ");
            qn_text_print_element(&view, 0, buffer);
        } else if (full || elems <= SHORT_ELEMS) {
            print_elements(&view, elems, buffer);
        } else {
            qn_buffer_printf(buffer, "hash 0x%016llx",
                             (unsigned long long)qn_hash_bytes(view.data, qn_view_bytes(&view), 0));
        }
    }
    qn_buffer_printf(buffer, "\n");
}

static void print_results(const qn_graph *graph, const qn_node *node, qn_buffer *buffer) {
    for (int i = 0; i < node->output_count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        print_name(node->outputs[i]->name, buffer);
        qn_buffer_printf(buffer, " : ");
        print_type(graph, &node->outputs[i]->type, buffer);
    }
    if (node->output_count) qn_buffer_printf(buffer, " = ");
}

static void print_attrs(const qn_node *node, qn_buffer *buffer) {
    qn_buffer attrs;
    qn_buffer_init(&attrs, buffer->allocator);
    qn_attrs_print(node->op, node->attrs, 0, &attrs);
    if (attrs.size) qn_buffer_printf(buffer, " {%s}", qn_buffer_text(&attrs));
    qn_buffer_deinit(&attrs);
}

static void print_node(const qn_graph *graph, const qn_node *node, int full, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "  ");
    print_results(graph, node, buffer);
    qn_buffer_printf(buffer, "%s(", node->op->name);
    for (int i = 0; i < node->input_count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        if (node->inputs[i])
            print_name(node->inputs[i]->name, buffer);
        else
            qn_buffer_printf(buffer, "none");
    }
    qn_buffer_printf(buffer, ")");
    print_attrs(node, buffer);
    if (!node->output_count || strcmp(node->name, node->outputs[0]->name) != 0) {
        qn_buffer_printf(buffer, " name ");
        print_quoted(node->name, buffer);
    }
    if (full && node->source) {
        qn_buffer_printf(buffer, " source ");
        print_quoted(node->source, buffer);
    }
    qn_buffer_printf(buffer, "\n");
}

static void print_checks(const qn_graph *graph, qn_buffer *buffer) {
    for (size_t i = 0; i < graph->checks.count; i++) {
        qn_buffer_printf(buffer, "  check [");
        qn_dim_print(graph->dims, graph->checks.items[i].condition, buffer);
        qn_buffer_printf(buffer, "] ");
        print_quoted(graph->checks.items[i].message, buffer);
        qn_buffer_printf(buffer, "\n");
    }
}

void qn_graph_print(const qn_graph *graph, int full, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "graph ");
    print_quoted(graph->name, buffer);
    qn_buffer_printf(buffer, " {\n");
    print_symbols(graph, buffer);
    for (size_t i = 0; i < graph->inputs.count; i++) {
        qn_buffer_printf(buffer, "  input ");
        print_name(graph->inputs.items[i]->name, buffer);
        qn_buffer_printf(buffer, " : ");
        print_type(graph, &graph->inputs.items[i]->type, buffer);
        qn_buffer_printf(buffer, "\n");
    }
    for (size_t i = 0; i < graph->values.count; i++)
        if (qn_value_is_constant(graph->values.items[i])) print_constant(graph, graph->values.items[i], full, buffer);
    for (const qn_node *node = graph->first; node; node = node->next) print_node(graph, node, full, buffer);
    print_checks(graph, buffer);
    for (size_t i = 0; i < graph->outputs.count; i++) {
        qn_buffer_printf(buffer, "  output ");
        print_name(graph->outputs.items[i]->name, buffer);
        qn_buffer_printf(buffer, "\n");
    }
    qn_buffer_printf(buffer, "}\n");
}
