#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "quench/compiler.h"

void ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

void expect(qn_status *status, qn_code code, const char *text) {
    assert_non_null(status);
    assert_int_equal(qn_status_code(status), code);
    if (!strstr(qn_status_message(status), text)) fail_msg("'%s' is not in: %s", text, qn_status_message(status));
    qn_status_free(status);
}

qn_model *make_model_of(int side, const char *tail, const char *attributes, const char *config_text) {
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

qn_model *make_model(const char *tail, const char *attributes, const char *config_text) {
    return make_model_of(SIDE, tail, attributes, config_text);
}

rig rig_create(qn_model *model, const qn_segmenter_options *options) {
    rig r = {.model = model};
    ok(qn_vision_create(model, options ? options->vision : NULL, &r.vision));
    ok(qn_engine_create(model, NULL, &r.engine));
    ok(qn_context_create(r.engine, &r.context));
    ok(qn_segmenter_create(r.vision, model, r.context, options, &r.segmenter));
    return r;
}

void rig_destroy(rig *r) {
    qn_segmenter_destroy(r->segmenter);
    qn_context_destroy(r->context);
    qn_engine_destroy(r->engine);
    qn_vision_destroy(r->vision);
    qn_model_destroy(r->model);
}

qn_image make_photo(int width, int height, int channels) {
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

void expect_same(const qn_image *a, const qn_image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int y = 0; y < a->height; y++)
        assert_memory_equal(a->data + (size_t)y * a->stride_bytes, b->data + (size_t)y * b->stride_bytes,
                            (size_t)a->width);
}
