#include "image/codec.h"

#include "base/entry.h"
#include "base/file.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct png_state {
    const qn_image *image;
    const qn_image_palette *palette;
    png_structp png;
    png_infop info;
    qn_buffer buffer;
    jmp_buf jump;
    char message[160];
} png_state;

static void on_error(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    snprintf(state->message, sizeof state->message, "%s", message);
    longjmp(state->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_write(png_structp png, png_bytep data, png_size_t bytes) {
    png_state *state = png_get_io_ptr(png);
    qn_buffer_append(&state->buffer, data, bytes);
    if (state->buffer.failed) png_error(png, "out of memory");
}

static void on_flush(png_structp png) { (void)png; }

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes) {
    const qn_allocator *allocator = png_get_mem_ptr(png);
    return allocator->alloc(allocator->self, bytes, 16);
}

static void on_free(png_structp png, png_voidp block) {
    const qn_allocator *allocator = png_get_mem_ptr(png);
    allocator->free(allocator->self, block);
}

static void set_palette(const png_state *state) {
    png_color colors[QN_IMAGE_CLASSES_MAX];
    for (int i = 0; i < QN_IMAGE_CLASSES_MAX; ++i) {
        const uint8_t *color = state->palette->colors[i];
        colors[i] = (png_color){color[0], color[1], color[2]};
    }
    png_set_PLTE(state->png, state->info, colors, QN_IMAGE_CLASSES_MAX);
}

static int write_all(png_state *state) {
    if (setjmp(state->jump)) return 0;
    const qn_image *image = state->image;
    const int color = image->channels == 3 ? PNG_COLOR_TYPE_RGB
                      : state->palette     ? PNG_COLOR_TYPE_PALETTE
                                           : PNG_COLOR_TYPE_GRAY;
    png_set_user_limits(state->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(state->png, state, on_write, on_flush);
    png_set_IHDR(state->png, state->info, (png_uint_32)image->width, (png_uint_32)image->height, 8, color,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (color == PNG_COLOR_TYPE_PALETTE) set_palette(state);
    /* Neighbouring labels are equal rather than similar, so filters only hurt; photos gain from all of them, and then
       come out of level 3 no larger than of 6, in half the time. */
    png_set_filter(state->png, PNG_FILTER_TYPE_BASE, image->channels == 3 ? PNG_ALL_FILTERS : PNG_FILTER_NONE);
    png_set_compression_level(state->png, image->channels == 3 ? 3 : 6);
    png_write_info(state->png, state->info);
    for (int y = 0; y < image->height; ++y) png_write_row(state->png, image->data + (size_t)y * image->stride_bytes);
    png_write_end(state->png, state->info);
    return 1;
}

qn_status *qn_image_encode_png(const qn_image *image, const qn_image_palette *palette, const qn_allocator *allocator,
                               qn_image_buffer *out_buffer) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_buffer);
    *out_buffer = (qn_image_buffer){0};
    QN_REQUIRE_ARG(image);
    QN_TRY(qn_image_check(image));
    if (palette && image->channels != 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "an indexed PNG needs a label map of 1 channel, found a picture of %d",
                      image->channels);
    allocator = qn_allocator_or_default(allocator);
    png_state state = {.image = image, .palette = palette};
    qn_buffer_init(&state.buffer, allocator);
    state.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning, (png_voidp)allocator,
                                          on_alloc, on_free);
    if (!state.png) return qn_status_out_of_memory();
    state.info = png_create_info_struct(state.png);
    qn_status *status = NULL;
    if (state.info && write_all(&state)) {
        *out_buffer = (qn_image_buffer){state.buffer.data, state.buffer.size, allocator};
    } else {
        status = !state.info || strstr(state.message, "memory")
                     ? qn_status_out_of_memory()
                     : QN_ERR(QN_INTERNAL, "libpng refused to write %d x %d pixels: %s", image->width, image->height,
                              state.message);
        qn_buffer_deinit(&state.buffer);
    }
    png_destroy_write_struct(&state.png, &state.info);
    return status;
}

qn_status *qn_image_save_png(const char *path, const qn_image *image, const qn_image_palette *palette) {
    QN_ENTER();
    QN_REQUIRE_ARG(path);
    QN_REQUIRE_ARG(image);
    qn_image_buffer buffer;
    QN_TRY_CTX(qn_image_encode_png(image, palette, NULL, &buffer), "%s", path);
    qn_status *status = qn_file_write_atomic(path, buffer.data, buffer.bytes);
    qn_image_buffer_deinit(&buffer);
    return status;
}
