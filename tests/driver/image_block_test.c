/* The image block: what the graph shows of itself, what the configuration adds, and what does not fit. */
#include "driver_case.h"

#define LABELS                                                                                                         \
    "input %x : u8[1, h, w, 3]\nconst %k : f32[1, 1, 3, 21] = random 4\n%f = cast(%x) {dtype=f32}\n%c = conv2d(%f, "   \
    "%k) {padding=valid}\n"                                                                                            \
    "%y = argmax(%c) {axis=3, dtype=s32}\noutput %y\n"
#define SCORES                                                                                                         \
    "input %x : f32[1, h, w, 3]\nconst %k : f32[1, 1, 3, 4] = random 4\n%y = conv2d(%x, %k) {padding=valid}\noutput "  \
    "%y\n"
#define GRAY_SCORES                                                                                                    \
    "input %x : f32[1, h, w, 1]\nconst %k : f32[1, 1, 1, 4] = random 4\n%y = conv2d(%x, %k) {padding=valid}\noutput "  \
    "%y\n"

static void a_segmenter_on_bytes_needs_no_block(void **state) {
    (void)state;
    qn_model *model = build_of(LABELS, NULL);
    expect_meta(model, "image",
                "{'input': 'x', 'layout': 'NHWC', 'color': 'RGB', 'output': 'y', 'decode': 'labels', 'fit': 'shrink', "
                "'class_count': 21}");
    qn_model_destroy(model);
}

static void a_network_without_pictures_has_none(void **state) {
    (void)state;
    qn_model *model = build_of("input %x : f32[1, 10]\n%y = relu(%x)\noutput %y\n", NULL);
    expect_meta(model, "image", NULL);
    qn_model_destroy(model);
    model = build_of(SCORES, NULL); /* floats may be anything */
    expect_meta(model, "image", NULL);
    qn_model_destroy(model);
}

static void a_block_is_merged_over_what_the_graph_shows(void **state) {
    (void)state;
    qn_model *model = build_of(
        LABELS, "{'image': {'color': 'BGR', 'fit': 'stretch', 'classes': 'voc', 'palette': 'voc', 'pad_value': 128}}");
    expect_meta(model, "image",
                "{'input': 'x', 'layout': 'NHWC', 'color': 'BGR', 'output': 'y', 'decode': 'labels', 'fit': 'stretch', "
                "'class_count': 21,"
                "'classes': 'voc', 'palette': 'voc', 'pad_value': [128]}");
    qn_model_destroy(model);
}

static void float_networks_are_fed_by_a_block(void **state) {
    (void)state;
    qn_model *model = build_of(SCORES, "{'image': {'mean': [123.5, 116, 103], 'std': 58.5, 'classes': ['a', 'b', 'c', "
                                       "'d'], 'palette': [[0,0,0],[1,1,1],[2,2,2],[3,3,255]]}}");
    expect_meta(model, "image.mean", "[123.5, 116, 103]");
    expect_meta(model, "image.std", "[58.5]");
    expect_meta(model, "image.scale", "1.0");
    expect_meta(model, "image.decode", "'logits'");
    expect_meta(model, "image.axis", "3");
    expect_meta(model, "image.class_count", "4");
    expect_meta(model, "image.classes.3", "'d'");
    expect_meta(model, "image.palette.3.2", "255");
    qn_model_destroy(model);
    model = build_of(GRAY_SCORES, "{'image': {}}");
    expect_meta(model, "image.color", "'GRAY'");
    expect_meta(model, "image.mean", "[0.0]");
    qn_model_destroy(model);
}

#define CLASSIFIER                                                                                                     \
    "input %x : f32[1, 4, 4, 3]\nconst %k : f32[4, 4, 3, 5] = random 4\nconst %axes : s32[2] = {1, 2}\n"               \
    "%c = conv2d(%x, %k) {padding=same_upper}\n%y = reduce_mean(%c, %axes)\noutput %y\n"

static void classifiers_give_scores_of_the_whole_picture(void **state) {
    (void)state;
    static const char *const blocks[] = {"{'image': {'mean': 127.5}}", "{'image': {'mean': 127.5, 'decode': 'scores'}}"};
    for (int i = 0; i < 2; i++) {
        qn_model *model = build_of(CLASSIFIER, blocks[i]);
        expect_meta(model, "image",
                    "{'input': 'x', 'layout': 'NHWC', 'color': 'RGB', 'output': 'y', 'decode': 'scores', 'fit': 'shrink', "
                    "'class_count': 5, 'mean': [127.5], 'std': [1.0], 'scale': 1.0}");
        qn_model_destroy(model);
    }
    qn_model *model = build_of(CLASSIFIER, NULL); /* floats may be anything */
    expect_meta(model, "image", NULL);
    qn_model_destroy(model);
}

static void layouts_are_those_of_the_built_network(void **state) {
    (void)state;
    qn_model *model = build_of(SCORES, "{'image': {}, 'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}},"
                                       "'convert_output_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}");
    expect_meta(model, "image.layout", "'NCHW'");
    expect_meta(model, "image.axis", "1");
    expect_meta(model, "image.class_count", "4");
    qn_model_destroy(model);
}

static void normalised_inputs_take_pictures_as_they_are(void **state) {
    (void)state;
    qn_model *model =
        build_of(SCORES, "{'image': {}, 'insert_bn_before_firstnode': {'0': {'mean': [1, 2, 3], 'var': [1, 1, 1]}}}");
    expect_meta(model, "image.mean", NULL);
    expect_meta(model, "image.decode", "'logits'");
    qn_model_destroy(model);
}

static void refuse(const char *statements, const char *json, const char *words) {
    qn_model *model;
    expect_refused(try_build(statements, json, &model), QN_INVALID_ARGUMENT, words);
}

static void blocks_that_do_not_fit_are_refused(void **state) {
    (void)state;
    refuse(LABELS, "{'image': {'input': 'z'}}", "image.input: the network has no input 'z'; there is x");
    refuse(LABELS, "{'image': {'output': 'yy'}}", "image.output: the network has no output 'yy'; there is y");
    refuse(LABELS, "{'image': {'color': 'GRAY'}}",
           "image.color: GRAY does not fit input 'x', which has 3 channels: RGB or BGR");
    refuse(LABELS, "{'image': {'mean': 3}}", "image.mean: input 'x' takes pixels as they are (u8)");
    refuse(LABELS, "{'image': {'decode': 'logits'}}", "image.output: 'y' is s32 of rank 3, expected f32 scores");
    refuse(SCORES, "{'image': {'decode': 'labels'}}", "image.output: 'y' is f32 of rank 4, expected labels");
    refuse(LABELS, "{'image': {'classes': 'cityscapes'}}",
           "image.classes: the names are 19, the classes of output 'y' are 21");
    refuse(SCORES, "{'image': {'decode': 'scores'}}", "image.output: 'y' is f32 of rank 4, expected f32 scores of classes");
    refuse(CLASSIFIER, "{'image': {'decode': 'labels'}}", "image.output: 'y' is f32 of rank 2, expected labels");
    refuse(SCORES, "{'image': {'classes': ['a']}}", "image.classes: the names are 1, the classes of output 'y' are 4");
    refuse(SCORES, "{'image': {'palette': [[1, 2, 3]]}}", "image.palette: the colours are 1, the classes 4");
    refuse(GRAY_SCORES, "{'image': {'mean': [1, 2, 3]}}", "image.mean: 3 numbers for input 'x', whose channels are 1");
    refuse("input %x : f32[1, 10]\n%y = relu(%x)\noutput %y\n", "{'image': {}}", "0 inputs could take pictures");
    refuse("input %x : f32[1, 10]\n%y = relu(%x)\noutput %y\n", "{'image': {'input': 'x'}}",
           "image.input: 'x' is f32 of rank 2, expected a picture");
    refuse("input %x : f32[1, 4, 4, 3]\n%y = relu(%x)\n%z = abs(%x)\noutput %y\noutput %z\n",
           "{'graph_shape_mutable': false, 'image': {}}", "2 outputs: name one with image.output");
    refuse("input %x : s32[1, 4, 4, 3]\n%y = abs(%x)\noutput %y\n", "{'graph_shape_mutable': false, 'image': {}}",
           "'x' is s32 of rank 4, expected u8 or f32");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segmenter_on_bytes_needs_no_block),
        cmocka_unit_test(a_network_without_pictures_has_none),
        cmocka_unit_test(a_block_is_merged_over_what_the_graph_shows),
        cmocka_unit_test(float_networks_are_fed_by_a_block),
        cmocka_unit_test(classifiers_give_scores_of_the_whole_picture),
        cmocka_unit_test(layouts_are_those_of_the_built_network),
        cmocka_unit_test(normalised_inputs_take_pictures_as_they_are),
        cmocka_unit_test(blocks_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
