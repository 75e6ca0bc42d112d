#include "driver/picture/answer.h"

#include "driver/picture/layout.h"

#include <math.h>

enum { DEPTH_MAX = 64, VISITS_MAX = 512, ELEMENTS_MAX = 4096 };

/* ---- Where labels come from ---- */

/* The value whose labels `node` gives others names or places; NULL if it does more. *inout_is_renamed is set where the
   number of classes is no longer that of the source. */
static const qn_value *before_labels(const qn_node *node, int *inout_is_renamed) {
    const qn_op_def *op = node->op;
    if (op == &qn_op_gather && qn_value_is_constant(node->inputs[0])) return *inout_is_renamed = 1, node->inputs[1];
    if (qn_op_moves(op) || op->values == QN_VALUES_ROUNDED) return node->inputs[0];
    if (op == &qn_op_select && qn_value_is_constant(node->inputs[1]) && qn_value_is_constant(node->inputs[2]))
        return *inout_is_renamed = 1, node->inputs[0];
    if (!op->arithmetic || op->arithmetic == QN_ARITHMETIC_DIVIDE) return NULL;
    const int constant = qn_value_is_constant(node->inputs[1]) ? 1 : 0;
    *inout_is_renamed = 1;
    return qn_value_is_constant(node->inputs[constant]) ? node->inputs[1 - constant] : NULL;
}

/* The argmax or comparison that labels come from, through operators that move, convert or rename them. */
static const qn_node *find_labels(const qn_value *value, int *out_is_renamed) {
    *out_is_renamed = 0;
    for (int depth = 0; depth < DEPTH_MAX && value && value->producer; depth++) {
        const qn_node *node = value->producer;
        if (node->op->values == QN_VALUES_LABELS || node->op->values == QN_VALUES_TRUTH) return node;
        value = before_labels(node, out_is_renamed);
    }
    return NULL;
}

static int64_t count_classes(const qn_graph *graph, const qn_node *source) {
    if (source->op->values == QN_VALUES_TRUTH) return 2;
    int64_t size = 0;
    const int64_t axis = qn_op_label_axis(source->op, source->attrs);
    qn_dim_is_const(graph->dims, source->inputs[0]->type.dims[axis], &size);
    return size;
}

/* ---- Bounds of elements ---- */

static qn_interval of_constant(const qn_value *value) {
    qn_view view = qn_value_view(value);
    const int64_t count = qn_view_elems(&view);
    if (!qn_dtype_is_float(view.dtype) && !qn_dtype_is_integer(view.dtype)) return qn_bounds_unknown();
    if (count < 1 || count > ELEMENTS_MAX) return qn_bounds_unknown();
    qn_interval b = {INFINITY, -INFINITY};
    for (int64_t i = 0; i < count; i++) {
        const double element = qn_view_get(&view, i);
        if (isnan(element)) return qn_bounds_unknown();
        b.low = fmin(b.low, element), b.high = fmax(b.high, element);
    }
    return b;
}

static qn_interval of_value(const qn_value *value, int depth, int *inout_visits);

/* Of the elements that `node` copies; those of any of its data. */
static qn_interval of_moved(const qn_node *node, int depth, int *inout_visits) {
    const int count = qn_op_data_inputs(node->op, node->input_count);
    qn_interval all = {INFINITY, -INFINITY};
    for (int i = 0; i < count; i++) {
        if (!node->inputs[i]) continue;
        all = qn_interval_join(all, of_value(node->inputs[i], depth, inout_visits));
    }
    return all;
}

static qn_interval of_node(const qn_node *node, int depth, int *inout_visits) {
    qn_interval inputs[QN_BOUNDS_INPUTS_MAX];
    qn_dtype dtypes[QN_BOUNDS_INPUTS_MAX];
    if (qn_op_moves(node->op)) return of_moved(node, depth, inout_visits);
    if (node->input_count < 1 || node->input_count > QN_BOUNDS_INPUTS_MAX || !node->inputs[0])
        return qn_bounds_unknown();
    const int count = qn_op_data_inputs(node->op, node->input_count);
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *input = node->inputs[i];
        inputs[i] =
            input && (i < count || node->op->bounds) ? of_value(input, depth, inout_visits) : qn_bounds_unknown();
        dtypes[i] = input ? input->type.dtype : QN_DTYPE_NONE;
    }
    const qn_bounds of = {.attrs = node->attrs,
                          .dtype = node->outputs[0]->type.dtype,
                          .input_count = node->input_count,
                          .inputs = inputs,
                          .dtypes = dtypes};
    return qn_op_bounds(node->op, &of);
}

/* `inout_visits` bounds the work where values are used again and again. */
static qn_interval of_value(const qn_value *value, int depth, int *inout_visits) {
    if (depth > DEPTH_MAX || ++*inout_visits > VISITS_MAX) return qn_bounds_unknown();
    if (qn_value_is_constant(value)) return of_constant(value);
    return value->producer ? of_node(value->producer, depth + 1, inout_visits) : qn_bounds_unknown();
}

/* ---- Axes ---- */

static int is_size(const qn_graph *graph, const qn_value *value, int axis, int64_t size) {
    int64_t found;
    return qn_dim_is_const(graph->dims, value->type.dims[axis], &found) && found == size;
}

static int64_t dim_or_zero(const qn_graph *graph, const qn_value *value, int axis) {
    int64_t size = 0;
    qn_dim_is_const(graph->dims, value->type.dims[axis], &size);
    return size;
}

/* Is the first axis of the output that of the pictures, not a side? */
static int has_batch(const qn_graph *graph, const qn_value *input, const qn_value *output) {
    const int rank = output->type.rank;
    if (rank == 4) return 1;
    if (rank < 2 || rank > 4) return 0;
    if (input->type.rank == 4)
        return qn_dim_same(output->type.dims[0], input->type.dims[0]) || is_size(graph, output, 0, 1);
    return rank == 3 && is_size(graph, output, 0, 1) && !dim_or_zero(graph, output, 2);
}

/* The axis of the only channel of label maps that have one; -1: they have none. */
static int find_channel_axis(const qn_graph *graph, const qn_value *output, int batch) {
    const int last = output->type.rank - 1;
    if (output->type.rank != 3 + batch) return -1;
    return is_size(graph, output, last, 1) ? last : is_size(graph, output, batch, 1) ? batch : -1;
}

/* The axis of classes of [N, H, W, C], [N, C, H, W], [H, W, C], [C, H, W]; -1: there is none. */
static int find_class_axis(const qn_graph *graph, const qn_value *output, int batch) {
    const int last = output->type.rank - 1;
    if (output->type.rank != 3 + batch) return -1;
    if (batch) return qn_layout_of_output(graph, output) == QN_LAYOUT_NCHW ? 1 : last;
    return dim_or_zero(graph, output, last) ? last : dim_or_zero(graph, output, 0) ? 0 : -1;
}

/* ---- Answers ---- */

void qn_answer_part(const qn_value *output, qn_answer *answer) {
    int visits = 0;
    const qn_interval b = of_value(output, 0, &visits);
    answer->kind = QN_ANSWER_FOREGROUND;
    answer->class_count = 2;
    answer->is_bounded = isfinite(b.low) && isfinite(b.high) && b.low < b.high;
    if (!answer->is_bounded) return;
    answer->low = b.low, answer->high = b.high;
    answer->threshold = (b.low + b.high) / 2;
}

qn_answer qn_answer_of(const qn_graph *graph, const qn_value *input, const qn_value *output) {
    const int batch = has_batch(graph, input, output), rank = output->type.rank;
    const int is_float = qn_dtype_is_float(output->type.dtype);
    int is_renamed;
    const qn_node *source = find_labels(output, &is_renamed);
    qn_answer answer = {.axis = -1};
    if (source || output->type.dtype == QN_DTYPE_BOOL) {
        answer.axis = find_channel_axis(graph, output, batch);
        answer.class_count = output->type.dtype == QN_DTYPE_BOOL ? 2 : is_renamed ? 0 : count_classes(graph, source);
        return answer;
    }
    answer.axis = find_class_axis(graph, output, batch);
    if (answer.axis >= 0 && !is_size(graph, output, answer.axis, 1)) {
        answer.kind = QN_ANSWER_LOGITS;
        answer.class_count = dim_or_zero(graph, output, answer.axis);
    } else if (rank == 2 && batch && is_float) {
        answer.kind = QN_ANSWER_SCORES;
        answer.class_count = dim_or_zero(graph, output, 1);
    } else {
        qn_answer_part(output, &answer);
        if (!is_float && !answer.is_bounded) answer.kind = QN_ANSWER_LABELS, answer.class_count = 0;
    }
    return answer;
}

int qn_answer_is_label_map(const qn_graph *graph, const qn_value *input, const qn_value *output) {
    int is_renamed;
    const int batch = has_batch(graph, input, output), rank = output->type.rank;
    const int has_map = rank == 2 || rank == 3 || find_channel_axis(graph, output, batch) >= 0;
    return has_map && (find_labels(output, &is_renamed) || output->type.dtype == QN_DTYPE_BOOL);
}
