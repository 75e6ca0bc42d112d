/* libquench-vision: from a picture to labels with models that are built here, against what the parts give by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "quench/compiler.h"
#include "quench/vision.h"

enum { SIDE = 4 };

static void ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static void expect(qn_status *status, qn_code code, const char *text) {
    assert_non_null(status);
    assert_int_equal(qn_status_code(status), code);
    if (!strstr(qn_status_message(status), text)) fail_msg("'%s' is not in: %s", text, qn_status_message(status));
    qn_status_free(status);
}

/* Scores [1, SIDE, SIDE, 3] of a picture are its colours as floats; with `tail` ("argmax", "reduce_mean") what that makes
   of them. Sizes are fixed, or with `config` as it says. */
static qn_model *make_model(const char *tail, const char *attributes, const char *config_text) {
    qn_network *network;
    qn_config *config;
    qn_value *x;
    qn_node *node;
    qn_model *model;
    ok(qn_network_create("colours", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_U8, 4, (int64_t[]){1, SIDE, SIDE, 3}, &x));
    ok(qn_network_add_node(network, "cast", "scores", "dtype=f32", &x, 1, &node));
    if (tail && !strcmp(tail, "reduce_mean")) {
        static const int32_t numbers[] = {1, 2};
        const qn_tensor axes = {.dtype = QN_DTYPE_S32, .rank = 1, .dims = {2}, .data = (void *)numbers};
        qn_value *list;
        ok(qn_network_add_constant(network, "axes", &axes, &list));
        ok(qn_network_add_node(network, tail, "out", attributes, (qn_value *[]){qn_node_get_output(node, 0), list}, 2,
                               &node));
    } else if (tail) {
        qn_value *scores = qn_node_get_output(node, 0);
        ok(qn_network_add_node(network, tail, "out", attributes, &scores, 1, &node));
    }
    ok(qn_network_mark_output(network, qn_node_get_output(node, 0), NULL));
    ok(qn_config_create(NULL, &config));
    ok(qn_config_merge_text(config, config_text ? config_text : "{\"graph_shape_mutable\": false}", "test"));
    ok(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

/* A segmenter with everything it stands on. */
typedef struct rig {
    qn_model *model;
    qn_vision *vision;
    qn_engine *engine;
    qn_context *context;
    qn_segmenter *segmenter;
} rig;

static rig rig_create(qn_model *model, const qn_segmenter_options *options) {
    rig r = {.model = model};
    ok(qn_vision_create(model, options ? options->vision : NULL, &r.vision));
    ok(qn_engine_create(model, NULL, &r.engine));
    ok(qn_context_create(r.engine, &r.context));
    ok(qn_segmenter_create(r.vision, model, r.context, options, &r.segmenter));
    return r;
}

static void rig_destroy(rig *r) {
    qn_segmenter_destroy(r->segmenter);
    qn_context_destroy(r->context);
    qn_engine_destroy(r->engine);
    qn_vision_destroy(r->vision);
    qn_model_destroy(r->model);
}

/* Colours that change smoothly, so that classes have edges across the picture. */
static qn_image make_photo(int width, int height, int channels) {
    qn_image photo;
    ok(qn_image_init(width, height, channels, NULL, &photo));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                photo.data[(size_t)y * photo.stride_bytes + (size_t)(x * channels + c)] =
                    (uint8_t)(c == 0   ? 250 * x / width
                              : c == 1 ? 250 * y / height
                                       : 250 - 250 * (x + y) / (width + height));
    return photo;
}

static void expect_same(const qn_image *a, const qn_image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int y = 0; y < a->height; y++)
        assert_memory_equal(a->data + (size_t)y * a->stride_bytes, b->data + (size_t)y * b->stride_bytes,
                            (size_t)a->width);
}

static void labels_have_the_size_of_the_picture_and_are_those_of_its_parts(void **state) {
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), NULL);
    qn_image photo = make_photo(13, 9, 3), labels, small, expected, whole;
    qn_segmenter_info info;
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, &info));
    assert_int_equal(info.net_width, SIDE);
    assert_int_equal(info.runs, 1);
    assert_true(info.areas[0] + info.areas[1] + info.areas[2] == 13 * 9);
    ok(qn_image_resize(&photo, SIDE, SIDE, QN_IMAGE_BILINEAR, NULL, &small));
    ok(qn_image_init(SIDE, SIDE, 1, NULL, &whole));
    for (int i = 0; i < SIDE * SIDE; i++) {
        const uint8_t *pixel = small.data + (size_t)(i / SIDE) * small.stride_bytes + (size_t)(i % SIDE * 3);
        whole.data[(size_t)(i / SIDE) * whole.stride_bytes + (size_t)(i % SIDE)] =
            (uint8_t)(pixel[1] > pixel[0] ? (pixel[2] > pixel[1] ? 2 : 1) : (pixel[2] > pixel[0] ? 2 : 0));
    }
    ok(qn_image_resize(&whole, 13, 9, QN_IMAGE_NEAREST, NULL, &expected));
    expect_same(&labels, &expected);
    qn_image_deinit(&expected), qn_image_deinit(&whole), qn_image_deinit(&small), qn_image_deinit(&labels);
    ok(qn_segmenter_run(r.segmenter, &photo, 26, 5, &labels, NULL));
    assert_int_equal(labels.width, 26);
    assert_int_equal(labels.height, 5);
    qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&r);
}

/* The score of class c at pixel (x, y) of a map of width x height, interpolated in double from SIDE x SIDE scores that
   stand in the middle of what they cover. */
static double score_at(const qn_tensor *scores, int x, int y, int width, int height, int c) {
    const float *data = scores->data;
    double at[2] = {(y + 0.5) * SIDE / height - 0.5, (x + 0.5) * SIDE / width - 0.5}, sum = 0;
    for (int i = 0; i < 2; i++) at[i] = fmin(fmax(at[i], 0), SIDE - 1);
    for (int corner = 0; corner < 4; corner++) {
        const int dy = corner / 2, dx = corner % 2, row = (int)at[0] + dy, column = (int)at[1] + dx;
        const double weight = (dy ? at[0] - floor(at[0]) : 1 - (at[0] - floor(at[0]))) *
                              (dx ? at[1] - floor(at[1]) : 1 - (at[1] - floor(at[1])));
        if (weight > 0) sum += weight * (double)data[(row * SIDE + column) * 3 + c];
    }
    return sum;
}

static void smooth_edges_come_of_scores_that_are_enlarged(void **state) {
    enum { WIDTH = 37, HEIGHT = 29 };
    qn_segmenter_options options;
    qn_segmenter_options_init(&options);
    options.is_smooth = 1;
    rig smooth = rig_create(make_model(NULL, NULL, NULL), &options),
        plain = rig_create(make_model(NULL, NULL, NULL), NULL);
    qn_image photo = make_photo(WIDTH, HEIGHT, 3), labels, coarse;
    qn_tensor scores;
    int differing = 0;
    (void)state;
    expect(qn_segmenter_get_scores(smooth.segmenter, &scores), QN_UNAVAILABLE, "before the first picture");
    ok(qn_segmenter_run(smooth.segmenter, &photo, 0, 0, &labels, NULL));
    ok(qn_segmenter_run(plain.segmenter, &photo, 0, 0, &coarse, NULL));
    ok(qn_segmenter_get_scores(smooth.segmenter, &scores));
    assert_int_equal(scores.rank, 4);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const int label = labels.data[(size_t)y * labels.stride_bytes + (size_t)x];
            differing += label != coarse.data[(size_t)y * coarse.stride_bytes + (size_t)x];
            for (int c = 0; c < 3; c++) /* the winner, but for rounding where two are as good as equal */
                assert_true(score_at(&scores, x, y, WIDTH, HEIGHT, label) + 1e-3 >=
                            score_at(&scores, x, y, WIDTH, HEIGHT, c));
        }
    assert_true(differing > 0);
    qn_image_deinit(&coarse), qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&plain);
    rig_destroy(&smooth);
}

static void what_has_no_scores_or_no_labels_is_refused_with_a_way_out(void **state) {
    qn_segmenter_options options;
    qn_segmenter *segmenter;
    qn_vision *vision;
    (void)state;
    qn_segmenter_options_init(&options);
    options.is_smooth = 1;
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), NULL);
    expect(qn_segmenter_create(r.vision, r.model, r.context, &options, &segmenter), QN_UNSUPPORTED, "--output NAME");
    assert_null(segmenter);
    rig_destroy(&r);
    qn_model *classifier =
        make_model("reduce_mean", "", "{\"graph_shape_mutable\": false, \"image\": {\"decode\": \"scores\"}}");
    ok(qn_vision_create(classifier, NULL, &vision));
    assert_int_equal(qn_vision_get_info(vision)->answer, QN_VISION_SCORES);
    expect(qn_vision_expect_labels(vision, classifier), QN_UNSUPPORTED, "it classifies");
    qn_vision_destroy(vision);
    qn_model_destroy(classifier);
    expect(qn_segmenter_open("/nonexistent/model.qn", NULL, &segmenter), QN_NOT_FOUND, "/nonexistent/model.qn");
    assert_null(segmenter);
}

static void frames_and_gray_pictures_are_brought_to_the_models_channels(void **state) {
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), NULL);
    qn_image photo = make_photo(7, 5, 3), gray = make_photo(7, 5, 1), labels, of_frame;
    (void)state;
    qn_frame frame = {
        .format = QN_PIXEL_RGB, .width = 7, .height = 5, .planes = {photo.data}, .stride_bytes = {photo.stride_bytes}};
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    ok(qn_segmenter_run_frame(r.segmenter, &frame, &of_frame, NULL));
    expect_same(&labels, &of_frame);
    qn_image_deinit(&of_frame), qn_image_deinit(&labels);
    frame.format = QN_PIXEL_NV21; /* two planes, and there is one */
    expect(qn_segmenter_run_frame(r.segmenter, &frame, &of_frame, NULL), QN_INVALID_ARGUMENT, "plane");
    ok(qn_segmenter_run(r.segmenter, &gray, 0, 0, &labels, NULL)); /* all channels are equal: the first wins */
    for (int i = 0; i < 7 * 5; i++)
        assert_int_equal(labels.data[(size_t)(i / 7) * labels.stride_bytes + (size_t)(i % 7)], 0);
    qn_image_deinit(&labels), qn_image_deinit(&gray), qn_image_deinit(&photo);
    rig_destroy(&r);
}

static void small_pictures_are_padded_where_the_model_says_so(void **state) {
    static const char config[] = "{\"graph_shape_mutable\": false, \"image\": {\"pad_value\": [9, 200, 9]}}";
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", config), NULL);
    qn_image photo = make_photo(2, 3, 3), labels;
    int64_t dims[QN_MAX_RANK];
    (void)state;
    for (size_t i = 0; i < 3 * photo.stride_bytes; i++) photo.data[i] = i % 3 == 2 ? 255 : 0; /* all blue */
    ok(qn_vision_make_dims(r.vision, 2, 3, dims));
    assert_true(dims[1] == SIDE && dims[2] == SIDE);
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    assert_int_equal(labels.width, 2);
    for (int i = 0; i < 6; i++)
        assert_int_equal(labels.data[(size_t)(i / 2) * labels.stride_bytes + (size_t)(i % 2)], 2);
    uint8_t pixels[SIDE * SIDE * 3];
    qn_tensor input = {.dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, SIDE, SIDE, 3}, .data = pixels};
    qn_image shown;
    ok(qn_vision_fill(r.vision, &photo, &input));
    ok(qn_vision_show(r.vision, &input, &shown));
    assert_int_equal(shown.data[2], 255);
    assert_int_equal(shown.data[(SIDE - 1) * 3 + 1], 200);
    input.dims[3] = 1;
    expect(qn_vision_fill(r.vision, &photo, &input), QN_INVALID_ARGUMENT, "3 channels");
    input.dims[3] = 3, input.dims[1] = 2;
    expect(qn_vision_fill(r.vision, &photo, &input), QN_INVALID_ARGUMENT, "at most 4x2");
    qn_image_deinit(&shown), qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&r);
}

static void structs_that_nobody_made_are_refused(void **state) {
    (void)state;
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), NULL);
    const qn_segmenter_options no_size = {.is_smooth = 0};
    const qn_vision_options small = {.size = 3};
    qn_segmenter *segmenter;
    qn_vision *vision;
    qn_image photo = make_photo(7, 5, 3), labels;
    expect(qn_segmenter_create(r.vision, r.model, r.context, &no_size, &segmenter), QN_INVALID_ARGUMENT, "size is 0");
    expect(qn_vision_create(r.model, &small, &vision), QN_INVALID_ARGUMENT, "size is 3");
    photo.stride_bytes--;
    expect(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL), QN_INVALID_ARGUMENT, "20 bytes a row");
    photo.stride_bytes++, photo.channels = 2;
    expect(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL), QN_INVALID_ARGUMENT, "2 channels");
    photo.channels = 3;
    qn_image_deinit(&photo);
    rig_destroy(&r);
}

static int give_up(void *self) {
    ++*(int *)self;
    return 1;
}

static void a_caller_who_gives_up_is_heard_before_the_network_runs(void **state) {
    int asked = 0;
    qn_segmenter_options options;
    qn_segmenter_options_init(&options);
    options.cancel = give_up;
    options.cancel_self = &asked;
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), &options);
    qn_image photo = make_photo(7, 5, 3), labels;
    (void)state;
    expect(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL), QN_CANCELLED, "");
    assert_int_equal(asked, 1);
    assert_null(labels.data);
    qn_image_deinit(&photo);
    rig_destroy(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_have_the_size_of_the_picture_and_are_those_of_its_parts),
        cmocka_unit_test(smooth_edges_come_of_scores_that_are_enlarged),
        cmocka_unit_test(what_has_no_scores_or_no_labels_is_refused_with_a_way_out),
        cmocka_unit_test(frames_and_gray_pictures_are_brought_to_the_models_channels),
        cmocka_unit_test(small_pictures_are_padded_where_the_model_says_so),
        cmocka_unit_test(structs_that_nobody_made_are_refused),
        cmocka_unit_test(a_caller_who_gives_up_is_heard_before_the_network_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
