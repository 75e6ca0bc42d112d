/* vision/vision.h - what the files of this layer know of a qn_vision. */
#ifndef QN_VISION_VISION_H
#define QN_VISION_VISION_H

#include "base/dtype.h"
#include "base/entry.h"
#include "quench/vision.h"

#include <jansson.h>
#include <math.h>

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

/* ---- vision/answer.c ---- */
/* How a label map lies over what the network answered to one tile, along axis 0 (height) or 1 (width). The whole map has
   `size` pixels over the `part` pixels of the picture as it was scaled; the tile begins at pixel `origin` of that
   picture, and the network ran at `net` pixels from there on, which may be more than the tile has: padding. Wanted are
   the map's pixels from `first` on, `count` of them. */
typedef struct qn_vision_extent {
    int size, part, origin, net, first, count;
} qn_vision_extent;

/* The same size for all: a map over a whole picture (or one tile for itself), pixel by pixel; the network ran at `net`. */
qn_vision_extent qn_vision_extent_of(int size, int net);

/* Labels [count of rows, count of columns]. A model of labels has them at the picture's own size only (size = part). */
qn_status *qn_vision_take_over(const qn_vision *vision, const qn_tensor *output, const qn_vision_extent extents[2],
                               qn_image *out_labels) QN_MUST_USE;

/* Do `count` samples of a network that ran at `net` pixels keep the corners in place, as 65 do of 513, which stand 8
   apart? Otherwise each stands in the middle of the pixels that it covers. */
int qn_vision_keeps_corners(int net, int count);

/* Between which two of `count` samples a pixel of the `net` lies; returns how far from the first to the second, 0..1. */
float qn_vision_find_neighbours(float pixel, int net, int count, int *out_first, int *out_second);

/* From `a` to `b` by the share f, 0..1. Scores may be infinite, where a network rules a class out: the first sample alone
   counts where the second has no weight, and where it is infinite itself. */
static inline float qn_vision_mix(float a, float b, float f) {
    return f == 0 || a == b || isinf(a) ? a : a + (b - a) * f;
}

/* Where the elements of an answer are: height x width pixels of `classes` scores (1: a score or label for each). */
typedef struct qn_vision_grid {
    int height, width, classes;
    size_t row_step, column_step, class_step; /* elements */
} qn_vision_grid;

/* UNSUPPORTED unless `output` is of the form that the model's answer has. */
qn_status *qn_vision_find_grid(const qn_vision_info *info, const qn_tensor *output,
                               qn_vision_grid *out_grid) QN_MUST_USE;

/* The output as floats, which it may be already; *out_own, which may be NULL, is freed by the caller. NULL: no memory. */
const float *qn_vision_as_floats(const qn_tensor *output, float **out_own);

/* ---- vision/merge.c ---- */
/* Puts the share of tile `index` (qn_image_fit_tile_share) of what the network answered to it into what it would have
   answered to the whole picture.
   @param net          height and width at which the network ran for the tile
   @param inout_whole  made for tile 0, freed by qn_tensor_deinit(): dims as the output's but for the sides, which have
                       as many samples for each pixel as the tile's; labels in the output's type, scores as F32 */
qn_status *qn_vision_merge(const qn_vision *vision, const qn_tensor *output, const qn_image_fit *fit, int index,
                           const int net[2], qn_tensor *inout_whole) QN_MUST_USE;

#endif
