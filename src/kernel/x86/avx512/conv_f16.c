/* kernel/x86/avx512/conv_f16.c - conv_f16 tile: 14 rows by 32 outputs. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define HALF_STORAGE
#define TILE_ROWS   14
#define TILE_PANELS 2
#define TILE_SYMBOL qn_k_conv_f16_14x32_avx512
#define TILE_NAME   "conv_f16_14x32_avx512"
#include "kernel/body/conv_f32.h"
