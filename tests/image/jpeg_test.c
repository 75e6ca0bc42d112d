#include "samples.h"

#include <turbojpeg.h>

enum { BLOCK = 8, WIDTH = 3 * BLOCK, HEIGHT = 2 * BLOCK };

/* Six blocks, A to F, each of one colour far from the others', three across and two down. */
static const uint8_t block_colors[6][3] = {{230, 20, 20}, {20, 220, 30},   {25, 30, 225},
                                           {10, 10, 10},  {245, 245, 245}, {240, 230, 10}};

static sample blocks_jpeg(int flags) {
    uint8_t pixels[HEIGHT * WIDTH * 3];
    for (int y = 0; y < HEIGHT; ++y)
        for (int x = 0; x < WIDTH; ++x)
            memcpy(pixels + 3 * (y * WIDTH + x), block_colors[y / BLOCK * 3 + x / BLOCK], 3);
    return sample_jpeg(pixels, WIDTH, HEIGHT, TJPF_RGB, TJSAMP_444, flags);
}

/* Whether the block at (column, row) shows the colour of `letter`. */
static void assert_block(const qn_image *image, int column, int row, char letter) {
    for (int y = row * BLOCK; y < (row + 1) * BLOCK; ++y)
        for (int x = column * BLOCK; x < (column + 1) * BLOCK; ++x)
            for (int c = 0; c < 3; ++c) {
                const int found = image->data[(size_t)y * image->stride_bytes + (size_t)(3 * x + c)];
                const int expected = block_colors[letter - 'A'][c];
                if (abs(found - expected) > 4)
                    fail_msg("pixel (%d, %d) channel %d: expected %d, found %d", x, y, c, expected, found);
            }
}

static void assert_grid(const qn_image *image, const char *grid, int columns, int rows) {
    assert_int_equal(image->width, columns * BLOCK);
    assert_int_equal(image->height, rows * BLOCK);
    for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column) assert_block(image, column, row, grid[row * columns + column]);
}

static qn_status *decode(sample from, qn_image *out) {
    return qn_image_decode(from.data, from.size, "a.jpg", NULL, NULL, out);
}

static void rgb_jpegs_keep_their_colours(void **state) {
    (void)state;
    const int flags[] = {0, TJFLAG_PROGRESSIVE};
    for (int i = 0; i < 2; ++i) {
        sample jpeg = blocks_jpeg(flags[i]);
        qn_image image;
        assert_ok(decode(jpeg, &image));
        assert_int_equal(image.channels, 3);
        assert_int_equal(image.stride_bytes, WIDTH * 3);
        assert_grid(&image, "ABCDEF", 3, 2);
        qn_image_deinit(&image);
        assert_null(image.data);
        free(jpeg.data);
    }
}

static void each_of_the_eight_orientations_is_turned_upright(void **state) {
    (void)state;
    static const struct {
        const char *grid;
        int columns, rows;
    } shown[9] = {{"ABCDEF", 3, 2}, {"ABCDEF", 3, 2}, {"CBAFED", 3, 2}, {"FEDCBA", 3, 2}, {"DEFABC", 3, 2},
                  {"ADBECF", 2, 3}, {"DAEBFC", 2, 3}, {"FCEBDA", 2, 3}, {"CFBEAD", 2, 3}};
    for (int big_endian = 0; big_endian < 2; ++big_endian)
        for (int orientation = 0; orientation <= 9; ++orientation) { /* 0 and 9 mean nothing and change nothing */
            sample tiff = sample_tiff(orientation, big_endian);
            sample jpeg = sample_add_exif(blocks_jpeg(0), &tiff);
            qn_image image;
            assert_ok(decode(jpeg, &image));
            const int i = orientation % 9;
            assert_grid(&image, shown[i].grid, shown[i].columns, shown[i].rows);
            qn_image_deinit(&image);
            free(jpeg.data);
            free(tiff.data);
        }
}

static void damaged_exif_is_ignored(void **state) {
    (void)state;
    sample tiff = sample_tiff(6, 1);
    const struct {
        size_t at;
        uint8_t value;
    } damage[] = {{0, 'X'}, {1, 'I'}, {3, 43}, {4, 0xff}, {7, 0xff}, {7, 0}, {25, 4}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; ++i) {
        sample broken = sample_copy(tiff.data, tiff.size);
        broken.data[damage[i].at] = damage[i].value;
        sample jpeg = sample_add_exif(blocks_jpeg(0), &broken);
        qn_image image;
        assert_ok(decode(jpeg, &image));
        assert_grid(&image, "ABCDEF", 3, 2);
        qn_image_deinit(&image);
        free(jpeg.data);
        free(broken.data);
    }
    for (size_t size = 0; size < tiff.size; ++size) { /* cut before, in and behind the entry */
        sample jpeg = sample_add_exif(blocks_jpeg(0), &(sample){tiff.data, size});
        qn_image image;
        assert_ok(decode(jpeg, &image));
        if (size < 10 + 2 * 12)
            assert_grid(&image, "ABCDEF", 3, 2);
        else
            assert_grid(&image, "DAEBFC", 2, 3);
        qn_image_deinit(&image);
        free(jpeg.data);
    }
    free(tiff.data);
}

static void a_gray_jpeg_becomes_rgb_or_stays_gray_as_asked(void **state) {
    (void)state;
    uint8_t pixels[16 * 8];
    for (int i = 0; i < 16 * 8; ++i) pixels[i] = i % 16 < 8 ? 40 : 200;
    sample jpeg = sample_jpeg(pixels, 16, 8, TJPF_GRAY, TJSAMP_GRAY, 0);
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    for (int channels = 0; channels <= 3; channels += channels ? 2 : 1) {
        options.channels = channels;
        qn_image image;
        assert_ok(qn_image_decode(jpeg.data, jpeg.size, "a.jpg", &options, NULL, &image));
        assert_int_equal(image.channels, channels == 3 ? 3 : 1);
        for (int i = 0; i < 16 * 8 * image.channels; ++i)
            assert_in_range(image.data[i], pixels[i / image.channels] - 2, pixels[i / image.channels] + 2);
        qn_image_deinit(&image);
    }
    free(jpeg.data);
}

static void cmyk_jpegs_are_read_as_adobe_writes_them(void **state) {
    (void)state;
    /* Inverted inks (255 is none) of blocks of 8 x 8, and what they look like: R = C * K / 255 and so on. */
    static const uint8_t inks[4][4] = {
        {255, 255, 255, 255}, {0, 255, 255, 255}, {255, 255, 255, 0}, {255, 100, 0, 128}};
    static const uint8_t shown[4][3] = {{255, 255, 255}, {0, 255, 255}, {0, 0, 0}, {128, 50, 0}};
    uint8_t pixels[8 * 32 * 4];
    for (int i = 0; i < 8 * 32; ++i) memcpy(pixels + 4 * i, inks[i % 32 / 8], 4);
    sample jpeg = sample_jpeg(pixels, 32, 8, TJPF_CMYK, TJSAMP_444, 0); /* TurboJPEG stores YCCK */
    qn_image image;
    assert_ok(decode(jpeg, &image));
    assert_int_equal(image.channels, 3);
    for (int i = 0; i < 8 * 32; ++i)
        for (int c = 0; c < 3; ++c)
            assert_in_range(image.data[3 * i + c] + 4, shown[i % 32 / 8][c], shown[i % 32 / 8][c] + 8);
    qn_image_deinit(&image);
    free(jpeg.data);
}

static void a_jpeg_cut_short_anywhere_is_an_error(void **state) {
    (void)state;
    const int flags[] = {0, TJFLAG_PROGRESSIVE};
    for (int i = 0; i < 2; ++i) {
        sample jpeg = blocks_jpeg(flags[i]);
        for (size_t size = 0; size < jpeg.size; ++size) {
            qn_image image;
            sample cut = sample_copy(jpeg.data, size); /* exactly as long, so that the sanitizer sees a read behind */
            qn_status *status = decode(cut, &image);
            if (size < 3)
                assert_error(status, size ? QN_UNSUPPORTED : QN_INVALID_ARGUMENT, "a.jpg: ", NULL);
            else
                assert_error(status, QN_INVALID_ARGUMENT, "a.jpg: the JPEG is cut short", NULL);
            assert_null(image.data);
            free(cut.data);
        }
        free(jpeg.data);
    }
}

static void missing_scan_data_is_an_error_even_with_an_end_marker(void **state) {
    (void)state;
    uint8_t pixels[64 * 64 * 3];
    for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    sample jpeg = sample_jpeg(pixels, 64, 64, TJPF_RGB, TJSAMP_420, 0);
    jpeg.size = jpeg.size * 2 / 3;
    while (jpeg.data[jpeg.size - 1] == 0xff) --jpeg.size;
    memcpy(jpeg.data + jpeg.size, "\xff\xd9", 2);
    jpeg.size += 2;
    qn_image image;
    assert_error(decode(jpeg, &image), QN_INVALID_ARGUMENT, "a.jpg: damaged JPEG", NULL);
    free(jpeg.data);
}

static void harmless_bytes_between_segments_and_behind_the_end_are_no_error(void **state) {
    (void)state;
    sample jpeg = blocks_jpeg(0);
    sample padded = {malloc(jpeg.size + 9), jpeg.size + 9};
    assert_non_null(padded.data);
    memcpy(padded.data, jpeg.data, jpeg.size - 2);
    memcpy(padded.data + jpeg.size - 2, "\x12\x34\xff\xd9tail!!!", 11);
    qn_image image;
    assert_ok(decode(padded, &image));
    assert_grid(&image, "ABCDEF", 3, 2);
    qn_image_deinit(&image);
    free(padded.data);
    free(jpeg.data);
}

static void sizes_that_a_file_cannot_hold_take_no_memory(void **state) {
    (void)state;
    sample jpeg = blocks_jpeg(0);
    uint8_t *frame = memmem(jpeg.data, jpeg.size, "\xff\xc0", 2); /* marker, length, bits, height, width */
    assert_non_null(frame);
    memcpy(frame + 5, "\x3f\xff\x3f\xff", 4);
    sample_allocator counting;
    sample_allocator_init(&counting, -1);
    qn_image image;
    assert_error(qn_image_decode(jpeg.data, jpeg.size, "a.jpg", NULL, &counting.allocator, &image), QN_INVALID_ARGUMENT,
                 "a.jpg: the JPEG is cut short", "16383 x 16383", NULL);
    memcpy(frame + 5, "\xff\xff\xff\xff", 4);
    assert_error(qn_image_decode(jpeg.data, jpeg.size, "a.jpg", NULL, &counting.allocator, &image), QN_LIMIT,
                 "a.jpg: 65535 x 65535", NULL);
    memcpy(frame + 5, "\0\0\0\0", 4);
    assert_error(qn_image_decode(jpeg.data, jpeg.size, "a.jpg", NULL, &counting.allocator, &image), QN_INVALID_ARGUMENT,
                 "a.jpg: the picture has no pixels (0 x 0)", NULL);
    assert_int_equal(counting.count, 0);
    free(jpeg.data);
}

static void a_jpeg_is_no_label_map(void **state) {
    (void)state;
    sample jpeg = blocks_jpeg(0);
    qn_image image;
    assert_error(qn_image_decode_mask(jpeg.data, jpeg.size, "m.jpg", NULL, NULL, &image), QN_UNSUPPORTED,
                 "m.jpg: expected a label map, found a JPEG", "PNG", NULL);
    free(jpeg.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rgb_jpegs_keep_their_colours),
        cmocka_unit_test(each_of_the_eight_orientations_is_turned_upright),
        cmocka_unit_test(damaged_exif_is_ignored),
        cmocka_unit_test(a_gray_jpeg_becomes_rgb_or_stays_gray_as_asked),
        cmocka_unit_test(cmyk_jpegs_are_read_as_adobe_writes_them),
        cmocka_unit_test(a_jpeg_cut_short_anywhere_is_an_error),
        cmocka_unit_test(missing_scan_data_is_an_error_even_with_an_end_marker),
        cmocka_unit_test(harmless_bytes_between_segments_and_behind_the_end_are_no_error),
        cmocka_unit_test(sizes_that_a_file_cannot_hold_take_no_memory),
        cmocka_unit_test(a_jpeg_is_no_label_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
