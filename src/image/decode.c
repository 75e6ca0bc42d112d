#include "image/codec.h"

#include "base/file.h"

#include <string.h>

/* Formats that people hand over by mistake, so that the message can say what they have. */
static const struct {
    const char *magic;
    int bytes, offset;
    const char *advice;
} other_formats[] = {
    {"GIF8", 4, 0, "this is a GIF; convert it to PNG"},
    {"BM", 2, 0, "this is a BMP; convert it to PNG"},
    {"WEBP", 4, 8, "this is a WebP picture; convert it to PNG or JPEG"},
    {"II*\0", 4, 0, "this is a TIFF; convert it to PNG"},
    {"MM\0*", 4, 0, "this is a TIFF; convert it to PNG"},
    {"ftyp", 4, 4, "this is HEIC, AVIF or a film; convert it to PNG or JPEG"},
    {"P1", 2, 0, "this is a bilevel PBM; convert it to PNG or PGM"},
    {"P4", 2, 0, "this is a bilevel PBM; convert it to PNG or PGM"},
    {"P7", 2, 0, "this is a PAM; convert it to PNG or PPM"},
    {"version https://git-lfs", 23, 0, "this is a Git LFS pointer, not the picture; fetch it with 'git lfs pull'"},
    {"%PDF", 4, 0, "this is a PDF; render it to PNG"},
    {"<svg", 4, 0, "this is an SVG; render it to PNG"},
};

static qn_status *unknown_format(const qn_image_source *source) {
    const qn_bytes bytes = source->bytes;
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; ++i) {
        const size_t offset = (size_t)other_formats[i].offset, length = (size_t)other_formats[i].bytes;
        if (bytes.size >= offset + length && !memcmp(bytes.data + offset, other_formats[i].magic, length))
            return QN_ERR(QN_UNSUPPORTED, "%s: expected a JPEG, PNG, PPM or PGM picture; %s", source->name,
                          other_formats[i].advice);
    }
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
    if (width > source->pixels_max / height)
        return QN_ERR(QN_LIMIT,
                      "%s: %lld x %lld pixels are above the limit of %lld pixels (pixels_max); scale the picture down",
                      source->name, (long long)width, (long long)height, (long long)source->pixels_max);
    return NULL;
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
    return QN_ERR(QN_LIMIT, "%s: reading %lld x %lld pixels takes %llu MiB, above the limit of %llu MiB (memory_max)",
                  source->name, (long long)width, (long long)height, (unsigned long long)((peak + (1 << 20) - 1) >> 20),
                  (unsigned long long)(source->memory_max >> 20));
}

void qn_image_decode_options_init(qn_image_decode_options *out_options) {
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
        return QN_ERR(QN_LIMIT, "%s: %zu bytes are above the limit of %zu bytes for a picture (file_bytes_max)", name,
                      bytes.size, checked.file_bytes_max);
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
    qn_file_map map;
    QN_TRY(qn_file_map_open(path, &map));
    qn_status *status = decode(map.bytes, path, as_labels, options, allocator, out_image);
    qn_file_map_close(&map);
    return status;
}

qn_status *qn_image_load(const char *path, const qn_image_decode_options *options, const qn_allocator *allocator,
                         qn_image *out_image) {
    return load(path, 0, options, allocator, out_image);
}

qn_status *qn_image_load_mask(const char *path, const qn_image_decode_options *options, const qn_allocator *allocator,
                              qn_image *out_labels) {
    return load(path, 1, options, allocator, out_labels);
}

qn_status *qn_image_decode(const void *data, size_t bytes, const char *name, const qn_image_decode_options *options,
                           const qn_allocator *allocator, qn_image *out_image) {
    *out_image = (qn_image){0};
    return decode((qn_bytes){data, bytes}, name, 0, options, allocator, out_image);
}

qn_status *qn_image_decode_mask(const void *data, size_t bytes, const char *name,
                                const qn_image_decode_options *options, const qn_allocator *allocator,
                                qn_image *out_labels) {
    *out_labels = (qn_image){0};
    return decode((qn_bytes){data, bytes}, name, 1, options, allocator, out_labels);
}
