/* score/eval_pairs.h - the pictures and masks, or saved answers and masks, that belong together. */
#ifndef QUENCH_SCORE_EVAL_PAIRS_H
#define QUENCH_SCORE_EVAL_PAIRS_H

#include "cli/cli.h"

typedef struct eval_pair {
    char *picture, *mask;
} eval_pair;

typedef struct eval_pairs {
    eval_pair *items;
    size_t count;
} eval_pairs;

typedef enum eval_kind {
    EVAL_PICTURES, /* that are going to be labelled; results of `segment` are none */
    EVAL_SAVED     /* label maps, and of what `segment` saves those: NAME.gray.png, but not NAME.overlay.png */
} eval_kind;

/* Finds NAME.png in `masks` for every NAME.jpg (jpeg, png, ppm, pgm) in `pictures`, or for the names in `list`.
 * @param list           NULL; else a file with one name a line, with or without ending
 * @param kind           what `pictures` holds
 * @param out            freed by eval_pairs_deinit(), after a failure too
 * returns  NOT_FOUND: with the first of the names that lack a file; IO, INVALID_ARGUMENT */
qn_status *eval_pairs_find(const char *pictures, const char *masks, const char *list, eval_kind kind,
                           eval_pairs *out) QN_MUST_USE;
void eval_pairs_deinit(eval_pairs *pairs);

/* Sees that `output` (NULL: none) can be written and is none of the pairs' files nor of `reads` (some may be NULL). */
qn_status *eval_pairs_check(const eval_pairs *pairs, const char *const *reads, size_t read_count,
                            const char *output) QN_MUST_USE;

#endif
