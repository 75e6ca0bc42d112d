#include "base/stream.h"

#include "quench/file.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qn_file_descriptor(const char *path) {
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (!path) return -1;
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

/* After a write has failed: 1 if it is worth trying again, after waiting for room where the descriptor is a full
   pipe that was opened not to wait; 0 for other failures. */
static int may_go_on(int descriptor) {
    struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
    if (errno != EAGAIN) return errno == EINTR;
    return poll(&wait, 1, -1) > 0 || errno == EINTR;
}

int qn_stream_write_all(int descriptor, const void *data, size_t bytes) {
    for (const uint8_t *at = data; bytes;) {
        ssize_t written = write(descriptor, at, bytes < 1u << 30 ? bytes : 1u << 30);
        if (written < 0 && may_go_on(descriptor)) continue;
        if (written < 0) return 0;
        at += written;
        bytes -= (size_t)written;
    }
    return 1;
}

qn_status *qn_stream_write(const char *path, const void *data, size_t bytes) {
    if (qn_stream_write_all(qn_file_descriptor(path), data, bytes)) return NULL;
    return QN_ERR(QN_IO, "%s: cannot write: %s", path, strerror(errno));
}
