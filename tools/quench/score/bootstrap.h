/* score/bootstrap.h - how much the mIoU of two models differs, and how sure that is, told by resampling the pictures. */
#ifndef QUENCH_SCORE_BOOTSTRAP_H
#define QUENCH_SCORE_BOOTSTRAP_H

#include "cli/cli.h"
#include "quench/image.h"

typedef struct paired_scores {
    int classes;
    int64_t *counts; /* per picture and class: true, then for each model labelled so, and rightly so */
    size_t count, capacity;
} paired_scores;

enum { BOOTSTRAP_CONFIDENCE = 95, BOOTSTRAP_RESAMPLES = 2000 };

/* The first model's mIoU less the second's; low to high: where BOOTSTRAP_CONFIDENCE percent of the resamples lie. */
typedef struct paired_difference {
    double value, low, high;
} paired_difference;

/* Adds a picture: truth and labels of one size, all labels below `classes` but QN_IMAGE_IGNORE_LABEL in the truth. */
qn_status *paired_scores_add(paired_scores *scores, const qn_image *truth, const qn_image *first,
                             const qn_image *second) QN_MUST_USE;
/* The same for the same pictures in the same order, always. */
qn_status *paired_scores_compare(const paired_scores *scores, paired_difference *out_difference) QN_MUST_USE;
void paired_scores_deinit(paired_scores *scores);

/* The difference as a line of text, and as JSON. One picture does not tell how others would differ: no interval. */
void paired_difference_print(const paired_difference *difference, size_t pictures);
json_t *paired_difference_to_json(const paired_difference *difference, size_t pictures);

#endif
