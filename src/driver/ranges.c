#include "driver/ranges.h"

#include <stdlib.h>

static qn_status *apply_dim(qn_graph *graph, const qn_value *input, const char *index, int axis, int64_t low, int64_t high) {
    qn_dim dim = input->type.dims[axis];
    int64_t present_low, present_high;
    qn_dim_range(graph->dims, dim, &present_low, &present_high);
    if (present_low == present_high) {
        if (low <= present_low && present_low <= high) return NULL;
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: input '%s': dim %d is fixed to %lld, outside %lld..%lld", index,
                      input->name, axis, (long long)present_low, (long long)low, (long long)high);
    }
    if (low > present_high || high < present_low)
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: input '%s': dim %d: no size in %lld..%lld is possible: %s", index,
                      input->name, axis, (long long)low, (long long)high,
                      qn_dim_symbol_reason(graph->dims, dim) ? qn_dim_symbol_reason(graph->dims, dim) : "the model declares another");
    low = qn_max_i64(low, present_low);
    const char *reason = high <= present_high ? "dim_range" : qn_dim_symbol_reason(graph->dims, dim);
    return qn_dim_symbol_set_range(graph->dims, dim, low, qn_min_i64(high, present_high), reason ? reason : "dim_range");
}

static qn_status *apply_input(qn_graph *graph, const char *index, const json_t *range) {
    size_t number = (size_t)strtoul(index, NULL, 10);
    if (number >= graph->inputs.count)
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: the network has %zu input%s, numbered from 0", index,
                      graph->inputs.count, graph->inputs.count == 1 ? "" : "s");
    const qn_value *input = graph->inputs.items[number];
    const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
    if ((int)json_array_size(min) != input->type.rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: %zu dims given, input '%s' has %d", index, json_array_size(min),
                      input->name, input->type.rank);
    for (int axis = 0; axis < input->type.rank; axis++)
        QN_TRY(apply_dim(graph, input, index, axis, json_integer_value(json_array_get(min, (size_t)axis)),
                         json_integer_value(json_array_get(max, (size_t)axis))));
    return NULL;
}

static qn_status *expect_fixed(const qn_graph *graph) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++) {
            int64_t low, high;
            qn_dim_range(graph->dims, graph->inputs.items[i]->type.dims[axis], &low, &high);
            if (low != high)
                return QN_ERR(QN_INVALID_ARGUMENT, "graph_shape_mutable is false, but dim %d of input '%s' is free: give its "
                              "shape (--input '%s=...') or a dim_range with min = max", axis, graph->inputs.items[i]->name,
                              graph->inputs.items[i]->name);
        }
    return NULL;
}

qn_status *qn_ranges_apply(qn_graph *graph, const qn_config *config) {
    const json_t *ranges = qn_config_find(config, "dim_range");
    const char *index;
    json_t *range;
    json_object_foreach((json_t *)ranges, index, range) QN_TRY(apply_input(graph, index, range));
    QN_TRY(qn_graph_infer(graph));
    return qn_config_bool(config, "graph_shape_mutable", 1) ? NULL : expect_fixed(graph);
}
