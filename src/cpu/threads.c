/* cpu/threads.c - usable CPUs from the affinity mask and the control group's quota. */
#include "cpu/threads.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 4096 + 256, CPU_LIMIT = 65536 };

/* The first line of a file without its line end; 0 if there is none. */
static int read_line(const char *path, char *out_line, size_t size) {
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    const int found = fgets(out_line, (int)size, file) != NULL;
    fclose(file);
    if (found) out_line[strcspn(out_line, "\n")] = '\0';
    return found;
}

static double smaller_quota(double a, double b) {
    if (a == 0) return b;
    return b == 0 || a < b ? a : b;
}

static double divide_quota(const char *quota, const char *period) {
    const double q = strtod(quota, NULL), p = strtod(period, NULL); /* "max" and "-1" give no positive number */
    return q > 0 && p > 0 ? q / p : 0;
}

/* Version 2: "QUOTA PERIOD" in one file. */
static double read_group_v2(const char *folder) {
    char path[PATH_BYTES], line[64];
    if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path) return 0;
    if (!read_line(path, line, sizeof line)) return 0;
    const char *blank = strchr(line, ' ');
    return blank ? divide_quota(line, blank + 1) : 0;
}

/* Version 1: a file each. */
static double read_group_v1(const char *folder) {
    char path[PATH_BYTES], quota[64], period[64];
    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder) >= (int)sizeof path) return 0;
    if (!read_line(path, quota, sizeof quota)) return 0;
    if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder) >= (int)sizeof path) return 0;
    return read_line(path, period, sizeof period) ? divide_quota(quota, period) : 0;
}

/* The tightest quota of a group and all above it. Inside a container the path may be the host's and not exist here;
   the mount point, which the walk ends at, is then the container's own group. */
static double walk_up(const char *mount, const char *group, double (*read_group)(const char *)) {
    char folder[PATH_BYTES];
    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder) return read_group(mount);
    double quota = 0;
    for (;;) {
        quota = smaller_quota(quota, read_group(folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < strlen(mount)) return quota;
        *slash = '\0';
    }
}

/* Whether a comma-separated list holds "cpu". */
static int lists_cpu(const char *list, size_t length) {
    while (length > 0) {
        const char *comma = memchr(list, ',', length);
        const size_t word = comma ? (size_t)(comma - list) : length;
        if (word == 3 && memcmp(list, "cpu", 3) == 0) return 1;
        if (!comma) return 0;
        list += word + 1;
        length -= word + 1;
    }
    return 0;
}

/* One line of /proc/self/cgroup, "ID:CONTROLLERS:PATH"; version 2 has no controllers. */
static double read_membership(const char *root, char *line) {
    char mount[PATH_BYTES];
    const char *controllers = strchr(line, ':');
    const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return 0;
    controllers++;
    const size_t length = (size_t)(group - controllers);
    group++;
    if (length == 0) {
        if (snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root) >= (int)sizeof mount) return 0;
        return walk_up(mount, group, read_group_v2);
    }
    if (!lists_cpu(controllers, length)) return 0;
    if (snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root) >= (int)sizeof mount) return 0;
    return walk_up(mount, group, read_group_v1);
}

double qn_cpu_quota_read(const char *root) {
    char path[PATH_BYTES], line[LINE_BYTES];
    double quota = 0;
    if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path) return 0;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        quota = smaller_quota(quota, read_membership(root, line));
    }
    fclose(file);
    return quota;
}

static int count_affinity(void) {
    cpu_set_t sets[CPU_LIMIT / CPU_SETSIZE];
    memset(sets, 0, sizeof sets);
    if (sched_getaffinity(0, sizeof sets, sets) != 0) return 1;
    const int count = CPU_COUNT_S(sizeof sets, sets);
    return count > 0 ? count : 1;
}

qn_cpu_threads qn_cpu_threads_find(void) {
    qn_cpu_threads threads = {.affinity = count_affinity(), .quota = qn_cpu_quota_read("")};
    threads.usable = threads.affinity;
    if (threads.quota > 0 && threads.quota < threads.affinity) threads.usable = (int)ceil(threads.quota);
    return threads;
}
