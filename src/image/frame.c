/* Raw frames, as cameras and video decoders give them, to rows of R, G, B or gray.
 *
 * A packed format (RGB and its kin) is reordered; one of luma and chroma is converted by the formula and coefficients
 * that quench/image.h states, in integers, so the bytes are the same on every machine.
 */
#include "image/codec.h"

#include "base/checked.h"
#include "base/entry.h"

#include <assert.h>

/* How a format lies in memory. `group` bytes hold `group_pixels` pixels side by side. Packed formats: one pixel, R, G
   and B at these offsets. Others: luma is one byte in every `luma_step`, from the start of plane 0, and each pair of
   pixels has its U and V at these offsets of a plane, `chroma_step` bytes from those of the next pair. */
typedef struct pixel_layout {
    const char *name;
    uint8_t group, group_pixels;
    uint8_t red, green, blue;
    uint8_t luma_step; /* 0: packed */
    uint8_t planes;
    uint8_t chroma_step, u_plane, u_offset, v_plane, v_offset;
    uint8_t pair_rows; /* rows of pixels that share a row of chroma */
} pixel_layout;

static const pixel_layout layouts[QN_PIXEL_FORMAT_COUNT] = {
    [QN_PIXEL_RGB] = {"RGB", 3, 1, 0, 1, 2, .planes = 1},
    [QN_PIXEL_BGR] = {"BGR", 3, 1, 2, 1, 0, .planes = 1},
    [QN_PIXEL_RGBA] = {"RGBA", 4, 1, 0, 1, 2, .planes = 1},
    [QN_PIXEL_BGRA] = {"BGRA", 4, 1, 2, 1, 0, .planes = 1},
    [QN_PIXEL_GRAY] = {"GRAY", 1, 1, 0, 0, 0, .planes = 1},
    [QN_PIXEL_NV12] = {"NV12", 1, 1, .luma_step = 1, .planes = 2, .chroma_step = 2, .u_plane = 1, .u_offset = 0,
                       .v_plane = 1, .v_offset = 1, .pair_rows = 2},
    [QN_PIXEL_NV21] = {"NV21", 1, 1, .luma_step = 1, .planes = 2, .chroma_step = 2, .u_plane = 1, .u_offset = 1,
                       .v_plane = 1, .v_offset = 0, .pair_rows = 2},
    [QN_PIXEL_I420] = {"I420", 1, 1, .luma_step = 1, .planes = 3, .chroma_step = 1, .u_plane = 1, .u_offset = 0,
                       .v_plane = 2, .v_offset = 0, .pair_rows = 2},
    [QN_PIXEL_YUYV] = {"YUYV", 4, 2, .luma_step = 2, .planes = 1, .chroma_step = 4, .u_plane = 0, .u_offset = 1,
                       .v_plane = 0, .v_offset = 3, .pair_rows = 1},
};

/* The coefficients of quench/image.h, in 65536ths. */
typedef struct color_coefficients {
    int black, y, rv, gu, gv, bu;
} color_coefficients;

static const color_coefficients coefficients[QN_COLOR_MATRIX_COUNT][QN_COLOR_RANGE_COUNT] = {
    [QN_COLOR_BT601][QN_COLOR_LIMITED] = {16, 298 << 8, 409 << 8, 100 << 8, 208 << 8, 516 << 8},
    [QN_COLOR_BT601][QN_COLOR_FULL] = {0, 65536, 91881, 22553, 46802, 116130},
    [QN_COLOR_BT709][QN_COLOR_LIMITED] = {16, 76309, 117489, 13975, 34925, 138438},
    [QN_COLOR_BT709][QN_COLOR_FULL] = {0, 65536, 103206, 12276, 30679, 121609},
};

/* ---- Checks ---- */

/* Bytes that a row of a plane takes. */
static size_t plane_row_bytes(const qn_frame *frame, int plane) {
    const pixel_layout *layout = &layouts[frame->format];
    if (plane > 0) return ((size_t)frame->width + 1) / 2 * layout->chroma_step;
    return ((size_t)frame->width + layout->group_pixels - 1) / layout->group_pixels * layout->group;
}

/* Bytes of `rows` rows, the last without padding. Zero, never an answer: more than memory can hold. */
static size_t span_bytes(size_t row_bytes, size_t stride_bytes, size_t rows) {
    size_t bytes;
    if (!qn_checked_mul_size(stride_bytes, rows - 1, &bytes) || !qn_checked_add_size(bytes, row_bytes, &bytes) ||
        bytes > PTRDIFF_MAX)
        return 0;
    return bytes;
}

static qn_status *check_plane(const qn_frame *frame, int plane) {
    const pixel_layout *layout = &layouts[frame->format];
    size_t row_bytes = plane_row_bytes(frame, plane);
    size_t rows =
        plane > 0 ? ((size_t)frame->height + layout->pair_rows - 1) / layout->pair_rows : (size_t)frame->height;
    if (!frame->planes[plane]) return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: plane %d is NULL", layout->name, plane);
    if (frame->stride_bytes[plane] < row_bytes)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s frame: the stride of plane %d is %zu bytes, a row of %d pixels needs %zu", layout->name,
                      plane, frame->stride_bytes[plane], frame->width, row_bytes);
    if (!span_bytes(row_bytes, frame->stride_bytes[plane], rows))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: plane %d has %zu rows %zu bytes apart, more than memory can hold",
                      layout->name, plane, rows, frame->stride_bytes[plane]);
    return NULL;
}

static qn_status *check_frame(const qn_frame *frame, int channels) {
    if ((unsigned)frame->format >= QN_PIXEL_FORMAT_COUNT)
        return QN_ERR(QN_INVALID_ARGUMENT, "there is no pixel format %d", (int)frame->format);
    const pixel_layout *layout = &layouts[frame->format];
    if (channels != 1 && channels != 3) return QN_ERR(QN_INVALID_ARGUMENT, "channels is %d, expected 1 or 3", channels);
    if (frame->width < 1 || frame->height < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: %d x %d pixels, expected at least 1 x 1", layout->name,
                      frame->width, frame->height);
    if (layout->luma_step && (unsigned)frame->matrix >= QN_COLOR_MATRIX_COUNT)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: there is no colour matrix %d", layout->name, (int)frame->matrix);
    if (layout->luma_step && (unsigned)frame->range >= QN_COLOR_RANGE_COUNT)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: there is no colour range %d", layout->name, (int)frame->range);
    for (int plane = 0; plane < layout->planes; plane++) QN_TRY(check_plane(frame, plane));
    return NULL;
}

/* ---- Rows ---- */

static void reorder_row(const pixel_layout *layout, const uint8_t *row, size_t width, uint8_t *out) {
    const size_t step = layout->group, red = layout->red, green = layout->green, blue = layout->blue;
    for (size_t x = 0; x < width; x++, row += step, out += 3) {
        out[0] = row[red];
        out[1] = row[green];
        out[2] = row[blue];
    }
}

static void gray_of_packed_row(const pixel_layout *layout, const uint8_t *row, size_t width, uint8_t *out) {
    const size_t step = layout->group, red = layout->red, green = layout->green, blue = layout->blue;
    for (size_t x = 0; x < width; x++, row += step)
        out[x] = (uint8_t)((299 * row[red] + 587 * row[green] + 114 * row[blue] + 500) / 1000);
}

/* A sum in 65536ths, half of one already added, as a byte. Two selections and no jump, which noise would mispredict. */
static inline uint8_t to_byte(int sum) {
    sum = sum < 0 ? 0 : sum;
    sum = sum > 0xffffff ? 0xffffff : sum;
    return (uint8_t)(sum >> 16);
}

static void gray_of_luma_row(const color_coefficients *c, const uint8_t *luma, size_t step, size_t width,
                             uint8_t *out) {
    for (size_t x = 0; x < width; x++, luma += step) out[x] = to_byte(c->y * (*luma - c->black) + 32768);
}

/* What U and V of a pair add to the R, G and B of each of its pixels, with what luma and rounding add to all of them. */
typedef struct chroma_terms {
    int red, green, blue;
} chroma_terms;

static inline chroma_terms add_chroma(const color_coefficients *c, int u, int v) {
    const int all = 32768 - c->y * c->black;
    return (chroma_terms){all + c->rv * (v - 128), all - c->gu * (u - 128) - c->gv * (v - 128),
                          all + c->bu * (u - 128)};
}

static inline void write_rgb(int luma, chroma_terms chroma, uint8_t *out) {
    out[0] = to_byte(luma + chroma.red);
    out[1] = to_byte(luma + chroma.green);
    out[2] = to_byte(luma + chroma.blue);
}

/* Inlined for each pair of steps, which then are numbers. */
static inline __attribute__((always_inline)) void rgb_of_luma_steps(const color_coefficients *c, const uint8_t *luma,
                                                                    const uint8_t *u, const uint8_t *v,
                                                                    size_t luma_step, size_t chroma_step, size_t width,
                                                                    uint8_t *out) {
    const color_coefficients k = *c;
    for (size_t pair = 0; pair < width / 2; pair++, out += 6) {
        chroma_terms chroma = add_chroma(&k, u[pair * chroma_step], v[pair * chroma_step]);
        write_rgb(k.y * luma[2 * pair * luma_step], chroma, out);
        write_rgb(k.y * luma[(2 * pair + 1) * luma_step], chroma, out + 3);
    }
    if (width % 2)
        write_rgb(k.y * luma[(width - 1) * luma_step],
                  add_chroma(&k, u[width / 2 * chroma_step], v[width / 2 * chroma_step]), out);
}

static void rgb_of_luma_row(const pixel_layout *layout, const color_coefficients *c, const uint8_t *luma,
                            const uint8_t *u, const uint8_t *v, size_t width, uint8_t *out) {
    if (layout->chroma_step == 2) {
        rgb_of_luma_steps(c, luma, u, v, 1, 2, width, out);
    } else if (layout->chroma_step == 1) {
        rgb_of_luma_steps(c, luma, u, v, 1, 1, width, out);
    } else {
        assert(layout->luma_step == 2 && layout->chroma_step == 4);
        rgb_of_luma_steps(c, luma, u, v, 2, 4, width, out);
    }
}

/* ---- Frames ---- */

static void convert_row(const qn_frame *frame, size_t y, int channels, uint8_t *out) {
    const pixel_layout *layout = &layouts[frame->format];
    const uint8_t *row = frame->planes[0] + y * frame->stride_bytes[0];
    const size_t width = (size_t)frame->width;
    if (!layout->luma_step) {
        channels == 3 ? reorder_row(layout, row, width, out) : gray_of_packed_row(layout, row, width, out);
        return;
    }
    const color_coefficients *c = &coefficients[frame->matrix][frame->range];
    if (channels == 1) {
        gray_of_luma_row(c, row, layout->luma_step, width, out);
        return;
    }
    const size_t pair_row = y / layout->pair_rows;
    const int u = layout->u_plane, v = layout->v_plane;
    rgb_of_luma_row(layout, c, row, frame->planes[u] + pair_row * frame->stride_bytes[u] + layout->u_offset,
                    frame->planes[v] + pair_row * frame->stride_bytes[v] + layout->v_offset, width, out);
}

/* The frame is checked and `out` large enough. */
static void convert_rows(const qn_frame *frame, int channels, uint8_t *out, size_t stride_bytes) {
    for (size_t y = 0; y < (size_t)frame->height; y++) convert_row(frame, y, channels, out + y * stride_bytes);
}

qn_status *qn_frame_convert(const qn_frame *frame, int channels, void *out_pixels, size_t stride_bytes,
                            size_t out_bytes) {
    QN_ENTER();
    QN_REQUIRE_ARG(frame);
    QN_REQUIRE_ARG(out_pixels);
    QN_TRY(check_frame(frame, channels));
    const size_t row_bytes = (size_t)frame->width * (size_t)channels;
    if (stride_bytes < row_bytes)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "the rows to be written are %zu bytes apart, %d pixels of %d channels need %zu", stride_bytes,
                      frame->width, channels, row_bytes);
    const size_t bytes = span_bytes(row_bytes, stride_bytes, (size_t)frame->height);
    if (!bytes || bytes > out_bytes)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%zu bytes were given to write to, too few for %d rows of %zu bytes, %zu bytes apart", out_bytes,
                      frame->height, row_bytes, stride_bytes);
    convert_rows(frame, channels, out_pixels, stride_bytes);
    return NULL;
}

qn_status *qn_image_from_frame(const qn_frame *frame, int channels, const qn_allocator *allocator,
                               qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(frame);
    QN_TRY(check_frame(frame, channels));
    if ((int64_t)frame->width * frame->height > QN_IMAGE_PIXELS_MAX)
        return QN_ERR(QN_LIMIT, "frame of %d x %d pixels is above the limit of %d pixels", frame->width, frame->height,
                      QN_IMAGE_PIXELS_MAX);
    QN_TRY(qn_image_init_raw(frame->width, frame->height, channels, allocator, out_image));
    convert_rows(frame, channels, out_image->data, out_image->stride_bytes);
    return NULL;
}
