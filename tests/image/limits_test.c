/* What pictures may cost: scans, pixels, memory and time are bounded whatever the bytes say. */
#include "samples.h"

#include "base/memory.h"

#include <png.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static qn_image_decode_options defaults(void) {
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    return options;
}

static qn_status *decode(const sample *file, const qn_image_decode_options *options, qn_image *out) {
    return qn_image_decode(file->data, file->size, "a.img", options, NULL, out);
}

static sample gray_png(int width, int height) {
    uint8_t *rows = calloc((size_t)width * (size_t)height, 1);
    assert_non_null(rows);
    const sample_png_spec spec = {
        .width = width, .height = height, .color = PNG_COLOR_TYPE_GRAY, .depth = 8, .transparent = -1, .rows = rows};
    sample png = sample_png(&spec);
    free(rows);
    return png;
}

static sample gray_pnm(int width, int height) {
    char header[64];
    const int length = snprintf(header, sizeof header, "P5 %d %d 255 ", width, height);
    sample pnm = {calloc((size_t)length + (size_t)width * (size_t)height, 1), 0};
    assert_non_null(pnm.data);
    memcpy(pnm.data, header, (size_t)length);
    pnm.size = (size_t)length + (size_t)width * (size_t)height;
    return pnm;
}

static void jpegs_of_many_scans_are_refused_unless_that_is_asked_for(void **state) {
    (void)state;
    qn_image image;
    qn_image_decode_options options = defaults();
    sample file = sample_jpeg_scans(100, 60, QN_IMAGE_SCANS_DEFAULT);
    assert_error(decode(&file, NULL, &image), QN_LIMIT, "a.img: ", "100 x 60", "65 scans", "64 scans", "scans_max",
                 NULL);
    options.scans_max = 65;
    assert_ok(decode(&file, &options, &image));
    assert_int_equal(image.data[0], 128);
    qn_image_deinit(&image);
    options.scans_max = 64;
    assert_error(decode(&file, &options, &image), QN_LIMIT, "scans_max", NULL);
    free(file.data);
    file = sample_jpeg_scans(100, 60, QN_IMAGE_SCANS_DEFAULT - 1);
    assert_ok(decode(&file, NULL, &image));
    qn_image_deinit(&image);
    free(file.data);
}

static void large_jpegs_have_fewer_scans(void **state) {
    (void)state;
    qn_image image;
    qn_image_decode_options options = defaults();
    sample file = sample_jpeg_scans(16384, 8192, 32); /* 128 Mi pixels */
    assert_error(decode(&file, NULL, &image), QN_LIMIT, "33 scans", "32 scans", "must be at least 66", NULL);
    options.scans_max = 66;
    options.memory_max = 1;
    assert_error(decode(&file, &options, &image), QN_LIMIT, "memory_max", NULL); /* which comes after the scans */
    free(file.data);
}

static void ordinary_progressive_pictures_pass(void **state) {
    (void)state;
    uint8_t pixels[64 * 48 * 3];
    for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)(i * i >> 5);
    sample file = sample_jpeg(pixels, 64, 48, 0 /* RGB */, 2 /* 4:2:0 */, 16384 /* progressive */);
    qn_image image;
    assert_ok(decode(&file, NULL, &image));
    qn_image_deinit(&image);
    free(file.data);
}

static void memory_is_refused_before_it_is_taken(void **state) {
    (void)state;
    qn_image image;
    qn_image_decode_options options = defaults();
    sample files[] = {sample_jpeg_scans(2048, 1024, 3), gray_png(2048, 1024), gray_pnm(2048, 1024)};
    static const char *const needs[] = {"8 MiB", "8 MiB", "8 MiB"}; /* 2 of gray and 6 of colour */
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        sample_allocator counting;
        sample_allocator_init(&counting, -1);
        options.memory_max = (8 << 20) - 1;
        assert_error(qn_image_decode(files[i].data, files[i].size, "a.img", &options, &counting.allocator, &image),
                     QN_LIMIT, "a.img: reading 2048 x 1024 pixels takes", needs[i],
                     "above the limit of 7 MiB (memory_max)", NULL);
        assert_true(counting.largest_bytes < 1 << 20);
        options.memory_max = 8 << 20;
        assert_ok(decode(&files[i], &options, &image));
        qn_image_deinit(&image);
        free(files[i].data);
    }
    options.memory_max = 0;
    assert_error(qn_image_decode("P5 1 1 255 a", 12, "a", &options, NULL, &image), QN_INVALID_ARGUMENT, "memory_max",
                 NULL);
    options = defaults();
    options.scans_max = 0;
    assert_error(qn_image_decode("P5 1 1 255 a", 12, "a", &options, NULL, &image), QN_INVALID_ARGUMENT, "scans_max",
                 NULL);
}

static void rows_of_a_few_pixels_count_for_more(void **state) {
    (void)state;
    qn_image image;
    qn_image_decode_options options = defaults();
    sample file = gray_png(1, 40);
    options.pixels_max = 32 * 40;
    assert_ok(decode(&file, &options, &image));
    qn_image_deinit(&image);
    options.pixels_max--;
    assert_error(decode(&file, &options, &image), QN_LIMIT, "pixels_max", NULL);
    free(file.data);
}

static void the_option_that_was_too_small_is_told_to_programs(void **state) {
    (void)state;
    qn_image image;
    sample files[] = {gray_png(40, 30), sample_jpeg_scans(40, 30, 2), gray_pnm(40, 30), gray_pnm(40, 30)};
    static const char *const names[] = {"pixels_max", "scans_max", "memory_max", "file_bytes_max"};
    for (size_t i = 0; i < 4; ++i) {
        qn_image_decode_options options = defaults();
        if (i == 0) options.pixels_max = 100;
        if (i == 1) options.scans_max = 1;
        if (i == 2) options.memory_max = 100;
        if (i == 3) options.file_bytes_max = 100;
        qn_status *status = decode(&files[i], &options, &image);
        assert_int_equal(qn_status_code(status), QN_LIMIT);
        assert_string_equal(qn_status_option(status), names[i]);
        qn_status_free(status);
        free(files[i].data);
    }
    qn_status *status = qn_image_decode("P5 0 1 255 ", 11, "a", NULL, NULL, &image);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_null(qn_status_option(status)); /* no option helps */
    qn_status_free(status);
}

static void a_file_that_is_too_long_names_its_option_before_it_is_read(void **state) {
    (void)state;
    char path[] = "/tmp/qn_limits_XXXXXX";
    const int descriptor = mkstemp(path);
    qn_image image;
    qn_image_decode_options options = defaults();
    options.file_bytes_max = 4;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "P5 1 1 255 a", 12), 12);
    close(descriptor);
    qn_status *status = qn_image_load(path, &options, NULL, &image);
    remove(path);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    assert_string_equal(qn_status_option(status), "file_bytes_max");
    qn_status_free(status);
}

static sample noisy_png(int width, int height, int interlaced) {
    uint8_t *rows = malloc((size_t)width * (size_t)height);
    uint32_t seed = 1;
    assert_non_null(rows);
    for (size_t i = 0; i < (size_t)width * (size_t)height; ++i)
        rows[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    const sample_png_spec spec = {.width = width,
                                  .height = height,
                                  .color = PNG_COLOR_TYPE_GRAY,
                                  .depth = 8,
                                  .interlaced = interlaced,
                                  .transparent = -1,
                                  .rows = rows};
    sample png = sample_png(&spec);
    free(rows);
    return png;
}

static void pixels_behind_the_last_row_are_refused(void **state) {
    (void)state;
    qn_image image;
    for (int interlaced = 0; interlaced <= 1; ++interlaced) {
        sample noise = noisy_png(300, 1000, interlaced);
        assert_ok(decode(&noise, NULL, &image));
        qn_image_deinit(&image);
        sample_set_png_height(noise, 10); /* the rows of interlaced ones are others then, which ends it even earlier */
        assert_error(decode(&noise, NULL, &image), QN_INVALID_ARGUMENT, "a.img: damaged PNG",
                     interlaced ? "" : "more pixels than", NULL);
        free(noise.data);
    }
    sample file = sample_add_chunk(gray_png(8, 8), "IDAT", 1 << 17);
    assert_error(decode(&file, NULL, &image), QN_INVALID_ARGUMENT, "a.img: damaged PNG", NULL);
    free(file.data);
    file = sample_add_chunk(gray_png(8, 8), "zTXt", 1 << 20); /* unread, however large it would unpack */
    assert_ok(decode(&file, NULL, &image));
    qn_image_deinit(&image);
    free(file.data);
}

/* ---- Giving up ---- */

typedef struct patience {
    int asked, until; /* gives up when it is asked for the until-th time; -1: never */
} patience;

static int give_up(void *self) {
    patience *p = self;
    return p->until >= 0 && ++p->asked >= p->until;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void decoding_is_given_up_soon(void **state) {
    (void)state;
    /* The JPEG takes a second or two whatever is asked. */
    sample files[] = {sample_jpeg_scans(8192, 8192, 63), gray_png(6000, 4000), gray_pnm(3000, 2000)};
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
        for (int until = 1; until <= 3; ++until) {
            patience p = {.until = until};
            qn_image image;
            qn_image_decode_options options = defaults();
            options.cancel = give_up;
            options.cancel_self = &p;
            const double start = now();
            assert_error(decode(&files[i], &options, &image), QN_CANCELLED, NULL);
            assert_null(image.data);
            print_message("given up after %.0f ms\n", 1e3 * (now() - start));
            assert_true(i > 0 || now() - start < 0.5);
        }
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) free(files[i].data);
}

static void who_may_give_up_gets_the_same_picture(void **state) {
    (void)state;
    sample file = sample_jpeg_scans(3000, 2000, 20);
    sample_allocator counting;
    sample_allocator_init(&counting, -1);
    const qn_allocator *const allocators[] = {NULL, &counting.allocator};
    qn_image plain;
    assert_ok(decode(&file, NULL, &plain));
    for (size_t i = 0; i < 2; ++i) {
        patience p = {.until = -1};
        qn_image image;
        qn_image_decode_options options = defaults();
        options.cancel = give_up;
        options.cancel_self = &p;
        assert_ok(qn_image_decode(file.data, file.size, "a", &options, allocators[i], &image));
        assert_memory_equal(image.data, plain.data, plain.stride_bytes * (size_t)plain.height);
        qn_image_deinit(&image);
    }
    assert_int_equal(counting.live, 0);
    qn_image_deinit(&plain);
    memset(file.data + file.size - 3000, 0x55, 2000); /* an error of the codec comes back, too */
    patience p = {.until = -1};
    qn_image image;
    qn_image_decode_options options = defaults();
    options.cancel = give_up;
    options.cancel_self = &p;
    qn_status *status = decode(&file, &options, &image), *alone = decode(&file, NULL, &image);
    assert_true(status && alone);
    assert_string_equal(qn_status_message(status), qn_status_message(alone));
    qn_status_free(status), qn_status_free(alone);
    free(file.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpegs_of_many_scans_are_refused_unless_that_is_asked_for),
        cmocka_unit_test(large_jpegs_have_fewer_scans),
        cmocka_unit_test(ordinary_progressive_pictures_pass),
        cmocka_unit_test(memory_is_refused_before_it_is_taken),
        cmocka_unit_test(the_option_that_was_too_small_is_told_to_programs),
        cmocka_unit_test(a_file_that_is_too_long_names_its_option_before_it_is_read),
        cmocka_unit_test(rows_of_a_few_pixels_count_for_more),
        cmocka_unit_test(pixels_behind_the_last_row_are_refused),
        cmocka_unit_test(decoding_is_given_up_soon),
        cmocka_unit_test(who_may_give_up_gets_the_same_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
