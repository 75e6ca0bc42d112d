#include "image/codec.h"

#include "base/entry.h"

/* How a packed format keeps a pixel: bytes from one to the next, and where R, G and B are. One row per format. */
static const struct {
    const char *name;
    size_t pixel_bytes;
    uint8_t red, green, blue;
} formats[QN_PIXEL_FORMAT_COUNT] = {
    [QN_PIXEL_RGB] = {"RGB", 3, 0, 1, 2},   [QN_PIXEL_BGR] = {"BGR", 3, 2, 1, 0},
    [QN_PIXEL_RGBA] = {"RGBA", 4, 0, 1, 2}, [QN_PIXEL_BGRA] = {"BGRA", 4, 2, 1, 0},
    [QN_PIXEL_GRAY] = {"GRAY", 1, 0, 0, 0}, [QN_PIXEL_NV12] = {"NV12", 1, 0, 0, 0},
};

static qn_status *check_plane(const qn_frame *frame, int plane, size_t row_bytes) {
    const char *name = formats[frame->format].name;
    if (!frame->planes[plane]) return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: plane %d is NULL", name, plane);
    if (frame->stride_bytes[plane] < row_bytes)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s frame: the stride of plane %d is %zu bytes, a row of %d pixels needs %zu", name, plane,
                      frame->stride_bytes[plane], frame->width, row_bytes);
    return NULL;
}

static qn_status *check_frame(const qn_frame *frame, int channels) {
    if ((unsigned)frame->format >= QN_PIXEL_FORMAT_COUNT)
        return QN_ERR(QN_INVALID_ARGUMENT, "there is no pixel format %d", (int)frame->format);
    if (channels != 1 && channels != 3) return QN_ERR(QN_INVALID_ARGUMENT, "channels is %d, expected 1 or 3", channels);
    if (frame->width < 1 || frame->height < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s frame: %d x %d pixels, expected at least 1 x 1",
                      formats[frame->format].name, frame->width, frame->height);
    QN_TRY(check_plane(frame, 0, (size_t)frame->width * formats[frame->format].pixel_bytes));
    if (frame->format != QN_PIXEL_NV12) return NULL;
    return check_plane(frame, 1, ((size_t)frame->width + 1) / 2 * 2);
}

static uint8_t clamp_byte(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* The pixel in column `x` of a row; `chroma` is the NV12 row of pairs. */
static void read_pixel(const qn_frame *frame, const uint8_t *row, const uint8_t *chroma, size_t x, uint8_t out[3]) {
    const uint8_t *pixel = row + x * formats[frame->format].pixel_bytes;
    if (frame->format != QN_PIXEL_NV12) {
        out[0] = pixel[formats[frame->format].red];
        out[1] = pixel[formats[frame->format].green];
        out[2] = pixel[formats[frame->format].blue];
        return;
    }
    int y = 298 * (*pixel - 16) + 128, u = chroma[x / 2 * 2] - 128, v = chroma[x / 2 * 2 + 1] - 128;
    out[0] = clamp_byte((y + 409 * v) >> 8);
    out[1] = clamp_byte((y - 100 * u - 208 * v) >> 8);
    out[2] = clamp_byte((y + 516 * u) >> 8);
}

/* One sample of gray. */
static uint8_t read_gray(const qn_frame *frame, const uint8_t *row, const uint8_t *chroma, size_t x) {
    uint8_t rgb[3];
    if (frame->format == QN_PIXEL_GRAY) return row[x];
    if (frame->format == QN_PIXEL_NV12) return clamp_byte((298 * (row[x] - 16) + 128) >> 8);
    read_pixel(frame, row, chroma, x, rgb);
    return (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

qn_status *qn_image_from_frame(const qn_frame *frame, int channels, const qn_allocator *allocator,
                               qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(frame);
    QN_TRY(check_frame(frame, channels));
    QN_TRY(qn_image_init(frame->width, frame->height, channels, allocator, out_image));
    for (size_t y = 0; y < (size_t)frame->height; y++) {
        const uint8_t *row = frame->planes[0] + y * frame->stride_bytes[0];
        const uint8_t *chroma =
            frame->format == QN_PIXEL_NV12 ? frame->planes[1] + y / 2 * frame->stride_bytes[1] : NULL;
        uint8_t *out = out_image->data + y * out_image->stride_bytes;
        for (size_t x = 0; x < (size_t)frame->width; x++, out += channels) {
            if (channels == 3)
                read_pixel(frame, row, chroma, x, out);
            else
                *out = read_gray(frame, row, chroma, x);
        }
    }
    return NULL;
}
