#include "base/stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qn_stream_descriptor(const char *path) {
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(path, names[i])) return i;
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) != 0 || path[length] < '0' || path[length] > '9') continue;
        char *end;
        long number = strtol(path + length, &end, 10);
        return *end || number > INT32_MAX ? -1 : (int)number;
    }
    return -1;
}

int qn_stream_write_all(int descriptor, const void *data, size_t bytes) {
    for (const uint8_t *at = data; bytes;) {
        ssize_t written = write(descriptor, at, bytes < 1u << 30 ? bytes : 1u << 30);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return 0;
        at += written;
        bytes -= (size_t)written;
    }
    return 1;
}

qn_status *qn_stream_write(const char *path, const void *data, size_t bytes) {
    if (qn_stream_write_all(qn_stream_descriptor(path), data, bytes)) return NULL;
    return QN_ERR(QN_IO, "%s: cannot write: %s", path, strerror(errno));
}
