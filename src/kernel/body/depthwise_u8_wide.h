/* kernel/body/depthwise_u8_wide.h - depthwise_u8 for as many channels as a vector has bytes, to bytes. The including
 * file defines WIDE, the declaration of the result, and includes its vec.h.
 *
 * Interleaving four rows within the 128-bit lanes of a vector leaves vector i, lane L of a cell with the channels
 * 16 * L + 4 * i .. + 3. Weights and what else belongs to channels are loaded in that order. Packing the four vectors
 * of results, within lanes again, brings the channels back into theirs.
 */
#include "kernel/body/dot_u8.h"
#include "kernel/body/requantize.h"

enum { WIDE_CHANNELS = 4 * VLEN, QUARTERS = 4, QUARTER_BYTES = 16, VECTOR_BYTES = 4 * VLEN };

static void interleave_wide(const qn_depthwise_u8_rows *r) {
    const uint8_t *a = r->rows[0], *b = r->rows[1], *c = r->rows[2], *d = r->rows[3];
    uint8_t *out = r->out_cells;
    for (int64_t x = 0; x < r->cells; x++, out += QUARTERS * VECTOR_BYTES) {
        const VI first = vb_load(a), second = vb_load(b), third = vb_load(c), fourth = vb_load(d);
        const VI low = vb_low(first, second), low_rest = vb_low(third, fourth);
        const VI high = vb_high(first, second), high_rest = vb_high(third, fourth);
        vb_store(out, vw_low(low, low_rest));
        vb_store(out + VECTOR_BYTES, vw_high(low, low_rest));
        vb_store(out + 2 * VECTOR_BYTES, vw_low(high, high_rest));
        vb_store(out + 3 * VECTOR_BYTES, vw_high(high, high_rest));
        a += r->steps[0], b += r->steps[1], c += r->steps[2], d += r->steps[3];
    }
}

/* Quarter i of a vector of 32-bit elements, one per channel. */
QN_INLINE VI load_quarter(const void *elements, const int i) {
    return vi_load_lanes((const char *)elements + i * QUARTER_BYTES, QN_DEPTHWISE_BLOCK * (int64_t)sizeof(int32_t));
}

typedef struct wide_quarter {
    VI bias;
    VF multiplier, top;
} wide_quarter;

QN_INLINE void load_quarters(const qn_depthwise_u8_tile *tile, wide_quarter *out) {
    const qn_requantize *r = &tile->result;
    QN_UNROLL for (int i = 0; i < QUARTERS; i++) {
        out[i].bias = load_quarter(tile->bias, i);
        out[i].multiplier = v_from_bits(load_quarter(r->multiplier, i));
        out[i].top = v_set1(r->high);
        if (r->limit) out[i].top = requantize_top(r, v_from_bits(load_quarter(r->limit, i)));
    }
}

/* The weights of one tap, moved down by the rows of a cell that lie above the window. */
QN_INLINE void load_tap(const qn_depthwise_u8_tile *tile, int64_t tap, dot_bytes *out) {
    const int64_t tap_bytes = QN_DEPTHWISE_BLOCK * QN_DEPTHWISE_GROUP;
    const int64_t block_bytes = tile->groups * tile->kernel_w * tap_bytes;
    const int bits = 8 * (int)tile->above;
    QN_UNROLL for (int i = 0; i < QUARTERS; i++) {
        const VI quarter = vi_load_lanes(tile->weights + tap * tap_bytes + i * QUARTER_BYTES, block_bytes);
        out[i] = dot_signed(vi_shift_left(quarter, bits));
    }
}

QN_INLINE void add_cell(const uint8_t *cell, const dot_bytes *weights, VI *sums) {
    QN_UNROLL for (int i = 0; i < QUARTERS; i++) {
        sums[i] = dot_add(sums[i], dot_unsigned(vb_load(cell + i * VECTOR_BYTES)), weights[i]);
    }
}

/* taps: groups * kernel_w where it is one of few and the weights may stay in registers, else 0. */
QN_INLINE void run_wide_columns(const qn_depthwise_u8_tile *tile, const int taps, const int limited) {
    const int64_t all = tile->groups * tile->kernel_w, kernel_w = tile->kernel_w, columns = tile->columns;
    const int64_t column_step = tile->column_step, tap_step = tile->tap_step, stride = tile->result_stride;
    const requantize_bytes bytes = requantize_load_bytes(&tile->result);
    const uint8_t *cells = tile->cells;
    uint8_t *dst = tile->result.dst;
    wide_quarter quarters[QUARTERS];
    dot_bytes weights[QN_DEPTHWISE_WIDE_TAPS][QUARTERS];
    load_quarters(tile, quarters);
    for (int64_t t = 0; t < (taps ? taps : all); t++) load_tap(tile, t, weights[t]);
    for (int64_t x = 0; x < columns; x++, cells += column_step, dst += stride) {
        VI sums[QUARTERS];
        QN_UNROLL for (int i = 0; i < QUARTERS; i++) sums[i] = quarters[i].bias;
        QN_UNROLL for (int t = 0; t < taps; t++) add_cell(cells + t * tap_step, weights[t], sums);
        for (int64_t t = 0; !taps && t < all; t++)
            add_cell(cells + t / kernel_w * tile->group_step + t % kernel_w * tap_step, weights[t], sums);
        QN_UNROLL for (int i = 0; i < QUARTERS; i++) {
            sums[i] = requantize_round(sums[i], quarters[i].multiplier, quarters[i].top, limited);
        }
        vb_store(dst, requantize_pack(&bytes, sums[0], sums[1], sums[2], sums[3]));
    }
}

static void run_wide_three(const qn_depthwise_u8_tile *tile) { run_wide_columns(tile, 3, 0); }
static void run_wide_three_limited(const qn_depthwise_u8_tile *tile) { run_wide_columns(tile, 3, 1); }
static void run_wide_any(const qn_depthwise_u8_tile *tile) { run_wide_columns(tile, 0, 0); }
static void run_wide_any_limited(const qn_depthwise_u8_tile *tile) { run_wide_columns(tile, 0, 1); }

static void run_wide(const qn_depthwise_u8_tile *tile) {
    const int is_three = tile->groups == 1 && tile->kernel_w == 3;
    if (tile->result.limit) {
        (is_three ? run_wide_three_limited : run_wide_any_limited)(tile);
    } else {
        (is_three ? run_wide_three : run_wide_any)(tile);
    }
}

WIDE = {WIDE_CHANNELS, interleave_wide, run_wide};
