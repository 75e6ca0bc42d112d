#include "driver/contract/score.h"

#include "base/checked.h"
#include "base/dtype.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Labels ---- */

static qn_view view_of(const qn_tensor *tensor) {
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    return view;
}

/* The axis whose scores compete for a label; -1: every element is or parts one. */
static int find_axis(const qn_tensor *tensor, const qn_answer *answer) {
    const int last = tensor->rank - 1;
    if (answer && answer->kind == QN_ANSWER_LOGITS && answer->axis < tensor->rank) return answer->axis;
    if (answer && answer->kind != QN_ANSWER_SCORES) return -1;
    return qn_dtype_is_float(tensor->dtype) ? last : -1;
}

int64_t qn_labels_count(const qn_tensor *tensor, const qn_answer *answer) {
    const qn_view view = view_of(tensor);
    const int64_t elems = qn_view_elems(&view);
    const int axis = find_axis(tensor, answer), is_float = qn_dtype_is_float(tensor->dtype);
    if (axis >= 0) return tensor->dims[axis] < 2 ? -1 : elems / tensor->dims[axis];
    const int is_label = qn_dtype_is_integer(tensor->dtype) || tensor->dtype == QN_DTYPE_BOOL;
    return is_label || (is_float && answer && answer->kind != QN_ANSWER_SCORES) ? elems : -1;
}

/* Element `at` of `classes` in steps of `step` that is the first greatest. */
static int32_t find_greatest(const qn_view *view, int64_t at, int64_t classes, int64_t step) {
    int64_t best = 0;
    for (int64_t c = 1; c < classes; c++)
        if (qn_view_get(view, at + c * step) > qn_view_get(view, at + best * step)) best = c;
    return (int32_t)best;
}

void qn_labels_read(const qn_tensor *tensor, const qn_answer *answer, int32_t *out_labels) {
    const qn_view view = view_of(tensor);
    const int64_t count = qn_labels_count(tensor, answer);
    const int axis = find_axis(tensor, answer), is_parted = answer && answer->kind == QN_ANSWER_FOREGROUND;
    if (tensor->dtype == QN_DTYPE_S32 && axis < 0 && !is_parted) {
        memcpy(out_labels, tensor->data, (size_t)count * sizeof *out_labels);
        return;
    }
    int64_t step = 1;
    for (int i = axis + 1; axis >= 0 && i < tensor->rank; i++) step *= tensor->dims[i];
    for (int64_t i = 0; i < count; i++) {
        if (axis >= 0)
            out_labels[i] =
                find_greatest(&view, i / step * step * tensor->dims[axis] + i % step, tensor->dims[axis], step);
        else
            out_labels[i] = is_parted ? qn_view_get(&view, i) > answer->threshold : (int32_t)qn_view_get_int(&view, i);
    }
}

/* ---- Counting ---- */

qn_status *qn_scores_init(qn_scores *scores, qn_metric metric, int64_t classes, qn_arena *arena) {
    *scores = (qn_scores){.metric = metric, .classes = classes, .arena = arena};
    scores->sums = QN_ARENA_ARRAY(arena, int64_t, (size_t)(3 * classes + 1));
    return scores->sums ? NULL : qn_status_out_of_memory();
}

static qn_status *count_classes(const qn_scores *scores, const int32_t *labels, const int32_t *truth, int64_t count,
                                qn_score_row *row) {
    row->both = QN_ARENA_ARRAY(scores->arena, int64_t, (size_t)(3 * scores->classes));
    if (!row->both) return qn_status_out_of_memory();
    row->truth = row->both + scores->classes;
    row->claimed = row->truth + scores->classes;
    for (int64_t i = 0; i < count; i++) {
        if (truth[i] == QN_SCORE_IGNORED) continue;
        if (truth[i] < 0 || truth[i] >= scores->classes || labels[i] < 0 || labels[i] >= scores->classes)
            return QN_ERR(QN_INVALID_ARGUMENT, "label %d, true label %d; expected 0 to %lld", labels[i], truth[i],
                          (long long)scores->classes - 1);
        row->both[truth[i]] += truth[i] == labels[i];
        row->truth[truth[i]]++;
        row->claimed[labels[i]]++;
    }
    return NULL;
}

qn_status *qn_scores_add(qn_scores *scores, const int32_t *labels, const int32_t *truth, int64_t count) {
    qn_score_row row = {.total = count};
    if (scores->metric == QN_METRIC_MIOU) QN_TRY(count_classes(scores, labels, truth, count, &row));
    for (int64_t i = 0; i < count; i++) row.equal += labels[i] == truth[i];
    return QN_LIST_PUSH(scores->arena, &scores->rows, row);
}

/* ---- Totals ---- */

/* The score of the samples in `picked` (NULL: each once). */
static double total_of(const qn_scores *scores, const uint32_t *picked) {
    int64_t *sums = scores->sums;
    int64_t equal = 0, total = 0, classes = scores->metric == QN_METRIC_MIOU ? scores->classes : 0, present = 0;
    double sum = 0;
    memset(sums, 0, (size_t)(3 * classes) * sizeof *sums);
    for (size_t i = 0; i < scores->rows.count; i++) {
        const qn_score_row *row = &scores->rows.items[picked ? picked[i] : i];
        equal += row->equal;
        total += row->total;
        for (int64_t c = 0; c < 3 * classes; c++) sums[c] += row->both[c];
    }
    if (!classes) return total ? (double)equal / (double)total : 1.0;
    for (int64_t c = 0; c < classes; c++) {
        int64_t united = sums[classes + c] + sums[2 * classes + c] - sums[c];
        if (!united) continue;
        present++;
        sum += (double)sums[c] / (double)united;
    }
    return present ? sum / (double)present : 1.0;
}

double qn_scores_total(const qn_scores *scores) { return total_of(scores, NULL); }

/* ---- Bootstrap ---- */

enum { DRAWS = 2000 };

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

qn_status *qn_scores_loss_bound(const qn_scores *before, const qn_scores *after, double confidence, double *out_bound) {
    size_t count = after->rows.count;
    qn_arena arena;
    qn_rng rng;
    qn_arena_init(&arena, after->arena->allocator);
    qn_rng_init(&rng, 20240607);
    double *losses = QN_ARENA_ARRAY(&arena, double, DRAWS);
    uint32_t *picked = QN_ARENA_ARRAY(&arena, uint32_t, count);
    qn_status *status = losses && picked ? NULL : qn_status_out_of_memory();
    for (int draw = 0; !status && draw < DRAWS; draw++) {
        for (size_t i = 0; i < count; i++) picked[i] = (uint32_t)qn_rng_range(&rng, 0, (int64_t)count - 1);
        losses[draw] = (before ? total_of(before, picked) : 1.0) - total_of(after, picked);
    }
    if (!status) {
        qsort(losses, DRAWS, sizeof *losses, compare_doubles);
        int64_t rank = (int64_t)(confidence * DRAWS);
        *out_bound = losses[qn_min_i64(qn_max_i64(rank, 0), DRAWS - 1)];
    }
    qn_arena_deinit(&arena);
    return status;
}
