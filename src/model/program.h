/* model/program.h - a compiled network in memory: what the planner makes, the .qn file holds and the runtime runs.
 *
 * Plain arrays that refer to each other by index. qn_program_write() serialises it, qn_program_read() verifies bytes
 * and gives the same structure back with constants, texts and code pointing into those bytes. After reading, the
 * runtime trusts it.
 */
#ifndef QN_MODEL_PROGRAM_H
#define QN_MODEL_PROGRAM_H

#include "op/op.h"

/* Where a value's bytes are. */
typedef enum qn_place {
    QN_PLACE_ARENA =
        0, /* `offset` in the context's arena (if the plan has a ceiling; else decided when shapes are set) */
    QN_PLACE_CONSTANT = 1, /* `offset` in the constants section */
    QN_PLACE_INPUT = 2,    /* the caller's tensor `offset` (an index) */
    QN_PLACE_OUTPUT = 3,   /* the caller's tensor `offset` (an index) */
    QN_PLACE_DIMS = 4, /* small integers given by `contents`, written into the arena at `offset` when shapes are set;
                          no step makes it. Control inputs (sizes, paddings ...) whose elements are known as
                          expressions must be DIMS or CONSTANT: the runtime infers every step's output shape again */
    QN_PLACE_COUNT
} qn_place;

typedef struct qn_program_value {
    const char *name;
    qn_dtype dtype;
    qn_place place;
    int rank;
    uint32_t dims[QN_MAX_RANK]; /* indices of dim instructions */
    uint64_t offset;
    uint64_t bytes; /* CONSTANT: size in the section (packed constants are larger than their dims say); ARENA, DIMS:
                       upper bound, 0 if none */
    const struct qn_packing
        *packing; /* CONSTANT: how the bytes lie (kernel/packing.h); NULL: row-major, as all others */
    uint32_t first_content, content_count; /* DIMS: range in `contents` */
    uint32_t first_step, last_step; /* liveness, inclusive. ARENA: from the step that makes it to its last use, or
                                       longer. DIMS: 0 to the last step of all, since they outlive a run */
    int32_t alias;                  /* value whose bytes this one shares (view or in place), or -1. The chain of aliases
                                       ends at the owner, whose place and offset all repeat; what `outputs` lists
                                       owns its bytes. Each keeps its own liveness; the memory lives as long as any */
} qn_program_value;

typedef struct qn_program_step {
    const qn_op_def *op;
    const char *name; /* node name */
    const void *attrs;
    uint32_t first_input, input_count; /* ranges in `operands`: value indices, UINT32_MAX for an absent input */
    uint32_t first_output, output_count;
    uint32_t first_data_symbol, data_symbol_count; /* range in `data_symbols` that this step settles */
    const char *precision;                         /* why and which: "f32: default" */
} qn_program_step;

/* How many values may be in one group (views, and results in place, of one another), since checking a group takes time
   that grows with its square. */
enum { QN_PROGRAM_GROUP_MAX = 4096 };

/* A symbol of the dim program. */
typedef struct qn_program_symbol {
    const char *name;    /* "ImageTensor.1" */
    int64_t low, high;   /* inclusive; high QN_DIM_UNBOUNDED: none */
    const char *reason;  /* what bounds it, "" if nothing does */
    int32_t input, axis; /* the input dim that gives its value (that dim's instruction is this symbol); input -1:
                            settled by a step (or unused); `high` bounds it from the start */
} qn_program_symbol;

/* Output dim of a step that becomes known when it has run. */
typedef struct qn_program_data_symbol {
    uint32_t symbol, output, axis;
} qn_program_data_symbol;

typedef struct qn_program_check {
    uint32_t condition; /* dim instruction; must be >= 0 */
    const char *message;
} qn_program_check;

/* What an integer value stands for: scale[c] * (q - zero_point[c]), c along its last axis. No run looks at it. */
typedef struct qn_program_encoding {
    uint32_t value;
    const char *of;    /* the float's name in the source */
    uint32_t channels; /* 1: the same for all */
    const float *scale;
    const uint8_t *zero_point; /* of s16 values 0 */
} qn_program_encoding;

typedef struct qn_program {
    const char *name;
    const char *meta; /* JSON: provenance, configuration, image block */
    size_t symbol_count, dim_count, value_count, operand_count, step_count, data_symbol_count, check_count,
        content_count, encoding_count;
    size_t input_count, output_count;
    const qn_program_symbol *symbols;
    const qn_dim_instr *dims;
    const qn_program_value *values;
    const uint32_t *operands;
    const qn_program_step *steps;
    const qn_program_data_symbol *data_symbols;
    const qn_program_check *checks;
    const uint32_t *contents;             /* dim instructions */
    const qn_program_encoding *encodings; /* in the order of values, at most one of each */
    const uint32_t *inputs, *outputs; /* value indices; input i has place INPUT and offset i, output i OUTPUT and i */
    uint64_t arena_bytes; /* ceiling over the declared range for values (scratch comes on top), or 0: no ceiling */
    qn_bytes constants;   /* 64-aligned */
} qn_program;

/* Checks everything that qn_program_read() promises about a program in memory, except `constants` alignment of files.
   `scratch` holds the tables of the check. INVALID_MODEL with the first breach. */
qn_status *qn_program_verify(const qn_program *program, qn_arena *scratch) QN_MUST_USE;

/* Appends the file's bytes (docs/file-format.md): same program, same bytes. */
qn_status *qn_program_write(const qn_program *program, qn_buffer *buffer) QN_MUST_USE;

/* Checks every byte (checksum, every count, offset, index, dim program, attributes, liveness of shared memory) and
   builds the program in `arena`. `bytes` must be 64-aligned and outlive the arena. INVALID_MODEL or INCOMPATIBLE. */
qn_status *qn_program_read(qn_bytes bytes, qn_arena *arena, const qn_program **out_program) QN_MUST_USE;

/* Are two programs the same in everything that decides what a run does and where, but for the bytes of their constants?
   Meta, reasons, precisions and encodings, which are for people, do not count. INVALID_ARGUMENT with the first
   difference. */
qn_status *qn_program_check_same(const qn_program *a, const qn_program *b) QN_MUST_USE;

/* For each value the owner of its bytes: the end of its chain of aliases. `out_roots` has value_count entries.
   Returns 1, or 0 with *out_bad set when the chain of that value leaves the values or goes round in a circle. */
int qn_program_find_roots(const qn_program *program, uint32_t *out_roots, uint32_t *out_bad);

/* For each dim instruction: 0 if the input shapes settle it, else 1 + the last step that must have run before it is
   known; UINT32_MAX if nothing settles it. `symbols` (symbol_count entries) gets the same for each symbol, `out_ready`
   has dim_count entries. Data symbols and dim code are trusted. */
void qn_program_dims_ready(const qn_program *program, uint32_t *symbols, uint32_t *out_ready);

/* Do these bytes begin like a compiled file? */
int qn_program_is_compiled(qn_bytes bytes);

#endif
