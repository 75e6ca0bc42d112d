/* Runs a program step by step with every operator's `eval`, in an arena laid out as the plan says: naive, and
 * independent of kernels and runtime. What is overwritten too early shows, since every operand is compared when it is
 * read. */
#ifndef QN_TESTS_PLAN_INTERPRET_H
#define QN_TESTS_PLAN_INTERPRET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/program.h"
#include "pass/evaluate.h"

/* `reference`: the same network evaluated on the same inputs; operands with the name of one of its values must hold its
   bytes. Fails the test where they differ; also where a value is larger than its declared bound. `out_outputs` gets
   one view per output, in memory from `arena`. The program has no check that these inputs fail. */
void interpret(const qn_program *program, const qn_view *inputs, const evaluation *reference, qn_arena *arena,
               qn_view *out_outputs);

/* Is some check of the program negative at these inputs? */
int interpret_refuses(const qn_program *program, const qn_view *inputs, qn_arena *arena);

/* Weights packed as `packing` says, laid out plainly: [rows, columns] (docs/kernel-contracts.md). */
void unpack_weights(int64_t packing, const float *packed, int64_t rows, int64_t columns, float *out_plain);
/* The same of int8; `kernel_h` matters to CHANNEL16. */
void unpack_bytes(int64_t packing, const int8_t *packed, int64_t kernel_h, int64_t rows, int64_t columns,
                  int8_t *out_plain);
/* The same of s16. */
/* Of PANEL16, where x is s16. */
void unpack_byte_pairs(const int8_t *packed, int64_t rows, int64_t columns, int8_t *out_plain);
void unpack_words(int64_t packing, const int16_t *packed, int64_t rows, int64_t columns, int16_t *out_plain);

#endif
