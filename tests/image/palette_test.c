#include "samples.h"

#include "base/text.h"

#include <stdio.h>

static void assert_color(const qn_image_palette *palette, int label, int r, int g, int b) {
    assert_int_equal(palette->colors[label][0], r);
    assert_int_equal(palette->colors[label][1], g);
    assert_int_equal(palette->colors[label][2], b);
}

static void the_pascal_palette_is_the_well_known_one(void **state) {
    (void)state;
    qn_image_palette voc;
    assert_ok(qn_image_palette_load("voc", NULL, &voc));
    assert_int_equal(voc.class_count, 21);
    assert_string_equal(voc.names[0], "background");
    assert_string_equal(voc.names[1], "aeroplane");
    assert_string_equal(voc.names[15], "person");
    assert_string_equal(voc.names[20], "tvmonitor");
    assert_null(voc.names[21]);
    assert_color(&voc, 0, 0, 0, 0);
    assert_color(&voc, 1, 128, 0, 0);
    assert_color(&voc, 2, 0, 128, 0);
    assert_color(&voc, 4, 0, 0, 128);
    assert_color(&voc, 7, 128, 128, 128);
    assert_color(&voc, 8, 64, 0, 0);
    assert_color(&voc, 15, 192, 128, 128);
    assert_color(&voc, 20, 0, 64, 128);
    assert_color(&voc, 255, 224, 224, 192);
    qn_image_palette_deinit(&voc);
}

static void ade20k_and_cityscapes_are_built_in(void **state) {
    (void)state;
    qn_image_palette palette;
    assert_ok(qn_image_palette_load("ade20k", NULL, &palette));
    assert_int_equal(palette.class_count, 151);
    assert_string_equal(palette.names[0], "background");
    assert_color(&palette, 0, 0, 0, 0);
    assert_string_equal(palette.names[1], "wall");
    assert_color(&palette, 1, 120, 120, 120);
    assert_string_equal(palette.names[3], "sky");
    assert_color(&palette, 3, 6, 230, 230);
    assert_string_equal(palette.names[13], "person");
    assert_color(&palette, 13, 150, 5, 61);
    assert_string_equal(palette.names[150], "flag");
    assert_color(&palette, 150, 92, 0, 255);
    assert_ok(qn_image_palette_load("cityscapes", NULL, &palette));
    assert_int_equal(palette.class_count, 19);
    assert_string_equal(palette.names[0], "road");
    assert_color(&palette, 0, 128, 64, 128);
    assert_string_equal(palette.names[6], "traffic light");
    assert_color(&palette, 6, 250, 170, 30);
    assert_string_equal(palette.names[18], "bicycle");
    assert_color(&palette, 18, 119, 11, 32);
    assert_color(&palette, 255, 224, 224, 192);
}

static qn_status *parse(const char *text, qn_image_palette *out) {
    return qn_image_palette_parse(text, strlen(text), "p.txt", NULL, out);
}

static void a_file_gives_names_and_colours(void **state) {
    (void)state;
    qn_image_palette palette;
    assert_ok(parse("# classes\n\n  sky 1 2 3\r\ntraffic  light\t10 20 255\n3d printer 0 0 0", &palette));
    assert_int_equal(palette.class_count, 3);
    assert_string_equal(palette.names[0], "sky");
    assert_color(&palette, 0, 1, 2, 3);
    assert_string_equal(palette.names[1], "traffic  light");
    assert_color(&palette, 1, 10, 20, 255);
    assert_string_equal(palette.names[2], "3d printer");
    assert_color(&palette, 3, 128, 128, 0); /* PASCAL's beyond the file */
    qn_image_palette_deinit(&palette);
    assert_null(palette.storage);
}

static void a_list_of_names_takes_the_pascal_colours(void **state) {
    (void)state;
    qn_image_palette palette, other;
    assert_ok(parse("background\ndisc\nold style\n", &palette));
    assert_int_equal(palette.class_count, 3);
    assert_string_equal(palette.names[2], "old style");
    assert_color(&palette, 1, 128, 0, 0);
    assert_ok(qn_image_palette_from_names((const char *const[]){"background", "disc", "old style"}, 3, NULL, &other));
    assert_memory_equal(other.colors, palette.colors, sizeof other.colors);
    for (int i = 0; i < 3; ++i) assert_string_equal(other.names[i], palette.names[i]);
    qn_image_palette_deinit(&other);
    qn_image_palette_deinit(&palette);
}

static void damaged_files_are_errors_that_name_the_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "found none"},
        {"# only a comment\n", "found none"},
        {"a 1 2 3\nb 1 2\n", "line 2: expected 'name r g b'"},
        {"a\n\nb 1 2 3\n", "line 3: expected only a name"},
        {"a 1 2 3\nb 1 2 256\n", "line 2: a colour value is above 255"},
        {"a 1 99999999999999999999999 3\n", "line 1: a colour value is above 255"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        qn_image_palette palette;
        assert_error(parse(cases[i].text, &palette), QN_INVALID_ARGUMENT, "p.txt: ", cases[i].message, NULL);
        assert_null(palette.storage);
    }
    qn_image_palette palette;
    assert_error(qn_image_palette_parse("a\0b", 3, "p.txt", NULL, &palette), QN_INVALID_ARGUMENT, "zero byte", NULL);
}

static void more_classes_than_labels_are_refused(void **state) {
    (void)state;
    char text[257 * 2];
    for (int i = 0; i < 257; ++i) memcpy(text + 2 * i, "x\n", 2);
    qn_image_palette palette;
    assert_ok(qn_image_palette_parse(text, 256 * 2, "p.txt", NULL, &palette));
    assert_int_equal(palette.class_count, 256);
    qn_image_palette_deinit(&palette);
    assert_error(qn_image_palette_parse(text, sizeof text, "p.txt", NULL, &palette), QN_LIMIT, "line 257", NULL);
    assert_error(qn_image_palette_from_names(NULL, 257, NULL, &palette), QN_LIMIT, "257", NULL);
    assert_error(qn_image_palette_from_names(NULL, 0, NULL, &palette), QN_INVALID_ARGUMENT, NULL);
}

static void an_unknown_palette_suggests_the_nearest(void **state) {
    (void)state;
    qn_image_palette palette;
    assert_error(qn_image_palette_load("cityscape", NULL, &palette), QN_NOT_FOUND, "'cityscape'", "'cityscapes'?",
                 NULL);
    assert_error(qn_image_palette_load("/nonexistent/p.txt", NULL, &palette), QN_NOT_FOUND, "/nonexistent/p.txt", NULL);
    assert_error(qn_image_palette_load("/tmp", NULL, &palette), QN_IO, "/tmp", NULL);
}

static void a_palette_file_is_loaded_by_its_path(void **state) {
    (void)state;
    FILE *file = fopen(sample_path("p.txt"), "w");
    assert_non_null(file);
    fputs("a 1 2 3\n", file);
    fclose(file);
    qn_image_palette palette;
    assert_ok(qn_image_palette_load(sample_path("p.txt"), NULL, &palette));
    assert_color(&palette, 0, 1, 2, 3);
    qn_image_palette_deinit(&palette);
    sample_remove_folder();
}

static void random_text_never_crashes(void **state) {
    (void)state;
    static const char letters[] = "ab# \t\r\n0129-\0\xff";
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("random text"));
    for (int round = 0; round < 20000; ++round) {
        const size_t size = (size_t)qn_rng_range(&rng, 0, 60);
        char *text = malloc(size ? size : 1);
        for (size_t i = 0; i < size; ++i) text[i] = letters[qn_rng_range(&rng, 0, (int64_t)sizeof letters - 2)];
        qn_image_palette palette;
        qn_status *status = qn_image_palette_parse(text, size, "p.txt", NULL, &palette);
        if (status) {
            assert_int_equal(strncmp(qn_status_message(status), "p.txt: ", 7), 0);
        } else {
            assert_in_range(palette.class_count, 1, 60);
            for (int i = 0; i < palette.class_count; ++i) assert_true(strlen(palette.names[i]) > 0);
        }
        qn_status_free(status);
        qn_image_palette_deinit(&palette);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pascal_palette_is_the_well_known_one),
        cmocka_unit_test(ade20k_and_cityscapes_are_built_in),
        cmocka_unit_test(a_file_gives_names_and_colours),
        cmocka_unit_test(a_list_of_names_takes_the_pascal_colours),
        cmocka_unit_test(damaged_files_are_errors_that_name_the_line),
        cmocka_unit_test(more_classes_than_labels_are_refused),
        cmocka_unit_test(an_unknown_palette_suggests_the_nearest),
        cmocka_unit_test(a_palette_file_is_loaded_by_its_path),
        cmocka_unit_test(random_text_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
