#include "import/common/source.h"

#include "base/file.h"
#include "import/import.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIBLINGS_MAX = 4096 };

struct qn_source_sibling {
    const char *name;
    qn_bytes bytes;
    struct qn_source_sibling *next;
};

static void init(qn_source *source, const char *path, const qn_allocator *allocator) {
    *source = (qn_source){.path = path, .sibling_bytes_max = QN_IMPORT_SIBLING_BYTES_MAX};
    source->allocator = *qn_allocator_or_default(allocator);
}

void qn_source_init_memory(qn_source *source, qn_bytes bytes, const char *path, const qn_allocator *allocator) {
    init(source, path, allocator);
    source->bytes = bytes;
}

qn_status *qn_source_open(const char *path, const char *what, size_t bytes_max, const qn_allocator *allocator,
                          qn_source *out_source) {
    struct stat info;
    init(out_source, path, allocator);
    out_source->is_folder = !stat(path, &info) && S_ISDIR(info.st_mode);
    out_source->has_folder = 1;
    if (out_source->is_folder) return NULL;
    qn_status *status = qn_file_read(path, what, bytes_max, &out_source->allocator, &out_source->bytes);
    if (status)
        *out_source = (qn_source){0};
    else
        out_source->owns_bytes = 1;
    return status;
}

void qn_source_close(qn_source *source) {
    for (struct qn_source_sibling *s = source->siblings; s; s = s->next)
        qn_free(&source->allocator, (void *)(uintptr_t)s->bytes.data);
    if (source->owns_bytes) qn_free(&source->allocator, (void *)(uintptr_t)source->bytes.data);
    qn_arena_deinit(&source->arena);
    *source = (qn_source){0};
}

/* ---- Names ---- */

static qn_status *check_name(const char *name) {
    const size_t length = strlen(name);
    if (!length) return QN_ERR(QN_INVALID_MODEL, "the model refers to a file without a name");
    if (length > QN_IMPORT_NAME_BYTES_MAX || length >= PATH_MAX)
        return QN_ERR(QN_LIMIT, "the model refers to a file by a name of %zu bytes", length);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return QN_ERR(QN_INVALID_MODEL, "the model refers to a file whose name holds the control character 0x%02x",
                          (unsigned)(unsigned char)*c);
    if (name[0] == '/')
        return QN_ERR(QN_INVALID_MODEL, "the model refers to '%s'; only files in its own folder are read", name);
    for (const char *part = name; *part; part += *part == '/') {
        size_t bytes = strcspn(part, "/");
        if (bytes == 2 && memcmp(part, "..", 2) == 0)
            return QN_ERR(QN_INVALID_MODEL,
                          "the model refers to '%s', which leaves its folder; only files in it are read", name);
        part += bytes;
    }
    return NULL;
}

/* The folder of a resolved path, in place; "/" keeps its slash. */
static void cut_to_folder(char *path) {
    char *slash = strrchr(path, '/');
    assert(slash);
    slash[slash == path] = '\0';
}

/* Does the resolved `path` lie in the resolved `folder`, or below? */
static int is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/') length--;
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Where the model lies: the folder that its path names, and the one where its own links end. */
typedef struct roots {
    char *named, *real; /* malloc'ed by realpath; NULL: none */
} roots;

static roots find_roots(const qn_source *source) {
    roots r = {.real = realpath(source->path, NULL)};
    if (source->is_folder || !r.real) return r;
    cut_to_folder(r.real);
    const char *slash = strrchr(source->path, '/');
    size_t length = slash ? (size_t)(slash - source->path) + 1 : 1;
    char *folder = malloc(length + 1);
    if (!folder) return r;
    memcpy(folder, slash ? source->path : ".", length);
    folder[length] = '\0';
    r.named = realpath(folder, NULL);
    free(folder);
    return r;
}

/* realpath of FOLDER/NAME, where links are followed; NULL with errno. */
static char *resolve(const char *folder, const char *name) {
    char path[PATH_MAX];
    const size_t bytes = strlen(folder), name_bytes = strlen(name);
    if (bytes + 1 + name_bytes >= sizeof path) return errno = ENAMETOOLONG, NULL;
    memcpy(path, folder, bytes);
    path[bytes] = '/';
    memcpy(path + bytes + 1, name, name_bytes + 1);
    return realpath(path, NULL);
}

static qn_status *find_path(const qn_source *source, const char *name, char **out_path) {
    roots r = find_roots(source);
    const char *folder = source->is_folder ? r.real : r.named;
    char *path = folder ? resolve(folder, name) : NULL;
    qn_status *status = NULL;
    if (!path)
        status = QN_ERR(errno == ENOENT || errno == ENOTDIR ? QN_NOT_FOUND : QN_IO,
                        "the model refers to '%s', which cannot be opened beside it: %s", name, strerror(errno));
    else if (!is_below(path, folder) && !(r.real && is_below(path, r.real)))
        status =
            QN_ERR(QN_INVALID_MODEL,
                   "the model refers to '%s', a link to %s outside its folder; put the file itself beside the model",
                   name, path);
    *out_path = status ? NULL : path;
    if (status) free(path);
    free(r.named);
    free(r.real);
    return status;
}

/* ---- Siblings ---- */

static qn_status *expect_folder(const qn_source *source, const char *name) {
    if (source->has_folder) return NULL;
    return QN_ERR(
        QN_UNSUPPORTED,
        "the model refers to the file '%s' beside it, but it was given as memory, without a folder; import it "
        "by its path",
        name);
}

/* Reads the file at `path`, resolved already. */
static qn_status *read_sibling(qn_source *source, const char *name, const char *path, qn_bytes *out_bytes) {
    if (!source->arena.allocator) qn_arena_init(&source->arena, &source->allocator);
    if (source->sibling_count == SIBLINGS_MAX)
        return QN_ERR(QN_LIMIT, "the model refers to more than %d files beside it", SIBLINGS_MAX);
    struct qn_source_sibling *sibling = QN_ARENA_NEW(&source->arena, struct qn_source_sibling);
    const char *copy = qn_arena_copy_string(&source->arena, name, strlen(name));
    if (!sibling || !copy) return qn_status_out_of_memory();
    assert(source->sibling_bytes <= source->sibling_bytes_max);
    *sibling = (struct qn_source_sibling){.name = copy, .next = source->siblings};
    QN_TRY_CTX(qn_file_read(path, "the files beside a model", source->sibling_bytes_max - source->sibling_bytes,
                            &source->allocator, &sibling->bytes),
               "the model refers to '%s'", name);
    source->siblings = sibling;
    source->sibling_count++;
    source->sibling_bytes += sibling->bytes.size;
    *out_bytes = sibling->bytes;
    return NULL;
}

qn_status *qn_source_open_sibling(qn_source *source, const char *name, qn_bytes *out_bytes) {
    char *path;
    *out_bytes = (qn_bytes){0};
    QN_TRY(check_name(name));
    QN_TRY(expect_folder(source, name));
    for (const struct qn_source_sibling *s = source->siblings; s; s = s->next)
        if (strcmp(s->name, name) == 0) {
            *out_bytes = s->bytes;
            return NULL;
        }
    QN_TRY(find_path(source, name, &path));
    qn_status *status = read_sibling(source, name, path, out_bytes);
    free(path);
    return status;
}

int qn_source_has_sibling(const qn_source *source, const char *name) {
    char *path = NULL;
    qn_status *status = check_name(name);
    if (!status) status = expect_folder(source, name);
    if (!status) status = find_path(source, name, &path);
    free(path);
    if (!status) return 1;
    qn_status_free(status);
    return 0;
}

uint64_t qn_source_count_bytes(const qn_source *source) { return source->bytes.size + source->sibling_bytes; }

uint64_t qn_source_hash(const qn_source *source) {
    uint64_t hash = qn_hash_bytes(source->bytes.data, source->bytes.size, 0);
    for (const struct qn_source_sibling *s = source->siblings; s; s = s->next)
        hash = qn_hash_bytes(s->bytes.data, s->bytes.size, hash);
    return hash;
}
