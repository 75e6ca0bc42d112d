#include "import_fixture.h"

#include <stdio.h>
#include <stdlib.h>

int fixture_set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    gd_init(&f->graph);
    qn_arena_init(&f->arena, NULL);
    warnings_keep(&f->warnings, &f->options);
    *state = f;
    return 0;
}

int fixture_tear_down(void **state) {
    fixture *f = *state;
    qn_arena_deinit(&f->arena);
    gd_deinit(&f->graph);
    free(f);
    return 0;
}

qn_status *fixture_import(fixture *f) {
    QN_TRY(import_tensorflow(gd_finish(&f->graph), "m.pb", &f->options, &f->arena, &f->result));
    return qn_graph_verify(f->result);
}

void fixture_expect_refused(fixture *f, qn_code code, const char *message) {
    char whole[1024];
    snprintf(whole, sizeof whole, "tensorflow: m.pb: %s", message);
    qn_status *status = fixture_import(f);
    assert_null(f->result);
    if (status && strncmp(qn_status_message(status), whole, strlen(whole)) != 0)
        fail_msg("got '%s', expected '%s'", qn_status_message(status), whole);
    expect_failure(status, code, message);
}

void fixture_use_outputs(fixture *f, const char *const *names, size_t count) {
    f->options.outputs = names;
    f->options.output_count = count;
}

void fixture_use_inputs(fixture *f, const char *const *names, const qn_import_input_dims *dims, size_t count) {
    f->options.inputs = names;
    f->options.input_dims = dims;
    f->options.input_count = count;
}

void fixture_add_x(fixture *f) { gd_placeholder(&f->graph, "x", GD_FLOAT, 2, (int64_t[]){2, 3}); }
