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

/* Scores [1, side, side, 3] of a picture are its colours as floats; with `tail` ("argmax", "avg_pool2d", "reduce_mean",
   "transpose" to [1, 3, side, side]) what that makes of them. Sizes are fixed, or with `config` as it says. */
static qn_model *make_model_of(int side, const char *tail, const char *attributes, const char *config_text) {
    qn_network *network;
    qn_config *config;
    qn_value *x, *list = NULL;
    qn_node *node;
    qn_model *model;
    ok(qn_network_create("colours", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_U8, 4, (int64_t[]){1, side, side, 3}, &x));
    ok(qn_network_add_node(network, "cast", "scores", "dtype=f32", &x, 1, &node));
    if (tail && (!strcmp(tail, "reduce_mean") || !strcmp(tail, "transpose"))) {
        static const int32_t numbers[] = {0, 3, 1, 2};
        const int is_mean = *tail == 'r';
        const qn_tensor axes = {
            .dtype = QN_DTYPE_S32, .rank = 1, .dims = {is_mean ? 2 : 4}, .data = (void *)(numbers + 2 * is_mean)};
        ok(qn_network_add_constant(network, "axes", &axes, &list));
    }
    if (tail) {
        qn_value *inputs[] = {qn_node_get_output(node, 0), list};
        ok(qn_network_add_node(network, tail, "out", attributes, inputs, list ? 2 : 1, &node));
    }
    ok(qn_network_mark_output(network, qn_node_get_output(node, 0), NULL));
    ok(qn_config_create(NULL, &config));
    ok(qn_config_merge_text(config, config_text ? config_text : "{\"graph_shape_mutable\": false}", "test"));
    ok(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

static qn_model *make_model(const char *tail, const char *attributes, const char *config_text) {
    return make_model_of(SIDE, tail, attributes, config_text);
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
    expect(qn_segmenter_create(r.vision, r.model, r.context, &options, &segmenter), QN_UNSUPPORTED,
           "is_smooth needs scores");
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

/* ---- Tiles ---- */

enum { TILE = 16, WIDE = 41, HIGH = 30 };

/* A segmenter of pictures in tiles of TILE x TILE. */
static rig rig_of_tiles(qn_model *model, int is_smooth, int keep_scores) {
    qn_vision_options vision;
    qn_segmenter_options options;
    qn_vision_options_init(&vision);
    qn_segmenter_options_init(&options);
    vision.has_fit = 1;
    vision.fit = QN_IMAGE_FIT_TILE;
    options.vision = &vision;
    options.is_smooth = is_smooth;
    options.keep_scores = keep_scores;
    return rig_create(model, &options);
}

/* The colour c of a photo between its pixels, interpolated in double. */
static double color_at(const qn_image *photo, double y, double x, int c) {
    const double row = fmin(fmax(y, 0), photo->height - 1), column = fmin(fmax(x, 0), photo->width - 1);
    double sum = 0;
    for (int corner = 0; corner < 4; corner++) {
        const int dy = corner / 2, dx = corner % 2;
        const double f = row - floor(row), g = column - floor(column);
        const double weight = (dy ? f : 1 - f) * (dx ? g : 1 - g);
        if (weight > 0)
            sum += weight * photo->data[(size_t)((int)row + dy) * photo->stride_bytes +
                                        (size_t)(((int)column + dx) * photo->channels + c)];
    }
    return sum;
}

static void tiles_are_smooth_at_the_size_of_the_map(void **state) {
    static const int sizes[][2] = {{90, 77}, {WIDE, HIGH}, {20, 11}, {1, 1}, {2, 200}};
    static const char planes[] = "{\"graph_shape_mutable\": false, \"image\": {\"decode\": {\"logits\": 1}}}";
    qn_image photo = make_photo(WIDE, HIGH, 3);
    (void)state;
    for (int is_planar = 0; is_planar < 2; is_planar++) {
        rig smooth = rig_of_tiles(make_model_of(TILE, is_planar ? "transpose" : NULL, NULL, is_planar ? planes : NULL),
                                  1, 0),
            plain = rig_of_tiles(make_model_of(TILE, NULL, NULL, NULL), 0, 0);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const int width = sizes[i][0], height = sizes[i][1];
            qn_image labels, coarse;
            qn_segmenter_info info;
            int differing = 0;
            ok(qn_segmenter_run(smooth.segmenter, &photo, width, height, &labels, &info));
            ok(qn_segmenter_run(plain.segmenter, &photo, width, height, &coarse, NULL));
            assert_int_equal(info.runs, 12);
            assert_int_equal(labels.width, width);
            assert_int_equal(labels.height, height);
            for (int p = 0; p < width * height; p++) {
                const double y = (p / width + 0.5) * HIGH / height - 0.5, x = (p % width + 0.5) * WIDE / width - 0.5;
                for (int c = 0; c < 3; c++)
                    assert_true(color_at(&photo, y, x, labels.data[p]) + 1e-3 >= color_at(&photo, y, x, c));
                differing += labels.data[p] != coarse.data[p];
            }
            if (width == WIDE) assert_int_equal(differing, 0); /* the picture's own size has nothing to enlarge */
            if (width == 90) assert_true(differing > 0);
            qn_image_deinit(&coarse), qn_image_deinit(&labels);
        }
        rig_destroy(&plain);
        rig_destroy(&smooth);
    }
    qn_image_deinit(&photo);
}

/* Where sample i of `count` over `side` pixels stands. */
static double stand(int i, int count, int side) {
    if (count > 1 && (side - 1) % (count - 1) == 0) return (double)i * (side - 1) / (count - 1);
    return (i + 0.5) * side / count - 0.5;
}

static void scores_of_tiles_are_put_together(void **state) {
    static const struct {
        const char *tail, *attributes;
        int side, rows, columns; /* of a tile; samples of the whole */
        double most;             /* by which a score may differ from the photo, which is a ramp of whole numbers */
    } cases[] = {{NULL, NULL, 16, HIGH, WIDE, 0},
                 {"avg_pool2d", "kernel=[2, 2], stride=[2, 2]", 16, 15, 21, 3},
                 {"avg_pool2d", "kernel=[1, 1], stride=[4, 4]", 17, 9, 12, 3}};
    qn_image photo = make_photo(WIDE, HIGH, 3);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int rows = cases[i].rows, columns = cases[i].columns;
        rig r = rig_of_tiles(make_model_of(cases[i].side, cases[i].tail, cases[i].attributes, NULL), 0, 1);
        qn_image labels, taken;
        qn_tensor scores;
        ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
        ok(qn_segmenter_get_scores(r.segmenter, &scores));
        assert_int_equal(scores.dtype, QN_DTYPE_F32);
        assert_int_equal(scores.rank, 4);
        assert_int_equal(scores.dims[1], rows);
        assert_int_equal(scores.dims[2], columns);
        for (int s = 0; s < rows * columns * 3; s++) {
            const double y = stand(s / 3 / columns, rows, HIGH), x = stand(s / 3 % columns, columns, WIDE);
            const double expected = color_at(&photo, y, x, s % 3), found = (double)((const float *)scores.data)[s];
            if (fabs(expected - found) > cases[i].most)
                fail_msg("case %zu: %g instead of %g at row %d, column %d", i, found, expected, s / 3 / columns,
                         s / 3 % columns);
        }
        ok(qn_vision_take(r.vision, &scores, WIDE, HIGH, &taken));
        if (cases[i].most == 0) expect_same(&labels, &taken);
        qn_image_deinit(&taken), qn_image_deinit(&labels);
        rig_destroy(&r);
    }
    qn_image_deinit(&photo);
}

static void labels_of_tiles_are_put_together_too(void **state) {
    qn_image photo = make_photo(WIDE, HIGH, 3), labels, small = make_photo(TILE, TILE, 3), of_small;
    rig r = rig_of_tiles(make_model_of(TILE, "argmax", "axis=3, dtype=s64", NULL), 0, 1);
    qn_tensor answer;
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    ok(qn_segmenter_get_scores(r.segmenter, &answer));
    assert_int_equal(answer.dtype, QN_DTYPE_S64);
    assert_int_equal(answer.rank, 3);
    for (int i = 0; i < HIGH * WIDE; i++) assert_int_equal(((const int64_t *)answer.data)[i], labels.data[i]);
    /* The next picture runs in one piece: its scores are the output. */
    ok(qn_segmenter_run(r.segmenter, &small, 0, 0, &of_small, NULL));
    ok(qn_segmenter_get_scores(r.segmenter, &answer));
    assert_int_equal(answer.dims[2], TILE);
    qn_image_deinit(&of_small), qn_image_deinit(&small), qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&r);
}

static void scores_of_tiles_that_are_not_kept_are_refused(void **state) {
    qn_image photo = make_photo(WIDE, HIGH, 3), labels;
    rig r = rig_of_tiles(make_model_of(TILE, NULL, NULL, NULL), 0, 0);
    qn_tensor scores;
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    expect(qn_segmenter_get_scores(r.segmenter, &scores), QN_UNAVAILABLE, "ran in 12 tiles");
    assert_null(scores.data);
    qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&r);
}

static void pictures_that_a_least_size_enlarges_are_smooth_at_their_own(void **state) {
    qn_segmenter_options options;
    qn_segmenter_options_init(&options);
    options.is_smooth = 1;
    qn_image photo = make_photo(2, 3, 3), labels;
    rig r = rig_create(make_model(NULL, NULL, NULL), &options); /* fixed at SIDE, so both sides are enlarged */
    qn_tensor scores;
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    ok(qn_segmenter_get_scores(r.segmenter, &scores));
    for (int p = 0; p < 6; p++)
        for (int c = 0; c < 3; c++)
            assert_true(score_at(&scores, p % 2, p / 2, 2, 3, labels.data[p]) + 1e-3 >=
                        score_at(&scores, p % 2, p / 2, 2, 3, c));
    qn_image_deinit(&labels), qn_image_deinit(&photo);
    rig_destroy(&r);
}

/* ---- Segmenters with an engine of their own ---- */

static void count_ranges(void *self, int64_t tasks, qn_task_fn fn, void *arg) {
    ++*(int *)self;
    fn(arg, 0, tasks, 0);
}

static void segmenters_come_from_models_bytes_and_files(void **state) {
    static const char config[] =
        "{\"graph_shape_mutable\": false, \"image\": {\"classes\": [\"red\", \"green\", \"blue\"], "
        "\"palette\": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}}";
    int calls = 0;
    const qn_executor executor = {&calls, 2, count_ranges};
    qn_engine_options engine;
    qn_segmenter_options options[4];
    qn_segmenter *segmenters[4];
    rig r = rig_create(make_model_of(256, "argmax", "axis=3, dtype=u8", config), NULL);
    qn_image photo = make_photo(9, 7, 3), expected, labels;
    size_t bytes;
    const void *data = qn_model_bytes(r.model, &bytes);
    void *copy = malloc(bytes);
    (void)state;
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    qn_engine_options_init(&engine);
    engine.threads = -1;
    for (int i = 0; i < 4; i++) qn_segmenter_options_init(&options[i]);
    options[0].threads = 1;
    options[0].cpu = "generic";
    options[0].engine = &engine; /* what it says of threads is overruled */
    options[1].executor = &executor;
    options[3].palette = "voc";
    ok(qn_segmenter_open_model(r.model, &options[0], &segmenters[0]));
    ok(qn_segmenter_open_memory(data, bytes, QN_MEMORY_BORROW, &options[1], &segmenters[1]));
    ok(qn_segmenter_open_memory(copy, bytes, QN_MEMORY_COPY, NULL, &segmenters[2]));
    memset(copy, 0, bytes);
    free(copy);
    ok(qn_segmenter_open_model(r.model, &options[3], &segmenters[3]));
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &expected, NULL));
    for (int i = 0; i < 4; i++) {
        ok(qn_segmenter_run(segmenters[i], &photo, 0, 0, &labels, NULL));
        expect_same(&expected, &labels);
        assert_string_equal(qn_segmenter_palette(segmenters[i])->names[1], i == 3 ? "aeroplane" : "green");
        assert_int_equal(qn_segmenter_palette(segmenters[i])->colors[1][2], i == 3 ? 0 : 6);
        qn_image_deinit(&labels);
        qn_segmenter_destroy(segmenters[i]);
    }
    assert_true(calls > 0);
    assert_null(qn_segmenter_palette(r.segmenter));
    qn_image_deinit(&expected), qn_image_deinit(&photo);
    rig_destroy(&r);
}

static void segmenters_outlive_the_handle_of_their_model(void **state) {
    qn_model *model = make_model("argmax", "axis=3, dtype=u8", NULL);
    qn_segmenter *segmenter;
    qn_image photo = make_photo(9, 7, 3), labels;
    (void)state;
    ok(qn_segmenter_open_model(model, NULL, &segmenter));
    qn_model_destroy(model);
    ok(qn_segmenter_run(segmenter, &photo, 0, 0, &labels, NULL));
    qn_image_deinit(&labels), qn_image_deinit(&photo);
    qn_segmenter_destroy(segmenter);
}

static void engines_that_cannot_be_are_refused(void **state) {
    qn_model *model = make_model("argmax", "axis=3, dtype=u8", NULL);
    qn_segmenter_options options;
    qn_engine_options engine = {.size = 1};
    qn_segmenter *segmenter;
    uint8_t nothing[64] = {0};
    (void)state;
    qn_segmenter_options_init(&options);
    options.threads = 5000;
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_INVALID_ARGUMENT, "threads");
    options.threads = 0, options.cpu = "avx2000";
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_INVALID_ARGUMENT, "avx2000");
    options.cpu = NULL, options.engine = &engine;
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_INVALID_ARGUMENT, "size 1");
    options.engine = NULL, options.palette = "citscapes";
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_NOT_FOUND, "cityscapes");
    options.palette = NULL, options.is_smooth = 1;
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_UNSUPPORTED, "is_smooth needs scores");
    options.size = 8;
    expect(qn_segmenter_open_model(model, &options, &segmenter), QN_INVALID_ARGUMENT, "size is 8");
    expect(qn_segmenter_open_memory(nothing, 64, QN_MEMORY_COPY, NULL, &segmenter), QN_INVALID_MODEL, "");
    assert_null(segmenter);
    qn_model_destroy(model);
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
        cmocka_unit_test(tiles_are_smooth_at_the_size_of_the_map),
        cmocka_unit_test(scores_of_tiles_are_put_together),
        cmocka_unit_test(labels_of_tiles_are_put_together_too),
        cmocka_unit_test(scores_of_tiles_that_are_not_kept_are_refused),
        cmocka_unit_test(pictures_that_a_least_size_enlarges_are_smooth_at_their_own),
        cmocka_unit_test(segmenters_come_from_models_bytes_and_files),
        cmocka_unit_test(segmenters_outlive_the_handle_of_their_model),
        cmocka_unit_test(engines_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
