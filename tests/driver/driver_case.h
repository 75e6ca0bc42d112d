/* What the tests of the driver share: graphs from text, configurations from JSON, builds, runs, and what is refused. */
#ifndef QN_TESTS_DRIVER_DRIVER_CASE_H
#define QN_TESTS_DRIVER_DRIVER_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/network/network.h"
#include "quench/compiler.h"

/* A sink that remembers. */
typedef struct case_log {
    qn_log log;
    int count, warnings;
    char text[16384]; /* every line, each with a newline */
} case_log;
void case_log_init(case_log *log);

void expect_ok(qn_status *status);
/* Fails unless the status has this code and its message mentions `words`. */
void expect_refused(qn_status *status, qn_code code, const char *words);

/* The graph of these statements (docs/text-ir.md), inferred. */
qn_graph *graph_of(qn_arena *arena, const char *statements);
/* The same as a network of its own. */
qn_network *network_of(const char *statements);
/* `json` in single quotes for double ones; NULL: empty. */
qn_config *config_of(const char *json);

/* Builds; `json` as above. */
qn_status *try_build(const char *statements, const char *json, qn_model **out_model);
qn_model *build_of(const char *statements, const char *json);

/* Runs a model of one input on a fresh context; output 0 goes to `out`, its shape to *out_dims (rank returned). */
int run_model(qn_model *model, const qn_tensor *input, float *out, int64_t *out_dims);

/* Checks the JSON in the model's meta at a dotted path ("image.color"; "pinned.0.axis") against JSON in single quotes;
   NULL: it is absent. */
void expect_meta(const qn_model *model, const char *path, const char *json);

#endif
