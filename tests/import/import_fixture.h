/* A graph under construction and what importing it gave, for tests that make their own graphs. */
#ifndef QN_TESTS_IMPORT_IMPORT_FIXTURE_H
#define QN_TESTS_IMPORT_IMPORT_FIXTURE_H

#include "expect.h"
#include "graphdef_builder.h"
#include "memory.h"
#include "warnings.h"

typedef struct fixture {
    gd_graph graph;
    qn_arena arena;
    qn_graph *result;
    qn_import_options options;
    kept_warnings warnings;
} fixture;

/* For cmocka: *state is a fresh fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define FIXTURE_CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* Ends the graph, imports it as "m.pb" and verifies the result. */
qn_status *fixture_import(fixture *f);
/* Importing fails with this code, and "tensorflow: m.pb: " before the message. */
void fixture_expect_refused(fixture *f, qn_code code, const char *message);

void fixture_use_outputs(fixture *f, const char *const *names, size_t count);
void fixture_use_inputs(fixture *f, const char *const *names, const qn_import_input_dims *dims, size_t count);
/* Adds placeholder x: f32[2, 3]. */
void fixture_add_x(fixture *f);

#endif
