/* How graphs are read: inputs, outputs, order, and what is kept. Every graph is made here. */
#include "import_fixture.h"

#include <stdio.h>

static void expect_names(const fixture *f, const char *inputs, const char *outputs) {
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < f->result->inputs.count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", f->result->inputs.items[i]->name);
    assert_string_equal(text, inputs);
    used = 0;
    text[0] = 0;
    for (size_t i = 0; i < f->result->outputs.count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", f->result->outputs.items[i]->name);
    assert_string_equal(text, outputs);
}

static size_t count_nodes(const fixture *f, const qn_op_def *op) {
    size_t count = 0;
    for (const qn_node *node = f->result->first; node; node = node->next) count += node->op == op;
    return count;
}

/* ---- Inputs and outputs ---- */

static void inputs_and_outputs_are_found_whatever_the_order(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "last", "Neg", "middle:0");
    gd_node(&f->graph, "middle", "Add", "x:0 y");
    gd_placeholder(&f->graph, "y", GD_FLOAT, 1, (int64_t[]){3});
    fixture_add_x(f);
    gd_node(&f->graph, "side", "Relu", "middle");
    gd_node(&f->graph, "init", "NoOp", "^last");
    gd_const_text(&f->graph, "unused", "text");
    expect_ok(fixture_import(f));
    expect_names(f, "y x", "last side");
    assert_int_equal(f->warnings.count, 0);
}

static void named_outputs_decide_what_is_read(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_placeholder(&f->graph, "other", GD_RESOURCE, -1, NULL); /* not needed, so not looked at */
    gd_node(&f->graph, "a", "Relu", "x");
    gd_node(&f->graph, "b", "SomethingNew", "other a");
    const char *outputs[] = {"a:0"};
    fixture_use_outputs(f, outputs, 1);
    expect_ok(fixture_import(f));
    expect_names(f, "x", "a");
}

static void named_inputs_come_first_and_in_the_order_given(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_placeholder(&f->graph, "y", GD_FLOAT, 1, (int64_t[]){3});
    gd_placeholder(&f->graph, "z", GD_FLOAT, 1, (int64_t[]){3});
    gd_node(&f->graph, "s", "AddN", "y z");
    gd_node(&f->graph, "t", "Add", "s x");
    const char *inputs[] = {"z", "x"};
    fixture_use_inputs(f, inputs, NULL, 2);
    expect_ok(fixture_import(f));
    expect_names(f, "z x y", "t");
}

static void a_graph_is_cut_where_an_input_is_named(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "decoded", "DecodeSomething", "x");
    gd_node(&f->graph, "mask", "Greater", "decoded decoded");
    gd_node(&f->graph, "y", "Select", "mask decoded decoded");
    gd_attr_type(&f->graph, "T", GD_FLOAT);
    gd_node(&f->graph, "cast", "Cast", "decoded");
    gd_attr_type(&f->graph, "DstT", GD_INT32);
    gd_node(&f->graph, "out", "Neg", "cast");
    const char *inputs[] = {"mask", "cast:0"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 1, .dims = {4}}, {.given = 1, .rank = 1, .dims = {-1}}};
    const char *outputs[] = {"out", "mask"};
    fixture_use_inputs(f, inputs, dims, 2);
    fixture_use_outputs(f, outputs, 2);
    expect_ok(fixture_import(f));
    expect_names(f, "mask cast", "out mask");
    assert_int_equal(f->result->inputs.items[0]->type.dtype, QN_DTYPE_BOOL);
    assert_int_equal(f->result->inputs.items[1]->type.dtype, QN_DTYPE_S32);
}

static void a_second_output_of_a_node_can_be_an_input(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_scalar_s32(&f->graph, "axis", 1);
    gd_node(&f->graph, "parts", "Split", "axis x");
    gd_attr_int(&f->graph, "num_split", 3);
    gd_attr_type(&f->graph, "T", GD_FLOAT);
    gd_node(&f->graph, "sum", "Add", "parts:1 parts:2");
    const char *inputs[] = {"parts:1"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 2, .dims = {2, 1}}};
    fixture_use_inputs(f, inputs, dims, 1);
    expect_ok(fixture_import(f));
    expect_names(f, "parts:1 x", "sum");
    assert_int_equal(count_nodes(f, &qn_op_split), 1); /* only the part that is needed */
}

static void free_dims_become_symbols_named_after_the_input(void **state) {
    fixture *f = *state;
    gd_placeholder(&f->graph, "x", GD_UINT8, 3, (int64_t[]){-1, -1, 3});
    gd_node(&f->graph, "y", "Identity", "x");
    expect_ok(fixture_import(f));
    const qn_value *x = f->result->inputs.items[0];
    assert_int_equal(x->type.dtype, QN_DTYPE_U8);
    assert_string_equal(qn_dim_symbol_name(f->result->dims, x->type.dims[1]), "x.1");
    int64_t low, high;
    qn_dim_range(f->result->dims, x->type.dims[0], &low, &high);
    assert_int_equal(low, 1);
    assert_true(high == QN_DIM_UNBOUNDED);
    expect_names(f, "x", "y");
}

static void given_dims_win_with_a_warning_where_they_differ(void **state) {
    fixture *f = *state;
    gd_placeholder(&f->graph, "x", GD_FLOAT, 2, (int64_t[]){-1, 3});
    gd_node(&f->graph, "y", "Neg", "x");
    const char *inputs[] = {"x"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 2, .dims = {5, 4}}};
    fixture_use_inputs(f, inputs, dims, 1);
    expect_ok(fixture_import(f));
    int64_t dim;
    assert_true(qn_dim_is_const(f->result->dims, f->result->outputs.items[0]->type.dims[1], &dim));
    assert_int_equal(dim, 4);
    assert_int_equal(f->warnings.count, 1);
    assert_string_equal(f->warnings.last,
                        "tensorflow: m.pb: node 'x' (Placeholder): dim 1 is declared as 3; 4 is used as asked");
}

static void an_undeclared_shape_must_be_given(void **state) {
    fixture *f = *state;
    gd_placeholder(&f->graph, "x", GD_FLOAT, -1, NULL);
    gd_node(&f->graph, "y", "Neg", "x");
    fixture_expect_refused(
        f, QN_INVALID_ARGUMENT,
        "input 'x' (Placeholder): the graph does not declare the shape of this input; give it: --input x=1,224,224,3");
}

static void wrong_dims_for_an_input_are_refused(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "y", "Neg", "x");
    const char *inputs[] = {"x"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 3, .dims = {5, 4, 4}}};
    fixture_use_inputs(f, inputs, dims, 1);
    fixture_expect_refused(f, QN_INVALID_ARGUMENT, "input 'x' (Placeholder): 3 dims are given, the graph declares 2");
    const qn_import_input_dims negative[] = {{.given = 1, .rank = 2, .dims = {5, -4}}};
    fixture_use_inputs(f, inputs, negative, 1);
    expect_failure(fixture_import(f), QN_INVALID_ARGUMENT, "dim 1 is given as -4");
}

static void names_that_are_not_there_are_answered_with_the_nearest(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "SemanticPredictions", "Neg", "x");
    const char *outputs[] = {"SemanticPrediction:0"};
    fixture_use_outputs(f, outputs, 1);
    fixture_expect_refused(f, QN_INVALID_ARGUMENT,
                           "output 'SemanticPrediction:0': the graph has no node 'SemanticPrediction'; did you "
                           "mean 'SemanticPredictions'?");
}

static void other_wrong_names_are_refused_too(void **state) {
    static const struct {
        const char *inputs[2], *outputs[2];
        const char *message;
    } cases[] = {
        {{NULL}, {"gone"}, "output 'gone': the graph has no node 'gone'"},
        {{"gone"}, {NULL}, "input 'gone': the graph has no node 'gone'"},
        {{NULL}, {"y", "y:0"}, "output 'y:0' is named twice"},
        {{NULL}, {"y:1"}, "output 'y:1': node 'y' (Neg) has no output 1 here"},
        {{NULL}, {"y:x"}, "output 'y:x': NAME or NAME:NUMBER expected"},
        {{NULL}, {""}, "output '': NAME or NAME:NUMBER expected"},
        {{"y:64"}, {NULL}, "input 'y:64': only outputs 0 to 63 of a node can be inputs"},
        {{NULL}, {"check"}, "output 'check': node 'check' (NoOp) has no output 0 here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *inner;
        fixture_set_up(&inner);
        fixture *f = inner;
        fixture_add_x(f);
        gd_node(&f->graph, "y", "Neg", "x");
        gd_node(&f->graph, "check", "NoOp", NULL);
        fixture_use_inputs(f, cases[i].inputs, NULL, cases[i].inputs[0] != NULL);
        size_t outputs = 0;
        while (outputs < 2 && cases[i].outputs[outputs]) outputs++;
        fixture_use_outputs(f, cases[i].outputs, outputs);
        qn_status *status = fixture_import(f);
        assert_non_null(status);
        expect_failure(status, qn_status_code(status) == QN_LIMIT ? QN_LIMIT : QN_INVALID_ARGUMENT, cases[i].message);
        fixture_tear_down(&inner);
    }
}

static void a_ring_has_no_outputs(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "a", "Neg", "b");
    gd_node(&f->graph, "b", "Neg", "a");
    fixture_expect_refused(f, QN_INVALID_MODEL, "every node feeds another one, so no output can be found");
}

/* ---- What is kept ---- */

static void identities_vanish_but_an_output_keeps_its_name(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "read", "Identity", "x");
    gd_node(&f->graph, "stop", "StopGradient", "read");
    gd_node(&f->graph, "y", "Neg", "stop");
    gd_node(&f->graph, "copy", "Identity", "y");
    gd_node(&f->graph, "out", "Snapshot", "copy");
    expect_ok(fixture_import(f));
    expect_names(f, "x", "out");
    assert_int_equal(f->result->node_count, 2); /* neg and the output's identity */
    assert_string_equal(f->result->first->name, "y");
    assert_ptr_equal(f->result->last->op, &qn_op_identity);
}

static void a_default_is_used_unless_the_input_is_named(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_const_f32(&f->graph, "default", 0, NULL, (float[]){2.0f});
    gd_node(&f->graph, "scale", "PlaceholderWithDefault", "default");
    gd_attr_type(&f->graph, "dtype", GD_FLOAT);
    gd_attr_shape(&f->graph, "shape", 0, NULL);
    gd_node(&f->graph, "y", "Mul", "x scale");
    expect_ok(fixture_import(f));
    expect_names(f, "x", "y");
    const char *inputs[] = {"scale"};
    fixture_use_inputs(f, inputs, NULL, 1);
    expect_ok(import_tensorflow((qn_bytes){f->graph.bytes.data, f->graph.bytes.size}, "m.pb", &f->options, &f->arena,
                                &f->result));
    expect_names(f, "scale x", "y");
}

static void add_assert(fixture *f) {
    gd_placeholder(&f->graph, "x", GD_FLOAT, 1, (int64_t[]){-1});
    gd_scalar_s32(&f->graph, "limit", 10);
    gd_node(&f->graph, "size", "Size", "x");
    gd_node(&f->graph, "small", "LessEqual", "size limit");
    gd_const_text(&f->graph, "message", "x is too long:");
}

static const qn_node *find_assert(const fixture *f) {
    for (const qn_node *node = f->result->first; node; node = node->next)
        if (node->op == &qn_op_assert) return node;
    fail_msg("no assert was kept");
    return NULL;
}

static void asserts_are_kept_through_control_inputs_and_bound_the_sizes(void **state) {
    fixture *f = *state;
    add_assert(f);
    gd_node(&f->graph, "check", "Assert", "small message size");
    gd_node(&f->graph, "group", "NoOp", "^check");
    gd_node(&f->graph, "one", "Identity", "limit ^group");
    gd_node(&f->graph, "float", "Cast", "one");
    gd_attr_type(&f->graph, "DstT", GD_FLOAT);
    gd_node(&f->graph, "y", "Mul", "x float");
    const char *outputs[] = {"y"};
    fixture_use_outputs(f, outputs, 1);
    expect_ok(fixture_import(f));
    const qn_node *check = find_assert(f);
    assert_string_equal(((const qn_assert_attrs *)check->attrs)->message, "x is too long:");
    int64_t low, high;
    qn_dim_range(f->result->dims, f->result->inputs.items[0]->type.dims[0], &low, &high);
    assert_int_equal(high, 10);
}

/* tf.Assert in old graphs: the check runs in a branch that is taken when the condition fails. */
static void a_guarded_assert_is_seen_through_its_switch(void **state) {
    fixture *f = *state;
    add_assert(f);
    gd_node(&f->graph, "pred", "Identity", "small");
    gd_node(&f->graph, "guard/cond", "Switch", "small pred");
    gd_node(&f->graph, "guard/size", "Switch", "size pred");
    gd_node(&f->graph, "guard/Assert", "Assert", "guard/cond message guard/size");
    gd_node(&f->graph, "guard/done", "Identity", "pred ^guard/Assert");
    gd_node(&f->graph, "guard/Merge", "Merge", "guard/done pred");
    gd_node(&f->graph, "y", "Neg", "x ^guard/Merge");
    const char *outputs[] = {"y"};
    fixture_use_outputs(f, outputs, 1);
    expect_ok(fixture_import(f));
    assert_string_equal(find_assert(f)->inputs[0]->name, "small");
}

static void an_assert_that_cannot_hold_is_refused_with_its_message(void **state) {
    fixture *f = *state;
    add_assert(f);
    gd_node(&f->graph, "check", "Assert", "small message");
    gd_node(&f->graph, "y", "Neg", "x ^check");
    const char *inputs[] = {"x"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 1, .dims = {11}}};
    fixture_use_inputs(f, inputs, dims, 1);
    fixture_expect_refused(f, QN_INVALID_MODEL, "node 'check' (Assert): x is too long:");
}

static void functions_are_read_as_if_written_out(void **state) {
    fixture *f = *state;
    gd_function(&f->graph, "f", "a b", "r s");
    gd_node(&f->graph, "sum", "Add", "a b");
    gd_attr_parameter(&f->graph, "T", "T");
    gd_node(&f->graph, "kind", "Cast", "sum:z:0");
    gd_attr_parameter(&f->graph, "DstT", "K");
    gd_function_result(&f->graph, "r", "kind:y:0");
    gd_function_result(&f->graph, "s", "sum:z:0");
    gd_function_end(&f->graph);
    fixture_add_x(f);
    gd_node(&f->graph, "call", "f", "x x");
    gd_attr_type(&f->graph, "K", GD_INT32);
    gd_node(&f->graph, "y", "Neg", "call:0");
    const char *outputs[] = {"y", "call:1"};
    fixture_use_outputs(f, outputs, 2);
    expect_ok(fixture_import(f));
    expect_names(f, "x", "y call:1");
    assert_int_equal(f->result->outputs.items[0]->type.dtype, QN_DTYPE_S32);
    assert_non_null(qn_graph_find_value(f->result, "call/sum"));
}

static void parts_get_names_that_no_node_has(void **state) {
    fixture *f = *state;
    gd_placeholder(&f->graph, "x", GD_FLOAT, 4, (int64_t[]){1, 3, 4, 4});
    gd_node(&f->graph, "pool", "MaxPool", "x");
    gd_attr_text(&f->graph, "data_format", "NCHW");
    gd_attr_text(&f->graph, "padding", "VALID");
    gd_attr_ints(&f->graph, "ksize", 4, (int64_t[]){1, 1, 2, 2});
    gd_attr_ints(&f->graph, "strides", 4, (int64_t[]){1, 1, 2, 2});
    gd_node(&f->graph, "pool/to_nhwc", "Neg", "pool");
    expect_ok(fixture_import(f));
    expect_names(f, "x", "pool/to_nhwc");
    assert_non_null(qn_graph_find_value(f->result, "pool/to_nhwc_"));
}

static void nodes_say_where_they_come_from(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "scope/y", "AddV2", "x x");
    expect_ok(fixture_import(f));
    assert_string_equal(f->result->first->source, "tensorflow: node 'scope/y' (AddV2)");
    assert_string_equal(f->result->first->name, "scope/y");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_CASE(inputs_and_outputs_are_found_whatever_the_order),
        FIXTURE_CASE(named_outputs_decide_what_is_read),
        FIXTURE_CASE(named_inputs_come_first_and_in_the_order_given),
        FIXTURE_CASE(a_graph_is_cut_where_an_input_is_named),
        FIXTURE_CASE(a_second_output_of_a_node_can_be_an_input),
        FIXTURE_CASE(free_dims_become_symbols_named_after_the_input),
        FIXTURE_CASE(given_dims_win_with_a_warning_where_they_differ),
        FIXTURE_CASE(an_undeclared_shape_must_be_given),
        FIXTURE_CASE(wrong_dims_for_an_input_are_refused),
        FIXTURE_CASE(names_that_are_not_there_are_answered_with_the_nearest),
        FIXTURE_CASE(other_wrong_names_are_refused_too),
        FIXTURE_CASE(a_ring_has_no_outputs),
        FIXTURE_CASE(identities_vanish_but_an_output_keeps_its_name),
        FIXTURE_CASE(a_default_is_used_unless_the_input_is_named),
        FIXTURE_CASE(asserts_are_kept_through_control_inputs_and_bound_the_sizes),
        FIXTURE_CASE(a_guarded_assert_is_seen_through_its_switch),
        FIXTURE_CASE(an_assert_that_cannot_hold_is_refused_with_its_message),
        FIXTURE_CASE(functions_are_read_as_if_written_out),
        FIXTURE_CASE(parts_get_names_that_no_node_has),
        FIXTURE_CASE(nodes_say_where_they_come_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
