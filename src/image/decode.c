#include "image/codec.h"

#include "base/entry.h"
#include "base/file.h"

#include <string.h>

/* Formats that quench does not read, known so that the message can name them. `name` NULL: the bytes are no picture. */
static const struct other_format {
    const char *magic;
    int bytes, offset;
    const char *name, *what, *advice;
} other_formats[] = {
    {"GIF8", 4, 0, "GIF", "a GIF", "convert it to PNG"},
    {"BM", 2, 0, "BMP", "a BMP", "convert it to PNG"},
    {"WEBP", 4, 8, "WebP", "a WebP picture", "convert it to PNG or JPEG"},
    {"II*\0", 4, 0, "TIFF", "a TIFF or a camera's raw picture", "convert it to PNG"},
    {"MM\0*", 4, 0, "TIFF", "a TIFF or a camera's raw picture", "convert it to PNG"},
    {"ftypavi", 7, 4, "AVIF", "an AVIF picture", "convert it to PNG or JPEG"},
    {"ftyphe", 6, 4, "HEIC", "a HEIC picture", "convert it to PNG or JPEG"},
    {"ftypmif1", 8, 4, "HEIC", "a HEIC picture", "convert it to PNG or JPEG"},
    {"ftypmsf1", 8, 4, "HEIC", "a HEIC picture", "convert it to PNG or JPEG"},
    {"ftypcrx", 7, 4, "CR3", "a camera's raw picture", "convert it to PNG or JPEG"},
    {"ftyp", 4, 4, NULL, "HEIC, AVIF or a film", "convert it to PNG or JPEG"},
    {"\xff\x0a", 2, 0, "JPEG XL", "a JPEG XL picture", "convert it to PNG or JPEG"},
    {"\0\0\0\x0cJXL ", 8, 0, "JPEG XL", "a JPEG XL picture", "convert it to PNG or JPEG"},
    {"\0\0\0\x0cjP  ", 8, 0, "JPEG 2000", "a JPEG 2000 picture", "convert it to PNG or JPEG"},
    {"8BPS", 4, 0, "PSD", "a Photoshop document", "save it as PNG"},
    {"\0\0\1\0", 4, 0, "ICO", "an icon", "convert it to PNG"},
    {"v/1\1", 4, 0, "OpenEXR", "an OpenEXR picture", "convert it to PNG"},
    {"#?RADIANCE", 10, 0, "HDR", "a Radiance picture", "convert it to PNG"},
    {"P1", 2, 0, "PBM", "a bilevel PBM", "convert it to PNG or PGM"},
    {"P4", 2, 0, "PBM", "a bilevel PBM", "convert it to PNG or PGM"},
    {"P7", 2, 0, "PAM", "a PAM", "convert it to PNG or PPM"},
    {"version https://git-lfs", 23, 0, NULL, "a Git LFS pointer, not the picture", "fetch it with 'git lfs pull'"},
    {"%PDF", 4, 0, NULL, "a PDF", "render it to PNG"},
    {"<svg", 4, 0, "SVG", "an SVG", "render it to PNG"},
};

static int is_space_or_comment(uint8_t byte) { return byte == '#' || byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Two letters begin many texts: what follows them has to fit as well. */
static int fits(const struct other_format *format, qn_bytes bytes) {
    const size_t offset = (size_t)format->offset, length = (size_t)format->bytes;
    if (bytes.size < offset + length || memcmp(bytes.data + offset, format->magic, length)) return 0;
    if (format->magic[0] == 'P' && length == 2) return bytes.size > 2 && is_space_or_comment(bytes.data[2]);
    if (format->magic[0] == 'B' && length == 2) return bytes.size >= 10 && !memcmp(bytes.data + 6, "\0\0\0\0", 4);
    return 1;
}

static const struct other_format *find_other_format(qn_bytes bytes) {
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; ++i)
        if (fits(&other_formats[i], bytes)) return &other_formats[i];
    return NULL;
}

/* The format of the bytes, by the first of them, if quench reads that format; else NULL. */
static const char *find_own_format(qn_bytes bytes) {
    const uint8_t *data = bytes.data;
    if (bytes.size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff) return "JPEG";
    if (bytes.size >= 4 && !memcmp(data, "\x89PNG", 4)) return "PNG";
    if (bytes.size < 3 || data[0] != 'P' || !memchr("2356", data[1], 4) || !is_space_or_comment(data[2])) return NULL;
    return data[1] == '2' || data[1] == '5' ? "PGM" : "PPM";
}

const char *qn_image_find_format(const void *data, size_t bytes, int *out_is_read) {
    const qn_bytes start = {data, bytes};
    const char *own = find_own_format(start);
    const struct other_format *other = own ? NULL : find_other_format(start);
    if (out_is_read) *out_is_read = own != NULL;
    return own ? own : other ? other->name : NULL;
}

static qn_status *unknown_format(const qn_image_source *source) {
    const qn_bytes bytes = source->bytes;
    const struct other_format *other = find_other_format(bytes);
    if (other)
        return QN_ERR(QN_UNSUPPORTED, "%s: expected a JPEG, PNG, PPM or PGM picture; this is %s; %s", source->name,
                      other->what, other->advice);
    char start[3 * 8 + 1] = "";
    for (size_t i = 0; i < bytes.size && i < 8; ++i) {
        static const char digits[] = "0123456789abcdef";
        memcpy(start + 3 * i, (char[]){' ', digits[bytes.data[i] >> 4], digits[bytes.data[i] & 15], 0}, 4);
    }
    return QN_ERR(QN_UNSUPPORTED, "%s: expected a JPEG, PNG, PPM or PGM picture, but the file begins with the bytes%s",
                  source->name, start);
}

static qn_status *decode_format(const qn_image_source *source, qn_image *out_image, int *out_orientation) {
    const uint8_t *data = source->bytes.data;
    const size_t size = source->bytes.size;
    if (size == 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: the file is empty (0 bytes), expected a JPEG, PNG, PPM or PGM picture",
                      source->name);
    if (size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff)
        return qn_image_jpeg_decode(source, out_image, out_orientation);
    if (size >= 4 && !memcmp(data, "\x89PNG", 4)) return qn_image_png_decode(source, out_image, out_orientation);
    if (size >= 2 && data[0] == 'P' && memchr("2356", data[1], 4)) return qn_image_pnm_decode(source, out_image);
    return unknown_format(source);
}

qn_status *qn_image_check_declared(const qn_image_source *source, int64_t width, int64_t height) {
    if (width < 1 || height < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: the picture has no pixels (%lld x %lld)", source->name,
                      (long long)width, (long long)height);
    if (width <= source->pixels_max / height) return NULL;
    qn_status *status = QN_ERR(
        QN_LIMIT, "%s: %lld x %lld pixels are above the limit of %lld pixels (pixels_max); scale the picture down",
        source->name, (long long)width, (long long)height, (long long)source->pixels_max);
    return qn_status_of_option(status, "pixels_max");
}

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

qn_status *qn_image_check_memory(const qn_image_source *source, int64_t width, int64_t height, int channels,
                                 int is_turned, uint64_t decoding) {
    const uint64_t pixels = (uint64_t)width * (uint64_t)height, own = pixels * (uint64_t)channels;
    const uint64_t turned = is_turned ? 2 * own : own;
    const int changes = source->channels && source->channels != channels;
    const uint64_t changed = changes ? own + pixels * (uint64_t)source->channels : own;
    const uint64_t peak = max_u64(own + decoding, max_u64(turned, changed));
    if (peak <= source->memory_max) return NULL;
    qn_status *status =
        QN_ERR(QN_LIMIT, "%s: reading %lld x %lld pixels takes %llu MiB, above the limit of %llu MiB (memory_max)",
               source->name, (long long)width, (long long)height, (unsigned long long)((peak + (1 << 20) - 1) >> 20),
               (unsigned long long)(source->memory_max >> 20));
    return qn_status_of_option(status, "memory_max");
}

void qn_image_decode_options_init(qn_image_decode_options *out_options) {
    if (!out_options) return;
    *out_options = (qn_image_decode_options){.size = sizeof *out_options,
                                             .channels = 3,
                                             .pixels_max = QN_IMAGE_PIXELS_MAX,
                                             .file_bytes_max = QN_IMAGE_FILE_BYTES_MAX,
                                             .scans_max = QN_IMAGE_SCANS_DEFAULT,
                                             .memory_max = (uint64_t)2 << 30};
}

static qn_status *check_options(const qn_image_decode_options *given, qn_image_decode_options *out_options) {
    qn_image_decode_options_init(out_options);
    if (!given) return NULL;
    if (given->size != sizeof *given)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "decode options of size %zu, expected %zu; call qn_image_decode_options_init", given->size,
                      sizeof *given);
    if (given->channels != 0 && given->channels != 1 && given->channels != 3)
        return QN_ERR(QN_INVALID_ARGUMENT, "decode options ask for %d channels, expected 0, 1 or 3", given->channels);
    if (given->pixels_max < 1 || given->pixels_max > QN_IMAGE_PIXELS_MAX || given->file_bytes_max < 1 ||
        given->file_bytes_max > QN_IMAGE_FILE_BYTES_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "decode options: pixels_max must be 1 .. %d, file_bytes_max 1 .. %d",
                      QN_IMAGE_PIXELS_MAX, QN_IMAGE_FILE_BYTES_MAX);
    if (given->scans_max < 1 || given->memory_max < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "decode options: scans_max and memory_max must be at least 1");
    *out_options = *given;
    return NULL;
}

static qn_status *decode_upright(const qn_image_source *source, qn_image *out_image) {
    int orientation = 1;
    QN_TRY(qn_cancel_check(&source->cancel));
    QN_TRY(decode_format(source, out_image, &orientation));
    if (source->as_labels) return NULL;
    QN_TRY(
        qn_image_check_memory(source, out_image->width, out_image->height, out_image->channels, orientation != 1, 0));
    QN_TRY(qn_image_orient(out_image, orientation, &source->cancel));
    return source->channels ? qn_image_set_channels(out_image, source->channels, &source->cancel) : NULL;
}

static qn_status *decode(qn_bytes bytes, const char *name, int as_labels, const qn_image_decode_options *options,
                         const qn_allocator *allocator, qn_image *out_image) {
    qn_image_decode_options checked;
    QN_TRY(check_options(options, &checked));
    if (bytes.size > checked.file_bytes_max)
        return qn_status_of_option(
            QN_ERR(QN_LIMIT, "%s: %zu bytes are above the limit of %zu bytes for a picture (file_bytes_max)", name,
                   bytes.size, checked.file_bytes_max),
            "file_bytes_max");
    const qn_image_source source = {.bytes = bytes,
                                    .name = name,
                                    .pixels_max = checked.pixels_max,
                                    .as_labels = as_labels,
                                    .allocator = qn_allocator_or_default(allocator),
                                    .channels = as_labels ? 0 : checked.channels,
                                    .scans_max = checked.scans_max,
                                    .memory_max = checked.memory_max,
                                    .cancel = {checked.cancel, checked.cancel_self}};
    qn_status *status = decode_upright(&source, out_image);
    if (status) qn_image_deinit(out_image);
    return status;
}

static qn_status *load(const char *path, int as_labels, const qn_image_decode_options *options,
                       const qn_allocator *allocator, qn_image *out_image) {
    *out_image = (qn_image){0};
    qn_image_decode_options checked;
    qn_bytes bytes;
    QN_TRY(check_options(options, &checked));
    allocator = qn_allocator_or_default(allocator);
    qn_status *status = qn_file_read(path, "a picture (file_bytes_max)", checked.file_bytes_max, allocator, &bytes);
    if (qn_status_code(status) == QN_LIMIT) return qn_status_of_option(status, "file_bytes_max");
    QN_TRY(status);
    status = decode(bytes, path, as_labels, options, allocator, out_image);
    qn_free(allocator, (void *)bytes.data);
    return status;
}

qn_status *qn_image_load(const char *path, const qn_image_decode_options *options, const qn_allocator *allocator,
                         qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(path);
    return load(path, 0, options, allocator, out_image);
}

qn_status *qn_image_load_mask(const char *path, const qn_image_decode_options *options, const qn_allocator *allocator,
                              qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(path);
    return load(path, 1, options, allocator, out_labels);
}

qn_status *qn_image_decode(const void *data, size_t bytes, const char *name, const qn_image_decode_options *options,
                           const qn_allocator *allocator, qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARRAY(data, bytes);
    QN_REQUIRE_ARG(name);
    return decode((qn_bytes){data, bytes}, name, 0, options, allocator, out_image);
}

qn_status *qn_image_decode_mask(const void *data, size_t bytes, const char *name,
                                const qn_image_decode_options *options, const qn_allocator *allocator,
                                qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARRAY(data, bytes);
    QN_REQUIRE_ARG(name);
    return decode((qn_bytes){data, bytes}, name, 1, options, allocator, out_labels);
}
