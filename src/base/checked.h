/* base/checked.h - arithmetic that says when it overflows. Each returns 1 and writes *out, or returns 0. */
#ifndef QN_BASE_CHECKED_H
#define QN_BASE_CHECKED_H

#include <stddef.h>
#include <stdint.h>

static inline int qn_checked_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline int qn_checked_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline int qn_checked_mul_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline int qn_checked_add_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline int qn_checked_sub_i64(int64_t a, int64_t b, int64_t *out) { return !__builtin_sub_overflow(a, b, out); }

/* ⌊a / b⌋ and ⌈a / b⌉ for b > 0, towards minus and plus infinity. */
static inline int64_t qn_floor_div_i64(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b < 0);
}
static inline int64_t qn_ceil_div_i64(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q + (a % b > 0);
}
static inline int64_t qn_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t qn_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline size_t qn_align_up(size_t n, size_t align) { return (n + align - 1) & ~(align - 1); }

#endif
