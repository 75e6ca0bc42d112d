#include "samples.h"

#include "base/text.h"

#include <math.h>

static const qn_image_range deeplab = {1, 1, 513, 513}, fixed = {257, 257, 257, 257}, free_range = {0, 0, 0, 0};

static void sizes_come_out_as_worked_by_hand(void **state) {
    (void)state;
    static const qn_image_range wide = {32, 32, 640, 320}, tall_only = {0, 0, 0, 100};
    const struct {
        qn_image_fit_mode mode;
        const qn_image_range *range;
        int width, height, expected_width, expected_height;
    } cases[] = {
        {QN_IMAGE_FIT_SHRINK, &deeplab, 500, 375, 500, 375},
        {QN_IMAGE_FIT_SHRINK, &deeplab, 513, 513, 513, 513},
        {QN_IMAGE_FIT_SHRINK, &deeplab, 514, 257, 513, 257}, /* 256.5 */
        {QN_IMAGE_FIT_SHRINK, &deeplab, 1280, 853, 513, 342},
        {QN_IMAGE_FIT_SHRINK, &deeplab, 853, 1280, 342, 513},
        {QN_IMAGE_FIT_SHRINK, &deeplab, 1, 1, 1, 1},
        {QN_IMAGE_FIT_SHRINK, &deeplab, 100000, 10, 513, 1},
        {QN_IMAGE_FIT_SHRINK, &fixed, 300, 200, 257, 257},
        {QN_IMAGE_FIT_SHRINK, &fixed, 20, 10, 257, 257},
        {QN_IMAGE_FIT_SHRINK, &wide, 20, 10, 64, 32},
        {QN_IMAGE_FIT_SHRINK, &wide, 400, 400, 320, 320},
        {QN_IMAGE_FIT_SHRINK, &free_range, 4000, 3000, 4000, 3000},
        {QN_IMAGE_FIT_LONGEST, &deeplab, 500, 375, 513, 385}, /* 384.75 */
        {QN_IMAGE_FIT_LONGEST, &deeplab, 1280, 853, 513, 342},
        {QN_IMAGE_FIT_LONGEST, &deeplab, 7, 5, 513, 366}, /* 366.4 */
        {QN_IMAGE_FIT_LONGEST, &wide, 100, 100, 320, 320},
        {QN_IMAGE_FIT_LONGEST, &tall_only, 40, 50, 80, 100},
        {QN_IMAGE_FIT_LONGEST, &free_range, 40, 50, 40, 50},
        {QN_IMAGE_FIT_STRETCH, &deeplab, 40, 50, 513, 513},
        {QN_IMAGE_FIT_STRETCH, &wide, 4000, 50, 640, 320},
        {QN_IMAGE_FIT_STRETCH, &tall_only, 40, 50, 40, 100},
        {QN_IMAGE_FIT_TILE, &deeplab, 1280, 853, 1280, 853},
        {QN_IMAGE_FIT_TILE, &wide, 4000, 16, 8000, 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        qn_image_fit fit;
        assert_ok(qn_image_fit_plan(cases[i].mode, cases[i].width, cases[i].height, cases[i].range, &fit));
        if (fit.width != cases[i].expected_width || fit.height != cases[i].expected_height)
            fail_msg("case %zu: expected %d x %d, found %d x %d", i, cases[i].expected_width, cases[i].expected_height,
                     fit.width, fit.height);
    }
}

static void tiles_of_a_known_picture_are_where_they_should_be(void **state) {
    (void)state;
    qn_image_fit fit;
    assert_ok(qn_image_fit_plan(QN_IMAGE_FIT_TILE, 1000, 300, &(qn_image_range){0, 0, 400, 400}, &fit));
    assert_int_equal(fit.columns, 3); /* steps of at most 300 */
    assert_int_equal(fit.rows, 1);
    assert_int_equal(fit.tile_width, 400);
    assert_int_equal(fit.tile_height, 300);
    static const int starts[3] = {0, 300, 600}, shares[4] = {0, 350, 650, 1000};
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(qn_image_fit_tile(&fit, i).x, starts[i]);
        assert_int_equal(qn_image_fit_tile_share(&fit, i).x, shares[i]);
        assert_int_equal(qn_image_fit_tile_share(&fit, i).width, shares[i + 1] - shares[i]);
        assert_int_equal(qn_image_fit_tile_share(&fit, i).height, 300);
    }
}

static qn_image_range random_range(qn_rng *rng) {
    qn_image_range range;
    range.min_width = (int)qn_rng_range(rng, 0, 60);
    range.min_height = (int)qn_rng_range(rng, 0, 60);
    range.max_width = range.min_width + (int)qn_rng_range(rng, 1, 200);
    range.max_height = range.min_height + (int)qn_rng_range(rng, 1, 200);
    return range;
}

static void every_mode_stays_inside_the_range(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("ranges"));
    for (int round = 0; round < 20000; ++round) {
        const qn_image_range range = random_range(&rng);
        const int width = (int)qn_rng_range(&rng, 1, 600), height = (int)qn_rng_range(&rng, 1, 600);
        const qn_image_fit_mode mode = (qn_image_fit_mode)(round % 4);
        qn_image_fit fit;
        assert_ok(qn_image_fit_plan(mode, width, height, &range, &fit));
        assert_in_range(fit.tile_width, range.min_width, range.max_width);
        assert_in_range(fit.tile_height, range.min_height, range.max_height);
        if (mode != QN_IMAGE_FIT_TILE) {
            assert_int_equal(fit.columns * fit.rows, 1);
            assert_int_equal(fit.tile_width, fit.width);
            assert_int_equal(fit.tile_height, fit.height);
        }
        const int inside = width >= range.min_width && height >= range.min_height && width <= range.max_width &&
                           height <= range.max_height;
        if (inside && (mode == QN_IMAGE_FIT_SHRINK || mode == QN_IMAGE_FIT_TILE)) {
            assert_int_equal(fit.width, width);
            assert_int_equal(fit.height, height);
        }
        if (mode == QN_IMAGE_FIT_LONGEST) assert_true(fit.width == range.max_width || fit.height == range.max_height);
    }
}

static void the_ratio_is_kept_when_it_can_be(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("ratio"));
    for (int round = 0; round < 20000; ++round) {
        const int width = (int)qn_rng_range(&rng, 1, 3000), height = (int)qn_rng_range(&rng, 1, 3000);
        qn_image_fit fit;
        assert_ok(qn_image_fit_plan((qn_image_fit_mode)(round % 2), width, height, &deeplab, &fit));
        const double x = (double)fit.width / width, y = (double)fit.height / height;
        /* Each side is within half a pixel of the common scale, or 1. */
        const double scale = width >= height ? x : y;
        assert_true(fabs(fit.width - width * scale) <= 0.5 + 1e-9 || fit.width == 1);
        assert_true(fabs(fit.height - height * scale) <= 0.5 + 1e-9 || fit.height == 1);
    }
}

/* The rule as the header words it: the nearest centre, ties to the left and upper tile. */
static int owner_of(const qn_image_fit *fit, int x, int y) {
    int owner = 0;
    int64_t least = INT64_MAX;
    for (int i = 0; i < fit->columns * fit->rows; ++i) {
        const qn_image_rect tile = qn_image_fit_tile(fit, i);
        const int64_t dx = 2 * x - (2 * tile.x + tile.width - 1), dy = 2 * y - (2 * tile.y + tile.height - 1);
        if (dx * dx + dy * dy < least) {
            least = dx * dx + dy * dy;
            owner = i;
        }
    }
    return owner;
}

static void tiles_overlap_and_every_pixel_comes_from_the_nearest(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("tiles"));
    for (int round = 0; round < 300; ++round) {
        const qn_image_range range = {0, 0, (int)qn_rng_range(&rng, 1, 40), (int)qn_rng_range(&rng, 1, 40)};
        qn_image_fit fit;
        assert_ok(qn_image_fit_plan(QN_IMAGE_FIT_TILE, (int)qn_rng_range(&rng, 1, 90), (int)qn_rng_range(&rng, 1, 90),
                                    &range, &fit));
        qn_image whole, tile;
        assert_ok(qn_image_init(fit.width, fit.height, 3, NULL, &whole));
        assert_ok(qn_image_init(fit.tile_width, fit.tile_height, 3, NULL, &tile));
        memset(whole.data, 255, whole.stride_bytes * (size_t)whole.height);
        for (int i = 0; i < fit.columns * fit.rows; ++i) {
            const qn_image_rect at = qn_image_fit_tile(&fit, i);
            assert_true(at.x >= 0 && at.y >= 0 && at.x + at.width <= fit.width && at.y + at.height <= fit.height);
            if (i % fit.columns) assert_true(qn_image_fit_tile(&fit, i - 1).x + at.width - at.x >= range.max_width / 4);
            for (int p = 0; p < at.width * at.height; ++p) { /* which tile, and where in it */
                tile.data[3 * p] = (uint8_t)(i % 251);
                tile.data[3 * p + 1] = (uint8_t)(p % at.width);
                tile.data[3 * p + 2] = (uint8_t)(p / at.width);
            }
            assert_ok(qn_image_fit_stitch(&fit, i, &tile, &whole));
        }
        for (int y = 0; y < fit.height; ++y)
            for (int x = 0; x < fit.width; ++x) {
                const uint8_t *pixel = whole.data + (size_t)y * whole.stride_bytes + 3 * (size_t)x;
                const int owner = owner_of(&fit, x, y);
                const qn_image_rect at = qn_image_fit_tile(&fit, owner);
                assert_int_equal(pixel[0], owner % 251);
                assert_int_equal(pixel[1], x - at.x);
                assert_int_equal(pixel[2], y - at.y);
            }
        qn_image_deinit(&tile);
        qn_image_deinit(&whole);
    }
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    qn_image_fit fit;
    qn_image_fit_mode mode;
    assert_error(qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, 0, 5, &deeplab, &fit), QN_INVALID_ARGUMENT, "0 x 5", NULL);
    assert_error(qn_image_fit_plan((qn_image_fit_mode)7, 5, 5, &deeplab, &fit), QN_INVALID_ARGUMENT, "mode 7", NULL);
    assert_error(qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, 5, 5, &(qn_image_range){9, 9, 8, 20}, &fit),
                 QN_INVALID_ARGUMENT, "9 x 9 .. 8 x 20", NULL);
    assert_error(qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, 1000000, 1, &(qn_image_range){0, 500, 0, 0}, &fit), QN_LIMIT,
                 "500000000 x 500", NULL);
    assert_error(qn_image_fit_mode_from_name("strech", &mode), QN_INVALID_ARGUMENT, "'strech'", "'stretch'", NULL);
    assert_ok(qn_image_fit_mode_from_name("tile", &mode));
    assert_int_equal(mode, QN_IMAGE_FIT_TILE);
    qn_image image;
    assert_ok(qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, 5, 5, &deeplab, &fit));
    assert_ok(qn_image_init(4, 5, 1, NULL, &image));
    assert_error(qn_image_fit_stitch(&fit, 0, &image, &image), QN_INVALID_ARGUMENT, "4 x 5", NULL);
    assert_error(qn_image_fit_stitch(&fit, 1, &image, &image), QN_INVALID_ARGUMENT, "tile 1", NULL);
    qn_image_deinit(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_come_out_as_worked_by_hand),
        cmocka_unit_test(tiles_of_a_known_picture_are_where_they_should_be),
        cmocka_unit_test(every_mode_stays_inside_the_range),
        cmocka_unit_test(the_ratio_is_kept_when_it_can_be),
        cmocka_unit_test(tiles_overlap_and_every_pixel_comes_from_the_nearest),
        cmocka_unit_test(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
