/* show/mix.h - how much of a compiled model computes in integers. */
#ifndef QUENCH_SHOW_MIX_H
#define QUENCH_SHOW_MIX_H

#include "show/cost.h"

typedef struct integer_mix {
    size_t layers, integer_layers; /* convolutions and matrix products */
    int64_t macs, integer_macs;    /* their multiply-adds at `shapes`; 0: not known */
    char shapes[QN_DIMS_TEXT];     /* "1x513x513x3" */
} integer_mix;

/* Is the step a layer that computes with integers? Its activations are such then. */
int integer_mix_has_step(const qn_model *model, const qn_step_info *step);
/* Counts at the largest shapes that have a row in `costs`. Never fails: what cannot be told stays 0. */
void integer_mix_find(qn_model *model, const cost_table *costs, integer_mix *out_mix);
/* "integer    62 of 64 layers, 98.1 % of multiply-adds at 1x513x513x3" */
void integer_mix_print(const integer_mix *mix);
json_t *integer_mix_to_json(const integer_mix *mix);

#endif
