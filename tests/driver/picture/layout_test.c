/* Layouts of inputs and outputs, normalised inputs, narrowed types and the other keys that change the network itself.
 */
#include "driver_case.h"

#include "driver/picture/layout.h"

#include <math.h>
#include <string.h>

/* NHWC, free height; y is [n, h, 4, 3]. */
#define NHWC                                                                                                           \
    "symbol h [1, 9]\ninput %x : f32[1, h, 4, 2]\nconst %w : f32[3, 3, 2, 3] = random 5\n%y = conv2d(%x, %w) "         \
    "{padding=same_upper}\noutput %y\n"
/* What an importer makes of NCHW. */
#define NCHW                                                                                                           \
    "input %x : f32[1, 2, 5, 4]\nconst %in : s32[4] = {0, 2, 3, 1}\nconst %out : s32[4] = {0, 3, 1, 2}\nconst %w : "   \
    "f32[3, 3, 2, 3] = random 5\n"                                                                                     \
    "%t = transpose(%x, %in)\n%c = conv2d(%t, %w) {padding=same_upper}\n%r = relu(%c)\n%y = transpose(%r, "            \
    "%out)\noutput %y\n"

static void layouts_are_told_from_convolutions(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    const qn_graph *nhwc = graph_of(&arena, NHWC), *nchw = graph_of(&arena, NCHW),
                   *none = graph_of(&arena, "input %x : f32[1, 2, 3, 4]\n%y = relu(%x)\noutput %y\n");
    assert_int_equal(qn_layout_of_input(nhwc, nhwc->inputs.items[0]), QN_LAYOUT_NHWC);
    assert_int_equal(qn_layout_of_output(nhwc, nhwc->outputs.items[0]), QN_LAYOUT_NHWC);
    assert_int_equal(qn_layout_of_input(nchw, nchw->inputs.items[0]), QN_LAYOUT_NCHW);
    assert_int_equal(qn_layout_of_output(nchw, nchw->outputs.items[0]), QN_LAYOUT_NCHW);
    assert_int_equal(qn_layout_of_input(none, none->inputs.items[0]), QN_LAYOUT_UNKNOWN);
    assert_int_equal(qn_layout_of_output(none, none->outputs.items[0]), QN_LAYOUT_UNKNOWN);
    qn_arena_deinit(&arena);
}

static void declared_shapes_are_kept_in_the_layout_of_the_model(void **state) {
    (void)state;
    qn_model *model = build_of(NHWC, NULL);
    expect_meta(model, "declared", "[[1, -1, 4, 2]]"); /* though the width became free */
    assert_int_equal(qn_model_input(model, 0)->dims[2], -1);
    qn_model_destroy(model);
    model = build_of(NHWC, "{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}");
    expect_meta(model, "declared", "[[1, 2, -1, 4]]");
    qn_model_destroy(model);
}

/* [n, a, b, c] -> [n, c, a, b] of floats. */
static void to_nchw(const float *src, int rows, int columns, int channels, float *dst) {
    for (int i = 0; i < rows * columns; i++)
        for (int c = 0; c < channels; c++) dst[c * rows * columns + i] = src[i * channels + c];
}

static void converted_inputs_and_outputs_hold_the_same_numbers_transposed(void **state) {
    (void)state;
    float in[40], in_nchw[40], out[60], expected[60], found[60];
    int64_t dims[QN_MAX_RANK];
    for (int i = 0; i < 40; i++) in[i] = (float)(i * 13 % 17) - 8;
    to_nchw(in, 5, 4, 2, in_nchw);
    qn_model *plain = build_of(NHWC, NULL);
    qn_model *turned = build_of(
        NHWC,
        "{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}, 'convert_output_layout': {'0': {'src': "
        "'NHWC', 'dst': 'NCHW'}},"
        "'dim_range': {'0': {'min': [1, 2, 4, 2], 'max': [1, 7, 4, 2]}}}"); /* ranges count axes as the source does */
    const qn_tensor input = {QN_DTYPE_F32, 4, {1, 5, 4, 2}, in}, input_nchw = {QN_DTYPE_F32, 4, {1, 2, 5, 4}, in_nchw};
    const qn_value_info *info = qn_model_input(turned, 0);
    assert_string_equal(info->name, "x");
    assert_int_equal(info->dims[1], 2);
    assert_int_equal(info->min_dims[2], 2);
    assert_int_equal(info->max_dims[2], 7);
    assert_string_equal(qn_model_output(turned, 0)->name, "y");
    run_model(plain, &input, out, dims);
    to_nchw(out, 5, 4, 3, expected);
    assert_int_equal(run_model(turned, &input_nchw, found, dims), 4);
    assert_int_equal(dims[1], 3);
    assert_int_equal(dims[2], 5);
    assert_int_equal(dims[3], 4);
    assert_memory_equal(found, expected, sizeof found);
    qn_model_destroy(plain), qn_model_destroy(turned);
}

static void an_nchw_network_can_take_and_give_nhwc(void **state) {
    (void)state;
    float in[40], in_nchw[40], out[60], expected[60], found[60];
    int64_t dims[QN_MAX_RANK];
    for (int i = 0; i < 40; i++) in[i] = (float)(i * 13 % 17) - 8;
    to_nchw(in, 5, 4, 2, in_nchw);
    qn_model *plain = build_of(NCHW, NULL);
    qn_model *turned = build_of(NCHW, "{'convert_input_layout': {'0': {'src': 'NCHW', 'dst': 'NHWC'}}, "
                                      "'convert_output_layout': {'0': {'src': 'NCHW', 'dst': 'NHWC'}}}");
    const qn_tensor input = {QN_DTYPE_F32, 4, {1, 5, 4, 2}, in}, input_nchw = {QN_DTYPE_F32, 4, {1, 2, 5, 4}, in_nchw};
    run_model(plain, &input_nchw, expected, dims);
    run_model(turned, &input, out, dims);
    assert_int_equal(dims[3], 3);
    to_nchw(out, 5, 4, 3, found);
    assert_memory_equal(found, expected, sizeof found);
    qn_model_destroy(plain), qn_model_destroy(turned);
}

static void sequences_are_turned_too(void **state) {
    (void)state;
    float in[6] = {1, -2, 3, -4, 5, -6}, out[6];
    int64_t dims[QN_MAX_RANK];
    qn_model *model = build_of("input %x : f32[1, 2, 3]\n%y = relu(%x)\noutput %y\n",
                               "{'convert_input_layout': {'0': {'src': 'NTC', 'dst': 'NCT'}}}");
    const qn_tensor input = {QN_DTYPE_F32, 3, {1, 3, 2}, in};
    assert_int_equal(run_model(model, &input, out, dims), 3);
    assert_int_equal(dims[1], 2);
    assert_memory_equal(out, ((float[]){1, 3, 5, 0, 0, 0}), sizeof out);
    qn_model_destroy(model);
}

static void refuse(const char *statements, const char *json, qn_code code, const char *words) {
    qn_model *model;
    expect_refused(try_build(statements, json, &model), code, words);
    assert_null(model);
}

static void layouts_that_do_not_fit_are_refused(void **state) {
    (void)state;
    refuse(NHWC, "{'convert_input_layout': {'0': {'src': 'NCHW', 'dst': 'NHWC'}}}", QN_INVALID_ARGUMENT,
           "input 'x' is NHWC already, not NCHW");
    refuse(NCHW, "{'convert_output_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}", QN_INVALID_ARGUMENT,
           "output 'y' is NCHW already");
    refuse(NHWC, "{'convert_input_layout': {'0': {'src': 'NTC', 'dst': 'NCT'}}}", QN_INVALID_ARGUMENT,
           "'NTC' has 3 axes, input 'x' has 4");
    refuse(NHWC, "{'convert_input_layout': {'1': {'src': 'NHWC', 'dst': 'NCHW'}}}", QN_INVALID_ARGUMENT,
           "the network has 1 input, numbered from 0");
    refuse(NHWC, "{'convert_output_layout': {'7': {'src': 'NHWC', 'dst': 'NCHW'}}}", QN_INVALID_ARGUMENT,
           "the network has 1 output, numbered from 0");
    refuse("input %x : f32[1, 2, 3, 4]\noutput %x\n", "{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}",
           QN_UNSUPPORTED, "is an output too");
}

/* ---- insert_bn_before_firstnode ---- */

/* Runs bytes through `statements` with normalisation, and the normalised floats without; compares. */
static void compare_normalised(const char *statements, const char *json, int channels_first, const float mean[2],
                               const float var[2], int folded) {
    uint8_t bytes[40];
    float floats[40], found[60], expected[60];
    int64_t dims[QN_MAX_RANK], size = 1;
    const int64_t nhwc[] = {1, 5, 4, 2}, nchw[] = {1, 2, 5, 4};
    for (int i = 0; i < 40; i++) {
        int channel = channels_first ? i / 20 : i % 2;
        bytes[i] = (uint8_t)(i * 37 % 256);
        floats[i] = (float)((bytes[i] - (double)mean[channel]) / sqrt(var[channel]));
    }
    qn_model *model = build_of(statements, json), *plain = build_of(statements, NULL);
    assert_int_equal(qn_model_input(model, 0)->dtype, QN_DTYPE_U8);
    qn_tensor input = {QN_DTYPE_U8, 4, {0}, bytes}, normalised = {QN_DTYPE_F32, 4, {0}, floats};
    memcpy(input.dims, channels_first ? nchw : nhwc, sizeof nhwc);
    memcpy(normalised.dims, input.dims, sizeof nhwc);
    int rank = run_model(plain, &normalised, expected, dims);
    run_model(model, &input, found, dims);
    for (int i = 0; i < rank; i++) size *= dims[i];
    for (int64_t i = 0; i < size; i++)
        if (!(fabsf(found[i] - expected[i]) <= 1e-4f * (1 + fabsf(expected[i]))))
            fail_msg("element %lld: %g, expected %g", (long long)i, found[i], expected[i]);
    if (folded >= 0)
        assert_int_equal(qn_model_get_info(model)->step_count, qn_model_get_info(plain)->step_count + (size_t)folded);
    qn_model_destroy(model), qn_model_destroy(plain);
}

static void bytes_are_normalised_inside(void **state) {
    (void)state;
    static const char valid[] = "input %x : f32[1, 5, 4, 2]\nconst %w : f32[3, 3, 2, 3] = random 5\n%y = conv2d(%x, "
                                "%w) {padding=valid}\noutput %y\n";
    const float mean[] = {103.5f, 120}, var[] = {3460.2f, 2500}, same[] = {127.5f, 127.5f},
                same_var[] = {16256.25f, 16256.25f};
    const char *json = "{'insert_bn_before_firstnode': {'0': {'mean': [103.5, 120], 'var': [3460.2, 2500]}}}";
    compare_normalised(valid, json, 0, mean, var, 1); /* all of it folded into the convolution: the cast is left */
    compare_normalised(NHWC, json, 0, mean, var, 2);  /* padding keeps an addition */
    compare_normalised(NCHW, json, 1, mean, var, -1); /* along axis 1 */
    compare_normalised("input %x : f32[1, 5, 4, 2]\n%y = relu(%x)\noutput %y\n", json, 0, mean, var,
                       -1); /* no convolution at all */
    compare_normalised(valid, "{'insert_bn_before_firstnode': {'0': {'mean': [127.5], 'var': [16256.25]}}}", 0, same,
                       same_var, 1);
    compare_normalised(valid,
                       "{'debug_config': {'fusion_enable': false}, 'insert_bn_before_firstnode': {'0': {'mean': "
                       "[103.5, 120], 'var': [3460.2, 2500]}}}",
                       0, mean, var, 3);
}

static void normalising_what_does_not_fit_is_refused(void **state) {
    (void)state;
    refuse(NHWC, "{'insert_bn_before_firstnode': {'0': {'mean': [1, 2, 3], 'var': [1, 1, 1]}}}", QN_INVALID_ARGUMENT,
           "3 numbers given, but axis 3 of input 'x'");
    refuse(NHWC, "{'insert_bn_before_firstnode': {'2': {'mean': [1], 'var': [1]}}}", QN_INVALID_ARGUMENT,
           "the network has 1 input");
    refuse("input %x : u8[1, 4, 4, 2]\n%c = cast(%x) {dtype=f32}\noutput %c\n",
           "{'insert_bn_before_firstnode': {'0': {'mean': [1], 'var': [1]}}}", QN_INVALID_ARGUMENT,
           "input 'x' is u8, expected f32");
    refuse("input %x : f32[1, 4, 4, 2]\noutput %x\n",
           "{'insert_bn_before_firstnode': {'0': {'mean': [1], 'var': [1]}}}", QN_UNSUPPORTED, "is an output too");
}

static void normalised_bytes_may_come_in_another_layout(void **state) {
    (void)state;
    uint8_t bytes[2 * 20];
    float found[60], expected[60], floats[40];
    int64_t dims[QN_MAX_RANK];
    for (int i = 0; i < 40; i++) bytes[i] = (uint8_t)(i * 7);
    for (int i = 0; i < 20; i++)
        for (int c = 0; c < 2; c++) floats[i * 2 + c] = ((float)bytes[c * 20 + i] - 10) / 2;
    qn_model *model = build_of(NHWC, "{'insert_bn_before_firstnode': {'0': {'mean': [10, 10], 'var': [4, 4]}},"
                                     "'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}");
    qn_model *plain = build_of(NHWC, NULL);
    const qn_tensor input = {QN_DTYPE_U8, 4, {1, 2, 5, 4}, bytes}, normalised = {QN_DTYPE_F32, 4, {1, 5, 4, 2}, floats};
    run_model(plain, &normalised, expected, dims);
    run_model(model, &input, found, dims);
    for (int i = 0; i < 60; i++) assert_true(fabsf(found[i] - expected[i]) <= 1e-3f);
    qn_model_destroy(model), qn_model_destroy(plain);
}

/* ---- Other keys of the build ---- */

static void sixty_four_bits_become_thirty_two_where_asked(void **state) {
    (void)state;
    static const char wide[] = "input %x : s64[3]\nconst %c : s64[1] = {5}\n%y = add(%x, %c)\noutput %y\n";
    int32_t in[3] = {1, 2, -7}, out[3];
    int64_t dims[QN_MAX_RANK];
    qn_model *model = build_of(wide, "{'opt_config': {'type64to32_conversion': true}}");
    const qn_tensor input = {QN_DTYPE_S32, 1, {3}, in};
    assert_int_equal(qn_model_input(model, 0)->dtype, QN_DTYPE_S32);
    assert_int_equal(qn_model_output(model, 0)->dtype, QN_DTYPE_S32);
    run_model(model, &input, (float *)(void *)out, dims);
    assert_memory_equal(out, ((int32_t[]){6, 7, -2}), sizeof out);
    qn_model_destroy(model);
    model = build_of(wide, NULL);
    assert_int_equal(qn_model_input(model, 0)->dtype, QN_DTYPE_S64);
    qn_model_destroy(model);
}

static void scales_stay_where_conv_scale_fold_is_false(void **state) {
    (void)state;
    static const char scaled[] =
        "input %x : f32[1, 4, 4, 2]\nconst %w : f32[1, 1, 2, 2] = random 1\nconst %s : f32[2] = {2, 3}\n"
        "%c = conv2d(%x, %w) {padding=valid}\n%y = mul(%c, %s)\noutput %y\n";
    qn_model *folded = build_of(scaled, NULL), *kept = build_of(scaled, "{'opt_config': {'conv_scale_fold': false}}");
    assert_int_equal(qn_model_get_info(folded)->step_count, 1);
    assert_int_equal(qn_model_get_info(kept)->step_count, 2);
    qn_model_destroy(folded), qn_model_destroy(kept);
}

typedef struct printed {
    int count;
    char passes[64], text[8192];
} printed;

static void keep(void *self, const char *pass, const char *text) {
    printed *p = self;
    p->count++;
    strcat(p->passes, pass);
    strcat(p->passes, " ");
    strncat(p->text, text, sizeof p->text - strlen(p->text) - 1);
}

static void print_ir_hands_out_the_graph(void **state) {
    (void)state;
    static const char graph[] =
        "input %x : f32[2]\nconst %w : f32[20] = random 2\n%y = relu(%x)\n%z = relu(%w)\noutput %y\noutput %z\n";
    const char *json = "{'debug_config': {'print_ir': {'print_level': %s, 'before_build': true, 'after_build': true}}}";
    for (int level = 0; level <= 2; level++) {
        char text[160];
        printed p = {0};
        qn_model *model;
        qn_build_options options;
        snprintf(text, sizeof text, json, (const char *[]){"0", "1", "2"}[level]);
        qn_network *network = network_of(graph);
        qn_config *config = config_of(text);
        qn_build_options_init(&options);
        options.after_pass = keep;
        options.after_pass_self = &p;
        expect_ok(qn_build(network, config, &options, &model));
        assert_string_equal(p.passes, level ? "before_build after_build " : "");
        if (level) assert_int_equal(strstr(p.text, "hash 0x") != NULL, level == 1);
        qn_model_destroy(model), qn_network_destroy(network), qn_config_destroy(config);
    }
}

static void print_ir_goes_to_the_log_line_by_line_where_nobody_else_listens(void **state) {
    (void)state;
    case_log log;
    qn_model *model;
    qn_build_options options;
    case_log_init(&log);
    qn_network *network = network_of("input %x : f32[2]\n%y = relu(%x)\noutput %y\n");
    qn_config *config = config_of("{'debug_config': {'print_ir': {'before_build': true}}}");
    qn_build_options_init(&options);
    options.log = &log.log;
    expect_ok(qn_build(network, config, &options, &model));
    assert_true(log.count >= 5);
    assert_int_equal(log.warnings, 0);
    assert_non_null(strstr(log.text, "%y : f32[x.0] = relu(%x)"));
    qn_model_destroy(model), qn_network_destroy(network), qn_config_destroy(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_told_from_convolutions),
        cmocka_unit_test(declared_shapes_are_kept_in_the_layout_of_the_model),
        cmocka_unit_test(converted_inputs_and_outputs_hold_the_same_numbers_transposed),
        cmocka_unit_test(an_nchw_network_can_take_and_give_nhwc),
        cmocka_unit_test(sequences_are_turned_too),
        cmocka_unit_test(layouts_that_do_not_fit_are_refused),
        cmocka_unit_test(bytes_are_normalised_inside),
        cmocka_unit_test(normalising_what_does_not_fit_is_refused),
        cmocka_unit_test(normalised_bytes_may_come_in_another_layout),
        cmocka_unit_test(sixty_four_bits_become_thirty_two_where_asked),
        cmocka_unit_test(scales_stay_where_conv_scale_fold_is_false),
        cmocka_unit_test(print_ir_hands_out_the_graph),
        cmocka_unit_test(print_ir_goes_to_the_log_line_by_line_where_nobody_else_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
