/* Networks that TensorFlow wrote twice, in NHWC and in NCHW (make_twins.py): no transpose stays in the middle that is not in
 * the NHWC network, and steps, results, and integers are those of the twin, bit for bit. */
#include "twin_case.h"

#include <stdio.h>
#include <string.h>

enum { HEIGHT = 8, WIDTH = 6, CHANNELS = 3 };

static qn_model *model(const char *name, const char *layout, int is_integer) {
    char path[512];
    qn_network *network;
    snprintf(path, sizeof path, QN_SOURCE_DIR "/tests/driver/build/twins/%s.%s.pb", name, layout);
    expect_ok(qn_network_import_file(path, NULL, &network));
    return twin_build(network, is_integer);
}

/* `ports`: inputs and outputs that are pictures. */
static void expect_twins(const char *name, int ports) {
    for (int is_integer = 0; is_integer < 2; is_integer++) {
        qn_model *plain = model(name, "nhwc", is_integer), *turned = model(name, "nchw", is_integer);
        twin_expect_same_steps(plain, turned, ports);
        assert_true(!is_integer || twin_count_steps(turned, "conv2d_quantized") > 0);
        twin_expect_same_results(plain, turned, HEIGHT, WIDTH, CHANNELS, 1);
        qn_model_destroy(turned);
        qn_model_destroy(plain);
    }
}

static void test_pictures_of_every_second_pixel_are_twins(void **state) { (void)state, expect_twins("focus", 2); }
static void test_shuffled_channels_are_twins(void **state) { (void)state, expect_twins("shuffle", 2); }
static void test_channels_shuffled_at_any_size_are_twins(void **state) {
    (void)state, expect_twins("shuffle_any_size", 2);
}
static void test_excited_channels_are_twins(void **state) { (void)state, expect_twins("excite", 2); }
static void test_heads_of_detectors_are_twins(void **state) { (void)state, expect_twins("heads", 1); }
static void test_anchors_of_detectors_are_twins(void **state) { (void)state, expect_twins("anchors", 1); }
static void test_patches_of_transformers_are_twins(void **state) { (void)state, expect_twins("patches", 1); }
static void test_channels_that_become_pixels_are_twins(void **state) { (void)state, expect_twins("pixels", 2); }
static void test_chosen_and_stacked_channels_are_twins(void **state) { (void)state, expect_twins("picks", 2); }
static void test_fake_quantised_networks_are_twins(void **state) { (void)state, expect_twins("fakes", 2); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_of_every_second_pixel_are_twins),
        cmocka_unit_test(test_shuffled_channels_are_twins),
        cmocka_unit_test(test_channels_shuffled_at_any_size_are_twins),
        cmocka_unit_test(test_excited_channels_are_twins),
        cmocka_unit_test(test_heads_of_detectors_are_twins),
        cmocka_unit_test(test_anchors_of_detectors_are_twins),
        cmocka_unit_test(test_patches_of_transformers_are_twins),
        cmocka_unit_test(test_channels_that_become_pixels_are_twins),
        cmocka_unit_test(test_chosen_and_stacked_channels_are_twins),
        cmocka_unit_test(test_fake_quantised_networks_are_twins),
    };
    return cmocka_run_group_tests_name("driver/twins", tests, NULL, NULL);
}
