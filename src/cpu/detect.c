/* cpu/detect.c - asking the CPU what it is. */
#include "cpu/features.h"

#include <stdio.h>
#include <string.h>

enum { EAX, EBX, ECX, EDX };

/* XCR0: what the operating system saves on a switch. */
#define STATE_AVX    UINT64_C(0x6)
#define STATE_AVX512 UINT64_C(0xe6)
#define STATE_AMX    UINT64_C(0x60000)

qn_cpu_features qn_cpu_features_from_x86(const qn_cpu_x86_leaves *leaves) {
    const struct {
        const uint32_t *leaf;
        int word, bit;
        uint64_t state; /* bits of XCR0 that must be set */
        qn_cpu_features feature;
    } rows[] = {
        {leaves->leaf1, EDX, 26, 0, QN_CPU(SSE2)},
        {leaves->leaf7_0, EBX, 5, STATE_AVX, QN_CPU(AVX2)},
        {leaves->leaf1, ECX, 12, STATE_AVX, QN_CPU(FMA)},
        {leaves->leaf1, ECX, 29, STATE_AVX, QN_CPU(F16C)},
        {leaves->leaf7_0, EBX, 16, STATE_AVX512, QN_CPU(AVX512F)},
        {leaves->leaf7_0, EBX, 30, STATE_AVX512, QN_CPU(AVX512BW)},
        {leaves->leaf7_0, EBX, 31, STATE_AVX512, QN_CPU(AVX512VL)},
        {leaves->leaf7_0, EBX, 17, STATE_AVX512, QN_CPU(AVX512DQ)},
        {leaves->leaf7_0, ECX, 11, STATE_AVX512, QN_CPU(AVX512VNNI)},
        {leaves->leaf7_1, EAX, 4, STATE_AVX, QN_CPU(AVXVNNI)},
        {leaves->leaf7_1, EAX, 5, STATE_AVX512, QN_CPU(AVX512BF16)},
        {leaves->leaf7_0, EDX, 23, STATE_AVX512, QN_CPU(AVX512FP16)},
        {leaves->leaf7_0, EDX, 24, STATE_AMX, QN_CPU(AMX_TILE)},
        {leaves->leaf7_0, EDX, 25, STATE_AMX, QN_CPU(AMX_INT8)},
        {leaves->leaf7_0, EDX, 22, STATE_AMX, QN_CPU(AMX_BF16)},
    };
    qn_cpu_features features = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int offered = rows[i].leaf[rows[i].word] >> rows[i].bit & 1;
        if (offered && (leaves->xcr0 & rows[i].state) == rows[i].state) features |= rows[i].feature;
    }
    return features;
}

#if defined(__x86_64__)

#include <cpuid.h>

static void read_leaf(uint32_t leaf, uint32_t subleaf, uint32_t *out_words) {
    if (!__get_cpuid_count(leaf, subleaf, &out_words[EAX], &out_words[EBX], &out_words[ECX], &out_words[EDX])) {
        memset(out_words, 0, 4 * sizeof *out_words);
    }
}

qn_cpu_features qn_cpu_features_detect(void) {
    qn_cpu_x86_leaves leaves = {.xcr0 = 0};
    const uint32_t osxsave = UINT32_C(1) << 27;
    read_leaf(1, 0, leaves.leaf1);
    read_leaf(7, 0, leaves.leaf7_0);
    if (leaves.leaf7_0[EAX] >= 1) read_leaf(7, 1, leaves.leaf7_1);
    if (leaves.leaf1[ECX] & osxsave) {
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        leaves.xcr0 = (uint64_t)high << 32 | low;
    }
    return qn_cpu_features_from_x86(&leaves);
}

#if defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

static int may_use_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#else

static int may_use_tiles(void) { return 0; }

#endif

qn_cpu_features qn_cpu_features_permitted(qn_cpu_features features) {
    const qn_cpu_features tiles = QN_CPU(AMX_TILE) | QN_CPU(AMX_INT8) | QN_CPU(AMX_BF16);
    return (features & tiles) && !may_use_tiles() ? features & ~tiles : features;
}

void qn_cpu_model_name(char *out_name, size_t size) {
    uint32_t words[13] = {0}; /* three leaves of 16 characters, and a NUL */
    char text[sizeof words];
    read_leaf(UINT32_C(0x80000002), 0, words);
    read_leaf(UINT32_C(0x80000003), 0, words + 4);
    read_leaf(UINT32_C(0x80000004), 0, words + 8);
    memcpy(text, words, sizeof text);
    const char *start = text + strspn(text, " ");
    size_t length = strlen(start);
    while (length > 0 && start[length - 1] == ' ') length--;
    if (length == 0) {
        snprintf(out_name, size, "x86-64");
    } else {
        snprintf(out_name, size, "%.*s", (int)length, start);
    }
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

qn_cpu_features qn_cpu_features_detect(void) {
    const unsigned long asimdhp = 1UL << 10, asimddp = 1UL << 20; /* AT_HWCAP of Linux on arm64 */
    const unsigned long offered = getauxval(AT_HWCAP);
    qn_cpu_features features = QN_CPU(NEON);
    if (offered & asimddp) features |= QN_CPU(DOTPROD);
    if (offered & asimdhp) features |= QN_CPU(FP16);
    return features;
}

qn_cpu_features qn_cpu_features_permitted(qn_cpu_features features) { return features; }

void qn_cpu_model_name(char *out_name, size_t size) { snprintf(out_name, size, "aarch64"); }

#else

qn_cpu_features qn_cpu_features_detect(void) { return 0; }

qn_cpu_features qn_cpu_features_permitted(qn_cpu_features features) { return features; }

void qn_cpu_model_name(char *out_name, size_t size) { snprintf(out_name, size, "unknown"); }

#endif
