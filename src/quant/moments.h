/* quant/moments.h - second moments of what the windows of a layer read, gathered while calibration runs.
 *
 * A layer multiplies its weights with one vector per output position: `rows` numbers, taps * channels of them with the
 * channel running fastest. Rounding the weights by d changes the output by d . x, and so its square by d' E[x x'] d on
 * average: E[x x'] says which roundings make up for one another (quant/rounding.h). A depthwise convolution has such a
 * matrix, taps * taps, for every channel.
 *
 * Of each sample some windows stand for all. Nothing grows with the number of samples, and the same samples in the same
 * order give the same bits, on every machine.
 */
#ifndef QN_QUANT_MOMENTS_H
#define QN_QUANT_MOMENTS_H

#include "base/memory.h"
#include "base/status.h"
#include "ir/graph.h"
#include "op/geometry.h"

/* Rows beyond this are not watched: the matrix takes 8 bytes * rows * rows. */
enum { QN_MOMENTS_ROWS_MAX = 2048 };

/* So many windows of one sample are looked at, other ones in every sample. */
enum { QN_MOMENTS_PICK = 256, QN_MOMENTS_PICK_DEPTHWISE = 64 };

/* For reading by others; only quant/moments.c writes. */
typedef struct qn_moments {
    const qn_allocator *allocator;
    qn_window window;
    int is_depthwise;
    int64_t channels, taps;
    int64_t rows;            /* of one matrix: taps * channels; depthwise: taps */
    uint64_t samples, count; /* samples and windows seen */
    double *sum;             /* [taps, channels] */
    /* Sums of products of rows i <= j: [rows, rows]; depthwise [taps, taps, channels]. */
    double *product;
    float *panel; /* windows on their way into the sums: [.., stride] */
    int64_t stride, filled;
    struct qn_moments *next; /* of the same value, by other windows; the owner's to set */
} qn_moments;

/* By which windows a convolution or product with constant weights reads its input 0. Returns 0 where its sums are not those
   of one such matrix: another operator, or groups of several channels. */
int qn_moments_describe(const qn_node *node, qn_window *out_window, int *out_is_depthwise);

/* How many rows a matrix would have. */
int64_t qn_moments_rows(const qn_window *window, int is_depthwise, int64_t channels);

/* For windows over a value of `channels` whose rows are at most QN_MOMENTS_ROWS_MAX. `allocator` (NULL: the heap) is
   remembered and must outlive the moments. OUT_OF_MEMORY, with *out_moments NULL. */
qn_status *qn_moments_create(const qn_allocator *allocator, const qn_window *window, int is_depthwise, int64_t channels,
                             qn_moments **out_moments) QN_MUST_USE;
/* Destroys it and all that follow; accepts NULL. */
void qn_moments_destroy(qn_moments *moments);
/* The same list once more, on the same allocator; NULL gives NULL. OUT_OF_MEMORY. */
qn_status *qn_moments_copy(const qn_moments *moments, qn_moments **out_copy) QN_MUST_USE;

/* The one of a list that belongs to such windows, or NULL. */
const qn_moments *qn_moments_find(const qn_moments *list, const qn_window *window, int is_depthwise);

/* Takes in one sample, finite: `data` is [N,H,W,C] with these dims. Positions outside read as 0. Allocates nothing. */
void qn_moments_add(qn_moments *moments, const float *data, const int64_t dims[4]);

/* Mean of row i, and of the product of rows i and j, of channel `channel` (0 unless depthwise). At least one window has
   been seen. */
double qn_moments_mean(const qn_moments *moments, int64_t channel, int64_t i);
double qn_moments_product(const qn_moments *moments, int64_t channel, int64_t i, int64_t j);

#endif
