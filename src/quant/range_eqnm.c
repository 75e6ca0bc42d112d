#include "quant/grid_error.h"

#include <math.h>

typedef struct search {
    qn_grid_cells cells;
    double levels; /* above 0 */
} search;

static double error_of(void *self, double threshold) {
    const search *s = self;
    return qn_grid_error(&s->cells, -threshold, threshold, threshold / s->levels);
}

/* The threshold of symmetric quantisation with the least squared error. */
qn_range qn_range_eqnm(const qn_range_source *source, const qn_range_request *request) {
    search s = {.levels = request->bits == 16 ? 32767 : 127};
    qn_grid_cells_init(&s.cells, source);
    if (!s.cells.count) return (qn_range){0, 0};
    const double threshold = qn_grid_search(error_of, &s, fmax(-s.cells.low, s.cells.high));
    return (qn_range){-threshold, threshold};
}
