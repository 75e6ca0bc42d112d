/* Weights are stored once, in the layout that every kernel reads straight from the mapped file. */
#include "plan/internal.h"

#include "kernel/kernel.h"

#include <string.h>

typedef struct packing_job {
    qn_packing packing;
    int64_t rows, columns; /* of the weights as a matrix [rows, columns] */
    int transposed;        /* they are stored as [columns, rows] */
} packing_job;

/* What has been made of a constant, so that nodes that share weights share them packed too. */
typedef struct packed_constant {
    packing_job job;
    qn_value *value; /* NULL: nothing yet */
} packed_constant;

/* How a conv2d's weights are packed; PLAIN when no kernel covers it. */
static packing_job convolution_job(const qn_view *weights, const qn_conv2d_attrs *attrs) {
    int64_t taps = weights->dims[0] * weights->dims[1], cin = weights->dims[2], cout = weights->dims[3];
    if (attrs->groups == 1) return (packing_job){QN_PACKING_PANEL16, taps * cin, cout, 0};
    if (cin == 1 && cout == attrs->groups) return (packing_job){QN_PACKING_CHANNEL16, taps, cout, 0};
    return (packing_job){QN_PACKING_PLAIN, 0, 0, 0};
}

static packing_job product_job(const qn_view *weights, const qn_matmul_attrs *attrs) {
    if (weights->rank != 2 || attrs->transpose_a) return (packing_job){QN_PACKING_PLAIN, 0, 0, 0};
    int64_t k = weights->dims[attrs->transpose_b ? 1 : 0], n = weights->dims[attrs->transpose_b ? 0 : 1];
    return (packing_job){QN_PACKING_PANEL16, k, n, attrs->transpose_b != 0};
}

/* [n, k] as [k, n], elements of `size` bytes. */
static void *transposed(qn_arena *arena, const char *src, int64_t k, int64_t n, size_t size) {
    char *dst = qn_arena_alloc(arena, (size_t)(k * n), size);
    for (int64_t row = 0; dst && row < k; row++)
        for (int64_t column = 0; column < n; column++)
            memcpy(dst + (size_t)(row * n + column) * size, src + (size_t)(column * k + row) * size, size);
    return dst;
}

static void pack(const packing_job *job, qn_dtype dtype, const void *src, void *out) {
    int is_half = dtype == QN_DTYPE_F16;
    if (job->packing == QN_PACKING_PANEL16) {
        if (is_half)
            qn_conv_f16_pack(src, job->rows, job->columns, out);
        else
            qn_conv_f32_pack(src, job->rows, job->columns, out);
    } else if (is_half) {
        qn_depthwise_f16_pack(src, job->rows, job->columns, out);
    } else {
        qn_depthwise_f32_pack(src, job->rows, job->columns, out);
    }
}

/* A constant with the dims of `view` whose bytes are packed. */
static qn_status *add_packed(qn_graph *graph, const char *name, const qn_view *view, const void *src,
                             const packing_job *job, qn_value **out) {
    int is_panel = job->packing == QN_PACKING_PANEL16;
    size_t elem_bytes = qn_dtype_size(view->dtype);
    size_t elems = is_panel ? qn_conv_f32_packed_elems(job->rows, job->columns)
                            : qn_depthwise_f32_packed_elems(job->rows, job->columns);
    void *packed = qn_arena_alloc_aligned(graph->arena, elems * elem_bytes, 64);
    if (!packed) return qn_status_out_of_memory();
    pack(job, view->dtype, src, packed);
    qn_view packed_view = *view;
    packed_view.data = packed;
    QN_TRY(qn_graph_add_constant(graph, name, &packed_view, out));
    (*out)->data_bytes = elems * elem_bytes;
    return NULL;
}

/* Panels are padded to 16 outputs. Where that would blow large weights up, a small model could ask for any amount of
   memory: such weights stay plain, and the operator runs by its naive code. */
static int is_affordable(const qn_view *weights, const packing_job *job) {
    enum { LARGE_ELEMS = 16 << 20 };
    int64_t elems = qn_view_elems(weights);
    int64_t packed =
        (int64_t)(job->packing == QN_PACKING_PANEL16 ? qn_conv_f32_packed_elems(job->rows, job->columns)
                                                     : qn_depthwise_f32_packed_elems(job->rows, job->columns));
    return packed <= LARGE_ELEMS || packed <= 2 * elems;
}

static int jobs_equal(const packing_job *a, const packing_job *b) {
    return a->packing == b->packing && a->rows == b->rows && a->columns == b->columns && a->transposed == b->transposed;
}

/* The packed form of `weights`, made on first use. */
static qn_status *find_packed(qn_graph *graph, packed_constant *known, const qn_value *weights, const packing_job *job,
                              qn_value **out) {
    packed_constant *entry = &known[weights->id];
    *out = entry->value;
    if (entry->value && jobs_equal(&entry->job, job)) return NULL;
    qn_view view = qn_value_view(weights);
    const void *src = view.data;
    if (job->transposed) {
        src = transposed(graph->arena, src, job->rows, job->columns, qn_dtype_size(view.dtype));
        if (!src) return qn_status_out_of_memory();
        view.dims[0] = job->rows;
        view.dims[1] = job->columns;
    }
    QN_TRY(add_packed(graph, weights->name, &view, src, job, out));
    *entry = (packed_constant){*job, *out};
    return NULL;
}

static qn_status *pack_node(qn_graph *graph, packed_constant *known, qn_node *node) {
    int is_conv = node->op == &qn_op_conv2d;
    if ((!is_conv && node->op != &qn_op_matmul) || !qn_value_is_constant(node->inputs[1])) return NULL;
    if (node->inputs[0]->type.dtype != QN_DTYPE_F32 && node->inputs[0]->type.dtype != QN_DTYPE_F16) return NULL;
    qn_value *packed;
    qn_view view = qn_value_view(node->inputs[1]);
    packing_job job = is_conv ? convolution_job(&view, node->attrs) : product_job(&view, node->attrs);
    if (job.packing == QN_PACKING_PLAIN || !job.rows || !job.columns || !is_affordable(&view, &job)) return NULL;
    QN_TRY(find_packed(graph, known, node->inputs[1], &job, &packed));
    if (is_conv) {
        ((qn_conv2d_attrs *)node->attrs)->packing = job.packing;
    } else {
        ((qn_matmul_attrs *)node->attrs)->packing = job.packing;
        ((qn_matmul_attrs *)node->attrs)->transpose_b = 0;
    }
    return qn_node_set_input(graph, node, 1, packed);
}

qn_status *qn_plan_pack_weights(qn_graph *graph) {
    packed_constant *known = QN_ARENA_ARRAY(graph->arena, packed_constant, graph->next_id);
    if (!known) return qn_status_out_of_memory();
    for (qn_node *node = graph->first; node; node = node->next)
        QN_TRY_CTX(pack_node(graph, known, node), "%s", node->source ? node->source : node->name);
    return NULL;
}
