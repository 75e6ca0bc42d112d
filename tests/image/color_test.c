#include "samples.h"

#include "image/font.h"

static qn_image_palette voc(void) {
    qn_image_palette palette;
    assert_ok(qn_image_palette_load("voc", NULL, &palette));
    return palette;
}

static void labels_become_their_colours(void **state) {
    (void)state;
    static uint8_t labels[4] = {0, 1, 15, 255};
    static const uint8_t expected[12] = {0, 0, 0, 128, 0, 0, 192, 128, 128, 224, 224, 192};
    const qn_image map = {2, 2, 1, 2, labels, NULL};
    const qn_image_palette palette = voc();
    qn_image out;
    assert_ok(qn_image_colorize(&map, &palette, NULL, &out));
    assert_memory_equal(out.data, expected, 12);
    qn_image_deinit(&out);
}

static void colours_become_the_labels_that_they_were(void **state) {
    (void)state;
    uint8_t labels[256];
    for (int i = 0; i < 256; i++) labels[i] = (uint8_t)i;
    const qn_image map = {16, 16, 1, 16, labels, NULL};
    qn_image_palette palette = voc();
    palette.class_count = 256;
    qn_image colours, back;
    assert_ok(qn_image_colorize(&map, &palette, NULL, &colours));
    assert_ok(qn_image_from_colors(&colours, &palette, NULL, &back));
    assert_memory_equal(back.data, labels, 256);
    qn_image_deinit(&back);
    /* Classes 3 and 200 share a colour now: the lower one has it. */
    memcpy(palette.colors[200], palette.colors[3], 3);
    memcpy(colours.data + 3 * 200, palette.colors[3], 3);
    assert_ok(qn_image_from_colors(&colours, &palette, NULL, &back));
    assert_int_equal(back.data[200], 3);
    qn_image_deinit(&back);
    qn_image_deinit(&colours);
}

static void colours_of_no_class_are_refused_with_their_place(void **state) {
    (void)state;
    const qn_image_palette palette = voc();
    uint8_t rgb[12] = {128, 0, 0, 0, 0, 0, 128, 0, 0, 7, 9, 11};
    const qn_image picture = {2, 2, 3, 6, rgb, NULL}, gray = {2, 2, 1, 2, rgb, NULL};
    qn_image out = picture;
    assert_error(qn_image_from_colors(&picture, &palette, NULL, &out), QN_INVALID_ARGUMENT, "colour 7 9 11",
                 "column 1, row 1", "PNG", NULL);
    assert_null(out.data);
    /* Class 20 is 0 64 128, what is not judged 224 224 192, class 15 192 128 128. */
    memcpy(rgb + 6, (const uint8_t[]){0, 64, 128, 224, 224, 192}, 6);
    assert_ok(qn_image_from_colors(&picture, &palette, NULL, &out));
    assert_int_equal(out.data[2], 20);
    assert_int_equal(out.data[3], 255);
    qn_image_deinit(&out);
    memcpy(rgb + 6, (const uint8_t[]){128, 128, 192}, 3);
    assert_error(qn_image_from_colors(&picture, &palette, NULL, &out), QN_INVALID_ARGUMENT, "colour 128 128 192",
                 "column 0, row 1", "red and blue exchanged", NULL);
    assert_error(qn_image_from_colors(&gray, &palette, NULL, &out), QN_INVALID_ARGUMENT, "expected 3 channels", NULL);
}

static void an_overlay_blends_photo_and_colours(void **state) {
    (void)state;
    static uint8_t labels[2] = {1, 0}, rgb[6] = {100, 200, 50, 255, 254, 1}, gray[2] = {100, 255};
    const qn_image map = {2, 1, 1, 2, labels, NULL};
    const qn_image photo = {2, 1, 3, 6, rgb, NULL}, gray_photo = {2, 1, 1, 2, gray, NULL};
    const qn_image_palette palette = voc();
    static const struct {
        float alpha;
        uint8_t expected[6];
    } cases[] = {{0, {100, 200, 50, 255, 254, 1}}, {1, {128, 0, 0, 0, 0, 0}}, {0.5f, {114, 100, 25, 128, 127, 1}}};
    qn_image out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_ok(qn_image_overlay(&photo, &map, &palette, cases[i].alpha, NULL, &out));
        assert_memory_equal(out.data, cases[i].expected, 6);
        qn_image_deinit(&out);
    }
    assert_ok(qn_image_overlay(&gray_photo, &map, &palette, 0, NULL, &out));
    assert_memory_equal(out.data, "ddd\xff\xff\xff", 6);
    qn_image_deinit(&out);
    assert_error(qn_image_overlay(&photo, &map, &palette, 1.5f, NULL, &out), QN_INVALID_ARGUMENT, "1.5", NULL);
    assert_error(qn_image_overlay(&photo, &photo, &palette, 1, NULL, &out), QN_INVALID_ARGUMENT, "1 channel", NULL);
    assert_error(qn_image_overlay(&photo, &(qn_image){1, 2, 1, 1, labels, NULL}, &palette, 1, NULL, &out),
                 QN_INVALID_ARGUMENT, "1 x 2", "2 x 1", NULL);
}

static void labels_are_counted_on_top_of_earlier_counts(void **state) {
    (void)state;
    static uint8_t labels[5] = {0, 255, 3, 3, 3};
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {10};
    assert_ok(qn_image_count_labels(&(qn_image){5, 1, 1, 5, labels, NULL}, areas));
    assert_int_equal(areas[0], 11);
    assert_int_equal(areas[3], 3);
    assert_int_equal(areas[255], 1);
    assert_int_equal(areas[1], 0);
}

static void joined_pictures_stand_side_by_side(void **state) {
    (void)state;
    static uint8_t left[6] = {1, 2, 3, 4, 5, 6}, right[3] = {7, 8, 9};
    static const uint8_t expected[12] = {1, 2, 3, 7, 8, 9, 4, 5, 6, 255, 255, 255};
    qn_image out;
    assert_ok(qn_image_join(&(qn_image){1, 2, 3, 3, left, NULL}, &(qn_image){1, 1, 3, 3, right, NULL}, NULL, &out));
    assert_int_equal(out.width, 2);
    assert_int_equal(out.height, 2);
    assert_memory_equal(out.data, expected, 12);
    qn_image_deinit(&out);
    assert_error(qn_image_join(&(qn_image){1, 2, 1, 1, left, NULL}, &(qn_image){1, 1, 3, 3, right, NULL}, NULL, &out),
                 QN_INVALID_ARGUMENT, "1 and 3", NULL);
}

static int is_color(const qn_image *image, int x, int y, const uint8_t color[3]) {
    return !memcmp(image->data + (size_t)y * image->stride_bytes + 3 * (size_t)x, color, 3);
}

/* The first row at or below `from` in which column x has the colour; -1 if none. */
static int find_row(const qn_image *image, int x, int from, const uint8_t color[3]) {
    for (int y = from; y < image->height; ++y)
        if (is_color(image, x, y, color)) return y;
    return -1;
}

static void a_legend_lists_the_classes_that_appear_largest_first(void **state) {
    (void)state;
    const qn_image_palette palette = voc();
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {0};
    areas[1] = 30, areas[15] = 60, areas[8] = 10;
    qn_image legend;
    assert_ok(qn_image_legend(areas, &palette, 1, 100, NULL, &legend));
    assert_int_equal(legend.height, 100);
    assert_int_equal(legend.channels, 3);
    const int swatch = 12; /* inside the swatches' column */
    const int person = find_row(&legend, swatch, 0, palette.colors[15]);
    const int aeroplane = find_row(&legend, swatch, 0, palette.colors[1]);
    const int cat = find_row(&legend, swatch, 0, palette.colors[8]);
    assert_true(person >= 0 && person < aeroplane && aeroplane < cat);
    assert_int_equal(find_row(&legend, swatch, 0, palette.colors[2]), -1);
    qn_image_deinit(&legend);
}

static void a_legend_spells_names_in_letters_of_the_asked_size(void **state) {
    (void)state;
    const qn_image_palette palette = voc();
    static const uint8_t white[3] = {255, 255, 255};
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {0};
    areas[15] = 1;
    for (int scale = 1; scale <= 3; ++scale) {
        qn_image legend;
        assert_ok(qn_image_legend(areas, &palette, scale, 0, NULL, &legend));
        int found = 0; /* 'person' somewhere, pixel for pixel */
        for (int y = 0; y + 8 * scale <= legend.height && !found; ++y)
            for (int x = 0; x + 36 * scale <= legend.width && !found; ++x) {
                found = 1;
                for (int i = 0; i < 36 * 8 && found; ++i) {
                    const int column = i % 36, row = i / 36;
                    const int ink = qn_image_font_has_ink((unsigned char)"person"[column / 6], column % 6, row);
                    found = is_color(&legend, x + column * scale, y + row * scale, white) != ink;
                }
            }
        assert_true(found);
        qn_image_deinit(&legend);
    }
}

static void a_legend_copes_with_every_label_and_odd_names(void **state) {
    (void)state;
    int64_t areas[QN_IMAGE_CLASSES_MAX];
    for (int i = 0; i < QN_IMAGE_CLASSES_MAX; ++i) areas[i] = i % 3 ? INT64_MAX / 512 : 1;
    const char *names[2] = {"Stra\xc3\x9f"
                            "e",
                            NULL};
    char endless[400];
    memset(endless, '\xc3', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    names[1] = endless;
    qn_image_palette palette;
    assert_ok(qn_image_palette_from_names(names, 2, NULL, &palette));
    qn_image legend;
    assert_ok(qn_image_legend(areas, &palette, 0, 4000, NULL, &legend));
    assert_int_equal(legend.height, 4000);
    qn_image_deinit(&legend);
    memset(areas, 0, sizeof areas);
    assert_ok(qn_image_legend(areas, &palette, 0, 0, NULL, &legend));
    qn_image_deinit(&legend);
    assert_error(qn_image_legend(areas, &palette, 65, 0, NULL, &legend), QN_INVALID_ARGUMENT, "65", NULL);
    qn_image_palette_deinit(&palette);
}

static void every_printable_letter_is_drawn_and_different(void **state) {
    (void)state;
    for (int a = ' '; a <= 127; ++a)
        for (int b = a; b <= 127; ++b) {
            int ink = 0, different = 0;
            for (int i = 0; i < 40; ++i) {
                const int of_a = qn_image_font_has_ink((unsigned char)a, i % 5, i / 5);
                ink += of_a;
                different += of_a != qn_image_font_has_ink((unsigned char)b, i % 5, i / 5);
            }
            assert_true(a == ' ' ? ink == 0 : ink > 0);
            assert_true(a == b ? different == 0 : different > 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_become_their_colours),
        cmocka_unit_test(colours_become_the_labels_that_they_were),
        cmocka_unit_test(colours_of_no_class_are_refused_with_their_place),
        cmocka_unit_test(an_overlay_blends_photo_and_colours),
        cmocka_unit_test(labels_are_counted_on_top_of_earlier_counts),
        cmocka_unit_test(joined_pictures_stand_side_by_side),
        cmocka_unit_test(a_legend_lists_the_classes_that_appear_largest_first),
        cmocka_unit_test(a_legend_spells_names_in_letters_of_the_asked_size),
        cmocka_unit_test(a_legend_copes_with_every_label_and_odd_names),
        cmocka_unit_test(every_printable_letter_is_drawn_and_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
