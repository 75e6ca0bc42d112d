/* JPEG through TurboJPEG. The default flags (accurate transform, smooth chroma) are part of the contract: networks
   were trained and references made on pictures decoded that way. */
#include "image/codec.h"

#include <string.h>
#include <turbojpeg.h>

/* ---- Markers ---- */

typedef struct jpeg_outline {
    qn_bytes exif;  /* first EXIF block, without its "Exif\0\0" */
    int complete;   /* the end marker was found */
    int arithmetic; /* entropy coding without whole bits */
    int has_frame;  /* a frame header was found; its size is */
    int width, height;
} jpeg_outline;

enum { SOF0 = 0xc0, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf, SOI = 0xd8, EOI = 0xd9, APP1 = 0xe1, TEM = 0x01 };

static int is_frame(uint8_t marker) {
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

static int is_restart(uint8_t marker) { return marker >= 0xd0 && marker <= 0xd7; }

/* The position of the marker byte of the next marker at or after `at`, skipping entropy-coded data; `size` if none. */
static size_t find_marker(qn_bytes bytes, size_t at) {
    while (at < bytes.size) {
        const uint8_t *found = memchr(bytes.data + at, 0xff, bytes.size - at);
        if (!found) return bytes.size;
        at = (size_t)(found - bytes.data) + 1;
        while (at < bytes.size && bytes.data[at] == 0xff) ++at;
        if (at < bytes.size && bytes.data[at] != 0 && !is_restart(bytes.data[at])) return at;
    }
    return bytes.size;
}

/* Walks from marker to marker. libjpeg goes on with gray where data is missing, so what is missing is found here. */
static jpeg_outline walk_markers(qn_bytes bytes) {
    jpeg_outline outline = {0};
    for (size_t at = find_marker(bytes, 0); at < bytes.size; at = find_marker(bytes, at)) {
        const uint8_t marker = bytes.data[at++];
        if (marker == EOI) {
            outline.complete = 1;
            return outline;
        }
        if (marker == SOI || marker == TEM) continue;
        if (bytes.size - at < 2) return outline;
        const size_t length = (size_t)bytes.data[at] << 8 | bytes.data[at + 1];
        if (length > bytes.size - at) return outline;
        if (is_frame(marker) && length >= 8 && !outline.has_frame) {
            const uint8_t *size = bytes.data + at + 3; /* behind length and bits */
            outline.has_frame = 1;
            outline.arithmetic = marker > JPG;
            outline.height = size[0] << 8 | size[1];
            outline.width = size[2] << 8 | size[3];
        }
        if (marker == APP1 && length >= 8 && !outline.exif.data && !memcmp(bytes.data + at + 2, "Exif\0", 6))
            outline.exif = (qn_bytes){bytes.data + at + 8, length - 8};
        at += length;
    }
    return outline;
}

/* Refuses before memory is taken: what ends too early, what is too large, and what the file cannot hold, as Huffman
   codes take at least a bit for each block of 8 x 8. */
static qn_status *check_outline(const qn_image_source *source, const jpeg_outline *outline) {
    if (!outline->complete)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s: the JPEG is cut short: %zu bytes without an end marker; get the whole file", source->name,
                      source->bytes.size);
    if (!outline->has_frame) return NULL; /* libjpeg says what is wrong */
    QN_TRY(qn_image_check_declared(source, outline->width, outline->height));
    const size_t blocks = (size_t)outline->width * (size_t)outline->height / 64;
    if (outline->arithmetic || blocks / 8 <= source->bytes.size) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the JPEG is cut short: %zu bytes cannot hold %d x %d pixels", source->name,
                  source->bytes.size, outline->width, outline->height);
}

/* ---- Pixels ---- */

/* Warnings of libjpeg after which every pixel is still what the encoder meant. */
static int is_harmless(const char *warning) {
    static const char *const harmless[] = {"extraneous bytes before marker", "unknown JFIF revision",
                                           "Unknown Adobe color transform", "Invalid SOS parameters for sequential"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; ++i)
        if (strstr(warning, harmless[i])) return 1;
    return 0;
}

static qn_status *codec_error(const qn_image_source *source, tjhandle handle) {
    const char *text = tjGetErrorStr2(handle);
    const int unsupported = strstr(text, "nsupported") != NULL || strstr(text, "not supported") != NULL;
    return QN_ERR(unsupported ? QN_UNSUPPORTED : QN_INVALID_ARGUMENT,
                  "%s: %s JPEG: %s; save the picture again as a plain JPEG or PNG", source->name,
                  unsupported ? "unsupported" : "damaged", text);
}

/* Stops at the first warning; if that one is harmless, decodes again without stopping. A warning behind a harmless
   one goes unseen, but a file that is cut short was refused before. */
static qn_status *decompress(const qn_image_source *source, tjhandle handle, uint8_t *pixels, int width, int height,
                             int format) {
    const unsigned long size = (unsigned long)source->bytes.size;
    const int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    if (!tjDecompress2(handle, source->bytes.data, size, pixels, width, 0, height, format,
                       flags | TJFLAG_STOPONWARNING))
        return NULL;
    if (tjGetErrorCode(handle) != TJERR_WARNING || !is_harmless(tjGetErrorStr2(handle)))
        return codec_error(source, handle);
    if (!tjDecompress2(handle, source->bytes.data, size, pixels, width, 0, height, format, flags) ||
        (tjGetErrorCode(handle) == TJERR_WARNING && is_harmless(tjGetErrorStr2(handle))))
        return NULL;
    return codec_error(source, handle);
}

static unsigned divide_by_255(unsigned value) { /* rounded; value <= 255 * 255 */
    value += 128;
    return (value + (value >> 8)) >> 8;
}

/* Adobe stores inverted inks: 255 is none. */
static void inks_to_rgb(const uint8_t *inks, size_t pixels, uint8_t *out_rgb) {
    for (size_t i = 0; i < pixels; ++i, inks += 4, out_rgb += 3)
        for (int c = 0; c < 3; ++c) out_rgb[c] = (uint8_t)(inks[3] - divide_by_255((255u - inks[c]) * inks[3]));
}

static qn_status *decompress_inks(const qn_image_source *source, tjhandle handle, qn_image *out_image) {
    const size_t pixels = (size_t)out_image->width * (size_t)out_image->height;
    uint8_t *inks = source->allocator->alloc(source->allocator->self, pixels * 4, 64);
    if (!inks) return qn_status_out_of_memory();
    qn_status *status = decompress(source, handle, inks, out_image->width, out_image->height, TJPF_CMYK);
    if (!status) inks_to_rgb(inks, pixels, out_image->data);
    qn_free(source->allocator, inks);
    return status;
}

static qn_status *decode_with(const qn_image_source *source, tjhandle handle, qn_image *out_image) {
    int width = 0, height = 0, sampling = -1, space = -1;
    /* A failure that still gives a size (sampling without a name in this API, a harmless warning) does not matter. */
    if (tjDecompressHeader3(handle, source->bytes.data, (unsigned long)source->bytes.size, &width, &height, &sampling,
                            &space) &&
        (width < 1 || height < 1))
        return codec_error(source, handle);
    QN_TRY(qn_image_check_declared(source, width, height));
    const int gray = space == TJCS_GRAY;
    QN_TRY(qn_image_init_raw(width, height, gray ? 1 : 3, source->allocator, out_image));
    if (space == TJCS_CMYK || space == TJCS_YCCK) return decompress_inks(source, handle, out_image);
    return decompress(source, handle, out_image->data, width, height, gray ? TJPF_GRAY : TJPF_RGB);
}

qn_status *qn_image_jpeg_decode(const qn_image_source *source, qn_image *out_image, int *out_orientation) {
    if (source->as_labels)
        return QN_ERR(QN_UNSUPPORTED,
                      "%s: expected a label map, found a JPEG, which does not keep exact values; use an indexed or "
                      "gray PNG",
                      source->name);
    const jpeg_outline outline = walk_markers(source->bytes);
    QN_TRY(check_outline(source, &outline));
    const int orientation = qn_image_exif_orientation(outline.exif);
    if (orientation) *out_orientation = orientation;
    tjhandle handle = tjInitDecompress();
    if (!handle) return qn_status_out_of_memory();
    qn_status *status = decode_with(source, handle, out_image);
    tjDestroy(handle);
    return status;
}
