/* Mapping files, and writing them so that a failure leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/quench-file-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Names in the test's folder. */
static int count_entries(void) {
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return count;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove(path);
    }
    closedir(dir);
    return rmdir(folder);
}

/* A path in the folder; the same storage every time. */
static const char *in_folder(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_failure(qn_status *status, qn_code code, const char *path) {
    assert_non_null(status);
    if (qn_status_code(status) != code)
        fail_msg("code %s: %s", qn_code_name(qn_status_code(status)), qn_status_message(status));
    assert_non_null(strstr(qn_status_message(status), path));
    qn_status_free(status);
}

static void expect_contents(const char *path, const void *data, size_t size) {
    qn_file_map map;
    assert_null(qn_file_map_open(path, &map));
    assert_int_equal(map.bytes.size, size);
    if (size) assert_memory_equal(map.bytes.data, data, size);
    qn_file_map_close(&map);
}

/* ---- Mapping ---- */

static void test_a_file_is_mapped_whole(void **state) {
    (void)state;
    const char *path = in_folder("plain");
    char data[10000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7);
    assert_null(qn_file_write_atomic(path, data, sizeof data));
    expect_contents(path, data, sizeof data);
}

static void test_an_empty_file_maps_to_no_bytes(void **state) {
    (void)state;
    const char *path = in_folder("empty");
    assert_null(qn_file_write_atomic(path, NULL, 0));
    qn_file_map map;
    assert_null(qn_file_map_open(path, &map));
    assert_int_equal(map.bytes.size, 0);
    assert_null(map.bytes.data);
    qn_file_map_close(&map);
    qn_file_map_close(&map);
}

static void test_what_is_no_readable_file_is_named(void **state) {
    (void)state;
    qn_file_map map;
    expect_failure(qn_file_map_open(in_folder("missing"), &map), QN_NOT_FOUND, "missing");
    assert_null(map.address);
    expect_failure(qn_file_map_open(folder, &map), QN_IO, "is a folder");
    expect_failure(qn_file_map_open("/dev/null", &map), QN_IO, "not a regular file");
    expect_failure(qn_file_map_open("", &map), QN_NOT_FOUND, "");
    assert_null(qn_file_write_atomic(in_folder("file"), "x", 1));
    expect_failure(qn_file_map_open(in_folder("file/below"), &map), QN_IO, "file/below");
    qn_file_map_close(&map);
}

static void test_a_named_pipe_does_not_hang(void **state) {
    (void)state;
    const char *path = in_folder("pipe");
    qn_file_map map;
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20); /* ends the test if it waits for a writer */
    expect_failure(qn_file_map_open(path, &map), QN_IO, "not a regular file");
    alarm(0);
}

/* ---- Writing ---- */

static void test_a_file_is_replaced_at_once(void **state) {
    (void)state;
    const char *path = in_folder("twice");
    assert_null(qn_file_write_atomic(path, "first and longer", 16));
    qn_file_map map;
    assert_null(qn_file_map_open(path, &map));
    assert_null(qn_file_write_atomic(path, "second", 6));
    assert_memory_equal(map.bytes.data, "first and longer", 16); /* who has it open keeps the old one */
    qn_file_map_close(&map);
    expect_contents(path, "second", 6);
    assert_int_equal(count_entries(), 1);
}

static void test_new_files_follow_the_umask(void **state) {
    (void)state;
    struct stat info;
    mode_t kept = umask(027);
    assert_null(qn_file_write_atomic(in_folder("mode"), "x", 1));
    umask(kept);
    assert_int_equal(stat(in_folder("mode"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void test_a_missing_folder_is_an_error_and_stays_missing(void **state) {
    (void)state;
    expect_failure(qn_file_write_atomic(in_folder("nowhere/file"), "x", 1), QN_IO, "nowhere/file");
    assert_int_equal(count_entries(), 0);
    expect_failure(qn_file_write_atomic("", "x", 1), QN_IO, "");
}

static void test_a_folder_in_place_of_the_file_is_left_alone(void **state) {
    (void)state;
    const char *path = in_folder("folder");
    struct stat info;
    assert_int_equal(mkdir(path, 0700), 0);
    expect_failure(qn_file_write_atomic(path, "x", 1), QN_IO, "folder");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
}

static void test_a_file_in_place_of_a_folder_is_an_error(void **state) {
    (void)state;
    assert_null(qn_file_write_atomic(in_folder("file"), "x", 1));
    expect_failure(qn_file_write_atomic(in_folder("file/below"), "y", 1), QN_IO, "file/below");
    assert_int_equal(count_entries(), 1);
}

/* A device or pipe must not be replaced by a file: as root, renaming over /dev/null would succeed. */
static void test_what_is_no_regular_file_is_never_replaced(void **state) {
    (void)state;
    const char *path = in_folder("pipe");
    struct stat info;
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_failure(qn_file_write_atomic(path, "x", 1), QN_IO, "regular file");
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(count_entries(), 1);
}

static void test_a_read_only_folder_is_an_error(void **state) {
    (void)state;
    if (geteuid() == 0) {
        print_message("skipped: needs a user other than root\n");
        skip();
    }
    assert_int_equal(chmod(folder, 0500), 0);
    qn_status *status = qn_file_write_atomic(in_folder("file"), "x", 1);
    chmod(folder, 0700);
    expect_failure(status, QN_IO, "file");
    assert_int_equal(count_entries(), 0);
}

/* The limit on file sizes stands for a full disk: the write stops in the middle. */
static void test_a_write_that_stops_in_the_middle_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = in_folder("full");
    char *data = calloc(1, 200000);
    struct rlimit kept, limit;
    assert_null(qn_file_write_atomic(path, "old", 3));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    limit = kept;
    limit.rlim_cur = 65536;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    qn_status *status = qn_file_write_atomic(path, data, 200000);
    setrlimit(RLIMIT_FSIZE, &kept);
    signal(SIGXFSZ, handler);
    expect_failure(status, QN_IO, "full");
    expect_contents(path, "old", 3);
    assert_int_equal(count_entries(), 1);
    free(data);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_file_is_mapped_whole),
        CASE(test_an_empty_file_maps_to_no_bytes),
        CASE(test_what_is_no_readable_file_is_named),
        CASE(test_a_named_pipe_does_not_hang),
        CASE(test_a_file_is_replaced_at_once),
        CASE(test_new_files_follow_the_umask),
        CASE(test_a_missing_folder_is_an_error_and_stays_missing),
        CASE(test_a_folder_in_place_of_the_file_is_left_alone),
        CASE(test_a_file_in_place_of_a_folder_is_an_error),
        CASE(test_what_is_no_regular_file_is_never_replaced),
        CASE(test_a_read_only_folder_is_an_error),
        CASE(test_a_write_that_stops_in_the_middle_leaves_the_old_file),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
