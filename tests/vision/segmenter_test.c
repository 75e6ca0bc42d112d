/* libquench-vision: from a picture to labels with models that are built here, against what the parts give by hand. */
#include "rig.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* A network rules classes out by scores of minus infinity, and may answer NaN. */
static void classes_ruled_out_by_infinite_scores_do_not_win(void **state) {
    rig r = rig_create(make_model(NULL, NULL, NULL), NULL);
    float data[SIDE * SIDE * 3];
    qn_tensor scores = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, SIDE, SIDE, 3}, .data = data};
    const float rows[][3] = {{-INFINITY, 3, 1}, {NAN, 1, 3}, {-INFINITY, -INFINITY, 0}, {INFINITY, 3, 1}};
    const int winners[] = {1, 2, 2, 0};
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (int size = SIDE; size <= 3 * SIDE; size += SIDE) {
            qn_image labels;
            for (int i = 0; i < SIDE * SIDE * 3; i++) data[i] = rows[kind][i % 3];
            ok(qn_vision_take(r.vision, &scores, size, size, &labels));
            for (int i = 0; i < size * size; i++) assert_int_equal(labels.data[i], winners[kind]);
            qn_image_deinit(&labels);
        }
    rig_destroy(&r);
}

static void refused_pictures_leave_no_scores_of_the_last_one(void **state) {
    rig r = rig_create(make_model(NULL, NULL, NULL), NULL);
    qn_image photo = make_photo(5, 5, 3), labels;
    qn_tensor scores;
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
    ok(qn_segmenter_get_scores(r.segmenter, &scores));
    qn_image_deinit(&labels);
    expect(qn_segmenter_run(r.segmenter, &photo, 0, 5, &labels, NULL), QN_INVALID_ARGUMENT, "0x5");
    expect(qn_segmenter_get_scores(r.segmenter, &scores), QN_UNAVAILABLE, "");
    qn_image_deinit(&photo);
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

typedef struct worker {
    pthread_t thread;
    const rig *shared; /* model, vision and engine */
    const qn_image *photo, *expected;
    int differing;
} worker;

/* A segmenter of this thread's own on the engine of all. */
static void *label_often(void *arg) {
    worker *w = arg;
    qn_context *context = NULL;
    qn_segmenter *segmenter = NULL;
    qn_status *status = qn_context_create(w->shared->engine, &context);
    if (!status) status = qn_segmenter_create(w->shared->vision, w->shared->model, context, NULL, &segmenter);
    for (int i = 0; i < 20 && !status; i++) {
        qn_image labels;
        status = qn_segmenter_run(segmenter, w->photo, 0, 0, &labels, NULL);
        if (!status)
            w->differing += memcmp(labels.data, w->expected->data, (size_t)(labels.width * labels.height)) != 0;
        qn_image_deinit(&labels);
    }
    w->differing += status != NULL;
    qn_status_free(status);
    qn_segmenter_destroy(segmenter);
    qn_context_destroy(context);
    return NULL;
}

static void one_engine_serves_segmenters_of_several_threads(void **state) {
    rig r = rig_create(make_model("argmax", "axis=3, dtype=u8", NULL), NULL);
    qn_image photo = make_photo(31, 17, 3), expected;
    worker workers[4];
    (void)state;
    ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &expected, NULL));
    for (int i = 0; i < 4; i++) {
        workers[i] = (worker){.shared = &r, .photo = &photo, .expected = &expected};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, label_often, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(workers[i].differing, 0);
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
        cmocka_unit_test(pictures_that_a_least_size_enlarges_are_smooth_at_their_own),
        cmocka_unit_test(classes_ruled_out_by_infinite_scores_do_not_win),
        cmocka_unit_test(refused_pictures_leave_no_scores_of_the_last_one),
        cmocka_unit_test(segmenters_come_from_models_bytes_and_files),
        cmocka_unit_test(one_engine_serves_segmenters_of_several_threads),
        cmocka_unit_test(segmenters_outlive_the_handle_of_their_model),
        cmocka_unit_test(engines_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
