/* score/eval_saved.h - scores label maps that somebody has saved, as numbers or as colours, without a model. */
#ifndef QUENCH_SCORE_EVAL_SAVED_H
#define QUENCH_SCORE_EVAL_SAVED_H

#include "pictures/fitter.h"

typedef struct eval_saved_options {
    const char *saved, *masks;         /* folders */
    const char *list, *palette, *json; /* each may be NULL; palette: "voc" then */
    int64_t classes;                   /* 0: as many as the palette names */
    picture_limits limits;
} eval_saved_options;

/* Compares every saved map with its mask and prints. */
qn_status *eval_saved(const eval_saved_options *options) QN_MUST_USE;

#endif
