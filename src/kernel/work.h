/* kernel/work.h - small sums shared by the drivers. */
#ifndef QN_KERNEL_WORK_H
#define QN_KERNEL_WORK_H

#include "kernel/kernel.h"

#include <assert.h>
#include <string.h>

/* a / b rounded up, for a >= 0 and b > 0. */
static inline int64_t qn_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t qn_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t qn_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

/* Rounds a count of floats up to whole cache lines of 16. */
static inline int64_t qn_round_line(int64_t floats) { return qn_ceil_div(floats, 16) * 16; }

/* Element `index` of an array of elements of `bytes` bytes each. */
static inline const void *qn_elem(const void *base, int64_t index, int64_t bytes) {
    return (const uint8_t *)base + index * bytes;
}
static inline void *qn_elem_mut(void *base, int64_t index, int64_t bytes) { return (uint8_t *)base + index * bytes; }

/* Bytes of an operand's element: floats without `stored`. */
static inline int64_t qn_storage_bytes(const qn_convert_kernel *stored) {
    return stored ? stored->elem_bytes : (int64_t)sizeof(float);
}

/* Bytes of an element of `storage` (qn_storage). */
static inline int64_t qn_int_storage_bytes(int64_t storage) {
    return storage == QN_STORAGE_U8 ? 1 : storage == QN_STORAGE_F32 ? 4 : 2;
}

/* Input positions per output position of a resize. */
static inline float qn_resize_scale(int64_t in, int64_t out, int64_t align_corners) {
    return align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

/* Fills *out_work; `params` is the driver's private struct. */
#define QN_WORK_SET(out_work, run_fn, task_count, scratch, kernel_name, params_struct)                                 \
    do {                                                                                                               \
        _Static_assert(sizeof(params_struct) <= QN_WORK_PARAMS_BYTES, "the parameters fit a work item");               \
        (out_work)->run = (run_fn);                                                                                    \
        (out_work)->tasks = (task_count);                                                                              \
        (out_work)->scratch_bytes = (size_t)(scratch);                                                                 \
        (out_work)->kernel = (kernel_name);                                                                            \
        memcpy((out_work)->params, &(params_struct), sizeof(params_struct));                                           \
    } while (0)

#endif
