/* kernel/argmax_f32.c - driver of argmax_f32. A task is a block of rows. */
#include "kernel/labels.h"
#include "kernel/work.h"

enum { TASK_ELEMS = 32768, PIECE_ROWS = 1024, PIECE_STORED = 16384 };

typedef struct argmax_plan {
    qn_argmax_f32_params p;
    int64_t rows_per_task, rows_per_piece;
} argmax_plan;

static void run_argmax(const void *params, int64_t begin, int64_t end, void *scratch) {
    const argmax_plan *plan = params;
    const qn_argmax_f32_params *p = &plan->p;
    const int64_t last = qn_min_i64(end * plan->rows_per_task, p->rows);
    int32_t *labels = scratch;
    float *floats = (float *)(void *)(labels + PIECE_ROWS);
    for (int64_t row = begin * plan->rows_per_task, count; row < last; row += count) {
        count = qn_min_i64(plan->rows_per_piece, last - row);
        const void *from = qn_elem(p->src, row * p->channels, qn_storage_bytes(p->stored));
        const float *src = p->stored ? floats : from;
        if (p->stored) p->stored->widen(from, floats, count * p->channels);
        p->kernel->run(src, count, p->channels, labels);
        qn_labels_store(labels, count, p->dst, row, p->label_bytes, p->label_float);
    }
}

void qn_argmax_f32_work(const qn_argmax_f32_params *params, qn_work *out_work) {
    argmax_plan plan = {.p = *params};
    assert(params->channels > 0);
    plan.rows_per_task = qn_max_i64(1, TASK_ELEMS / params->channels);
    plan.rows_per_piece = PIECE_ROWS;
    if (params->stored) plan.rows_per_piece = qn_max_i64(1, qn_min_i64(PIECE_ROWS, PIECE_STORED / params->channels));
    const int64_t floats = params->stored ? plan.rows_per_piece * params->channels : 0;
    const int64_t scratch = PIECE_ROWS * (int64_t)sizeof(int32_t) + floats * (int64_t)sizeof(float);
    QN_WORK_SET(out_work, run_argmax, qn_ceil_div(params->rows, plan.rows_per_task), scratch, params->kernel->name,
                plan);
}
