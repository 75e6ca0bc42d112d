/* segmenter.h - from a picture to a label map with any segmentation model: what segment and eval share. */
#ifndef SEGMENTER_H
#define SEGMENTER_H

#include "session.h"
#include "quench/image.h"

/* How pictures go into a model and labels come out, as its image block says (docs/file-format.md). */
typedef struct image_block {
    size_t input, output; /* which of the model's */
    int channels;         /* 3 or 1 */
    int is_bgr;
    int class_count; /* 0: not known */
} image_block;

/* Reads a model's image block. UNSUPPORTED, saying what is missing, if it has none or one this version cannot follow.
 */
qn_status *image_block_read(const qn_model *model, image_block *out_block) QN_MUST_USE;

typedef struct segmenter segmenter;

/* Opens a model for pictures. Failures name the file.
 * @param fit  how pictures that do not fit the model's range are made to */
qn_status *segmenter_open(const char *path, const cli_run_options *run, qn_image_fit_mode fit,
                          segmenter **out_segmenter) QN_MUST_USE;
void segmenter_close(segmenter *s); /* accepts NULL */

const cli_session *segmenter_session(const segmenter *s);
const image_block *segmenter_block(const segmenter *s);

/* What segmenter_run says about one picture. */
typedef struct segmenter_info {
    double ms;                       /* running the network, all tiles */
    int net_width, net_height, runs; /* the size it ran at, and how often */
} segmenter_info;

/* Labels every pixel of a picture.
 * @param photo          channels as the image block says
 * @param width, height  of the label map; where the network ran at another size, nearest neighbours fill it
 * @param out_info       may be NULL */
qn_status *segmenter_run(segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                         segmenter_info *out_info) QN_MUST_USE;

/* Loads the palette called `name` (built in or a file); for NULL the one that suits the number of classes: PASCAL's,
   ADE20K's, Cityscapes', or PASCAL's colours and names made of numbers. */
qn_status *segmenter_load_palette(const char *name, int class_count, qn_image_palette *out_palette) QN_MUST_USE;

/* For tables of options: takes the name of a way to fit into a qn_image_fit_mode. */
int segmenter_set_fit(const cli_option *option, void *field, const char *value);

#endif
