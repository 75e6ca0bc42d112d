/* quant/grid_error.h - how far values move when they are clipped and rounded to multiples of a step.
 *
 * The values are those of a histogram, spread evenly within each bin, for which the mean squared error is an integral
 * with a closed form: no error is made where bins and steps are about as wide. Zeros have no error. Outliers, at most
 * one value of QN_HISTOGRAM_OUTLIER_SHARE, have no say: clipping them is what the search is for.
 */
#ifndef QN_QUANT_GRID_ERROR_H
#define QN_QUANT_GRID_ERROR_H

#include "quant/ranges.h"

/* The bins that hold something, by value. */
typedef struct qn_grid_cells {
    int count;
    double low, high; /* what all cells span, 0 included */
    double from[QN_HISTOGRAM_BINS_MAX], to[QN_HISTOGRAM_BINS_MAX], weight[QN_HISTOGRAM_BINS_MAX];
} qn_grid_cells;

/* Cells of the source's histogram, settled, none beyond its extremes. */
void qn_grid_cells_init(qn_grid_cells *cells, const qn_range_source *source);

/* The sum of squared errors where values are clipped to [low, high] and rounded to multiples of `step` > 0. */
double qn_grid_error(const qn_grid_cells *cells, double low, double high, double step);

/* Minimises error(self, x) over 0 < x <= most: tries `most` and ever smaller shares of it, then between the neighbours
   of the best. The larger x wins among equals. Returns x. */
double qn_grid_search(double (*error)(void *self, double x), void *self, double most);

#endif
