#include "pass/byte_form.h"

#include "pass/rewrite.h"

#include <math.h>

enum { DEPTH_MAX = 24 };

typedef struct finder {
    qn_graph *graph;
    qn_node *before;
    int64_t channels;
} finder;

/* The last axis has the channels we follow. */
static int has_channels(const finder *f, const qn_value *value) {
    int64_t last;
    int rank = value->type.rank;
    return rank && qn_dim_is_const(f->graph->dims, value->type.dims[rank - 1], &last) && last == f->channels;
}

/* ---- Arithmetic ---- */

static int is_arithmetic(const qn_node *node) { return node->op->arithmetic != QN_ARITHMETIC_NONE; }

/* The form of node's result from that of its operand; 0 where it is no such. */
static int apply(const qn_node *node, const qn_value *constant, qn_byte_form *form) {
    qn_view view = qn_value_view(constant);
    int64_t elems = qn_view_elems(&view);
    const qn_arithmetic kind = node->op->arithmetic;
    for (int64_t c = 0; c < form->channels; c++) {
        double number = qn_view_get(&view, elems == 1 ? 0 : c);
        if (kind == QN_ARITHMETIC_ADD) form->offset[c] += number;
        if (kind == QN_ARITHMETIC_SUBTRACT) form->offset[c] -= number;
        if (kind == QN_ARITHMETIC_DIVIDE) number = 1.0 / number;
        if (kind != QN_ARITHMETIC_MULTIPLY && kind != QN_ARITHMETIC_DIVIDE) continue;
        form->scale[c] *= number;
        form->offset[c] *= number;
    }
    for (int64_t c = 0; c < form->channels; c++)
        if (!(form->scale[c] > 0x1p-60 && form->scale[c] < 0x1p60 && fabs(form->offset[c]) < 0x1p60)) return 0;
    return 1;
}

/* ---- Operators that only move ---- */

/* The input of what it puts around input 0; 0: it puts nothing there. */
static int filler_of(const qn_node *node) { return qn_op_filler(node->op, node->attrs); }

static int is_mover(const qn_node *node) {
    return (qn_op_moves(node->op) && qn_op_data_inputs(node->op, node->input_count) == 1) || filler_of(node);
}

/* The byte next to what a padding puts around floats; *out_value NULL: it is not the same for all channels. */
static qn_status *pad_byte(finder *f, const qn_node *pad, const qn_byte_form *form, qn_value **out_value) {
    double number = 0;
    uint8_t *byte = QN_ARENA_NEW(f->graph->arena, uint8_t);
    qn_view view = {.dtype = QN_DTYPE_U8, .data = byte};
    *out_value = NULL;
    if (!byte) return qn_status_out_of_memory();
    const int filler = filler_of(pad);
    if (filler < pad->input_count && pad->inputs[filler]) {
        if (!qn_value_is_constant(pad->inputs[filler])) return NULL;
        qn_view value = qn_value_view(pad->inputs[filler]);
        number = qn_view_get(&value, 0);
    }
    for (int64_t c = 0; c < form->channels; c++) {
        double nearest = rint((number - form->offset[c]) / form->scale[c]);
        if (!(nearest >= 0 && nearest <= 255) || (c && nearest != (double)*byte)) return NULL;
        *byte = (uint8_t)nearest;
    }
    return qn_graph_add_constant(f->graph, "pad/u8", &view, out_value);
}

static int is_uniform(const qn_byte_form *form) {
    for (int64_t c = 1; c < form->channels; c++)
        if (form->scale[c] != form->scale[0] || form->offset[c] != form->offset[0]) return 0;
    return 1;
}

/* Does every channel stay where it is? A transpose may bring others to the last axis, a strided slice turn them round. */
static int keeps_channels(const qn_node *node, const qn_byte_form *form) {
    return node->op->values == QN_VALUES_SAME || node->op->axes.kind == QN_AXES_KEPT || is_uniform(form);
}

/* The same move on bytes. */
static qn_status *move(finder *f, const qn_node *node, qn_byte_form *form) {
    const int filler = filler_of(node);
    int count = filler >= node->input_count ? filler + 1 : node->input_count;
    qn_value **inputs = QN_ARENA_ARRAY(f->graph->arena, qn_value *, (size_t)count);
    const char *name = qn_arena_printf(f->graph->arena, "%s/u8", node->outputs[0]->name);
    qn_node *copy;
    if (!inputs || !name) return qn_status_out_of_memory();
    for (int i = 0; i < node->input_count; i++) inputs[i] = node->inputs[i];
    inputs[0] = form->bytes;
    form->bytes = NULL;
    if (filler) {
        qn_byte_form outside = *form;
        QN_TRY(pad_byte(f, node, &outside, &inputs[filler]));
        if (!inputs[filler]) return NULL;
    }
    QN_TRY(qn_graph_add_node(f->graph, node->op, name, node->attrs, count, inputs, f->before, &copy));
    copy->source = node->source;
    form->bytes = copy->outputs[0];
    return qn_node_infer(f->graph, copy);
}

/* ---- Looking ---- */

static qn_status *begin(finder *f, qn_value *bytes, qn_byte_form *form) {
    form->scale = QN_ARENA_ARRAY(f->graph->arena, double, (size_t)f->channels);
    form->offset = QN_ARENA_ARRAY(f->graph->arena, double, (size_t)f->channels);
    if (!form->scale || !form->offset) return qn_status_out_of_memory();
    for (int64_t c = 0; c < f->channels; c++) form->scale[c] = 1.0;
    form->channels = f->channels;
    form->bytes = bytes;
    return NULL;
}

static qn_status *find(finder *f, qn_value *value, int depth, qn_byte_form *form) {
    qn_node *node = value->producer;
    qn_value *other, *constant;
    int index;
    form->bytes = NULL;
    if (!node || depth > DEPTH_MAX || !has_channels(f, value)) return NULL;
    if (qn_op_casts(node->op) && node->inputs[0]->type.dtype == QN_DTYPE_U8) return begin(f, node->inputs[0], form);
    if (is_arithmetic(node)) {
        if (!qn_match_constant_operand(node, &other, &constant, &index)) return NULL;
        if (index == 0 && !(node->op->flags & QN_OP_COMMUTES)) return NULL;
        QN_TRY(find(f, other, depth + 1, form));
        if (form->bytes && !apply(node, constant, form)) form->bytes = NULL;
        return NULL;
    }
    if (!is_mover(node)) return NULL;
    QN_TRY(find(f, node->inputs[0], depth + 1, form));
    if (form->bytes && !keeps_channels(node, form)) form->bytes = NULL;
    return form->bytes ? move(f, node, form) : NULL;
}

qn_status *qn_byte_form_find(qn_graph *graph, qn_value *value, int64_t channels, qn_node *before, qn_byte_form *out) {
    finder f = {.graph = graph, .before = before, .channels = channels};
    *out = (qn_byte_form){0};
    return channels <= QN_CHANNELS_MAX ? find(&f, value, 0, out) : NULL;
}
