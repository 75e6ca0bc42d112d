/* What is refused, and how that is said. Every graph is made here. */
#include "import_fixture.h"

static void unknown_operators_are_listed_all_at_once(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "a", "FancyOp", "x");
    gd_node(&f->graph, "b", "FancyOp", "a");
    gd_node(&f->graph, "c", "FancyOp", "b");
    gd_node(&f->graph, "d", "FancyOp", "c");
    gd_node(&f->graph, "e", "Switch", "d x");
    gd_node(&f->graph, "w", "VariableV2", NULL);
    gd_node(&f->graph, "f", "Add", "e:1 w");
    fixture_expect_refused(
        f, QN_UNSUPPORTED,
        "3 operators are not supported: FancyOp (4 nodes: 'a', 'b', 'c', ...), Switch (control flow; 1 node: 'e'), "
        "VariableV2 (a variable: freeze the graph first; 1 node: 'w'); outputs that do not need them can be named");
}

static void a_cycle_is_shown(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "a", "Add", "x c");
    gd_node(&f->graph, "b", "Neg", "a");
    gd_node(&f->graph, "c", "Relu", "b");
    gd_node(&f->graph, "out", "Neg", "c");
    fixture_expect_refused(f, QN_INVALID_MODEL, "node 'c' (Relu) depends on itself: 'a' -> 'b' -> 'c' -> 'a'");
}

static void a_node_that_feeds_itself_is_a_cycle(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "a", "Neg", "a");
    gd_node(&f->graph, "out", "Neg", "a");
    fixture_expect_refused(f, QN_INVALID_MODEL, "node 'a' (Neg) depends on itself: 'a' -> 'a'");
}

/* The error that each small graph must give. `build` adds to x: f32[2, 3]; the last node is the output. */
typedef struct refusal {
    void (*build)(gd_graph *graph);
    qn_code code;
    const char *message;
} refusal;

static void missing_input(gd_graph *g) { gd_node(g, "y", "Add", "x gone"); }
static void too_few_inputs(gd_graph *g) { gd_node(g, "y", "Add", "x"); }
static void too_many_inputs(gd_graph *g) { gd_node(g, "y", "Neg", "x x"); }
static void missing_output(gd_graph *g) { gd_node(g, "n", "Neg", "x"), gd_node(g, "y", "Neg", "n:1"); }
static void wrong_dtype(gd_graph *g) { gd_scalar_s32(g, "i", 1), gd_node(g, "y", "Add", "x i"); }
static void wrong_shape(gd_graph *g) {
    gd_const_f32(g, "c", 1, (int64_t[]){2}, (float[]){1, 2});
    gd_node(g, "y", "Add", "x c");
}
static void wrong_rank(gd_graph *g) {
    gd_const_f32(g, "w", 4, (int64_t[]){1, 1, 3, 1}, (float[]){1, 2, 3});
    gd_node(g, "y", "Conv2D", "x w");
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 1, 1, 1});
    gd_attr_text(g, "padding", "SAME");
}
static void short_content(gd_graph *g) {
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){3});
    gd_tensor_content(&tensor, "12345678", 8);
    gd_const(g, "c", GD_FLOAT, &tensor);
    gd_node(g, "y", "Add", "x c");
}
static void negative_dim(gd_graph *g) {
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){-3});
    gd_const(g, "c", GD_FLOAT, &tensor);
    gd_node(g, "y", "Add", "x c");
}
static void overflowing_dims(gd_graph *g) {
    qn_buffer tensor = gd_tensor(GD_FLOAT, 2, (int64_t[]){1ll << 40, 1ll << 40});
    gd_const(g, "c", GD_FLOAT, &tensor);
    gd_node(g, "y", "Add", "x c");
}
static void contradicting_type(gd_graph *g) {
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){3});
    gd_const(g, "c", GD_INT32, &tensor);
    gd_node(g, "y", "Add", "x c");
}
static void no_value(gd_graph *g) { gd_node(g, "c", "Const", NULL), gd_node(g, "y", "Add", "x c"); }
static void text_value(gd_graph *g) { gd_const_text(g, "c", "hi"), gd_node(g, "y", "Add", "x c"); }
static void axis_outside(gd_graph *g) { gd_scalar_s32(g, "axis", 2), gd_node(g, "y", "ArgMax", "x axis"); }
static void axis_far_outside(gd_graph *g) { gd_scalar_s32(g, "axis", INT32_MIN), gd_node(g, "y", "Max", "x axis"); }
static void axis_computed(gd_graph *g) {
    gd_placeholder(g, "axis", GD_INT32, 0, NULL);
    gd_node(g, "y", "ArgMax", "x axis");
}
static void axis_twice(gd_graph *g) {
    gd_const_s32(g, "axes", 1, (int64_t[]){2}, (int32_t[]){1, -1});
    gd_node(g, "y", "Max", "x axes");
}
static void attr_of_another_kind(gd_graph *g) {
    gd_node(g, "y", "LeakyRelu", "x");
    gd_attr_text(g, "alpha", "0.1");
}
static void unknown_choice(gd_graph *g) {
    gd_const_f32(g, "b", 1, (int64_t[]){3}, (float[]){1, 2, 3});
    gd_node(g, "y", "BiasAdd", "x b");
    gd_attr_text(g, "data_format", "NHCW");
}
static void training(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){1, 2, 2, 1});
    gd_const_f32(g, "s", 1, (int64_t[]){1}, (float[]){1});
    gd_node(g, "y", "FusedBatchNormV3", "p s s s s");
}
static void batch_stride(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){2, 2, 2, 1});
    gd_node(g, "y", "MaxPool", "p");
    gd_attr_text(g, "padding", "SAME");
    gd_attr_ints(g, "ksize", 4, (int64_t[]){1, 2, 2, 1});
    gd_attr_ints(g, "strides", 4, (int64_t[]){2, 1, 1, 1});
}
static void few_strides(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){2, 2, 2, 1});
    gd_node(g, "y", "MaxPool", "p");
    gd_attr_ints(g, "ksize", 2, (int64_t[]){2, 2});
}
static void no_padding(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){2, 2, 2, 1});
    gd_node(g, "y", "MaxPool", "p");
    gd_attr_ints(g, "ksize", 4, (int64_t[]){1, 2, 2, 1});
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 1, 1, 1});
}
static void zero_stride(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){2, 2, 2, 1});
    gd_node(g, "y", "MaxPool", "p");
    gd_attr_ints(g, "ksize", 4, (int64_t[]){1, 2, 2, 1});
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 0, 1, 1});
    gd_attr_text(g, "padding", "SAME");
}
static void wrong_channels(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){1, 2, 2, 3});
    gd_const_f32(g, "w", 4, (int64_t[]){1, 1, 2, 1}, (float[]){1, 2});
    gd_node(g, "y", "Conv2D", "p w");
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 1, 1, 1});
    gd_attr_text(g, "padding", "SAME");
}
static void filter_of_no_channels(gd_graph *g) {
    gd_placeholder(g, "p", GD_FLOAT, 4, (int64_t[]){1, 2, 2, 3});
    gd_const_f32(g, "w", 4, (int64_t[]){1, 1, 0, 1}, (float[]){0});
    gd_node(g, "y", "Conv2D", "p w");
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 1, 1, 1});
    gd_attr_text(g, "padding", "SAME");
}
static void split_of_nothing(gd_graph *g) {
    gd_scalar_s32(g, "axis", 1);
    gd_node(g, "y", "Split", "axis x");
}
static void split_unequal(gd_graph *g) {
    gd_scalar_s32(g, "axis", 1);
    gd_node(g, "y", "Split", "axis x");
    gd_attr_int(g, "num_split", 2);
}
static void split_v_sum(gd_graph *g) {
    gd_scalar_s32(g, "axis", 1);
    gd_const_s32(g, "sizes", 1, (int64_t[]){2}, (int32_t[]){1, 1});
    gd_node(g, "y", "SplitV", "x sizes axis");
}
static void batch_gather(gd_graph *g) {
    gd_scalar_s32(g, "i", 1);
    gd_node(g, "y", "GatherV2", "x i i");
    gd_attr_int(g, "batch_dims", 1);
}
static void complex_input(gd_graph *g) {
    gd_placeholder(g, "z", GD_COMPLEX64, 1, (int64_t[]){3});
    gd_node(g, "y", "Neg", "z");
}
static void cast_to_text(gd_graph *g) {
    gd_node(g, "y", "Cast", "x");
    gd_attr_type(g, "DstT", GD_STRING);
}
static void huge_pads(gd_graph *g) {
    gd_const_s32(g, "pads", 2, (int64_t[]){2, 2}, (int32_t[]){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX});
    gd_node(g, "a", "Pad", "x pads");
    gd_node(g, "y", "Pad", "a pads");
}
static void huge_tiles(gd_graph *g) {
    gd_const_s32(g, "times", 1, (int64_t[]){2}, (int32_t[]){INT32_MAX, INT32_MAX});
    gd_node(g, "a", "Tile", "x times");
    gd_node(g, "y", "Tile", "a times");
}

static void contradictions_are_refused_with_node_and_reason(void **state) {
    static const refusal cases[] = {
        {missing_input, QN_INVALID_MODEL, "node 'y' (Add), input 1 'gone': the graph has no node 'gone'"},
        {too_few_inputs, QN_INVALID_MODEL, "node 'y' (Add): has 1 inputs, 2 expected"},
        {too_many_inputs, QN_INVALID_MODEL, "node 'y' (Neg): has 2 inputs, 1 expected"},
        {missing_output, QN_INVALID_MODEL, "node 'y' (Neg), input 0 'n:1': node 'n' (Neg) has no output 1 here"},
        {wrong_dtype, QN_INVALID_MODEL, "node 'y' (Add): "},
        {wrong_shape, QN_INVALID_MODEL, "node 'y' (Add): "},
        {wrong_rank, QN_INVALID_MODEL, "node 'y' (Conv2D), input 0 'x': 4 dims expected, 2 found"},
        {short_content, QN_INVALID_MODEL, "node 'c' (Const): byte "},
        {negative_dim, QN_INVALID_MODEL, "node 'c' (Const): byte "},
        {overflowing_dims, QN_INVALID_MODEL, "node 'c' (Const): the product of the constant's dims overflows"},
        {contradicting_type, QN_INVALID_MODEL, "node 'c' (Const): attribute 'dtype' says s32, the value holds f32"},
        {no_value, QN_INVALID_MODEL, "node 'c' (Const): attribute 'value' is missing"},
        {text_value, QN_UNSUPPORTED, "node 'c' (Const): element type string is not supported"},
        {axis_outside, QN_INVALID_MODEL, "node 'y' (ArgMax), input 1 'axis': axis 2 is outside -2 .. 1"},
        {axis_far_outside, QN_INVALID_MODEL, "node 'y' (Max), input 1 'axis': axis -2147483648 is outside"},
        {axis_computed, QN_UNSUPPORTED, "node 'y' (ArgMax), input 1 'axis': its value must be a constant"},
        {axis_twice, QN_INVALID_MODEL, "node 'y' (Max), input 1 'axes': axis 1 is given twice"},
        {attr_of_another_kind, QN_INVALID_MODEL,
         "node 'y' (LeakyRelu): attribute 'alpha' holds text, expected a float"},
        {unknown_choice, QN_UNSUPPORTED, "node 'y' (BiasAdd): attribute 'data_format' is 'NHCW'; NHWC, NCHW expected"},
        {training, QN_UNSUPPORTED, "node 'y' (FusedBatchNormV3): is_training is true"},
        {batch_stride, QN_UNSUPPORTED, "node 'y' (MaxPool): 'strides' is 2 along the batch"},
        {few_strides, QN_INVALID_MODEL, "node 'y' (MaxPool): 'ksize' has 2 numbers, 4 expected"},
        {no_padding, QN_INVALID_MODEL, "node 'y' (MaxPool): attribute 'padding' is missing"},
        {zero_stride, QN_INVALID_MODEL, "node 'y' (MaxPool): "},
        {wrong_channels, QN_INVALID_MODEL, "node 'y' (Conv2D): the input has 3 channels, the filter takes 2"},
        {filter_of_no_channels, QN_INVALID_MODEL, "node 'y' (Conv2D): the input has 3 channels, the filter takes 0"},
        {split_of_nothing, QN_INVALID_MODEL, "node 'y' (Split): attribute 'num_split' is 0; 1 to 4096 expected"},
        {split_unequal, QN_INVALID_MODEL, "node 'y' (Split): "},
        {split_v_sum, QN_INVALID_MODEL, "node 'y' (SplitV), input 1 'sizes': the sizes sum to 2, the dim is 3"},
        {batch_gather, QN_UNSUPPORTED, "node 'y' (GatherV2): attribute 'batch_dims' is 1"},
        {complex_input, QN_UNSUPPORTED, "input 'z' (Placeholder): attribute 'dtype': element type complex64"},
        {cast_to_text, QN_UNSUPPORTED, "node 'y' (Cast): attribute 'DstT': element type string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *inner;
        fixture_set_up(&inner);
        fixture *f = inner;
        fixture_add_x(f);
        cases[i].build(&f->graph);
        fixture_expect_refused(f, cases[i].code, cases[i].message);
        fixture_tear_down(&inner);
    }
}

/* Sizes that no machine holds are refused; how is the business of inference. */
static void sizes_beyond_all_memory_are_refused(void **state) {
    static void (*const builds[])(gd_graph *) = {huge_pads, huge_tiles};
    (void)state;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        void *inner;
        fixture_set_up(&inner);
        fixture *f = inner;
        fixture_add_x(f);
        builds[i](&f->graph);
        qn_status *status = fixture_import(f);
        assert_non_null(status);
        assert_non_null(strstr(qn_status_message(status), "node '"));
        qn_status_free(status);
        fixture_tear_down(&inner);
    }
}

static void unknown_attributes_are_warned_about_once(void **state) {
    fixture *f = *state;
    fixture_add_x(f);
    gd_node(&f->graph, "a", "Relu", "x");
    gd_attr_int(&f->graph, "novelty", 1);
    gd_attr_type(&f->graph, "T", GD_FLOAT);
    gd_attr_text(&f->graph, "_output_shapes", "any");
    gd_node(&f->graph, "y", "Relu", "a");
    gd_attr_int(&f->graph, "novelty", 1);
    expect_ok(fixture_import(f));
    assert_int_equal(f->warnings.count, 1);
    assert_string_equal(f->warnings.last,
                        "tensorflow: m.pb: node 'a' (Relu): attribute 'novelty' is not known; it is ignored, here and "
                        "on other Relu nodes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_CASE(unknown_operators_are_listed_all_at_once),
        FIXTURE_CASE(a_cycle_is_shown),
        FIXTURE_CASE(a_node_that_feeds_itself_is_a_cycle),
        FIXTURE_CASE(contradictions_are_refused_with_node_and_reason),
        FIXTURE_CASE(sizes_beyond_all_memory_are_refused),
        FIXTURE_CASE(unknown_attributes_are_warned_about_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
