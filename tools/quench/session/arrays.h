/* session/arrays.h - .npy files as the inputs of one run. */
#ifndef QUENCH_SESSION_ARRAYS_H
#define QUENCH_SESSION_ARRAYS_H

#include "session/session.h"

typedef struct input_arrays {
    qn_tensor *tensors; /* one per input of the model, in its order */
    char **paths;       /* where each comes from */
    size_t count;
} input_arrays;

/* Loads what the texts of --input ("NAME=x.npy", or "x.npy" for a single input) give to the inputs of `model`.
 * @param out  freed by input_arrays_deinit(), after a failure too
 * returns  INVALID_ARGUMENT: an input is missing, given twice or of another element type; NOT_FOUND: no such input or
 *          file; as qn_npy_load() */
qn_status *input_arrays_load(const qn_model *model, const cli_texts *texts, input_arrays *out) QN_MUST_USE;
void input_arrays_deinit(input_arrays *arrays);

#endif
