#include "graphdef_builder.h"

#include <string.h>

/* ---- Protocol buffers ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

void pb_raw_varint(qn_buffer *out, uint64_t value) {
    uint8_t byte;
    for (; value >= 0x80; value >>= 7) {
        byte = (uint8_t)(value | 0x80);
        qn_buffer_append(out, &byte, 1);
    }
    byte = (uint8_t)value;
    qn_buffer_append(out, &byte, 1);
}

static void tag(qn_buffer *out, uint32_t field, uint32_t type) { pb_raw_varint(out, (uint64_t)field << 3 | type); }

static void raw_fixed(qn_buffer *out, uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(bits >> 8 * i);
        qn_buffer_append(out, &byte, 1);
    }
}

void pb_varint(qn_buffer *out, uint32_t field, uint64_t value) {
    tag(out, field, VARINT);
    pb_raw_varint(out, value);
}

void pb_fixed32(qn_buffer *out, uint32_t field, uint32_t bits) {
    tag(out, field, FIXED32);
    raw_fixed(out, bits, 4);
}

void pb_fixed64(qn_buffer *out, uint32_t field, uint64_t bits) {
    tag(out, field, FIXED64);
    raw_fixed(out, bits, 8);
}

void pb_float(qn_buffer *out, uint32_t field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    pb_fixed32(out, field, bits);
}

void pb_bytes(qn_buffer *out, uint32_t field, const void *data, size_t size) {
    tag(out, field, BYTES);
    pb_raw_varint(out, size);
    qn_buffer_append(out, data, size);
}

void pb_text(qn_buffer *out, uint32_t field, const char *text) { pb_bytes(out, field, text, strlen(text)); }

void pb_message(qn_buffer *out, uint32_t field, qn_buffer *message) {
    pb_bytes(out, field, message->data, message->size);
    qn_buffer_deinit(message);
}

/* ---- Graphs ---- */

/* Fields of the messages written here. */
enum {
    GRAPH_NODE = 1,
    GRAPH_LIBRARY = 2,
    GRAPH_VERSIONS = 4,
    FUNCTION_SIGNATURE = 1,
    FUNCTION_NODE = 3,
    FUNCTION_RESULT = 4,
    FUNCTION_CONTROL = 6,
    SIGNATURE_NAME = 1,
    SIGNATURE_ARG = 2,
    SIGNATURE_OUTPUT = 3,
    NODE_NAME = 1,
    NODE_OP = 2,
    NODE_INPUT = 3,
    NODE_ATTR = 5
};
enum {
    VALUE_LIST = 1,
    VALUE_TEXT,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_BOOL,
    VALUE_TYPE,
    VALUE_SHAPE,
    VALUE_TENSOR,
    VALUE_PARAMETER,
    VALUE_FUNCTION
};

static qn_buffer empty(void) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    return buffer;
}

void gd_init(gd_graph *graph) {
    *graph = (gd_graph){.bytes = empty(), .node = empty(), .library = empty(), .function = empty()};
}

void gd_deinit(gd_graph *graph) {
    qn_buffer_deinit(&graph->bytes);
    qn_buffer_deinit(&graph->node);
    qn_buffer_deinit(&graph->library);
    qn_buffer_deinit(&graph->function);
}

static void end_node(gd_graph *graph) {
    if (!graph->has_node) return;
    if (graph->in_function)
        pb_message(&graph->function, FUNCTION_NODE, &graph->node);
    else
        pb_message(&graph->bytes, GRAPH_NODE, &graph->node);
    graph->node = empty();
    graph->has_node = 0;
}

qn_bytes gd_finish(gd_graph *graph) {
    end_node(graph);
    if (graph->library.size) pb_message(&graph->bytes, GRAPH_LIBRARY, &graph->library);
    graph->library = empty();
    qn_buffer versions = empty();
    pb_varint(&versions, 1, 27);
    pb_message(&graph->bytes, GRAPH_VERSIONS, &versions);
    return (qn_bytes){graph->bytes.data, graph->bytes.size};
}

/* Calls `each` with every word of `words`. */
static void each_word(const char *words, qn_buffer *out, uint32_t field,
                      void (*each)(qn_buffer *, uint32_t, const char *, size_t)) {
    while (words && *words) {
        size_t length = strcspn(words, " ");
        if (length) each(out, field, words, length);
        words += length + (words[length] == ' ');
    }
}

static void put_word(qn_buffer *out, uint32_t field, const char *word, size_t length) {
    pb_bytes(out, field, word, length);
}

void gd_node(gd_graph *graph, const char *name, const char *op, const char *inputs) {
    end_node(graph);
    graph->has_node = 1;
    pb_text(&graph->node, NODE_NAME, name);
    pb_text(&graph->node, NODE_OP, op);
    each_word(inputs, &graph->node, NODE_INPUT, put_word);
}

/* Takes the AttrValue. */
static void put_attr(gd_graph *graph, const char *name, qn_buffer *value) {
    qn_buffer entry = empty();
    pb_text(&entry, 1, name);
    pb_message(&entry, 2, value);
    pb_message(&graph->node, NODE_ATTR, &entry);
}

void gd_attr_int(gd_graph *graph, const char *name, int64_t number) {
    qn_buffer value = empty();
    pb_varint(&value, VALUE_INT, (uint64_t)number);
    put_attr(graph, name, &value);
}

void gd_attr_float(gd_graph *graph, const char *name, float number) {
    qn_buffer value = empty();
    pb_float(&value, VALUE_FLOAT, number);
    put_attr(graph, name, &value);
}

void gd_attr_bool(gd_graph *graph, const char *name, int flag) {
    qn_buffer value = empty();
    pb_varint(&value, VALUE_BOOL, flag != 0);
    put_attr(graph, name, &value);
}

void gd_attr_text(gd_graph *graph, const char *name, const char *text) {
    qn_buffer value = empty();
    pb_text(&value, VALUE_TEXT, text);
    put_attr(graph, name, &value);
}

void gd_attr_type(gd_graph *graph, const char *name, int type) {
    qn_buffer value = empty();
    pb_varint(&value, VALUE_TYPE, (uint64_t)type);
    put_attr(graph, name, &value);
}

void gd_attr_ints(gd_graph *graph, const char *name, int count, const int64_t *numbers) {
    qn_buffer value = empty(), list = empty(), packed = empty();
    for (int i = 0; i < count; i++) pb_raw_varint(&packed, (uint64_t)numbers[i]);
    pb_message(&list, VALUE_INT, &packed);
    pb_message(&value, VALUE_LIST, &list);
    put_attr(graph, name, &value);
}

static void put_shape(qn_buffer *out, uint32_t field, int rank, const int64_t *dims) {
    qn_buffer shape = empty();
    if (rank < 0) pb_varint(&shape, 3, 1);
    for (int i = 0; i < rank; i++) {
        qn_buffer dim = empty();
        pb_varint(&dim, 1, (uint64_t)dims[i]);
        pb_message(&shape, 2, &dim);
    }
    pb_message(out, field, &shape);
}

void gd_attr_shape(gd_graph *graph, const char *name, int rank, const int64_t *dims) {
    qn_buffer value = empty();
    put_shape(&value, VALUE_SHAPE, rank, dims);
    put_attr(graph, name, &value);
}

void gd_attr_function(gd_graph *graph, const char *name, const char *function) {
    qn_buffer value = empty(), list = empty();
    pb_text(&list, 1, function);
    pb_message(&value, VALUE_FUNCTION, &list);
    put_attr(graph, name, &value);
}

void gd_attr_parameter(gd_graph *graph, const char *name, const char *parameter) {
    qn_buffer value = empty();
    pb_text(&value, VALUE_PARAMETER, parameter);
    put_attr(graph, name, &value);
}

void gd_attr_tensor(gd_graph *graph, const char *name, qn_buffer *tensor) {
    qn_buffer value = empty();
    pb_message(&value, VALUE_TENSOR, tensor);
    put_attr(graph, name, &value);
}

qn_buffer gd_tensor(int type, int rank, const int64_t *dims) {
    qn_buffer tensor = empty();
    pb_varint(&tensor, 1, (uint64_t)type);
    put_shape(&tensor, 2, rank, dims);
    return tensor;
}

void gd_tensor_content(qn_buffer *tensor, const void *data, size_t size) { pb_bytes(tensor, 4, data, size); }

/* ---- Whole nodes ---- */

void gd_placeholder(gd_graph *graph, const char *name, int type, int rank, const int64_t *dims) {
    gd_node(graph, name, "Placeholder", NULL);
    gd_attr_type(graph, "dtype", type);
    gd_attr_shape(graph, "shape", rank, dims);
}

void gd_const(gd_graph *graph, const char *name, int type, qn_buffer *tensor) {
    gd_node(graph, name, "Const", NULL);
    gd_attr_type(graph, "dtype", type);
    gd_attr_tensor(graph, "value", tensor);
}

static size_t elements(int rank, const int64_t *dims) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    return count;
}

void gd_const_f32(gd_graph *graph, const char *name, int rank, const int64_t *dims, const float *values) {
    qn_buffer tensor = gd_tensor(GD_FLOAT, rank, dims);
    gd_tensor_content(&tensor, values, elements(rank, dims) * sizeof *values);
    gd_const(graph, name, GD_FLOAT, &tensor);
}

void gd_const_s32(gd_graph *graph, const char *name, int rank, const int64_t *dims, const int32_t *values) {
    qn_buffer tensor = gd_tensor(GD_INT32, rank, dims);
    gd_tensor_content(&tensor, values, elements(rank, dims) * sizeof *values);
    gd_const(graph, name, GD_INT32, &tensor);
}

void gd_scalar_s32(gd_graph *graph, const char *name, int32_t value) { gd_const_s32(graph, name, 0, NULL, &value); }

void gd_const_text(gd_graph *graph, const char *name, const char *text) {
    qn_buffer tensor = gd_tensor(GD_STRING, 0, NULL);
    pb_text(&tensor, 8, text);
    gd_const(graph, name, GD_STRING, &tensor);
}

/* ---- Functions ---- */

static void put_arg(qn_buffer *out, uint32_t field, const char *word, size_t length) {
    qn_buffer arg = empty();
    pb_bytes(&arg, 1, word, length);
    pb_message(out, field, &arg);
}

void gd_function(gd_graph *graph, const char *name, const char *args, const char *outputs) {
    qn_buffer signature = empty();
    end_node(graph);
    graph->in_function = 1;
    pb_text(&signature, SIGNATURE_NAME, name);
    each_word(args, &signature, SIGNATURE_ARG, put_arg);
    each_word(outputs, &signature, SIGNATURE_OUTPUT, put_arg);
    pb_message(&graph->function, FUNCTION_SIGNATURE, &signature);
}

static void put_pair(gd_graph *graph, uint32_t field, const char *key, const char *value) {
    qn_buffer pair = empty();
    end_node(graph);
    pb_text(&pair, 1, key);
    pb_text(&pair, 2, value);
    pb_message(&graph->function, field, &pair);
}

void gd_function_result(gd_graph *graph, const char *output, const char *ref) {
    put_pair(graph, FUNCTION_RESULT, output, ref);
}

void gd_function_control(gd_graph *graph, const char *node) { put_pair(graph, FUNCTION_CONTROL, node, node); }

void gd_function_end(gd_graph *graph) {
    end_node(graph);
    pb_message(&graph->library, 1, &graph->function);
    graph->function = empty();
    graph->in_function = 0;
}
