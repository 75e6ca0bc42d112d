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
 * Life cycle:  open -> run, run, run ... -> destroy, of any number of segmenters. By hand:
 *              qn_vision_create -> plan -> make_dims -> fill -> qn_context_run -> take -> qn_vision_destroy
 *
 * Shapes: N is the batch, always 1 here; H and W are height and width in pixels, C channels or classes. A picture is
 * [H, W, C] uint8 with C 1 or 3, a label map [H, W] uint8 (quench/image.h).
 * Ownership: as in quench/image.h: an `out_` struct is filled for the caller, who deinits it, and zeroed on failure; an
 * `out_` handle is the caller's, freed by the matching destroy, which accepts NULL, and NULL on failure. What is passed
 * as const is read during the call only, unless said otherwise. Memory is the C library's heap.
 * Errors: every function that returns a status answers INVALID_ARGUMENT where a pointer that must be given is NULL, and
 * OUT_OF_MEMORY where memory is short; they are not listed again.
 * Threads: a qn_vision may be read by any number of threads at a time, a qn_segmenter is used by one at a time. One
 * engine serves many segmenters, each on a context of its own; qn_segmenter_open_model() makes an engine for each.
 * Hostile input: what a file says of pictures is checked against its inputs and outputs, and names no file of this
 * machine. Time and memory grow with the picture, the sizes that the model takes and its number of classes.
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
    QN_VISION_LABELS,     /* the class of each pixel: [N, H, W], any numbers */
    QN_VISION_LOGITS,     /* a score for each pixel and class, [N, H, W, C] or [N, C, H, W]; the greatest wins, of equal
                             ones the first */
    QN_VISION_FOREGROUND, /* one score for each pixel, [N, H, W], with or without an axis of 1 for the channel: class 1
                             where it is above `threshold`, else class 0, also where it is NaN */
    QN_VISION_SCORES      /* scores [N, C] of the whole picture: it classifies, there are no labels of pixels */
} qn_vision_answer;

/* Owned by its qn_vision; constant. */
typedef struct qn_vision_info {
    size_t input, output; /* numbers of the model's input and output, for qn_model_input() and qn_model_output() */
    /* The input: [N, H, W, C], [N, C, H, W], or the same without N. */
    qn_dtype dtype;                /* U8: the pixels themselves; F32: normalised as the model says */
    int rank;                      /* 4, or 3 without N */
    int height_axis, channel_axis; /* the width is the axis after the height */
    int channels;                  /* 3, in the order that the model says, or 1 */
    qn_vision_answer answer;
    int class_axis;          /* of the output: of the classes, or of the only channel; -1: there is none */
    int row_axis;            /* of the output: its height; the width is the next axis that is not class_axis */
    float threshold;         /* FOREGROUND: in the score's own unit */
    int class_count;         /* 1 .. QN_IMAGE_CLASSES_MAX; 0: not known */
    qn_image_fit_mode fit;   /* how pictures that do not fit are made to */
    qn_image_range possible; /* sizes in pixels that the model takes */
    qn_image_range range;    /* sizes that pictures run at: those, or the one size that the model's source declares */
} qn_vision_info;

typedef struct qn_vision_options {
    size_t size;           /* sizeof(qn_vision_options), set by qn_vision_options_init */
    int has_fit;           /* 0, the default: `fit` is as the model says, else shrink */
    qn_image_fit_mode fit; /* used where has_fit is not 0; declared sizes then do not bind (qn_vision_info.range) */
} qn_vision_options;

/* Sets every option to its default. Accepts NULL. */
QN_API void qn_vision_options_init(qn_vision_options *out_options);

/* Reads what a model says of pictures.
 * @param model       read during the call only, and may be destroyed afterwards
 * @param options     NULL for the defaults
 * @param out_vision  the caller's, freed by qn_vision_destroy()
 * returns  INVALID_ARGUMENT: options that qn_vision_options_init() did not make;
 *          UNSUPPORTED, saying what is missing and how to build it in: the model says nothing of pictures, takes more
 *          inputs than one, or says what this version cannot follow; INVALID_MODEL: it contradicts itself;
 *          NOT_FOUND: it names an input or output that it has not
 * threads  any */
QN_API qn_status *qn_vision_create(const qn_model *model, const qn_vision_options *options,
                                   qn_vision **out_vision) QN_MUST_USE;

/* Frees it; accepts NULL. No segmenter made of it may be used any more. */
QN_API void qn_vision_destroy(qn_vision *vision);

/* Owned by `vision` and valid as long; NULL only for NULL. Any thread. */
QN_API const qn_vision_info *qn_vision_get_info(const qn_vision *vision);

/* Decides how a picture runs (qn_image_fit_plan() with the model's range).
 * @param width, height  of the picture, in pixels, >= 1
 * @param out_fit        sizes in pixels, and tiles
 * returns  INVALID_ARGUMENT: a size below 1; LIMIT: scaled to the model's range the picture would be above
 *          QN_IMAGE_PIXELS_MAX
 * threads  any */
QN_API qn_status *qn_vision_plan(const qn_vision *vision, int width, int height, qn_image_fit *out_fit) QN_MUST_USE;

/* The shape of the input for a picture or tile; what is smaller than the model takes gets the least size, and
 * qn_vision_fill() pads it. What is larger is not made smaller: qn_vision_plan() does that.
 * @param width, height  of the picture or tile, in pixels, >= 1
 * @param out_dims       the first info->rank are written, in the order of the model's layout, with a batch of 1
 * returns  INVALID_ARGUMENT: a size below 1
 * threads  any */
QN_API qn_status *qn_vision_make_dims(const qn_vision *vision, int width, int height,
                                      int64_t out_dims[QN_MAX_RANK]) QN_MUST_USE;

/* Writes a picture as the model wants it (channels in its order, normalised), padded at the right and below.
 * @param picture  [h, w, info->channels] uint8, with h and w at most H and W of the tensor
 * @param input    the caller's: dtype and dims as of qn_vision_make_dims(), [N, H, W, C] or as the model's layout is, N 1;
 *                 all of its data is overwritten
 * returns  INVALID_ARGUMENT: another number of channels, type, rank or size; nothing has been written then
 * threads  any
 * cost     allocates nothing */
QN_API qn_status *qn_vision_fill(const qn_vision *vision, const qn_image *picture, qn_tensor *input) QN_MUST_USE;

/* The opposite: the picture that such a tensor holds, with whatever it is padded with.
 * @param input        as of qn_vision_fill(); floats are brought back to 0 .. 255 and rounded
 * @param out_picture  [H, W, info->channels] uint8, red first; the caller's, freed by qn_image_deinit()
 * returns  INVALID_ARGUMENT: another type, rank or size; LIMIT: above QN_IMAGE_PIXELS_MAX
 * threads  any */
QN_API qn_status *qn_vision_show(const qn_vision *vision, const qn_tensor *input, qn_image *out_picture) QN_MUST_USE;

/* The model's answer as a label map: labels by nearest neighbours; logits by the greatest of the scores interpolated
 * linearly along both axes, and a score of one class so by the threshold.
 * @param output         what the model computed, of the form that info->answer names, N 1: sides of any size, classes at
 *                       info->class_axis
 * @param width, height  of the map, in pixels, >= 1: the size at which the network ran, or the whole map for what
 *                       qn_segmenter_get_scores() gives
 * @param out_labels     [height, width] uint8; the caller's, freed by qn_image_deinit()
 * returns  INVALID_ARGUMENT: a size below 1; UNSUPPORTED: the answer has another form, labels that are no whole numbers
 *          from 0 to 255, more than 256 classes, or is of the whole picture (QN_VISION_SCORES); LIMIT: above
 *          QN_IMAGE_PIXELS_MAX
 * threads  any */
QN_API qn_status *qn_vision_take(const qn_vision *vision, const qn_tensor *output, int width, int height,
                                 qn_image *out_labels) QN_MUST_USE;

/* Is there a label for each pixel?
 * @param model  the one that `vision` was made of; read during the call only, for its output's name
 * returns  UNSUPPORTED, saying what the model is instead, if there are no labels of pixels to take (QN_VISION_SCORES)
 * threads  any */
QN_API qn_status *qn_vision_expect_labels(const qn_vision *vision, const qn_model *model) QN_MUST_USE;

/* Loads a palette.
 * @param name         voc, ade20k, cityscapes or the path of a file; NULL: names and colours that the model says, and
 *                     where it says none what suits the number of classes
 * @param class_count  how many classes there are, for a model that does not know; 0: info->class_count
 * @param out_palette  the caller's, freed by qn_image_palette_deinit(); does not depend on `vision`
 * returns  as qn_image_palette_load(); INVALID_MODEL, UNSUPPORTED: what the model says cannot be followed: a name helps
 * threads  any */
QN_API qn_status *qn_vision_load_palette(const qn_vision *vision, const char *name, int class_count,
                                         qn_image_palette *out_palette) QN_MUST_USE;

/* ---- From a picture to labels ---- */

typedef struct qn_segmenter qn_segmenter;

/* What pointers point to is used during the call that makes the segmenter only, unless said otherwise. */
typedef struct qn_segmenter_options {
    size_t size; /* sizeof(qn_segmenter_options), set by qn_segmenter_options_init */
    /* Default 0: labels are taken at the size to which the picture was scaled for the network, and brought to the map's
       size by nearest neighbours, as `quench segment` does. Not 0: scores are brought to the map's size instead,
       linearly, and classes taken afterwards, which gives smooth edges; in tiles too, each of which gives the part of
       the map over its share. Only models that give scores can (LOGITS, FOREGROUND). Maps of the size that the network
       ran at are the same either way. */
    int is_smooth;
    /* Default NULL. Asked before each run of the network, from the calling thread; non-zero gives CANCELLED. May be
       called as long as the segmenter lives, as may cancel_self be used. */
    int (*cancel)(void *self);
    void *cancel_self;
    /* For qn_segmenter_open() and its kin only, as what follows from `threads` on. */
    const qn_vision_options *vision; /* default NULL: as the model says */
    const qn_engine_options *engine; /* default NULL: as qn_engine_create() chooses */
    /* Default 0. Not 0: what the network answers to the tiles of a picture is put together for
       qn_segmenter_get_scores(), which takes as much memory as the answer to the whole picture would: H * W * C floats for
       scores at the picture's size. */
    int keep_scores;
    /* The engine without qn_engine_options; 0 and NULL, the defaults, leave it to `engine`. */
    int threads;                 /* that work on one run, the calling one included, 1 .. 1024 */
    const char *cpu;             /* CPU features to use: "generic", "avx2", ... */
    const qn_executor *executor; /* copied; `self` must outlive the segmenter; `threads` means nothing then */
    /* Default NULL: the palette of qn_segmenter_palette() is as the model says. voc, ade20k, cityscapes or a file. */
    const char *palette;
} qn_segmenter_options;

/* Sets every option to its default. Accepts NULL. */
QN_API void qn_segmenter_options_init(qn_segmenter_options *out_options);

/* Makes a segmenter of a compiled file: model, engine, context and palette of its own.
 * @param path           of a file that `quench build` or qn_model_bytes() made; it is mapped, so must not be changed in
 *                       place while the segmenter lives (replacing it by rename is fine)
 * @param options        NULL for the defaults
 * @param out_segmenter  the caller's, freed by qn_segmenter_destroy()
 * returns  errors of qn_model_load_file(), qn_vision_create(), qn_engine_create(), qn_context_create() and
 *          qn_vision_load_palette(), naming the file; UNSUPPORTED: the model classifies, or is_smooth with labels;
 *          INVALID_ARGUMENT: options that qn_segmenter_options_init() did not make
 * threads  any
 * cost     reads the file once, starts the engine's threads */
QN_API qn_status *qn_segmenter_open(const char *path, const qn_segmenter_options *options,
                                    qn_segmenter **out_segmenter) QN_MUST_USE;

/* The same of a compiled model's bytes in memory.
 * @param data, bytes  what qn_model_bytes() gives, or a file's content
 * @param memory       QN_MEMORY_COPY: `data` may go away after the call; QN_MEMORY_BORROW: used in place, aligned to 64,
 *                     unchanged and alive as long as the segmenter
 * returns  errors of qn_model_load_memory(), else as qn_segmenter_open(), without a name in front */
QN_API qn_status *qn_segmenter_open_memory(const void *data, size_t bytes, qn_memory memory,
                                           const qn_segmenter_options *options,
                                           qn_segmenter **out_segmenter) QN_MUST_USE;

/* The same of a model that is loaded, or has just been built.
 * @param model  stays the caller's, who may destroy it at once: the segmenter keeps what it needs of it alive
 * returns  as qn_segmenter_open(), without a name in front */
QN_API qn_status *qn_segmenter_open_model(qn_model *model, const qn_segmenter_options *options,
                                          qn_segmenter **out_segmenter) QN_MUST_USE;

/* Makes a segmenter on a context that exists, as for several of them on one engine.
 * @param vision, context  stay the caller's and must outlive the segmenter, which sets the context's input shapes
 * @param model            the one that both were made of; read during the call only
 * @param options          NULL for the defaults
 * @param out_segmenter    the caller's, freed by qn_segmenter_destroy()
 * returns  UNSUPPORTED: the model classifies, or is_smooth with labels; INVALID_ARGUMENT: options that
 *          qn_segmenter_options_init() did not make
 * threads  any, as long as no other uses the context */
QN_API qn_status *qn_segmenter_create(const qn_vision *vision, const qn_model *model, qn_context *context,
                                      const qn_segmenter_options *options, qn_segmenter **out_segmenter) QN_MUST_USE;

/* Frees it with all that it made, which ends its engine's threads; accepts NULL. Not while a run is active. */
QN_API void qn_segmenter_destroy(qn_segmenter *segmenter);

/* What the model says of pictures. Owned by the segmenter, or by whoever gave it to qn_segmenter_create(); NULL only for
   NULL. Any thread. */
QN_API const qn_vision *qn_segmenter_get_vision(const qn_segmenter *segmenter);

/* Names and colours of the classes. Owned by the segmenter and constant; NULL for one of qn_segmenter_create(), for which
   qn_vision_load_palette() loads it. Any thread. */
QN_API const qn_image_palette *qn_segmenter_palette(const qn_segmenter *segmenter);

/* What a run says about one picture. */
typedef struct qn_segmenter_info {
    double ms;                           /* milliseconds of running the network, all tiles */
    int net_width, net_height, runs;     /* the size in pixels it ran at, and how often: once for each tile */
    int64_t areas[QN_IMAGE_CLASSES_MAX]; /* pixels of each class in the map; they add up to width * height */
} qn_segmenter_info;

/* Labels every pixel of a picture.
 * @param photo          [H, W, C] uint8; C 1: gray, or 3: R, G, B; brought to the channels that the model wants
 * @param width, height  of the label map, in pixels; both 0: the photo's
 * @param out_labels     [height, width] uint8, whose value is the class; the caller's, freed by qn_image_deinit()
 * @param out_info       may be NULL
 * returns  CANCELLED; INVALID_ARGUMENT: no sound picture, or a size below 1; LIMIT: a map or scaled picture above
 *          QN_IMAGE_PIXELS_MAX; UNSUPPORTED: values that are no labels (qn_vision_take()); errors of
 *          qn_context_set_input_shape() and qn_context_run(). The segmenter stays usable
 * threads  one at a time per segmenter
 * cost     allocates the label map, the scaled picture and, when the size at which the network runs changes, its
 *          tensors */
QN_API qn_status *qn_segmenter_run(qn_segmenter *segmenter, const qn_image *photo, int width, int height,
                                   qn_image *out_labels, qn_segmenter_info *out_info) QN_MUST_USE;

/* The same for a raw frame, as a camera or video decoder gives it, at the frame's size.
 * @param frame  its planes are read during the call only
 * returns  as qn_segmenter_run(), and errors of qn_image_from_frame()
 * cost     as qn_segmenter_run(), and the frame as a picture */
QN_API qn_status *qn_segmenter_run_frame(qn_segmenter *segmenter, const qn_frame *frame, qn_image *out_labels,
                                         qn_segmenter_info *out_info) QN_MUST_USE;

/* What the network itself answered to the last picture: labels or scores at its own size, in the form that info->answer
 * names.
 *
 * A picture that ran in one piece: the output as it is, with the answer to what the picture was padded with, if it was. One
 * that ran in tiles, with keep_scores: the answers put together, each sample from the tile whose share it lies in
 * (qn_image_fit_tile_share()), as if the network had answered to the whole scaled picture: along each side
 * round(side * samples / net) of them, `samples` being how many a tile of `net` pixels is answered with. Where a tile's
 * samples are its pixels they are copied; else scores are interpolated linearly and are F32, labels are the nearest
 * sample's. qn_vision_take() makes a label map of any size of either.
 *
 * @param out_scores  dtype, dims and data, which belong to the segmenter and change with its next run: no
 *                    qn_tensor_deinit()
 * returns  UNAVAILABLE: before the first picture, after one that failed, or it ran in tiles and keep_scores is 0
 * threads  one at a time per segmenter */
QN_API qn_status *qn_segmenter_get_scores(const qn_segmenter *segmenter, qn_tensor *out_scores) QN_MUST_USE;

#ifdef __cplusplus
}
#endif

#endif
