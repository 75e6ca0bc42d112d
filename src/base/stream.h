/* base/stream.h - outputs that no file can replace: descriptors that are open already. What paths name them: quench/file.h. */
#ifndef QN_BASE_STREAM_H
#define QN_BASE_STREAM_H

#include "base/status.h"

#include <stddef.h>

/* Writes to the descriptor that `path` names (qn_file_descriptor()), from where it stands. After a failure part of the data may be there. IO. */
qn_status *qn_stream_write(const char *path, const void *data, size_t bytes) QN_MUST_USE;
/* Writes all bytes to an open descriptor; 0, with errno, after a failure. */
int qn_stream_write_all(int descriptor, const void *data, size_t bytes);

#endif
