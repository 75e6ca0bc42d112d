#include "samples.h"

#include <png.h>

enum { WIDTH = 13, HEIGHT = 9, PIXELS = WIDTH * HEIGHT };

static uint8_t ramp(size_t i) { return (uint8_t)(i * 37 + i / 7); }

static const uint8_t *ramp_rows(void) {
    static uint8_t rows[PIXELS * 8];
    for (size_t i = 0; i < sizeof rows; ++i) rows[i] = ramp(i);
    return rows;
}

static sample_png_spec spec_of(int color, int depth) {
    return (sample_png_spec){.width = WIDTH,
                             .height = HEIGHT,
                             .color = color,
                             .depth = depth,
                             .transparent = -1,
                             .palette_count = color == PNG_COLOR_TYPE_PALETTE ? 1 << depth : 0,
                             .rows = ramp_rows()};
}

static qn_image read_picture(const sample_png_spec *spec, int channels) {
    sample png = sample_png(spec);
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    options.channels = channels;
    qn_image image;
    assert_ok(qn_image_decode(png.data, png.size, "a.png", &options, NULL, &image));
    free(png.data);
    return image;
}

/* Sample `i` of a packed row-wise array of `depth` bits, rows padded to bytes, `per_row` samples a row. */
static unsigned packed_sample(const uint8_t *rows, int depth, int per_row, int i) {
    const size_t row_bytes = ((size_t)per_row * (size_t)depth + 7) / 8;
    const size_t bit = (size_t)(i % per_row) * (size_t)depth;
    const uint8_t *at = rows + (size_t)(i / per_row) * row_bytes + bit / 8;
    if (depth == 16) return (unsigned)at[0] << 8 | at[1];
    return (unsigned)at[0] >> (8 - depth - (int)(bit % 8)) & ((1u << depth) - 1);
}

/* value / maximum in 8 bits, rounded */
static uint8_t to_byte(unsigned value, int depth) {
    const unsigned maximum = (1u << depth) - 1;
    return (uint8_t)((value * 255 + maximum / 2) / maximum);
}

static void gray_pngs_of_every_depth_are_stretched_to_eight_bits(void **state) {
    (void)state;
    for (int depth = 1; depth <= 16; depth *= 2)
        for (int interlaced = 0; interlaced < 2; ++interlaced) {
            sample_png_spec spec = spec_of(PNG_COLOR_TYPE_GRAY, depth);
            spec.interlaced = interlaced;
            qn_image image = read_picture(&spec, 0);
            assert_int_equal(image.channels, 1);
            for (int i = 0; i < PIXELS; ++i)
                assert_int_equal(image.data[i], to_byte(packed_sample(spec.rows, depth, WIDTH, i), depth));
            qn_image_deinit(&image);
        }
}

static void rgb_pngs_of_eight_and_sixteen_bits_are_read(void **state) {
    (void)state;
    for (int depth = 8; depth <= 16; depth *= 2)
        for (int interlaced = 0; interlaced < 2; ++interlaced) {
            sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB, depth);
            spec.interlaced = interlaced;
            qn_image image = read_picture(&spec, 3);
            assert_int_equal(image.channels, 3);
            for (int i = 0; i < PIXELS * 3; ++i)
                assert_int_equal(image.data[i], to_byte(packed_sample(spec.rows, depth, WIDTH * 3, i), depth));
            qn_image_deinit(&image);
        }
}

static void gray_from_rgb_is_luma(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB, 8);
    qn_image image = read_picture(&spec, 1);
    assert_int_equal(image.channels, 1);
    for (int i = 0; i < PIXELS; ++i) {
        const double luma = 0.299 * spec.rows[3 * i] + 0.587 * spec.rows[3 * i + 1] + 0.114 * spec.rows[3 * i + 2];
        assert_true(image.data[i] >= luma - 0.51 && image.data[i] <= luma + 0.51);
    }
    qn_image_deinit(&image);
}

static int over_white(int value, int alpha) { return (int)((value * alpha + 255.0 * (255 - alpha)) / 255 + 0.5); }

static void transparent_pixels_are_laid_over_white(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB_ALPHA, 8);
    qn_image image = read_picture(&spec, 0);
    assert_int_equal(image.channels, 3);
    for (int i = 0; i < PIXELS; ++i)
        for (int c = 0; c < 3; ++c)
            assert_int_equal(image.data[3 * i + c], over_white(spec.rows[4 * i + c], spec.rows[4 * i + 3]));
    qn_image_deinit(&image);
    spec = spec_of(PNG_COLOR_TYPE_GRAY_ALPHA, 8);
    image = read_picture(&spec, 0);
    assert_int_equal(image.channels, 1);
    for (int i = 0; i < PIXELS; ++i)
        assert_int_equal(image.data[i], over_white(spec.rows[2 * i], spec.rows[2 * i + 1]));
    qn_image_deinit(&image);
}

static void a_transparent_colour_becomes_white(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_GRAY, 4);
    spec.transparent = 5;
    qn_image image = read_picture(&spec, 0);
    int seen = 0;
    for (int i = 0; i < PIXELS; ++i) {
        const unsigned value = packed_sample(spec.rows, 4, WIDTH, i);
        seen += value == 5;
        assert_int_equal(image.data[i], value == 5 ? 255 : value * 17);
    }
    assert_true(seen > 0);
    qn_image_deinit(&image);
}

static void indexed_pngs_show_their_colours(void **state) {
    (void)state;
    for (int depth = 1; depth <= 8; depth *= 2)
        for (int alphas = 0; alphas <= 2; alphas += 2) {
            sample_png_spec spec = spec_of(PNG_COLOR_TYPE_PALETTE, depth);
            spec.alpha_count = alphas;
            qn_image image = read_picture(&spec, 0);
            assert_int_equal(image.channels, 3);
            for (int i = 0; i < PIXELS; ++i) {
                const int index = (int)packed_sample(spec.rows, depth, WIDTH, i);
                const int color[3] = {index, 255 - index, 7 * index % 256};
                const int alpha = index < alphas ? 255 - 40 * index : 255;
                for (int c = 0; c < 3; ++c) assert_int_equal(image.data[3 * i + c], over_white(color[c], alpha));
            }
            qn_image_deinit(&image);
        }
}

static void orientation_in_exif_is_applied_wherever_it_stands(void **state) {
    (void)state;
    for (int at_end = 0; at_end < 2; ++at_end) {
        sample_png_spec spec = spec_of(PNG_COLOR_TYPE_GRAY, 8);
        spec.orientation = 6;
        spec.orientation_at_end = at_end;
        qn_image image = read_picture(&spec, 0);
        assert_int_equal(image.width, HEIGHT);
        assert_int_equal(image.height, WIDTH);
        for (int y = 0; y < WIDTH; ++y) /* turned to the right: the left column, from below, becomes the top row */
            for (int x = 0; x < HEIGHT; ++x)
                assert_int_equal(image.data[y * HEIGHT + x], spec.rows[(HEIGHT - 1 - x) * WIDTH + y]);
        qn_image_deinit(&image);
    }
}

static void label_maps_are_indices_and_raw_samples(void **state) {
    (void)state;
    const int colors[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE};
    for (int k = 0; k < 2; ++k)
        for (int depth = 1; depth <= 8; depth *= 2)
            for (int interlaced = 0; interlaced < 2; ++interlaced) {
                sample_png_spec spec = spec_of(colors[k], depth);
                spec.interlaced = interlaced;
                spec.orientation = 6;
                spec.alpha_count = k ? 2 : 0;
                sample png = sample_png(&spec);
                qn_image labels;
                assert_ok(qn_image_decode_mask(png.data, png.size, "m.png", NULL, NULL, &labels));
                assert_int_equal(labels.channels, 1);
                assert_int_equal(labels.width, WIDTH);
                for (int i = 0; i < PIXELS; ++i)
                    assert_int_equal(labels.data[i], packed_sample(spec.rows, depth, WIDTH, i));
                qn_image_deinit(&labels);
                free(png.data);
            }
}

static void pictures_that_hold_no_labels_are_refused(void **state) {
    (void)state;
    static const struct {
        int color, depth;
        const char *found;
    } cases[] = {{PNG_COLOR_TYPE_RGB, 8, "an RGB picture"},
                 {PNG_COLOR_TYPE_RGB_ALPHA, 8, "alpha"},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, 8, "alpha"},
                 {PNG_COLOR_TYPE_GRAY, 16, "found 16"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        sample_png_spec spec = spec_of(cases[i].color, cases[i].depth);
        sample png = sample_png(&spec);
        qn_image labels;
        assert_error(qn_image_decode_mask(png.data, png.size, "m.png", NULL, NULL, &labels), QN_UNSUPPORTED,
                     "m.png: expected a label map", cases[i].found, NULL);
        free(png.data);
    }
}

static void a_png_cut_short_anywhere_is_an_error(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB_ALPHA, 8);
    spec.interlaced = 1;
    sample png = sample_png(&spec);
    for (size_t size = 0; size < png.size; ++size) {
        qn_image image;
        sample cut = sample_copy(png.data, size);
        assert_error(qn_image_decode(cut.data, size, "a.png", NULL, NULL, &image),
                     size && size < 4 ? QN_UNSUPPORTED : QN_INVALID_ARGUMENT, "a.png: ", NULL);
        assert_null(image.data);
        free(cut.data);
    }
    free(png.data);
}

static void a_flipped_bit_in_the_pixels_is_an_error(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB, 8);
    sample png = sample_png(&spec);
    uint8_t *found = memmem(png.data, png.size, "IDAT", 4);
    assert_non_null(found);
    found[20] ^= 4;
    qn_image image;
    assert_error(qn_image_decode(png.data, png.size, "a.png", NULL, NULL, &image), QN_INVALID_ARGUMENT,
                 "a.png: damaged PNG", NULL);
    free(png.data);
}

/* Rewrites width and height in IHDR and its checksum. */
static void set_declared_size(sample *png, uint32_t width, uint32_t height) {
    uint8_t *header = png->data + 12;
    for (int i = 0; i < 4; ++i) {
        header[4 + i] = (uint8_t)(width >> 8 * (3 - i));
        header[8 + i] = (uint8_t)(height >> 8 * (3 - i));
    }
    uint32_t crc = 0xffffffffu;
    for (int i = 0; i < 17; ++i) {
        crc ^= header[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; ++i) header[17 + i] = (uint8_t)(~crc >> 8 * (3 - i));
}

static void sizes_that_a_file_cannot_hold_take_no_memory(void **state) {
    (void)state;
    sample_png_spec spec = spec_of(PNG_COLOR_TYPE_RGB, 8);
    sample png = sample_png(&spec);
    sample_allocator counting;
    sample_allocator_init(&counting, -1);
    qn_image image;
    set_declared_size(&png, 16000, 16000);
    assert_error(qn_image_decode(png.data, png.size, "a.png", NULL, &counting.allocator, &image), QN_INVALID_ARGUMENT,
                 "16000 x 16000", NULL);
    set_declared_size(&png, 0x7fffffff, 0x7fffffff);
    assert_error(qn_image_decode(png.data, png.size, "a.png", NULL, &counting.allocator, &image), QN_LIMIT,
                 "2147483647 x 2147483647", NULL);
    set_declared_size(&png, 0, 5);
    assert_error(qn_image_decode(png.data, png.size, "a.png", NULL, &counting.allocator, &image), QN_INVALID_ARGUMENT,
                 "a.png: ", NULL);
    assert_true(counting.largest_bytes < 100000);
    assert_int_equal(counting.live, 0);
    free(png.data);
}

static void a_label_map_written_as_indexed_png_comes_back(void **state) {
    (void)state;
    qn_image labels, back, picture;
    qn_image_palette palette;
    assert_ok(qn_image_init(256, 3, 1, NULL, &labels));
    for (int i = 0; i < 256 * 3; ++i) labels.data[i] = (uint8_t)i;
    assert_ok(qn_image_palette_load("voc", NULL, &palette));
    qn_image_buffer png, again;
    assert_ok(qn_image_encode_png(&labels, &palette, NULL, &png));
    assert_ok(qn_image_encode_png(&labels, &palette, NULL, &again));
    assert_int_equal(png.bytes, again.bytes);
    assert_memory_equal(png.data, again.data, png.bytes);
    assert_int_equal(png.data[24], 8);                      /* IHDR: bits */
    assert_int_equal(png.data[25], PNG_COLOR_TYPE_PALETTE); /* IHDR: kind */
    assert_ok(qn_image_decode_mask(png.data, png.bytes, "m.png", NULL, NULL, &back));
    assert_memory_equal(back.data, labels.data, 256 * 3);
    assert_ok(qn_image_decode(png.data, png.bytes, "m.png", NULL, NULL, &picture));
    for (int i = 0; i < 256 * 3; ++i) assert_memory_equal(picture.data + 3 * i, palette.colors[i % 256], 3);
    qn_image_deinit(&picture);
    qn_image_deinit(&back);
    qn_image_deinit(&labels);
    qn_image_buffer_deinit(&again);
    qn_image_buffer_deinit(&png);
    qn_image_palette_deinit(&palette);
}

static void gray_and_rgb_pictures_come_back(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        qn_image image, back;
        assert_ok(qn_image_init(WIDTH, HEIGHT, channels, NULL, &image));
        memcpy(image.data, ramp_rows(), image.stride_bytes * HEIGHT);
        assert_ok(qn_image_save_png(sample_path("b.png"), &image, NULL));
        qn_image_decode_options options;
        qn_image_decode_options_init(&options);
        options.channels = 0;
        assert_ok(qn_image_load(sample_path("b.png"), &options, NULL, &back));
        assert_int_equal(back.channels, channels);
        assert_memory_equal(back.data, image.data, image.stride_bytes * HEIGHT);
        qn_image_deinit(&back);
        qn_image_deinit(&image);
    }
    sample_remove_folder();
}

static void a_palette_for_an_rgb_picture_is_refused(void **state) {
    (void)state;
    qn_image image;
    qn_image_palette palette = {0};
    assert_ok(qn_image_init(2, 2, 3, NULL, &image));
    assert_error(qn_image_save_png(sample_path("c.png"), &image, &palette), QN_INVALID_ARGUMENT, "c.png", "1 channel",
                 NULL);
    qn_image loaded;
    assert_error(qn_image_load(sample_path("c.png"), NULL, NULL, &loaded), QN_NOT_FOUND, "c.png", NULL);
    qn_image_deinit(&image);
    sample_remove_folder();
}

static void writing_into_a_missing_folder_names_the_path(void **state) {
    (void)state;
    qn_image image;
    assert_ok(qn_image_init(2, 2, 3, NULL, &image));
    assert_error(qn_image_save_png("/nonexistent/folder/a.png", &image, NULL), QN_IO, "/nonexistent/folder/a.png",
                 NULL);
    qn_image_deinit(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gray_pngs_of_every_depth_are_stretched_to_eight_bits),
        cmocka_unit_test(rgb_pngs_of_eight_and_sixteen_bits_are_read),
        cmocka_unit_test(gray_from_rgb_is_luma),
        cmocka_unit_test(transparent_pixels_are_laid_over_white),
        cmocka_unit_test(a_transparent_colour_becomes_white),
        cmocka_unit_test(indexed_pngs_show_their_colours),
        cmocka_unit_test(orientation_in_exif_is_applied_wherever_it_stands),
        cmocka_unit_test(label_maps_are_indices_and_raw_samples),
        cmocka_unit_test(pictures_that_hold_no_labels_are_refused),
        cmocka_unit_test(a_png_cut_short_anywhere_is_an_error),
        cmocka_unit_test(a_flipped_bit_in_the_pixels_is_an_error),
        cmocka_unit_test(sizes_that_a_file_cannot_hold_take_no_memory),
        cmocka_unit_test(a_label_map_written_as_indexed_png_comes_back),
        cmocka_unit_test(gray_and_rgb_pictures_come_back),
        cmocka_unit_test(a_palette_for_an_rgb_picture_is_refused),
        cmocka_unit_test(writing_into_a_missing_folder_names_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
