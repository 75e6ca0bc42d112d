/* JPEG through TurboJPEG. The default flags (accurate transform, smooth chroma) are part of the contract: networks
   were trained and references made on pictures decoded that way. */
#include "image/apart.h"
#include "image/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

/* ---- Markers ---- */

typedef struct jpeg_outline {
    qn_bytes exif;  /* first EXIF block, without its "Exif\0\0" */
    int complete;   /* the end marker was found */
    int arithmetic; /* entropy coding without whole bits */
    int has_frame;  /* a frame header was found; its size is */
    int width, height, components;
    int is_progressive;
    int64_t scans;
    int64_t area;    /* width * height, each filled up to whole units */
    int64_t samples; /* of all components over that area */
} jpeg_outline;

enum {
    SOF0 = 0xc0,
    SOF2 = 0xc2,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP1 = 0xe1,
    TEM = 0x01,
    COMPONENTS_MAX = 4,
    FULL_SCANS_AREA = 1 << 26, /* pixels; above, the scans are limited in proportion */
    INLINE_WORK = 4 << 20,     /* pixels over all scans that take a few hundredths of a second */
    ASK_EVERY = 1 << 16        /* markers */
};

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

/* The frame header, behind its marker. */
static void read_frame(const uint8_t *header, size_t length, uint8_t marker, jpeg_outline *outline) {
    const uint8_t *size = header + 3; /* behind length and bits */
    int horizontal[COMPONENTS_MAX] = {0}, vertical[COMPONENTS_MAX] = {0}, most_horizontal = 1, most_vertical = 1;
    outline->has_frame = 1;
    outline->arithmetic = marker > JPG;
    outline->is_progressive = (marker & 3) == (SOF2 & 3);
    outline->height = size[0] << 8 | size[1];
    outline->width = size[2] << 8 | size[3];
    outline->components = size[4] < COMPONENTS_MAX ? size[4] : COMPONENTS_MAX;
    for (int c = 0; c < outline->components && (size_t)(8 + 3 * c + 3) <= length; ++c) {
        const uint8_t sampling = header[8 + 3 * c + 1];
        horizontal[c] = sampling >> 4, vertical[c] = sampling & 15;
        if (horizontal[c] > most_horizontal) most_horizontal = horizontal[c];
        if (vertical[c] > most_vertical) most_vertical = vertical[c];
    }
    const int unit_width = 8 * most_horizontal, unit_height = 8 * most_vertical;
    const int64_t units =
        (int64_t)((outline->width + unit_width - 1) / unit_width) * ((outline->height + unit_height - 1) / unit_height);
    outline->area = units * unit_width * unit_height;
    for (int c = 0; c < COMPONENTS_MAX; ++c) outline->samples += units * 64 * horizontal[c] * vertical[c];
}

/* Walks from marker to marker. libjpeg goes on with gray where data is missing, so what is missing is found here. */
static qn_status *walk_markers(const qn_image_source *source, jpeg_outline *outline) {
    const qn_bytes bytes = source->bytes;
    size_t found = 0;
    for (size_t at = find_marker(bytes, 0); at < bytes.size; at = find_marker(bytes, at)) {
        const uint8_t marker = bytes.data[at++];
        if (++found % ASK_EVERY == 0) QN_TRY(qn_cancel_check(&source->cancel));
        if (marker == EOI) {
            outline->complete = 1;
            return NULL;
        }
        if (marker == SOI || marker == TEM) continue;
        if (bytes.size - at < 2) return NULL;
        const size_t length = (size_t)bytes.data[at] << 8 | bytes.data[at + 1];
        if (length > bytes.size - at) return NULL;
        if (is_frame(marker) && length >= 8 && !outline->has_frame)
            read_frame(bytes.data + at, length, marker, outline);
        if (marker == APP1 && length >= 8 && !outline->exif.data && !memcmp(bytes.data + at + 2, "Exif\0", 6))
            outline->exif = (qn_bytes){bytes.data + at + 8, length - 8};
        outline->scans += marker == SOS;
        at += length;
    }
    return NULL;
}

/* A scan goes over every block, though an empty one takes a byte for 32767 of them. */
static qn_status *check_scans(const qn_image_source *source, const jpeg_outline *outline) {
    int64_t limit = source->scans_max, needed = outline->scans;
    if (outline->area > FULL_SCANS_AREA) {
        limit = limit * FULL_SCANS_AREA / outline->area;
        needed = (needed * outline->area + FULL_SCANS_AREA - 1) / FULL_SCANS_AREA;
    }
    if (limit < 1) limit = 1;
    if (outline->scans <= limit) return NULL;
    qn_status *status = QN_ERR(
        QN_LIMIT,
        "%s: the JPEG goes over its %d x %d pixels in %lld scans, above the limit of %lld scans for this size "
        "(scans_max must be at least %lld); save the picture again as a plain JPEG or PNG",
        source->name, outline->width, outline->height, (long long)outline->scans, (long long)limit, (long long)needed);
    return qn_status_of_option(status, "scans_max");
}

/* Coefficients are kept between scans, 2 bytes each; inks are 4 bytes a pixel until they are colours. */
static qn_status *check_memory(const qn_image_source *source, const jpeg_outline *outline, int orientation) {
    const int keeps = outline->is_progressive || outline->scans > 1;
    const uint64_t pixels = (uint64_t)outline->width * (uint64_t)outline->height;
    const uint64_t decoding =
        (keeps ? 2 * (uint64_t)outline->samples : 0) + (outline->components == 4 ? 4 * pixels : 0);
    return qn_image_check_memory(source, outline->width, outline->height, outline->components == 1 ? 1 : 3,
                                 orientation > 1, decoding);
}

/* Refuses before memory is taken: what ends too early, what is too large, and what the file cannot hold, as Huffman
   codes take at least a bit for each block of 8 x 8. */
static qn_status *check_outline(const qn_image_source *source, const jpeg_outline *outline, int orientation) {
    if (!outline->complete)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s: the JPEG is cut short: %zu bytes without an end marker; get the whole file", source->name,
                      source->bytes.size);
    if (!outline->has_frame) return NULL; /* libjpeg says what is wrong */
    QN_TRY(qn_image_check_declared(source, outline->width, outline->height));
    const size_t blocks = (size_t)outline->width * (size_t)outline->height / 64;
    if (!outline->arithmetic && blocks / 8 > source->bytes.size)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: the JPEG is cut short: %zu bytes cannot hold %d x %d pixels",
                      source->name, source->bytes.size, outline->width, outline->height);
    QN_TRY(check_scans(source, outline));
    return check_memory(source, outline, orientation);
}

/* ---- Pixels ---- */

enum { JMSG_ROOM = 220 }; /* longer than any message of libjpeg */

/* Warnings of libjpeg after which every pixel is still what the encoder meant. */
static int is_harmless(const char *warning) {
    static const char *const harmless[] = {"extraneous bytes before marker", "unknown JFIF revision",
                                           "Unknown Adobe color transform", "Invalid SOS parameters for sequential"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; ++i)
        if (strstr(warning, harmless[i])) return 1;
    return 0;
}

typedef struct jpeg_work {
    const uint8_t *data;
    size_t bytes;
    uint8_t *pixels;
    int width, height, format; /* TJPF_* */
    int failed;
    char message[JMSG_ROOM]; /* of the failure; "": memory was short */
    /* Work that may be left to itself owns these. */
    uint8_t *own_data, *own_pixels;
} jpeg_work;

static qn_status *codec_error(const qn_image_source *source, const char *text) {
    const int unsupported = strstr(text, "nsupported") != NULL || strstr(text, "not supported") != NULL;
    return QN_ERR(unsupported ? QN_UNSUPPORTED : QN_INVALID_ARGUMENT,
                  "%s: %s JPEG: %s; save the picture again as a plain JPEG or PNG", source->name,
                  unsupported ? "unsupported" : "damaged", text);
}

/* Stops at the first warning; if that one is harmless, decodes again without stopping. A warning behind a harmless
   one goes unseen, but a file that is cut short was refused before. */
static int decompress_with(const jpeg_work *work, tjhandle handle) {
    const unsigned long size = (unsigned long)work->bytes;
    const int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    if (!tjDecompress2(handle, work->data, size, work->pixels, work->width, 0, work->height, work->format,
                       flags | TJFLAG_STOPONWARNING))
        return 0;
    if (tjGetErrorCode(handle) != TJERR_WARNING || !is_harmless(tjGetErrorStr2(handle))) return 1;
    return tjDecompress2(handle, work->data, size, work->pixels, work->width, 0, work->height, work->format, flags) &&
           !(tjGetErrorCode(handle) == TJERR_WARNING && is_harmless(tjGetErrorStr2(handle)));
}

static void decompress_work(void *self) {
    jpeg_work *work = self;
    tjhandle handle = tjInitDecompress();
    work->failed = !handle || decompress_with(work, handle);
    if (handle && work->failed) snprintf(work->message, sizeof work->message, "%s", tjGetErrorStr2(handle));
    if (handle) tjDestroy(handle);
}

static void drop_work(void *self) {
    jpeg_work *work = self;
    free(work->own_data);
    qn_free(NULL, work->own_pixels);
    free(work);
}

/* A copy of the work that owns its file bytes and its pixels, so that it may go on after the caller has gone; NULL when
   memory is short. */
static jpeg_work *own_work(const jpeg_work *work, size_t pixel_bytes) {
    const qn_allocator *heap = qn_allocator_default();
    jpeg_work *own = malloc(sizeof *own);
    if (!own) return NULL;
    *own = *work;
    own->own_data = malloc(work->bytes + 1);
    own->own_pixels = heap->alloc(heap->self, pixel_bytes, 64);
    if (!own->own_data || !own->own_pixels) return drop_work(own), NULL;
    memcpy(own->own_data, work->data, work->bytes);
    own->data = own->own_data;
    own->pixels = own->own_pixels;
    return own;
}

static qn_status *finish(const qn_image_source *source, const jpeg_work *work) {
    if (!work->failed) return NULL;
    return *work->message ? codec_error(source, work->message) : qn_status_out_of_memory();
}

/* Pixels of a thread of its own become the caller's: as they are, or as a copy where the allocator is another. */
static qn_status *decompress_apart(const qn_image_source *source, const jpeg_work *work, size_t pixel_bytes,
                                   uint8_t **out_pixels) {
    const qn_allocator *allocator = source->allocator;
    jpeg_work *own = own_work(work, pixel_bytes);
    if (!own) return qn_status_out_of_memory();
    QN_TRY(qn_image_run_apart(decompress_work, drop_work, own, &source->cancel)); /* on failure it frees itself */
    qn_status *status = finish(source, own);
    if (!status && allocator == qn_allocator_default()) {
        *out_pixels = own->own_pixels;
        own->own_pixels = NULL;
    } else if (!status) {
        *out_pixels = allocator->alloc(allocator->self, pixel_bytes, 64);
        if (*out_pixels) memcpy(*out_pixels, own->own_pixels, pixel_bytes);
        if (!*out_pixels) status = qn_status_out_of_memory();
    }
    drop_work(own);
    return status;
}

/* Gives the pixels in memory of the source's allocator. */
static qn_status *decompress(const qn_image_source *source, const jpeg_outline *outline, int width, int height,
                             int format, uint8_t **out_pixels) {
    const size_t pixel_bytes = (size_t)width * (size_t)height * (size_t)tjPixelSize[format];
    const int64_t passes = outline->area + outline->area * outline->scans / 8;
    jpeg_work work = {
        .data = source->bytes.data, .bytes = source->bytes.size, .width = width, .height = height, .format = format};
    *out_pixels = NULL;
    if (source->cancel.is_asked && passes > INLINE_WORK)
        return decompress_apart(source, &work, pixel_bytes, out_pixels);
    work.pixels = source->allocator->alloc(source->allocator->self, pixel_bytes, 64);
    if (!work.pixels) return qn_status_out_of_memory();
    decompress_work(&work);
    qn_status *status = finish(source, &work);
    if (status)
        qn_free(source->allocator, work.pixels);
    else
        *out_pixels = work.pixels;
    return status;
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

static qn_status *decode_inks(const qn_image_source *source, const jpeg_outline *outline, int width, int height,
                              qn_image *out_image) {
    uint8_t *inks;
    QN_TRY(decompress(source, outline, width, height, TJPF_CMYK, &inks));
    qn_status *status = qn_image_init_raw(width, height, 3, source->allocator, out_image);
    for (size_t y = 0; y < (size_t)height && !status; ++y) {
        inks_to_rgb(inks + y * (size_t)width * 4, (size_t)width, out_image->data + y * out_image->stride_bytes);
        status = qn_cancel_check(&source->cancel);
    }
    qn_free(source->allocator, inks);
    return status;
}

/* The size and colours as libjpeg takes them. A failure that still gives a size (sampling without a name in this API, a
   harmless warning) does not matter. */
static qn_status *read_header(const qn_image_source *source, int *out_width, int *out_height, int *out_space) {
    int sampling = -1;
    tjhandle handle = tjInitDecompress();
    if (!handle) return qn_status_out_of_memory();
    qn_status *status = NULL;
    *out_width = *out_height = 0;
    if (tjDecompressHeader3(handle, source->bytes.data, (unsigned long)source->bytes.size, out_width, out_height,
                            &sampling, out_space) &&
        (*out_width < 1 || *out_height < 1))
        status = codec_error(source, tjGetErrorStr2(handle));
    tjDestroy(handle);
    return status ? status : qn_image_check_declared(source, *out_width, *out_height);
}

static qn_status *decode_pixels(const qn_image_source *source, const jpeg_outline *outline, qn_image *out_image) {
    int width, height, space = -1;
    QN_TRY(read_header(source, &width, &height, &space));
    if (space == TJCS_CMYK || space == TJCS_YCCK) return decode_inks(source, outline, width, height, out_image);
    const int channels = space == TJCS_GRAY ? 1 : 3;
    uint8_t *pixels;
    QN_TRY(decompress(source, outline, width, height, channels == 1 ? TJPF_GRAY : TJPF_RGB, &pixels));
    *out_image = (qn_image){width, height, channels, (size_t)width * (size_t)channels, pixels, source->allocator};
    return NULL;
}

qn_status *qn_image_jpeg_decode(const qn_image_source *source, qn_image *out_image, int *out_orientation) {
    if (source->as_labels)
        return QN_ERR(QN_UNSUPPORTED,
                      "%s: expected a label map, found a JPEG, which does not keep exact values; use an indexed or "
                      "gray PNG",
                      source->name);
    jpeg_outline outline = {0};
    QN_TRY(walk_markers(source, &outline));
    const int orientation = qn_image_exif_orientation(outline.exif);
    QN_TRY(check_outline(source, &outline, orientation));
    if (orientation) *out_orientation = orientation;
    return decode_pixels(source, &outline, out_image);
}
