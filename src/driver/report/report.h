/* driver/report/report.h - what became of a network that was built in integers: docs/calibration-report.md.
 *
 * The report looks at the graph before and after every stage of passes, since each forgets what it has to say: batch
 * norms are spelled out no more when constants are folded, layers lose their float weights when they become integers,
 * and why a layer stayed float when it is stored in halves. At the end it runs the simplified float network and the
 * finished one side by side on a few samples. Nothing here changes the graph.
 *
 *     report.c          the stages, and which layer became what
 *     report_measure.c  both networks run
 *     report_norms.c    what batch norms remember of the training data
 *     report_lacks.c    what the calibration samples lack
 *     report_json.c     the text
 */
#ifndef QN_DRIVER_REPORT_REPORT_H
#define QN_DRIVER_REPORT_REPORT_H

#include "driver/compile/compile.h"
#include "driver/calibrate/norms.h"
#include "quant/cost.h"
#include "quant/observer.h"

enum {
    QN_REPORT_SAMPLES = 8,    /* as many are run at most */
    QN_REPORT_BINS = 64,      /* of a histogram */
    QN_REPORT_PICKS = 1 << 15 /* as many elements of a value are compared in one sample at most */
};

/* Sums over the elements of two tensors that should be equal. */
typedef struct qn_report_sums {
    double signal, other, product, error; /* of a*a, b*b, a*b and (a-b)^2, a the float network's */
    int64_t count, equal;
} qn_report_sums;

/* One value that a layer reads or makes. */
typedef struct qn_report_value {
    const char *name;                  /* in the float network */
    const char *final_name;            /* in the finished one; NULL: it has disappeared there */
    qn_dtype dtype;                    /* there; NONE likewise */
    const qn_value_encoding *encoding; /* there, where it is integer */
    const qn_value_stats *stats;       /* what calibration says; NULL: nothing */
    qn_observer *observer;             /* of the float network's; NULL: not seen */
    /* Of the sample that runs: every step-th element of the float network's. */
    float *picks;
    int64_t elems, step;
    qn_report_sums sums;
    int64_t at_ends, clipped; /* integers at an end of their type; those whose float lies beyond it */
} qn_report_value;

typedef struct qn_report_layer {
    const char *name, *op;
    qn_value *fused_output; /* of the node after stage FUSE, an addition's behind its activation */
    const char *rounded;    /* fake quantisation of that which alone reads it: integers stand for both; NULL: none */
    size_t input, output;   /* into qn_report.values */
    double macs, float_cycles, byte_cycles, word_byte_cycles, word_cycles;
    int has_weights;
    float weight_low, weight_high;
    double weight_spread; /* the largest over the smallest magnitude of an output's weights; 0: there is none */
    int64_t outputs, dead_outputs, never_alive;
    qn_dtype precision; /* what it computes in: U8, S16, F16 or F32 */
    qn_outcome outcome; /* why; NOTHING: nothing to say */
    double cycles;      /* in that */
} qn_report_layer;

/* A batch norm of the source. */
typedef struct qn_report_norm {
    qn_norm norm;
    double deviation; /* how far calibration is from that, in deviations, over all channels; < 0: not known */
} qn_report_norm;

/* Sums of values and of their squares, per channel. */
typedef struct qn_report_moments {
    double *sums, *squares;
    int64_t rows;
} qn_report_moments;

/* The first layer, if a batch norm follows it: whether the samples make it give what it gave in training. [0]: of
   samples as they are; [1]: with their last axis turned, where that has three channels. */
typedef struct qn_report_first_layer {
    qn_graph *graph; /* from the inputs to it; NULL: there is none such */
    const char *norm;
    int64_t channels;
    const float *mean, *variance;      /* in training */
    qn_report_moments all[2], last[2]; /* of all samples before; of the one that was run last */
    int64_t samples, better_turned;    /* with both; those more like training when turned */
} qn_report_first_layer;

/* One input or output of the network. */
typedef struct qn_report_tensor {
    const char *name;
    qn_dtype dtype;
    int64_t channels; /* inputs that look like pictures: 1 to 4; else 1 */
    double low[4], high[4], sum[4];
    int64_t counts[4];
    qn_report_sums sums; /* outputs */
} qn_report_tensor;

typedef struct qn_report {
    const qn_build_options *options; /* NULL: no report is wanted, and nothing happens */
    const qn_config *config;
    const qn_progress *progress;
    const qn_cost_model *model;
    qn_arena *arena;  /* the graph's */
    qn_graph *floats; /* the simplified network */
    const char *mode;
    double float_bytes, final_bytes; /* of constants that are used */
    size_t wanted, ranged;           /* values that layers read, and those with a range */
    int64_t samples;                 /* run for the report */
    QN_LIST(qn_report_norm) norms;
    QN_LIST(qn_report_layer) layers;
    QN_LIST(qn_report_value) values;
    qn_report_first_layer first;
    qn_report_tensor *inputs, *outputs;
    size_t input_count, output_count;
} qn_report;

/* Begins one before any pass, if options->report asks for it and the graph is to become integer. OUT_OF_MEMORY. */
qn_status *qn_report_begin(qn_report *report, const qn_graph *graph, const qn_config *config,
                           const qn_build_options *options, const qn_progress *progress) QN_MUST_USE;
/* Looks at the graph after a stage; after SIMPLIFY with the ranges on the values. After CONVERT it measures and hands
   the text over. Errors of the samples, CANCELLED, OUT_OF_MEMORY. */
qn_status *qn_report_after(qn_report *report, const qn_graph *graph, qn_pass_stage stage) QN_MUST_USE;

/* ---- Parts ---- */

/* Runs both networks on the samples. qn_report_forget() frees what came of it, after a failure too. */
qn_status *qn_report_measure(qn_report *report, const qn_graph *graph) QN_MUST_USE;
void qn_report_forget(qn_report *report);

/* Takes down the batch norms of the source graph, and its beginning; later what calibration says of them. */
qn_status *qn_report_find_norms(qn_report *report, const qn_graph *graph) QN_MUST_USE;
/* Takes first->last into account. */
void qn_report_add_first(qn_report_first_layer *first);
void qn_report_judge_norms(qn_report *report, const qn_graph *graph);
/* How far the first layer is from training: the mean over its channels of the divergence of two normal distributions;
   the second with the channels of the samples turned. `out_width`: how many times as wide its values are. */
void qn_report_judge_first(const qn_report_first_layer *first, double out_divergence[2], double *out_width);

/* [{"kind", "text"}], and the whole text; NULL: memory is short. */
json_t *qn_report_make_lacks(const qn_report *report);
json_t *qn_report_make_json(const qn_report *report);
/* A text that may be no UTF-8; a number that may not be finite (null then). */
json_t *qn_report_text(const char *text);
json_t *qn_report_number(double number);

/* 10 log10(signal / error), NaN where nothing was compared and infinite where nothing differs. */
double qn_report_sqnr(const qn_report_sums *sums);
double qn_report_cosine(const qn_report_sums *sums);

#endif
