/* kernel/body/math.h - exp, sigmoid and tanh as fixed sequences of correctly rounded operations: every instruction
 * set gives the same bits. Coefficients: interpolation at Chebyshev nodes of the stated interval, rounded to float.
 * Largest errors over all floats, in units of the last place: docs/kernel-contracts.md.
 */
#ifndef QN_KERNEL_BODY_MATH_H
#define QN_KERNEL_BODY_MATH_H

#include "kernel/body/common.h"

/* e^x: x = n ln 2 + r with |r| <= ln 2 / 2, e^r a polynomial, 2^n applied in two halves so that results below the
   normal range round once. Beyond [-104, 89] the answer is 0 or infinity already. */
QN_INLINE VF v_exp(VF x) {
    const VF shift = v_set1(0x1.8p23f); /* adding it leaves the nearest integer in the low bits */
    x = v_clamp(x, v_set1(-104.0f), v_set1(89.0f));
    const VF shifted = v_fma(x, v_set1(0x1.715476p0f), shift);
    const VF n = v_sub(shifted, shift);
    VF r = v_fma(n, v_set1(-0x1.62e43p-1f), x);
    r = v_fma(n, v_set1(0x1.05c61p-29f), r);
    VF p = v_fma(v_set1(0x1.6d117cp-10f), r, v_set1(0x1.120be2p-7f));
    p = v_fma(p, r, v_set1(0x1.555518p-5f));
    p = v_fma(p, r, v_set1(0x1.5554dcp-3f));
    p = v_fma(p, r, v_set1(0.5f));
    p = v_fma(v_mul(r, r), p, r);
    p = v_add(p, v_set1(1.0f));
    const VI whole = vi_sub(v_bits(shifted), v_bits(shift));
    const VI half = vi_half(whole);
    const VI one = v_bits(v_set1(1.0f));
    p = v_mul(p, v_from_bits(vi_add(vi_shift_to_exponent(half), one)));
    return v_mul(p, v_from_bits(vi_add(vi_shift_to_exponent(vi_sub(whole, half)), one)));
}

/* 1 / (1 + e^-x), from e^-|x| so that nothing overflows. */
QN_INLINE VF v_sigmoid(VF x) {
    const VF one = v_set1(1.0f);
    const VF e = v_exp(v_neg(v_abs(x)));
    return v_div(v_select(v_gt(v_zero(), x), e, one), v_add(one, e));
}

/* Odd polynomial up to 0.625, 1 - 2 / (e^2|x| + 1) beyond. */
QN_INLINE VF v_tanh(VF x) {
    const VF one = v_set1(1.0f), size = v_abs(x), u = v_mul(x, x);
    VF p = v_fma(v_set1(-0x1.8f8de4p-8f), u, v_set1(0x1.58048ep-6f));
    p = v_fma(p, u, v_set1(-0x1.b9258ap-5f));
    p = v_fma(p, u, v_set1(0x1.110e1cp-3f));
    p = v_fma(p, u, v_set1(-0x1.555552p-2f));
    const VF near = v_fma(v_mul(x, u), p, x);
    const VF far = v_sub(one, v_div(v_set1(2.0f), v_add(v_exp(v_add(size, size)), one)));
    return v_select(v_gt(size, v_set1(0.625f)), v_copy_sign(far, x), near);
}

#endif
