/* model/read_packing.h - how versions 1 and 2 of the format say what is packed. */
#ifndef QN_MODEL_READ_PACKING_H
#define QN_MODEL_READ_PACKING_H

#include "model/program.h"

/* Takes the field `packing` off the end of a step's attributes, which operators with qn_op_def.pack had. *out_kind: its
   number; 0 (plain) for other operators. INVALID_MODEL. */
qn_status *qn_read_old_packing(const qn_op_def *op, qn_bytes *attributes, int64_t *out_kind) QN_MUST_USE;
/* Gives every constant in `values`, the values of `program`, the packing that its steps have told in `kinds`, by step.
   Nothing of the program is verified yet: what leads nowhere is left to the verifier. INVALID_MODEL: two steps tell
   different packings of one constant, or one that no kernel reads. */
qn_status *qn_adopt_old_packings(const qn_program *program, const int64_t *kinds, qn_program_value *values) QN_MUST_USE;

#endif
