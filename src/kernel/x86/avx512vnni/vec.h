/* kernel/x86/avx512vnni/vec.h - the vocabulary of AVX-512, and dot products that add. */
#ifndef QN_KERNEL_X86_AVX512VNNI_VEC_H
#define QN_KERNEL_X86_AVX512VNNI_VEC_H

#include "kernel/x86/avx512/vec.h"

#define HAS_DOT_BYTES
/* Per lane: acc plus four unsigned bytes of a times four signed ones of b. */
static inline VI vi_dot_bytes(VI acc, VI a, VI b) { return _mm512_dpbusd_epi32(acc, a, b); }
/* Per lane: acc plus two words of a times those of b. */
static inline VI vi_add_dot_words(VI acc, VI a, VI b) { return _mm512_dpwssd_epi32(acc, a, b); }

#endif
