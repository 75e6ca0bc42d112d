/* PNG through libpng. libpng reports errors by longjmp: everything that must outlive one sits in png_state, which is
   on the frame that calls setjmp's function, and is released there. */
#include "image/codec.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct png_state {
    const qn_image_source *source;
    png_structp png;
    png_infop info;
    size_t at;          /* bytes read so far */
    uint64_t chunk_end; /* of the chunk being read */
    int in_pixels;      /* the chunk being read is one of pixels (IDAT) */
    int is_last;        /* the last row of pixels is being read, or was */
    uint64_t surplus;   /* bytes of pixels that were read since the last row began; at most surplus_max */
    uint64_t surplus_max;
    uint64_t work; /* bytes unpacked or so since the caller was asked whether to go on */
    qn_image *image;
    qn_status *status; /* of what failed outside libpng */
    uint8_t *wide;     /* pixels with alpha, before they are laid over white */
    int passes;        /* over all rows */
    int channels;      /* of the decoded rows, alpha included */
    int orientation;
    jmp_buf jump;
    char message[160];
} png_state;

static void on_error(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    snprintf(state->message, sizeof state->message, "%s", message);
    longjmp(state->jump, 1);
}

/* What libpng only warns about (odd but recoverable chunks) does not change the pixels. */
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

enum {
    UNPACKED_PER_BYTE = 256, /* what a byte of the file stands for when work is counted */
    ASK_EVERY = 1 << 20,     /* bytes of work: some milliseconds */
    SURPLUS = 1 << 16,       /* bytes of pixels behind the last row: some encoders are careless */
    CHUNK_BYTES = 12,        /* length, name and checksum */
    ROW_PIXELS_MIN = 32      /* a row costs as much as so many pixels, however short it is */
};

/* Ends the decoding where the caller wants it no more. */
static void count_work(png_state *state, uint64_t bytes) {
    state->work += bytes;
    if (state->work < ASK_EVERY) return;
    state->work = 0;
    state->status = qn_cancel_check(&state->source->cancel);
    if (state->status) png_error(state->png, "cancelled");
}

/* Follows the chunks: behind the last row a file can hide pixels that unpack to gigabytes of nothing. */
static void follow_chunks(png_state *state, const uint8_t *data, size_t bytes) {
    if (state->at == state->chunk_end && bytes == 8) {
        const uint32_t length = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
        state->chunk_end += (uint64_t)length + CHUNK_BYTES;
        state->in_pixels = !memcmp(data + 4, "IDAT", 4);
    }
    if (state->is_last && state->in_pixels) state->surplus += bytes;
    if (state->surplus > state->surplus_max) png_error(state->png, "it holds more pixels than its size says");
}

static void on_read(png_structp png, png_bytep out, png_size_t bytes) {
    png_state *state = png_get_io_ptr(png);
    const qn_bytes data = state->source->bytes;
    if (bytes > data.size - state->at) png_error(png, "the file is cut short");
    follow_chunks(state, data.data + state->at, bytes);
    count_work(state, (uint64_t)bytes * UNPACKED_PER_BYTE);
    memcpy(out, data.data + state->at, bytes);
    state->at += bytes;
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes) {
    const qn_allocator *allocator = png_get_mem_ptr(png);
    return allocator->alloc(allocator->self, bytes, 16);
}

static void on_free(png_structp png, png_voidp block) {
    const qn_allocator *allocator = png_get_mem_ptr(png);
    allocator->free(allocator->self, block);
}

/* Text, profiles and the like are skipped unread: they change no pixel and may unpack to a great deal. */
static void ignore_other_chunks(png_structp png) {
    static const png_byte names[] = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0"
                                    "sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

static const char *color_name(int color) {
    return color == PNG_COLOR_TYPE_RGB         ? "an RGB picture"
           : color == PNG_COLOR_TYPE_RGB_ALPHA ? "an RGB picture with alpha"
                                               : "a gray picture with alpha";
}

static qn_status *check_labels(const png_state *state, int color, int depth) {
    const char *name = state->source->name;
    if (color != PNG_COLOR_TYPE_GRAY && color != PNG_COLOR_TYPE_PALETTE)
        return QN_ERR(QN_UNSUPPORTED,
                      "%s: expected a label map (indexed or gray PNG, the value is the class), found %s; save the "
                      "masks as indexed PNG",
                      name, color_name(color));
    if (depth > 8)
        return QN_ERR(QN_UNSUPPORTED, "%s: expected a label map of at most 8 bits, found %d; labels are 0 .. 255", name,
                      depth);
    return NULL;
}

/* Deflate shrinks to no less than a 1032nd: a size that the file cannot hold is refused before memory is taken. */
static qn_status *check_plausible(const png_state *state, png_uint_32 height) {
    const size_t bytes = state->source->bytes.size, most = bytes < SIZE_MAX / 1032 ? bytes * 1032 : SIZE_MAX;
    if (png_get_rowbytes(state->png, state->info) <= most / height) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the PNG is cut short: %zu bytes cannot hold %u x %u pixels",
                  state->source->name, bytes, (unsigned)png_get_image_width(state->png, state->info), (unsigned)height);
}

static void set_transforms(png_state *state, int depth) {
    png_structp png = state->png;
    if (state->source->as_labels) {
        png_set_packing(png);
        return;
    }
    png_set_expand(png); /* palette to RGB, 1/2/4 bits to 8, transparent colours to alpha */
    if (depth == 16) png_set_scale_16(png);
}

/* Refuses before memory is taken. libpng keeps two rows, as they are stored or as they come out. */
static qn_status *check_cost(const png_state *state, png_uint_32 width, png_uint_32 height, int color) {
    const qn_image_source *source = state->source;
    const size_t stored = png_get_rowbytes(state->png, state->info), widest = (size_t)width * 4;
    const int has_alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(state->png, state->info, PNG_INFO_tRNS);
    const int channels = color & PNG_COLOR_MASK_COLOR && !source->as_labels ? 3 : 1;
    QN_TRY(qn_image_check_declared(source, width < ROW_PIXELS_MIN ? ROW_PIXELS_MIN : width, height));
    QN_TRY(check_plausible(state, height));
    const uint64_t rows = 2 * (uint64_t)(stored > widest ? stored : widest);
    const uint64_t wide = has_alpha ? (uint64_t)width * height * (uint64_t)(channels + 1) : 0;
    return qn_image_check_memory(source, width, height, channels, 0, rows + wide);
}

/* Decides on transforms and takes memory; 0 with state->status set on failure. */
static int prepare(png_state *state) {
    png_uint_32 width, height;
    int depth, color, interlace;
    png_get_IHDR(state->png, state->info, &width, &height, &depth, &color, &interlace, NULL, NULL);
    state->status = qn_image_check_declared(state->source, width, height);
    if (!state->status) state->status = check_cost(state, width, height, color);
    if (!state->status && state->source->as_labels) state->status = check_labels(state, color, depth);
    if (state->status) return 0;
    set_transforms(state, depth);
    state->passes = png_set_interlace_handling(state->png);
    state->surplus_max = SURPLUS + 3 * (uint64_t)png_get_rowbytes(state->png, state->info); /* two rows, packed badly */
    png_read_update_info(state->png, state->info);
    state->channels = png_get_channels(state->png, state->info);
    const int alpha = state->channels == 2 || state->channels == 4;
    state->status =
        qn_image_init_raw((int)width, (int)height, state->channels - alpha, state->source->allocator, state->image);
    if (state->status) return 0;
    const qn_allocator *allocator = state->source->allocator;
    const size_t row_bytes = (size_t)width * (size_t)state->channels;
    if (alpha) state->wide = allocator->alloc(allocator->self, row_bytes * height, 64);
    if (!alpha || state->wide) return 1;
    state->status = qn_status_out_of_memory();
    return 0;
}

/* libpng unpacks everything behind the last row together with the last row that a pass has: with interlacing that
   may be the last row but one, since some passes leave out every other row. */
static void read_rows(png_state *state) {
    const size_t row_bytes = (size_t)state->image->width * (size_t)state->channels,
                 height = (size_t)state->image->height;
    uint8_t *first = state->wide ? state->wide : state->image->data;
    for (int pass = 0; pass < state->passes; ++pass)
        for (size_t y = 0; y < height; ++y) {
            state->is_last = pass + 1 == state->passes && y + 2 >= height;
            png_read_row(state->png, first + row_bytes * y, NULL);
            count_work(state, row_bytes + ROW_PIXELS_MIN);
        }
}

static void read_orientation(png_state *state) {
    png_uint_32 bytes = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(state->png, state->info, &bytes, &exif) && exif)
        state->orientation = qn_image_exif_orientation((qn_bytes){exif, bytes});
}

/* 1 if the whole file was read; else state->status or state->message says why. */
static int read_all(png_state *state) {
    if (setjmp(state->jump)) return 0;
    png_set_read_fn(state->png, state, on_read);
    png_set_user_limits(state->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours give better messages */
    png_set_chunk_malloc_max(state->png, 8 << 20);
    ignore_other_chunks(state->png);
    png_read_info(state->png, state->info);
    if (!prepare(state)) return 0;
    read_rows(state);
    png_read_end(state->png, state->info); /* checks the end chunk; EXIF may stand there too */
    read_orientation(state);
    return 1;
}

static void lay_row_over_white(const uint8_t *wide, size_t pixels, int channels, uint8_t *out) {
    const int colors = channels - 1;
    for (size_t i = 0; i < pixels; ++i, wide += channels, out += colors) {
        const unsigned alpha = wide[colors];
        for (int c = 0; c < colors; ++c) out[c] = (uint8_t)((wide[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static qn_status *lay_over_white(const png_state *state, qn_image *image) {
    const size_t width = (size_t)image->width, row_bytes = width * (size_t)state->channels;
    for (size_t y = 0; y < (size_t)image->height; ++y) {
        if (y * width % ASK_EVERY < width) QN_TRY(qn_cancel_check(&state->source->cancel));
        lay_row_over_white(state->wide + y * row_bytes, width, state->channels, image->data + y * image->stride_bytes);
    }
    return NULL;
}

qn_status *qn_image_png_decode(const qn_image_source *source, qn_image *out_image, int *out_orientation) {
    png_state state = {.source = source, .image = out_image, .chunk_end = 8 /* of the signature */};
    state.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning,
                                         (png_voidp)source->allocator, on_alloc, on_free);
    if (!state.png) return qn_status_out_of_memory();
    state.info = png_create_info_struct(state.png);
    const int whole = state.info && read_all(&state);
    if (whole && state.wide) state.status = lay_over_white(&state, out_image);
    if (whole && state.orientation) *out_orientation = state.orientation;
    if (!whole && !state.status)
        state.status = state.info && !strstr(state.message, "memory")
                           ? QN_ERR(QN_INVALID_ARGUMENT, "%s: damaged PNG: %s (after %zu of %zu bytes)", source->name,
                                    state.message, state.at, source->bytes.size)
                           : qn_status_out_of_memory();
    qn_free(source->allocator, state.wide);
    png_destroy_read_struct(&state.png, &state.info, NULL);
    return state.status;
}
