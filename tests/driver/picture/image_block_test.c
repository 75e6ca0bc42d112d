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
    static const char *const blocks[] = {"{'image': {'mean': 127.5}}",
                                         "{'image': {'mean': 127.5, 'decode': 'scores'}}"};
    for (int i = 0; i < 2; i++) {
        qn_model *model = build_of(CLASSIFIER, blocks[i]);
        expect_meta(
            model, "image",
            "{'input': 'x', 'layout': 'NHWC', 'color': 'RGB', 'output': 'y', 'decode': 'scores', 'fit': 'shrink', "
            "'class_count': 5, 'mean': [127.5], 'std': [1.0], 'scale': 1.0}");
        qn_model_destroy(model);
    }
    qn_model *model = build_of(CLASSIFIER, NULL); /* floats may be anything */
    expect_meta(model, "image", NULL);
    qn_model_destroy(model);
}

#define ONE_SCORE(type, ends)                                                                                          \
    "input %x : " type "[1, h, w, 3]\nconst %k : f32[1, 1, 3, 1] = random 4\n%f = cast(%x) {dtype=f32}\n"              \
    "%c = conv2d(%f, %k) {padding=valid}\n" ends "output %y\n"
#define PERM "const %p : s32[4] = {0, 3, 1, 2}\n"

static void expect_parted(const char *statements, const char *json, const char *axis, const char *threshold) {
    qn_model *model = build_of(statements, json);
    expect_meta(model, "image.decode", "'foreground'");
    expect_meta(model, "image.class_count", "2");
    expect_meta(model, "image.axis", axis);
    expect_meta(model, "image.threshold", threshold);
    qn_model_destroy(model);
}

static void one_score_is_two_classes_parted_where_the_graph_says(void **state) {
    (void)state;
    static const struct {
        const char *ends, *axis, *threshold;
    } cases[] = {
        {ONE_SCORE("f32", "%y = sigmoid(%c)\n"), "3", "0.5"},
        {ONE_SCORE("f32", "%y = identity(%c)\n"), "3", "0.0"},
        {ONE_SCORE("f32", "%s = sigmoid(%c)\n%y = squeeze(%s) {axes=[3]}\n"), NULL, "0.5"},
        {ONE_SCORE("f32", "%y = squeeze(%c) {axes=[3]}\n"), NULL, "0.0"},
        {ONE_SCORE("f32", "%s = sigmoid(%c)\n%y = squeeze(%s) {axes=[0, 3]}\n"), NULL, "0.5"},
        {ONE_SCORE("f32", "%s = sigmoid(%c)\n%y = squeeze(%s) {axes=[0]}\n"), "2", "0.5"},
        {ONE_SCORE("f32", PERM "%s = sigmoid(%c)\n%y = transpose(%s, %p)\n"), "1", "0.5"},
        {ONE_SCORE("f32", "const %n : s32[2] = {64, 64}\n%s = sigmoid(%c)\n%y = resize_bilinear(%s, %n)\n"), "3",
         "0.5"},
        {ONE_SCORE("f32", "%s = sigmoid(%c)\n%y = round(%s)\n"), "3", "0.5"},
        {ONE_SCORE("f32", "const %n : f32[] = {255}\n%s = sigmoid(%c)\n%y = mul(%s, %n)\n"), "3", "127.5"},
        {ONE_SCORE("f32", "const %n : f32[] = {255}\n%s = sigmoid(%c)\n%m = mul(%s, %n)\n%y = cast(%m) {dtype=u8}\n"),
         "3", "127.5"},
        {ONE_SCORE("f32", "%y = tanh(%c)\n"), "3", "0.0"},
        {ONE_SCORE("f32", "const %n : f32[] = {3}\nconst %m : f32[] = {6}\n%a = add(%c, %n)\n%r = relu6(%a)\n"
                          "%y = div(%r, %m)\n"),
         "3", "0.5"},
        {ONE_SCORE("f32", "const %n : f32[] = {1}\n%a = neg(%c)\n%e = exp(%a)\n%d = add(%e, %n)\n%y = div(%n, %d)\n"),
         "3", "0.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_parted(cases[i].ends, "{'image': {'scale': 0.1}}", cases[i].axis, cases[i].threshold);
        expect_parted(cases[i].ends, "{'image': {'decode': 'foreground'}}", cases[i].axis, cases[i].threshold);
        expect_parted(cases[i].ends, "{'image': {'decode': {'foreground': 0.25}}}", cases[i].axis, "0.25");
    }
    expect_parted(cases[0].ends, "{'image': {'decode': 'logits'}}", "3", "0.5");
    expect_parted(cases[0].ends, "{'image': {'decode': {'logits': 3}}}", "3", "0.5");
    expect_parted(ONE_SCORE("u8", "%y = sigmoid(%c)\n"), NULL, "3", "0.5");
}

static void expect_read(const char *statements, const char *decode, const char *axis, const char *classes) {
    qn_model *model = build_of(statements, NULL);
    expect_meta(model, "image.decode", decode);
    expect_meta(model, "image.axis", axis);
    expect_meta(model, "image.class_count", classes);
    qn_model_destroy(model);
}

#define BYTES                                                                                                          \
    "input %x : u8[1, h, w, 3]\nconst %k : f32[1, 1, 3, 5] = random 4\n%f = cast(%x) {dtype=f32}\n%c = conv2d(%f, "    \
    "%k) {padding=valid}\n"

static void label_maps_are_known_in_every_form(void **state) {
    (void)state;
    expect_read(BYTES "%a = argmax(%c) {axis=3, dtype=s32}\n%y = expand_dims(%a) {axes=[3]}\noutput %y\n", "'labels'",
                "3", "5");
    expect_read(BYTES "%a = argmax(%c) {axis=3, dtype=s32}\n%y = expand_dims(%a) {axes=[1]}\noutput %y\n", "'labels'",
                "1", "5");
    expect_read(BYTES "%a = argmax(%c) {axis=3, dtype=s32}\n%y = squeeze(%a) {axes=[0]}\noutput %y\n", "'labels'", NULL,
                "5");
    expect_read(
        BYTES
        "const %t : s32[5] = {7, 8, 9, 10, 11}\n%a = argmax(%c) {axis=3, dtype=s32}\n%y = gather(%t, %a)\noutput %y\n",
        "'labels'", NULL, NULL);
    expect_read(BYTES "output %c\n", "'logits'", "3", "5");
    expect_read(BYTES "%y = softmax(%c)\noutput %y\n", "'logits'", "3", "5");
    expect_read(ONE_SCORE("u8", "const %n : f32[] = {0.5}\n%s = sigmoid(%c)\n%y = greater(%s, %n)\n"), "'labels'", "3",
                "2");
    expect_read(ONE_SCORE("u8", "const %n : f32[] = {0.5}\n%s = greater(%c, %n)\n%y = cast(%s) {dtype=s32}\n"),
                "'labels'", "3", "2");
    expect_read(
        "input %x : u8[h, w, 3]\nconst %k : f32[1, 1, 3, 5] = random 4\n%f = cast(%x) {dtype=f32}\n"
        "%e = expand_dims(%f) {axes=[0]}\n%c = conv2d(%e, %k) {padding=valid}\n%a = argmax(%c) {axis=3, dtype=s32}\n"
        "%y = squeeze(%a) {axes=[0]}\noutput %y\n",
        "'labels'", NULL, "5");
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
    refuse(SCORES, "{'image': {'decode': 'scores'}}",
           "image.output: 'y' is f32 of rank 4, expected f32 scores of classes");
    refuse(CLASSIFIER, "{'image': {'decode': 'labels'}}", "image.output: 'y' is f32 of rank 2, expected labels");
    refuse(SCORES, "{'image': {'decode': 'foreground'}}",
           "image.output: 'y' is f32 of rank 4, expected one score for each pixel");
    refuse(SCORES, "{'image': {'decode': {'logits': 2}}}", "cannot have its classes along axis 2, expected 1 or 3");
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

/* A network runs at other sizes than the source declares, but was made for that one. */
static void the_declared_size_is_that_of_pictures_unless_the_configuration_says_otherwise(void **state) {
    (void)state;
    static const char fixed[] =
        "input %x : u8[1, 24, 32, 3]\nconst %k : f32[1, 1, 3, 21] = random 4\n%f = cast(%x) {dtype=f32}\n"
        "%c = conv2d(%f, %k) {padding=valid}\n%y = argmax(%c) {axis=3, dtype=s32}\noutput %y\n";
    static const struct {
        const char *config, *size;
    } rows[] = {
        {NULL, "[24, 32]"},
        {"{'image': {'color': 'BGR'}}", "[24, 32]"},
        {"{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}", "[24, 32]"},
        {"{'image': {'fit': 'shrink'}}", NULL},
        {"{'dim_range': {'0': {'min': [1, 1, 1, 3], 'max': [1, 99, 99, 3]}}}", NULL},
        {"{'graph_shape_mutable': false}", NULL}, /* there is no other */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qn_model *model = build_of(fixed, rows[i].config);
        expect_meta(model, "picture_size", rows[i].size);
        qn_model_destroy(model);
    }
    qn_model *model = build_of(LABELS, NULL); /* the source says nothing */
    expect_meta(model, "picture_size", NULL);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_declared_size_is_that_of_pictures_unless_the_configuration_says_otherwise),
        cmocka_unit_test(a_segmenter_on_bytes_needs_no_block),
        cmocka_unit_test(a_network_without_pictures_has_none),
        cmocka_unit_test(a_block_is_merged_over_what_the_graph_shows),
        cmocka_unit_test(float_networks_are_fed_by_a_block),
        cmocka_unit_test(classifiers_give_scores_of_the_whole_picture),
        cmocka_unit_test(one_score_is_two_classes_parted_where_the_graph_says),
        cmocka_unit_test(label_maps_are_known_in_every_form),
        cmocka_unit_test(layouts_are_those_of_the_built_network),
        cmocka_unit_test(normalised_inputs_take_pictures_as_they_are),
        cmocka_unit_test(blocks_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
