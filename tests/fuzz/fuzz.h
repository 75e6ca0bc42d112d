/* fuzz.h - what the fuzz targets share. A target is a <name>_fuzz.c with one LLVMFuzzerTestOneInput: libFuzzer's way,
 * so that clang can guide it (scripts/fuzz); ordinary builds replay the corpus and damage it at random (replay_main.c).
 *
 * Whatever the bytes, a target ends in a status or an answer. What may not come of them at all aborts. */
#ifndef FUZZ_H
#define FUZZ_H

#include "quench/compiler.h"
#include "quench/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* How many bytes from the first on are all worth changing, told by each target; behind them only those near text are:
   names, operators and attributes rather than weights. */
size_t fuzz_head(const uint8_t *data, size_t bytes);

/* Frees a status; aborts with its message when it is one that input must not bring about, INTERNAL, or says nothing. */
void expect_fair(qn_status *status);
/* The same where the input's own words may be the whole message, however few they are. */
void expect_no_defect(qn_status *status);

/* Memory with a budget: what an input asks for beyond it is refused, as a machine that has no more would. To be given
   wherever an allocator can be; the budget is of what is in use at one time. */
const qn_allocator *fuzz_allocator(void);

/* A number that the bytes decide, for choices of the target: the same for the same bytes. */
uint64_t fuzz_choice(const uint8_t *data, size_t bytes);

/* The bytes behind a NUL at their end; freed by the caller. */
char *as_text(const uint8_t *data, size_t bytes);

/* A file in memory that holds the bytes: its path, valid until the next call. */
const char *as_file(const uint8_t *data, size_t bytes);

/* ---- run.c ---- */

/* Runs a model a few times, at the smallest shapes that it takes and at others, on numbers that `seed` decides: small
   ones, any bits, infinities and NaN, the ends of integers. What would be slow or large is left out. */
void run_model(qn_model *model, uint64_t seed);

/* ---- build.c ---- */

/* Builds in a precision, a JSON text ("\"force_float16\""); integers get one range for every value. */
qn_status *build_in(const char *mode, qn_network *network, qn_model **out_model) QN_MUST_USE;

/* Gives zeros to the first `count` weights of a model and puts them in. */
qn_status *refit_model(qn_model *model, size_t count) QN_MUST_USE;

/* ---- network.c ---- */

/* Small networks as the text form of graphs. */
extern const char *const fuzz_picture_network; /* u8 pictures to labels, [1, h, w, 3] to [1, h, w] */

/* A network of such a text, which must be sound. Destroyed by the caller. */
qn_network *make_network(const char *text);
/* The network built with a configuration of such JSON. Destroyed by the caller. */
qn_model *make_model(const char *text, const char *config);
/* The model with another meta text: what a file with that text would load as. */
qn_status *make_model_with_meta(const qn_model *model, const char *meta, qn_model **out_model) QN_MUST_USE;

#endif
