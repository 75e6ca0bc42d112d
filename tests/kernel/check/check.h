/* check/check.h - shared by the parts of the kernel harness (../check.c says what it does).
 *
 * A family draws one case from the context's random numbers, computes it naively in double precision, and hands the
 * work of every row to check_run_row, which compares it with the first row, the portable one, bit by bit.
 */
#ifndef QN_TESTS_KERNEL_CHECK_H
#define QN_TESTS_KERNEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "kernel/kernels.h"

enum { CHECK_MAX_ROWS = 16 };

typedef struct check_context {
    qn_rng rng;
    uint64_t seed; /* of this case */
    const char *family;
    int row_count; /* rows that can run here; the first is portable */
    const qn_kernel_row *rows[CHECK_MAX_ROWS];
    int failed;
    char description[512]; /* of the case, printed when it fails */
} check_context;

typedef struct check_family {
    const char *name;
    void (*run_case)(check_context *context);
} check_family;

extern const check_family check_families[];
extern const size_t check_family_count;

void check_conv_f32(check_context *context);
void check_depthwise_f32(check_context *context);
void check_elementwise(check_context *context);
void check_pool_f32(check_context *context);
void check_resize_f32(check_context *context);
void check_argmax_f32(check_context *context);
void check_conv_f16(check_context *context);
void check_depthwise_f16(check_context *context);
void check_convert_f16(check_context *context);
void check_convert_u8(check_context *context);
void check_convert_s16(check_context *context);
void check_pool_int(check_context *context);
void check_quantize(check_context *context);
void check_add_int(check_context *context);
void check_copy(check_context *context);
void check_conv_u8(check_context *context);
void check_depthwise_u8(check_context *context);
void check_conv_s16(check_context *context);
void check_conv_s16s8(check_context *context);
void check_depthwise_s16(check_context *context);

/* The AMX tile of conv_u8 with emulated registers: runs anywhere, and is checked beside the rows of its family (amx.c). */
extern const qn_kernel_row check_amx_row;

/* ---- Guarded buffers (guard.c) ---- */

/* `bytes` bytes that end, or begin, where an unreadable page begins or ends; the slack beside them holds canaries.
   Valid until check_buffers_reset. `name` must be static. Contents: 0xA5 bytes. */
void *check_buffer(check_context *context, const char *name, size_t bytes);
/* The same aligned to 64, for scratch and packed weights; the bytes are rounded up to 64. */
void *check_buffer_aligned(check_context *context, const char *name, size_t bytes);
void check_buffers_reset(void);
/* Fails the case if any canary changed. */
void check_buffers_verify(check_context *context, const char *kernel);
/* "buffer 'src', 4 bytes after its end" for an address that faulted, or "no buffer of the case". */
const char *check_buffers_locate(const void *address);

/* ---- Drawing ---- */

int64_t check_draw(check_context *context, int64_t low, int64_t high);
/* One of 1, multiple-1, multiple, multiple+1, small primes, or uniform, within [1, high]. */
int64_t check_draw_size(check_context *context, int64_t multiple, int64_t high);
int check_chance(check_context *context, int percent);
/* What the data of a case is like. */
typedef enum check_data {
    CHECK_DATA_PLAIN,  /* random floats */
    CHECK_DATA_EQUAL,  /* all the same */
    CHECK_DATA_POWERS, /* next to powers of two: sums often lie next to the middle between two floats */
    CHECK_DATA_TINY,   /* the same, with products below the normal range */
    CHECK_DATA_SPECIAL /* with infinities, NaNs, denormals, zeros of both signs */
} check_data;
check_data check_draw_data(check_context *context);
void check_fill(check_context *context, check_data data, float *values, int64_t count);
/* Random limits of an activation: none, relu, relu6, or arbitrary. */
void check_draw_activation(check_context *context, float *out_min, float *out_max);

/* ---- Half precision (half.c). What a kernel gives for halves is what the portable one gives for the same values as
   floats, rounded by base/dtype.h. ---- */

/* A buffer of halves, the nearest to `values`, which take those values themselves. NULL stays NULL. */
uint16_t *check_halves(check_context *context, const char *name, float *values, int64_t count);
/* Fails unless `got` holds `want` rounded; NaNs are the same. */
int check_same_halves(check_context *context, const char *kernel, const uint16_t *got, const float *want,
                      int64_t count);

/* A case of a driver that converts what is stored, by the kernels of the context's family (stored.c). */
void check_stored_drivers(check_context *context);

/* ---- Running and comparing (run.c) ---- */

void check_describe(check_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_fail(check_context *context, const char *kernel, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs all tasks in one go (split == 0) or in random pieces in random order, with scratch full of NaNs before each
   piece; watches for faults, canaries and the control state. 0 if the case failed. */
int check_run_work(check_context *context, const char *kernel, const qn_work *work, int split);

/* Fails unless the bytes are equal; NaNs of any sign and payload are the same. */
int check_same_floats(check_context *context, const char *kernel, const float *got, const float *want, int64_t count);
int check_same_bytes(check_context *context, const char *kernel, const void *got, const void *want, size_t bytes);
/* Fails unless |got - want| <= bound, elementwise, and a NaN where want is one. Other elements whose want or bound is
   not finite or beyond 1e30 pass: the kernel may have overflowed. */
int check_near(check_context *context, const char *kernel, const float *got, const double *want, const double *bound,
               int64_t count);

/* act() of kernel.h. */
double check_activate(double value, float low, float high);

/* ---- Benchmarks (bench.c) ---- */

void check_bench(qn_cpu_features features, const char *family, const char *isa, int64_t time_ms);

#endif
