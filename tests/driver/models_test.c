/* Shapes, layouts and normalisation on real networks: the bundled ones, and ../shared where it is there. */
#include "driver_case.h"

#include "support/skips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENES    QN_SOURCE_DIR "/models/scenes/scenes.pb"
#define DYNAMIC   QN_SOURCE_DIR "/models/scenes/scenes_dynamic.pb"
#define MOBILENET shared_path("models/tensorflow/mobilenet_v1_0.25_128.pb")
#define DEEPLAB   shared_path("models/tensorflow/deeplabv3_mnv2_pascal_float32.pb")

static qn_status *try_build_file(const char *path, const char *json, qn_model **out_model) {
    qn_network *network;
    qn_config *config = config_of(json);
    *out_model = NULL;
    expect_ok(qn_network_import_file(path, NULL, &network));
    qn_status *status = qn_build(network, config, NULL, out_model);
    qn_network_destroy(network);
    qn_config_destroy(config);
    return status;
}

static qn_model *build_file(const char *path, const char *json) {
    qn_model *model;
    need_path(path);
    expect_ok(try_build_file(path, json, &model));
    return model;
}

static void expect_input(const qn_model *model, const int64_t *min, const int64_t *max) {
    const qn_value_info *info = qn_model_input(model, 0);
    for (int i = 0; i < info->rank; i++)
        if (info->min_dims[i] != min[i] || info->max_dims[i] != max[i])
            fail_msg("dim %d is %lld..%lld, expected %lld..%lld", i, (long long)info->min_dims[i],
                     (long long)info->max_dims[i], (long long)min[i], (long long)max[i]);
}

static void mobilenets_last_reshape_pins_the_batch_and_is_named(void **state) {
    (void)state;
    qn_model *model = build_file(MOBILENET, NULL);
    const qn_value_info *info = qn_model_input(model, 0);
    assert_int_equal(info->max_dims[0], 1);
    assert_int_equal(info->dims[3], 3);
    assert_int_equal(info->dims[1], -1); /* other heights give the last pool one pixel too */
    assert_true(info->min_dims[1] <= 128 && info->max_dims[1] >= 128);
    qn_model_destroy(model);
    static const char *const asked[] = {"{'dim_range': {'0': {'min': [1, 128, 128, 3], 'max': [8, 128, 128, 3]}}}",
                                        "{'dim_range': {'0': {'min': [4, 128, 128, 3], 'max': [4, 128, 128, 3]}}}"};
    for (int i = 0; i < 2; i++) {
        qn_status *status = try_build_file(MOBILENET, asked[i], &model);
        assert_non_null(strstr(qn_status_message(status), "constant 'MobilenetV1/Predictions/Shape'"));
        expect_refused(status, QN_INVALID_ARGUMENT, "node 'MobilenetV1/Predictions/Reshape_1'");
    }
}

static void deeplab_keeps_batch_and_channels_and_its_bound(void **state) {
    (void)state;
    qn_model *model = build_file(DEEPLAB, NULL);
    expect_input(model, (int64_t[]){1, 1, 1, 3}, (int64_t[]){1, 513, 513, 3});
    assert_true(qn_model_get_info(model)->arena_bytes_max > 0);
    expect_meta(model, "image.layout", "'NHWC'");
    qn_model_destroy(model);
    model = build_file(DEEPLAB, "{'dim_range': {'0': {'min': [1, 100, 100, 3], 'max': [1, 513, 513, 3]}}}");
    expect_input(model, (int64_t[]){1, 100, 100, 3}, (int64_t[]){1, 513, 513, 3});
    qn_model_destroy(model);
}

/* Runs a u8 [n, h, w, 3] batch; returns its labels, freed by the caller. */
static int32_t *segment(qn_context *context, uint8_t *pixels, int64_t n, int64_t h, int64_t w) {
    const qn_tensor input = {QN_DTYPE_U8, 4, {n, h, w, 3}, pixels};
    qn_tensor output = {.dtype = QN_DTYPE_S32, .data = malloc((size_t)(n * h * w) * sizeof(int32_t))};
    expect_ok(qn_context_set_input_shape(context, 0, 4, input.dims));
    expect_ok(qn_context_get_output_shape(context, 0, &output.rank, output.dims));
    assert_int_equal(output.rank, 3);
    assert_int_equal(output.dims[0] * output.dims[1] * output.dims[2], n * h * w);
    expect_ok(qn_context_run(context, &input, 1, &output, 1));
    return output.data;
}

static void batch_height_and_width_vary_together(void **state) {
    (void)state;
    qn_engine *engine;
    qn_context *context;
    qn_rng rng;
    qn_model *model = build_file(DYNAMIC, "{'dim_range': {'0': {'min': [1, 16, 16, 3], 'max': [8, 64, 48, 3]}}}");
    static const int64_t shapes[][3] = {{3, 17, 48}, {1, 64, 16}, {8, 16, 16}, {2, 33, 31}};
    expect_input(model, (int64_t[]){1, 16, 16, 3}, (int64_t[]){8, 64, 48, 3});
    assert_true(qn_model_get_info(model)->arena_bytes_max > 0);
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_context_create(engine, &context));
    qn_rng_init(&rng, 7);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], h = shapes[s][1], w = shapes[s][2];
        uint8_t *pixels = malloc((size_t)(n * h * w * 3));
        for (int64_t i = 0; i < n * h * w * 3; i++) pixels[i] = (uint8_t)qn_rng_next(&rng);
        int32_t *together = segment(context, pixels, n, h, w);
        for (int64_t i = 0; i < n; i++) {
            int32_t *single = segment(context, pixels + i * h * w * 3, 1, h, w);
            assert_memory_equal(single, together + i * h * w, (size_t)(h * w) * sizeof(int32_t));
            free(single);
        }
        free(together), free(pixels);
    }
    expect_refused(qn_context_set_input_shape(context, 0, 4, (int64_t[]){9, 16, 16, 3}), QN_INVALID_ARGUMENT, "8");
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
}

static void a_preprocessing_graph_tells_its_layout_and_can_be_turned(void **state) {
    (void)state;
    enum { H = 40, W = 24 };
    uint8_t pixels[H * W * 3], planes[3 * H * W];
    float a[H * W], b[H * W];
    int64_t dims[QN_MAX_RANK];
    qn_model *plain = build_file(SCENES, NULL),
             *turned = build_file(SCENES, "{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}"), *none;
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < 3; c++) planes[c * H * W + i] = pixels[i * 3 + c] = (uint8_t)(i * (c + 3) * 29 / 7);
    const qn_tensor nhwc = {QN_DTYPE_U8, 4, {1, H, W, 3}, pixels}, nchw = {QN_DTYPE_U8, 4, {1, 3, H, W}, planes};
    run_model(plain, &nhwc, a, dims);
    run_model(turned, &nchw, b, dims);
    assert_memory_equal(a, b, sizeof a);
    expect_meta(turned, "image.layout", "'NCHW'");
    qn_model_destroy(plain), qn_model_destroy(turned);
    expect_refused(try_build_file(SCENES, "{'convert_input_layout': {'0': {'src': 'NCHW', 'dst': 'NHWC'}}}", &none),
                   QN_INVALID_ARGUMENT, "is NHWC already");
}

static void mobilenet_takes_bytes(void **state) {
    (void)state;
    enum { PIXELS = 128 * 128 * 3, CLASSES = 1001 };
    need_path(MOBILENET);
    uint8_t *bytes = malloc(PIXELS);
    float *floats = malloc(PIXELS * sizeof *floats), a[CLASSES], b[CLASSES];
    int64_t dims[QN_MAX_RANK];
    for (int i = 0; i < PIXELS; i++) {
        bytes[i] = (uint8_t)(i * 31 / 7);
        floats[i] = (bytes[i] - 127.5f) / 127.5f;
    }
    qn_model *plain = build_file(MOBILENET, NULL);
    qn_model *model = build_file(MOBILENET, "{'insert_bn_before_firstnode': {'0': {'mean': [127.5, 127.5, 127.5], "
                                            "'var': [16256.25, 16256.25, 16256.25]}}}");
    const qn_tensor u8 = {QN_DTYPE_U8, 4, {1, 128, 128, 3}, bytes}, f32 = {QN_DTYPE_F32, 4, {1, 128, 128, 3}, floats};
    run_model(plain, &f32, a, dims);
    run_model(model, &u8, b, dims);
    for (int i = 0; i < CLASSES; i++) assert_true(a[i] - b[i] < 1e-5f && b[i] - a[i] < 1e-5f);
    assert_int_equal(qn_model_get_info(model)->step_count,
                     qn_model_get_info(plain)->step_count +
                         2); /* a cast, and the mean where the first convolution pads */
    qn_model_destroy(plain), qn_model_destroy(model);
    free(bytes), free(floats);
}

static void deeplab_builds_with_the_configuration_of_its_makers(void **state) {
    (void)state;
    qn_model *model = build_file(
        DEEPLAB, "{'archs': [{'mtp_372': [6, 8]}], 'graph_shape_mutable': true,"
                 "'dim_range': {'0': {'min': [1, 100, 100, 3], 'max': [1, 513, 513, 3]}},"
                 "'opt_config': {'type64to32_conversion': true, 'conv_scale_fold': true},"
                 "'precision_config': {'precision_mode': 'force_float32'}, 'computation_preference': 'auto'}");
    assert_int_equal(qn_model_output(model, 0)->dtype, QN_DTYPE_S32);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mobilenets_last_reshape_pins_the_batch_and_is_named),
        cmocka_unit_test(deeplab_keeps_batch_and_channels_and_its_bound),
        cmocka_unit_test(batch_height_and_width_vary_together),
        cmocka_unit_test(a_preprocessing_graph_tells_its_layout_and_can_be_turned),
        cmocka_unit_test(mobilenet_takes_bytes),
        cmocka_unit_test(deeplab_builds_with_the_configuration_of_its_makers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
