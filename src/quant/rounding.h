/* quant/rounding.h - integers for the weights of one output that change the output least, rather than each weight least.
 *
 * With t the weights in units of their scale and v the integers that stand for them, the output is off by (t - v)' H (t - v)
 * on average, H the second moments of what is read, in its own integers (quant/moments.h). Errors of weights that read
 * alike make up for each other, and the nearest integers leave that unused. Two ways lead down from them:
 *
 *   feedback   weights are rounded one after the other, the most important first, and those that come later take up
 *              what the earlier ones changed, as far as they can: rounding in the triangle L' of H = L L'
 *   descent    from there, and from the nearest integers: whichever weight lowers the error by another integer takes it,
 *              until none does or the sweeps are spent
 *
 * The better end of the two descents is taken, so the result is never worse than the nearest integers.
 */
#ifndef QN_QUANT_ROUNDING_H
#define QN_QUANT_ROUNDING_H

#include "base/cancel.h"
#include "quant/moments.h"

typedef struct qn_rounding_place {
    int64_t row;
    double weight; /* H of the row with itself */
} qn_rounding_place;

typedef struct qn_rounding {
    int64_t rows;
    double *h;                    /* [rows, rows] */
    double *mean;                 /* [rows]: of what is read, in its integers, zero point taken off */
    double *lower;                /* [rows, rows]: L for rows in `order` */
    qn_rounding_place *order;     /* [rows]: which row stands at each place; later places are rounded first */
    double *trial, *error, *sums; /* [rows]: scratch */
    int is_usable;                /* is H finite and positive definite? */
} qn_rounding;

/* Room for matrices of `rows`, in `arena`. OUT_OF_MEMORY. */
qn_status *qn_rounding_init(qn_rounding *rounding, int64_t rows, qn_arena *arena) QN_MUST_USE;

/* Makes H of the moments of `channel` (0 unless depthwise). Row i reads channel i % moments->channels, or `channel`, whose
   scale is scale[]; about_mean: the bias takes up the mean. Rounding what is read adds its own variance, 1/12. CANCELLED:
   `cancel` is asked for every row. */
qn_status *qn_rounding_set(qn_rounding *rounding, const qn_moments *moments, int64_t channel, const float *scale,
                           int about_mean, const qn_cancel *cancel) QN_MUST_USE;

/* Integers from -top to top for `wanted` [rows] into out[rows], by at most `sweeps` >= 1 sweeps of descent. Returns the error.
   Only where rounding->is_usable. */
double qn_rounding_choose(const qn_rounding *rounding, const double *wanted, double top, int64_t sweeps, double *out);

#endif
