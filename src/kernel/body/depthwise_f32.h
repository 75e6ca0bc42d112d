/* kernel/body/depthwise_f32.h - depthwise_f32, or depthwise_f16, for one instruction set. The including file defines
 * KERNEL_SYMBOL and KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

#include <stddef.h>

enum { CHANNEL_BLOCK = 16, SIDE = 3, NINE = SIDE * SIDE, COLUMNS_AT_ONCE = 4 };

/* Which taps of a 3x3 window lie outside the picture, for a row of the window and for a column. */
enum outside { NONE, FIRST, LAST, OTHER };

QN_INLINE VF load(const ELEM *src, int64_t left, const int whole) { return whole ? e_load(src) : e_load_n(src, left); }

/* Adds the addend (unless NULL), clamps and stores one vector. */
QN_INLINE void finish(VF value, const ELEM *addend, ELEM *dst, VF low, VF high, int64_t left, const int whole) {
    if (addend) value = v_add(value, load(addend, left, whole));
    value = v_clamp(value, low, high);
    if (whole) {
        e_store(dst, value);
    } else {
        e_store_n(dst, value, left);
    }
}

QN_INLINE int is_outside(const enum outside which, const int index) {
    return (which == FIRST && index == 0) || (which == LAST && index == SIDE - 1);
}

/* 3x3: the weights of these channels stay in registers along the run, and what lies outside is known when this is
   compiled. */
QN_INLINE void run_nine(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c, int64_t left,
                        const int whole, const enum outside rows, const enum outside columns) {
    const VF bias = tile->bias ? e_load_n((const ELEM *)tile->bias + c, left) : v_zero();
    VF w[NINE];
    const ELEM *src[NINE];
    QN_UNROLL for (int t = 0; t < NINE; t++) {
        w[t] = e_load(weights + t * CHANNEL_BLOCK);
        if (!is_outside(rows, t / SIDE) && !is_outside(columns, t % SIDE)) src[t] = (const ELEM *)tile->sources[t] + c;
    }
    const VF low = v_set1(tile->act_min), high = v_set1(tile->act_max);
    const int64_t count = tile->columns, source_step = tile->source_step, dst_step = tile->dst_step;
    const ELEM *addend = tile->addend ? (const ELEM *)tile->addend + c : NULL;
    const ELEM *ahead = (const ELEM *)(tile->ahead ? tile->ahead : tile->sources[NINE / 2]) + c;
    ELEM *dst = (ELEM *)tile->dst + c;
    int64_t from = 0;
    for (int64_t x = 0; x < count; x++, from += source_step, dst += dst_step) {
        VF acc = bias;
        __builtin_prefetch(ahead + from, 0, 2);
        QN_UNROLL for (int t = 0; t < NINE; t++) {
            const int outside = is_outside(rows, t / SIDE) || is_outside(columns, t % SIDE);
            acc = v_fma(outside ? v_zero() : load(src[t] + from, left, whole), w[t], acc);
        }
        finish(acc, addend, dst, low, high, left, whole);
        if (addend) addend += dst_step;
    }
}

/* Any window, `columns` columns from column x. */
QN_INLINE void run_any(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c, int64_t left, int64_t x,
                       const int columns) {
    VF acc[COLUMNS_AT_ONCE];
    const VF bias = tile->bias ? e_load_n((const ELEM *)tile->bias + c, left) : v_zero();
    QN_UNROLL for (int i = 0; i < columns; i++) acc[i] = bias;
    for (int64_t t = 0; t < tile->taps; t++) {
        const VF w = e_load(weights + t * CHANNEL_BLOCK);
        if (tile->sources[t]) {
            const ELEM *src = (const ELEM *)tile->sources[t] + x * tile->source_step + c;
            QN_UNROLL for (int i = 0; i < columns; i++) {
                acc[i] = v_fma(e_load_n(src + i * tile->source_step, left), w, acc[i]);
            }
        } else {
            QN_UNROLL for (int i = 0; i < columns; i++) acc[i] = v_fma(v_zero(), w, acc[i]);
        }
    }
    const VF low = v_set1(tile->act_min), high = v_set1(tile->act_max);
    QN_UNROLL for (int i = 0; i < columns; i++) {
        const int64_t at = (x + i) * tile->dst_step + c;
        finish(acc[i], tile->addend ? (const ELEM *)tile->addend + at : NULL, (ELEM *)tile->dst + at, low, high, left,
               0);
    }
}

static void run_general(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c, int64_t left) {
    int64_t x = 0;
    for (; x + COLUMNS_AT_ONCE <= tile->columns; x += COLUMNS_AT_ONCE) {
        run_any(tile, weights, c, left, x, COLUMNS_AT_ONCE);
    }
    for (; x < tile->columns; x++) run_any(tile, weights, c, left, x, 1);
}

/* What is outside along one side of a 3x3 window, whose three sources are `step` apart. */
static enum outside find_outside(const void *const *sources, int64_t step) {
    const int first = !sources[0], middle = !sources[step], last = !sources[2 * step];
    if (middle || (first && last)) return OTHER;
    return first ? FIRST : last ? LAST : NONE;
}

#define RUN(rows, columns) [rows * 3 + columns] = {run_##rows##_##columns##_part, run_##rows##_##columns##_whole}
#define DEFINE(rows, columns)                                                                                          \
    static void run_##rows##_##columns##_part(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c,       \
                                              int64_t left) {                                                          \
        run_nine(tile, weights, c, left, 0, rows, columns);                                                            \
    }                                                                                                                  \
    static void run_##rows##_##columns##_whole(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c,      \
                                               int64_t left) {                                                         \
        run_nine(tile, weights, c, left, 1, rows, columns);                                                            \
    }

DEFINE(NONE, NONE)
DEFINE(NONE, FIRST)
DEFINE(NONE, LAST)
DEFINE(FIRST, NONE)
DEFINE(FIRST, FIRST)
DEFINE(FIRST, LAST)
DEFINE(LAST, NONE)
DEFINE(LAST, FIRST)
DEFINE(LAST, LAST)

typedef void run_vector(const qn_depthwise_f32_tile *tile, const ELEM *weights, int64_t c, int64_t left);

static run_vector *const nine[9][2] = {
    RUN(NONE, NONE),  RUN(NONE, FIRST), RUN(NONE, LAST),  RUN(FIRST, NONE), RUN(FIRST, FIRST),
    RUN(FIRST, LAST), RUN(LAST, NONE),  RUN(LAST, FIRST), RUN(LAST, LAST),
};

static void run_tile(const qn_depthwise_f32_tile *tile) {
    run_vector *part = run_general, *whole = run_general;
    if (tile->taps == NINE && tile->kernel_w == SIDE) {
        /* The pattern is a product of rows and columns: the middle row shows the columns, and the other way round. */
        const enum outside rows = find_outside(tile->sources + 1, SIDE),
                           columns = find_outside(tile->sources + SIDE, 1);
        if (rows != OTHER && columns != OTHER) {
            part = nine[rows * 3 + columns][0];
            whole = nine[rows * 3 + columns][1];
        }
    }
    for (int64_t c = 0; c < tile->channels; c += VLEN) {
        const int64_t left = tile->channels - c;
        const ELEM *weights =
            (const ELEM *)tile->weights + c / CHANNEL_BLOCK * CHANNEL_BLOCK * tile->taps + c % CHANNEL_BLOCK;
        (left >= VLEN ? whole : part)(tile, weights, c, left);
    }
}

const qn_depthwise_f32_kernel KERNEL_SYMBOL = {KERNEL_NAME, run_tile};
