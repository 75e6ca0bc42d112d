/* Mapping files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

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

/* ---- Copying ---- */

static void test_a_file_is_copied_whole_up_to_a_limit(void **state) {
    (void)state;
    const char *path = in_folder("copied");
    char data[10000];
    qn_bytes bytes;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7);
    assert_null(qn_file_write_atomic(path, data, sizeof data));
    assert_null(qn_file_read(path, "a test", sizeof data, NULL, &bytes));
    assert_int_equal(bytes.size, sizeof data);
    assert_int_equal((uintptr_t)bytes.data % 64, 0);
    assert_memory_equal(bytes.data, data, sizeof data);
    qn_free(qn_allocator_default(), (void *)bytes.data);
    expect_failure(qn_file_read(path, "a test", sizeof data - 1, NULL, &bytes), QN_LIMIT, "copied: 10000 bytes");
    assert_null(bytes.data);
    assert_null(qn_file_write_atomic(path, NULL, 0));
    assert_null(qn_file_read(path, "a test", 0, NULL, &bytes));
    assert_int_equal(bytes.size, 0);
    qn_free(qn_allocator_default(), (void *)bytes.data);
    expect_failure(qn_file_read(in_folder("missing"), "a test", 1, NULL, &bytes), QN_NOT_FOUND, "missing");
    expect_failure(qn_file_read(folder, "a test", 1, NULL, &bytes), QN_IO, "is a folder");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_file_is_mapped_whole),
        CASE(test_an_empty_file_maps_to_no_bytes),
        CASE(test_what_is_no_readable_file_is_named),
        CASE(test_a_named_pipe_does_not_hang),
        CASE(test_a_file_is_copied_whole_up_to_a_limit),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
