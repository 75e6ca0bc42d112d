#include "quant/grid_error.h"

#include <math.h>

void qn_grid_cells_init(qn_grid_cells *cells, const qn_range_source *source) {
    qn_histogram_copy settled;
    qn_histogram_settle(source->histogram, &settled);
    const qn_histogram *histogram = &settled.histogram;
    *cells = (qn_grid_cells){0};
    for (int i = 0; i < histogram->bins; i++) {
        if (!histogram->counts[i]) continue;
        double from = fmax(qn_histogram_edge(histogram, i), source->min);
        double to = fmin(qn_histogram_edge(histogram, i + 1), source->max);
        cells->from[cells->count] = fmin(from, to);
        cells->to[cells->count] = to;
        cells->weight[cells->count++] = histogram->counts[i];
        cells->low = fmin(cells->low, from);
        cells->high = fmax(cells->high, to);
    }
}

/* Half to even, for |x| < 2^51; plain additions, so that it needs no call. */
static inline double round_near(double x) { return x + 0x1.8p52 - 0x1.8p52; }

typedef struct grid {
    double low, high, step;
    double integral_low, integral_high; /* at low and high */
} grid;

/* The integral from 0 to x of (t - nearest multiple of step)^2. */
static inline double integral_inside(double step, double x) {
    const double n = round_near(x / step), rest = x - n * step;
    return n * (step * step * step / 12) + rest * rest * rest / 3;
}

static inline double integral(const grid *g, double x) {
    const double inside = fmin(fmax(x, g->low), g->high), beyond = x - inside;
    const double at = x < g->low ? g->integral_low : x > g->high ? g->integral_high : integral_inside(g->step, x);
    return at + beyond * beyond * beyond / 3;
}

static double error_at(const grid *g, double x) {
    const double inside = fmin(fmax(x, g->low), g->high);
    const double rounded = x == inside ? round_near(x / g->step) * g->step : inside;
    return (x - rounded) * (x - rounded);
}

double qn_grid_error(const qn_grid_cells *cells, double low, double high, double step) {
    const grid g = {low, high, step, integral_inside(step, low), integral_inside(step, high)};
    double sum = 0;
    for (int i = 0; i < cells->count; i++) {
        const double from = cells->from[i], to = cells->to[i], width = to - from;
        /* A difference of integrals would cancel to nothing in cells that are points. */
        if (width > 1e-6 * fabs(to))
            sum += cells->weight[i] * fmax((integral(&g, to) - integral(&g, from)) / width, 0);
        else
            sum += cells->weight[i] * error_at(&g, to);
    }
    return sum;
}

double qn_grid_search(double (*error)(void *self, double x), void *self, double most) {
    enum { COARSE = 48, FINE = 16 };
    static const double shrink = 0.92; /* 0.92^48 is 1/55 */
    double best = most, least = error(self, most), x = most;
    for (int i = 1; i < COARSE; i++) {
        x *= shrink;
        double e = error(self, x);
        if (e < least) least = e, best = x;
    }
    const double centre = best, from = fmin(centre / shrink, most), to = centre * shrink;
    for (int i = 1; i < FINE; i++) {
        x = from + (to - from) * i / FINE;
        double e = error(self, x);
        if (e < least || (e == least && x > best)) least = e, best = x;
    }
    return best;
}
