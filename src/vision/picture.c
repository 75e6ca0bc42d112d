/* Pictures as tensors, and back. */
#include "vision/vision.h"

#include <limits.h>

static void fill(const qn_vision *v, const qn_image *picture, qn_tensor *input) {
    const int channels = v->info.channels, is_planar = v->info.channel_axis < v->info.height_axis;
    const size_t height = (size_t)input->dims[v->info.height_axis],
                 width = (size_t)input->dims[v->info.height_axis + 1];
    const size_t step = is_planar ? 1 : (size_t)channels, plane = is_planar ? height * width : 1;
    for (int c = 0; c < channels; c++) {
        const int from = v->is_bgr ? channels - 1 - c : c;
        for (size_t y = 0; y < height; y++) {
            const uint8_t *row = y < (size_t)picture->height ? picture->data + y * picture->stride_bytes + from : NULL;
            size_t at = (size_t)c * plane + y * width * step;
            for (size_t x = 0; x < width; x++, at += step) {
                const uint8_t pixel = row && x < (size_t)picture->width ? row[x * (size_t)channels] : v->pad[c];
                if (v->info.dtype == QN_DTYPE_F32)
                    ((float *)input->data)[at] = ((float)pixel * v->scale - v->mean[c]) / v->deviation[c];
                else
                    ((uint8_t *)input->data)[at] = pixel;
            }
        }
    }
}

/* What pixel a number of the tensor stands for. */
static uint8_t to_pixel(const qn_vision *v, const qn_tensor *input, size_t at, int c) {
    if (v->info.dtype != QN_DTYPE_F32) return ((const uint8_t *)input->data)[at];
    const float pixel = (((const float *)input->data)[at] * v->deviation[c] + v->mean[c]) / v->scale;
    return pixel > 0 ? pixel < 255 ? (uint8_t)(pixel + 0.5f) : 255 : 0;
}

static qn_status *show(const qn_vision *v, const qn_tensor *input, qn_image *out_picture) {
    const int channels = v->info.channels, is_planar = v->info.channel_axis < v->info.height_axis;
    const size_t height = (size_t)input->dims[v->info.height_axis],
                 width = (size_t)input->dims[v->info.height_axis + 1];
    const size_t step = is_planar ? 1 : (size_t)channels, plane = is_planar ? height * width : 1;
    QN_TRY(qn_image_init((int)width, (int)height, channels, NULL, out_picture));
    for (int c = 0; c < channels; c++) {
        const int to = v->is_bgr ? channels - 1 - c : c;
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                out_picture->data[y * out_picture->stride_bytes + x * (size_t)channels + (size_t)to] =
                    to_pixel(v, input, (size_t)c * plane + (y * width + x) * step, c);
    }
    return NULL;
}

/* Is it a picture's tensor: of the model's type and rank, one picture, with its channels? */
static qn_status *check_tensor(const qn_vision *v, const qn_tensor *input) {
    const qn_vision_info *info = &v->info;
    char text[QN_DIMS_TEXT];
    int is_sound = input->data && input->dtype == info->dtype && input->rank == info->rank;
    for (int i = 0; i < info->rank && is_sound; i++) is_sound = input->dims[i] >= 1 && input->dims[i] <= INT_MAX;
    if (is_sound && (info->rank == 3 || input->dims[0] == 1) && input->dims[info->channel_axis] == info->channels)
        return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "the tensor is %s %s, expected %s with rank %d and %d channels at axis %d",
                  qn_dtype_numpy_name(input->dtype), qn_dims_print(input->rank, input->dims, text),
                  qn_dtype_numpy_name(info->dtype), info->rank, info->channels, info->channel_axis);
}

qn_status *qn_vision_fill(const qn_vision *vision, const qn_image *picture, qn_tensor *input) {
    QN_ENTER();
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(picture);
    QN_REQUIRE_ARG(input);
    QN_TRY(check_tensor(vision, input));
    QN_TRY(qn_image_check(picture));
    const int64_t *sides = &input->dims[vision->info.height_axis];
    if (picture->channels != vision->info.channels || picture->height > sides[0] || picture->width > sides[1])
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "the picture has %d channels and %dx%d pixels, expected %d channels and at most %lldx%lld",
                      picture->channels, picture->width, picture->height, vision->info.channels, (long long)sides[1],
                      (long long)sides[0]);
    fill(vision, picture, input);
    return NULL;
}

qn_status *qn_vision_show(const qn_vision *vision, const qn_tensor *input, qn_image *out_picture) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_picture);
    *out_picture = (qn_image){0};
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(input);
    QN_TRY(check_tensor(vision, input));
    return show(vision, input, out_picture);
}
