/* Networks of TensorFlow in NCHW against twins that say the same in NHWC: no transpose stays between operators, and steps,
 * results, and integers are those of the twin, bit for bit. */
#include "twin_case.h"

#include "../import/graphdef_builder.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { HEIGHT = 12, WIDTH = 10, CHANNELS = 3 };

/* A network under construction, in one of the two layouts. */
typedef struct twin {
    gd_graph graph;
    qn_rng rng; /* draws the same weights for both */
    int nchw;
} twin;

static void common(twin *t) {
    gd_attr_type(&t->graph, "T", GD_FLOAT);
    gd_attr_text(&t->graph, "data_format", t->nchw ? "NCHW" : "NHWC");
}

static void attr_spatial(twin *t, const char *name, int64_t number) {
    gd_attr_ints(&t->graph, name, 4, t->nchw ? (int64_t[]){1, 1, number, number} : (int64_t[]){1, number, number, 1});
}

static void node(twin *t, const char *name, const char *op, const char *a, const char *b) {
    char inputs[128];
    snprintf(inputs, sizeof inputs, "%s %s", a, b);
    gd_node(&t->graph, name, op, inputs);
    gd_attr_type(&t->graph, "T", GD_FLOAT);
}

static void constant(twin *t, const char *name, int rank, const int64_t *dims, float low, float high) {
    float values[1024];
    int64_t elems = 1;
    for (int i = 0; i < rank; i++) elems *= dims[i];
    assert_true(elems <= 1024);
    for (int64_t i = 0; i < elems; i++) values[i] = qn_rng_float(&t->rng, low, high);
    gd_const_f32(&t->graph, name, rank, dims, values);
}

static const char *part(const char *name, const char *suffix) {
    static char texts[8][64];
    static int at;
    at = (at + 1) % 8;
    snprintf(texts[at], sizeof texts[at], "%s/%s", name, suffix);
    return texts[at];
}

static void conv_padded(twin *t, const char *name, const char *x, int64_t size, int64_t in, int64_t out, int64_t stride,
                        const char *padding) {
    const char *weights = part(name, "w");
    constant(t, weights, 4, (int64_t[]){size, size, in, out}, -0.5f, 0.5f);
    node(t, name, "Conv2D", x, weights);
    common(t);
    attr_spatial(t, "strides", stride);
    gd_attr_text(&t->graph, "padding", padding);
}

static void conv(twin *t, const char *name, const char *x, int64_t size, int64_t in, int64_t out, int64_t stride) {
    conv_padded(t, name, x, size, in, out, stride, "SAME");
}

static void depthwise(twin *t, const char *name, const char *x, int64_t channels) {
    const char *weights = part(name, "w");
    constant(t, weights, 4, (int64_t[]){3, 3, channels, 1}, -0.5f, 0.5f);
    node(t, name, "DepthwiseConv2dNative", x, weights);
    common(t);
    attr_spatial(t, "strides", 1);
    gd_attr_text(&t->graph, "padding", "SAME");
}

static void bias(twin *t, const char *name, const char *x, int64_t channels) {
    constant(t, part(name, "b"), 1, &channels, -0.5f, 0.5f);
    node(t, name, "BiasAdd", x, part(name, "b"));
    common(t);
}

static void batch_norm(twin *t, const char *name, const char *x, int64_t channels) {
    char inputs[256];
    constant(t, part(name, "s"), 1, &channels, 0.5f, 1.5f);
    constant(t, part(name, "o"), 1, &channels, -0.5f, 0.5f);
    constant(t, part(name, "m"), 1, &channels, -0.5f, 0.5f);
    constant(t, part(name, "v"), 1, &channels, 0.5f, 1.5f);
    snprintf(inputs, sizeof inputs, "%s %s/s %s/o %s/m %s/v", x, name, name, name, name);
    gd_node(&t->graph, name, "FusedBatchNormV3", inputs);
    common(t);
    gd_attr_type(&t->graph, "U", GD_FLOAT);
    gd_attr_bool(&t->graph, "is_training", 0);
    gd_attr_float(&t->graph, "epsilon", 0.001f);
}

static void unary(twin *t, const char *name, const char *op, const char *x) {
    gd_node(&t->graph, name, op, x);
    gd_attr_type(&t->graph, "T", GD_FLOAT);
}

static void pool(twin *t, const char *name, const char *op, const char *x, int64_t stride) {
    unary(t, name, op, x);
    common(t);
    attr_spatial(t, "ksize", 3);
    attr_spatial(t, "strides", stride);
    gd_attr_text(&t->graph, "padding", "SAME");
}

static void pad(twin *t, const char *name, const char *x, int32_t by) {
    const int32_t nchw[] = {0, 0, 0, 0, by, by, by, by}, nhwc[] = {0, 0, by, by, by, by, 0, 0};
    gd_const_s32(&t->graph, part(name, "p"), 2, (int64_t[]){4, 2}, t->nchw ? nchw : nhwc);
    node(t, name, "Pad", x, part(name, "p"));
}

static void concat(twin *t, const char *name, const char *a, const char *b) {
    char inputs[256];
    gd_scalar_s32(&t->graph, part(name, "axis"), t->nchw ? 1 : 3);
    snprintf(inputs, sizeof inputs, "%s %s %s/axis", a, b, name);
    gd_node(&t->graph, name, "ConcatV2", inputs);
    gd_attr_type(&t->graph, "T", GD_FLOAT);
    gd_attr_int(&t->graph, "N", 2);
}

static void mean(twin *t, const char *name, const char *x, int keep) {
    gd_const_s32(&t->graph, part(name, "axes"), 1, (int64_t[]){2}, t->nchw ? (int32_t[]){2, 3} : (int32_t[]){1, 2});
    node(t, name, "Mean", x, part(name, "axes"));
    gd_attr_bool(&t->graph, "keep_dims", keep);
}

/* What an NCHW network writes around what is NHWC; nothing in the twin. Returns the name of what comes out. */
static const char *turn(twin *t, const char *name, const char *x, int to_nchw) {
    if (!t->nchw) return x;
    gd_const_s32(&t->graph, part(name, "perm"), 1, (int64_t[]){4},
                 to_nchw ? (int32_t[]){0, 3, 1, 2} : (int32_t[]){0, 2, 3, 1});
    node(t, name, "Transpose", x, part(name, "perm"));
    return name;
}

/* ---- Networks ---- x: pictures in the layout of the network. Each returns its last node. */

static const char *make_residual(twin *t, const char *x) {
    pad(t, "pad", x, 1);
    conv_padded(t, "c1", "pad", 3, CHANNELS, 8, 2, "VALID");
    batch_norm(t, "n1", "c1", 8);
    unary(t, "r1", "Relu", "n1");
    pool(t, "p1", "MaxPool", "r1", 1);
    conv(t, "c2", "p1", 3, 8, 8, 1); /* as ResNet has it */
    batch_norm(t, "n2", "c2", 8);
    unary(t, "r2", "Relu", "n2");
    conv(t, "c3", "r2", 1, 8, 8, 1);
    batch_norm(t, "n3", "c3", 8);
    node(t, "a1", "AddV2", "n3", "p1");
    unary(t, "r3", "Relu", "a1");
    conv(t, "c4", "r3", 1, 8, 8, 1);
    batch_norm(t, "n5", "c4", 8); /* norm first, as ResNet v2: c4 has two readers */
    unary(t, "r5", "Relu6", "n5");
    depthwise(t, "c5", "r5", 8);
    bias(t, "b5", "c5", 8);
    node(t, "a2", "Add", "c4", "b5");
    mean(t, "m", "a2", 1); /* squeeze and excite */
    conv(t, "c6", "m", 1, 8, 8, 1);
    bias(t, "b6", "c6", 8);
    unary(t, "s6", "Sigmoid", "b6");
    node(t, "e", "Mul", "a2", "s6");
    pool(t, "p7", "AvgPool", "e", 1);
    conv(t, "c7", "e", 1, 8, 4, 1);
    bias(t, "b7", "c7", 4);
    concat(t, "k", "p7", "b7");
    conv(t, "c8", "k", 1, 12, 5, 1);
    bias(t, "b8", "c8", 5);
    return "b8";
}

/* A decoder: what resizes stands between transposes. */
static const char *make_decoder(twin *t, const char *x) {
    conv(t, "c1", x, 3, CHANNELS, 6, 2);
    bias(t, "b1", "c1", 6);
    unary(t, "r1", "Relu6", "b1");
    const char *plain = turn(t, "plain", "r1", 0);
    gd_const_s32(&t->graph, "size", 1, (int64_t[]){2}, (int32_t[]){HEIGHT, WIDTH});
    node(t, "large", "ResizeBilinear", plain, "size");
    gd_attr_bool(&t->graph, "align_corners", 1);
    const char *back = turn(t, "back", "large", 1);
    conv(t, "c2", x, 1, CHANNELS, 4, 1);
    batch_norm(t, "n2", "c2", 4);
    unary(t, "r2", "Relu", "n2");
    concat(t, "k", back, "r2");
    conv(t, "c3", "k", 3, 10, 4, 1);
    bias(t, "b3", "c3", 4);
    return "b3";
}

/* Dilated convolutions as older TensorFlow writes them: the batch operators stay NHWC. */
static const char *make_atrous(twin *t, const char *x) {
    conv(t, "c1", x, 3, CHANNELS, 6, 1);
    batch_norm(t, "n1", "c1", 6);
    unary(t, "r1", "Relu6", "n1");
    gd_const_s32(&t->graph, "block", 1, (int64_t[]){2}, (int32_t[]){2, 2});
    gd_const_s32(&t->graph, "pads", 2, (int64_t[]){2, 2}, (int32_t[]){2, 2, 2, 2});
    gd_const_s32(&t->graph, "crops", 2, (int64_t[]){2, 2}, (int32_t[]){0, 0, 0, 0});
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s block pads", turn(t, "plain", "r1", 0));
    gd_node(&t->graph, "batches", "SpaceToBatchND", inputs);
    gd_attr_type(&t->graph, "T", GD_FLOAT);
    conv_padded(t, "c2", turn(t, "inside", "batches", 1), 3, 6, 6, 1, "VALID");
    snprintf(inputs, sizeof inputs, "%s block crops", turn(t, "outside", "c2", 0));
    gd_node(&t->graph, "space", "BatchToSpaceND", inputs);
    gd_attr_type(&t->graph, "T", GD_FLOAT);
    batch_norm(t, "n2", turn(t, "back", "space", 1), 6);
    unary(t, "r2", "Relu6", "n2");
    node(t, "a", "AddV2", "r2", "r1");
    conv(t, "c3", "a", 1, 6, 4, 1);
    bias(t, "b3", "c3", 4);
    return "b3";
}

/* A classifier: pooled, flattened, weighed. */
static const char *make_classifier(twin *t, const char *x) {
    conv(t, "c1", x, 3, CHANNELS, 6, 2);
    batch_norm(t, "n1", "c1", 6);
    unary(t, "r1", "Relu", "n1");
    mean(t, "m", "r1", 0);
    constant(t, "w", 2, (int64_t[]){6, 5}, -0.5f, 0.5f);
    node(t, "d", "MatMul", "m", "w");
    bias(t, "y0", "d", 5);
    return "y0";
}

/* The same, flattened with all its pixels: the weights know in which order. */
static const char *make_dense(twin *t, const char *x) {
    enum { ROWS = (HEIGHT / 2) * (WIDTH / 2) * 4 };
    float nhwc[ROWS * 3], nchw[ROWS * 3];
    conv(t, "c1", x, 3, CHANNELS, 4, 2);
    bias(t, "b1", "c1", 4);
    unary(t, "r1", "Relu", "b1");
    gd_const_s32(&t->graph, "flat", 1, (int64_t[]){2}, (int32_t[]){-1, ROWS});
    node(t, "f", "Reshape", "r1", "flat");
    for (int i = 0; i < ROWS * 3; i++) nhwc[i] = qn_rng_float(&t->rng, -0.5f, 0.5f);
    for (int pixel = 0; pixel < ROWS / 4; pixel++)
        for (int c = 0; c < 4; c++)
            memcpy(&nchw[(c * (ROWS / 4) + pixel) * 3], &nhwc[(pixel * 4 + c) * 3], 3 * sizeof *nchw);
    gd_const_f32(&t->graph, "w", 2, (int64_t[]){ROWS, 3}, t->nchw ? nchw : nhwc);
    node(t, "d", "MatMul", "f", "w");
    bias(t, "y0", "d", 3);
    return "y0";
}

typedef const char *(*make_network)(twin *t, const char *x);

/* ---- Builds ---- */

static int is_flat(make_network make) { return make == make_classifier || make == make_dense; }

/* The bytes of the network. `turned_ports`: input and output are NCHW in the NCHW network; else both have them NHWC. */
static qn_bytes write_network(twin *t, make_network make, int nchw, int turned_ports) {
    *t = (twin){.nchw = nchw};
    gd_init(&t->graph);
    qn_rng_init(&t->rng, 7);
    const int64_t nhwc[] = {1, HEIGHT, WIDTH, CHANNELS}, turned[] = {1, CHANNELS, HEIGHT, WIDTH};
    gd_placeholder(&t->graph, "x", GD_FLOAT, 4, nchw && turned_ports ? turned : nhwc);
    const char *y = make(t, turned_ports ? "x" : turn(t, "enter", "x", 1));
    unary(t, "y", "Identity", turned_ports || is_flat(make) ? y : turn(t, "leave", y, 0));
    return gd_finish(&t->graph);
}

static qn_model *model(make_network make, int nchw, int turned_ports, int is_integer) {
    twin t;
    qn_network *network;
    qn_bytes bytes = write_network(&t, make, nchw, turned_ports);
    expect_ok(qn_network_import_memory(bytes.data, bytes.size, "twin", NULL, &network)); /* borrows the bytes */
    qn_model *built = twin_build(network, is_integer);
    gd_deinit(&t.graph);
    return built;
}

static void expect_twins(make_network make) {
    for (int is_integer = 0; is_integer < 2; is_integer++) {
        qn_model *plain = model(make, 0, 0, is_integer), *turned = model(make, 1, 0, is_integer);
        assert_int_equal(twin_count_steps(turned, "transpose"), 0);
        twin_expect_same_steps(plain, turned, 0);
        assert_true(!is_integer || twin_count_steps(turned, "conv2d_quantized") > 0);
        twin_expect_same_results(plain, turned, HEIGHT, WIDTH, CHANNELS, 0);
        assert_int_equal(qn_model_get_info(turned)->const_bytes, qn_model_get_info(plain)->const_bytes);
        qn_model_destroy(turned);
        turned = model(make, 1, 1, is_integer);
        assert_int_equal(twin_count_steps(turned, "transpose"), is_flat(make) ? 1 : 2);
        twin_expect_same_results(plain, turned, HEIGHT, WIDTH, CHANNELS, 1);
        qn_model_destroy(turned);
        qn_model_destroy(plain);
    }
}

static void test_residual_networks_are_their_twins(void **state) { (void)state, expect_twins(make_residual); }
static void test_decoders_are_their_twins(void **state) { (void)state, expect_twins(make_decoder); }
static void test_atrous_networks_are_their_twins(void **state) { (void)state, expect_twins(make_atrous); }
static void test_classifiers_are_their_twins(void **state) { (void)state, expect_twins(make_classifier); }

static void test_dense_networks_are_their_twins(void **state) { (void)state, expect_twins(make_dense); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residual_networks_are_their_twins), cmocka_unit_test(test_decoders_are_their_twins),
        cmocka_unit_test(test_atrous_networks_are_their_twins),   cmocka_unit_test(test_classifiers_are_their_twins),
        cmocka_unit_test(test_dense_networks_are_their_twins),
    };
    return cmocka_run_group_tests_name("driver/nchw", tests, NULL, NULL);
}
