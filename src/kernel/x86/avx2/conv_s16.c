/* kernel/x86/avx2/conv_s16.c - conv_s16 tile: 6 rows by 16 outputs. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/x86/avx2/sums.h"
#include "kernel/kernels.h"

#define TILE_ROWS    6
#define WEIGHT_BYTES 2
#define TILE_SYMBOL  qn_k_conv_s16_6x16_avx2
#define TILE_NAME    "conv_s16_6x16_avx2"
#include "kernel/body/conv_s16.h"
