#include "driver/picture/normalise.h"

#include "driver/picture/layout.h"
#include "pass/rewrite.h"

#include <math.h>
#include <stdlib.h>

/* The axis of the channels: by the graph's layout, else the last one of NHWC. */
static int channel_axis(const qn_graph *graph, const qn_value *input) {
    return qn_layout_of_input(graph, input) == QN_LAYOUT_NCHW ? 1 : input->type.rank - 1;
}

/* As many channels as numbers: a free dim is held to that. */
static qn_status *check_channels(qn_graph *graph, const char *index, qn_value *input, int axis, int64_t count) {
    int64_t low = 0, high = -1;
    if (input->type.rank) qn_dim_range(graph->dims, input->type.dims[axis], &low, &high);
    if (count < low || count > high)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "insert_bn_before_firstnode.%s: %lld numbers given, but axis %d of input '%s' has another number "
                      "of channels",
                      index, (long long)count, axis, input->name);
    if (low == high) return NULL;
    QN_TRY(qn_dim_symbol_set_range(graph->dims, input->type.dims[axis], count, count, "insert_bn_before_firstnode"));
    qn_type type = input->type;
    type.dims[axis] = qn_dim_const(graph->dims, count);
    qn_value_retype_input(input, &type);
    return NULL;
}

static qn_status *check_input(qn_graph *graph, const char *index, qn_value *input, size_t count, int *out_axis) {
    if (input->type.dtype != QN_DTYPE_F32)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "insert_bn_before_firstnode.%s: input '%s' is %s, expected f32, which becomes u8", index,
                      input->name, qn_dtype_name(input->type.dtype));
    if (input->is_output)
        return QN_ERR(QN_UNSUPPORTED, "insert_bn_before_firstnode.%s: input '%s' is an output too", index, input->name);
    *out_axis = channel_axis(graph, input);
    return count == 1 ? NULL
                      : check_channels(graph, index, input, *out_axis, (int64_t)count); /* one number is for all */
}

/* The numbers along `axis`, so that they broadcast; of `var`, its root. */
static qn_status *make_constant(qn_graph *graph, const qn_value *input, const char *word, const json_t *numbers,
                                int take_root, int axis, qn_value **out) {
    size_t count = json_array_size(numbers);
    float *data = QN_ARENA_ARRAY(graph->arena, float, count);
    if (!data) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        double number = json_number_value(json_array_get(numbers, i));
        data[i] = (float)(take_root ? sqrt(number) : number);
    }
    qn_view view = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {(int64_t)count}, .data = data};
    for (int i = axis + 1; i < input->type.rank && count > 1; i++) view.dims[view.rank++] = 1;
    return qn_graph_add_constant(graph, qn_arena_printf(graph->arena, "%s/%s", input->name, word), &view, out);
}

/* Calculates with `x` and a constant before `before`. */
static qn_status *add_step(qn_graph *graph, qn_arithmetic arithmetic, const char *name, qn_value *constant,
                           qn_node *before, qn_value **inout_x) {
    qn_node *node;
    if (!name) return qn_status_out_of_memory();
    QN_TRY(qn_graph_add_node(graph, qn_op_of_arithmetic(arithmetic), name, NULL, 2, (qn_value *[]){*inout_x, constant},
                             before, &node));
    *inout_x = node->outputs[0];
    return qn_node_infer(graph, node);
}

static qn_status *normalise(qn_graph *graph, const char *index, qn_value *input, const json_t *mean,
                            const json_t *var) {
    int axis = 0;
    qn_value *means, *deviations;
    qn_node *first = graph->first;
    QN_TRY(check_input(graph, index, input, json_array_size(mean), &axis));
    qn_type type = input->type;
    type.dtype = QN_DTYPE_U8;
    qn_value_retype_input(input, &type);
    QN_TRY(make_constant(graph, input, "mean", mean, 0, axis, &means));
    QN_TRY(make_constant(graph, input, "deviation", var, 1, axis, &deviations));
    qn_node *reader;
    QN_TRY(qn_add_cast(graph, qn_arena_printf(graph->arena, "%s/float", input->name), input, QN_DTYPE_F32, first,
                       &reader));
    QN_TRY(qn_node_infer(graph, reader));
    qn_value *x = reader->outputs[0];
    QN_TRY(add_step(graph, QN_ARITHMETIC_SUBTRACT, qn_arena_printf(graph->arena, "%s/centred", input->name), means,
                    first, &x));
    QN_TRY(add_step(graph, QN_ARITHMETIC_DIVIDE, qn_arena_printf(graph->arena, "%s/normalised", input->name),
                    deviations, first, &x));
    return qn_graph_insert_after(graph, input, reader, x);
}

qn_status *qn_inputs_normalise(qn_graph *graph, const qn_config *config) {
    const char *index;
    json_t *wish;
    json_object_foreach((json_t *)qn_config_find(config, "insert_bn_before_firstnode"), index, wish) {
        size_t number = strtoul(index, NULL, 10), count = graph->inputs.count;
        if (number >= count)
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "insert_bn_before_firstnode.%s: the network has %zu input%s, numbered from 0", index, count,
                          count == 1 ? "" : "s");
        QN_TRY(normalise(graph, index, graph->inputs.items[number], json_object_get(wish, "mean"),
                         json_object_get(wish, "var")));
    }
    return NULL;
}
