/* pictures/tensors.h - element types, shapes and arrays of the program. */
#ifndef QUENCH_PICTURES_TENSORS_H
#define QUENCH_PICTURES_TENSORS_H

#include "cli/cli.h"
#include "quench/context.h"

json_t *cli_dims_to_json(int rank, const int64_t *dims);

size_t cli_tensor_elems(const qn_tensor *tensor);
/* Element `index` as a double: floats of every kind, integers (beyond 2^53 rounded), booleans. */
double cli_tensor_get(const qn_tensor *tensor, size_t index);
/* The same as a whole number; -1 for what is none from 0 on. */
int64_t cli_tensor_integer(const qn_tensor *tensor, size_t index);

/* The floats that integers stand for, as float32, freed by qn_tensor_deinit(). `encoding` is that of the value whose
 * elements `tensor` holds. LIMIT, OUT_OF_MEMORY. */
qn_status *cli_tensor_decode(const qn_tensor *tensor, const qn_encoding_info *encoding,
                             qn_tensor *out_floats) QN_MUST_USE;

/* Sets the shapes of all inputs to those of `tensors`. */
qn_status *cli_set_input_shapes(qn_context *context, const qn_tensor *tensors, size_t count) QN_MUST_USE;

/* Takes texts of --shape ("1,513,513,3" for a single input, "NAME=1,513,513,3") for the inputs of `model`. An input
 * without one has its fixed dims, and the upper end of the range of the others; where there is none, what the source
 * declares, and a batch of one.
 * @param guess       sizes that nothing tells are guessed, which a note says
 * @param out_shapes  one per input
 * returns  INVALID_ARGUMENT: no dims, an input given twice, or (no guess) one of which nothing says how large it is;
 * NOT_FOUND */
qn_status *cli_make_shapes(const qn_model *model, const cli_texts *texts, int guess, qn_shape *out_shapes) QN_MUST_USE;

#endif
