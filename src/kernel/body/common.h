/* kernel/body/common.h - helpers of the kernel bodies, over whichever vec.h was included before. */
#ifndef QN_KERNEL_BODY_COMMON_H
#define QN_KERNEL_BODY_COMMON_H

#define QN_INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define QN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QN_UNROLL _Pragma("GCC unroll 64")
#endif

/* act() of kernel.h: v_max and v_min answer with their second operand when either is a NaN. */
QN_INLINE VF v_clamp(VF a, VF low, VF high) { return v_min(high, v_max(low, a)); }

/* Greater and smaller, NaN if either is; of two zeros the second operand. */
QN_INLINE VF v_greater(VF a, VF b) { return v_select(v_is_nan(a), a, v_max(a, b)); }
QN_INLINE VF v_smaller(VF a, VF b) { return v_select(v_is_nan(a), a, v_min(a, b)); }

#endif
