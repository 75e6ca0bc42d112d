/* fuzz.h - what the fuzz targets share. A target is a <name>_fuzz.c with one LLVMFuzzerTestOneInput: libFuzzer's way,
 * so that clang can guide it (scripts/fuzz); ordinary builds damage given files at random instead (replay_main.c).
 *
 * Whatever the bytes, a target ends in a status or an answer. What may not come of them at all aborts. */
#ifndef FUZZ_H
#define FUZZ_H

#include "quench/compiler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* How many bytes from the first on are all worth changing, told by each target; behind them only those near text are:
   names, operators and attributes rather than weights. */
size_t fuzz_head(const uint8_t *data, size_t bytes);

/* Frees a status; aborts with its message when it is one that input must not bring about, INTERNAL, or says nothing. */
void expect_fair(qn_status *status);

/* Runs a model once at the smallest shapes it takes, on zeros; LIMIT where that would be slow or large. */
qn_status *run_smallest(qn_model *model);

/* The bytes behind a NUL at their end; freed by the caller. */
char *as_text(const uint8_t *data, size_t bytes);

#endif
