/* kernel/body/convert_int.h - convert_u8 or convert_s16 for one instruction set. The including file defines
 * KERNEL_SYMBOL, KERNEL_NAME, and BYTES for convert_u8, and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

#ifdef BYTES
typedef uint8_t STORED;
enum { LEAST = 0, GREATEST = 255 };
QN_INLINE VI load(const STORED *p) { return vi_load_u8(p); }
QN_INLINE VI load_n(const STORED *p, int64_t n) { return vi_load_u8_n(p, n); }
QN_INLINE void store(STORED *p, VI a) { vi_store_u8(p, a); }
QN_INLINE void store_n(STORED *p, VI a, int64_t n) { vi_store_u8_n(p, a, n); }
#else
typedef int16_t STORED;
enum { LEAST = -32768, GREATEST = 32767 };
QN_INLINE VI load(const STORED *p) { return vi_load_s16(p); }
QN_INLINE VI load_n(const STORED *p, int64_t n) { return vi_load_s16_n(p, n); }
QN_INLINE void store(STORED *p, VI a) { vi_store_s16(p, a); }
QN_INLINE void store_n(STORED *p, VI a, int64_t n) { vi_store_s16_n(p, a, n); }
#endif

static void widen(const void *from, float *dst, int64_t count) {
    const STORED *src = from;
    int64_t i = 0;
    for (; i + VLEN <= count; i += VLEN) v_store(dst + i, v_from_int(load(src + i)));
    if (i < count) v_store_n(dst + i, v_from_int(load_n(src + i, count - i)), count - i);
}

/* v_max answers with its second operand for a NaN. */
static void narrow(const float *src, void *to, int64_t count) {
    const VF low = v_set1(LEAST), high = v_set1(GREATEST);
    STORED *dst = to;
    int64_t i = 0;
    for (; i + VLEN <= count; i += VLEN) store(dst + i, v_round(v_min(v_max(v_load(src + i), low), high)));
    if (i < count) {
        const VF value = v_load_n(src + i, count - i);
        store_n(dst + i, v_round(v_min(v_max(value, low), high)), count - i);
    }
}

const qn_convert_kernel KERNEL_SYMBOL = {KERNEL_NAME, sizeof(STORED), widen, narrow};
