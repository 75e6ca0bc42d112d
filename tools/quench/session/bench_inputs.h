/* session/bench_inputs.h - what a model is measured on: random values, files of arrays, pictures. */
#ifndef QUENCH_SESSION_BENCH_INPUTS_H
#define QUENCH_SESSION_BENCH_INPUTS_H

#include "pictures/fitter.h"
#include "session/session.h"

typedef struct bench_inputs_options {
    cli_texts shapes; /* [NAME=]1,513,513,3 */
    cli_texts files;  /* [NAME=]x.npy or raw bytes */
    cli_texts images; /* pictures, folders, lists; excludes the two above */
    fitter_choice fit;
    int64_t limit; /* of the pictures, evenly spread; 0: BENCH_IMAGES_MAX */
    int64_t batch; /* the first dim of every input that has one; 0: as shapes and files say */
} bench_inputs_options;

enum { BENCH_IMAGES_MAX = 100 };

void bench_inputs_options_deinit(bench_inputs_options *options);

/* Sets of inputs, one tensor per input of the model each: what qn_bench_run() takes. */
typedef struct bench_inputs {
    qn_tensor *tensors; /* set_count * input_count, each freed by qn_tensor_deinit() */
    size_t set_count, input_count;
} bench_inputs;

/* Makes the inputs. The second shape or file of an input is for the second set, and so on; an input with fewer of them
 * keeps its last one. Inputs without a file are random, but always the same: floats in [-1, 1), bytes of every value,
 * booleans; wider integers, which are sizes more often than data, are 1.
 * @param out  freed by bench_inputs_deinit(), after a failure too
 * returns  INVALID_ARGUMENT, NOT_FOUND, IO, LIMIT: with the option */
qn_status *bench_inputs_make(qn_model *model, const bench_inputs_options *options, bench_inputs *out) QN_MUST_USE;
void bench_inputs_deinit(bench_inputs *inputs);

#endif
