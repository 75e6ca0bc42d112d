/* kernel/features.h - the bits by which kernels say what they need of a CPU. src/cpu finds out which bits the CPU has. */
#ifndef QN_KERNEL_FEATURES_H
#define QN_KERNEL_FEATURES_H

#include <stdint.h>

/* A set of CPU features, one bit each. */
typedef uint64_t qn_cpu_features;

enum qn_cpu_feature_bit {
#define QN_CPU_FEATURE(bit, id, name, doc) QN_CPU_BIT_##id = bit,
#include "kernel/features.def"
#undef QN_CPU_FEATURE
};

/* The set that holds one feature: QN_CPU(AVX2) | QN_CPU(FMA). */
#define QN_CPU(id) (UINT64_C(1) << QN_CPU_BIT_##id)

#endif
