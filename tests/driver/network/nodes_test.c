/* Networks built by hand through quench/nodes.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "quench/compiler.h"

static void ok(qn_status *status) {
    if (!status) return;
    print_error("%s\n", qn_status_message(status));
    qn_status_free(status);
    fail();
}

/* Expects a failure whose message holds `words`. */
static void refused(qn_status *status, qn_code code, const char *words) {
    assert_int_equal(qn_status_code(status), code);
    if (!strstr(qn_status_message(status), words))
        fail_msg("'%s' does not mention '%s'", qn_status_message(status), words);
    qn_status_free(status);
}

/* y = relu(conv2d(x, w) + b), all weights 1, on free height and width. */
static qn_network *tiny(qn_value **out_x, qn_node **out_conv) {
    static float weights[9], bias[1] = {-4};
    for (int i = 0; i < 9; i++) weights[i] = 1;
    qn_tensor w = {QN_DTYPE_F32, 4, {3, 3, 1, 1}, weights}, b = {QN_DTYPE_F32, 1, {1}, bias};
    qn_network *network;
    qn_value *wv, *bv;
    qn_node *add, *relu;
    ok(qn_network_create("tiny", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, -1, -1, 1}, out_x));
    ok(qn_network_add_constant(network, "w", &w, &wv));
    ok(qn_network_add_constant(network, "b", &b, &bv));
    ok(qn_network_add_node(network, "conv2d", "conv", "padding=same_upper, stride=[1, 1]", (qn_value *[]){*out_x, wv},
                           2, out_conv));
    ok(qn_network_add_node(network, "add", "add", NULL, (qn_value *[]){qn_node_get_output(*out_conv, 0), bv}, 2, &add));
    ok(qn_network_add_node(network, "relu", "relu", "", (qn_value *[]){qn_node_get_output(add, 0)}, 1, &relu));
    ok(qn_network_mark_output(network, qn_node_get_output(relu, 0), "y"));
    return network;
}

static void a_network_built_by_hand_computes(void **state) {
    (void)state;
    qn_value *x;
    qn_node *conv;
    qn_network *network = tiny(&x, &conv);
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    float in[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, out[9];
    ok(qn_build(network, NULL, NULL, &model));
    qn_network_destroy(network);
    assert_string_equal(qn_model_output(model, 0)->name, "y");
    ok(qn_engine_create(model, NULL, &engine));
    ok(qn_context_create(engine, &context));
    qn_tensor input = {QN_DTYPE_F32, 4, {1, 3, 3, 1}, in}, output = {QN_DTYPE_F32, 4, {1, 3, 3, 1}, out};
    ok(qn_context_set_input_shape(context, 0, 4, input.dims));
    ok(qn_context_run(context, &input, 1, &output, 1));
    assert_memory_equal(out, ((float[]){0, 2, 0, 2, 5, 2, 0, 2, 0}), sizeof out); /* cells inside the window, less 4 */
    qn_context_destroy(context), qn_engine_destroy(engine), qn_model_destroy(model);
}

static void nodes_and_values_are_found_and_walked(void **state) {
    (void)state;
    qn_value *x, *found;
    qn_node *conv, *node;
    qn_network *network = tiny(&x, &conv);
    ok(qn_network_find_node(network, "conv", &node));
    assert_ptr_equal(node, conv);
    ok(qn_network_find_value(network, "x", &found));
    assert_ptr_equal(found, x);
    refused(qn_network_find_node(network, "conw", &node), QN_NOT_FOUND, "conv");
    assert_ptr_equal(qn_network_first_node(network, "conv2d"), conv);
    assert_null(qn_network_next_node(conv, "conv2d"));
    assert_string_equal(qn_node_get_op(qn_network_next_node(conv, NULL)), "add");
    assert_ptr_equal(qn_node_get_input(conv, 0), x);
    assert_null(qn_node_get_input(conv, 9));
    assert_null(qn_value_get_producer(x));
    qn_network_destroy(network);
}

static void inputs_can_be_reshaped_bounded_and_retyped(void **state) {
    (void)state;
    qn_value *x;
    qn_node *conv;
    qn_value_info info;
    qn_network *network = tiny(&x, &conv);
    ok(qn_network_set_input_dims(network, x, 4, (int64_t[]){2, 5, -1, 1}));
    assert_true(qn_network_get_output(network, 0, &info));
    assert_int_equal(info.dims[0], 2);
    assert_int_equal(info.dims[1], 5);
    assert_int_equal(info.dims[2], -1);
    ok(qn_network_set_input_range(network, x, (int64_t[]){1, 2, 3, 1}, (int64_t[]){4, 8, 3, 1}));
    qn_network_describe_value(network, x, &info);
    assert_int_equal(info.min_dims[1], 2);
    assert_int_equal(info.max_dims[0], 4);
    assert_int_equal(info.dims[2], 3);
    refused(qn_network_set_input_dims(network, x, 4, (int64_t[]){1, 5, 5, 2}), QN_INVALID_MODEL, "conv");
    qn_network_describe_value(network, x, &info);
    assert_int_equal(info.dims[3], 1); /* as before */
    refused(qn_network_set_input_range(network, x, (int64_t[]){1, 9, 3, 1}, (int64_t[]){4, 8, 3, 1}),
            QN_INVALID_ARGUMENT, "9..8");
    refused(qn_network_set_input_dtype(network, x, QN_DTYPE_STRING), QN_INVALID_ARGUMENT, "string");
    qn_network_destroy(network);
}

/* Builds with a configuration in JSON (NULL: none) and tells the range of dim 1 of the input. */
static void expect_height(qn_network *network, const char *json, int64_t low, int64_t high) {
    qn_config *config = NULL;
    qn_model *model;
    if (json) ok(qn_config_create(NULL, &config));
    if (json) ok(qn_config_merge_text(config, json, "test"));
    ok(qn_build(network, config, NULL, &model));
    assert_int_equal(qn_model_input(model, 0)->min_dims[1], low);
    assert_int_equal(qn_model_input(model, 0)->max_dims[1], high);
    qn_model_destroy(model), qn_config_destroy(config), qn_network_destroy(network);
}

static void a_range_of_one_size_is_constant_whatever_is_mutable(void **state) {
    (void)state;
    static const char *const configs[] = {NULL, "{\"graph_shape_mutable\": true}", "{\"graph_shape_mutable\": false}",
                                          "{\"dim_range\": {\"0\": {\"min\": [1, 1, 1, 1], \"max\": [1, 9, 9, 1]}}}"};
    qn_value *x;
    qn_node *conv;
    for (size_t i = 0; i < 4; i++) {
        qn_network *network = tiny(&x, &conv);
        ok(qn_network_set_input_range(network, x, (int64_t[]){1, 6, 3, 1}, (int64_t[]){1, 6, 3, 1}));
        expect_height(network, configs[i], 6, 6);
    }
    qn_network *network = tiny(&x, &conv); /* a range of several sizes holds too */
    ok(qn_network_set_input_range(network, x, (int64_t[]){1, 2, 3, 1}, (int64_t[]){1, 6, 3, 1}));
    expect_height(network, NULL, 2, 6);
    network = tiny(&x, &conv); /* dims given later free it again, up to these */
    ok(qn_network_set_input_range(network, x, (int64_t[]){1, 6, 3, 1}, (int64_t[]){1, 6, 3, 1}));
    ok(qn_network_set_input_dims(network, x, 4, (int64_t[]){1, 6, 3, 1}));
    expect_height(network, NULL, 1, 6);
    network = tiny(&x, &conv);
    refused(qn_network_set_input_range(network, x, (int64_t[]){1, 0, 3, 1}, (int64_t[]){1, 6, 3, 1}),
            QN_INVALID_ARGUMENT, "0..6");
    qn_network_destroy(network);
}

static void outputs_are_marked_unmarked_and_renamed(void **state) {
    (void)state;
    qn_value *x, *y;
    qn_node *conv;
    qn_network *network = tiny(&x, &conv);
    ok(qn_network_find_value(network, "y", &y));
    refused(qn_network_mark_output(network, y, NULL), QN_INVALID_ARGUMENT, "already");
    refused(qn_network_rename(network, y, "x"), QN_INVALID_ARGUMENT, "x");
    ok(qn_network_unmark_output(network, y));
    refused(qn_network_unmark_output(network, y), QN_INVALID_ARGUMENT, "no output");
    ok(qn_network_mark_output(network, qn_node_get_output(conv, 0), "conv_out"));
    assert_int_equal(qn_network_get_info(network).output_count, 1);
    qn_network_destroy(network);
}

static void wrong_nodes_are_refused_and_leave_the_network_usable(void **state) {
    (void)state;
    qn_value *x, *other_x;
    qn_node *conv, *node;
    qn_network *network = tiny(&x, &conv), *other = tiny(&other_x, &node);
    qn_model *model;
    refused(qn_network_add_node(network, "conv3d", "n", NULL, &x, 1, &node), QN_NOT_FOUND, "conv2d");
    refused(qn_network_add_node(network, "relu", "n", "slope=1", &x, 1, &node), QN_INVALID_MODEL, "slope");
    refused(qn_network_add_node(network, "conv2d", "n", "padding=sane", &x, 1, &node), QN_INVALID_MODEL, "same");
    refused(qn_network_add_node(network, "relu", "n", "nonsense", &x, 1, &node), QN_INVALID_ARGUMENT, "relu");
    refused(qn_network_add_node(network, "relu", "n", NULL, &other_x, 1, &node), QN_INVALID_ARGUMENT,
            "another network");
    qn_status *status = qn_network_add_node(network, "add", "n", NULL, &x, 1, &node);
    assert_non_null(status);
    qn_status_free(status);
    ok(qn_build(network, NULL, NULL, &model));
    qn_model_destroy(model);
    qn_network_destroy(network), qn_network_destroy(other);
}

static void operators_and_their_attributes_are_listed(void **state) {
    (void)state;
    qn_operator_info op;
    qn_attribute_info attribute;
    size_t count = 0, attributes = 0;
    for (; qn_operator_at(count, &op); count++) {
        assert_true(op.name && *op.doc);
        for (size_t i = 0; qn_operator_attribute_at(op.name, i, &attribute); i++, attributes++)
            assert_true(attribute.name && attribute.kind && attribute.doc);
    }
    assert_true(count > 60 && attributes > 40);
    assert_false(qn_operator_attribute_at("nothing", 0, &attribute));
}

static void weights_are_packed_by_nobody_else(void **state) {
    (void)state;
    qn_value *x, *w;
    qn_node *node;
    qn_network *network;
    float weights[9] = {0};
    qn_tensor tensor = {QN_DTYPE_F32, 4, {3, 3, 1, 1}, weights};
    ok(qn_network_create("packed", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, 4, 4, 1}, &x));
    ok(qn_network_add_constant(network, "w", &tensor, &w));
    refused(qn_network_add_node(network, "conv2d", "conv", "packing=panel16", (qn_value *[]){x, w}, 2, &node),
            QN_INVALID_MODEL, "conv2d has no attribute 'packing'");
    qn_network_destroy(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_built_by_hand_computes),
        cmocka_unit_test(nodes_and_values_are_found_and_walked),
        cmocka_unit_test(inputs_can_be_reshaped_bounded_and_retyped),
        cmocka_unit_test(a_range_of_one_size_is_constant_whatever_is_mutable),
        cmocka_unit_test(outputs_are_marked_unmarked_and_renamed),
        cmocka_unit_test(wrong_nodes_are_refused_and_leave_the_network_usable),
        cmocka_unit_test(operators_and_their_attributes_are_listed),
        cmocka_unit_test(weights_are_packed_by_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
