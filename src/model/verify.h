/* model/verify.h - what the parts of qn_program_verify share. */
#ifndef QN_MODEL_VERIFY_H
#define QN_MODEL_VERIFY_H

#include "model/program.h"

#define QN_STEP_NEVER UINT32_MAX

/* Limits on tables; values and steps are what the checks take more than linear time in. */
enum { QN_PROGRAM_ITEMS_MAX = 1 << 20, QN_PROGRAM_VALUES_MAX = 1 << 16 };

/* Tables of one verification; entries per value unless said otherwise. */
typedef struct qn_verifier {
    const qn_program *program;
    qn_arena *arena;
    uint32_t *roots;   /* the owner of each value's bytes */
    uint32_t *made_at; /* the step that writes it; QN_STEP_NEVER for what exists before the first step */
    uint32_t *used_at; /* the last step that reads or makes it; 0 if none */
    uint32_t *symbols; /* per symbol: as qn_program_dims_ready */
    uint32_t *ready;   /* per dim instruction: as qn_program_dims_ready */
} qn_verifier;

/* What integers stand for: of which values, and with which numbers. */
qn_status *qn_verify_encodings(const qn_program *program) QN_MUST_USE;

/* Alias rules, liveness and overlap of memory. Everything else of the program is checked already. */
qn_status *qn_verify_memory(const qn_verifier *verifier) QN_MUST_USE;

#endif
