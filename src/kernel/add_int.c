/* kernel/add_int.c - driver of add_int. A task is a run of elements, added piece by piece beside the vectors of its
 * channels.
 */
#include "kernel/channels.h"

enum { TASK_ELEMS = 16384, PIECE_ELEMS = 512 };

typedef struct add_plan {
    qn_add_int_params p;
    qn_channel_vector vectors[QN_ADD_VECTORS];
    void (*add)(const qn_add_int_piece *piece);
} add_plan;

/* The vectors as find_piece looks into them. */
static void repeat_vectors(const add_plan *plan, void *scratch, const void *out_repeated[QN_ADD_VECTORS]) {
    for (int v = 0; v < QN_ADD_VECTORS; v++) {
        if (!plan->p.vector_elems[v]) continue;
        out_repeated[v] = qn_channels_repeat(&plan->vectors[v], scratch);
        scratch = qn_elem_mut(scratch, qn_channels_scratch_bytes(&plan->vectors[v]), 1);
    }
}

/* The piece from element i on, which ends before `last`. */
static qn_add_int_piece find_piece(const add_plan *plan, const void *const repeated[QN_ADD_VECTORS], int64_t i,
                                   int64_t last) {
    const int64_t bytes = qn_int_storage_bytes(plan->p.result.addend_storage);
    const void *at[QN_ADD_VECTORS] = {0};
    qn_add_int_piece piece = {
        .a = qn_elem(plan->p.a, i, bytes), .result = plan->p.result, .count = qn_min_i64(PIECE_ELEMS, last - i)};
    for (int v = 0; v < QN_ADD_VECTORS; v++)
        if (repeated[v]) at[v] = qn_channels_find(&plan->vectors[v], repeated[v], i, &piece.count);
    piece.zero_point = at[QN_ADD_ZERO_POINT];
    piece.b_zero_point = at[QN_ADD_B_ZERO_POINT];
    piece.result.multiplier = at[QN_ADD_MULTIPLIER];
    piece.result.addend_multiplier = at[QN_ADD_B_MULTIPLIER];
    piece.result.limit = at[QN_ADD_LIMIT];
    piece.result.addend = qn_elem(plan->p.result.addend, i, bytes);
    piece.result.dst = qn_elem_mut(plan->p.result.dst, i, qn_int_storage_bytes(plan->p.result.dst_storage));
    return piece;
}

static void run_add(const void *params, int64_t begin, int64_t end, void *scratch) {
    const add_plan *plan = params;
    const int64_t last = qn_min_i64(end * TASK_ELEMS, plan->p.elems);
    const void *repeated[QN_ADD_VECTORS] = {0};
    repeat_vectors(plan, scratch, repeated);
    for (int64_t i = begin * TASK_ELEMS; i < last;) {
        const qn_add_int_piece piece = find_piece(plan, repeated, i, last);
        plan->add(&piece);
        i += piece.count;
    }
}

void qn_add_int_work(const qn_add_int_params *params, qn_work *out_work) {
    add_plan plan = {.p = *params};
    const qn_add_int_kernel *kernel = params->kernel;
    const int is_s16 = params->result.addend_storage == QN_STORAGE_S16;
    const void *data[QN_ADD_VECTORS] = {[QN_ADD_MULTIPLIER] = params->result.multiplier,
                                        [QN_ADD_B_MULTIPLIER] = params->result.addend_multiplier,
                                        [QN_ADD_ZERO_POINT] = params->zero_point,
                                        [QN_ADD_B_ZERO_POINT] = params->b_zero_point,
                                        [QN_ADD_LIMIT] = params->result.limit};
    int64_t scratch = 0;
    assert(is_s16 || params->result.addend_storage == QN_STORAGE_U8);
    for (int v = 0; v < QN_ADD_VECTORS; v++) {
        if (!params->vector_elems[v]) continue;
        plan.vectors[v] = qn_channels_plan(data[v], params->vector_elems[v], params->channels, PIECE_ELEMS);
        scratch += qn_channels_scratch_bytes(&plan.vectors[v]);
    }
    plan.add = kernel->add[is_s16];
    QN_WORK_SET(out_work, run_add, qn_ceil_div(params->elems, TASK_ELEMS), scratch, kernel->name, plan);
}
