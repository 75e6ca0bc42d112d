/* float_states.h - every floating-point state that a program may call quench in: four rounding modes, subnormals kept or
 * flushed, traps masked or not, sticky flags raised or not. */
#ifndef TESTS_BASE_FLOAT_STATES_H
#define TESTS_BASE_FLOAT_STATES_H

#include <fenv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

enum { FLOAT_STATES = 32 };

/* What can be seen of the thread's state. */
typedef struct float_state_image {
    uint64_t control, flags, rounding;
} float_state_image;

static inline float_state_image float_state_look(void) {
    float_state_image image;
    memset(&image, 0, sizeof image);
    image.rounding = (uint64_t)fegetround();
#if defined(__SSE2__)
    uint16_t x87 = 0;
    __asm__ volatile("fnstcw %0" : "+m"(x87));
    image.control = _mm_getcsr() | (uint64_t)x87 << 32;
    __asm__ volatile("fnstsw %0" : "+m"(x87));
    image.flags = x87 & 0x3F;
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(image.control), "=r"(image.flags));
#else
    image.flags = (uint64_t)fetestexcept(FE_ALL_EXCEPT);
#endif
    return image;
}

/* Puts the thread into state number `index`; what it was before comes back with float_state_restore(). */
static inline fenv_t float_state_set(int index) {
    static const int roundings[4] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    fenv_t before;
    fegetenv(&before);
    feclearexcept(FE_ALL_EXCEPT);
    if (index & 16) feraiseexcept(FE_INEXACT | FE_UNDERFLOW);
    fesetround(roundings[index & 3]);
#if defined(__SSE2__)
    if (index & 4) _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    if (index & 4) __asm__ volatile("msr fpcr, %0" ::"r"(control | 1u << 24));
#endif
#if defined(__GLIBC__)
    if (index & 8) feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
#endif
    return before;
}

static inline void float_state_restore(const fenv_t *before) { fesetenv(before); }

static inline void float_state_name(int index, char *out, size_t room) {
    static const char *const roundings[4] = {"nearest", "upward", "downward", "toward zero"};
    snprintf(out, room, "%s%s%s%s", roundings[index & 3], index & 4 ? ", flush to zero" : "",
             index & 8 ? ", traps" : "", index & 16 ? ", flags" : "");
}

/* Evaluates `call` in state number `index`, and fails unless the state is the same afterwards. */
#define IN_FLOAT_STATE(index, call)                                                                                    \
    do {                                                                                                               \
        fenv_t before_ = float_state_set(index);                                                                       \
        float_state_image image_ = float_state_look();                                                                 \
        call;                                                                                                          \
        float_state_image after_ = float_state_look();                                                                 \
        float_state_restore(&before_);                                                                                 \
        if (memcmp(&image_, &after_, sizeof image_)) {                                                                 \
            char name_[96];                                                                                            \
            float_state_name(index, name_, sizeof name_);                                                              \
            fail_msg("the state '%s' is another after %s: control %llx, flags %llx instead of %llx, %llx", name_,      \
                     #call, (unsigned long long)after_.control, (unsigned long long)after_.flags,                      \
                     (unsigned long long)image_.control, (unsigned long long)image_.flags);                            \
        }                                                                                                              \
    } while (0)

#endif
