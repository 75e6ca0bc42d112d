/* kernel/body/add_int.h - add_int for one instruction set. The including file defines KERNEL_SYMBOL and KERNEL_NAME and
 * includes its vec.h.
 */
#include "kernel/body/requantize.h"

/* What `name`_load makes of VLEN elements from `p` on, or of `left`. */
#define LOAD(name, p) (whole ? name(p) : name##_n(p, left))

/* (a - zero) * multiplier, both rounded. */
QN_INLINE VF add_term(VI a, VI zero, VF multiplier) { return v_mul(v_from_int(vi_sub(a, zero)), multiplier); }

#define ADD(type, elem)                                                                                                \
    QN_INLINE void add_vector_##type(const qn_add_int_piece *p, int64_t i, int64_t left, const int64_t dst,            \
                                     const int whole) {                                                                \
        const qn_requantize *r = &p->result;                                                                           \
        const VI a = LOAD(vi_load_##type, (const elem *)p->a + i);                                                     \
        const VI b = LOAD(vi_load_##type, (const elem *)r->addend + i);                                                \
        const VF t = v_add(add_term(a, LOAD(vi_load, p->zero_point + i), LOAD(v_load, r->multiplier + i)),             \
                           add_term(b, LOAD(vi_load, p->b_zero_point + i), LOAD(v_load, r->addend_multiplier + i)));   \
        const VF bounded =                                                                                             \
            r->limit ? v_min(t, requantize_top(r, LOAD(v_load, r->limit + i))) : v_min(v_set1(r->high), t);            \
        requantize_store(r, v_max(bounded, v_set1(r->low)), i, left, dst, whole);                                      \
    }                                                                                                                  \
    static void add_##type(const qn_add_int_piece *p) {                                                                \
        const int64_t dst = p->result.dst_storage;                                                                     \
        int64_t i = 0;                                                                                                 \
        for (; i + VLEN <= p->count; i += VLEN) add_vector_##type(p, i, VLEN, dst, 1);                                 \
        if (i < p->count) add_vector_##type(p, i, p->count - i, dst, 0);                                               \
    }

ADD(u8, uint8_t)
ADD(s16, int16_t)

const qn_add_int_kernel KERNEL_SYMBOL = {KERNEL_NAME, {add_u8, add_s16}};
