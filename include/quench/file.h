/* quench/file.h - writing result files safely. */
#ifndef QUENCH_FILE_H
#define QUENCH_FILE_H

#include "quench/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a whole file: under another name first, or none, flushed and then renamed over `path`, and the folder flushed.
 * After any failure `path` is as it was, and no temporary file is left; nor is one where a signal ends the process,
 * which is held back on the calling thread while there is one. (Only SIGKILL can leave one, in the moment between
 * linking and renaming; on file systems without O_TMPFILE, while it is written.)
 *
 * A symbolic link is followed: the file at its end is replaced, or made. A new file has what the umask leaves of 0666;
 * a file in another's place keeps its permissions and its access list, and its owner and group where the process may
 * give them; where it may not give the group, that has no more than others have. Set-user-ID bits go, as when it is
 * written to. Other names (hard links) of the former file keep its contents. A path that names an open descriptor
 * (qn_file_descriptor()) is written through it instead: part of the data may be there after a
 * failure.
 * returns    IO: it cannot be written, with the system's reason, a limit on file sizes included, for which no SIGXFSZ
 *            comes; or something is there that is no regular file; OUT_OF_MEMORY
 * threads    any thread
 */
QN_API qn_status *qn_file_write_atomic(const char *path, const void *data, size_t bytes) QN_MUST_USE;

/* The number of the open descriptor that a path names: "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/N" or
 * "/proc/self/fd/N". -1: another path, or NULL. Whether it is open is not looked at. Any thread. */
QN_API int qn_file_descriptor(const char *path);

/* Could qn_file_write_atomic() write this file now? For finding out before long work, not after: permissions do not
 * tell it of every file system, so it is tried. Leaves nothing behind. IO, OUT_OF_MEMORY. Any thread. */
QN_API qn_status *qn_file_check_writable(const char *path) QN_MUST_USE;

/* The file that qn_file_write_atomic() replaces or makes: `path`, or the end of the symbolic links there.
 * @param out_target  freed with free()
 * returns    IO: the links go in a circle; OUT_OF_MEMORY. Any thread. */
QN_API qn_status *qn_file_find_target(const char *path, char **out_target) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
