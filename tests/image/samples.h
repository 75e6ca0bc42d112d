/* Makes the pictures that the image tests read, with libpng and TurboJPEG rather than with the code under test. */
#ifndef QN_TESTS_IMAGE_SAMPLES_H
#define QN_TESTS_IMAGE_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "quench/image.h"

/* Bytes on the heap; free(data). */
typedef struct sample {
    uint8_t *data;
    size_t size;
} sample;

sample sample_copy(const void *data, size_t size);
sample sample_text(const char *text);

/* A PNG of any kind. `rows` is packed as PNG stores it: 16-bit samples big endian, small samples high bits first. */
typedef struct sample_png_spec {
    int width, height, color, depth; /* color: PNG_COLOR_TYPE_* */
    int interlaced;
    int palette_count;      /* entry i is (i, 255 - i, 7 * i % 256) */
    int alpha_count;        /* tRNS of an indexed PNG: entry i is 255 - 40 * i */
    int transparent;        /* tRNS of a gray or RGB PNG: this sample value, -1 for none */
    int orientation;        /* eXIf, 0 for none */
    int orientation_at_end; /* eXIf behind the pixels */
    const uint8_t *rows;
} sample_png_spec;
sample sample_png(const sample_png_spec *spec);

/* A JPEG of quality 100. `format` and `sampling` are TurboJPEG's; `pixels` has no padding. */
sample sample_jpeg(const uint8_t *pixels, int width, int height, int format, int sampling, int flags);

/* A sound progressive JPEG, gray (128) all over, that goes over its pixels in 1 + `empty_scans` scans (at most 800). */
sample sample_jpeg_scans(int width, int height, int empty_scans);

/* Makes a PNG say that it is less high than it is. */
void sample_set_png_height(sample png, int height);

/* The PNG with one more chunk, of `size` zeros, before its end; frees `png`. */
sample sample_add_chunk(sample png, const char *name, size_t size);

/* A TIFF block with an orientation between two other entries. */
sample sample_tiff(int orientation, int big_endian);

/* The JPEG with an APP1 segment of EXIF right behind its start; frees `jpeg`. */
sample sample_add_exif(sample jpeg, const sample *tiff);

/* An allocator that counts, and fails from allocation `fail_at` on (-1: never). */
typedef struct sample_allocator {
    qn_allocator allocator;
    int fail_at, count, live;
    size_t largest_bytes;
} sample_allocator;
void sample_allocator_init(sample_allocator *counting, int fail_at);

/* Fails the test, printing the message, unless `status` is OK. */
void assert_ok(qn_status *status);
/* Fails the test unless `status` has that code and its message holds each of the texts, then frees it. NULL ends. */
void assert_error(qn_status *status, qn_code code, ...);

/* The seed of a random test: QN_SEED or a fixed one; printed. */
uint64_t sample_seed(const char *what);

/* A path in a fresh temporary folder, which sample_remove_folder removes with what is in it. */
const char *sample_path(const char *name);
void sample_remove_folder(void);

#endif
