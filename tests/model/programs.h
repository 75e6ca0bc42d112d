/* programs.h - small compiled programs made by hand, for tests of the file format and of the runtime.
 *
 *     maker *m = maker_create();
 *     uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, (qn_dim[]){maker_symbol(m, "n", 0, 0, 1, 8)});
 *     uint32_t y = maker_step(m, &qn_op_relu, NULL, 1, &x, "y", QN_DTYPE_F32, 1, maker_dims(m, x));
 *     maker_output(m, y);
 *     const qn_program *program = maker_finish(m, 1);
 */
#ifndef TESTS_MODEL_PROGRAMS_H
#define TESTS_MODEL_PROGRAMS_H

#include "model/program.h"

typedef struct maker maker;

maker *maker_create(void);
void maker_destroy(maker *m);
qn_dim_pool *maker_pool(maker *m);
qn_dim maker_const(maker *m, int64_t value);
/* The symbol of dim `axis` of input `input` (-1: settled by a step), in [low, high]. */
qn_dim maker_symbol(maker *m, const char *name, int input, int axis, int64_t low, int64_t high);
void maker_bound(maker *m, qn_dim symbol, int64_t low, int64_t high, const char *reason);
const qn_dim *maker_dims(maker *m, uint32_t value);

uint32_t maker_input(maker *m, const char *name, qn_dtype dtype, int rank, const qn_dim *dims);
/* `bytes`: 0 for what the dims say. */
uint32_t maker_constant(maker *m, const char *name, qn_dtype dtype, int rank, const int64_t *dims, const void *data,
                        size_t bytes);
/* The bytes of a constant lie as `packing` says. */
void maker_pack(maker *m, uint32_t value, const struct qn_packing *packing);
/* A rank-1 value computed from shapes. */
uint32_t maker_shape_value(maker *m, const char *name, qn_dtype dtype, int count, const qn_dim *contents);
/* Appends a step with one output. `attrs` NULL: the defaults. */
uint32_t maker_step(maker *m, const qn_op_def *op, const void *attrs, int input_count, const uint32_t *inputs,
                    const char *output, qn_dtype dtype, int rank, const qn_dim *dims);
/* The last step settles `symbol` as dim `axis` of its output. */
void maker_settles(maker *m, qn_dim symbol, int axis);
void maker_alias(maker *m, uint32_t value, uint32_t owner);
void maker_output(maker *m, uint32_t value);
/* What the integers of `value` stand for. In the order of values; the arrays are the caller's. */
void maker_encoding(maker *m, uint32_t value, const char *of, uint32_t channels, const float *scale,
                    const uint8_t *zero_point);
void maker_check(maker *m, qn_dim condition, const char *message);

/* Liveness and, with a ceiling, offsets at the upper bounds. Owned by the maker. */
const qn_program *maker_finish(maker *m, int ceiling);

/* ---- Complete programs; freed with their maker ---- */

/* x [1, h, w, 3] f32, h and w in [1, 24] -> conv2d 3x3 (packed, bias, relu) -> + itself -> sigmoid (in place)
   -> resize_nearest to [2h, 2w] (a shape value) -> y [1, 2h, 2w, 20] and squeeze view -> neg -> z [2h, 2w, 20].
   A check demands h + w <= 40. */
const qn_program *program_pictures(maker *m, int ceiling);
/* x [n] f32, n in [0, 64] -> where -> coordinates [k, 1] s64 -> gather of x -> picked [k, 1], and neg of it -> y [k,
 * 1]. */
const qn_program *program_picks(maker *m, int ceiling);
/* x [1, 8, 8, 6] of `dtype`, u8 or s16 -> conv2d_quantized 5x1 (packed, of bytes), f32; groups 1 or, of u8, 6. */
const qn_program *program_bytes(maker *m, qn_dtype dtype, int groups);
/* x [1, 4, 4, 2] u8 -> conv2d_quantized by w [1, 1, 2, 2] s8 -> y f32; with `has_words` also u, s16, by the same w -> z.
   To be finished, once the constant that is returned, w, is packed as the test wants it. */
uint32_t program_shared_weights(maker *m, int has_words);
/* x [n, 3] f32, n in [1, 8] -> quantize_linear -> x/u8, a scale for each channel -> dequantize_linear -> y, and
   -> quantize_linear -> x/s16, one scale -> dequantize_linear -> z. */
const qn_program *program_integers(maker *m, int ceiling);

#endif
