#include "quant/rounding.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

qn_status *qn_rounding_init(qn_rounding *r, int64_t rows, qn_arena *arena) {
    const size_t count = (size_t)rows;
    *r = (qn_rounding){.rows = rows};
    r->h = QN_ARENA_ARRAY(arena, double, count *count);
    r->lower = QN_ARENA_ARRAY(arena, double, count *count);
    r->mean = QN_ARENA_ARRAY(arena, double, count);
    r->order = QN_ARENA_ARRAY(arena, qn_rounding_place, count);
    r->trial = QN_ARENA_ARRAY(arena, double, count);
    r->error = QN_ARENA_ARRAY(arena, double, count);
    r->sums = QN_ARENA_ARRAY(arena, double, count);
    return r->h && r->lower && r->mean && r->order && r->trial && r->error && r->sums ? NULL
                                                                                      : qn_status_out_of_memory();
}

/* ---- H ---- */

/* Moments are those of the samples seen, and what fits just these fits no others: each row is taken to vary by a part
   more, by itself. Shares from 1/10 to 1/3 did best on photos held out when 48 others were seen; fewer need more, for
   what is alike all over a picture is seen but once in each. */
static double self_share(const qn_moments *moments) { return 0.125 + 4.0 / (double)moments->samples; }

/* Those that matter least first; equal ones in their own order. */
static int compare(const void *a, const void *b) {
    const qn_rounding_place *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void find_order(qn_rounding *r) {
    for (int64_t i = 0; i < r->rows; i++) r->order[i] = (qn_rounding_place){i, r->h[i * r->rows + i]};
    qsort(r->order, (size_t)r->rows, sizeof *r->order, compare);
}

/* H = L L' for rows in their order; is_usable says whether H is positive. */
static qn_status *factor(qn_rounding *r, const qn_cancel *cancel) {
    const int64_t n = r->rows;
    r->is_usable = 0;
    for (int64_t i = 0; i < n; i++) {
        QN_TRY(qn_cancel_check(cancel));
        double *restrict a = r->lower + i * n;
        for (int64_t j = 0; j <= i; j++) {
            const double *restrict b = r->lower + j * n;
            double s0 = 0, s1 = 0, s2 = 0, s3 = 0, sum = r->h[r->order[i].row * n + r->order[j].row];
            int64_t k = 0;
            for (; k + 4 <= j; k += 4) {
                s0 += a[k] * b[k];
                s1 += a[k + 1] * b[k + 1];
                s2 += a[k + 2] * b[k + 2];
                s3 += a[k + 3] * b[k + 3];
            }
            for (; k < j; k++) s0 += a[k] * b[k];
            sum -= (s0 + s1) + (s2 + s3);
            if (j < i)
                a[j] = sum / b[j];
            else if (!(sum > 0) || !isfinite(sum))
                return NULL;
            else
                a[i] = sqrt(sum);
        }
    }
    r->is_usable = 1;
    return NULL;
}

qn_status *qn_rounding_set(qn_rounding *r, const qn_moments *moments, int64_t channel, const float *scale,
                           int about_mean, const qn_cancel *cancel) {
    const int64_t n = r->rows, channels = moments->channels;
    const double share = self_share(moments);
    assert(n == moments->rows && moments->count);
    for (int64_t i = 0; i < n; i++) {
        r->trial[i] = (double)scale[moments->is_depthwise ? channel : i % channels];
        r->mean[i] = qn_moments_mean(moments, channel, i) / r->trial[i];
    }
    for (int64_t i = 0; i < n; i++) {
        QN_TRY(qn_cancel_check(cancel));
        for (int64_t j = i; j < n; j++) {
            double product = qn_moments_product(moments, channel, i, j) / (r->trial[i] * r->trial[j]);
            if (about_mean) product -= r->mean[i] * r->mean[j];
            r->h[i * n + j] = r->h[j * n + i] = product + (i == j ? 1.0 / 12.0 + share * product : 0.0);
        }
    }
    find_order(r);
    return factor(r, cancel);
}

/* ---- Choosing ---- */

static double clip(double value, double bound) { return value > bound ? bound : value < -bound ? -bound : value; }

/* Rounds the values one after the other. Before a value is rounded, it is shifted to make up for the errors that
   rounding the values before it has made in the sums. */
static void feed_back(const qn_rounding *r, const double *wanted, double top, double *values) {
    const int64_t n = r->rows;
    memset(r->sums, 0, (size_t)n * sizeof *r->sums);
    for (int64_t place = n - 1; place >= 0; place--) {
        const double *restrict line = r->lower + place * n;
        double *restrict sums = r->sums;
        const int64_t row = r->order[place].row;
        values[row] = clip(rint(wanted[row] + sums[place] / line[place]), top);
        const double error = wanted[row] - values[row];
        for (int64_t i = 0; i < place; i++) sums[i] += line[i] * error;
    }
}

/* Lets every weight take a better integer, sweep by sweep. Returns the error that is left. */
static double descend(const qn_rounding *r, const double *wanted, double top, int64_t sweeps, double *values) {
    const int64_t n = r->rows;
    double *restrict slope = r->error, error = 0; /* slope: H (wanted - values) */
    memset(slope, 0, (size_t)n * sizeof *slope);
    for (int64_t i = 0; i < n; i++) {
        const double *restrict line = r->h + i * n, distance = wanted[i] - values[i];
        for (int64_t j = 0; j < n && distance != 0; j++) slope[j] += line[j] * distance;
    }
    for (int moved = 1; sweeps > 0 && moved; sweeps--) {
        moved = 0;
        for (int64_t i = 0; i < n; i++) {
            const double *restrict line = r->h + i * n;
            const double step = clip(values[i] + rint(slope[i] / line[i]), top) - values[i];
            /* A gain that rounding could make up moves nothing, so the walk ends. */
            if (step == 0 || !(step * (2 * slope[i] - step * line[i]) > 1e-9 * line[i])) continue;
            values[i] += step;
            moved = 1;
            for (int64_t j = 0; j < n; j++) slope[j] -= line[j] * step;
        }
    }
    for (int64_t i = 0; i < n; i++) error += (wanted[i] - values[i]) * slope[i];
    return error;
}

double qn_rounding_choose(const qn_rounding *r, const double *wanted, double top, int64_t sweeps, double *out) {
    assert(r->is_usable && sweeps > 0);
    for (int64_t i = 0; i < r->rows; i++) out[i] = clip(rint(wanted[i]), top);
    double near = descend(r, wanted, top, sweeps, out);
    feed_back(r, wanted, top, r->trial);
    double fed = descend(r, wanted, top, sweeps, r->trial);
    if (!(fed < near)) return near;
    memcpy(out, r->trial, (size_t)r->rows * sizeof *out);
    return fed;
}
