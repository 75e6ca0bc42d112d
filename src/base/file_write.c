/* Writing files so that nobody ever sees a part of one, and nothing is left behind. */
#include "base/file.h"

#include "base/entry.h"
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 40, LINK_BYTES = 4096, NAME_KEPT = 200, ACL_BYTES = 4096 };

/* ---- Where ---- */

/* The part of a path behind the last '/'. */
static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The path `end`, which if it is not absolute is meant from the folder of `path`: beside("a/b", "c") is "a/c". NULL
   when memory is short. The caller frees it. */
static char *beside(const char *path, const char *end) {
    const size_t folder = *end == '/' ? 0 : (size_t)(base_of(path) - path);
    char *joined = malloc(folder + strlen(end) + 1);
    if (joined) {
        memcpy(joined, path, folder);
        strcpy(joined + folder, end);
    }
    return joined;
}

qn_status *qn_file_find_target(const char *path, char **out_target) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_target);
    *out_target = NULL;
    QN_REQUIRE_ARG(path);
    char *target = strdup(path), end[LINK_BYTES];
    for (int links = 0; target; links++) {
        ssize_t length = readlink(target, end, sizeof end - 1);
        if (length < 0) return *out_target = target, NULL; /* whatever else is wrong there shows when it is used */
        end[length] = 0;
        char *next = links < LINKS_MAX ? beside(target, end) : NULL;
        free(target);
        if (links == LINKS_MAX) return QN_ERR(QN_IO, "%s: cannot create a file there: %s", path, strerror(ELOOP));
        target = next;
    }
    return qn_status_out_of_memory();
}

/* The file that is to be written. */
typedef struct place {
    const char *path;      /* as the caller calls it */
    char *target, *folder; /* the end of its links, and where that is */
    int is_new;
    struct stat info; /* of the file that is replaced */
} place;

static void place_deinit(place *p) {
    free(p->target);
    free(p->folder);
}

/* Do the path and the end of its links lead to the same file? Links in /proc/self/fd to pipes, sockets and removed
   files read as names that lead nowhere, or to another file. */
static qn_status *expect_same(const place *p) {
    struct stat info;
    if (!stat(p->target, &info) && info.st_dev == p->info.st_dev && info.st_ino == p->info.st_ino) return NULL;
    return QN_ERR(QN_IO, "%s: is the name of an open file, which cannot be replaced", p->path);
}

/* Fills *p. place_deinit() frees it, after a failure too. */
static qn_status *find_place(const char *path, place *p) {
    *p = (place){.path = path};
    QN_TRY(qn_file_find_target(path, &p->target));
    if (stat(path, &p->info)) {
        if (errno != ENOENT || !*path)
            return QN_ERR(QN_IO, "%s: cannot create a file there: %s", path, strerror(errno));
        p->is_new = 1;
    } else if (!S_ISREG(p->info.st_mode)) { /* renaming would replace the device or pipe itself */
        return QN_ERR(QN_IO, "%s: %s there, expected a regular file or none", path,
                      S_ISDIR(p->info.st_mode) ? "a folder is" : "a device or pipe is");
    } else {
        QN_TRY(expect_same(p));
    }
    p->folder = beside(p->target, ".");
    return p->folder ? NULL : qn_status_out_of_memory();
}

/* ---- Signals ---- */

/* Keeps signals from the calling thread until release_signals(). Threads of the pool take none ever. */
static void hold_signals(const sigset_t *set, sigset_t *out_former) { pthread_sigmask(SIG_BLOCK, set, out_former); }

static void release_signals(const sigset_t *former) {
    const int error = errno;
    pthread_sigmask(SIG_SETMASK, former, NULL);
    errno = error;
}

/* Holds every signal that could end the process, except those that a fault of the running code raises. */
static void hold_all(sigset_t *out_former) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&set, faults[i]);
    hold_signals(&set, out_former);
}

/* ---- Contents ---- */

/* As qn_stream_write_all(). A write beyond the limit on file sizes fails with EFBIG and sends SIGXFSZ besides, which
   would end the process: it is held, and taken away unless one was waiting before. */
static int write_within_limit(int descriptor, const void *data, size_t bytes) {
    sigset_t limit, waiting, former;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigemptyset(&waiting);
    sigpending(&waiting);
    hold_signals(&limit, &former);
    const int is_written = qn_stream_write_all(descriptor, data, bytes), error = errno;
    if (!is_written && error == EFBIG && !sigismember(&waiting, SIGXFSZ))
        sigtimedwait(&limit, NULL, &(struct timespec){0});
    errno = error;
    release_signals(&former);
    return is_written;
}

/* Gives the new file the access list of the former one; if that has none, removes the list that the folder gives to new
   files. 0: the list cannot be copied. */
static int take_access_list(int descriptor, const char *former) {
    static const char name[] = "system.posix_acl_access";
    char list[ACL_BYTES];
    ssize_t bytes = getxattr(former, name, list, sizeof list);
    if (bytes > 0) return !fsetxattr(descriptor, name, list, (size_t)bytes, 0);
    if (bytes < 0 && errno == ERANGE) return 0;
    fremovexattr(descriptor, name);
    return 1;
}

/* Gives the new file the owner, group and permissions of the file that it replaces, as far as the system lets us. If
   the group cannot be given, the group that the file has instead gets no permissions. */
static void take_permissions(int descriptor, const place *p) {
    struct stat mine;
    mode_t mode = p->info.st_mode & 0777, others = (mode & 07) << 3;
    if (fstat(descriptor, &mine)) return;
    if (mine.st_gid != p->info.st_gid && fchown(descriptor, (uid_t)-1, p->info.st_gid)) mode &= ~(mode_t)070 | others;
    const int is_given = mine.st_uid == p->info.st_uid || !fchown(descriptor, p->info.st_uid, (gid_t)-1);
    (void)is_given;                       /* else it is the writer's */
    if (fchmod(descriptor, mode)) return; /* it was made for its owner only */
    if (!take_access_list(descriptor, p->target)) fchmod(descriptor, mode & (~(mode_t)070 | others));
}

/* 0, or -1 with errno. */
static int fill(int descriptor, const place *p, const void *data, size_t bytes) {
    if (!write_within_limit(descriptor, data, bytes)) return -1;
    if (!p->is_new) take_permissions(descriptor, p);
    return fsync(descriptor);
}

static mode_t first_mode(const place *p) { return p->is_new ? 0666 : 0600; }

/* ---- Names ---- */

/* Writes to `name` a new name beside the target: target.tmp-PROCESS-NUMBER, where a long target is cut to stay
   within the limit of names. */
static void make_name(const place *p, char *name, size_t name_bytes) {
    static atomic_uint counter;
    snprintf(name, name_bytes, "%.*s%.*s.tmp-%ld-%u", (int)(base_of(p->target) - p->target), p->target, NAME_KEPT,
             base_of(p->target), (long)getpid(), atomic_fetch_add(&counter, 1));
}

/* Calls `make` with new names until one is free, at most 100 times. Returns what `make` has answered last. */
static int make_named(const place *p, char *name, size_t name_bytes, int (*make)(const char *name, int arg), int arg) {
    int answer = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        make_name(p, name, name_bytes);
        answer = make(name, arg);
        if (answer >= 0 || errno != EEXIST) break;
    }
    return answer;
}

static int open_new(const char *name, int mode) {
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
}

static int link_open(const char *name, int descriptor) {
    char source[64];
    snprintf(source, sizeof source, "/proc/self/fd/%d", descriptor);
    return linkat(AT_FDCWD, source, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* 0, or -1 with errno and without the name. */
static int rename_or_drop(const char *name, const place *p) {
    if (!rename(name, p->target)) return 0;
    const int error = errno;
    unlink(name);
    errno = error;
    return -1;
}

/* A rename lasts when its folder is flushed. Not every system lets folders be flushed, and the file is there in any
 * case. */
static void flush_folder(const place *p) {
    int descriptor = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
}

/* ---- Writing ---- */

/* Gives a file without a name the name of the target. Returns 0; -1 with errno: files without names cannot be given one
   here; -2 with errno: renaming failed. */
static int publish(int descriptor, const place *p, char *name, size_t name_bytes) {
    sigset_t former;
    if (p->is_new && !link_open(p->target, descriptor)) return 0;
    if (p->is_new && errno != EEXIST) return -1;
    hold_all(&former);
    int answer = make_named(p, name, name_bytes, link_open, descriptor);
    if (!answer && rename_or_drop(name, p)) answer = -2;
    release_signals(&former);
    return answer;
}

/* Writes to a file that has no name until it is whole. The answers of publish(). */
static int write_unnamed(const place *p, const void *data, size_t bytes, char *name, size_t name_bytes) {
    int descriptor = open(p->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, first_mode(p));
    if (descriptor < 0) return -1;
    int answer = fill(descriptor, p, data, bytes) ? -2 : publish(descriptor, p, name, name_bytes);
    const int error = errno;
    close(descriptor);
    errno = error;
    return answer;
}

static int fill_named(int descriptor, const place *p, const void *data, size_t bytes, const char *name) {
    int error = fill(descriptor, p, data, bytes) ? errno : 0;
    if (close(descriptor) && !error) error = errno;
    if (!error) return rename_or_drop(name, p);
    unlink(name);
    errno = error;
    return -1;
}

/* The same on systems where files have names from the start. Returns 0; -1 with errno: no file can be made; -2 with
   errno: writing or renaming failed. */
static int write_named(const place *p, const void *data, size_t bytes, char *name, size_t name_bytes) {
    sigset_t former;
    hold_all(&former);
    int descriptor = make_named(p, name, name_bytes, open_new, (int)first_mode(p));
    int answer = descriptor < 0 ? -1 : fill_named(descriptor, p, data, bytes, name) ? -2 : 0;
    release_signals(&former);
    return answer;
}

static qn_status *write_place(const place *p, const void *data, size_t bytes) {
    size_t name_bytes = strlen(p->target) + 48;
    char *name = malloc(name_bytes);
    if (!name) return qn_status_out_of_memory();
    int answer = write_unnamed(p, data, bytes, name, name_bytes);
    if (answer == -1) answer = write_named(p, data, bytes, name, name_bytes);
    qn_status *status = NULL;
    if (answer == -1) status = QN_ERR(QN_IO, "%s: cannot create a file there: %s", p->path, strerror(errno));
    if (answer == -2) status = QN_ERR(QN_IO, "%s: cannot write: %s", p->path, strerror(errno));
    if (!status) flush_folder(p);
    free(name);
    return status;
}

qn_status *qn_file_write_atomic(const char *path, const void *data, size_t bytes) {
    QN_ENTER();
    QN_REQUIRE_ARG(path);
    QN_REQUIRE_ARRAY(data, bytes);
    place p;
    if (qn_file_descriptor(path) >= 0) return qn_stream_write(path, data, bytes);
    qn_status *status = find_place(path, &p);
    if (!status) status = write_place(&p, data, bytes);
    place_deinit(&p);
    return status;
}

/* Can a file be made there? Makes one without a name, or one that is removed at once. */
static qn_status *try_place(const place *p) {
    size_t name_bytes = strlen(p->target) + 48;
    int descriptor = open(p->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor >= 0) return close(descriptor), NULL;
    char *name = malloc(name_bytes);
    sigset_t former;
    if (!name) return qn_status_out_of_memory();
    hold_all(&former);
    descriptor = make_named(p, name, name_bytes, open_new, 0600);
    qn_status *status = NULL;
    if (descriptor < 0)
        status = QN_ERR(QN_IO, "%s: cannot create a file there: %s", p->path, strerror(errno));
    else
        unlink(name), close(descriptor);
    release_signals(&former);
    free(name);
    return status;
}

qn_status *qn_file_check_writable(const char *path) {
    QN_ENTER();
    QN_REQUIRE_ARG(path);
    place p;
    if (qn_file_descriptor(path) >= 0) return NULL;
    qn_status *status = find_place(path, &p);
    if (!status) status = try_place(&p);
    place_deinit(&p);
    return status;
}
