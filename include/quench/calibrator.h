/* quench/calibrator.h - measures a network on samples, so that it can be built in integer precision.
 *
 *     qn_config_set(config, "precision_config.precision_mode", "qint8_mixed_float16");
 *     status = qn_calibrator_create(NULL, &calibrator);
 *     status = qn_calibrate(calibrator, network, config, &samples);     (or qn_calibrator_load_ranges_file)
 *     qn_build_options options;
 *     qn_build_options_init(&options);
 *     options.calibrator = calibrator;
 *     status = qn_build(network, config, &options, &model);
 *     qn_calibrator_destroy(calibrator);
 *
 * Calibrating runs the simplified float network on every sample and keeps, per value, its range, and per channel range and
 * mean, and for learned rounding (precision_config.rounding_iterations) how the numbers move together that a layer reads:
 * memory does not grow with the number of samples. Calibrate with the configuration that the build gets: what it
 * says about types, layouts and shapes changes the network that is measured.
 * Threads: one at a time per calibrator.
 */
#ifndef QUENCH_CALIBRATOR_H
#define QUENCH_CALIBRATOR_H

#include "quench/config.h"
#include "quench/network.h"
#include "quench/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where samples come from. All inputs of the network advance together. */
typedef struct qn_samples {
    void *self;
    int64_t count; /* how many there are, for progress; -1: not known */
    /* Gives the next sample: fills inputs[i], for input i of the network as it will be built (element type and layout of the
       compiled model), with dims in the declared range. They may differ from sample to sample. The data is the caller's and
       must stay until the next call. *out_has: 0 at the end. An error ends the calibration and is handed on. Messages count
       samples from 1. */
    qn_status *(*next)(void *self, qn_tensor *inputs, size_t input_count, int *out_has);
    /* Goes back to the first sample. Needed by contracts only; may be NULL elsewhere. */
    qn_status *(*rewind)(void *self);
    /* The true labels of the sample that `next` gave last, as a tensor of the dims of the network's first output; NULL
       where there are none. Needed by contracts on mIoU. */
    qn_status *(*labels)(void *self, qn_tensor *out_labels);
} qn_samples;

typedef struct qn_calibrator qn_calibrator;

typedef struct qn_calibrator_options {
    size_t size;                   /* sizeof(qn_calibrator_options), set by qn_calibrator_options_init */
    const qn_allocator *allocator; /* default NULL: the C library's heap. Copied */
    /* default NULL. Copied: hears of too few samples, duplicates, ranges that a single element decides */
    const qn_log *log;
    /* How a range follows from what was seen: "linear" (LINEAR_ALGORITHM: least and greatest), "eqnm" (EQNM_ALGORITHM: least
       square error), "moving_average", "percentile", "mse", "kl". Default NULL: the one that measured best. */
    const char *algorithm;
    int threads; /* default 0: as many as the process may use */
    /* Default NULL. Called now and then with what is being done and how much of it is, 0 to 1; < 0: not known. */
    void (*progress)(void *self, const char *phase, double fraction);
    void *progress_self;
    /* Default NULL. Asked every few milliseconds of long work; non-zero to give up: QN_CANCELLED. */
    int (*cancel)(void *self);
    void *cancel_self;
} qn_calibrator_options;

QN_API void qn_calibrator_options_init(qn_calibrator_options *options);

/* INVALID_ARGUMENT: no such algorithm, the nearest is named; a wrong size. OUT_OF_MEMORY. */
QN_API qn_status *qn_calibrator_create(const qn_calibrator_options *options,
                                       qn_calibrator **out_calibrator) QN_MUST_USE;
QN_API void qn_calibrator_destroy(qn_calibrator *calibrator); /* accepts NULL */

/* Runs the network on every sample, after those of earlier calls.
 * @param network  stays as it is and can be built afterwards
 * @param config   NULL: every default
 * returns   INVALID_ARGUMENT: no samples at all, or a sample that does not fit an input, with its number; what the network gave is
 *           not finite, naming value and sample; INVALID_MODEL: because a constant is not, naming that; CANCELLED; what qn_build returns. After a failure the calibrator has what
 *           it had before */
QN_API qn_status *qn_calibrate(qn_calibrator *calibrator, const qn_network *network, const qn_config *config,
                               const qn_samples *samples) QN_MUST_USE;

/* How many samples have been seen. */
QN_API int64_t qn_calibrator_sample_count(const qn_calibrator *calibrator);

/* The ranges as text (JSON, docs/quantisation.md): readable, editable, and enough for a later build. *out_text belongs to the
   calibrator, valid until the next call. INVALID_ARGUMENT: there are none. */
QN_API qn_status *qn_calibrator_ranges_text(qn_calibrator *calibrator, const char **out_text) QN_MUST_USE;
QN_API qn_status *qn_calibrator_save_ranges_file(qn_calibrator *calibrator, const char *path) QN_MUST_USE;

/* Takes ranges from such a text or file instead of samples; they replace what the calibrator had. `origin` stands for
   the text in messages. INVALID_ARGUMENT names key and value; NOT_FOUND, IO. That they belong to another network shows
   when building: none of its values is among them, which is an error, or it comes from another file, which is a
   warning. */
QN_API qn_status *qn_calibrator_load_ranges_text(qn_calibrator *calibrator, const char *text,
                                                 const char *origin) QN_MUST_USE;
QN_API qn_status *qn_calibrator_load_ranges_file(qn_calibrator *calibrator, const char *path) QN_MUST_USE;

/* One range for every value: no accuracy to speak of, but the speed of integer precision without any sample. */
QN_API qn_status *qn_calibrator_set_fixed_range(qn_calibrator *calibrator, float low, float high) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
