/* quench/vision.h - pictures in, label maps out: what libquench and libquench-image do together (libquench-vision).
 *
 *     qn_segmenter *segmenter = NULL;
 *     qn_image photo = {0}, labels = {0};
 *     qn_status *status = qn_segmenter_open("deeplab.qn", NULL, &segmenter);
 *     if (!status) status = qn_image_load("photo.jpg", NULL, NULL, &photo);
 *     if (!status) status = qn_segmenter_run(segmenter, &photo, 0, 0, &labels, NULL);
 *     if (!status) status = qn_image_save_png("mask.png", &labels, qn_segmenter_palette(segmenter));
 *     qn_image_deinit(&labels), qn_image_deinit(&photo), qn_segmenter_destroy(segmenter);
 *
 * A compiled model says itself how pictures go in and what comes out: `quench build` tells it from the graph or is told
 * by the block `image` of a configuration (docs/configuration.md). A qn_vision is what the model says, read and checked;
 * a qn_segmenter is that with a context to run on, and gives the same labels as `quench segment`.
 *
 * Ownership: as in quench/image.h; handles are freed by the matching destroy, which accepts NULL. Memory is the C
 * library's heap.
 * Threads: a qn_vision may be read by any number of threads at a time, a qn_segmenter is used by one at a time. One
 * engine serves many segmenters, each on a context of its own.
 * Hostile input: what a file says of pictures is checked against its inputs and outputs, and names no file of this
 * machine.
 * Stability: since 0.1; structs that start with `size` may grow at the end.
 */
#ifndef QUENCH_VISION_H
#define QUENCH_VISION_H

#include "quench/image.h"
#include "quench/quench.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a model says of pictures ---- */

typedef struct qn_vision qn_vision;

/* What the output holds. */
typedef enum qn_vision_answer {
    QN_VISION_LABELS,     /* the class of each pixel */
    QN_VISION_LOGITS,     /* a score for each pixel and class; the greatest wins */
    QN_VISION_FOREGROUND, /* one score for each pixel: class 1 where it is above `threshold`, else class 0 */
    QN_VISION_SCORES      /* scores [N, C] of the whole picture: it classifies, there are no labels of pixels */
} qn_vision_answer;

typedef struct qn_vision_info {
    size_t input, output; /* numbers of the model's input and output */
    /* The input: [N, H, W, C], [N, C, H, W], or the same without N. */
    qn_dtype dtype;                /* U8 or F32 */
    int rank;                      /* 4 or 3 */
    int height_axis, channel_axis; /* the width is the axis after the height */
    int channels;                  /* 3 or 1 */
    qn_vision_answer answer;
    int class_axis;          /* of the output: of the classes, or of the only channel; -1: there is none */
    int row_axis;            /* of the output: its height; the width is the next axis that is not class_axis */
    float threshold;         /* FOREGROUND */
    int class_count;         /* 0: not known */
    qn_image_fit_mode fit;   /* how pictures that do not fit are made to */
    qn_image_range possible; /* sizes that the model takes */
    qn_image_range range;    /* sizes that pictures run at: those, or the one size that the model's source declares */
} qn_vision_info;

typedef struct qn_vision_options {
    size_t size;           /* sizeof(qn_vision_options), set by qn_vision_options_init */
    int has_fit;           /* 0, the default: `fit` is as the model says, else shrink */
    qn_image_fit_mode fit; /* used where has_fit is not 0 */
} qn_vision_options;

/* Sets every option to its default. */
QN_API void qn_vision_options_init(qn_vision_options *out_options);

/* Reads what a model says of pictures.
 * @param model    read during the call only
 * @param options  NULL for the defaults
 * returns  INVALID_ARGUMENT: options that qn_vision_options_init() did not make;
 *          UNSUPPORTED, saying what is missing and how to build it in: the model says nothing of pictures, takes more
 *          inputs than one, or says what this version cannot follow; INVALID_MODEL: it contradicts itself */
QN_API qn_status *qn_vision_create(const qn_model *model, const qn_vision_options *options,
                                   qn_vision **out_vision) QN_MUST_USE;
QN_API void qn_vision_destroy(qn_vision *vision);

/* Owned by `vision`; NULL only for NULL. */
QN_API const qn_vision_info *qn_vision_get_info(const qn_vision *vision);

/* Decides how a picture of width x height pixels runs (qn_image_fit_plan with the model's range). */
QN_API qn_status *qn_vision_plan(const qn_vision *vision, int width, int height, qn_image_fit *out_fit) QN_MUST_USE;

/* The shape of the input, info->rank dims, for a picture or tile of width x height; what is smaller than the model takes
   gets the least size, and qn_vision_fill() pads it. INVALID_ARGUMENT: a size below 1. */
QN_API qn_status *qn_vision_make_dims(const qn_vision *vision, int width, int height,
                                      int64_t out_dims[QN_MAX_RANK]) QN_MUST_USE;

/* Writes a picture as the model wants it (channels in its order, normalised), padded at the right and below.
 * @param picture  info->channels; at most as large as the tensor
 * @param input    dtype and dims as of qn_vision_make_dims(), a batch of 1; its data is overwritten
 * returns  INVALID_ARGUMENT: another number of channels, type, rank or size */
QN_API qn_status *qn_vision_fill(const qn_vision *vision, const qn_image *picture, qn_tensor *input) QN_MUST_USE;

/* The opposite: the picture that such a tensor holds, with whatever it is padded with. */
QN_API qn_status *qn_vision_show(const qn_vision *vision, const qn_tensor *input, qn_image *out_picture) QN_MUST_USE;

/* The model's answer as a label map of width x height: labels by nearest neighbours; logits by the greatest of the
 * scores interpolated linearly along both axes, and a score of one class so by the threshold.
 * @param output  what the model computed, with a batch of 1 if there is one
 * returns  UNSUPPORTED: the answer has another form, labels that are no whole numbers from 0 to 255, more than 256
 *          classes, or is of the whole picture (QN_VISION_SCORES) */
QN_API qn_status *qn_vision_take(const qn_vision *vision, const qn_tensor *output, int width, int height,
                                 qn_image *out_labels) QN_MUST_USE;

/* UNSUPPORTED, saying what the model is instead, if there are no labels of pixels to take (QN_VISION_SCORES). */
QN_API qn_status *qn_vision_expect_labels(const qn_vision *vision, const qn_model *model) QN_MUST_USE;

/* Loads a palette.
 * @param name         voc, ade20k, cityscapes or a file; NULL: names and colours that the model says, and where it says
 *                     none what suits the number of classes
 * @param class_count  how many classes there are, for a model that does not know; 0: info->class_count
 * returns  as qn_image_palette_load(); INVALID_MODEL, UNSUPPORTED: what the model says cannot be followed */
QN_API qn_status *qn_vision_load_palette(const qn_vision *vision, const char *name, int class_count,
                                         qn_image_palette *out_palette) QN_MUST_USE;

/* ---- From a picture to labels ---- */

typedef struct qn_segmenter qn_segmenter;

typedef struct qn_segmenter_options {
    size_t size; /* sizeof(qn_segmenter_options), set by qn_segmenter_options_init */
    /* Default 0: labels of the size at which the network ran are brought to the picture's by nearest neighbours, as
       `quench segment` does. Not 0: scores are enlarged instead, linearly, and classes taken afterwards, which gives
       smooth edges. Only models that give scores can (LOGITS, FOREGROUND); pictures that run in tiles are at their own
       size already. */
    int is_smooth;
    /* Default NULL. Asked before each run of the network, from the calling thread; non-zero gives CANCELLED. */
    int (*cancel)(void *self);
    void *cancel_self;
    /* For qn_segmenter_open() only. */
    const qn_vision_options *vision; /* default NULL: as the model says */
    const qn_engine_options *engine; /* default NULL: threads and CPU features as qn_engine_create() chooses them */
} qn_segmenter_options;

/* Sets every option to its default. */
QN_API void qn_segmenter_options_init(qn_segmenter_options *out_options);

/* Makes a segmenter of a compiled file: model, engine, context and palette of its own.
 * returns  errors of qn_model_load_file(), qn_vision_create(), qn_engine_create(), qn_context_create() and
 *          qn_vision_load_palette(), naming the file; UNSUPPORTED: the model classifies, or is_smooth with labels */
QN_API qn_status *qn_segmenter_open(const char *path, const qn_segmenter_options *options,
                                    qn_segmenter **out_segmenter) QN_MUST_USE;

/* Makes a segmenter on a context that exists.
 * @param vision, context  stay the caller's and must outlive the segmenter, which sets the context's input shapes
 * @param model            the one that both were made of; read during the call only */
QN_API qn_status *qn_segmenter_create(const qn_vision *vision, const qn_model *model, qn_context *context,
                                      const qn_segmenter_options *options, qn_segmenter **out_segmenter) QN_MUST_USE;
QN_API void qn_segmenter_destroy(qn_segmenter *segmenter);

/* What the model says of pictures. Owned by the segmenter, or by whoever gave it; NULL only for NULL. */
QN_API const qn_vision *qn_segmenter_get_vision(const qn_segmenter *segmenter);

/* Names and colours of the classes. Owned by the segmenter; NULL for one of qn_segmenter_create(). */
QN_API const qn_image_palette *qn_segmenter_palette(const qn_segmenter *segmenter);

/* What a run says about one picture. */
typedef struct qn_segmenter_info {
    double ms;                           /* running the network, all tiles */
    int net_width, net_height, runs;     /* the size it ran at, and how often */
    int64_t areas[QN_IMAGE_CLASSES_MAX]; /* pixels of each class */
} qn_segmenter_info;

/* Labels every pixel of a picture.
 * @param photo          1 channel, or 3: R, G, B; brought to the channels that the model wants
 * @param width, height  of the label map, in pixels; both 0: the photo's
 * @param out_labels     one channel, whose value is the class
 * @param out_info       may be NULL
 * returns  CANCELLED; INVALID_ARGUMENT: no sound picture, or one of these sizes is below 1; errors of qn_vision_plan(),
 *          qn_context_set_input_shape(), qn_context_run() and qn_vision_take()
 * cost     allocates the label map, the scaled picture and, when the size at which the network runs changes, its
 *          tensors */
QN_API qn_status *qn_segmenter_run(qn_segmenter *segmenter, const qn_image *photo, int width, int height,
                                   qn_image *out_labels, qn_segmenter_info *out_info) QN_MUST_USE;

/* The same for a raw frame, as a camera or video decoder gives it, at the frame's size. */
QN_API qn_status *qn_segmenter_run_frame(qn_segmenter *segmenter, const qn_frame *frame, qn_image *out_labels,
                                         qn_segmenter_info *out_info) QN_MUST_USE;

/* What the network itself answered to the last run, of the last tile: labels or scores at its own size.
 * @param out_scores  dtype, dims and data, which belong to the segmenter and change with its next run
 * returns  UNAVAILABLE before the first run */
QN_API qn_status *qn_segmenter_get_scores(const qn_segmenter *segmenter, qn_tensor *out_scores) QN_MUST_USE;

#ifdef __cplusplus
}
#endif

#endif
