/* base/stream.h - outputs that no file can replace: descriptors that are open already. */
#ifndef QN_BASE_STREAM_H
#define QN_BASE_STREAM_H

#include "base/status.h"

#include <stddef.h>

/* The number of the open descriptor that a path names ("/dev/stdout", "/dev/fd/7", "/proc/self/fd/7"); -1 for others.
 */
int qn_stream_descriptor(const char *path);
/* Writes to it, from where it stands. After a failure part of the data may be there. IO. */
qn_status *qn_stream_write(const char *path, const void *data, size_t bytes) QN_MUST_USE;
/* Writes all bytes to an open descriptor; 0, with errno, after a failure. */
int qn_stream_write_all(int descriptor, const void *data, size_t bytes);

#endif
