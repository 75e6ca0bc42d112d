#include "ir/contents.h"

#include <assert.h>

/* Inputs larger than this are not worth evaluating while types are being found. */
enum { EVAL_ELEMS_MAX = 4096 };

static int can_have_contents(qn_dtype dtype) { return qn_dtype_is_integer(dtype) || dtype == QN_DTYPE_BOOL; }

/* Elements of a view, or -1 where that overflows. */
static int64_t count_elems(const qn_view *view) {
    int64_t elems = 1;
    for (int i = 0; i < view->rank; i++)
        if (view->dims[i] < 0 || !qn_checked_mul_i64(elems, view->dims[i], &elems)) return -1;
    return elems;
}

qn_status *qn_contents_of_constant(qn_graph *graph, qn_value *value) {
    if (value->contents || !can_have_contents(value->type.dtype)) return NULL;
    qn_view view = qn_value_view(value);
    int64_t elems = qn_view_elems(&view);
    if (elems > QN_CONTENT_MAX) return NULL;
    qn_dim *contents = QN_ARENA_ARRAY(graph->arena, qn_dim, elems ? (size_t)elems : 1);
    if (!contents) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) {
        int64_t number = qn_view_get_int(&view, i);
        if (view.dtype == QN_DTYPE_U64 && number < 0) return NULL; /* beyond what a dim can say */
        contents[i] = qn_dim_const(graph->dims, number);
    }
    QN_TRY(qn_dim_pool_take_status(graph->dims));
    value->contents = contents;
    return NULL;
}

/* The shape of a type as a view without data; 0 if a dim is no number or there are too many elements. */
static int concrete_view(const qn_dim_pool *dims, const qn_type *type, int64_t elems_max, qn_view *out) {
    *out = (qn_view){.dtype = type->dtype, .rank = type->rank};
    for (int i = 0; i < type->rank; i++)
        if (!qn_dim_is_const(dims, type->dims[i], &out->dims[i])) return 0;
    int64_t elems = count_elems(out);
    return elems >= 0 && elems <= elems_max;
}

static int allocate(qn_arena *scratch, qn_view *view) {
    size_t bytes = qn_view_bytes(view);
    view->data = qn_arena_alloc(scratch, bytes ? bytes : 1, 1);
    return view->data != NULL;
}

/* Of converting an operand: it is all known, it is not, or memory is exhausted. */
enum outcome { KNOWN, UNKNOWN, EXHAUSTED };

/* An input as numbers: from the constant itself, or from contents that are all numbers. */
static enum outcome number_view(qn_infer *infer, const qn_node *node, int input, qn_arena *scratch, qn_view *out) {
    const qn_value *value = node->inputs[input];
    *out = (qn_view){.dtype = QN_DTYPE_NONE};
    if (!value) return KNOWN;
    if (!concrete_view(infer->dims, &infer->inputs[input], EVAL_ELEMS_MAX, out)) return UNKNOWN;
    if (qn_value_is_constant(value) && value->type.dtype != QN_DTYPE_STRING) {
        *out = qn_value_view(value);
        return KNOWN;
    }
    const qn_dim *contents = infer->contents[input];
    if (!contents || !can_have_contents(out->dtype)) return UNKNOWN;
    if (!allocate(scratch, out)) return EXHAUSTED;
    int64_t elems = qn_view_elems(out), number;
    for (int64_t i = 0; i < elems; i++) {
        if (!qn_dim_is_const(infer->dims, contents[i], &number)) return UNKNOWN;
        qn_view_set_int(out, i, number);
    }
    return KNOWN;
}

/* An input as handles. */
static enum outcome handle_view(qn_infer *infer, const qn_node *node, int input, qn_arena *scratch, qn_view *out) {
    const qn_dim *contents = infer->contents[input];
    *out = (qn_view){.dtype = QN_DTYPE_NONE};
    if (!node->inputs[input]) return KNOWN;
    if (!contents || !concrete_view(infer->dims, &infer->inputs[input], QN_CONTENT_MAX, out)) return UNKNOWN;
    out->dtype = QN_DTYPE_S64;
    if (!allocate(scratch, out)) return EXHAUSTED;
    int64_t elems = qn_view_elems(out);
    for (int64_t i = 0; i < elems; i++) ((int64_t *)out->data)[i] = contents[i].id;
    return KNOWN;
}

/* How many inputs, from the first on, hold elements that the operator moves; the others, say the axis of a concat, are
   looked at. 0 if the operator computes. */
static int moved_inputs(const qn_node *node) {
    if (!qn_op_moves(node->op)) return 0;
    return node->op->data_inputs ? node->op->data_inputs : node->input_count;
}

static enum outcome make_inputs(qn_infer *infer, const qn_node *node, int moved, qn_arena *scratch, qn_view *views) {
    for (int i = 0; i < node->input_count; i++) {
        enum outcome outcome = i < moved ? handle_view(infer, node, i, scratch, &views[i])
                                         : number_view(infer, node, i, scratch, &views[i]);
        if (outcome != KNOWN) return outcome;
    }
    return KNOWN;
}

static enum outcome make_outputs(qn_infer *infer, const qn_node *node, int moved, qn_arena *scratch, qn_view *views) {
    for (int i = 0; i < node->output_count; i++) {
        if (!can_have_contents(infer->outputs[i].dtype)) return UNKNOWN;
        if (!concrete_view(infer->dims, &infer->outputs[i], QN_CONTENT_MAX, &views[i])) return UNKNOWN;
        if (moved) views[i].dtype = QN_DTYPE_S64;
        if (!allocate(scratch, &views[i])) return EXHAUSTED;
    }
    return KNOWN;
}

/* KNOWN when eval succeeded and left the shapes as inferred. */
static enum outcome evaluate(const qn_node *node, qn_view *inputs, qn_view *outputs, const qn_infer *infer,
                             qn_arena *scratch) {
    qn_eval eval = {.attrs = node->attrs,
                    .input_count = node->input_count,
                    .inputs = inputs,
                    .output_count = node->output_count,
                    .outputs = outputs};
    size_t bytes = node->op->scratch_bytes ? node->op->scratch_bytes(&eval) : 0;
    eval.scratch = qn_arena_alloc_aligned(scratch, bytes ? bytes : 1, 64);
    if (!eval.scratch) return EXHAUSTED;
    qn_status *status = node->op->eval(&eval);
    enum outcome outcome = status ? UNKNOWN : KNOWN;
    qn_status_free(status);
    for (int i = 0; outcome == KNOWN && i < node->output_count; i++) {
        qn_view expected;
        if (!concrete_view(infer->dims, &infer->outputs[i], QN_CONTENT_MAX, &expected)) return UNKNOWN;
        if (outputs[i].rank != expected.rank || qn_view_elems(&outputs[i]) != qn_view_elems(&expected)) return UNKNOWN;
    }
    return outcome;
}

static qn_status *take_contents(qn_infer *infer, int output, int moved, const qn_view *view) {
    int64_t elems = qn_view_elems(view);
    qn_dim *contents = QN_ARENA_ARRAY(infer->arena, qn_dim, elems ? (size_t)elems : 1);
    if (!contents) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) {
        int64_t number = qn_view_get_int(view, i);
        if (!moved && view->dtype == QN_DTYPE_U64 && number < 0) return NULL;
        assert(!moved || (number >= 0 && number <= UINT32_MAX)); /* a handle, where it was put or elsewhere, or 0 */
        contents[i] = moved ? (qn_dim){(uint32_t)number} : qn_dim_const(infer->dims, number);
    }
    infer->out_contents[output] = contents;
    return NULL;
}

static qn_status *derive(const qn_node *node, qn_infer *infer, int moved, qn_arena *scratch) {
    qn_view *inputs = QN_ARENA_ARRAY(scratch, qn_view, (size_t)node->input_count + 1);
    qn_view *outputs = QN_ARENA_ARRAY(scratch, qn_view, (size_t)node->output_count + 1);
    if (!inputs || !outputs) return qn_status_out_of_memory();
    enum outcome outcome = make_outputs(infer, node, moved, scratch, outputs);
    if (outcome == KNOWN) outcome = make_inputs(infer, node, moved, scratch, inputs);
    if (outcome == KNOWN) outcome = evaluate(node, inputs, outputs, infer, scratch);
    if (outcome == EXHAUSTED) return qn_status_out_of_memory();
    for (int i = 0; outcome == KNOWN && i < node->output_count; i++)
        if (!infer->out_contents[i]) QN_TRY(take_contents(infer, i, moved, &outputs[i]));
    return NULL;
}

qn_status *qn_contents_derive(const qn_node *node, qn_infer *infer, qn_arena *scratch) {
    int missing = 0;
    if (node->op->flags & QN_OP_EFFECT) return NULL;
    for (int i = 0; i < node->output_count; i++) missing |= !infer->out_contents[i];
    return missing ? derive(node, infer, moved_inputs(node), scratch) : NULL;
}
