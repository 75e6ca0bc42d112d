/* base/file.h - reading whole files; writing them is public (quench/file.h). */
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

#endif
