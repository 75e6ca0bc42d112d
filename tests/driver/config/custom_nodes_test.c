/* The key custom_nodes: whom a wish reaches, in which order, and what is said of names that nothing has. */
#include "driver_case.h"

#include <string.h>

#include "driver/config/custom_nodes.h"

static const char *const net = "input %x : f32[1, 4, 4, 2]\n"
                               "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                               "const %d : f32[1, 1, 1, 2] = {1, 2}\n"
                               "%plain = conv2d(%x, %w)\n"
                               "%deep = conv2d(%plain, %d) {groups=2}\n"
                               "%soft = softmax(%deep)\n"
                               "output %soft\n";

/* Applies `json` to a network and tells the precisions of its nodes as one text: "f16 - u8". */
static const char *wishes_in(const char *statements, const char *json) {
    static char text[64];
    qn_network *network = network_of(statements);
    qn_config *config = config_of(json);
    expect_ok(qn_custom_nodes_apply(network->graph, config, NULL));
    *text = 0;
    for (const qn_node *node = network->graph->first; node; node = node->next) {
        const qn_dtype wish = qn_facts_of(network->graph, node)->wish.dtype;
        strcat(text, wish ? qn_dtype_name(wish) : "-");
        if (node->next) strcat(text, " ");
    }
    qn_config_destroy(config);
    qn_network_destroy(network);
    return text;
}

/* Of plain, deep and soft. */
static const char *wishes(const char *json) { return wishes_in(net, json); }

static void types_reach_their_nodes(void **state) {
    (void)state;
    assert_string_equal(wishes("{'custom_nodes': {'IConvNode': {'precision': 'int8'}}}"), "u8 - -");
    assert_string_equal(wishes("{'custom_nodes': {'IConvDepthwiseNode': {'precision': 'int16'}}}"), "- s16 -");
    assert_string_equal(wishes("{'custom_nodes': {'ISoftmaxNode': {'precision': 'float16'}}}"), "- - f16");
    assert_string_equal(wishes("{'custom_nodes': {'conv2d': {'precision': 'float32'}}}"), "f32 f32 -");
    assert_string_equal(wishes(NULL), "- - -");
}

static void operators_bring_the_type_that_they_are_of(void **state) {
    (void)state;
    const char *all = "input %x : f32[2, 3]\nconst %axes : s32[1] = {0}\n"
                      "%a = selu(%x)\n%b = leaky_relu(%a)\n%c = exp(%b)\n"
                      "%d = floor_mod(%c, %x)\n%e = sub(%d, %x)\n%f = reduce_max(%e, %axes) {keep_dims=true}\n"
                      "%g = concat(%f, %e) {axis=0}\noutput %g\n";
    assert_string_equal(wishes_in(all, "{'custom_nodes': {'IActivationNode': {'precision': 'float16'}}}"),
                        "f16 f16 - - - - -");
    assert_string_equal(wishes_in(all, "{'custom_nodes': {'IElementwiseNode': {'precision': 'float16'}}}"),
                        "- - - f16 f16 - -");
    assert_string_equal(wishes_in(all, "{'custom_nodes': {'IReduceNode': {'precision': 'float16'}}}"),
                        "- - - - - f16 -");
    assert_string_equal(wishes_in(all, "{'custom_nodes': {'IConcatNode': {'precision': 'float16'}}}"),
                        "- - - - - - f16");
}

static void names_reach_nodes_and_the_readers_of_values(void **state) {
    (void)state;
    assert_string_equal(wishes("{'custom_nodes': {'deep': {'precision': 'float16'}}}"), "- f16 -");
    assert_string_equal(wishes("{'custom_nodes': {'x': {'precision': 'int8'}, 'd': {'precision': 'int16'}}}"),
                        "u8 s16 -");
}

static void names_win_over_types_in_any_order(void **state) {
    (void)state;
    assert_string_equal(wishes("{'custom_nodes': {'deep': {'precision': 'float16'}, 'conv2d': {'precision': 'int8'}}}"),
                        "u8 f16 -");
}

static void granularity_is_found_by_name_then_by_type(void **state) {
    (void)state;
    qn_network *network = network_of(net);
    qn_config *config = config_of("{'custom_nodes': {'deep': {'input': {'1': {'quant_granularity': 'per_tensor'}}},"
                                  " 'IConvDepthwiseNode': {'input': {'0': {'quant_granularity': 'per_axis'},"
                                  " '1': {'quant_granularity': 'per_axis'}}}}}");
    const qn_node *plain = network->graph->first, *deep = plain->next;
    assert_int_equal(qn_custom_nodes_granularity(config, deep, 0), QN_GRANULARITY_PER_AXIS);
    assert_int_equal(qn_custom_nodes_granularity(config, deep, 1), QN_GRANULARITY_PER_TENSOR);
    assert_int_equal(qn_custom_nodes_granularity(config, plain, 1), QN_GRANULARITY_ANY);
    assert_int_equal(qn_custom_nodes_granularity(NULL, deep, 1), QN_GRANULARITY_ANY);
    qn_config_destroy(config);
    qn_network_destroy(network);
}

static void the_type_of_weights_is_found_likewise(void **state) {
    (void)state;
    qn_network *network = network_of(net);
    qn_config *config = config_of("{'custom_nodes': {'deep': {'input': {'1': {'type': 'int16'}}},"
                                  " 'conv2d': {'input': {'1': {'type': 'int8'}}}}}");
    const qn_node *plain = network->graph->first, *deep = plain->next;
    assert_int_equal(qn_custom_nodes_weights(config, plain), QN_DTYPE_S8);
    assert_int_equal(qn_custom_nodes_weights(config, deep), QN_DTYPE_S16);
    assert_int_equal(qn_custom_nodes_weights(config, deep->next), QN_DTYPE_NONE);
    assert_int_equal(qn_custom_nodes_weights(NULL, deep), QN_DTYPE_NONE);
    qn_config_destroy(config);
    qn_network_destroy(network);
}

#define RANGES "'custom_ranges': {'': {'min': [-1], 'max': [1]}}"

/* Precisions of plain and deep in a build. */
static void expect_precisions(const char *json, const char *plain, const char *deep) {
    qn_model *model;
    expect_ok(try_build(net, json, &model));
    const qn_step_info *step;
    size_t met = 0;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        if (!strcmp(step->name, "plain") || !strcmp(step->name, "plain/s16")) {
            assert_string_equal(step->precision, plain);
            met++;
        }
        if (!strcmp(step->name, "deep")) {
            assert_string_equal(step->precision, deep);
            met++;
        }
    }
    assert_int_equal(met, 2);
    qn_model_destroy(model);
}

static void weights_of_eight_bits_go_with_activations_of_sixteen(void **state) {
    (void)state;
    qn_model *model;
    expect_precisions(
        "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, " RANGES
        ", 'custom_nodes': {'conv2d': {'precision': 'int16'}, 'deep': {'input': {'1': {'type': 'int8'}}}}}",
        "s16: custom_nodes", "s16: custom_nodes, weights of 8 bits");
    expect_precisions("{'precision_config': {'precision_mode': 'qint16_mixed_float32', 'weight_type': 'int8'}, " RANGES
                      ", 'custom_nodes': {'deep': {'input': {'1': {'type': 'int16'}}}}}",
                      "s16: qint16_mixed_float32, weights of 8 bits", "s16: qint16_mixed_float32");
    expect_refused(
        try_build(net,
                  "{'precision_config': {'precision_mode': 'qint8_mixed_float32', 'weight_type': 'int16'}, " RANGES "}",
                  &model),
        QN_INVALID_ARGUMENT, "goes with activations of 16 bits only");
    expect_refused(try_build(net,
                             "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, " RANGES
                             ", 'custom_nodes': {'deep': {'input': {'1': {'type': 'int16'}}}}}",
                             &model),
                   QN_INVALID_ARGUMENT, "'deep' cannot have int16 weights");
}

/* The precision of the one layer that a convolution, its bias and a relu become in a build of qint8. */
static const char *precision_of_fused(const char *custom_nodes) {
    static const char *const layer = "input %x : f32[1, 16, 16, 64]\n"
                                     "const %w : f32[1, 1, 64, 64] = random 5\n"
                                     "const %b : f32[64] = random 6\n"
                                     "%conv = conv2d(%x, %w)\n"
                                     "%biased = add(%conv, %b)\n"
                                     "%out = relu(%biased)\n"
                                     "output %out\n";
    static char text[160], json[400];
    qn_model *model = NULL;
    snprintf(json, sizeof json,
             "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, " RANGES ", 'custom_nodes': {%s}}",
             custom_nodes);
    expect_ok(try_build(layer, json, &model));
    *text = 0;
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++) {
        const qn_step_info *step = qn_model_step(model, i);
        if (!strncmp(step->op, "conv2d", strlen("conv2d"))) snprintf(text, sizeof text, "%.3s", step->precision);
    }
    qn_model_destroy(model);
    return text;
}

static void what_a_convolution_takes_in_asks_for_it_only_by_name(void **state) {
    (void)state;
    assert_string_equal(precision_of_fused("'add': {'precision': 'int16'}"), "u8:");
    assert_string_equal(precision_of_fused("'IActivationNode': {'precision': 'float32'}"), "u8:");
    assert_string_equal(precision_of_fused("'biased': {'precision': 'int16'}"), "s16");
    assert_string_equal(precision_of_fused("'out': {'precision': 'float32'}"), "f32");
    assert_string_equal(precision_of_fused("'out': {'precision': 'float32'}, 'conv': {'precision': 'int16'}"), "s16");
    assert_string_equal(precision_of_fused("'out': {'precision': 'float32'}, 'conv2d': {'precision': 'int16'}"), "f32");
}

static void names_that_nothing_has_are_refused_with_the_nearest(void **state) {
    (void)state;
    qn_model *model;
    expect_refused(try_build(net, "{'custom_nodes': {'sofft': {'precision': 'float16'}}}", &model), QN_INVALID_ARGUMENT,
                   "custom_nodes: there is no operator, node or value 'sofft'; nearest: soft");
    expect_refused(try_build(net, "{'custom_nodes': {'IConvNoed': {}}}", &model), QN_INVALID_ARGUMENT,
                   "nearest: IConvNode");
}

static void a_type_without_nodes_is_a_warning(void **state) {
    (void)state;
    case_log log;
    qn_network *network = network_of(net);
    qn_config *config = config_of("{'custom_nodes': {'IMatMulNode': {'precision': 'int8'}}}");
    case_log_init(&log);
    expect_ok(qn_custom_nodes_apply(network->graph, config, &log.log));
    assert_int_equal(log.warnings, 1);
    assert_non_null(strstr(log.text, "custom_nodes.IMatMulNode: the network has no such node"));
    qn_config_destroy(config);
    qn_network_destroy(network);
}

static void a_wish_for_half_precision_comes_true(void **state) {
    (void)state;
    qn_network *network = network_of(net);
    qn_config *config = config_of("{'custom_nodes': {'IConvNode': {'precision': 'float16'}}}");
    qn_model *model;
    expect_ok(qn_build(network, config, NULL, &model));
    size_t halves = 0;
    for (size_t i = 0; qn_model_step(model, i); i++)
        halves += !strcmp(qn_model_step(model, i)->precision, "f16: custom_nodes");
    assert_int_equal(halves, 1);
    qn_model_destroy(model);
    qn_config_destroy(config);
    qn_network_destroy(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_reach_their_nodes),
        cmocka_unit_test(operators_bring_the_type_that_they_are_of),
        cmocka_unit_test(names_reach_nodes_and_the_readers_of_values),
        cmocka_unit_test(names_win_over_types_in_any_order),
        cmocka_unit_test(granularity_is_found_by_name_then_by_type),
        cmocka_unit_test(the_type_of_weights_is_found_likewise),
        cmocka_unit_test(weights_of_eight_bits_go_with_activations_of_sixteen),
        cmocka_unit_test(what_a_convolution_takes_in_asks_for_it_only_by_name),
        cmocka_unit_test(names_that_nothing_has_are_refused_with_the_nearest),
        cmocka_unit_test(a_type_without_nodes_is_a_warning),
        cmocka_unit_test(a_wish_for_half_precision_comes_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
