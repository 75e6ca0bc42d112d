/* kernel/kernels.h - declarations of every row of kernels.def. */
#ifndef QN_KERNEL_KERNELS_H
#define QN_KERNEL_KERNELS_H

#include "kernel/kernel.h"

#define QN_NEEDS_AVX2_HALF (QN_CPU(AVX2) | QN_CPU(FMA) | QN_CPU(F16C))
#define QN_NEEDS_AVX512                                                                                                \
    (QN_CPU(AVX2) | QN_CPU(FMA) | QN_CPU(AVX512F) | QN_CPU(AVX512BW) | QN_CPU(AVX512VL) | QN_CPU(AVX512DQ))

#define QN_KERNEL(family, name, needs) extern const qn_##family##_kernel qn_k_##name;
#define QN_KERNEL_X86                  QN_KERNEL
#include "kernel/kernels.def"
#undef QN_KERNEL_X86
#undef QN_KERNEL

#endif
