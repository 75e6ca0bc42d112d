/* base/file.h - reading files, mapped, whole or piece by piece; writing them is public (quench/file.h). */
#ifndef QN_BASE_FILE_H
#define QN_BASE_FILE_H

#include "quench/file.h"

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

/* A file mapped read-only. An empty file maps to size 0 and data NULL. */
typedef struct qn_file_map {
    qn_bytes bytes;
    void *address; /* NULL when nothing is mapped */
} qn_file_map;

/* Errors: NOT_FOUND (no such file), IO (a directory, unreadable, ...), each naming the path. */
qn_status *qn_file_map_open(const char *path, qn_file_map *out_map) QN_MUST_USE;
void qn_file_map_close(qn_file_map *map); /* accepts a zeroed struct */

/* The bytes of a file in memory of their own, aligned to 64: whoever rewrites or cuts the file then changes nothing,
 * where a mapping would end the process with SIGBUS. Freed with qn_free(allocator, (void *)out_bytes->data); there is
 * data for an empty file too.
 * @param what  for the message that it is too large: "a picture"
 * Errors as of mapping; IO: it was changed meanwhile; LIMIT: above `bytes_max`; OUT_OF_MEMORY. */
qn_status *qn_file_read(const char *path, const char *what, size_t bytes_max, const qn_allocator *allocator,
                        qn_bytes *out_bytes) QN_MUST_USE;

/* A regular file open for reading, and how many bytes it had when it was opened. */
typedef struct qn_file {
    int descriptor;
    int64_t bytes;
} qn_file;

/* Errors as of mapping. */
qn_status *qn_file_open(const char *path, qn_file *out_file) QN_MUST_USE;
/* Reads bytes that the file had when it was opened. IO: it has another size now, or cannot be read; `path` is for messages. */
qn_status *qn_file_read_at(const qn_file *file, const char *path, int64_t offset, void *dst, size_t bytes) QN_MUST_USE;
void qn_file_close(qn_file *file); /* once after opening went well */

#endif
