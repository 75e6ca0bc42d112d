/* score/map_scores.h - mean IoU of label maps that come as numbers, and how much that of two models differs. */
#ifndef QUENCH_SCORE_MAP_SCORES_H
#define QUENCH_SCORE_MAP_SCORES_H

#include "score/bootstrap.h"
#include "quench/context.h"

typedef struct map_scores {
    int classes;
    qn_image_confusion *first, *second;
    paired_scores paired;
    paired_difference difference; /* of mIoU; after map_scores_finish() with second answers */
    qn_image maps[3];             /* of the sample: truth, first, second */
    int is_off;                   /* a label was no class that a byte can hold: there is no score */
} map_scores;

/* Scores maps of labels below `classes`; 0: as many as bytes can tell apart. */
qn_status *map_scores_init(map_scores *scores, int classes) QN_MUST_USE;
void map_scores_deinit(map_scores *scores); /* accepts a zeroed one */

/* Adds a sample of `count` labels. Truth of 255 or below 0 is not judged.
 * @param second  NULL: there is one model only; the same for every sample
 * returns  INVALID_ARGUMENT: a label that is none of the classes that were given */
qn_status *map_scores_add(map_scores *scores, const qn_tensor *truth, const int64_t *first, const int64_t *second,
                          size_t count) QN_MUST_USE;
qn_status *map_scores_finish(map_scores *scores) QN_MUST_USE;

#endif
