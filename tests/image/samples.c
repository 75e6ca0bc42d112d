#include "samples.h"

#include "base/memory.h"

#include <dirent.h>
#include <png.h>
#include <stdio.h>
#include <turbojpeg.h>
#include <unistd.h>

sample sample_copy(const void *data, size_t size) {
    sample copy = {malloc(size ? size : 1), size};
    assert_non_null(copy.data);
    if (size) memcpy(copy.data, data, size);
    return copy;
}

sample sample_text(const char *text) { return sample_copy(text, strlen(text)); }

/* ---- PNG ---- */

static void append(png_structp png, png_bytep data, png_size_t size) {
    sample *out = png_get_io_ptr(png);
    out->data = realloc(out->data, out->size + size);
    assert_non_null(out->data);
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void flush(png_structp png) { (void)png; }

static void set_colors(png_structp png, png_infop info, const sample_png_spec *spec) {
    png_color colors[256];
    png_byte alphas[256];
    for (int i = 0; i < spec->palette_count; ++i) {
        colors[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(7 * i % 256)};
        alphas[i] = (png_byte)(255 - 40 * i);
    }
    if (spec->palette_count) png_set_PLTE(png, info, colors, spec->palette_count);
    if (spec->alpha_count) png_set_tRNS(png, info, alphas, spec->alpha_count, NULL);
    if (spec->transparent >= 0 && !spec->palette_count) {
        const png_uint_16 v = (png_uint_16)spec->transparent;
        const png_color_16 color = {0, v, v, v, v};
        png_set_tRNS(png, info, NULL, 0, &color);
    }
}

static void set_orientation(png_structp png, png_infop info, int orientation) {
    sample tiff = sample_tiff(orientation, 1);
    png_set_eXIf_1(png, info, (png_uint_32)tiff.size, tiff.data);
    free(tiff.data);
}

sample sample_png(const sample_png_spec *spec) {
    sample out = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    png_set_write_fn(png, &out, append, flush);
    png_set_IHDR(png, info, (png_uint_32)spec->width, (png_uint_32)spec->height, spec->depth, spec->color,
                 spec->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    set_colors(png, info, spec);
    if (spec->orientation && !spec->orientation_at_end) set_orientation(png, info, spec->orientation);
    png_write_info(png, info);
    const size_t row_bytes = png_get_rowbytes(png, info);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; ++pass)
        for (int y = 0; y < spec->height; ++y) png_write_row(png, spec->rows + row_bytes * (size_t)y);
    if (spec->orientation && spec->orientation_at_end) set_orientation(png, info, spec->orientation);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

static uint32_t checksum(const uint8_t *data, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_big_endian(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; ++i) at[i] = (uint8_t)(value >> 8 * (3 - i));
}

void sample_set_png_height(sample png, int height) {
    enum { HEADER_AT = 8, HEIGHT_AT = 20, HEADER_BYTES = 17 /* with its name */ };
    put_big_endian(png.data + HEIGHT_AT, (uint32_t)height);
    put_big_endian(png.data + HEADER_AT + 4 + HEADER_BYTES, checksum(png.data + HEADER_AT + 4, HEADER_BYTES));
}

sample sample_add_chunk(sample png, const char *name, size_t size) {
    enum { END_BYTES = 12 };
    sample out = {calloc(png.size + size + 12, 1), png.size + size + 12};
    assert_non_null(out.data);
    uint8_t *chunk = out.data + png.size - END_BYTES;
    memcpy(out.data, png.data, png.size - END_BYTES);
    put_big_endian(chunk, (uint32_t)size);
    memcpy(chunk + 4, name, 4);
    put_big_endian(chunk + 8 + size, checksum(chunk + 4, size + 4));
    memcpy(chunk + 12 + size, png.data + png.size - END_BYTES, END_BYTES);
    free(png.data);
    return out;
}

/* ---- JPEG ---- */

sample sample_jpeg(const uint8_t *pixels, int width, int height, int format, int sampling, int flags) {
    tjhandle handle = tjInitCompress();
    unsigned char *data = NULL;
    unsigned long size = 0;
    assert_int_equal(tjCompress2(handle, pixels, width, 0, height, format, &data, &size, sampling, 100, flags), 0);
    sample out = sample_copy(data, size);
    tjFree(data);
    tjDestroy(handle);
    return out;
}

/* ---- JPEG of many scans ---- */

typedef struct bit_writer {
    sample out;
    size_t room;
    uint32_t bits;
    int count;
} bit_writer;

static void put_byte(bit_writer *w, int byte) {
    if (w->out.size == w->room) {
        w->room = w->room ? 2 * w->room : 4096;
        w->out.data = realloc(w->out.data, w->room);
        assert_non_null(w->out.data);
    }
    w->out.data[w->out.size++] = (uint8_t)byte;
}

static void put_bytes(bit_writer *w, const void *bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) put_byte(w, ((const uint8_t *)bytes)[i]);
}

static void put_bits(bit_writer *w, uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
        w->bits = w->bits << 1 | (value >> i & 1);
        if (++w->count < 8) continue;
        put_byte(w, (int)(w->bits & 255));
        if ((w->bits & 255) == 255) put_byte(w, 0);
        w->count = 0;
    }
}

static void end_bits(bit_writer *w) {
    while (w->count) put_bits(w, 1, 1);
}

/* Runs of empty blocks. The code of a run of 2^14 and more is 0, of a single block 10, of 2^k 111..: see the table. */
static void put_empty_scan(bit_writer *w, uint32_t blocks, int coefficient, int high, int low) {
    put_bytes(
        w,
        (uint8_t[]){0xff, 0xda, 0, 8, 1, 1, 0, (uint8_t)coefficient, (uint8_t)coefficient, (uint8_t)(high << 4 | low)},
        10);
    while (blocks) {
        int k = 0;
        while (k < 14 && blocks >> (k + 1)) ++k;
        const uint32_t run = k == 14 && blocks >> 15 ? 32767 : blocks;
        put_bits(w, k == 14 ? 0 : k == 0 ? 2 : (uint32_t)(48 + k - 1), k == 14 ? 1 : k == 0 ? 2 : 6);
        if (k) put_bits(w, run - (1u << k), k);
        blocks -= run;
    }
    end_bits(w);
}

sample sample_jpeg_scans(int width, int height, int empty_scans) {
    static const uint8_t dc_table[] = {0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t ac_counts[] = {0xff, 0xc4, 0, 34, 0x10, 1, 1, 0, 0, 0,    13, 0,
                                        0,    0,    0, 0,  0,    0, 0, 0, 0, 0xe0, 0};
    const uint32_t blocks = (uint32_t)((width + 7) / 8) * (uint32_t)((height + 7) / 8);
    bit_writer w = {0};
    put_bytes(&w, "\xff\xd8\xff\xdb\0\103\0", 7);
    for (int i = 0; i < 64; ++i) put_byte(&w, 1);
    put_bytes(&w,
              (uint8_t[]){0xff, 0xc2, 0, 11, 8, (uint8_t)(height >> 8), (uint8_t)height, (uint8_t)(width >> 8),
                          (uint8_t)width, 1, 1, 0x11, 0},
              13);
    put_bytes(&w, dc_table, sizeof dc_table);
    put_bytes(&w, ac_counts, sizeof ac_counts);
    for (int k = 1; k < 14; ++k) put_byte(&w, k << 4);
    put_bytes(&w, "\xff\xda\0\10\1\1\0\0\0\0", 10);
    for (uint32_t i = 0; i < blocks; ++i) put_bits(&w, 0, 1);
    end_bits(&w);
    for (int i = 0; i < empty_scans; ++i) {
        const int low = 13 - i % 14;
        put_empty_scan(&w, blocks, 1 + i / 14, low == 13 ? 0 : low + 1, low);
    }
    put_bytes(&w, "\xff\xd9", 2);
    return w.out;
}

/* ---- EXIF ---- */

static void put(uint8_t *at, uint32_t value, int bytes, int big_endian) {
    for (int i = 0; i < bytes; ++i) at[i] = (uint8_t)(value >> 8 * (big_endian ? bytes - 1 - i : i));
}

sample sample_tiff(int orientation, int big_endian) {
    static const int tags[3] = {0x010e, 0x0112, 0x011a};
    uint8_t block[8 + 2 + 3 * 12 + 4] = {0};
    memcpy(block, big_endian ? "MM" : "II", 2);
    put(block + 2, 42, 2, big_endian);
    put(block + 4, 8, 4, big_endian);
    put(block + 8, 3, 2, big_endian);
    for (int i = 0; i < 3; ++i) {
        uint8_t *entry = block + 10 + 12 * i;
        put(entry, (uint32_t)tags[i], 2, big_endian);
        put(entry + 2, 3, 2, big_endian);
        put(entry + 4, 1, 4, big_endian);
        put(entry + 8, i == 1 ? (uint32_t)orientation : 5, 2, big_endian);
    }
    return sample_copy(block, sizeof block);
}

sample sample_add_exif(sample jpeg, const sample *tiff) {
    sample out = {malloc(jpeg.size + 10 + tiff->size), 0};
    assert_non_null(out.data);
    memcpy(out.data, jpeg.data, 2);
    out.size = 2;
    memcpy(out.data + out.size, "\xff\xe1\0\0Exif\0", 10);
    put(out.data + out.size + 2, (uint32_t)(8 + tiff->size), 2, 1);
    memcpy(out.data + out.size + 10, tiff->data, tiff->size);
    out.size += 10 + tiff->size;
    memcpy(out.data + out.size, jpeg.data + 2, jpeg.size - 2);
    out.size += jpeg.size - 2;
    free(jpeg.data);
    return out;
}

/* ---- Allocator ---- */

static void *counting_alloc(void *self, size_t bytes, size_t align) {
    sample_allocator *counting = self;
    if (counting->fail_at >= 0 && counting->count >= counting->fail_at) return NULL;
    ++counting->count;
    if (bytes > counting->largest_bytes) counting->largest_bytes = bytes;
    const qn_allocator *heap = qn_allocator_default();
    void *block = heap->alloc(heap->self, bytes, align);
    counting->live += block != NULL;
    return block;
}

static void counting_free(void *self, void *block) {
    sample_allocator *counting = self;
    counting->live -= block != NULL;
    qn_free(NULL, block);
}

void sample_allocator_init(sample_allocator *counting, int fail_at) {
    *counting = (sample_allocator){.fail_at = fail_at};
    counting->allocator = (qn_allocator){counting, counting_alloc, counting_free};
}

/* ---- Asserting ---- */

void assert_ok(qn_status *status) {
    if (!status) return;
    print_error("unexpected failure: %s (%s)\n", qn_status_message(status), qn_status_where(status));
    qn_status_free(status);
    fail();
}

void assert_error(qn_status *status, qn_code code, ...) {
    assert_non_null(status);
    if (qn_status_code(status) != code)
        fail_msg("expected %s, found %s: %s", qn_code_name(code), qn_code_name(qn_status_code(status)),
                 qn_status_message(status));
    va_list texts;
    va_start(texts, code);
    for (const char *text; (text = va_arg(texts, const char *));)
        if (!strstr(qn_status_message(status), text))
            fail_msg("'%s' is missing in: %s", text, qn_status_message(status));
    va_end(texts);
    qn_status_free(status);
}

uint64_t sample_seed(const char *what) {
    const char *given = getenv("QN_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 0) : 20240229;
    print_message("%s: QN_SEED=%llu\n", what, (unsigned long long)seed);
    return seed;
}

/* ---- Files ---- */

static char folder[] = "/tmp/quench-image-XXXXXX";
static int has_folder;

const char *sample_path(const char *name) {
    static char path[512];
    if (!has_folder) assert_non_null(mkdtemp(folder));
    has_folder = 1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void sample_remove_folder(void) {
    if (!has_folder) return;
    DIR *open_folder = opendir(folder);
    char path[512];
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') assert_int_equal(unlink(path), 0);
    }
    closedir(open_folder);
    assert_int_equal(rmdir(folder), 0);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    has_folder = 0;
}
