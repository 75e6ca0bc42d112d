/* image_block.h - how pictures go into a model and labels come out, as the model's image block says. */
#ifndef IMAGE_BLOCK_H
#define IMAGE_BLOCK_H

#include "tensors.h"
#include "quench/image.h"

typedef struct image_block {
    size_t input, output; /* which of the model's */
    int height_axis;      /* of the input: 1 for [N, H, W, C], 2 for [N, C, H, W]; the width follows */
    int channels;         /* 3 or 1 */
    int is_bgr;           /* the model wants blue first */
    int is_float;         /* it takes (pixel * scale - mean) / std, per channel in its own order */
    float scale, mean[3], std[3];
    int has_pad;    /* smaller pictures are padded at the right and below, not enlarged */
    uint8_t pad[3]; /* in the model's order of channels */
    int has_fit;
    qn_image_fit_mode fit;
    int is_classifier; /* the output is scores [N, C] of the whole picture: there are no labels to take */
    int class_axis;  /* -1: the output holds labels; else logits, with the classes along this axis (1 or 3) */
    int class_count; /* 0: not known */
    json_t *json;    /* the block; owned */
} image_block;

/* Reads a model's image block. UNSUPPORTED, saying what is missing, if it has none or one that this version cannot
   follow; INVALID_MODEL if it contradicts itself. On failure *out_block needs no deinit. */
qn_status *image_block_read(const qn_model *model, image_block *out_block) QN_MUST_USE;
void image_block_deinit(image_block *block);

/* Loads the palette called `name` (built in or a file). NULL: names and colours of the block, and where it has none
   what suits the number of classes: PASCAL's, ADE20K's, Cityscapes', or PASCAL's colours and names made of numbers.
   @param class_count  how many classes there are; 0: not known */
qn_status *image_block_load_palette(const image_block *block, const char *name, int class_count,
                                    qn_image_palette *out_palette) QN_MUST_USE;

/* Writes a picture as the model wants it, padded at the right and below.
   @param picture  R, G, B or gray, at most as large as the tensor
   @param input    dtype and dims [1, height, width, channels] or [1, channels, height, width]; data is overwritten */
void image_block_fill(const image_block *block, const qn_image *picture, qn_tensor *input);

/* The opposite: the picture that a tensor of such dims holds, with whatever it is padded with. Batches have one here. */
qn_status *image_block_show(const image_block *block, const qn_tensor *input, qn_image *out_picture) QN_MUST_USE;

/* Fails if there are no labels to take, saying what the model is instead. */
qn_status *image_block_expect_labels(const qn_model *model, const image_block *block) QN_MUST_USE;

/* The model's answer as a label map of width x height: labels by nearest neighbours, logits by the largest of the
   scores interpolated bilinearly. UNSUPPORTED: the answer has another form, or more than 256 classes. */
qn_status *image_block_take(const image_block *block, const qn_tensor *output, int width, int height,
                            qn_image *out_labels) QN_MUST_USE;

#endif
