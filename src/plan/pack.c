/* Weights are stored once, in the layout that every kernel reads straight from the mapped file. */
#include "plan/internal.h"

#include "kernel/kernel.h"

#include <string.h>

typedef struct packing_job {
    qn_packing packing;
    qn_dtype dtype;        /* of the packed weights */
    int of_words;          /* integers: they meet activations of 16 bits */
    int64_t rows, columns; /* of the weights as a matrix [rows, columns] */
    int64_t kernel_w;      /* CHANNEL16: rows are kernel_h * kernel_w */
    int transposed;        /* they are stored as [columns, rows] */
} packing_job;

static const packing_job no_job = {.packing = QN_PACKING_PLAIN};

/* What has been made of a constant, so that nodes that share weights share them packed too. */
typedef struct packed_constant {
    packing_job job;
    qn_value *value; /* NULL: nothing yet */
} packed_constant;

/* How the weights of a convolution are packed; PLAIN when no kernel covers it. */
static packing_job convolution_job(const qn_view *weights, int64_t groups) {
    int64_t taps = weights->dims[0] * weights->dims[1], cin = weights->dims[2], cout = weights->dims[3];
    packing_job job = {.dtype = weights->dtype, .columns = cout, .kernel_w = weights->dims[1]};
    job.packing = groups == 1 ? QN_PACKING_PANEL16 : QN_PACKING_CHANNEL16;
    job.rows = groups == 1 ? taps * cin : taps;
    return groups == 1 || (cin == 1 && cout == groups) ? job : no_job;
}

static packing_job product_job(const qn_view *weights, int transpose_a, int transpose_b) {
    if (weights->rank != 2 || transpose_a) return no_job;
    return (packing_job){.packing = QN_PACKING_PANEL16,
                         .dtype = weights->dtype,
                         .rows = weights->dims[transpose_b ? 1 : 0],
                         .columns = weights->dims[transpose_b ? 0 : 1],
                         .transposed = transpose_b};
}

/* [n, k] as [k, n], elements of `size` bytes. */
static void *transposed(qn_arena *arena, const char *src, int64_t k, int64_t n, size_t size) {
    char *dst = qn_arena_alloc(arena, (size_t)(k * n), size);
    for (int64_t row = 0; dst && row < k; row++)
        for (int64_t column = 0; column < n; column++)
            memcpy(dst + (size_t)(row * n + column) * size, src + (size_t)(column * k + row) * size, size);
    return dst;
}

/* Bytes as words: so few weights as a depthwise convolution has need no kernel of their own. */
static void *widened(qn_arena *arena, const qn_view *weights) {
    qn_view wide = *weights;
    wide.dtype = QN_DTYPE_S16;
    wide.data = qn_arena_alloc(arena, (size_t)qn_view_elems(weights), sizeof(int16_t));
    for (int64_t i = 0; wide.data && i < qn_view_elems(weights); i++)
        qn_view_set_int(&wide, i, qn_view_get_int(weights, i));
    return wide.data;
}

static void pack(const packing_job *job, const void *src, void *out) {
    int is_panel = job->packing == QN_PACKING_PANEL16;
    int64_t rows = job->rows, columns = job->columns;
    if (job->dtype == QN_DTYPE_S8 && job->of_words)
        qn_conv_s16s8_pack(src, rows, columns, out);
    else if (job->dtype == QN_DTYPE_S8)
        is_panel ? qn_conv_u8_pack(src, rows, columns, out)
                 : qn_depthwise_u8_pack(src, rows / job->kernel_w, job->kernel_w, columns, out);
    else if (job->dtype == QN_DTYPE_S16)
        is_panel ? qn_conv_s16_pack(src, rows, columns, out)
                 : qn_depthwise_s16_pack(src, rows / job->kernel_w, job->kernel_w, columns, out);
    else if (job->dtype == QN_DTYPE_F16)
        is_panel ? qn_conv_f16_pack(src, rows, columns, out) : qn_depthwise_f16_pack(src, rows, columns, out);
    else
        is_panel ? qn_conv_f32_pack(src, rows, columns, out) : qn_depthwise_f32_pack(src, rows, columns, out);
}

static size_t packed_bytes(const packing_job *job) {
    int is_panel = job->packing == QN_PACKING_PANEL16;
    if (job->dtype == QN_DTYPE_S8 && job->of_words) return qn_conv_s16s8_packed_bytes(job->rows, job->columns);
    if (job->dtype == QN_DTYPE_S8)
        return is_panel ? qn_conv_u8_packed_bytes(job->rows, job->columns)
                        : qn_depthwise_u8_packed_bytes(job->rows / job->kernel_w, job->kernel_w, job->columns);
    if (job->dtype == QN_DTYPE_S16)
        return is_panel ? qn_conv_s16_packed_bytes(job->rows, job->columns)
                        : qn_depthwise_s16_packed_bytes(job->rows / job->kernel_w, job->kernel_w, job->columns);
    return qn_dtype_size(job->dtype) * (is_panel ? qn_conv_f32_packed_elems(job->rows, job->columns)
                                                 : qn_depthwise_f32_packed_elems(job->rows, job->columns));
}

/* A constant with the dims of `view` whose bytes are packed. */
static qn_status *add_packed(qn_graph *graph, const char *name, const qn_view *view, const void *src,
                             const packing_job *job, qn_value **out) {
    size_t bytes = packed_bytes(job);
    void *packed = qn_arena_alloc_aligned(graph->arena, bytes, 64);
    if (!packed) return qn_status_out_of_memory();
    pack(job, src, packed);
    qn_view packed_view = *view;
    packed_view.data = packed;
    QN_TRY(qn_graph_add_constant(graph, name, &packed_view, out));
    (*out)->data_bytes = bytes;
    return NULL;
}

/* Panels are padded to 16 outputs. Where that would blow large weights up, a small model could ask for any amount of
   memory: such weights stay plain, and the operator runs by its naive code. */
static int is_affordable(const qn_view *weights, const packing_job *job) {
    enum { LARGE_ELEMS = 16 << 20 };
    size_t packed = packed_bytes(job) / qn_dtype_size(job->dtype);
    return packed <= LARGE_ELEMS || packed <= 2 * (size_t)qn_view_elems(weights);
}

static int jobs_equal(const packing_job *a, const packing_job *b) {
    return a->packing == b->packing && a->kernel_w == b->kernel_w && a->rows == b->rows && a->columns == b->columns &&
           a->transposed == b->transposed && a->of_words == b->of_words;
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
    if (view.dtype == QN_DTYPE_S8 && job->dtype == QN_DTYPE_S16) {
        src = widened(graph->arena, &view);
        if (!src) return qn_status_out_of_memory();
    }
    view.dtype = job->dtype;
    QN_TRY(add_packed(graph, weights->name, &view, src, job, out));
    *entry = (packed_constant){*job, *out};
    return NULL;
}

/* What to do with input 1 of a node; unless it stays plain, *out_packing is the attribute that says so. */
static packing_job node_job(const qn_node *node, const qn_view *weights, int64_t **out_packing) {
    qn_dtype dtype = node->inputs[0]->type.dtype;
    int is_float = dtype == QN_DTYPE_F32 || dtype == QN_DTYPE_F16;
    if (node->op == &qn_op_conv2d && is_float) {
        qn_conv2d_attrs *attrs = node->attrs;
        *out_packing = &attrs->packing;
        return convolution_job(weights, attrs->groups);
    }
    if (node->op == &qn_op_matmul && is_float) {
        qn_matmul_attrs *attrs = node->attrs;
        *out_packing = &attrs->packing;
        return product_job(weights, attrs->transpose_a != 0, attrs->transpose_b != 0);
    }
    packing_job job = no_job;
    if (dtype != QN_DTYPE_U8 && dtype != QN_DTYPE_S16) return no_job;
    if (node->op == &qn_op_conv2d_quantized) {
        qn_conv2d_quantized_attrs *attrs = node->attrs;
        *out_packing = &attrs->packing;
        job = convolution_job(weights, attrs->conv.groups);
    } else if (node->op == &qn_op_matmul_quantized) {
        *out_packing = &((qn_matmul_quantized_attrs *)node->attrs)->packing;
        job = product_job(weights, 0, 0);
    }
    job.of_words = dtype == QN_DTYPE_S16;
    if (job.of_words && job.packing == QN_PACKING_CHANNEL16) job.dtype = QN_DTYPE_S16;
    return job.of_words || job.rows <= QN_CONV_U8_MAX_DEPTH ? job : no_job;
}

static qn_status *pack_node(qn_graph *graph, packed_constant *known, qn_node *node) {
    if (node->input_count < 2 || !node->inputs[1] || !qn_value_is_constant(node->inputs[1])) return NULL;
    qn_value *packed;
    int64_t *packing = NULL;
    qn_view view = qn_value_view(node->inputs[1]);
    packing_job job = node_job(node, &view, &packing);
    if (job.packing == QN_PACKING_PLAIN || !job.rows || !job.columns || !is_affordable(&view, &job)) return NULL;
    QN_TRY(find_packed(graph, known, node->inputs[1], &job, &packed));
    *packing = job.packing;
    if (job.transposed) ((qn_matmul_attrs *)node->attrs)->transpose_b = 0;
    return qn_node_set_input(graph, node, 1, packed);
}

qn_status *qn_plan_pack_weights(qn_graph *graph) {
    packed_constant *known = QN_ARENA_ARRAY(graph->arena, packed_constant, graph->next_id);
    if (!known) return qn_status_out_of_memory();
    for (qn_node *node = graph->first; node; node = node->next)
        QN_TRY_CTX(pack_node(graph, known, node), "%s", node->source ? node->source : node->name);
    return NULL;
}
