/* kernel/copy.c - moving bytes: tensors joined along an axis, and a box of one within another. No family of kernels:
 * memcpy is as good as any. A task is a run of the result.
 */
#include "kernel/work.h"

enum { TASK_BYTES = 128 * 1024 };

/* ---- Joining ---- */

typedef struct join_plan {
    qn_join_params p;
    int64_t row_bytes, total_bytes; /* of the result */
} join_plan;

static void run_join(const void *params, int64_t begin, int64_t end, void *scratch) {
    const join_plan *plan = params;
    const qn_join_params *p = &plan->p;
    const int64_t last = qn_min_i64(end * TASK_BYTES, plan->total_bytes);
    int64_t at = begin * TASK_BYTES, row = at / plan->row_bytes, offset = at % plan->row_bytes, part = 0;
    (void)scratch;
    while (offset >= p->part_bytes[part]) offset -= p->part_bytes[part++];
    while (at < last) {
        const int64_t bytes = qn_min_i64(p->part_bytes[part] - offset, last - at);
        const void *from = qn_elem(p->parts[part], row * p->part_bytes[part] + offset, 1);
        memcpy(qn_elem_mut(p->dst, at, 1), from, (size_t)bytes);
        at += bytes;
        offset = 0;
        if (++part < p->count) continue;
        part = 0;
        row++;
    }
}

void qn_join_work(const qn_join_params *params, qn_work *out_work) {
    join_plan plan = {.p = *params};
    assert(params->count >= 1 && params->count <= QN_JOIN_MAX);
    for (int64_t i = 0; i < params->count; i++) {
        assert(params->part_bytes[i] > 0);
        plan.row_bytes += params->part_bytes[i];
    }
    plan.total_bytes = plan.row_bytes * params->rows;
    QN_WORK_SET(out_work, run_join, qn_ceil_div(plan.total_bytes, TASK_BYTES), 0, "join", plan);
}

/* ---- A box within another ---- */

typedef struct box_plan {
    qn_box_params p;    /* rank: without the last axes, which are whole on both sides, but at least 1 */
    int64_t cell_bytes; /* of one index of the last axis that is left */
    int64_t cells, cells_per_task;
} box_plan;

/* Where along one axis the source lies within the result: [low, high), maybe empty; index i reads i + shift. */
typedef struct box_span {
    int64_t low, high, shift;
} box_span;

static box_span find_span(const qn_box_params *p, int64_t axis) {
    const int64_t src = p->src_dims[axis], dst = p->dst_dims[axis], at = axis * p->shift_step;
    if (src == dst) return (box_span){0, dst, 0};
    int64_t shift = p->shift_bytes == 8 ? ((const int64_t *)p->shift)[at] : ((const int32_t *)p->shift)[at];
    if (shift > src + dst || shift < -src - dst) return (box_span){0, 0, 0};
    if (p->shift_back) shift = -shift;
    const int64_t low = qn_max_i64(0, -shift);
    return (box_span){low, qn_max_i64(low, qn_min_i64(dst, src - shift)), shift};
}

/* `cells` cells at `dst`, each element a copy of the value. */
static void fill_cells(const box_plan *plan, uint8_t *dst, int64_t cells) {
    static const uint8_t zeros[16];
    const qn_box_params *p = &plan->p;
    const size_t size = (size_t)p->elem_bytes, total = (size_t)(cells * plan->cell_bytes);
    const uint8_t *value = p->value ? p->value : zeros;
    if (!total) return;
    assert(size <= sizeof zeros);
    if (size == 1 || memcmp(value, value + 1, size - 1) == 0) {
        memset(dst, *value, total);
        return;
    }
    memcpy(dst, value, size);
    for (size_t done = size, more; done < total; done += more) {
        more = done < total - done ? done : total - done;
        memcpy(dst + done, dst, more);
    }
}

/* Cells [from, to) of one line of the result; `line` counts the lines, `spans` says what each axis reads. */
static void fill_line(const box_plan *plan, const box_span *spans, int64_t line, int64_t from, int64_t to) {
    const qn_box_params *p = &plan->p;
    const int64_t last = p->rank - 1, width = p->dst_dims[last];
    uint8_t *dst = qn_elem_mut(p->dst, line * width, plan->cell_bytes);
    int64_t src_line = 0, scale = 1, inside = 1, rest = line;
    for (int64_t i = last - 1; i >= 0; i--) {
        const int64_t at = rest % p->dst_dims[i];
        rest /= p->dst_dims[i];
        inside &= at >= spans[i].low && at < spans[i].high;
        src_line += (at + spans[i].shift) * scale;
        scale *= p->src_dims[i];
    }
    const int64_t low = inside ? qn_min_i64(qn_max_i64(from, spans[last].low), to) : to;
    const int64_t high = inside ? qn_max_i64(low, qn_min_i64(to, spans[last].high)) : to;
    fill_cells(plan, dst + from * plan->cell_bytes, low - from);
    if (high > low) {
        const int64_t src = src_line * p->src_dims[last] + low + spans[last].shift;
        memcpy(dst + low * plan->cell_bytes, qn_elem(p->src, src, plan->cell_bytes),
               (size_t)((high - low) * plan->cell_bytes));
    }
    fill_cells(plan, dst + high * plan->cell_bytes, to - high);
}

static void run_box(const void *params, int64_t begin, int64_t end, void *scratch) {
    const box_plan *plan = params;
    const qn_box_params *p = &plan->p;
    const int64_t width = p->dst_dims[p->rank - 1], last = qn_min_i64(end * plan->cells_per_task, plan->cells);
    box_span spans[QN_BOX_RANK];
    (void)scratch;
    for (int64_t i = 0; i < p->rank; i++) spans[i] = find_span(p, i);
    for (int64_t at = begin * plan->cells_per_task, to; at < last; at += to) {
        const int64_t line = at / width, from = at % width;
        to = qn_min_i64(width - from, last - at);
        fill_line(plan, spans, line, from, from + to);
    }
}

void qn_box_work(const qn_box_params *params, qn_work *out_work) {
    box_plan plan = {.p = *params, .cell_bytes = params->elem_bytes, .cells = 1};
    qn_box_params *p = &plan.p;
    assert(p->rank >= 0 && p->rank <= QN_BOX_RANK);
    while (p->rank > 0 && p->src_dims[p->rank - 1] == p->dst_dims[p->rank - 1]) {
        plan.cell_bytes *= p->dst_dims[--p->rank];
    }
    if (p->rank == 0) { /* all is copied, and may be cut anywhere */
        p->src_dims[0] = p->dst_dims[0] = plan.cell_bytes;
        p->rank = plan.cell_bytes = 1;
    }
    for (int64_t i = 0; i < p->rank; i++) plan.cells *= p->dst_dims[i];
    if (plan.cell_bytes == 0) plan.cells = 0;
    plan.cells_per_task = qn_max_i64(1, TASK_BYTES / qn_max_i64(1, plan.cell_bytes));
    QN_WORK_SET(out_work, run_box, qn_ceil_div(plan.cells, plan.cells_per_task), 0, "box", plan);
}
