/* Usable CPUs, against control groups laid out in a temporary folder. */
#include "cpu/threads.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/quench-cgroup-XXXXXX";

/* Writes root/path, making the folders on the way. */
static void put(const char *path, const char *text) {
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_root(void **state) {
    (void)state;
    strcpy(root, "/tmp/quench-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    char command[sizeof root + 16];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void without_control_groups_nothing_limits(void **state) {
    (void)state;
    assert_true(qn_cpu_quota_read(root) == 0);
    put("proc/self/cgroup", "0::/user.slice\n");
    assert_true(qn_cpu_quota_read(root) == 0);
    put("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
    assert_true(qn_cpu_quota_read(root) == 0);
}

static void version_2_divides_quota_by_period(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/job\n");
    put("sys/fs/cgroup/job/cpu.max", "150000 100000\n");
    assert_true(qn_cpu_quota_read(root) == 1.5);
}

static void a_tighter_group_above_wins(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/outer/inner\n");
    put("sys/fs/cgroup/outer/inner/cpu.max", "400000 100000\n");
    put("sys/fs/cgroup/outer/cpu.max", "250000 100000\n");
    put("sys/fs/cgroup/cpu.max", "300000 100000\n");
    assert_true(qn_cpu_quota_read(root) == 2.5);
}

static void inside_a_container_the_mount_point_is_the_group(void **state) {
    (void)state;
    put("proc/self/cgroup", "0::/system.slice/docker-0123.scope\n");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_true(qn_cpu_quota_read(root) == 2);
}

static void version_1_reads_the_cpu_controller_only(void **state) {
    (void)state;
    put("proc/self/cgroup", "12:cpuset:/set\n5:cpu,cpuacct:/docker/abc\n3:memory:/m\n");
    put("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "50000\n");
    put("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_true(qn_cpu_quota_read(root) == 0.5);
}

static void broken_files_do_not_limit(void **state) {
    (void)state;
    put("proc/self/cgroup", "nonsense\n0::\n::\n0::/a\n");
    put("sys/fs/cgroup/a/cpu.max", "\n");
    assert_true(qn_cpu_quota_read(root) == 0);
    put("sys/fs/cgroup/a/cpu.max", "100000\n");
    assert_true(qn_cpu_quota_read(root) == 0);
    put("sys/fs/cgroup/a/cpu.max", "100000 0\n");
    assert_true(qn_cpu_quota_read(root) == 0);
    put("sys/fs/cgroup/a/cpu.max", "nan 100000\n");
    assert_true(qn_cpu_quota_read(root) == 0);
}

static void usable_threads_follow_the_affinity_mask(void **state) {
    cpu_set_t before, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    const qn_cpu_threads all = qn_cpu_threads_find();
    assert_int_equal(all.affinity, CPU_COUNT(&before));
    assert_true(all.usable >= 1 && all.usable <= all.affinity);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(qn_cpu_threads_find().usable, 1);
    sched_setaffinity(0, sizeof before, &before);
}

int main(void) {
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        WITH_ROOT(without_control_groups_nothing_limits),
        WITH_ROOT(version_2_divides_quota_by_period),
        WITH_ROOT(a_tighter_group_above_wins),
        WITH_ROOT(inside_a_container_the_mount_point_is_the_group),
        WITH_ROOT(version_1_reads_the_cpu_controller_only),
        WITH_ROOT(broken_files_do_not_limit),
        cmocka_unit_test(usable_threads_follow_the_affinity_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
