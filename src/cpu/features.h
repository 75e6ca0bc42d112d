/* cpu/features.h - what this CPU offers, and masks over it.
 *
 * Detection asks the CPU itself (CPUID) and what the operating system saves on a switch (XCR0), nothing else; it has
 * no side effects. Tile registers further need the system's permission, for which qn_cpu_features_permitted() asks.
 * Everything here may be called from any thread.
 */
#ifndef QN_CPU_FEATURES_H
#define QN_CPU_FEATURES_H

#include <stddef.h>

#include "base/memory.h"
#include "base/status.h"
#include "kernel/features.h"

/* What the CPU and the operating system offer. Detected anew at every call (about a microsecond, tens under a
   hypervisor). */
qn_cpu_features qn_cpu_features_detect(void);

/* One feature, for listing. */
typedef struct qn_cpu_feature {
    qn_cpu_features bit;
    const char *name, *doc;
} qn_cpu_feature;
size_t qn_cpu_feature_count(void);
const qn_cpu_feature *qn_cpu_feature_at(size_t index);

/* Appends the names in `features`, separated by blanks. */
void qn_cpu_features_print(qn_cpu_features features, qn_buffer *buffer);

/* A named set of features, what --cpu accepts beside "native". */
typedef struct qn_cpu_level {
    const char *name;
    qn_cpu_features features;
    const char *doc;
} qn_cpu_level;
size_t qn_cpu_level_count(void);
const qn_cpu_level *qn_cpu_level_at(size_t index);

/* The last level that `features` fulfil; "generic" if none. */
const char *qn_cpu_level_name(qn_cpu_features features);

/* The mask that `text` names: a level, or "native" for everything.
   Errors: INVALID_ARGUMENT, listing the levels and the nearest spelling. */
qn_status *qn_cpu_mask_parse(const char *text, qn_cpu_features *out_mask) QN_MUST_USE;

/* The features to use: those detected, masked by `text`, or by the environment variable QUENCH_CPU if `text` is
   NULL, or by nothing. A level that this CPU does not reach gives what there is of it.
   Errors: as qn_cpu_mask_parse, saying which of the two was wrong. */
qn_status *qn_cpu_features_choose(const char *text, qn_cpu_features *out_features) QN_MUST_USE;

/* `features` without those that the operating system does not let this process use. Tile registers need its permission,
   for which this asks on Linux; once given it holds for all threads of the process, for good. To be called by whoever is
   about to run kernels; asking again is cheap. */
qn_cpu_features qn_cpu_features_permitted(qn_cpu_features features);

/* The CPU's own name ("AMD EPYC 9B45"), or the architecture's. Writes at most `size` bytes, NUL included (size > 0). */
void qn_cpu_model_name(char *out_name, size_t size);

/* What detection reads on x86: CPUID leaves as EAX, EBX, ECX, EDX, and XCR0. A leaf the CPU lacks is zero. */
typedef struct qn_cpu_x86_leaves {
    uint32_t leaf1[4], leaf7_0[4], leaf7_1[4];
    uint64_t xcr0; /* 0 without OSXSAVE */
} qn_cpu_x86_leaves;

/* The pure half of detection, so that tests can replay recorded CPUs. */
qn_cpu_features qn_cpu_features_from_x86(const qn_cpu_x86_leaves *leaves);

#endif
