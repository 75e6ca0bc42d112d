/* model/read_packing.h - how versions 1 and 2 of the format say what is packed. */
#ifndef QN_MODEL_READ_PACKING_H
#define QN_MODEL_READ_PACKING_H

#include "model/program.h"

/* Takes the packing off the end of a step's attributes. `op` reads packed inputs, or *out_kind is 0: plain. */
qn_status *qn_read_old_packing(const qn_op_def *op, qn_bytes *attributes, int64_t *out_kind) QN_MUST_USE;
/* Gives the constants, in `values` (those of `program`), what their steps say; an entry of `kinds` for each step. Nothing
   is verified yet. */
qn_status *qn_adopt_old_packings(const qn_program *program, const int64_t *kinds, qn_program_value *values) QN_MUST_USE;

#endif
