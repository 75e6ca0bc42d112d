/* kernel/x86/amx/conv_u8.c - conv_u8 tile: 32 rows by 32 outputs. */
#include "kernel/x86/amx/tiles.h"
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define TILE      const qn_conv_u8_kernel qn_k_conv_u8_32x32_amx
#define TILE_NAME "conv_u8_32x32_amx"
#include "kernel/body/conv_u8_tiles.h"
