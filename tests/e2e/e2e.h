/* e2e.h - what the end-to-end tests share: reference files, building models, running them, comparing. Everything goes
 * through the public API. Every helper fails the running test with a message when something is wrong. */
#ifndef E2E_H
#define E2E_H

#include "quench/compiler.h"
#include "quench/image.h"
#include "quench/npy.h"
#include "support/skips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Skips the running test, by name and reason, when the reference data is not there. */
void need_shared(void);
/* QN_SOURCE_DIR/PATH; static storage, good until eight calls later. */
const char *source_path(const char *format, ...) QN_PRINTF(1, 2);

/* Fails the test with the message of `status` unless it is NULL. */
void expect_ok(qn_status *status);

/* Imports and builds. `config` is JSON or NULL. */
qn_model *build_model(const char *path, const char *config);

/* A model on an engine of its own. */
typedef struct runner {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
} runner;

/* Takes the model over. `cpu` NULL: what this machine has. */
void runner_open(runner *r, qn_model *model, const char *cpu, int threads);
void runner_close(runner *r);
/* Sets shapes from the inputs and runs; returns output 0 in fresh memory freed with qn_npy_free. */
qn_tensor runner_run(runner *r, const qn_tensor *inputs, size_t count);
/* The same for one input that is read from a file. */
qn_tensor runner_run_file(runner *r, const char *npy);
/* Copies of the values of these names, taken during one run; freed with qn_npy_free. */
void runner_watch(runner *r, const qn_tensor *inputs, size_t count, const char *const *names, size_t name_count,
                  qn_tensor *out_values);

qn_tensor load_npy(const char *path);
size_t tensor_elems(const qn_tensor *tensor);
double tensor_at(const qn_tensor *tensor, size_t index); /* any dtype */
/* Same dims? Leading ones are ignored. */
void expect_same_shape(const qn_tensor *a, const qn_tensor *b);
/* Adds to totals how many elements are equal. */
void count_equal(const qn_tensor *a, const qn_tensor *b, int64_t *inout_equal, int64_t *inout_total);
double max_difference(const qn_tensor *a, const qn_tensor *b);
/* Prints "figure: WHAT: VALUE (bar ...)" so that scripts/bars can collect it. */
void figure(const char *what, const char *format, ...) QN_PRINTF(2, 3);

#endif
