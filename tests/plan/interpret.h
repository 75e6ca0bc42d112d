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

/* Packed weights laid out plainly, in the memory of *out_plain (docs/kernel-contracts.md). */
void unpack(const qn_view *packed, qn_view *out_plain);

#endif
