/* quench/file.h - writing result files safely. */
#ifndef QUENCH_FILE_H
#define QUENCH_FILE_H

#include "quench/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a temporary file beside `path`, flushes it and renames it over `path`: after any failure `path` is as it was
   and no temporary file is left. IO, OUT_OF_MEMORY. Any thread. */
QN_API qn_status *qn_file_write_atomic(const char *path, const void *data, size_t bytes) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
