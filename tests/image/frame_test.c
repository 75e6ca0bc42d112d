#include "samples.h"

#include <math.h>

static void packed_formats_come_out_in_red_green_blue_order(void **state) {
    (void)state;
    static const uint8_t rgb[] = {1, 2, 3, 4, 5, 6}, bgra[] = {3, 2, 1, 9, 6, 5, 4, 9},
                         rgba[] = {1, 2, 3, 9, 4, 5, 6, 9}, bgr[] = {3, 2, 1, 6, 5, 4};
    const qn_frame frames[] = {{QN_PIXEL_RGB, 2, 1, {rgb}, {6}, 0, 0},
                               {QN_PIXEL_BGR, 2, 1, {bgr}, {6}, 0, 0},
                               {QN_PIXEL_RGBA, 2, 1, {rgba}, {8}, 0, 0},
                               {QN_PIXEL_BGRA, 2, 1, {bgra}, {8}, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        qn_image out;
        assert_ok(qn_image_from_frame(&frames[i], 3, NULL, &out));
        assert_memory_equal(out.data, rgb, 6);
        qn_image_deinit(&out);
    }
}

static void padding_between_rows_is_skipped(void **state) {
    (void)state;
    static const uint8_t gray[] = {1, 2, 99, 99, 3, 4};
    const qn_frame frame = {QN_PIXEL_GRAY, 2, 2, {gray}, {4}, 0, 0};
    qn_image out;
    assert_ok(qn_image_from_frame(&frame, 1, NULL, &out));
    assert_memory_equal(out.data, ((uint8_t[]){1, 2, 3, 4}), 4);
    qn_image_deinit(&out);
    assert_ok(qn_image_from_frame(&frame, 3, NULL, &out));
    assert_memory_equal(out.data, ((uint8_t[]){1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}), 12);
    qn_image_deinit(&out);
}

/* ---- Luma and chroma ---- */

static const struct {
    qn_color_matrix matrix;
    qn_color_range range;
    double error; /* the largest over all Y, U and V, measured; quench/image.h names them */
} colors[] = {{QN_COLOR_BT601, QN_COLOR_LIMITED, 0.771},
              {QN_COLOR_BT601, QN_COLOR_FULL, 0.502},
              {QN_COLOR_BT709, QN_COLOR_LIMITED, 0.502},
              {QN_COLOR_BT709, QN_COLOR_FULL, 0.502}};
enum { COLORS = sizeof colors / sizeof *colors };

static double clamped(double value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

/* The standards' formula as they derive it: luma and differences of colour to their nominal ranges, then R and B from
   the differences, then G from the luma, of which it is what red and blue leave. */
static void exact_rgb(int color, int y, int u, int v, double out_rgb[3]) {
    const int is_709 = colors[color].matrix == QN_COLOR_BT709, is_full = colors[color].range == QN_COLOR_FULL;
    const double kr = is_709 ? 0.2126 : 0.299, kb = is_709 ? 0.0722 : 0.114;
    const double luma = is_full ? y / 255.0 : (y - 16) / 219.0, reach = is_full ? 255.0 : 224.0;
    const double pb = (u - 128) / reach, pr = (v - 128) / reach; /* -0.5 .. 0.5 */
    const double r = luma + 2 * (1 - kr) * pr, b = luma + 2 * (1 - kb) * pb,
                 g = (luma - kr * r - kb * b) / (1 - kr - kb);
    out_rgb[0] = clamped(255 * r), out_rgb[1] = clamped(255 * g), out_rgb[2] = clamped(255 * b);
}

/* Every luma beside a grid of chroma that holds 0, 128 and 255. */
static void luma_and_chroma_follow_their_standard_within_the_error_stated(void **state) {
    (void)state;
    static uint8_t luma[256], chroma[256], out[768];
    for (int color = 0; color < COLORS; color++)
        for (int u = 0; u < 256; u += u == 125 ? 3 : u == 128 ? 2 : 5)
            for (int v = 0; v < 256; v += v == 125 ? 3 : v == 128 ? 2 : 5) {
                for (int i = 0; i < 256; i++) {
                    luma[i] = (uint8_t)i;
                    chroma[i] = (uint8_t)(i % 2 ? v : u);
                }
                const qn_frame frame = {.format = QN_PIXEL_NV12,
                                        .width = 256,
                                        .height = 1,
                                        .planes = {luma, chroma},
                                        .stride_bytes = {256, 256},
                                        .matrix = colors[color].matrix,
                                        .range = colors[color].range};
                assert_ok(qn_frame_convert(&frame, 3, out, sizeof out, sizeof out));
                for (int y = 0; y < 256; y++) {
                    double exact[3];
                    exact_rgb(color, y, u, v, exact);
                    for (int c = 0; c < 3; c++)
                        if (fabs(out[3 * y + c] - exact[c]) > colors[color].error)
                            fail_msg("matrix and range %d: %d %d %d: channel %d is %d, exactly %.4f", color, y, u, v, c,
                                     out[3 * y + c], exact[c]);
                }
            }
}

/* A frame that names neither matrix nor range is what it has been since 0.1: BT.601, limited, in 256ths. */
static void nv12_without_matrix_and_range_is_bt601_limited_in_256ths(void **state) {
    (void)state;
    for (int u = 0; u < 256; u += 17)
        for (int v = 0; v < 256; v += 17)
            for (int y = 0; y < 256; y++) {
                const uint8_t luma = (uint8_t)y, chroma[2] = {(uint8_t)u, (uint8_t)v};
                const qn_frame frame = {.format = QN_PIXEL_NV12,
                                        .width = 1,
                                        .height = 1,
                                        .planes = {&luma, chroma},
                                        .stride_bytes = {1, 2}};
                const int l = 298 * (y - 16) + 128;
                const int sums[3] = {l + 409 * (v - 128), l - 100 * (u - 128) - 208 * (v - 128), l + 516 * (u - 128)};
                uint8_t out[3];
                assert_ok(qn_frame_convert(&frame, 3, out, 3, 3));
                for (int c = 0; c < 3; c++) assert_int_equal(out[c], (int)clamped(floor(sums[c] / 256.0)));
            }
}

static void black_white_gray_and_the_pure_colors_come_out_as_such(void **state) {
    (void)state;
    static const struct {
        int color;
        uint8_t y, u, v, rgb[3];
    } cases[] = {
        {0, 16, 128, 128, {0, 0, 0}},        {0, 235, 128, 128, {255, 255, 255}}, {0, 126, 128, 128, {128, 128, 128}},
        {0, 81, 90, 240, {255, 0, 0}},       {0, 145, 54, 34, {0, 255, 1}},       {0, 41, 240, 110, {0, 0, 255}},
        {1, 0, 128, 128, {0, 0, 0}},         {1, 255, 128, 128, {255, 255, 255}}, {1, 128, 128, 128, {128, 128, 128}},
        {1, 76, 85, 255, {254, 0, 0}},       {1, 150, 44, 21, {0, 255, 1}},       {1, 29, 255, 107, {0, 0, 254}},
        {2, 16, 128, 128, {0, 0, 0}},        {2, 235, 128, 128, {255, 255, 255}}, {2, 63, 102, 240, {255, 1, 0}},
        {2, 173, 42, 26, {0, 255, 1}},       {2, 32, 240, 118, {1, 0, 255}},      {3, 0, 128, 128, {0, 0, 0}},
        {3, 255, 128, 128, {255, 255, 255}}, {3, 54, 99, 255, {254, 0, 0}},       {3, 182, 30, 12, {0, 255, 0}},
        {0, 0, 0, 0, {0, 135, 0}},           {0, 255, 255, 255, {255, 125, 255}}, {3, 255, 0, 255, {255, 220, 17}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t chroma[2] = {cases[i].u, cases[i].v};
        const qn_frame frame = {.format = QN_PIXEL_NV12,
                                .width = 1,
                                .height = 1,
                                .planes = {&cases[i].y, chroma},
                                .stride_bytes = {1, 2},
                                .matrix = colors[cases[i].color].matrix,
                                .range = colors[cases[i].color].range};
        uint8_t out[3];
        assert_ok(qn_frame_convert(&frame, 3, out, 3, 3));
        if (memcmp(out, cases[i].rgb, 3))
            fail_msg("case %zu: %d %d %d, expected %d %d %d", i, out[0], out[1], out[2], cases[i].rgb[0],
                     cases[i].rgb[1], cases[i].rgb[2]);
    }
}

/* 8 x 2 pixels, and what libswscale 9.5.102 (by PyAV 18.1.0: VideoFrame.reformat from yuv444p, each U and V given to its
   2 x 2 pixels, to rgb24 of full range) makes of them for each matrix and range. OpenCV 5.0.0's COLOR_YUV2RGB_NV12, which
   is BT.601 limited and replicates chroma too, differs by at most 1 from quench over all Y from 16 on; below, it takes Y
   for 16. */
static const uint8_t sample_luma[16] = {16, 235, 63, 173, 41, 120, 200, 90, 32, 78, 145, 210, 255, 0, 180, 128};
static const uint8_t sample_u[4] = {128, 102, 200, 90}, sample_v[4] = {128, 240, 60, 150};
static const uint8_t swscale[COLORS][48] = {
    {0,  0,  0,  255, 255, 255, 233, 0,  2,  255, 102, 130, 0,   56,  174, 13, 148, 255, 249, 211, 138, 121, 83,  10,
     19, 19, 19, 72,  72,  72,  255, 69, 98, 255, 145, 173, 170, 255, 255, 0,  8,   127, 226, 188, 114, 166, 127, 54},
    {16, 16, 16, 235, 235, 235, 220, 0,  17, 255, 102, 127, 0,   65,  169, 25, 144, 248, 231, 197, 133, 121, 87,  23,
     32, 32, 32, 78,  78,  78,  255, 74, 99, 255, 139, 164, 160, 255, 255, 0,  24,  128, 211, 177, 113, 159, 125, 61},
    {0,  0,  0,  255, 255, 255, 255, 1,  0,  255, 129, 128, 0,   50,  181, 0, 142, 255, 254, 211, 134, 126, 83,  6,
     19, 19, 19, 72,  72,  72,  255, 96, 95, 255, 172, 171, 156, 255, 255, 0, 2,   133, 230, 187, 111, 170, 127, 50},
    {16, 16, 16, 235, 235, 235, 239, 15, 15, 255, 125, 125, 0,   59,  175, 13, 138, 254, 235, 197, 129, 125, 87,  19,
     32, 32, 32, 78,  78,  78,  255, 97, 97, 255, 162, 162, 148, 255, 255, 0,  18,  134, 215, 177, 109, 163, 125, 57},
};

static void other_programs_convert_the_same_to_one_step(void **state) {
    (void)state;
    uint8_t chroma[8], out[48];
    for (int i = 0; i < 4; i++) chroma[2 * i] = sample_u[i], chroma[2 * i + 1] = sample_v[i];
    for (int color = 0; color < COLORS; color++) {
        const qn_frame frame = {.format = QN_PIXEL_NV12,
                                .width = 8,
                                .height = 2,
                                .planes = {sample_luma, chroma},
                                .stride_bytes = {8, 8},
                                .matrix = colors[color].matrix,
                                .range = colors[color].range};
        assert_ok(qn_frame_convert(&frame, 3, out, 24, sizeof out));
        for (int i = 0; i < 48; i++) assert_in_range(out[i] + 1 - swscale[color][i], 0, 2);
        if (color > 0) assert_memory_equal(out, swscale[color], 48);
    }
}

static void gray_of_luma_and_chroma_is_the_luma_over_the_full_range(void **state) {
    (void)state;
    static const uint8_t yuyv[] = {16, 3, 126, 250, 235, 9, 255, 77};
    qn_frame frame = {.format = QN_PIXEL_YUYV, .width = 4, .height = 1, .planes = {yuyv}, .stride_bytes = {8}};
    uint8_t out[4];
    assert_ok(qn_frame_convert(&frame, 1, out, 4, 4));
    assert_memory_equal(out, ((uint8_t[]){0, 128, 255, 255}), 4);
    frame.range = QN_COLOR_FULL;
    assert_ok(qn_frame_convert(&frame, 1, out, 4, 4));
    assert_memory_equal(out, ((uint8_t[]){16, 126, 235, 255}), 4);
}

/* ---- Layouts ---- */

/* One picture in the four formats of luma and chroma, in planes exactly as large as documented, so that the sanitizer
   watches their ends. The chroma of 2k and 2k + 1 rows of YUYV is that of row k of the others. */
typedef struct same_picture {
    uint8_t *planes[8];
    qn_frame frames[4];
} same_picture;

static uint8_t *new_plane(same_picture *s, int index, size_t row, size_t stride, size_t rows) {
    const size_t bytes = stride * (rows - 1) + row;
    s->planes[index] = malloc(bytes);
    memset(s->planes[index], 0xee, bytes);
    return s->planes[index];
}

static void same_picture_init(same_picture *s, int width, int height, size_t padding) {
    const size_t w = (size_t)width, h = (size_t)height, half = (w + 1) / 2, rows = (h + 1) / 2;
    const size_t stride = w + padding, pairs = 2 * half + padding, samples = half + padding,
                 groups = 4 * half + padding;
    uint8_t *luma = new_plane(s, 0, w, stride, h), *uv = new_plane(s, 1, 2 * half, pairs, rows);
    uint8_t *vu = new_plane(s, 2, 2 * half, pairs, rows), *u = new_plane(s, 3, half, samples, rows);
    uint8_t *v = new_plane(s, 4, half, samples, rows), *yuyv = new_plane(s, 5, 4 * half, groups, h);
    uint32_t random = (uint32_t)(width * 1000 + height);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            random = random * 1664525 + 1013904223;
            luma[y * stride + x] = yuyv[y * groups + 2 * x] = (uint8_t)(random >> 24);
            if (y % 2 == 0 && x % 2 == 0) {
                size_t row = y / 2, pair = x / 2;
                uv[row * pairs + 2 * pair] = vu[row * pairs + 2 * pair + 1] = u[row * samples + pair] =
                    (uint8_t)(random >> 16);
                uv[row * pairs + 2 * pair + 1] = vu[row * pairs + 2 * pair] = v[row * samples + pair] =
                    (uint8_t)(random >> 8);
            }
            yuyv[y * groups + x / 2 * 4 + 1] = u[y / 2 * samples + x / 2];
            yuyv[y * groups + x / 2 * 4 + 3] = v[y / 2 * samples + x / 2];
        }
    s->frames[0] = (qn_frame){QN_PIXEL_NV12, width, height, {luma, uv}, {stride, pairs}, 0, 0};
    s->frames[1] = (qn_frame){QN_PIXEL_NV21, width, height, {luma, vu}, {stride, pairs}, 0, 0};
    s->frames[2] = (qn_frame){QN_PIXEL_I420, width, height, {luma, u, v}, {stride, samples, samples}, 0, 0};
    s->frames[3] = (qn_frame){QN_PIXEL_YUYV, width, height, {yuyv}, {groups}, 0, 0};
}

static void same_picture_deinit(same_picture *s) {
    for (int i = 0; i < 6; i++) free(s->planes[i]);
}

/* What pixel x, y is, read from the frame in NV12 alone. */
static void expect_pixel(const qn_frame *nv12, int color, int x, int y, const uint8_t *out) {
    const uint8_t *pair = nv12->planes[1] + (size_t)(y / 2) * nv12->stride_bytes[1] + x / 2 * 2;
    double exact[3];
    exact_rgb(color, nv12->planes[0][(size_t)y * nv12->stride_bytes[0] + (size_t)x], pair[0], pair[1], exact);
    for (int c = 0; c < 3; c++) assert_true(fabs(out[c] - exact[c]) <= colors[color].error);
}

static void one_picture_is_the_same_in_all_formats_of_odd_sizes_and_long_strides(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {3, 3}, {1, 4}, {4, 1}, {7, 2}, {6, 5}, {33, 17}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int color = 0; color < COLORS; color++) {
            const size_t w = (size_t)sizes[i][0], h = (size_t)sizes[i][1], padding = i % 3 * 5,
                         stride = 3 * w + padding;
            const size_t bytes = stride * (h - 1) + 3 * w;
            same_picture s;
            same_picture_init(&s, sizes[i][0], sizes[i][1], padding);
            uint8_t *first = malloc(bytes), *other = malloc(bytes);
            memset(first, 0x5a, bytes), memset(other, 0x5a, bytes);
            for (int format = 0; format < 4; format++) {
                s.frames[format].matrix = colors[color].matrix;
                s.frames[format].range = colors[color].range;
                assert_ok(qn_frame_convert(&s.frames[format], 3, format ? other : first, stride, bytes));
                if (format) assert_memory_equal(other, first, bytes);
            }
            for (size_t y = 0; y < h; y++) {
                for (size_t x = 0; x < w; x++)
                    expect_pixel(&s.frames[0], color, (int)x, (int)y, first + y * stride + 3 * x);
                for (size_t x = 3 * w; x < stride && y + 1 < h; x++) assert_int_equal(first[y * stride + x], 0x5a);
            }
            free(first), free(other);
            same_picture_deinit(&s);
        }
}

static void odd_nv12_frames_read_the_last_pair_for_one_column_and_row(void **state) {
    (void)state;
    uint8_t *luma = malloc(9), *chroma = malloc(8); /* exactly as large as documented: the sanitizer watches the ends */
    memset(luma, 126, 9);
    memset(chroma, 128, 8);
    chroma[7] = 255; /* V of the pair of the last pixel */
    const qn_frame frame = {QN_PIXEL_NV12, 3, 3, {luma, chroma}, {3, 4}, 0, 0};
    qn_image out;
    assert_ok(qn_image_from_frame(&frame, 3, NULL, &out));
    assert_int_equal(out.data[0], 128);
    assert_int_equal(out.data[3 * 8], 255);
    qn_image_deinit(&out);
    free(luma), free(chroma);
}

static void assert_refused(const qn_frame *frame) {
    qn_image image;
    uint8_t out[64] = {0}, nothing[64] = {0};
    qn_status *status = qn_image_from_frame(frame, 3, NULL, &image);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_null(image.data);
    qn_status_free(status);
    status = qn_frame_convert(frame, 3, out, 9, sizeof out);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_memory_equal(out, nothing, sizeof out);
    qn_status_free(status);
}

static void frames_that_contradict_themselves_are_refused(void **state) {
    (void)state;
    static const uint8_t bytes[64];
    const uint8_t *b = bytes;
    const size_t far = SIZE_MAX / 2;
    const qn_frame frames[] = {{QN_PIXEL_RGB, 2, 1, {NULL}, {6}, 0, 0},
                               {QN_PIXEL_RGB, 2, 1, {b}, {5}, 0, 0},
                               {QN_PIXEL_RGB, 0, 1, {b}, {6}, 0, 0},
                               {QN_PIXEL_RGB, 2, 0, {b}, {6}, 0, 0},
                               {QN_PIXEL_RGB, -2, 1, {b}, {6}, 0, 0},
                               {QN_PIXEL_RGB, 2, 3, {b}, {far}, 0, 0},
                               {QN_PIXEL_NV12, 2, 2, {b, NULL}, {2, 2}, 0, 0},
                               {QN_PIXEL_NV12, 3, 2, {b, b}, {3, 3}, 0, 0},
                               {QN_PIXEL_NV21, 3, 2, {b, b}, {2, 4}, 0, 0},
                               {QN_PIXEL_NV21, 2, 5, {b, b}, {2, far}, 0, 0},
                               {QN_PIXEL_I420, 3, 2, {b, NULL, b}, {3, 2, 2}, 0, 0},
                               {QN_PIXEL_I420, 3, 2, {b, b, NULL}, {3, 2, 2}, 0, 0},
                               {QN_PIXEL_I420, 3, 2, {b, b, b}, {3, 1, 2}, 0, 0},
                               {QN_PIXEL_I420, 3, 2, {b, b, b}, {3, 2, 1}, 0, 0},
                               {QN_PIXEL_YUYV, 3, 2, {NULL}, {8}, 0, 0},
                               {QN_PIXEL_YUYV, 3, 2, {b}, {7}, 0, 0},
                               {QN_PIXEL_YUYV, 2, 2, {b}, {8}, (qn_color_matrix)9, 0},
                               {QN_PIXEL_YUYV, 2, 2, {b}, {8}, 0, (qn_color_range)2},
                               {(qn_pixel_format)77, 2, 1, {b}, {6}, 0, 0}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) assert_refused(&frames[i]);
    qn_image out;
    const qn_frame gray = {QN_PIXEL_GRAY, 2, 2, {bytes}, {2}, 0, 0};
    assert_error(qn_image_from_frame(&gray, 2, NULL, &out), QN_INVALID_ARGUMENT, "channels is 2", NULL);
    const qn_frame huge = {QN_PIXEL_GRAY, 1 << 15, 1 << 15, {bytes}, {1 << 15}, 0, 0};
    assert_error(qn_image_from_frame(&huge, 1, NULL, &out), QN_LIMIT, "32768 x 32768", NULL);
}

/* Exactly so many bytes as the header says are needed, and written: no more, and none less will do. */
static void memory_to_write_to_holds_its_rows_and_no_padding_behind_the_last(void **state) {
    (void)state;
    static const uint8_t gray[] = {1, 2, 3, 4};
    const qn_frame frame = {.format = QN_PIXEL_GRAY, .width = 2, .height = 2, .planes = {gray}, .stride_bytes = {2}};
    uint8_t *out = malloc(7);
    memset(out, 9, 7);
    assert_ok(qn_frame_convert(&frame, 1, out, 5, 7));
    assert_memory_equal(out, ((uint8_t[]){1, 2, 9, 9, 9, 3, 4}), 7);
    assert_error(qn_frame_convert(&frame, 1, out, 5, 6), QN_INVALID_ARGUMENT, "6 bytes were given", NULL);
    assert_error(qn_frame_convert(&frame, 3, out, 5, 7), QN_INVALID_ARGUMENT, "5 bytes apart", "need 6", NULL);
    assert_error(qn_frame_convert(&frame, 1, out, SIZE_MAX, SIZE_MAX), QN_INVALID_ARGUMENT, "too few", NULL);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_formats_come_out_in_red_green_blue_order),
        cmocka_unit_test(padding_between_rows_is_skipped),
        cmocka_unit_test(luma_and_chroma_follow_their_standard_within_the_error_stated),
        cmocka_unit_test(nv12_without_matrix_and_range_is_bt601_limited_in_256ths),
        cmocka_unit_test(black_white_gray_and_the_pure_colors_come_out_as_such),
        cmocka_unit_test(other_programs_convert_the_same_to_one_step),
        cmocka_unit_test(gray_of_luma_and_chroma_is_the_luma_over_the_full_range),
        cmocka_unit_test(one_picture_is_the_same_in_all_formats_of_odd_sizes_and_long_strides),
        cmocka_unit_test(odd_nv12_frames_read_the_last_pair_for_one_column_and_row),
        cmocka_unit_test(frames_that_contradict_themselves_are_refused),
        cmocka_unit_test(memory_to_write_to_holds_its_rows_and_no_padding_behind_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
