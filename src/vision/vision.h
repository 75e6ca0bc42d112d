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

enum { QN_VISION_TEXT = 256 }; /* room for dims in a message */

/* ---- vision/answer.c ---- */
/* How a label map lies over what the network answered: along axis 0 (height) and 1 (width) the map has `size` pixels,
   which are the first `part` of the `net` pixels at which the network ran; the rest was padding. */
typedef struct qn_vision_extent {
    int size, part, net;
} qn_vision_extent;

qn_status *qn_vision_take_over(const qn_vision *vision, const qn_tensor *output, const qn_vision_extent extents[2],
                               qn_image *out_labels) QN_MUST_USE;

#endif
