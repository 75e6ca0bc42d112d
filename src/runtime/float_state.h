/* runtime/float_state.h - the floating-point state that quench computes in: round to nearest even, subnormals kept, no
 * traps. Whatever the host program has set is put back afterwards. */
#ifndef QN_RUNTIME_FLOAT_STATE_H
#define QN_RUNTIME_FLOAT_STATE_H

#include <stdint.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <fenv.h>
#endif

typedef uint64_t qn_float_state;

/* Sets the calling thread's state and returns the one it had. */
static inline qn_float_state qn_float_state_enter(void) {
#if defined(__SSE__)
    enum { PLAIN = 0x1F80 }; /* all exceptions masked, nearest, no flush to zero */
    qn_float_state old = _mm_getcsr();
    if (old != PLAIN) _mm_setcsr(PLAIN);
    return old;
#elif defined(__aarch64__)
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    if (old) __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0));
    return old;
#else
    qn_float_state old = (qn_float_state)fegetround();
    fesetround(FE_TONEAREST);
    return old;
#endif
}

static inline void qn_float_state_leave(qn_float_state old) {
#if defined(__SSE__)
    if (_mm_getcsr() != (unsigned)old) _mm_setcsr((unsigned)old);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(old));
#else
    fesetround((int)old);
#endif
}

#endif
