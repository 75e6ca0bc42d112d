/* Pictures that run in tiles: smooth labels at the size of the map, scores put together. */
#include "rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    static const char planes[] = "{\"graph_shape_mutable\": false, \"image\": {\"decode\": {\"logits\": 1}}}";
    static const struct {
        const char *tail, *attributes;
        int side, rows, columns; /* of a tile; samples of the whole */
        double most;             /* by which a score may differ from the photo, which is a ramp of whole numbers */
    } cases[] = {{NULL, NULL, 16, HIGH, WIDE, 0},
                 {"transpose", NULL, 16, HIGH, WIDE, 0},
                 {"avg_pool2d", "kernel=[2, 2], stride=[2, 2]", 16, 15, 21, 3},
                 {"avg_pool2d", "kernel=[1, 1], stride=[4, 4]", 17, 9, 12, 3}};
    qn_image photo = make_photo(WIDE, HIGH, 3);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int rows = cases[i].rows, columns = cases[i].columns, is_planar = i == 1;
        rig r = rig_of_tiles(
            make_model_of(cases[i].side, cases[i].tail, cases[i].attributes, is_planar ? planes : NULL), 0, 1);
        qn_image labels, taken;
        qn_tensor scores;
        ok(qn_segmenter_run(r.segmenter, &photo, 0, 0, &labels, NULL));
        ok(qn_segmenter_get_scores(r.segmenter, &scores));
        assert_int_equal(scores.dtype, QN_DTYPE_F32);
        assert_int_equal(scores.rank, 4);
        assert_int_equal(scores.dims[1 + is_planar], rows);
        assert_int_equal(scores.dims[2 + is_planar], columns);
        for (int s = 0; s < rows * columns * 3; s++) {
            const int row = s / 3 / columns, column = s / 3 % columns, c = s % 3;
            const double expected = color_at(&photo, stand(row, rows, HIGH), stand(column, columns, WIDE), c);
            const int at = is_planar ? (c * rows + row) * columns + column : s;
            const double found = (double)((const float *)scores.data)[at];
            if (fabs(expected - found) > cases[i].most)
                fail_msg("case %zu: %g instead of %g at row %d, column %d", i, found, expected, row, column);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_smooth_at_the_size_of_the_map),
        cmocka_unit_test(scores_of_tiles_are_put_together),
        cmocka_unit_test(labels_of_tiles_are_put_together_too),
        cmocka_unit_test(scores_of_tiles_that_are_not_kept_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
