/* What the tests of passes say: this graph becomes that one, and computes what it did.
 *
 *     expect_rewrite("fuse_bias", "input %x : f32[n, 4] ...", "input %x : f32[n, 4] ...", EXACT);
 *
 * Texts are the statements of a graph in text form (docs/text-ir.md) without `graph "x" {` and `}`. Types may be left
 * out: both graphs are inferred, and compared as they print. Every expectation also holds that the structure is sound,
 * that the pass finds nothing to do the second time, and that both graphs give the same outputs, under the same
 * names, at several shapes in range (or both refuse them). */
#ifndef QN_TESTS_PASS_PASS_CASE_H
#define QN_TESTS_PASS_PASS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evaluate.h"
#include "pass/pass.h"

#define EXACT 0.0
/* For passes that combine constants or change the order of roundings: relative to the largest magnitude. */
#define REASSOCIATED 1e-5

void expect_ok(qn_status *status);
/* A graph from its statements, inferred. `check` statements stand for those that inference would find. */
qn_graph *graph_from(qn_arena *arena, const char *statements);
/* Runs one pass as the pipeline does, and verifies. */
void run_pass(qn_graph *graph, const qn_pass *pass);

void expect_rewrite(const char *pass, const char *before, const char *after, double tolerance);
void expect_unchanged(const char *pass, const char *statements);

/* Both graphs refuse these inputs, or give equal outputs. Returns 1 if they computed something. */
int expect_equal_outputs(const qn_graph *before, const qn_graph *after, const qn_view *inputs, double tolerance);

#endif
