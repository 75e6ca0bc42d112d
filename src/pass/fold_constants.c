/* Replaces every value that no input can change by a constant: nodes whose inputs are all constants are evaluated, and
 * small integers whose elements inference knows as numbers are written down. Large results are left to run time, and so
 * is what takes long: what is folded grows with what the model itself holds, so that a few bytes of it cannot ask for
 * gigabytes or hours. Weights that were rounded to a grid keep that in their stats. */
#include "pass/pass.h"
#include "pass/rewrite.h"
#include "quant/grid.h"

#define RESULT_BYTES_MAX     ((int64_t)64 << 20)  /* of one value */
#define TOTAL_BYTES_MAX      ((int64_t)512 << 20) /* of all results, and no more than these two: */
#define TOTAL_BYTES_FREE     ((int64_t)64 << 20)
#define TOTAL_BYTES_PER_BYTE 4                  /* of constants: bytes become floats */
#define RESULT_MACS_MAX      ((int64_t)1 << 26) /* of one node; naive evaluation makes some 10^8 a second */
#define TOTAL_WORK_FREE      ((int64_t)1 << 27) /* elements read and written, and multiply-adds, of all nodes */
#define TOTAL_WORK_PER_BYTE  16                 /* of constants */

typedef struct folding {
    qn_graph *graph;
    int64_t budget_bytes; /* of results, what is left */
    int64_t budget_work;
    int learned; /* numbers have turned up that inference did not know: shapes may follow from them */
} folding;

/* Concrete dims and size of a type; 0 when a dim is no number or the size is above the limit. */
static int concrete_view(const qn_graph *graph, const qn_type *type, qn_view *out_view) {
    *out_view = (qn_view){.dtype = type->dtype, .rank = type->rank};
    int64_t bytes = (int64_t)qn_dtype_size(type->dtype);
    for (int i = 0; i < type->rank; i++) {
        int64_t dim;
        if (!qn_dim_is_const(graph->dims, type->dims[i], &dim)) return 0;
        if (!qn_checked_mul_i64(bytes, dim, &bytes) || bytes > RESULT_BYTES_MAX) return 0;
        out_view->dims[i] = dim;
    }
    return qn_dtype_size(type->dtype) > 0;
}

static int inputs_are_constant(const qn_node *node) {
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !qn_value_is_constant(node->inputs[i])) return 0;
    return 1;
}

static qn_status *replace_by_constant(folding *f, qn_value *value, const qn_view *view) {
    qn_value *constant;
    QN_TRY(qn_graph_add_constant(f->graph, value->name, view, &constant));
    constant->contents = value->contents;
    constant->stats = value->stats;
    if (!value->contents && !qn_dtype_is_float(view->dtype)) f->learned = 1;
    return qn_graph_replace_value(f->graph, value, constant);
}

/* Whether the results of a node are worth having now; takes them out of the budget. */
static int is_affordable(folding *f, const qn_node *node, const qn_eval *eval) {
    int64_t bytes = 0, work = node->op->macs ? node->op->macs(eval) : 0;
    if (work > RESULT_MACS_MAX) return 0;
    for (int i = 0; i < eval->input_count; i++) work += node->inputs[i] ? qn_view_elems(&eval->inputs[i]) : 0;
    for (int i = 0; i < eval->output_count; i++) {
        bytes += (int64_t)qn_view_bytes(&eval->outputs[i]);
        work += qn_view_elems(&eval->outputs[i]);
    }
    if (bytes > f->budget_bytes || work > f->budget_work) return 0;
    f->budget_bytes -= bytes;
    f->budget_work -= work;
    return 1;
}

static folding begin_folding(qn_graph *graph) {
    int64_t told = qn_graph_told_bytes(graph);
    return (folding){
        .graph = graph,
        .budget_bytes = qn_min_i64(TOTAL_BYTES_MAX, TOTAL_BYTES_FREE + TOTAL_BYTES_PER_BYTE * told),
        .budget_work = TOTAL_WORK_FREE + TOTAL_WORK_PER_BYTE * told,
    };
}

static qn_status *allocate(qn_arena *arena, const qn_node *node, qn_eval *eval) {
    for (int i = 0; i < eval->output_count; i++) {
        eval->outputs[i].data = qn_arena_alloc_aligned(arena, qn_view_bytes(&eval->outputs[i]), 64);
        if (!eval->outputs[i].data) return qn_status_out_of_memory();
    }
    if (!node->op->scratch_bytes) return NULL;
    eval->scratch = qn_arena_alloc_aligned(arena, node->op->scratch_bytes(eval), 64);
    return eval->scratch ? NULL : qn_status_out_of_memory();
}

/* Notes the grid that the results of a node are on. */
static qn_status *note_grid(const folding *f, const qn_node *node) {
    if (node->output_count != 1 || !node->input_count || !node->inputs[0]) return NULL;
    const qn_value_stats *stats = node->inputs[0]->stats;
    if (qn_op_moves(node->op) && stats && stats->grid) {
        if (stats->grid->channels == 1 || qn_op_keeps_channels(node->op)) node->outputs[0]->stats = stats;
        return NULL;
    }
    return qn_grid_of_node(f->graph, node, &node->outputs[0]->stats);
}

static qn_status *evaluate(folding *f, qn_node *node, int *out_done) {
    qn_view *inputs = QN_ARENA_ARRAY(f->graph->arena, qn_view, (size_t)node->input_count);
    qn_view *outputs = QN_ARENA_ARRAY(f->graph->arena, qn_view, (size_t)node->output_count);
    if (!inputs || !outputs) return qn_status_out_of_memory();
    *out_done = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]) inputs[i] = qn_value_view(node->inputs[i]);
    for (int i = 0; i < node->output_count; i++)
        if (!concrete_view(f->graph, &node->outputs[i]->type, &outputs[i])) return NULL;
    qn_eval eval = {.attrs = node->attrs,
                    .input_count = node->input_count,
                    .inputs = inputs,
                    .output_count = node->output_count,
                    .outputs = outputs};
    if (!is_affordable(f, node, &eval)) return NULL;
    QN_TRY(allocate(f->graph->arena, node, &eval));
    QN_TRY_CTX(node->op->eval(&eval), "%s", node->source ? node->source : node->name);
    QN_TRY(note_grid(f, node));
    for (int i = 0; i < node->output_count; i++) QN_TRY(replace_by_constant(f, node->outputs[i], &outputs[i]));
    *out_done = 1;
    return NULL;
}

/* A constant from elements that are all known numbers; does nothing for others. */
static qn_status *write_contents(folding *f, qn_value *value) {
    qn_view view;
    if (!value->contents || (!value->uses.count && !value->is_output)) return NULL;
    if (!concrete_view(f->graph, &value->type, &view)) return NULL;
    int64_t elems = qn_view_elems(&view), number;
    for (int64_t i = 0; i < elems; i++)
        if (!qn_dim_is_const(f->graph->dims, value->contents[i], &number)) return NULL;
    view.data = qn_arena_alloc_aligned(f->graph->arena, qn_view_bytes(&view), 16);
    if (!view.data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) {
        qn_dim_is_const(f->graph->dims, value->contents[i], &number);
        qn_view_set_int(&view, i, number);
    }
    return replace_by_constant(f, value, &view);
}

qn_status *qn_pass_fold_constants(qn_graph *graph) {
    folding f = begin_folding(graph);
    for (qn_node *node = graph->first; node; node = node->next) {
        if (node->op->flags & QN_OP_EFFECT) continue;
        int done = 0;
        if (inputs_are_constant(node)) QN_TRY(evaluate(&f, node, &done));
        for (int i = 0; i < node->output_count && !done; i++) QN_TRY(write_contents(&f, node->outputs[i]));
    }
    return f.learned ? qn_graph_infer(graph) : NULL;
}
