/* pictures/image_block.h - how pictures go into a model and labels come out, as the model's image block says. */
#ifndef QUENCH_PICTURES_IMAGE_BLOCK_H
#define QUENCH_PICTURES_IMAGE_BLOCK_H

#include "pictures/tensors.h"
#include "quench/image.h"

/* What the output holds for each pixel. */
typedef enum image_answer { ANSWER_LABELS, ANSWER_LOGITS, ANSWER_FOREGROUND } image_answer;

typedef struct image_block {
    size_t input, output; /* which of the model's */
    int input_rank;       /* 4, or 3 without the batch */
    int height_axis;  /* of the input: 1 for [N, H, W, C], 2 for [N, C, H, W]; 0 and 1 without N; the width follows */
    int channel_axis; /* of the input */
    int channels;     /* 3 or 1 */
    int is_bgr;       /* the model wants blue first */
    int is_float;     /* it takes (pixel * scale - mean) / std, per channel in its own order */
    float scale, mean[3], std[3];
    int has_pad;    /* smaller pictures are padded at the right and below, not enlarged */
    uint8_t pad[3]; /* in the model's order of channels */
    int has_fit;
    qn_image_fit_mode fit;
    int is_classifier; /* the output is scores [N, C] of the whole picture: there are no labels to take */
    image_answer answer;
    int class_axis;  /* of the output: of the classes, or of the only channel; -1: there is none */
    int row_axis;    /* of the output: its height; the width is the next axis that is not class_axis */
    float threshold; /* ANSWER_FOREGROUND: class 1 is above */
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
   @param input    dtype and dims as the model's, with a batch of 1 if it has one; data is overwritten */
void image_block_fill(const image_block *block, const qn_image *picture, qn_tensor *input);

/* The opposite: the picture that a tensor of such dims holds, with whatever it is padded with. Batches have one here. */
qn_status *image_block_show(const image_block *block, const qn_tensor *input, qn_image *out_picture) QN_MUST_USE;

/* Fails if there are no labels to take, saying what the model is instead. */
qn_status *image_block_expect_labels(const qn_model *model, const image_block *block) QN_MUST_USE;

/* The model's answer as a label map of width x height: labels by nearest neighbours; logits by the largest of the
   scores interpolated bilinearly, and a score of one class so by the threshold. UNSUPPORTED: the answer has another
   form, labels that are no whole numbers from 0 to 255, or more than 256 classes. */
qn_status *image_block_take(const image_block *block, const qn_tensor *output, int width, int height,
                            qn_image *out_labels) QN_MUST_USE;

#endif
