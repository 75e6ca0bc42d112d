#include "driver/network/print.h"

#include <string.h>

/* ["1", "h"] */
static void print_dims(const qn_graph *graph, const qn_type *type, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "[");
    for (int i = 0; i < type->rank; i++) {
        qn_buffer text; /* names of symbols may bring quotes of their own */
        qn_buffer_init(&text, buffer->allocator);
        qn_dim_print(graph->dims, type->dims[i], &text);
        if (i) qn_buffer_printf(buffer, ", ");
        qn_text_quote_json(qn_buffer_text(&text), buffer);
        buffer->failed |= text.failed;
        qn_buffer_deinit(&text);
    }
    qn_buffer_printf(buffer, "]");
}

/* "f32[1, h]" */
static void print_label(const qn_graph *graph, const qn_type *type, qn_buffer *buffer) {
    qn_buffer text;
    qn_buffer_init(&text, buffer->allocator);
    qn_buffer_printf(&text, "%s[", qn_dtype_name(type->dtype));
    for (int i = 0; i < type->rank; i++) {
        if (i) qn_buffer_printf(&text, ", ");
        qn_dim_print(graph->dims, type->dims[i], &text);
    }
    qn_buffer_printf(&text, "]");
    qn_text_quote_json(qn_buffer_text(&text), buffer);
    buffer->failed |= text.failed;
    qn_buffer_deinit(&text);
}

static void print_edges(const qn_graph *graph, const qn_node *node, qn_buffer *buffer) {
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value || qn_value_is_constant(value)) continue;
        qn_buffer_printf(buffer, "  ");
        qn_text_quote_json(value->producer ? value->producer->name : value->name, buffer);
        qn_buffer_printf(buffer, " -> ");
        qn_text_quote_json(node->name, buffer);
        qn_buffer_printf(buffer, " [label=");
        print_label(graph, &value->type, buffer);
        qn_buffer_printf(buffer, "];\n");
    }
}

void qn_print_graph_dot(const qn_graph *graph, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "digraph ");
    qn_text_quote_json(graph->name, buffer);
    qn_buffer_printf(buffer, " {\n  node [shape=box];\n");
    for (size_t i = 0; i < graph->inputs.count; i++) {
        qn_buffer_printf(buffer, "  ");
        qn_text_quote_json(graph->inputs.items[i]->name, buffer);
        qn_buffer_printf(buffer, " [shape=ellipse];\n");
    }
    for (const qn_node *node = graph->first; node; node = node->next) {
        qn_buffer_printf(buffer, "  ");
        qn_text_quote_json(node->name, buffer);
        qn_buffer_printf(buffer, " [label=\"%s\", tooltip=", node->op->name);
        qn_text_quote_json(node->name, buffer);
        qn_buffer_printf(buffer, "];\n");
        print_edges(graph, node, buffer);
    }
    qn_buffer_printf(buffer, "}\n");
}

static void print_value(const qn_graph *graph, const qn_value *value, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "{\"name\": ");
    qn_text_quote_json(value->name, buffer);
    qn_buffer_printf(buffer, ", \"dtype\": \"%s\", \"shape\": ", qn_dtype_name(value->type.dtype));
    print_dims(graph, &value->type, buffer);
    qn_buffer_printf(buffer, "}");
}

static void print_node(const qn_graph *graph, const qn_node *node, qn_buffer *buffer) {
    qn_buffer text;
    qn_buffer_init(&text, buffer->allocator);
    qn_attrs_print(node->op, node->attrs, 0, &text);
    qn_buffer_printf(buffer, "    {\"name\": ");
    qn_text_quote_json(node->name, buffer);
    qn_buffer_printf(buffer, ", \"op\": \"%s\", \"attributes\": ", node->op->name);
    qn_text_quote_json(qn_buffer_text(&text), buffer);
    buffer->failed |= text.failed;
    qn_buffer_printf(buffer, ", \"inputs\": [");
    for (int i = 0; i < node->input_count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        if (node->inputs[i])
            qn_text_quote_json(node->inputs[i]->name, buffer);
        else
            qn_buffer_printf(buffer, "null");
    }
    qn_buffer_printf(buffer, "], \"outputs\": [");
    for (int i = 0; i < node->output_count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        print_value(graph, node->outputs[i], buffer);
    }
    qn_buffer_printf(buffer, "]}");
    qn_buffer_deinit(&text);
}

void qn_print_graph_json(const qn_graph *graph, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "{\n  \"name\": ");
    qn_text_quote_json(graph->name, buffer);
    qn_buffer_printf(buffer, ",\n  \"inputs\": [");
    for (size_t i = 0; i < graph->inputs.count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        print_value(graph, graph->inputs.items[i], buffer);
    }
    qn_buffer_printf(buffer, "],\n  \"outputs\": [");
    for (size_t i = 0; i < graph->outputs.count; i++) {
        if (i) qn_buffer_printf(buffer, ", ");
        qn_text_quote_json(graph->outputs.items[i]->name, buffer);
    }
    qn_buffer_printf(buffer, "],\n  \"nodes\": [\n");
    for (const qn_node *node = graph->first; node; node = node->next) {
        print_node(graph, node, buffer);
        qn_buffer_printf(buffer, node->next ? ",\n" : "\n");
    }
    qn_buffer_printf(buffer, "  ]\n}\n");
}
