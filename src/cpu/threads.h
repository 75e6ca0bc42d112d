/* cpu/threads.h - how many CPUs this process may use. */
#ifndef QN_CPU_THREADS_H
#define QN_CPU_THREADS_H

#include <stdint.h>

typedef struct qn_cpu_threads {
    int affinity; /* CPUs in the calling thread's affinity mask */
    double quota; /* CPUs' worth of time that the control group grants, 0 for no limit */
    int usable;   /* the smaller of affinity and the quota rounded up; at least 1 */
} qn_cpu_threads;

/* Reads the affinity mask and the control group (version 1 or 2, and the groups above it). What cannot be read does
   not limit. Any thread; opens a few small files. */
qn_cpu_threads qn_cpu_threads_find(void);

/* The quota alone, as seen under `root` ("" for the real one), where root/proc/self/cgroup and root/sys/fs/cgroup are
   looked up. 0: no limit. */
double qn_cpu_quota_read(const char *root);

#endif
