/* vision/vision.h - what the files of this layer know of a qn_vision. */
#ifndef QN_VISION_VISION_H
#define QN_VISION_VISION_H

#include "base/dtype.h"
#include "base/entry.h"
#include "quench/vision.h"

#include <jansson.h>

struct qn_vision {
    qn_vision_info info;
    int is_bgr; /* the model wants blue first */
    /* Float inputs take (pixel * scale - mean) / deviation, per channel in the model's order. */
    float scale, mean[3], deviation[3];
    int has_pad;    /* smaller pictures are padded, not enlarged */
    uint8_t pad[3]; /* in the model's order of channels */
    int has_fit;    /* `info.fit` is chosen by an option */
    json_t *block;  /* the model's block "image"; owned */
};

/* ---- vision/block.c ---- */
/* Reads the block "image" of the model's meta into everything but `fit` and the sizes. */
qn_status *qn_vision_read_block(const qn_model *model, const json_t *meta, qn_vision *vision) QN_MUST_USE;

/* ---- vision/text.c ---- */
enum { QN_VISION_TEXT = 256 };
/* "float32", as NumPy calls it. */
const char *qn_vision_dtype_name(qn_dtype dtype);
/* "1x513x513x3"; "scalar" for rank 0. Returns `text`, which has room for QN_VISION_TEXT bytes. */
const char *qn_vision_print_dims(const qn_tensor *tensor, char *text);
/* The same over a value's range: "1 x 1..513 x ? x 3", ? for what has no bound. */
const char *qn_vision_print_range(const qn_value_info *value, char *text);

/* ---- vision/picture.c ---- */
/* INVALID_ARGUMENT unless the struct is one that quench/image.h describes. */
qn_status *qn_vision_check_picture(const qn_image *picture) QN_MUST_USE;

/* ---- vision/answer.c ---- */
/* How a label map lies over what the network answered: along axis 0 (height) and 1 (width) the map has `size` pixels,
   which are the first `part` of the `net` pixels at which the network ran; the rest was padding. */
typedef struct qn_vision_extent {
    int size, part, net;
} qn_vision_extent;

qn_status *qn_vision_take_over(const qn_vision *vision, const qn_tensor *output, const qn_vision_extent extents[2],
                               qn_image *out_labels) QN_MUST_USE;

#endif
