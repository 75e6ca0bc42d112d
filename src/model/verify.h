/* model/verify.h - what the parts of qn_program_verify share. */
#ifndef QN_MODEL_VERIFY_H
#define QN_MODEL_VERIFY_H

#include "model/program.h"

#define QN_STEP_NEVER UINT32_MAX

/* Limits on tables. Values and steps have a lower one, since some checks take more than linear time in them. */
enum { QN_PROGRAM_ITEMS_MAX = 1 << 20, QN_PROGRAM_VALUES_MAX = 1 << 16 };

/* Tables of one verification; entries per value unless said otherwise. */
typedef struct qn_verifier {
    const qn_program *program;
    qn_arena *arena;
    uint32_t *roots;   /* the owner of each value's bytes */
    uint32_t *made_at; /* the step that writes the value; QN_STEP_NEVER for inputs, constants and sizes */
    uint32_t *used_at; /* the last step that reads or makes the value; 0 if none */
    uint32_t *symbols; /* per symbol: as qn_program_dims_ready */
    uint32_t *ready;   /* per dim instruction: as qn_program_dims_ready */
} qn_verifier;

/* Encodings: that they are of integer values that steps compute, and have sound scales and zero points. INVALID_MODEL. */
qn_status *qn_verify_encodings(const qn_program *program) QN_MUST_USE;

/* Alias rules, liveness and overlap of memory, of a program in which everything else is checked already. LIMIT,
   INVALID_MODEL, OUT_OF_MEMORY. */
qn_status *qn_verify_memory(const qn_verifier *verifier) QN_MUST_USE;

#endif
