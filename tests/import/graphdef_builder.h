/* Writes binary GraphDefs node by node, so that tests can make tiny graphs, sound and broken ones, without TensorFlow.
 *
 *     gd_graph graph;
 *     gd_init(&graph);
 *     gd_placeholder(&graph, "x", GD_FLOAT, 2, (int64_t[]){-1, 3});
 *     gd_node(&graph, "y", "LeakyRelu", "x");
 *     gd_attr_float(&graph, "alpha", 0.1f);
 *     qn_bytes bytes = gd_finish(&graph);   (valid until gd_deinit)
 *     gd_deinit(&graph);
 *
 * gd_attr_* belong to the node begun last. Nothing is checked: what is asked for is what is written. A node begun
 * between gd_function and gd_function_end belongs to that function's body.
 */
#ifndef QN_TESTS_IMPORT_GRAPHDEF_BUILDER_H
#define QN_TESTS_IMPORT_GRAPHDEF_BUILDER_H

#include "base/memory.h"
#include "base/text.h"

/* TensorFlow's DataType numbers. */
enum {
    GD_FLOAT = 1,
    GD_DOUBLE = 2,
    GD_INT32 = 3,
    GD_UINT8 = 4,
    GD_INT16 = 5,
    GD_INT8 = 6,
    GD_STRING = 7,
    GD_COMPLEX64 = 8,
    GD_INT64 = 9,
    GD_BOOL = 10,
    GD_QINT8 = 11,
    GD_QUINT8 = 12,
    GD_QINT32 = 13,
    GD_BFLOAT16 = 14,
    GD_QINT16 = 15,
    GD_QUINT16 = 16,
    GD_UINT16 = 17,
    GD_HALF = 19,
    GD_RESOURCE = 20,
    GD_UINT32 = 22,
    GD_UINT64 = 23
};

/* ---- Protocol buffers: one field appended to `out` ---- */

void pb_varint(qn_buffer *out, uint32_t field, uint64_t value);
void pb_fixed32(qn_buffer *out, uint32_t field, uint32_t bits);
void pb_fixed64(qn_buffer *out, uint32_t field, uint64_t bits);
void pb_float(qn_buffer *out, uint32_t field, float value);
void pb_bytes(qn_buffer *out, uint32_t field, const void *data, size_t size);
void pb_text(qn_buffer *out, uint32_t field, const char *text);
void pb_message(qn_buffer *out, uint32_t field, qn_buffer *message); /* takes `message` and deinits it */
void pb_raw_varint(qn_buffer *out, uint64_t value);                  /* without a tag, as packed fields hold them */

/* ---- Graphs ---- */

typedef struct gd_graph {
    qn_buffer bytes, node, library, function;
    int has_node, in_function;
} gd_graph;

void gd_init(gd_graph *graph);
void gd_deinit(gd_graph *graph);
/* Ends the graph and gives its bytes. */
qn_bytes gd_finish(gd_graph *graph);

/* `inputs`: references separated by spaces ("a b:1 ^c"), or NULL. */
void gd_node(gd_graph *graph, const char *name, const char *op, const char *inputs);
void gd_attr_int(gd_graph *graph, const char *name, int64_t value);
void gd_attr_float(gd_graph *graph, const char *name, float value);
void gd_attr_bool(gd_graph *graph, const char *name, int value);
void gd_attr_text(gd_graph *graph, const char *name, const char *text);
void gd_attr_type(gd_graph *graph, const char *name, int type);
void gd_attr_ints(gd_graph *graph, const char *name, int count, const int64_t *values);
void gd_attr_shape(gd_graph *graph, const char *name, int rank, const int64_t *dims); /* rank -1: unknown */
void gd_attr_function(gd_graph *graph, const char *name, const char *function);
void gd_attr_parameter(gd_graph *graph, const char *name, const char *parameter);
/* Takes and deinits `tensor`, a TensorProto (gd_tensor). */
void gd_attr_tensor(gd_graph *graph, const char *name, qn_buffer *tensor);

/* A TensorProto with type and shape, ready for values (pb_*, gd_tensor_content). */
qn_buffer gd_tensor(int type, int rank, const int64_t *dims);
void gd_tensor_content(qn_buffer *tensor, const void *data, size_t size);

/* Whole nodes. */
void gd_placeholder(gd_graph *graph, const char *name, int type, int rank, const int64_t *dims);
void gd_const(gd_graph *graph, const char *name, int type, qn_buffer *tensor); /* takes `tensor` */
void gd_const_f32(gd_graph *graph, const char *name, int rank, const int64_t *dims, const float *values);
void gd_const_s32(gd_graph *graph, const char *name, int rank, const int64_t *dims, const int32_t *values);
void gd_scalar_s32(gd_graph *graph, const char *name, int32_t value);
void gd_const_text(gd_graph *graph, const char *name, const char *text);

/* Functions: `args` and `outputs` are names separated by spaces. A result is "node:out:0". */
void gd_function(gd_graph *graph, const char *name, const char *args, const char *outputs);
void gd_function_result(gd_graph *graph, const char *output, const char *ref);
void gd_function_control(gd_graph *graph, const char *node);
void gd_function_end(gd_graph *graph);

#endif
