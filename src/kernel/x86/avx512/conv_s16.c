/* kernel/x86/avx512/conv_s16.c - conv_s16 tile: 12 rows by 16 outputs. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/x86/avx512/sums.h"
#include "kernel/kernels.h"

#define TILE_ROWS    12
#define WEIGHT_BYTES 2
#define TILE_SYMBOL  qn_k_conv_s16_12x16_avx512
#define TILE_NAME    "conv_s16_12x16_avx512"
#include "kernel/body/conv_s16.h"
