#include "quant/grid_error.h"

#include <math.h>

/* Both ends depend on each other: they are searched in turn, ROUNDS times. */
enum { ROUNDS = 2 };

typedef struct search {
    qn_grid_cells cells;
    qn_range range; /* the end that is not searched now */
    int symmetric, bits;
} search;

static double error_of_range(const search *s, double low, double high) {
    if (s->symmetric) {
        const double threshold = fmax(-low, high);
        return qn_grid_error(&s->cells, -threshold, threshold, threshold / (s->bits == 16 ? 32767 : 127));
    }
    const double step = (high - low) / 255, zero = nearbyint(-low / step); /* the grid that holds 0 */
    return qn_grid_error(&s->cells, -zero * step, (255 - zero) * step, step);
}

static double error_of_low(void *self, double x) {
    const search *s = self;
    return error_of_range(s, -x, s->range.high);
}

static double error_of_high(void *self, double x) {
    const search *s = self;
    return error_of_range(s, s->range.low, x);
}

static double error_of_both(void *self, double x) { return error_of_range(self, -x, x); }

/* The ends of asymmetric quantisation with the least squared error; one threshold where it is to be symmetric. */
qn_range qn_range_mse(const qn_range_source *source, const qn_range_request *request) {
    search s = {.symmetric = request->symmetric || request->bits == 16, .bits = request->bits};
    qn_grid_cells_init(&s.cells, source);
    s.range = (qn_range){s.cells.low, s.cells.high};
    if (!s.cells.count) return s.range;
    if (s.symmetric) {
        const double threshold = qn_grid_search(error_of_both, &s, fmax(-s.cells.low, s.cells.high));
        return (qn_range){-threshold, threshold};
    }
    for (int round = 0; round < ROUNDS; round++) {
        if (s.cells.high > 0) s.range.high = qn_grid_search(error_of_high, &s, s.cells.high);
        if (s.cells.low < 0) s.range.low = -qn_grid_search(error_of_low, &s, -s.cells.low);
    }
    return s.range;
}
