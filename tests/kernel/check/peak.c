/* check/peak.c - what this CPU's vectors reach at best: loops of nothing but independent products and sums. */
#include "check/bench.h"

#include <string.h>
#include <time.h>

double bench_now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

#if defined(__x86_64__)

enum { LOOPS = 1000000, CHAINS = 12 };

/* One instruction that adds to a register, or one that multiplies and one that adds. */
#define FMA(reg, i)  "vfmadd231ps %%" reg "15, %%" reg "14, %%" reg i "\n"
#define DOT(reg, i)  "vpdpbusd %%" reg "15, %%" reg "14, %%" reg i "\n"
#define VDOT(reg, i) "%{vex%} " DOT(reg, i)
#define PAIR(reg, i) "vpmaddwd %%" reg "15, %%" reg "14, %%" reg "13\nvpaddd %%" reg "13, %%" reg i ", %%" reg i "\n"
#define TWELVE(one, reg)                                                                                               \
    one(reg, "0") one(reg, "1") one(reg, "2") one(reg, "3") one(reg, "4") one(reg, "5") one(reg, "6") one(reg, "7")    \
        one(reg, "8") one(reg, "9") one(reg, "10") one(reg, "11")
#define CLOBBERS                                                                                                       \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm13",         \
        "xmm14", "xmm15"
#define LOOP(name, one, reg)                                                                                           \
    static void name(void) {                                                                                           \
        __asm__ volatile("vxorps %%ymm14, %%ymm14, %%ymm14\nvxorps %%ymm15, %%ymm15, %%ymm15\n" ::: CLOBBERS);         \
        for (int i = 0; i < LOOPS; i++) __asm__ volatile(TWELVE(one, reg)::: CLOBBERS);                                \
    }

LOOP(fma_512, FMA, "zmm")
LOOP(fma_256, FMA, "ymm")
LOOP(dot_512, DOT, "zmm")
LOOP(dot_256, VDOT, "ymm")
LOOP(words_512, PAIR, "zmm")
LOOP(words_256, PAIR, "ymm")

double bench_peak(const qn_kernel_row *row) {
    const int is_s16 = strcmp(row->family, "conv_s16") == 0 || strcmp(row->family, "depthwise_s16") == 0;
    const int is_s16s8 = strcmp(row->family, "conv_s16s8") == 0;
    const int is_u8 = strstr(row->family, "_u8") != NULL, is_wide = (row->needs & QN_CPU(AVX512F)) != 0;
    const int has_dot = (row->needs & (QN_CPU(AVX512VNNI) | QN_CPU(AVXVNNI))) != 0;
    void (*loop)(void) = is_wide ? fma_512 : fma_256;
    double ops = is_wide ? 32 : 16, best = 0; /* of an instruction, or two */
    if (!(row->needs & QN_CPU(FMA)) || (row->needs & QN_CPU(AMX_TILE))) return 0;
    if (is_s16 || is_s16s8) { /* weights of 16 bits: two products for one */
        loop = has_dot ? (is_wide ? dot_512 : dot_256) : is_wide ? words_512 : words_256;
        ops *= is_s16 ? 1 : 2;
    } else if (is_u8 && has_dot) {
        loop = is_wide ? dot_512 : dot_256;
        ops *= 4;
    } else if (is_u8) {
        loop = is_wide ? words_512 : words_256;
        ops *= 2;
    }
    for (int i = 0; i < 10; i++) {
        const double start = bench_now_s();
        loop();
        const double rate = LOOPS * (double)CHAINS * ops / (bench_now_s() - start) * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}

#else

double bench_peak(const qn_kernel_row *row) {
    (void)row;
    return 0;
}

#endif
