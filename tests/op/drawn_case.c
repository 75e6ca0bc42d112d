#include "drawn_case.h"

#include <stdlib.h>
#include <string.h>

uint64_t drawn_seed(void) {
    const char *text = getenv("QN_SEED");
    return text ? strtoull(text, NULL, 0) : 20240607;
}

/* Data that ends where its memory ends, so that reading past it is seen. */
static void fill(drawn_case *drawn, qn_view *view) {
    int64_t elems = view->dtype == QN_DTYPE_NONE ? 0 : qn_view_elems(view); /* NONE: an input that is not given */
    view->data = malloc(qn_view_bytes(view) ? qn_view_bytes(view) : 1);
    assert_non_null(view->data);
    if (view->dtype == QN_DTYPE_NONE) return; /* an input that is left out */
    for (int64_t i = 0; i < elems; i++) {
        if (qn_dtype_is_float(view->dtype))
            qn_view_set(view, i, qn_rng_float(&drawn->rng, drawn->sample.low, drawn->sample.high));
        else
            qn_view_set_int(view, i,
                            qn_rng_range(&drawn->rng, view->dtype == QN_DTYPE_BOOL ? 0 : -100,
                                         view->dtype == QN_DTYPE_BOOL ? 1 : 100));
    }
}

void draw_case(drawn_case *drawn, const qn_op_def *op, uint64_t seed) {
    operator_case *c = operator_case_create(op);
    *drawn = (drawn_case){.seed = seed, .c = c, .attrs = calloc(1, op->attrs_bytes ? op->attrs_bytes : 1)};
    assert_non_null(drawn->attrs);
    qn_rng_init(&drawn->rng, seed);
    drawn->sample = (qn_sample){.rng = &drawn->rng, .arena = &c->arena, .attrs = drawn->attrs, .low = -2, .high = 2};
    op->sample(&drawn->sample);
    if (op->attrs_bytes) memcpy(c->attrs, drawn->attrs, op->attrs_bytes);
    for (int i = 0; i < drawn->sample.input_count; i++) {
        qn_view view = drawn->sample.inputs[i], copy = view;
        fill(drawn, &copy);
        if (view.dtype != QN_DTYPE_NONE && view.data && qn_view_bytes(&view))
            memcpy(copy.data, view.data, qn_view_bytes(&view));
        drawn->sample.inputs[i].data = copy.data;
        if (view.dtype == QN_DTYPE_NONE)
            operator_case_skip_input(c);
        else
            operator_case_input(c, view.dtype, view.rank, view.dims, copy.data);
    }
}

void drop_case(drawn_case *drawn) {
    operator_case_destroy(drawn->c);
    for (int i = 0; i < drawn->sample.input_count; i++) free(drawn->sample.inputs[i].data);
    free(drawn->attrs);
}

void print_case(const drawn_case *drawn) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_buffer_printf(&buffer, "%s, case seed %llu:", drawn->c->op->name, (unsigned long long)drawn->seed);
    for (int i = 0; i < drawn->c->input_count; i++) {
        const qn_view *view = &drawn->c->inputs[i];
        qn_buffer_printf(&buffer, " %s[", qn_dtype_name(view->dtype));
        for (int k = 0; k < view->rank; k++)
            qn_buffer_printf(&buffer, "%s%lld", k ? "," : "", (long long)view->dims[k]);
        qn_buffer_printf(&buffer, "]");
    }
    qn_buffer_printf(&buffer, " {");
    qn_attrs_print(drawn->c->op, drawn->c->attrs, 1, &buffer);
    qn_buffer_printf(&buffer, "}");
    print_error("%s\n", qn_buffer_text(&buffer));
    qn_buffer_deinit(&buffer);
}

void expect_drawn_ok(const drawn_case *drawn, qn_status *status, const char *what) {
    CHECK(drawn, !status, "%s: %s (%s)", what, qn_status_message(status), qn_status_where(status));
}
