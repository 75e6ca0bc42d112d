/* image/codec.h - what the decoders, one per format, share with decode.c. Internal to src/image. */
#ifndef QN_IMAGE_CODEC_H
#define QN_IMAGE_CODEC_H

#include "base/cancel.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "quench/image.h"

/* What is to be decoded. `bytes` is hostile and outlives the call. */
typedef struct qn_image_source {
    qn_bytes bytes;
    const char *name;   /* path or the caller's name; every message begins with it */
    int64_t pixels_max; /* 1 .. QN_IMAGE_PIXELS_MAX */
    int as_labels;      /* raw samples of one channel instead of a picture */
    const qn_allocator *allocator;
    int channels; /* that the caller wants the picture to have; 0: as the file has it */
    int scans_max;
    uint64_t memory_max; /* bytes */
    qn_cancel cancel;
} qn_image_source;

/* Each decodes into *out_image (zeroed by the caller): gray as one channel, everything else as RGB. On failure
 *out_image may hold memory, which the caller frees. *out_orientation is written only if the file has a valid one. */
qn_status *qn_image_jpeg_decode(const qn_image_source *source, qn_image *out_image, int *out_orientation) QN_MUST_USE;
qn_status *qn_image_png_decode(const qn_image_source *source, qn_image *out_image, int *out_orientation) QN_MUST_USE;
qn_status *qn_image_pnm_decode(const qn_image_source *source, qn_image *out_image) QN_MUST_USE;

/* Checks a size that a file declares, which may be anything, against pixels_max. */
qn_status *qn_image_check_declared(const qn_image_source *source, int64_t width, int64_t height) QN_MUST_USE;

/* Checks what reading takes at its peak against memory_max.
 * @param channels   that the decoder gives
 * @param is_turned  the picture is turned upright afterwards
 * @param decoding   bytes that decoding takes beside the picture */
qn_status *qn_image_check_memory(const qn_image_source *source, int64_t width, int64_t height, int channels,
                                 int is_turned, uint64_t decoding) QN_MUST_USE;

/* qn_image_check(), and that it has one channel. */
qn_status *qn_image_check_labels(const qn_image *labels) QN_MUST_USE;

/* qn_image_init without clearing the pixels: the decoder writes every byte or fails. Sizes are checked already. */
qn_status *qn_image_init_raw(int width, int height, int channels, const qn_allocator *allocator,
                             qn_image *out_image) QN_MUST_USE;

/* The orientation 1..8 in a TIFF block (EXIF without its "Exif\0\0"), or 0 if there is none or the block is damaged. */
int qn_image_exif_orientation(qn_bytes tiff);

/* Turns a picture upright: EXIF orientation 1..8. Replaces *inout_image; on failure it is as it was. */
qn_status *qn_image_orient(qn_image *inout_image, int orientation, const qn_cancel *cancel) QN_MUST_USE;

/* Gray to RGB or RGB to gray; nothing if `channels` is already right. On failure *inout_image is as it was. */
qn_status *qn_image_set_channels(qn_image *inout_image, int channels, const qn_cancel *cancel) QN_MUST_USE;

#endif
