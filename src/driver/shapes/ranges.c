#include "driver/shapes/ranges.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct ranging {
    qn_graph *graph;
    const qn_config *config;
    const qn_log *log;
    qn_pins *pins;
} ranging;

/* One dim of one range: "dim_range.0: input 'x': dim 1". */
typedef struct wish {
    const char *index;
    const qn_value *input;
    size_t number;
    int axis;
    int64_t low, high;
} wish;

static qn_status *refuse(const wish *w, const char *reason) {
    return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: input '%s': dim %d: %s", w->index, w->input->name, w->axis,
                  reason);
}

/* A dim with one size: the range must be that size, or hold it where only the configuration fixes the dim. */
static qn_status *apply_fixed(const ranging *r, const wish *w, int64_t size) {
    const qn_pin *pin = qn_pins_find(r->pins, w->number, w->axis);
    char text[2048];
    if (pin ? w->low == size && w->high == size : w->low <= size && size <= w->high) return NULL;
    if (pin)
        snprintf(text, sizeof text, "stays %lld, so it cannot range over %lld..%lld: it is pinned by %s",
                 (long long)size, (long long)w->low, (long long)w->high, pin->reason);
    else
        snprintf(text, sizeof text, "is fixed to %lld, outside %lld..%lld", (long long)size, (long long)w->low,
                 (long long)w->high);
    return refuse(w, text);
}

static void warn_cut(const ranging *r, const wish *w, int64_t low, int64_t high, const char *reason) {
    char text[2048];
    if (!r->log) return;
    snprintf(text, sizeof text, "dim_range.%s: input '%s': dim %d: only %lld..%lld of %lld..%lld is possible: %s",
             w->index, w->input->name, w->axis, (long long)low, (long long)high, (long long)w->low, (long long)w->high,
             reason);
    r->log->write(r->log->self, QN_LOG_WARNING, text);
}

static qn_status *apply_dim(const ranging *r, const wish *w) {
    qn_dim_pool *dims = r->graph->dims;
    qn_dim dim = w->input->type.dims[w->axis];
    int64_t present_low, present_high;
    char text[2048];
    qn_dim_range(dims, dim, &present_low, &present_high);
    if (present_low == present_high) return apply_fixed(r, w, present_low);
    const char *bound = qn_dim_symbol_reason(dims, dim);
    if (w->low > present_high || w->high < present_low) {
        snprintf(text, sizeof text, "no size in %lld..%lld is possible: %s", (long long)w->low, (long long)w->high,
                 bound ? bound : "the model declares another");
        return refuse(w, text);
    }
    int64_t low = qn_max_i64(w->low, present_low), high = qn_min_i64(w->high, present_high);
    if (low != w->low || high != w->high) warn_cut(r, w, low, high, bound ? bound : "the model declares no more");
    return qn_dim_symbol_set_range(dims, dim, low, high, w->high > present_high && bound ? bound : "dim_range");
}

static int64_t size_at(const json_t *sizes, int axis) {
    return json_integer_value(json_array_get(sizes, (size_t)axis));
}

static qn_status *apply_input(const ranging *r, const char *index, const json_t *range) {
    size_t number = (size_t)strtoul(index, NULL, 10), count = r->graph->inputs.count;
    if (number >= count)
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: the network has %zu input%s, numbered from 0", index, count,
                      count == 1 ? "" : "s");
    const qn_value *input = r->graph->inputs.items[number];
    const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
    if ((int)json_array_size(min) != input->type.rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "dim_range.%s: %zu dims given, input '%s' has %d", index,
                      json_array_size(min), input->name, input->type.rank);
    for (int axis = 0; axis < input->type.rank; axis++) {
        wish w = {index, input, number, axis, size_at(min, axis), size_at(max, axis)};
        QN_TRY(apply_dim(r, &w));
    }
    return NULL;
}

static qn_status *expect_fixed(const qn_graph *graph) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++) {
            int64_t low, high;
            qn_dim_range(graph->dims, graph->inputs.items[i]->type.dims[axis], &low, &high);
            if (low != high)
                return QN_ERR(QN_INVALID_ARGUMENT,
                              "graph_shape_mutable is false, but dim %d of input '%s' is free: give its "
                              "shape (--input '%s=...') or a dim_range with min = max",
                              axis, graph->inputs.items[i]->name, graph->inputs.items[i]->name);
        }
    return NULL;
}

/* Is the dim to stay the size it has? Then nothing need be tried. */
static int wants_size(const void *self, size_t input, int axis, int64_t size) {
    const ranging *r = self;
    const char *index;
    json_t *range;
    if (r->graph->inputs.items[input]->fixed_axes >> axis & 1) return 1;
    json_object_foreach((json_t *)qn_config_find(r->config, "dim_range"), index, range) {
        const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
        if (strtoul(index, NULL, 10) == input && json_array_size(min) > (size_t)axis)
            return size_at(min, axis) == size && size_at(max, axis) == size;
    }
    return 0;
}

/* ---- Bounds of what was opened ---- */

/* The sizes of fixed dims, in a row for each input; 0: free. NULL when memory is short. */
static int64_t (*list_declared(const qn_graph *graph))[QN_MAX_RANK] {
    int64_t(*sizes)[QN_MAX_RANK] = qn_arena_alloc(graph->arena, graph->inputs.count + 1, sizeof *sizes);
    for (size_t i = 0; sizes && i < graph->inputs.count; i++)
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++)
            (void)qn_dim_is_const(graph->dims, graph->inputs.items[i]->type.dims[axis], &sizes[i][axis]);
    return sizes;
}

/* Dim `axis` of an input that was opened goes up to the size that was declared. A reason of the lower end is kept: it
   names the node that needs so much. Where that is all that was declared, one size is left, and the dim is pinned. Where
   the dim was open beyond the declared size, *out_bounded becomes 1. */
static qn_status *bound_dim(const ranging *r, size_t input, int axis, int64_t declared, int *out_bounded) {
    qn_graph *graph = r->graph;
    const qn_dim dim = graph->inputs.items[input]->type.dims[axis];
    int64_t low, high;
    qn_dim_range(graph->dims, dim, &low, &high);
    if (low > declared || high <= declared || !qn_dim_is_symbol(graph->dims, dim)) return NULL;
    const char *former = qn_dim_symbol_reason(graph->dims, dim);
    const char *reason =
        qn_arena_printf(graph->arena, "%s%sthe source declares %lld, and a dim_range (--range) opens more",
                        former ? former : "", former ? "; " : "", (long long)declared);
    if (!reason) return qn_status_out_of_memory();
    const qn_pin pin = {input, axis, declared, reason};
    if (low == declared) QN_TRY(QN_LIST_PUSH(graph->arena, &r->pins->list, pin));
    *out_bounded = 1;
    return qn_dim_symbol_set_range(graph->dims, dim, low, declared, reason);
}

int qn_ranges_has(const qn_config *config, size_t input) {
    char index[24];
    snprintf(index, sizeof index, "%zu", input);
    return json_object_get(qn_config_find(config, "dim_range"), index) != NULL;
}

/* What was declared as one size and can vary goes up to that size, so that memory has a ceiling and a size to be tried
   at is known. A batch of one bounds nothing, and whoever gives a dim_range for an input has bounded it. */
static qn_status *bound_opened(const ranging *r, int64_t (*const declared)[QN_MAX_RANK]) {
    int is_bounded = 0; /* else the types are as they were inferred last */
    for (size_t i = 0; i < r->graph->inputs.count; i++) {
        if (qn_ranges_has(r->config, i)) continue;
        for (int axis = 0; axis < r->graph->inputs.items[i]->type.rank; axis++)
            if (declared[i][axis] > 1) QN_TRY(bound_dim(r, i, axis, declared[i][axis], &is_bounded));
    }
    return is_bounded ? qn_graph_infer(r->graph) : NULL;
}

/* The name of a size that depends on data and has no end, so that nothing can be run; NULL: there is none. */
static qn_status *find_endless_size(const qn_graph *graph, const char **out_name) {
    const size_t count = qn_dim_symbol_count(graph->dims);
    uint8_t *is_input = qn_arena_alloc(graph->arena, count ? count : 1, 1);
    *out_name = NULL;
    if (!is_input) return qn_status_out_of_memory();
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++) {
            const qn_dim dim = graph->inputs.items[i]->type.dims[axis];
            if (qn_dim_is_symbol(graph->dims, dim)) is_input[qn_dim_symbol_number(graph->dims, dim)] = 1;
        }
    for (size_t i = 0; i < count && !*out_name; i++) {
        int64_t low, high;
        const qn_dim symbol = qn_dim_symbol_at(graph->dims, i);
        qn_dim_range(graph->dims, symbol, &low, &high);
        if (!is_input[i] && high == QN_DIM_UNBOUNDED) *out_name = qn_dim_symbol_name(graph->dims, symbol);
    }
    return NULL;
}

/* A batch of one is bounded after all where a size that depends on data would have no end with it. */
static qn_status *bound_batches(const ranging *r, int64_t (*const declared)[QN_MAX_RANK], qn_pins *out_pins) {
    const char *endless;
    QN_TRY(find_endless_size(r->graph, &endless));
    if (!endless) return NULL;
    const char *reason = qn_arena_printf(r->graph->arena,
                                         "with more, size '%s', which depends on data, would have no end; a dim_range "
                                         "(--range) opens it",
                                         endless);
    if (!reason) return qn_status_out_of_memory();
    for (size_t i = 0; i < r->graph->inputs.count; i++) {
        if (qn_ranges_has(r->config, i)) continue;
        for (int axis = 0; axis < r->graph->inputs.items[i]->type.rank; axis++) {
            const qn_dim dim = r->graph->inputs.items[i]->type.dims[axis];
            if (declared[i][axis] != 1 || !qn_dim_is_symbol(r->graph->dims, dim)) continue;
            QN_TRY(qn_dim_symbol_set_range(r->graph->dims, dim, 1, 1, reason));
            QN_TRY(QN_LIST_PUSH(r->graph->arena, &out_pins->list, ((qn_pin){i, axis, 1, reason})));
        }
    }
    return qn_graph_infer(r->graph);
}

qn_status *qn_ranges_apply(qn_graph *graph, const qn_config *config, const qn_log *log, qn_pins *out_pins) {
    const json_t *ranges = qn_config_find(config, "dim_range");
    const char *index;
    json_t *range;
    ranging r = {graph, config, log, out_pins};
    int is_mutable = qn_config_bool(config, "graph_shape_mutable", 1);
    *out_pins = (qn_pins){{0}};
    int64_t(*declared)[QN_MAX_RANK] = list_declared(graph);
    if (!declared) return qn_status_out_of_memory();
    if (is_mutable) {
        QN_TRY(qn_mutable_apply(graph, wants_size, &r, out_pins));
        QN_TRY(bound_opened(&r, declared));
    }
    json_object_foreach((json_t *)ranges, index, range) QN_TRY(apply_input(&r, index, range));
    if (json_object_size(ranges)) QN_TRY(qn_graph_infer(graph));
    return is_mutable ? bound_batches(&r, declared, out_pins) : expect_fixed(graph);
}
