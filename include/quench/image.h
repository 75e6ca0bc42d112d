/* quench/image.h - pictures in, label maps and coloured pictures out (libquench-image).
 *
 * Reads JPEG, PNG, PPM and PGM as a viewer would show them, fits them to the range of sizes a network runs at, turns
 * the network's label map into an indexed PNG, a colour picture, an overlay or a legend, and scores label maps
 * against masks. It knows nothing of models, and `libquench` knows nothing of it.
 *
 *     qn_image photo = {0}, labels = {0}, overlay = {0};
 *     qn_image_palette palette = {0};
 *     qn_status *status = qn_image_load("photo.jpg", NULL, NULL, &photo);
 *     if (!status) status = qn_image_palette_load("voc", NULL, &palette);
 *     ... run the network on photo.data, [height, width, 3] uint8, and fill `labels` ...
 *     if (!status) status = qn_image_save_png("photo.png", &labels, &palette);
 *     if (!status) status = qn_image_overlay(&photo, &labels, &palette, 0.5f, NULL, &overlay);
 *     if (!status) status = qn_image_save_png("photo.overlay.png", &overlay, NULL);
 *     qn_image_deinit(&overlay), qn_image_deinit(&labels), qn_image_deinit(&photo), qn_image_palette_deinit(&palette);
 *
 * Ownership: a function with an `out_` struct fills the caller's struct, whatever it held before, and on failure
 * leaves it zeroed; the matching `deinit` frees what it holds and accepts a zeroed struct. Everything comes from the
 * allocator given, which must live as long as the struct (NULL: the C library's heap), except the working memory of
 * the JPEG codec, which has its own.
 * Threads: any thread; a struct that is being written is used by one thread at a time. Nothing here is global.
 * Hostile input: files and bytes given to load, decode and parse are checked against explicit limits. Codes:
 * INVALID_ARGUMENT (empty, damaged or cut short, or the call contradicts itself), UNSUPPORTED (sound, but not a kind
 * that is read), LIMIT (too large), NOT_FOUND, IO, OUT_OF_MEMORY, CANCELLED. Messages begin with the path or name.
 * Stability: since 0.1; structs that start with `size` may grow at the end.
 */
#ifndef QUENCH_IMAGE_H
#define QUENCH_IMAGE_H

#include "quench/allocator.h"
#include "quench/status.h"
#include "quench/tensor.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    QN_IMAGE_CLASSES_MAX = 256,  /* labels are bytes */
    QN_IMAGE_IGNORE_LABEL = 255, /* in masks: "not judged" */
    QN_IMAGE_PIXELS_MAX = 1 << 28,
    QN_IMAGE_FILE_BYTES_MAX = 1 << 30,
    QN_IMAGE_SCANS_DEFAULT = 64
};

/* ---- Pictures ---- */

/* Rows from the top, pixels from the left, no padding: [height, width, channels] uint8. Three channels are R, G, B;
   one channel is gray, or a label map whose value is the class. The caller may make one over memory of his own
   (allocator unused); only deinit what this library filled. Every function checks the struct it is given
   (INVALID_ARGUMENT), but not that `data` really has height * stride_bytes bytes. */
typedef struct qn_image {
    int width, height;   /* pixels, >= 1 */
    int channels;        /* 1 or 3 */
    size_t stride_bytes; /* width * channels */
    uint8_t *data;
    const qn_allocator *allocator; /* owner of data; NULL is the C library's heap */
} qn_image;

/* Encoded bytes. */
typedef struct qn_image_buffer {
    uint8_t *data;
    size_t bytes;
    const qn_allocator *allocator;
} qn_image_buffer;

/* A rectangle in pixels; x and y are those of its top left pixel. */
typedef struct qn_image_rect {
    int x, y, width, height;
} qn_image_rect;

/* Makes a picture of zeros.
 * @param width, height  pixels; width * height at most QN_IMAGE_PIXELS_MAX
 * @param channels       1 or 3
 * returns  INVALID_ARGUMENT for a size below 1 or other channels, LIMIT, OUT_OF_MEMORY */
QN_API qn_status *qn_image_init(int width, int height, int channels, const qn_allocator *allocator,
                                qn_image *out_image) QN_MUST_USE;

/* What every function that takes a picture checks first: for functions of yours that do.
 * returns  INVALID_ARGUMENT, with what was found, unless the struct has data and is as described at qn_image */
QN_API qn_status *qn_image_check(const qn_image *image) QN_MUST_USE;

/* Frees the pixels and zeroes the struct. */
QN_API void qn_image_deinit(qn_image *image);
/* Frees the bytes and zeroes the struct. */
QN_API void qn_image_buffer_deinit(qn_image_buffer *buffer);

/* Copies a part of a picture into a new one. INVALID_ARGUMENT if `rect` is empty or not inside. */
QN_API qn_status *qn_image_crop(const qn_image *image, qn_image_rect rect, const qn_allocator *allocator,
                                qn_image *out_part) QN_MUST_USE;

/* ---- Reading ---- */

/* How to read; set by qn_image_decode_options_init, then changed where wanted. */
typedef struct qn_image_decode_options {
    size_t size;           /* sizeof(qn_image_decode_options) */
    int channels;          /* 3: always RGB (default); 1: always gray; 0: gray stays gray, everything else RGB */
    int64_t pixels_max;    /* default and at most QN_IMAGE_PIXELS_MAX */
    size_t file_bytes_max; /* default and at most QN_IMAGE_FILE_BYTES_MAX */
    /* Scans of a JPEG, each of which goes over all pixels whatever it holds; cameras and encoders write 1 to about 20.
       Above 64 Mi pixels in proportion fewer. >= 1; default QN_IMAGE_SCANS_DEFAULT */
    int scans_max;
    /* Bytes that reading takes at most, the picture included; >= 1; default 2 GiB, enough for a JPEG of 200 megapixels
     */
    uint64_t memory_max;
    /* Default NULL. Asked from the calling thread every few hundredths of a second; non-zero to give up: CANCELLED
       within half a second. Large JPEGs are then decoded on a thread of their own. One that is given up finishes its
       work, which the limits bound, in the background, with memory of the C library's heap, and touches nothing of the
       caller's. */
    int (*cancel)(void *self);
    void *cancel_self;
} qn_image_decode_options;

/* Sets every option to its default. */
QN_API void qn_image_decode_options_init(qn_image_decode_options *out_options);

/* Reads a picture as a viewer would show it.
 *
 * The format is recognised from content: JPEG (gray, YCbCr, RGB, CMYK, YCCK; baseline and progressive), PNG (every
 * kind; interlaced too), PPM and PGM (P2, P3, P5, P6; up to 16 bits). 16-bit samples are rounded to 8 bits;
 * transparent pixels are laid over white; CMYK is taken as inverted, as Adobe writes it; the orientation in EXIF
 * (JPEG's APP1, PNG's eXIf) is applied, so width and height are those of the upright picture; colour profiles and
 * gamma are ignored; gray from RGB is 0.299 R + 0.587 G + 0.114 B. JPEG pixels are those of libjpeg's accurate
 * transform with smooth chroma, the same that most Python tools show a network in training.
 *
 * @param path     a regular file
 * @param options  NULL for the defaults
 * returns  OK means the whole picture was read: a file that is cut short or damaged is INVALID_ARGUMENT, never a
 *          picture with a gray bottom; UNSUPPORTED for other formats (the message names GIF, WebP, ... where it can);
 *          LIMIT with what was found, the limit and the option's name; CANCELLED: `cancel` said so
 * cost     memory for the picture, once more if it is turned, transparent or changes channels, and two bytes for each
 *          sample of a progressive JPEG; refused before it is taken */
QN_API qn_status *qn_image_load(const char *path, const qn_image_decode_options *options, const qn_allocator *allocator,
                                qn_image *out_image) QN_MUST_USE;

/* The same from memory. `data` is only read, during the call; `name` stands in messages where the path would. */
QN_API qn_status *qn_image_decode(const void *data, size_t bytes, const char *name,
                                  const qn_image_decode_options *options, const qn_allocator *allocator,
                                  qn_image *out_image) QN_MUST_USE;

/* Tells by its beginning what kind of picture a file is.
 * @param data         the first bytes; 64 tell all that there is to be told
 * @param out_is_read  may be NULL; 1: qn_image_decode reads this kind
 * returns  "JPEG", "PNG", "PPM", "PGM", or one that is not read: "GIF", "WebP", "HEIC", ...; NULL: no picture, or of a
 * kind that is not known. Never freed */
QN_API const char *qn_image_find_format(const void *data, size_t bytes, int *out_is_read);

/* Reads a label map: one channel whose value is the class.
 *
 * An indexed PNG gives its palette indices (never colours), a gray PNG of up to 8 bits its raw samples (1, 2 and 4
 * bits are not stretched), a PGM of up to 8 bits its raw samples. Orientation tags are ignored.
 *
 * returns  UNSUPPORTED for what holds no labels: JPEG, colour, alpha or 16-bit pictures; otherwise as qn_image_load */
QN_API qn_status *qn_image_load_mask(const char *path, const qn_image_decode_options *options,
                                     const qn_allocator *allocator, qn_image *out_labels) QN_MUST_USE;
/* The same from memory, as qn_image_decode. */
QN_API qn_status *qn_image_decode_mask(const void *data, size_t bytes, const char *name,
                                       const qn_image_decode_options *options, const qn_allocator *allocator,
                                       qn_image *out_labels) QN_MUST_USE;

/* Makes a label map from what a network answers.
 * @param labels   class of each pixel, [H,W], [N,H,W] or [N,H,W,1]; any number type, or bool: 0 and 1
 * @param index    which of the N pictures; 0 for [H,W]
 * returns  INVALID_ARGUMENT for another rank, an empty picture or an index outside; UNSUPPORTED for a value that is no
 *          whole number of 0 .. 255 */
QN_API qn_status *qn_image_from_labels(const qn_tensor *labels, int64_t index, const qn_allocator *allocator,
                                       qn_image *out_labels) QN_MUST_USE;

/* Makes a label map of two classes from the scores of one: 1, the foreground, where the score is above the threshold,
 * else 0, also where it is NaN. For networks that end in one channel: 0.5 behind a sigmoid, 0 before it.
 * @param scores  as `labels` of qn_image_from_labels
 * returns  INVALID_ARGUMENT for another rank, an empty picture or an index outside */
QN_API qn_status *qn_image_from_foreground(const qn_tensor *scores, int64_t index, double threshold,
                                           const qn_allocator *allocator, qn_image *out_labels) QN_MUST_USE;

/* ---- Raw frames, as cameras and video decoders give them ---- */

typedef enum qn_pixel_format {
    QN_PIXEL_RGB = 0, /* 3 bytes a pixel */
    QN_PIXEL_BGR = 1,
    QN_PIXEL_RGBA = 2, /* 4 bytes a pixel; the fourth is not looked at */
    QN_PIXEL_BGRA = 3,
    QN_PIXEL_GRAY = 4, /* 1 byte a pixel */
    /* Luma Y of each pixel and chroma U (Cb), V (Cr) of several together. 4:2:0: one pair for 2 x 2 pixels */
    QN_PIXEL_NV12 = 5, /* plane 0: Y, 1 byte a pixel; plane 1: U and V in turn */
    QN_PIXEL_NV21 = 6, /* the same with V before U, as Android's cameras give it */
    QN_PIXEL_I420 = 7, /* plane 0: Y; plane 1: U; plane 2: V, each 1 byte a sample. YV12: swap planes 1 and 2 */
    QN_PIXEL_YUYV = 8, /* 4:2:2 in one plane, also named YUY2: Y U Y V are two pixels side by side */
    QN_PIXEL_FORMAT_COUNT
} qn_pixel_format;

/* Which matrix makes Y, U and V of R, G and B, by the shares Kr and Kb that red and blue have of the luma. */
typedef enum qn_color_matrix {
    QN_COLOR_BT601 = 0, /* ITU-R BT.601-7: Kr 0.299, Kb 0.114; cameras, JPEG, video of standard definition */
    QN_COLOR_BT709 = 1, /* ITU-R BT.709-6: Kr 0.2126, Kb 0.0722; video of high definition */
    QN_COLOR_MATRIX_COUNT
} qn_color_matrix;

typedef enum qn_color_range {
    QN_COLOR_LIMITED = 0, /* Y of black is 16, of white 235; U and V are 128 +- 112: video, most cameras */
    QN_COLOR_FULL = 1,    /* Y 0 to 255, U and V 128 +- 127.5: JPEG's, so webcams that decode it */
    QN_COLOR_RANGE_COUNT
} qn_color_range;

/* A frame in the caller's memory. Fields left zero: none of that plane, BT.601, limited. */
typedef struct qn_frame {
    qn_pixel_format format;
    /* pixels, >= 1. Odd ones: the last pair of chroma is for one column or row, so that with half = (n + 1) / 2 a row
       of chroma is 2 * half bytes (NV12, NV21) or half bytes (I420), planes of 4:2:0 have half the rows, rounded up
       the same, and a row of YUYV is 4 * half bytes */
    int width, height;
    const uint8_t *planes[3]; /* the first byte of the top row; 1 for NV12, NV21 and I420, 2 for I420 */
    size_t stride_bytes[3];   /* from one row to the next, at least a row long */
    qn_color_matrix matrix;   /* formats of luma and chroma only, as `range` */
    qn_color_range range;
} qn_frame;

/* Copies a frame into the caller's memory, in R, G, B order (or gray). Nothing is allocated.
 *
 * Luma and chroma are converted in integers, the same on every machine, with >> 16 rounding down and results below 0 or
 * above 255 becoming 0 and 255:
 *
 *     R = (y * (Y - black)                  + rv * (V - 128) + 32768) >> 16
 *     G = (y * (Y - black) - gu * (U - 128) - gv * (V - 128) + 32768) >> 16
 *     B = (y * (Y - black) + bu * (U - 128)                  + 32768) >> 16
 *
 *                      black      y      rv      gu      gv      bu
 *     BT.601 limited      16  76288  104704   25600   53248  132096
 *     BT.601 full          0  65536   91881   22553   46802  116130
 *     BT.709 limited      16  76309  117489   13975   34925  138438
 *     BT.709 full          0  65536  103206   12276   30679  121609
 *
 * These are the standards' R = Y' + 2 (1 - Kr) V', B = Y' + 2 (1 - Kb) U' and G = (Y' - Kr R - Kb B) / (1 - Kr - Kb)
 * times 65536 and rounded, where limited range has Y' = (Y - 16) 255 / 219 and U' = (U - 128) 255 / 224, and full range
 * Y' = Y and U' = U - 128. Results are at most 0.502 from the exact value: the nearest byte, but for near halves. BT.601
 * limited has the customary 298, 409, 100, 208 and 516 in 256ths instead, at most 0.771 from the exact value and 1 from
 * the nearest byte.
 * Example, red in BT.709 limited, Y, U, V = 63, 102, 240: R = (76309 * 47 + 117489 * 112 + 32768) >> 16 = 256, so 255;
 * G = (3586523 + 13975 * 26 - 34925 * 112 + 32768) >> 16 = 1; B = (3586523 - 138438 * 26 + 32768) >> 16 = 0.
 * Chroma is not interpolated: all pixels of a pair or of 2 x 2 take its one sample, wherever it was sited.
 *
 * @param channels      3: RGB; 1: gray: 0.299 R + 0.587 G + 0.114 B of packed colours; of luma and chroma the luma, for
 *                      limited range stretched to the full one
 * @param out_pixels    `height` rows of width * channels bytes; apart from the frame's planes
 * @param stride_bytes  from one row of out_pixels to the next, at least width * channels; the bytes between are kept
 * @param out_bytes     of out_pixels, at least stride_bytes * (height - 1) + width * channels
 * returns  INVALID_ARGUMENT, and nothing is written: no such format, matrix or range, a plane that is NULL or larger than
 *          memory can be, a stride shorter than a row, a size below 1, too small an out_bytes */
QN_API qn_status *qn_frame_convert(const qn_frame *frame, int channels, void *out_pixels, size_t stride_bytes,
                                   size_t out_bytes) QN_MUST_USE;

/* The same into a new picture, dense.
 * returns  as qn_frame_convert; LIMIT above QN_IMAGE_PIXELS_MAX; OUT_OF_MEMORY */
QN_API qn_status *qn_image_from_frame(const qn_frame *frame, int channels, const qn_allocator *allocator,
                                      qn_image *out_image) QN_MUST_USE;

/* ---- Palettes and class names ---- */

/* Colours and names of classes. May be filled by hand; `names` and `storage` then stay the caller's. */
typedef struct qn_image_palette {
    int class_count;                         /* named classes, 0 .. 256 */
    uint8_t colors[QN_IMAGE_CLASSES_MAX][3]; /* R, G, B of every label, named or not */
    const char *names[QN_IMAGE_CLASSES_MAX]; /* UTF-8; NULL from class_count on */
    void *storage;                           /* owns names that came from a file */
    const qn_allocator *allocator;
} qn_image_palette;

/* Gets a palette by name or from a file.
 *
 * Built in: "voc" (21 classes of PASCAL VOC), "ade20k" (151, 0 is background), "cityscapes" (the 19 train ids). Any
 * other word is the path of a text file with one class a line, either `name r g b` (the name may hold spaces; 0..255)
 * or, on every line, just `name`; empty lines and lines that start with # are skipped. Labels without a colour of
 * their own take PASCAL's colour map.
 *
 * returns  NOT_FOUND (neither built in nor a file; names the nearest built-in one), INVALID_ARGUMENT with the line,
 *          LIMIT above 256 classes or 1 MiB */
QN_API qn_status *qn_image_palette_load(const char *name_or_path, const qn_allocator *allocator,
                                        qn_image_palette *out_palette) QN_MUST_USE;

/* The file form from memory; `name` stands in messages. */
QN_API qn_status *qn_image_palette_parse(const void *text, size_t bytes, const char *name,
                                         const qn_allocator *allocator, qn_image_palette *out_palette) QN_MUST_USE;

/* PASCAL's colours for a list of names, which are copied. LIMIT above 256. */
QN_API qn_status *qn_image_palette_from_names(const char *const *names, int count, const qn_allocator *allocator,
                                              qn_image_palette *out_palette) QN_MUST_USE;

/* Frees the names, if they came from a file, and zeroes the struct. */
QN_API void qn_image_palette_deinit(qn_image_palette *palette);

/* ---- Writing ---- */

/* Encodes a PNG.
 *
 * One channel with a palette: indexed, 8 bits, all 256 colours, the value is the class. One channel without: gray.
 * Three channels: RGB; a palette is then INVALID_ARGUMENT. The same picture gives the same bytes (with the same
 * version of zlib); no time or text is stored. */
QN_API qn_status *qn_image_encode_png(const qn_image *image, const qn_image_palette *palette,
                                      const qn_allocator *allocator, qn_image_buffer *out_buffer) QN_MUST_USE;

/* Encodes binary PPM (three channels) or PGM (one channel). */
QN_API qn_status *qn_image_encode_pnm(const qn_image *image, const qn_allocator *allocator,
                                      qn_image_buffer *out_buffer) QN_MUST_USE;

/* Encodes as qn_image_encode_png and writes: `path` appears complete or not at all. IO names path and reason. */
QN_API qn_status *qn_image_save_png(const char *path, const qn_image *image,
                                    const qn_image_palette *palette) QN_MUST_USE;
/* The same with qn_image_encode_pnm. */
QN_API qn_status *qn_image_save_pnm(const char *path, const qn_image *image) QN_MUST_USE;

/* ---- Size ---- */

typedef enum qn_image_filter {
    QN_IMAGE_NEAREST,  /* for label maps: pixel d takes source pixel floor((d + 0.5) * source / target) */
    QN_IMAGE_BILINEAR, /* for photos: triangle filter around (d + 0.5) * source / target - 0.5, which widens with the
                          factor when shrinking, so nothing aliases; plain bilinear when enlarging */
    QN_IMAGE_AREA      /* mean over the source area that the target pixel covers */
} qn_image_filter;

/* Scales to width x height; the same bytes on every machine.
 * returns  INVALID_ARGUMENT for a size below 1 or an unknown filter, LIMIT, OUT_OF_MEMORY
 * cost     O(pixels * factor); one picture of the target width and source height meanwhile */
QN_API qn_status *qn_image_resize(const qn_image *image, int width, int height, qn_image_filter filter,
                                  const qn_allocator *allocator, qn_image *out_image) QN_MUST_USE;

typedef enum qn_image_fit_mode {
    QN_IMAGE_FIT_SHRINK,  /* inside the range: its own size; larger: scaled down, keeping its ratio */
    QN_IMAGE_FIT_LONGEST, /* scaled up or down, keeping its ratio, until one side meets the maximum */
    QN_IMAGE_FIT_STRETCH, /* exactly the maximum, whatever the ratio */
    QN_IMAGE_FIT_TILE     /* its own size, covered by overlapping tiles of at most the maximum */
} qn_image_fit_mode;

/* Sizes a network accepts. A maximum of 0 means no bound, a minimum of 0 means 1. */
typedef struct qn_image_range {
    int min_width, min_height, max_width, max_height;
} qn_image_range;

/* What qn_image_fit_plan answers: scale the picture to width x height, run it as columns * rows tiles of
   tile_width x tile_height each (1 x 1, the whole picture, except in tile mode). */
typedef struct qn_image_fit {
    int width, height;
    int columns, rows;
    int tile_width, tile_height;
} qn_image_fit;

/* "shrink", "longest", "stretch" or "tile" to its mode. INVALID_ARGUMENT names the nearest. */
QN_API qn_status *qn_image_fit_mode_from_name(const char *name, qn_image_fit_mode *out_mode) QN_MUST_USE;

/* Decides how a picture of width x height goes through a network of this range.
 *
 * Sizes are rounded to the nearest pixel, halves up, and are at least 1. A picture below the minimum is scaled up,
 * keeping its ratio, until both sides reach it; if the other side then passes the maximum the ratio is given up (a
 * fixed size therefore means stretch). Where there is no maximum, `longest` and `stretch` leave that side to the ratio
 * or as it is. Tiles overlap by at least a quarter of the maximum and are spread evenly.
 * returns  INVALID_ARGUMENT for sizes below 1, a minimum above the maximum or an unknown mode; LIMIT */
QN_API qn_status *qn_image_fit_plan(qn_image_fit_mode mode, int width, int height, const qn_image_range *range,
                                    qn_image_fit *out_fit) QN_MUST_USE;

/* Tile `index` (0 .. columns * rows - 1, row by row) inside the scaled picture; all zero if there is no such tile. */
QN_API qn_image_rect qn_image_fit_tile(const qn_image_fit *fit, int index);

/* The part of the scaled picture whose labels come from tile `index`: the pixels whose nearest tile centre is that
   tile's, ties to the left and upper tile. These parts cover every pixel exactly once. All zero if there is no such tile. */
QN_API qn_image_rect qn_image_fit_tile_share(const qn_image_fit *fit, int index);

/* Copies the share of tile `index` from the tile's label map into the whole one.
 * @param tile          tile_width x tile_height, as many channels as inout_whole
 * @param inout_whole   width x height
 * returns  INVALID_ARGUMENT if sizes, channels or index differ from that */
QN_API qn_status *qn_image_fit_stitch(const qn_image_fit *fit, int index, const qn_image *tile,
                                      qn_image *inout_whole) QN_MUST_USE;

/* ---- Colour ---- */

/* Each label replaced by its colour: [height, width, 3]. `labels` has one channel. */
QN_API qn_status *qn_image_colorize(const qn_image *labels, const qn_image_palette *palette,
                                    const qn_allocator *allocator, qn_image *out_image) QN_MUST_USE;

/* The opposite: the label map of a coloured picture, as qn_image_colorize() or another tool has made it.
 * @param picture     3 channels, [height, width, 3], in R, G, B; every pixel of exactly one class's colour
 * @param palette     its class_count classes, all 256 if that is 0, and 255, which is not judged; where classes share a
 *                    colour, the lowest has it
 * @param out_labels  one channel
 * returns  INVALID_ARGUMENT: not 3 channels, or a colour that no class has, with its place; where it is one with red and
 *          blue exchanged, as cv2.imwrite() leaves them, the message says so */
QN_API qn_status *qn_image_from_colors(const qn_image *picture, const qn_image_palette *palette,
                                       const qn_allocator *allocator, qn_image *out_labels) QN_MUST_USE;

/* The photo with the labels' colours over it.
 * @param photo   1 or 3 channels
 * @param labels  one channel, the photo's size
 * @param alpha   0 (only the photo) .. 1 (only the colours)
 * returns  INVALID_ARGUMENT if sizes differ or alpha is outside */
QN_API qn_status *qn_image_overlay(const qn_image *photo, const qn_image *labels, const qn_image_palette *palette,
                                   float alpha, const qn_allocator *allocator, qn_image *out_image) QN_MUST_USE;

/* Adds the pixels of each label to inout_areas. INVALID_ARGUMENT if `labels` has not one channel. */
QN_API qn_status *qn_image_count_labels(const qn_image *labels, int64_t inout_areas[QN_IMAGE_CLASSES_MAX]) QN_MUST_USE;

/* Draws the classes that appear, largest first: swatch, name, share of the area.
 * @param areas  pixels of each label, >= 0
 * @param scale  size of the letters, 1 (8 pixels high) .. 64; 0 chooses one for a picture of height_min
 * @param height_min  the legend is at least this high, so that it fits beside a picture; may be 0
 * Letters outside ASCII are drawn as a box. */
QN_API qn_status *qn_image_legend(const int64_t areas[QN_IMAGE_CLASSES_MAX], const qn_image_palette *palette, int scale,
                                  int height_min, const qn_allocator *allocator, qn_image *out_image) QN_MUST_USE;

/* Two RGB pictures side by side, tops aligned, white below the lower one. */
QN_API qn_status *qn_image_join(const qn_image *left, const qn_image *right, const qn_allocator *allocator,
                                qn_image *out_image) QN_MUST_USE;

/* ---- Scores ---- */

/* Confusion matrix over any number of pictures: pixels by true class and predicted class. */
typedef struct qn_image_confusion qn_image_confusion;

/* Makes a matrix of zeros.
 * @param class_count  1 .. 256
 * ownership  the caller's; freed by qn_image_confusion_destroy */
QN_API qn_status *qn_image_confusion_create(int class_count, const qn_allocator *allocator,
                                            qn_image_confusion **out_confusion) QN_MUST_USE;
/* Frees a matrix; accepts NULL. */
QN_API void qn_image_confusion_destroy(qn_image_confusion *confusion);
/* Sets every total to 0. */
QN_API void qn_image_confusion_reset(qn_image_confusion *confusion);

/* Adds one picture. Pixels whose truth is QN_IMAGE_IGNORE_LABEL are left out (with 256 classes too).
 * @param truth, prediction  one channel, same size; other values are below class_count
 * returns  INVALID_ARGUMENT naming the pixel whose label is not a class; nothing is added then */
QN_API qn_status *qn_image_confusion_add(qn_image_confusion *confusion, const qn_image *truth,
                                         const qn_image *prediction) QN_MUST_USE;

/* Adds the totals of `other`, which has the same number of classes. */
QN_API qn_status *qn_image_confusion_merge(qn_image_confusion *confusion, const qn_image_confusion *other) QN_MUST_USE;

/* The number of classes it was made for. */
QN_API int qn_image_confusion_get_class_count(const qn_image_confusion *confusion);
/* Pixels of true class `truth` that were predicted as `prediction`; 0 outside the classes. */
QN_API int64_t qn_image_confusion_get_pixels(const qn_image_confusion *confusion, int truth, int prediction);
/* Intersection over union of one class, 0 .. 1; NaN if it is in neither truth nor prediction. */
QN_API double qn_image_confusion_get_iou(const qn_image_confusion *confusion, int class_index);
/* Mean of the classes' IoU without the NaN ones; NaN if there are none. */
QN_API double qn_image_confusion_get_miou(const qn_image_confusion *confusion);
/* Share of judged pixels that are right; NaN if there are none. */
QN_API double qn_image_confusion_get_pixel_accuracy(const qn_image_confusion *confusion);

/* Adds the pixels at which two label maps of one size agree, and all pixels, to two running totals. */
QN_API qn_status *qn_image_count_equal(const qn_image *a, const qn_image *b, int64_t *inout_equal,
                                       int64_t *inout_pixels) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
