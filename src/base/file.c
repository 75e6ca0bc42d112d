#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static qn_status *map_descriptor(int descriptor, const char *path, qn_file_map *out_map) {
    struct stat info;
    if (fstat(descriptor, &info)) return QN_ERR(QN_IO, "%s: cannot stat: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return QN_ERR(QN_IO, "%s: is a folder, expected a file", path);
    if (!S_ISREG(info.st_mode)) return QN_ERR(QN_IO, "%s: is not a regular file", path);
    if (info.st_size == 0) return NULL;
    void *address = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) return QN_ERR(QN_IO, "%s: cannot map: %s", path, strerror(errno));
    out_map->address = address;
    out_map->bytes = (qn_bytes){address, (size_t)info.st_size};
    return NULL;
}

qn_status *qn_file_map_open(const char *path, qn_file_map *out_map) {
    *out_map = (qn_file_map){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return QN_ERR(errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s: cannot open: %s", path, strerror(errno));
    qn_status *status = map_descriptor(descriptor, path, out_map);
    close(descriptor);
    return status;
}

void qn_file_map_close(qn_file_map *map) {
    if (map->address) munmap(map->address, map->bytes.size);
    *map = (qn_file_map){0};
}

static int write_all(int descriptor, const uint8_t *data, size_t bytes) {
    while (bytes) {
        ssize_t written = write(descriptor, data, bytes < 1u << 30 ? bytes : 1u << 30);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return 0;
        data += written;
        bytes -= (size_t)written;
    }
    return 1;
}

qn_status *qn_file_write_atomic(const char *path, const void *data, size_t bytes) {
    size_t length = strlen(path);
    char *temporary = malloc(length + sizeof ".tmp-XXXXXX");
    if (!temporary) return qn_status_out_of_memory();
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".tmp-XXXXXX", sizeof ".tmp-XXXXXX");
    qn_status *status = NULL;
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0) {
        status = QN_ERR(QN_IO, "%s: cannot create a file there: %s", path, strerror(errno));
    } else {
        mode_t mask = umask(0);
        umask(mask);
        int good = write_all(descriptor, data, bytes) && !fchmod(descriptor, 0666 & ~mask) && !fsync(descriptor);
        int error = errno;
        if (close(descriptor) && good) {
            good = 0;
            error = errno;
        }
        if (good && rename(temporary, path)) {
            good = 0;
            error = errno;
        }
        if (!good) {
            status = QN_ERR(QN_IO, "%s: cannot write: %s", path, strerror(error));
            unlink(temporary);
        }
    }
    free(temporary);
    return status;
}
