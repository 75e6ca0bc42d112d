/* show/transposes.h - how often a compiled model changes layouts. */
#ifndef QUENCH_SHOW_TRANSPOSES_H
#define QUENCH_SHOW_TRANSPOSES_H

#include "session/session.h"

/* Networks of pictures that are NCHW outside need one for each input and output, and none inside. */
typedef struct transpose_count {
    size_t inputs, outputs; /* that read an input of the model, or give an output */
    size_t inside;          /* all others */
} transpose_count;

transpose_count transpose_count_find(const qn_model *model);
/* "transposes 1 of inputs, 1 of outputs, 0 inside"; nothing where there is none. */
void transpose_count_print(const transpose_count *count);
json_t *transpose_count_to_json(const transpose_count *count);

#endif
