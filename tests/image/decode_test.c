/* What all formats share: recognising them, options, limits, damage, exhaustion; and PNM, which is small. */
#include "samples.h"

#include "base/text.h"

#include <png.h>
#include <stdio.h>
#include <turbojpeg.h>

static qn_status *decode(sample from, qn_image *out) {
    return qn_image_decode(from.data, from.size, "a", NULL, NULL, out);
}

static sample pnm(const char *header, const void *pixels, size_t bytes) {
    const size_t length = strlen(header);
    sample out = {malloc(length + bytes), length + bytes};
    assert_non_null(out.data);
    memcpy(out.data, header, length);
    if (bytes) memcpy(out.data + length, pixels, bytes);
    return out;
}

static void assert_pnm(const char *header, const void *pixels, size_t bytes, int channels, const uint8_t *expected) {
    sample file = pnm(header, pixels, bytes);
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    options.channels = 0;
    qn_image image;
    assert_ok(qn_image_decode(file.data, file.size, "a.ppm", &options, NULL, &image));
    assert_int_equal(image.width, 3);
    assert_int_equal(image.height, 2);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.data, expected, 6 * (size_t)channels);
    qn_image_deinit(&image);
    free(file.data);
}

static void pnm_files_are_read(void **state) {
    (void)state;
    static const uint8_t gray[6] = {0, 51, 102, 153, 204, 255}, small[6] = {0, 1, 2, 3, 4, 5};
    static const uint8_t wide[12] = {0, 0, 51, 51, 102, 102, 153, 153, 204, 204, 255, 255};
    uint8_t rgb[18];
    for (int i = 0; i < 18; ++i) rgb[i] = (uint8_t)(i * 15);
    assert_pnm("P5\n3 2\n255\n", gray, 6, 1, gray);
    assert_pnm("P5 # a comment\n# another\n3\t2 #c\n 255\n", gray, 6, 1, gray);
    assert_pnm("P5\n3 2\n5\n", small, 6, 1, gray);
    assert_pnm("P5\n3 2\n65535\n", wide, 12, 1, gray);
    assert_pnm("P6\n3 2\n255\n", rgb, 18, 3, rgb);
    assert_pnm("P2\n3 2\n5\n0 1 2\n3 4 5\n", NULL, 0, 1, gray);
    assert_pnm("P3 3 2 255 0 15 30 45 60 75 90 105 120 135 150 165 180 195 210 225 240 255", NULL, 0, 3, rgb);
}

static void pgm_masks_keep_their_samples(void **state) {
    (void)state;
    static const uint8_t labels[6] = {0, 1, 2, 20, 19, 18};
    sample file = pnm("P5\n3 2\n20\n", labels, 6);
    qn_image image;
    assert_ok(qn_image_decode_mask(file.data, file.size, "m.pgm", NULL, NULL, &image));
    assert_memory_equal(image.data, labels, 6);
    qn_image_deinit(&image);
    free(file.data);
    file = pnm("P6\n1 1\n255\n", "abc", 3);
    assert_error(qn_image_decode_mask(file.data, file.size, "m.ppm", NULL, NULL, &image), QN_UNSUPPORTED, "label map",
                 NULL);
    free(file.data);
}

static void damaged_pnm_headers_are_errors(void **state) {
    (void)state;
    static const struct {
        const char *text;
        qn_code code;
        const char *message;
    } cases[] = {
        {"P5", QN_INVALID_ARGUMENT, "expected the width, found the end"},
        {"P5 x", QN_INVALID_ARGUMENT, "expected the width"},
        {"P5 3 2 255", QN_INVALID_ARGUMENT, "white space"},
        {"P5 3 2 255 abcde", QN_INVALID_ARGUMENT, "expected 6 bytes of samples, found 5"},
        {"P5 3 2 300 abcde", QN_INVALID_ARGUMENT, "expected 12 bytes"},
        {"P5 3 2 9 abcdef", QN_INVALID_ARGUMENT, "above the maximum of 9"},
        {"P5 3 2 0 abcdef", QN_INVALID_ARGUMENT, "the maximum is 0"},
        {"P5 3 2 65536 abcdef", QN_INVALID_ARGUMENT, "above 65535"},
        {"P5 0 2 255 ", QN_INVALID_ARGUMENT, "no pixels"},
        {"P5 -3 2 255 ", QN_INVALID_ARGUMENT, "expected the width"},
        {"P5 99999999999999999999 2 255 ", QN_INVALID_ARGUMENT, "above 2147483647"},
        {"P5 2147483647 2147483647 255 ", QN_LIMIT, "2147483647 x 2147483647"},
        {"P6 16000 16000 255 ", QN_INVALID_ARGUMENT, "cut short"},
        {"P2 3 2 9 1 2 3 4 5 x", QN_INVALID_ARGUMENT, "expected a sample"},
        {"P2 3 2 9 1 2 3 4 5 10", QN_INVALID_ARGUMENT, "above 9"},
        {"P2 16000 16000 9 1 2 3", QN_INVALID_ARGUMENT, "cut short"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        sample file = sample_text(cases[i].text);
        qn_image image;
        assert_error(decode(file, &image), cases[i].code, "a: ", cases[i].message, NULL);
        free(file.data);
    }
}

static void pnm_files_come_back(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        qn_image image, back;
        assert_ok(qn_image_init(5, 4, channels, NULL, &image));
        for (size_t i = 0; i < image.stride_bytes * 4; ++i) image.data[i] = (uint8_t)(i * 11);
        assert_ok(qn_image_save_pnm(sample_path("b.ppm"), &image));
        qn_image_decode_options options;
        qn_image_decode_options_init(&options);
        options.channels = 0;
        assert_ok(qn_image_load(sample_path("b.ppm"), &options, NULL, &back));
        assert_int_equal(back.channels, channels);
        assert_memory_equal(back.data, image.data, image.stride_bytes * 4);
        qn_image_deinit(&back);
        qn_image_deinit(&image);
    }
    sample_remove_folder();
}

static void other_formats_are_named(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        qn_code code;
        const char *message;
    } cases[] = {
        {"", 0, QN_INVALID_ARGUMENT, "empty (0 bytes)"},
        {"GIF89a..", 8, QN_UNSUPPORTED, "GIF"},
        {"RIFF\x10\0\0\0WEBPVP8 ", 16, QN_UNSUPPORTED, "WebP"},
        {"II*\0\x08\0\0\0", 8, QN_UNSUPPORTED, "TIFF"},
        {"\0\0\0\x18"
         "ftypheic",
         12, QN_UNSUPPORTED, "HEIC"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, QN_UNSUPPORTED, "Git LFS"},
        {"P4\n1 1\n", 7, QN_UNSUPPORTED, "PBM"},
        {"hello", 5, QN_UNSUPPORTED, "68 65 6c 6c 6f"},
        {"\xff\xd8", 2, QN_UNSUPPORTED, "ff d8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        sample file = sample_copy(cases[i].bytes, cases[i].size);
        qn_image image;
        assert_error(decode(file, &image), cases[i].code, "a: ", "JPEG, PNG, PPM or PGM", cases[i].message, NULL);
        free(file.data);
    }
}

static void missing_files_and_folders_are_errors(void **state) {
    (void)state;
    qn_image image;
    assert_error(qn_image_load("/nonexistent/a.png", NULL, NULL, &image), QN_NOT_FOUND, "/nonexistent/a.png", NULL);
    assert_error(qn_image_load("/tmp", NULL, NULL, &image), QN_IO, "/tmp", NULL);
    assert_null(image.data);
}

static void options_are_checked_and_limits_hold(void **state) {
    (void)state;
    sample file = pnm("P5 3 2 255 ", "abcdef", 6);
    qn_image image;
    qn_image_decode_options options = {0};
    assert_error(qn_image_decode(file.data, file.size, "a", &options, NULL, &image), QN_INVALID_ARGUMENT, "size", NULL);
    qn_image_decode_options_init(&options);
    options.channels = 2;
    assert_error(qn_image_decode(file.data, file.size, "a", &options, NULL, &image), QN_INVALID_ARGUMENT, "2 channels",
                 NULL);
    qn_image_decode_options_init(&options);
    options.pixels_max = 5;
    assert_error(qn_image_decode(file.data, file.size, "a", &options, NULL, &image), QN_LIMIT, "3 x 2", "5 pixels",
                 NULL);
    options.pixels_max = 6;
    assert_ok(qn_image_decode(file.data, file.size, "a", &options, NULL, &image));
    qn_image_deinit(&image);
    options.file_bytes_max = file.size - 1;
    assert_error(qn_image_decode(file.data, file.size, "a", &options, NULL, &image), QN_LIMIT, "17 bytes", "16", NULL);
    free(file.data);
}

/* One picture of each format, with every chunk and segment that matters. */
enum { KINDS = 6 };
static sample make_kind(int kind) {
    static uint8_t pixels[24 * 16 * 4];
    for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)(i * i / 5 + i);
    sample_png_spec spec = {.width = 24, .height = 16, .depth = 8, .transparent = -1, .orientation = 5, .rows = pixels};
    if (kind == 0 || kind == 1 || kind == 2) {
        const int format = kind == 2 ? TJPF_CMYK : TJPF_RGB;
        sample tiff = sample_tiff(7, kind);
        sample jpeg =
            sample_add_exif(sample_jpeg(pixels, 24, 16, format, TJSAMP_420, kind == 1 ? TJFLAG_PROGRESSIVE : 0), &tiff);
        free(tiff.data);
        return jpeg;
    }
    if (kind == 3) {
        spec.color = PNG_COLOR_TYPE_RGB_ALPHA;
        spec.interlaced = 1;
        return sample_png(&spec);
    }
    if (kind == 4) {
        spec.color = PNG_COLOR_TYPE_PALETTE;
        spec.palette_count = 256;
        spec.alpha_count = 3;
        return sample_png(&spec);
    }
    return pnm("P6 24 16 255 ", pixels, 24 * 16 * 3);
}

static void assert_sane(sample file) {
    for (int as_mask = 0; as_mask < 2; ++as_mask) {
        qn_image image;
        qn_status *status =
            (as_mask ? qn_image_decode_mask : qn_image_decode)(file.data, file.size, "some/name", NULL, NULL, &image);
        if (status) {
            assert_int_equal(strncmp(qn_status_message(status), "some/name: ", 11), 0);
            assert_null(image.data);
            qn_status_free(status);
        } else {
            assert_int_equal(image.stride_bytes, image.width * image.channels);
            const size_t bytes = image.stride_bytes * (size_t)image.height;
            assert_true(qn_hash_bytes(image.data, bytes, 0) == qn_hash_bytes(image.data, bytes, 0)); /* all readable */
            qn_image_deinit(&image);
        }
    }
}

static void flipped_bits_never_crash(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("flipped bits"));
    for (int kind = 0; kind < KINDS; ++kind) {
        sample whole = make_kind(kind);
        for (int round = 0; round < 700; ++round) {
            sample file = sample_copy(whole.data, whole.size);
            /* Half of the rounds hit the first bytes, where the structure is. */
            const int64_t last = (int64_t)file.size - 1, end = round % 2 && last > 200 ? 200 : last;
            for (int64_t flips = qn_rng_range(&rng, 1, 4); flips > 0; --flips)
                file.data[qn_rng_range(&rng, 0, end)] ^= (uint8_t)(1 << qn_rng_range(&rng, 0, 7));
            assert_sane(file);
            free(file.data);
        }
        free(whole.data);
    }
}

static void cut_files_are_errors_in_every_format(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; ++kind) {
        sample whole = make_kind(kind);
        for (size_t size = 0; size < whole.size; ++size) {
            sample file = sample_copy(whole.data, size);
            qn_image image;
            qn_status *status = decode(file, &image);
            assert_non_null(status);
            assert_null(image.data);
            qn_status_free(status);
            free(file.data);
        }
        free(whole.data);
    }
}

static void running_out_of_memory_at_any_point_leaks_nothing(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; ++kind) {
        sample file = make_kind(kind);
        for (int fail_at = 0;; ++fail_at) {
            assert_true(fail_at < 200);
            sample_allocator counting;
            sample_allocator_init(&counting, fail_at);
            qn_image image;
            qn_status *status = qn_image_decode(file.data, file.size, "a", NULL, &counting.allocator, &image);
            if (!status) {
                assert_int_equal(counting.live, 1); /* the pixels only */
                qn_image_deinit(&image);
                assert_int_equal(counting.live, 0);
                break;
            }
            assert_error(status, QN_OUT_OF_MEMORY, NULL);
            assert_int_equal(counting.live, 0);
        }
        free(file.data);
    }
}

static void kinds_of_pictures_are_known_by_their_beginning(void **state) {
    (void)state;
    static const struct {
        const char *start;
        size_t bytes;
        const char *name;
        int is_read;
    } cases[] = {
        {"\xff\xd8\xff\xe0", 4, "JPEG", 1},
        {"\x89PNG\r\n\x1a\n", 8, "PNG", 1},
        {"P5\n1", 4, "PGM", 1},
        {"P3#a", 4, "PPM", 1},
        {"GIF89a", 6, "GIF", 0},
        {"RIFF\x10\0\0\0WEBPVP8 ", 16, "WebP", 0},
        {"\0\0\0\x18"
         "ftypheic",
         12, "HEIC", 0},
        {"\0\0\0\x1c"
         "ftypavif",
         12, "AVIF", 0},
        {"BM\x10\0\0\0\0\0\0\0", 10, "BMP", 0},
        {"II*\0", 4, "TIFF", 0},
        {"P4 8", 4, "PBM", 0},
        {"BMW and other makes", 19, NULL, 0},
        {"P5 is not said: Pixel", 21, "PGM", 1},
        {"P500 pixels", 11, NULL, 0},
        {"P10", 3, NULL, 0},
        {"%PDF-1.7", 8, NULL, 0},
        {"\0\0\0\x18"
         "ftypmp42",
         12, NULL, 0},
        {"", 0, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        int is_read = -1;
        const char *found = qn_image_find_format(cases[i].start, cases[i].bytes, &is_read);
        assert_int_equal(is_read, cases[i].is_read);
        assert_int_equal(found != NULL, cases[i].name != NULL);
        if (found) assert_string_equal(found, cases[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_pictures_are_known_by_their_beginning),
        cmocka_unit_test(pnm_files_are_read),
        cmocka_unit_test(pgm_masks_keep_their_samples),
        cmocka_unit_test(damaged_pnm_headers_are_errors),
        cmocka_unit_test(pnm_files_come_back),
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(missing_files_and_folders_are_errors),
        cmocka_unit_test(options_are_checked_and_limits_hold),
        cmocka_unit_test(flipped_bits_never_crash),
        cmocka_unit_test(cut_files_are_errors_in_every_format),
        cmocka_unit_test(running_out_of_memory_at_any_point_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
