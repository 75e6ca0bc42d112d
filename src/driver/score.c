#include "driver/score.h"

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

int64_t qn_labels_count(const qn_tensor *tensor) {
    qn_view view = view_of(tensor);
    int64_t elems = qn_view_elems(&view);
    if (qn_dtype_is_integer(tensor->dtype)) return elems;
    if (!qn_dtype_is_float(tensor->dtype) || tensor->rank < 1 || tensor->dims[tensor->rank - 1] < 2) return -1;
    return elems / tensor->dims[tensor->rank - 1];
}

void qn_labels_read(const qn_tensor *tensor, int32_t *out_labels) {
    qn_view view = view_of(tensor);
    int64_t count = qn_labels_count(tensor), width = qn_dtype_is_float(tensor->dtype) ? view.dims[view.rank - 1] : 1;
    if (tensor->dtype == QN_DTYPE_S32) {
        memcpy(out_labels, tensor->data, (size_t)count * sizeof *out_labels);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t best = 0;
        for (int64_t c = 1; c < width; c++)
            if (qn_view_get(&view, i * width + c) > qn_view_get(&view, i * width + best)) best = c;
        out_labels[i] = (int32_t)(width > 1 ? best : qn_view_get_int(&view, i));
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
