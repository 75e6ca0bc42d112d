#include "samples.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>

static qn_image noise(qn_rng *rng, int width, int height, int channels) {
    qn_image image;
    assert_ok(qn_image_init(width, height, channels, NULL, &image));
    for (size_t i = 0; i < image.stride_bytes * (size_t)height; ++i) image.data[i] = (uint8_t)qn_rng_range(rng, 0, 255);
    return image;
}

/* The filter as the header words it, in floating point: weight of source pixel s for target pixel d. */
static double weight(qn_image_filter filter, int source, int target, int s, int d) {
    const double factor = (double)source / target;
    if (filter == QN_IMAGE_AREA) {
        const double low = fmax(s, d * factor), high = fmin(s + 1, (d + 1) * factor);
        return fmax(high - low, 0);
    }
    const double centre = (d + 0.5) * factor - 0.5;
    return fmax(1 - fabs(s - centre) / fmax(factor, 1), 0);
}

static double exact(const qn_image *src, int x, int y, int c, int width, int height, qn_image_filter filter) {
    double sum = 0, total = 0;
    for (int sy = 0; sy < src->height; ++sy) {
        const double wy = weight(filter, src->height, height, sy, y);
        if (wy == 0) continue;
        for (int sx = 0; sx < src->width; ++sx) {
            const double w = wy * weight(filter, src->width, width, sx, x);
            sum += w * src->data[(size_t)sy * src->stride_bytes + (size_t)(sx * src->channels + c)];
            total += w;
        }
    }
    return sum / total;
}

static void assert_resized(const qn_image *src, int width, int height, qn_image_filter filter) {
    qn_image out;
    assert_ok(qn_image_resize(src, width, height, filter, NULL, &out));
    assert_int_equal(out.width, width);
    assert_int_equal(out.height, height);
    assert_int_equal(out.channels, src->channels);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < src->channels; ++c) {
                const double expected = exact(src, x, y, c, width, height, filter);
                const int found = out.data[(size_t)y * out.stride_bytes + (size_t)(x * src->channels + c)];
                if (fabs(found - expected) > 1.01) /* rounded twice */
                    fail_msg("%dx%d to %dx%d, filter %d, (%d, %d): expected %f, found %d", src->width, src->height,
                             width, height, (int)filter, x, y, expected, found);
            }
    qn_image_deinit(&out);
}

static void smooth_filters_follow_their_formula(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("smooth filters"));
    for (int round = 0; round < 150; ++round) {
        qn_image src = noise(&rng, (int)qn_rng_range(&rng, 1, 23), (int)qn_rng_range(&rng, 1, 23), round % 2 ? 3 : 1);
        const int width = round % 5 ? (int)qn_rng_range(&rng, 1, 30) : src.width;
        const int height = round % 7 ? (int)qn_rng_range(&rng, 1, 30) : src.height;
        assert_resized(&src, width, height, QN_IMAGE_BILINEAR);
        assert_resized(&src, width, height, QN_IMAGE_AREA);
        qn_image_deinit(&src);
    }
}

static void an_even_picture_stays_even(void **state) {
    (void)state;
    static const int sizes[][4] = {{1000, 3, 7, 3}, {997, 5, 1, 1}, {3, 4, 500, 300}, {40000, 1, 3, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        for (int value = 0; value <= 255; value += 51)
            for (int filter = QN_IMAGE_NEAREST; filter <= QN_IMAGE_AREA; ++filter) {
                qn_image src, out;
                assert_ok(qn_image_init(sizes[i][0], sizes[i][1], 1, NULL, &src));
                memset(src.data, value, src.stride_bytes * (size_t)src.height);
                assert_ok(qn_image_resize(&src, sizes[i][2], sizes[i][3], (qn_image_filter)filter, NULL, &out));
                for (size_t k = 0; k < out.stride_bytes * (size_t)out.height; ++k) assert_int_equal(out.data[k], value);
                qn_image_deinit(&out);
                qn_image_deinit(&src);
            }
}

static void known_rows_come_out_as_worked_by_hand(void **state) {
    (void)state;
    static uint8_t row[4] = {0, 100, 200, 40};
    const qn_image src = {4, 1, 1, 4, row, NULL};
    static const struct {
        qn_image_filter filter;
        int width;
        uint8_t expected[8];
    } cases[] = {
        {QN_IMAGE_AREA, 2, {50, 120}},
        {QN_IMAGE_AREA, 1, {85}},
        {QN_IMAGE_AREA, 8, {0, 0, 100, 100, 200, 200, 40, 40}},
        {QN_IMAGE_BILINEAR, 8, {0, 25, 75, 125, 175, 160, 80, 40}},
        /* weights 3 3 1 of 7 at the left edge, 1 3 3 of 7 at the right one */
        {QN_IMAGE_BILINEAR, 2, {71, 117}},
        {QN_IMAGE_NEAREST, 2, {100, 40}},
        {QN_IMAGE_NEAREST, 3, {0, 200, 40}},
        {QN_IMAGE_NEAREST, 8, {0, 0, 100, 100, 200, 200, 40, 40}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        qn_image out;
        assert_ok(qn_image_resize(&src, cases[i].width, 1, cases[i].filter, NULL, &out));
        assert_memory_equal(out.data, cases[i].expected, (size_t)cases[i].width);
        qn_image_deinit(&out);
    }
}

static void the_nearest_filter_makes_up_no_labels(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("nearest"));
    for (int round = 0; round < 100; ++round) {
        qn_image src = noise(&rng, (int)qn_rng_range(&rng, 1, 40), (int)qn_rng_range(&rng, 1, 40), 1), out;
        const int width = (int)qn_rng_range(&rng, 1, 60), height = (int)qn_rng_range(&rng, 1, 60);
        assert_ok(qn_image_resize(&src, width, height, QN_IMAGE_NEAREST, NULL, &out));
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const int sx = (2 * x + 1) * src.width / (2 * width), sy = (2 * y + 1) * src.height / (2 * height);
                assert_int_equal(out.data[y * width + x], src.data[sy * src.width + sx]);
            }
        qn_image_deinit(&out);
        qn_image_deinit(&src);
    }
}

static void enlarging_by_a_whole_factor_and_back_changes_nothing(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("there and back"));
    qn_image src = noise(&rng, 17, 11, 3), large, back;
    for (int filter = QN_IMAGE_NEAREST; filter <= QN_IMAGE_AREA; filter += 2) {
        assert_ok(qn_image_resize(&src, 17 * 3, 11 * 4, (qn_image_filter)filter, NULL, &large));
        assert_ok(qn_image_resize(&large, 17, 11, (qn_image_filter)filter, NULL, &back));
        assert_memory_equal(back.data, src.data, src.stride_bytes * 11);
        qn_image_deinit(&back);
        qn_image_deinit(&large);
    }
    qn_image_deinit(&src);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    qn_image src, out;
    assert_ok(qn_image_init(4, 4, 1, NULL, &src));
    assert_error(qn_image_resize(&src, 0, 4, QN_IMAGE_AREA, NULL, &out), QN_INVALID_ARGUMENT, "0 x 4", NULL);
    assert_error(qn_image_resize(&src, 4, 4, (qn_image_filter)9, NULL, &out), QN_INVALID_ARGUMENT, "filter 9", NULL);
    assert_error(qn_image_resize(&src, 1 << 20, 1 << 20, QN_IMAGE_AREA, NULL, &out), QN_LIMIT, "1048576", NULL);
    assert_error(qn_image_init(0, 1, 1, NULL, &out), QN_INVALID_ARGUMENT, "0 x 1", NULL);
    assert_error(qn_image_init(1, 1, 2, NULL, &out), QN_INVALID_ARGUMENT, "2 channels", NULL);
    assert_error(qn_image_crop(&src, (qn_image_rect){3, 0, 2, 1}, NULL, &out), QN_INVALID_ARGUMENT, "not inside", NULL);
    assert_error(qn_image_crop(&src, (qn_image_rect){0, -1, 2, 1}, NULL, &out), QN_INVALID_ARGUMENT, "not inside",
                 NULL);
    assert_error(qn_image_resize(&(qn_image){0}, 4, 4, QN_IMAGE_AREA, NULL, &out), QN_INVALID_ARGUMENT, "no data",
                 NULL);
    assert_null(out.data);
    qn_image_deinit(&src);
}

static void a_crop_is_that_part(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("crop"));
    qn_image src = noise(&rng, 9, 7, 3), part;
    assert_ok(qn_image_crop(&src, (qn_image_rect){2, 3, 7, 4}, NULL, &part));
    for (int y = 0; y < 4; ++y)
        for (int i = 0; i < 21; ++i)
            assert_int_equal(part.data[y * 21 + i], src.data[(size_t)(y + 3) * src.stride_bytes + (size_t)(6 + i)]);
    qn_image_deinit(&part);
    qn_image_deinit(&src);
}

static void running_out_of_memory_leaks_nothing(void **state) {
    (void)state;
    qn_image src, out;
    assert_ok(qn_image_init(20, 20, 3, NULL, &src));
    for (int filter = QN_IMAGE_NEAREST; filter <= QN_IMAGE_AREA; ++filter)
        for (int fail_at = 0;; ++fail_at) {
            sample_allocator counting;
            sample_allocator_init(&counting, fail_at);
            qn_status *status = qn_image_resize(&src, 9, 30, (qn_image_filter)filter, &counting.allocator, &out);
            if (!status) {
                qn_image_deinit(&out);
                assert_int_equal(counting.live, 0);
                break;
            }
            assert_error(status, QN_OUT_OF_MEMORY, NULL);
            assert_int_equal(counting.live, 0);
        }
    qn_image_deinit(&src);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_filters_follow_their_formula),
        cmocka_unit_test(an_even_picture_stays_even),
        cmocka_unit_test(known_rows_come_out_as_worked_by_hand),
        cmocka_unit_test(the_nearest_filter_makes_up_no_labels),
        cmocka_unit_test(enlarging_by_a_whole_factor_and_back_changes_nothing),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_crop_is_that_part),
        cmocka_unit_test(running_out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
