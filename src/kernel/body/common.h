/* kernel/body/common.h - helpers of the kernel bodies, over whichever vec.h was included before. */
#ifndef QN_KERNEL_BODY_COMMON_H
#define QN_KERNEL_BODY_COMMON_H

#define QN_INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define QN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QN_UNROLL _Pragma("GCC unroll 64")
#endif

/* An operand as it is stored: halves where the including file defines HALF_STORAGE, else floats. */
#ifdef HALF_STORAGE
typedef uint16_t ELEM;
QN_INLINE VF e_load(const ELEM *p) { return v_load_half(p); }
QN_INLINE VF e_load_n(const ELEM *p, int64_t n) { return v_load_half_n(p, n); }
QN_INLINE void e_store(ELEM *p, VF a) { v_store_half(p, a); }
QN_INLINE void e_store_n(ELEM *p, VF a, int64_t n) { v_store_half_n(p, a, n); }
#else
typedef float ELEM;
QN_INLINE VF e_load(const ELEM *p) { return v_load(p); }
QN_INLINE VF e_load_n(const ELEM *p, int64_t n) { return v_load_n(p, n); }
QN_INLINE void e_store(ELEM *p, VF a) { v_store(p, a); }
QN_INLINE void e_store_n(ELEM *p, VF a, int64_t n) { v_store_n(p, a, n); }
#endif

/* act() of kernel.h: v_max and v_min answer with their second operand when either is a NaN. */
QN_INLINE VF v_clamp(VF a, VF low, VF high) { return v_min(high, v_max(low, a)); }

/* Greater and smaller, NaN if either is; of two zeros the second operand. */
QN_INLINE VF v_greater(VF a, VF b) { return v_select(v_is_nan(a), a, v_max(a, b)); }
QN_INLINE VF v_smaller(VF a, VF b) { return v_select(v_is_nan(a), a, v_min(a, b)); }

#endif
