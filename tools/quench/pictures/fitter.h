/* pictures/fitter.h - options about pictures, and pictures read by them: what segmenting and calibrating share. */
#ifndef QUENCH_PICTURES_FITTER_H
#define QUENCH_PICTURES_FITTER_H

#include "pictures/tensors.h"
#include "quench/vision.h"

/* What reading a picture may cost; 0: the library's default. */
typedef struct picture_limits {
    int64_t pixels, scans, memory, bytes;
} picture_limits;

/* How pictures are read, and those that do not fit the model's range made to. */
typedef struct fitter_choice {
    int is_given; /* 0: as the model's image block says (its size, its fit), else shrink */
    qn_image_fit_mode mode;
    int is_smooth; /* scores are enlarged, not labels (quench/vision.h) */
    picture_limits limits;
} fitter_choice;

/* For tables of options: takes the name of a way to fit into a fitter_choice. */
int fitter_set_choice(const cli_option *option, void *field, const char *value);

/* Reads a picture, or a label map, under these limits. LIMIT says how to raise it; CANCELLED after Ctrl-C.
 * @param channels  1 or 3 */
qn_status *picture_load(const picture_limits *limits, const char *path, int channels, qn_image *out_photo) QN_MUST_USE;
qn_status *picture_load_mask(const picture_limits *limits, const char *path, qn_image *out_labels) QN_MUST_USE;

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
    qn_vision *vision;          /* what the model says of pictures; owned */
    const qn_vision_info *info; /* of `vision` */
    picture_limits limits;
} fitter;

/* Puts "; ADVICE" behind the message: the library names its own options, and the program those of its user. NULL stays
   NULL. */
qn_status *fitter_advise(qn_status *status, const char *advice) QN_MUST_USE;

/* Fails as qn_vision_create() does; *out_fitter needs no deinit then. */
qn_status *fitter_init(const qn_model *model, fitter_choice choice, fitter *out_fitter) QN_MUST_USE;
void fitter_deinit(fitter *f);

/* Reads a picture with the channels that the model wants. LIMIT says how to raise it; CANCELLED after Ctrl-C. */
qn_status *fitter_load(const fitter *f, const char *path, qn_image *out_photo) QN_MUST_USE;
/* Reads a label map under the same limits. */
qn_status *fitter_load_mask(const fitter *f, const char *path, qn_image *out_labels) QN_MUST_USE;

/* The shape of exactly that size: qn_vision_make_dims() without the model's least size. */
void fitter_set_dims(const fitter *f, int width, int height, int64_t out_dims[4]);

/* qn_vision_load_palette(), with a warning where a palette that was chosen names another number of classes. */
qn_status *fitter_load_palette(const qn_vision *vision, const char *name, int class_count,
                               qn_image_palette *out_palette) QN_MUST_USE;

#endif
