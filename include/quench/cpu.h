/* quench/cpu.h - what this machine offers, and what quench makes of it.
 *
 *     qn_cpu_info *info = NULL;
 *     qn_status *status = qn_cpu_info_create(NULL, NULL, &info);
 *     if (!status) printf("%s: %s, %d threads\n", info->model_name, info->level, info->threads.usable);
 *     qn_cpu_info_destroy(info);
 *
 * This is for reports and bug reports; an engine (quench/engine.h) finds the same out for itself. Asking has no side
 * effects: nothing is switched on, no thread is started, except by qn_cpu_measure_peak() and its kin.
 * Threads: any thread; an info is immutable.
 * Stability: since 0.1; structs that quench fills only grow at their end.
 */
#ifndef QUENCH_CPU_H
#define QUENCH_CPU_H

#include "quench/allocator.h"
#include "quench/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many CPUs this process may use, and why. */
typedef struct qn_cpu_thread_info {
    int affinity; /* CPUs in the calling thread's affinity mask */
    double quota; /* CPUs' worth of time that the control group grants; 0: no limit */
    int usable;   /* the smaller of affinity and the quota rounded up, at least 1: the default of engines unless */
    int asked;    /* the environment variable QUENCH_THREADS asks for another number; 0: it does not */
} qn_cpu_thread_info;

/* Reads affinity mask and control group anew; what cannot be read does not limit. Opens a few small files. */
QN_API qn_cpu_thread_info qn_cpu_get_threads(void);

/* One CPU feature that quench knows. */
typedef struct qn_cpu_feature_info {
    const char *name, *description;
    int is_present; /* the CPU has it and the operating system lets it be used */
    int is_used;    /* present, and not masked */
} qn_cpu_feature_info;

/* A named set of features: what the option --cpu, QUENCH_CPU and qn_engine_options.cpu take, beside "native". */
typedef struct qn_cpu_level_info {
    const char *name, *description;
    int is_present; /* every feature of it is */
} qn_cpu_level_info;

/* One kernel of this build. */
typedef struct qn_cpu_kernel_info {
    const char *family, *name;
    const char *needs; /* features, space-separated; "" for none */
    int is_compiled;   /* 0: it belongs to another architecture */
    int is_available;  /* compiled, and everything it needs is in use */
    int is_selected;   /* engines with this mask take it for its family */
} qn_cpu_kernel_info;

typedef struct qn_cpu_info {
    const char *model_name; /* the CPU's own, or the architecture's */
    const char *mask;       /* what restricts the features: the mask given, QUENCH_CPU's, or "native" */
    const char *level;      /* the highest level that the features in use fulfil */
    qn_cpu_thread_info threads;
    size_t feature_count, level_count, kernel_count;
    const qn_cpu_feature_info *features;
    const qn_cpu_level_info *levels;   /* plain to fancy */
    const qn_cpu_kernel_info *kernels; /* family by family, plain to fancy */
} qn_cpu_info;

/* Looks at this machine.
 * @param mask       as qn_engine_options.cpu: a level's name or "native"; NULL: the environment variable QUENCH_CPU if
 *                   set, else everything
 * @param allocator  NULL: the C library's heap. Copied
 * @param out_info   on success everything, texts included, freed by qn_cpu_info_destroy(); else NULL
 * returns  INVALID_ARGUMENT: no such mask (the nearest is suggested); OUT_OF_MEMORY
 */
QN_API qn_status *qn_cpu_info_create(const char *mask, const qn_allocator *allocator,
                                     qn_cpu_info **out_info) QN_MUST_USE;
QN_API void qn_cpu_info_destroy(qn_cpu_info *info); /* accepts NULL */

/* Measures how fast this machine multiplies and adds in float32: the yardstick for "share of peak".
 *
 * The convolution tile that engines with this mask use runs on operands that stay in the first-level cache, on every
 * thread at once; a fused multiply-add counts as two operations. So the figure is what the best code of quench reaches
 * when memory costs nothing, a little below what the data sheet says.
 *
 * @param mask        as above
 * @param threads     1 .. 1024; 0: as an engine would by default
 * @param out_gflops  10^9 operations a second, all threads together
 * returns  INVALID_ARGUMENT: mask or number of threads; OUT_OF_MEMORY; LIMIT: the system grants fewer threads
 * cost     starts threads; about 100 ms
 */
QN_API qn_status *qn_cpu_measure_peak(const char *mask, int threads, double *out_gflops) QN_MUST_USE;

/* The same of integers: unsigned by signed bytes, added up and turned into bytes again.
 * @param mask      as above
 * @param threads   as above
 * @param out_gops  10^9 operations a second, all threads together
 * returns  as above
 * cost     as above
 */
QN_API qn_status *qn_cpu_measure_peak_int8(const char *mask, int threads, double *out_gops) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
