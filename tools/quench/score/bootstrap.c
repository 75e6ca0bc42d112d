#include "score/bootstrap.h"
#include "cli/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is counted of a class. */
enum { TRUE_PIXELS, FIRST_PIXELS, FIRST_RIGHT, SECOND_PIXELS, SECOND_RIGHT, KINDS };

void paired_scores_deinit(paired_scores *scores) {
    free(scores->counts);
    scores->counts = NULL;
    scores->count = scores->capacity = 0;
}

static size_t row_length(const paired_scores *scores) { return (size_t)scores->classes * KINDS; }

static qn_status *grow(paired_scores *scores) {
    if (scores->count < scores->capacity) return NULL;
    size_t capacity = scores->capacity ? 2 * scores->capacity : 64;
    int64_t *counts = realloc(scores->counts, capacity * row_length(scores) * sizeof *counts);
    if (!counts) return cli_out_of_memory();
    scores->counts = counts;
    scores->capacity = capacity;
    return NULL;
}

qn_status *paired_scores_add(paired_scores *scores, const qn_image *truth, const qn_image *first,
                             const qn_image *second) {
    CLI_TRY(grow(scores));
    int64_t *row = scores->counts + scores->count++ * row_length(scores);
    memset(row, 0, row_length(scores) * sizeof *row);
    for (int y = 0; y < truth->height; y++)
        for (int x = 0; x < truth->width; x++) {
            const int t = truth->data[(size_t)y * truth->stride_bytes + (size_t)x];
            const int a = first->data[(size_t)y * first->stride_bytes + (size_t)x];
            const int b = second->data[(size_t)y * second->stride_bytes + (size_t)x];
            if (t == QN_IMAGE_IGNORE_LABEL) continue;
            row[t * KINDS + TRUE_PIXELS]++;
            row[a * KINDS + FIRST_PIXELS]++;
            row[b * KINDS + SECOND_PIXELS]++;
            row[t * KINDS + FIRST_RIGHT] += t == a;
            row[t * KINDS + SECOND_RIGHT] += t == b;
        }
    return NULL;
}

/* Mean IoU over the classes that appear. */
static double mean_iou(const int64_t *totals, int classes, int labelled, int right) {
    double sum = 0;
    int seen = 0;
    for (int c = 0; c < classes; c++) {
        const int64_t *count = totals + c * KINDS, area = count[TRUE_PIXELS] + count[labelled] - count[right];
        if (area) sum += (double)count[right] / (double)area, seen++;
    }
    return seen ? sum / seen : 0;
}

static double difference(const int64_t *totals, int classes) {
    return mean_iou(totals, classes, FIRST_PIXELS, FIRST_RIGHT) -
           mean_iou(totals, classes, SECOND_PIXELS, SECOND_RIGHT);
}

static void add_row(const paired_scores *scores, size_t picture, int64_t *totals) {
    const int64_t *row = scores->counts + picture * row_length(scores);
    for (size_t i = 0; i < row_length(scores); i++) totals[i] += row[i];
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

qn_status *paired_scores_compare(const paired_scores *scores, paired_difference *out_difference) {
    const size_t bytes = row_length(scores) * sizeof(int64_t);
    int64_t *totals = malloc(bytes + sizeof *totals);
    double *samples = malloc(BOOTSTRAP_RESAMPLES * sizeof *samples);
    uint64_t state = 1;
    *out_difference = (paired_difference){0};
    if (!totals || !samples) return free(totals), free(samples), cli_out_of_memory();
    for (int r = -1; r < BOOTSTRAP_RESAMPLES; r++) { /* -1: the pictures as they are */
        memset(totals, 0, bytes);
        for (size_t i = 0; i < scores->count; i++)
            add_row(scores, r < 0 ? i : (size_t)(cli_random(&state) % scores->count), totals);
        double value = difference(totals, scores->classes);
        if (r < 0)
            out_difference->value = value;
        else
            samples[r] = value;
    }
    qsort(samples, BOOTSTRAP_RESAMPLES, sizeof *samples, compare);
    const int outside = BOOTSTRAP_RESAMPLES * (100 - BOOTSTRAP_CONFIDENCE) / 200;
    out_difference->low = samples[outside];
    out_difference->high = samples[BOOTSTRAP_RESAMPLES - 1 - outside];
    free(samples);
    free(totals);
    return NULL;
}

void paired_difference_print(const paired_difference *difference, size_t pictures) {
    cli_print("%-24s %+8.4f, ", "mIoU against it", difference->value);
    if (pictures > 1)
        cli_print("%d %% sure between %+.4f and %+.4f\n", BOOTSTRAP_CONFIDENCE, difference->low, difference->high);
    else
        cli_print("on one picture, which does not tell how sure that is\n");
}

json_t *paired_difference_to_json(const paired_difference *difference, size_t pictures) {
    return json_pack(
        "{s:f,s:o,s:o,s:f}", "value", difference->value, "low", pictures > 1 ? json_real(difference->low) : json_null(),
        "high", pictures > 1 ? json_real(difference->high) : json_null(), "confidence", 0.01 * BOOTSTRAP_CONFIDENCE);
}
