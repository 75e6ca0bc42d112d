#include "base/file.h"

#include "base/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALIGN = 64 };

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

/* Reads all bytes, and refuses them if the file was changed meanwhile, so that nobody gets the beginning of one
   state of a file and the end of another. Size and time of the last change tell, as far as the file system's clock
   is fine enough. */
static qn_status *read_whole(const qn_file *file, const char *path, void *data) {
    struct stat before, after;
    if (fstat(file->descriptor, &before)) return QN_ERR(QN_IO, "%s: cannot stat: %s", path, strerror(errno));
    QN_TRY(qn_file_read_at(file, path, 0, data, (size_t)file->bytes));
    QN_TRY(expect_size(file, path));
    if (fstat(file->descriptor, &after)) return QN_ERR(QN_IO, "%s: cannot stat: %s", path, strerror(errno));
    if (before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec) return NULL;
    return QN_ERR(QN_IO, "%s: has changed while it was read", path);
}

static qn_status *read_open(const qn_file *file, const char *path, const char *what, size_t bytes_max,
                            const qn_allocator *allocator, qn_bytes *out_bytes) {
    if ((uint64_t)file->bytes > bytes_max)
        return QN_ERR(QN_LIMIT, "%s: %lld bytes are above the limit of %zu bytes for %s", path, (long long)file->bytes,
                      bytes_max, what);
    const size_t bytes = (size_t)file->bytes;
    void *data = allocator->alloc(allocator->self, bytes ? bytes : 1, ALIGN);
    if (!data) return qn_status_out_of_memory();
    qn_status *status = read_whole(file, path, data);
    if (status) return qn_free(allocator, data), status;
    *out_bytes = (qn_bytes){data, bytes};
    return NULL;
}

qn_status *qn_file_read(const char *path, const char *what, size_t bytes_max, const qn_allocator *allocator,
                        qn_bytes *out_bytes) {
    qn_file file;
    *out_bytes = (qn_bytes){0};
    QN_TRY(qn_file_open(path, &file));
    qn_status *status = read_open(&file, path, what, bytes_max, qn_allocator_or_default(allocator), out_bytes);
    qn_file_close(&file);
    return status;
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
