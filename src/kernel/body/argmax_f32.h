/* kernel/body/argmax_f32.h - argmax_f32 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

#include <math.h>

enum { CHANNELS_AT_ONCE = 64 };

/* One lane per row: the rows are turned on their side, some channels at a time. */
static void run(const float *src, int64_t rows, int64_t channels, int32_t *out_labels) {
    float turned[CHANNELS_AT_ONCE * VLEN];
    for (int64_t first = 0; first < rows; first += VLEN) {
        const int64_t lanes = rows - first < VLEN ? rows - first : VLEN;
        VF best = v_set1(-INFINITY);
        VI label = vi_set1(0);
        for (int64_t c0 = 0; c0 < channels; c0 += CHANNELS_AT_ONCE) {
            const int64_t count = channels - c0 < CHANNELS_AT_ONCE ? channels - c0 : CHANNELS_AT_ONCE;
            for (int64_t lane = 0; lane < VLEN; lane++) {
                const float *row = src + (first + (lane < lanes ? lane : 0)) * channels + c0;
                for (int64_t c = 0; c < count; c++) turned[c * VLEN + lane] = row[c];
            }
            for (int64_t c = 0; c < count; c++) {
                const VF value = v_load(turned + c * VLEN);
                const VM greater = v_gt(value, best);
                best = v_select(greater, value, best);
                label = vi_select(greater, vi_set1((int32_t)(c0 + c)), label);
            }
        }
        vi_store_n(out_labels + first, label, lanes);
    }
}

const qn_argmax_f32_kernel KERNEL_SYMBOL = {KERNEL_NAME, run};
