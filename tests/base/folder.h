/* folder.h - a folder of its own for every test about files. */
#ifndef TESTS_BASE_FOLDER_H
#define TESTS_BASE_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];

static inline int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/quench-file-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Names in the test's folder. */
static inline int count_entries(void) {
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return count;
}

static inline int remove_folder(void **state) {
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
static inline const char *in_folder(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void expect_failure(qn_status *status, qn_code code, const char *path) {
    assert_non_null(status);
    if (qn_status_code(status) != code)
        fail_msg("code %s: %s", qn_code_name(qn_status_code(status)), qn_status_message(status));
    assert_non_null(strstr(qn_status_message(status), path));
    qn_status_free(status);
}

static inline void expect_contents(const char *path, const void *data, size_t size) {
    qn_file_map map;
    assert_null(qn_file_map_open(path, &map));
    assert_int_equal(map.bytes.size, size);
    if (size) assert_memory_equal(map.bytes.data, data, size);
    qn_file_map_close(&map);
}

#endif
