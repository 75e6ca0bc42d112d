#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static qn_status *find_size(int descriptor, const char *path, int64_t *out_bytes) {
    struct stat info;
    if (fstat(descriptor, &info)) return QN_ERR(QN_IO, "%s: cannot stat: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return QN_ERR(QN_IO, "%s: is a folder, expected a file", path);
    if (!S_ISREG(info.st_mode)) return QN_ERR(QN_IO, "%s: is not a regular file", path);
    *out_bytes = info.st_size;
    return NULL;
}

qn_status *qn_file_open(const char *path, qn_file *out_file) {
    out_file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (out_file->descriptor < 0)
        return QN_ERR(errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s: cannot open: %s", path, strerror(errno));
    qn_status *status = find_size(out_file->descriptor, path, &out_file->bytes);
    if (status) qn_file_close(out_file);
    return status;
}

void qn_file_close(qn_file *file) { close(file->descriptor); }

static qn_status *expect_size(const qn_file *file, const char *path) {
    int64_t bytes;
    QN_TRY(find_size(file->descriptor, path, &bytes));
    if (bytes == file->bytes) return NULL;
    return QN_ERR(QN_IO, "%s: has %lld bytes, had %lld when it was opened: it has changed while it was in use", path,
                  (long long)bytes, (long long)file->bytes);
}

qn_status *qn_file_read_at(const qn_file *file, const char *path, int64_t offset, void *dst, size_t bytes) {
    QN_TRY(expect_size(file, path));
    for (size_t done = 0; done < bytes;) {
        size_t wanted = bytes - done < 1u << 30 ? bytes - done : 1u << 30;
        ssize_t count = pread(file->descriptor, (uint8_t *)dst + done, wanted, (off_t)(offset + (int64_t)done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return QN_ERR(QN_IO, "%s: cannot read: %s", path, strerror(errno));
        if (!count) return QN_ERR(QN_IO, "%s: ends before byte %lld", path, (long long)(offset + (int64_t)bytes));
        done += (size_t)count;
    }
    return NULL;
}

static qn_status *map_file(const qn_file *file, const char *path, qn_file_map *out_map) {
    if (!file->bytes) return NULL;
    void *address = mmap(NULL, (size_t)file->bytes, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
    if (address == MAP_FAILED) return QN_ERR(QN_IO, "%s: cannot map: %s", path, strerror(errno));
    out_map->address = address;
    out_map->bytes = (qn_bytes){address, (size_t)file->bytes};
    return NULL;
}

qn_status *qn_file_map_open(const char *path, qn_file_map *out_map) {
    qn_file file;
    *out_map = (qn_file_map){0};
    QN_TRY(qn_file_open(path, &file));
    qn_status *status = map_file(&file, path, out_map);
    qn_file_close(&file);
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

/* A new file beside `path`, under a name that nobody has; its name goes to `name`. */
static int create_beside(const char *path, char *name, size_t name_bytes) {
    static atomic_uint counter;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(name, name_bytes, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
        int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) return descriptor;
    }
    return -1;
}

/* Writes, flushes and closes; 0 or the errno of what failed first. */
static int fill_and_close(int descriptor, const void *data, size_t bytes) {
    int error = write_all(descriptor, data, bytes) && !fsync(descriptor) ? 0 : errno;
    if (close(descriptor) && !error) error = errno;
    return error;
}

qn_status *qn_file_write_atomic(const char *path, const void *data, size_t bytes) {
    struct stat info;
    if (!stat(path, &info) && !S_ISREG(info.st_mode)) /* renaming would replace the device or pipe itself */
        return QN_ERR(QN_IO, "%s: %s there, expected a regular file or none", path,
                      S_ISDIR(info.st_mode) ? "a folder is" : "a device or pipe is");
    size_t name_bytes = strlen(path) + 48;
    char *name = malloc(name_bytes);
    if (!name) return qn_status_out_of_memory();
    qn_status *status = NULL;
    int descriptor = create_beside(path, name, name_bytes);
    if (descriptor < 0) {
        status = QN_ERR(QN_IO, "%s: cannot create a file there: %s", path, strerror(errno));
    } else {
        int error = fill_and_close(descriptor, data, bytes);
        if (!error && rename(name, path)) error = errno;
        if (error) {
            status = QN_ERR(QN_IO, "%s: cannot write: %s", path, strerror(error));
            unlink(name);
        }
    }
    free(name);
    return status;
}
