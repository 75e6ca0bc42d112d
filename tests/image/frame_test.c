#include "samples.h"

static void packed_formats_come_out_in_red_green_blue_order(void **state) {
    (void)state;
    static const uint8_t rgb[] = {1, 2, 3, 4, 5, 6}, bgra[] = {3, 2, 1, 9, 6, 5, 4, 9},
                         rgba[] = {1, 2, 3, 9, 4, 5, 6, 9}, bgr[] = {3, 2, 1, 6, 5, 4};
    const qn_frame frames[] = {{QN_PIXEL_RGB, 2, 1, {rgb}, {6}},
                               {QN_PIXEL_BGR, 2, 1, {bgr}, {6}},
                               {QN_PIXEL_RGBA, 2, 1, {rgba}, {8}},
                               {QN_PIXEL_BGRA, 2, 1, {bgra}, {8}}};
    for (size_t i = 0; i < 4; i++) {
        qn_image out;
        assert_ok(qn_image_from_frame(&frames[i], 3, NULL, &out));
        assert_memory_equal(out.data, rgb, 6);
        qn_image_deinit(&out);
    }
}

static void padding_between_rows_is_skipped(void **state) {
    (void)state;
    static const uint8_t gray[] = {1, 2, 99, 99, 3, 4};
    const qn_frame frame = {QN_PIXEL_GRAY, 2, 2, {gray}, {4}};
    qn_image out;
    assert_ok(qn_image_from_frame(&frame, 1, NULL, &out));
    assert_memory_equal(out.data, ((uint8_t[]){1, 2, 3, 4}), 4);
    qn_image_deinit(&out);
    assert_ok(qn_image_from_frame(&frame, 3, NULL, &out));
    assert_memory_equal(out.data, ((uint8_t[]){1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}), 12);
    qn_image_deinit(&out);
}

static double clamped(double value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

/* Every luma against a grid of chroma, beside the formula in floating point. */
static void nv12_follows_bt601_within_one_step(void **state) {
    (void)state;
    for (int u = 0; u < 256; u += 17)
        for (int v = 0; v < 256; v += 17) {
            uint8_t luma[256], chroma[256];
            for (int i = 0; i < 256; i++) {
                luma[i] = (uint8_t)i;
                chroma[i] = (uint8_t)(i % 2 ? v : u);
            }
            const qn_frame frame = {QN_PIXEL_NV12, 256, 1, {luma, chroma}, {256, 256}};
            qn_image out;
            assert_ok(qn_image_from_frame(&frame, 3, NULL, &out));
            for (int y = 0; y < 256; y++) {
                double l = 255.0 / 219 * (y - 16);
                double expected[3] = {l + 1.596 * (v - 128), l - 0.813 * (v - 128) - 0.391 * (u - 128),
                                      l + 2.018 * (u - 128)};
                for (int c = 0; c < 3; c++)
                    assert_float_equal((float)out.data[3 * y + c], (float)clamped(expected[c]), 1.5f);
            }
            qn_image_deinit(&out);
        }
}

static void odd_nv12_frames_read_the_last_pair_for_one_column_and_row(void **state) {
    (void)state;
    uint8_t *luma = malloc(9), *chroma = malloc(8); /* exactly as large as documented: the sanitizer watches the ends */
    memset(luma, 126, 9);
    memset(chroma, 128, 8);
    chroma[7] = 255; /* V of the pair of the last pixel */
    const qn_frame frame = {QN_PIXEL_NV12, 3, 3, {luma, chroma}, {3, 4}};
    qn_image out;
    assert_ok(qn_image_from_frame(&frame, 3, NULL, &out));
    assert_int_equal(out.data[0], 128);
    assert_int_equal(out.data[3 * 8], 255);
    qn_image_deinit(&out);
    free(luma), free(chroma);
}

static void frames_that_contradict_themselves_are_refused(void **state) {
    (void)state;
    static const uint8_t bytes[16];
    const qn_frame frames[] = {{QN_PIXEL_RGB, 2, 1, {NULL}, {6}},
                               {QN_PIXEL_RGB, 2, 1, {bytes}, {5}},
                               {QN_PIXEL_RGB, 0, 1, {bytes}, {6}},
                               {QN_PIXEL_NV12, 2, 2, {bytes, NULL}, {2, 2}},
                               {QN_PIXEL_NV12, 3, 2, {bytes, bytes}, {3, 3}},
                               {(qn_pixel_format)77, 2, 1, {bytes}, {6}}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        qn_image out;
        qn_status *status = qn_image_from_frame(&frames[i], 3, NULL, &out);
        assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
        qn_status_free(status);
    }
    qn_image out;
    qn_status *status = qn_image_from_frame(&(qn_frame){QN_PIXEL_GRAY, 2, 2, {bytes}, {2}}, 2, NULL, &out);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    qn_status_free(status);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_formats_come_out_in_red_green_blue_order),
        cmocka_unit_test(padding_between_rows_is_skipped),
        cmocka_unit_test(nv12_follows_bt601_within_one_step),
        cmocka_unit_test(odd_nv12_frames_read_the_last_pair_for_one_column_and_row),
        cmocka_unit_test(frames_that_contradict_themselves_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
