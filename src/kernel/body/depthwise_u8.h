/* kernel/body/depthwise_u8.h - depthwise_u8 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME, includes its vec.h, and has interleave_rows and what KERNEL_WIDE names.
 */
#include "kernel/body/dot_u8.h"
#include "kernel/body/requantize.h"

enum { LANE_BYTES = 4, MAX_TAPS_KEPT = 3 };

typedef struct depthwise_vector {
    const qn_depthwise_u8_tile *tile;
    const uint8_t *cells;
    const int8_t *weights;
    int64_t c, left;
} depthwise_vector;

/* Weights, moved down by the rows of a cell that lie above the window. */
QN_INLINE dot_bytes load_weights(const int8_t *p, int64_t above) {
    return dot_signed(vi_shift_left(vi_load((const int32_t *)(const void *)p), 8 * (int)above));
}

QN_INLINE dot_bytes load_cell(const uint8_t *p) { return dot_unsigned(vi_load((const int32_t *)(const void *)p)); }

/* The columns of one vector of channels. taps: kernel_w where it is one of few and the weights stay in registers, else
 * 0. */
QN_INLINE void run_columns(const depthwise_vector *v, const int taps, const int64_t dst, const int64_t addend,
                           const int limited, const int whole) {
    const qn_depthwise_u8_tile *tile = v->tile;
    const qn_requantize *r = &tile->result;
    const requantize_channels channels = requantize_load(r, v->c, v->left);
    const VI bias = vi_load_n(tile->bias + v->c, v->left);
    const int64_t tap_step = tile->tap_step, column_step = tile->column_step, columns = tile->columns;
    const int64_t stride = tile->result_stride;
    const uint8_t *cells = v->cells;
    int64_t at = v->c;
    dot_bytes kept[MAX_TAPS_KEPT];
    QN_UNROLL for (int t = 0; t < taps; t++) kept[t] =
        load_weights(v->weights + t * QN_DEPTHWISE_BLOCK * LANE_BYTES, tile->above);
    for (int64_t x = 0; x < columns; x++, cells += column_step, at += stride) {
        VI acc = bias;
        QN_UNROLL for (int t = 0; t < taps; t++) acc = dot_add(acc, load_cell(cells + t * tap_step), kept[t]);
        if (!taps) {
            const int8_t *w = v->weights;
            for (int64_t g = 0; g < tile->groups; g++)
                for (int64_t t = 0; t < tile->kernel_w; t++, w += QN_DEPTHWISE_BLOCK * LANE_BYTES)
                    acc = dot_add(acc, load_cell(cells + g * tile->group_step + t * tap_step),
                                  load_weights(w, tile->above));
        }
        requantize_vector(r, &channels, v_from_int(acc), at, v->left, dst, addend, limited, whole);
    }
}

static void run_any(const depthwise_vector *v) {
    const qn_requantize *r = &v->tile->result;
    run_columns(v, 0, r->dst_storage, r->addend ? r->addend_storage : QN_STORAGE_NONE, r->limit != NULL, 0);
}

/* Three columns of taps to bytes, without an addend: nearly all there are. */
static void run_three(const depthwise_vector *v) { run_columns(v, 3, QN_STORAGE_U8, QN_STORAGE_NONE, 0, 1); }
static void run_three_limited(const depthwise_vector *v) { run_columns(v, 3, QN_STORAGE_U8, QN_STORAGE_NONE, 1, 1); }

static void run_tile(const qn_depthwise_u8_tile *tile) {
    const qn_requantize *r = &tile->result;
    const int is_three = tile->kernel_w == 3 && tile->groups == 1 && r->dst_storage == QN_STORAGE_U8 && !r->addend;
    for (int64_t c = 0; c < tile->channels; c += VLEN) {
        const depthwise_vector v = {tile, tile->cells + c * LANE_BYTES, tile->weights + c * LANE_BYTES, c,
                                    tile->channels - c};
        if (!is_three || v.left < VLEN) {
            run_any(&v);
        } else if (r->limit) {
            run_three_limited(&v);
        } else {
            run_three(&v);
        }
    }
}

const qn_depthwise_u8_kernel KERNEL_SYMBOL = {KERNEL_NAME, interleave_rows, run_tile, KERNEL_WIDE};
