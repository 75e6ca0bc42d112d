/* pictures/fitter.h - from a picture to the tensor that a model takes: what segmenting and calibrating share. */
#ifndef QUENCH_PICTURES_FITTER_H
#define QUENCH_PICTURES_FITTER_H

#include "pictures/image_block.h"

/* What reading a picture may cost; 0: the library's default. */
typedef struct picture_limits {
    int64_t pixels, scans, memory, bytes;
} picture_limits;

/* How pictures are read, and those that do not fit the model's range made to. */
typedef struct fitter_choice {
    int is_given; /* 0: as the model's image block says (its size, its fit), else shrink */
    qn_image_fit_mode mode;
    picture_limits limits;
} fitter_choice;

/* For tables of options: takes the name of a way to fit into a fitter_choice. */
int fitter_set_choice(const cli_option *option, void *field, const char *value);

/* For tables of options: takes "scans=200,memory=4G" into a picture_limits. */
int fitter_set_limits(const cli_option *option, void *field, const char *value);
/* A row of such a table; `limits` is where in the settings. */
#define FITTER_LIMITS_OPTION(limits)                                                                                   \
    {                                                                                                                  \
        0, "picture-limits", "WHAT=N,...",                                                                             \
            "pixels, scans (of a JPEG), memory, bytes that a picture may have or take; 4K, 4M, 4G", fitter_set_limits, \
            limits, 0, 0                                                                                               \
    }

typedef struct fitter {
    image_block block;
    picture_limits limits;
    qn_image_fit_mode mode;
    int is_chosen;           /* the mode, by an option */
    qn_image_range possible; /* sizes that the model takes */
    qn_image_range range;    /* sizes that pictures run at: the model's, or the one that its source declares */
} fitter;

/* Fails as image_block_read() does; *out_fitter needs no deinit then. */
qn_status *fitter_init(const qn_model *model, fitter_choice choice, fitter *out_fitter) QN_MUST_USE;
void fitter_deinit(fitter *f);

/* Reads a picture with the channels that the model wants. LIMIT says how to raise it; CANCELLED after Ctrl-C. */
qn_status *fitter_load(const fitter *f, const char *path, qn_image *out_photo) QN_MUST_USE;
/* Reads a label map under the same limits. */
qn_status *fitter_load_mask(const fitter *f, const char *path, qn_image *out_labels) QN_MUST_USE;

/* How a picture of this size runs. */
qn_status *fitter_plan(const fitter *f, int width, int height, qn_image_fit *out_fit) QN_MUST_USE;
/* The picture at fit->width x fit->height: *out_scaled is new, or has no data where the picture has that size already.
 */
qn_status *fitter_scale(const qn_image *photo, const qn_image_fit *fit, qn_image *out_scaled) QN_MUST_USE;

/* The shape, of the block's input_rank, at which a tile of width x height runs: one below the range's lower end is
   padded to it. */
void fitter_make_dims(const fitter *f, int width, int height, int64_t out_dims[4]);
/* The shape of exactly that size. */
void fitter_set_dims(const fitter *f, int width, int height, int64_t out_dims[4]);
qn_dtype fitter_dtype(const fitter *f);

#endif
