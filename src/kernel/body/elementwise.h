/* kernel/body/elementwise.h - elementwise for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/math.h"
#include "kernel/kernel.h"

/* Every function loads before it stores, so dst may be an operand. */
#define BINARY(name, expr)                                                                                             \
    static void run_##name(const void *a, int a_scalar, const void *b, int b_scalar, float *dst, int64_t count,        \
                           float low, float high) {                                                                    \
        const float *fa = a, *fb = b;                                                                                  \
        int64_t i = 0;                                                                                                 \
        (void)low, (void)high;                                                                                         \
        if (count <= 0) return;                                                                                        \
        const VF a0 = v_set1(*fa), b0 = v_set1(*fb);                                                                   \
        for (; i + VLEN <= count; i += VLEN) {                                                                         \
            const VF x = a_scalar ? a0 : v_load(fa + i), y = b_scalar ? b0 : v_load(fb + i);                           \
            v_store(dst + i, expr);                                                                                    \
        }                                                                                                              \
        if (i < count) {                                                                                               \
            const VF x = a_scalar ? a0 : v_load_n(fa + i, count - i);                                                  \
            const VF y = b_scalar ? b0 : v_load_n(fb + i, count - i);                                                  \
            v_store_n(dst + i, expr, count - i);                                                                       \
        }                                                                                                              \
    }

#define UNARY(name, expr)                                                                                              \
    static void run_##name(const void *a, int a_scalar, const void *b, int b_scalar, float *dst, int64_t count,        \
                           float low, float high) {                                                                    \
        const float *fa = a;                                                                                           \
        const VF vlow = v_set1(low), vhigh = v_set1(high);                                                             \
        int64_t i = 0;                                                                                                 \
        (void)b, (void)b_scalar, (void)vlow, (void)vhigh;                                                              \
        if (count <= 0) return;                                                                                        \
        const VF a0 = v_set1(*fa);                                                                                     \
        for (; i + VLEN <= count; i += VLEN) {                                                                         \
            const VF x = a_scalar ? a0 : v_load(fa + i);                                                               \
            v_store(dst + i, expr);                                                                                    \
        }                                                                                                              \
        if (i < count) {                                                                                               \
            const VF x = a_scalar ? a0 : v_load_n(fa + i, count - i);                                                  \
            v_store_n(dst + i, expr, count - i);                                                                       \
        }                                                                                                              \
    }

BINARY(add, v_add(x, y))
BINARY(sub, v_sub(x, y))
BINARY(mul, v_mul(x, y))
BINARY(div, v_div(x, y))
BINARY(max, v_greater(x, y))
BINARY(min, v_smaller(x, y))
UNARY(clamp, v_clamp(x, vlow, vhigh))
UNARY(abs, v_abs(x))
UNARY(neg, v_neg(x))
UNARY(square, v_mul(x, x))
UNARY(sqrt, v_sqrt(x))
UNARY(rsqrt, v_div(v_set1(1.0f), v_sqrt(x)))
UNARY(exp, v_exp(x))
UNARY(sigmoid, v_sigmoid(x))
UNARY(tanh, v_tanh(x))

static void run_u8_to_f32(const void *a, int a_scalar, const void *b, int b_scalar, float *dst, int64_t count,
                          float low, float high) {
    const uint8_t *bytes = a;
    (void)b, (void)b_scalar, (void)low, (void)high;
    for (int64_t i = 0; i < count; i += VLEN) {
        const VF x = a_scalar ? v_set1((float)*bytes) : v_load_u8_n(bytes + i, count - i);
        v_store_n(dst + i, x, count - i);
    }
}

const qn_elementwise_kernel KERNEL_SYMBOL = {
    KERNEL_NAME,
    {[QN_EW_ADD] = run_add,
     [QN_EW_SUB] = run_sub,
     [QN_EW_MUL] = run_mul,
     [QN_EW_DIV] = run_div,
     [QN_EW_MAX] = run_max,
     [QN_EW_MIN] = run_min,
     [QN_EW_CLAMP] = run_clamp,
     [QN_EW_ABS] = run_abs,
     [QN_EW_NEG] = run_neg,
     [QN_EW_SQUARE] = run_square,
     [QN_EW_SQRT] = run_sqrt,
     [QN_EW_RSQRT] = run_rsqrt,
     [QN_EW_EXP] = run_exp,
     [QN_EW_SIGMOID] = run_sigmoid,
     [QN_EW_TANH] = run_tanh,
     [QN_EW_U8_TO_F32] = run_u8_to_f32},
};
