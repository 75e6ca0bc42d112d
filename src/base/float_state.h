/* base/float_state.h - the floating-point state that quench computes in: round to nearest even, subnormals kept, no
 * traps. Whatever the calling thread had set, sticky exception flags included, is put back afterwards. */
#ifndef QN_BASE_FLOAT_STATE_H
#define QN_BASE_FLOAT_STATE_H

#include <stdint.h>

#if defined(__SSE2__) && defined(__GNUC__)
#include <xmmintrin.h>

/* Floats are computed by SSE; the C library asks the x87 unit for the rounding mode when it prints and reads numbers.
 */
typedef struct qn_float_state {
    uint32_t sse;
    int is_x87_changed;
    uint32_t x87[7]; /* all that fldenv needs */
} qn_float_state;

/* Sets the calling thread's state and returns the one it had. */
static inline qn_float_state qn_float_state_enter(void) {
    enum { SSE_PLAIN = 0x1F80, X87_PLAIN = 0x037F }; /* all exceptions masked, nearest, no flush to zero */
    const uint16_t x87_plain = X87_PLAIN;
    uint16_t x87 = 0; /* read and written below, since the memory sanitizer does not look into assembly */
    qn_float_state old = {.sse = _mm_getcsr()};
    if (old.sse != SSE_PLAIN) _mm_setcsr(SSE_PLAIN);
    __asm__ volatile("fnstcw %0" : "+m"(x87));
    if (x87 != X87_PLAIN) {
        old.is_x87_changed = 1;
        __asm__ volatile("fnstenv %0\n\tfldcw %1" : "+m"(old.x87) : "m"(x87_plain));
    }
    return old;
}

static inline void qn_float_state_leave(const qn_float_state *old) {
    if (_mm_getcsr() != old->sse) _mm_setcsr(old->sse);
    if (old->is_x87_changed) __asm__ volatile("fldenv %0" ::"m"(old->x87));
}

#elif defined(__aarch64__)

typedef struct qn_float_state {
    uint64_t control, flags;
} qn_float_state;

static inline qn_float_state qn_float_state_enter(void) {
    qn_float_state old;
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(old.control), "=r"(old.flags));
    if (old.control) __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0));
    return old;
}

static inline void qn_float_state_leave(const qn_float_state *old) {
    qn_float_state now;
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(now.control), "=r"(now.flags));
    if (now.control != old->control) __asm__ volatile("msr fpcr, %0" ::"r"(old->control));
    if (now.flags != old->flags) __asm__ volatile("msr fpsr, %0" ::"r"(old->flags));
}

#else
#include <fenv.h>

typedef fenv_t qn_float_state;

static inline qn_float_state qn_float_state_enter(void) {
    qn_float_state old;
    fegetenv(&old);
    fesetenv(FE_DFL_ENV);
    return old;
}

static inline void qn_float_state_leave(const qn_float_state *old) { fesetenv(old); }

#endif
#endif
