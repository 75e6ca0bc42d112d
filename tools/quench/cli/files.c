/* files.c - folders, whole files and JSON of the program. */
#include "cli/cli.h"
#include "cli/streams.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *cli_format(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

char *cli_join_path(const char *folder, const char *name) {
    size_t length = strlen(folder);
    return cli_format("%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

/* Makes one folder unless it is there. */
static qn_status *make_one_folder(const char *path) {
    struct stat info;
    if (mkdir(path, 0777) && errno != EEXIST)
        return qn_status_create(QN_IO, "%s: cannot make the folder: %s", path, strerror(errno));
    if (stat(path, &info)) return qn_status_create(QN_IO, "%s: %s", path, strerror(errno));
    return S_ISDIR(info.st_mode) ? NULL : qn_status_create(QN_IO, "%s: is not a folder", path);
}

qn_status *cli_make_folder(const char *path) {
    char *part = strdup(path);
    if (!part) return cli_out_of_memory();
    qn_status *status = NULL;
    for (char *at = part + 1; !status; at++) {
        char kept = *at;
        if (kept != '/' && kept) continue;
        *at = 0;
        status = make_one_folder(part);
        *at = kept;
        if (!kept) break;
    }
    if (!status && access(path, W_OK | X_OK))
        status = qn_status_create(QN_IO, "%s: files cannot be made in this folder: %s", path, strerror(errno));
    free(part);
    return status;
}

int cli_is_regular_file(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISREG(info.st_mode);
}

int cli_json_on_stdout(const char *path) { return path && !strcmp(path, "-"); }

char *cli_escape(const char *text, qn_text_style style) {
    const size_t length = qn_text_escape(text, strlen(text), style, NULL, 0);
    char *safe = malloc(length + 1);
    if (safe) qn_text_escape(text, strlen(text), style, safe, length + 1);
    return safe;
}

qn_status *cli_write_json(const char *path, json_t *object) {
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    char *safe = text ? cli_escape(text, QN_TEXT_JSON) : NULL, *line = safe ? cli_format("%s\n", safe) : NULL;
    free(text);
    free(safe);
    if (!line) return cli_out_of_memory();
    qn_status *status = NULL;
    if (cli_json_on_stdout(path))
        cli_put_bytes(line, strlen(line));
    else
        status = qn_file_write_atomic(path, line, strlen(line));
    free(line);
    return status;
}

json_t *cli_json_text(const char *text) {
    json_t *object = json_string(text);
    char *safe = object ? NULL : cli_escape(text, QN_TEXT_LINE);
    if (safe) object = json_string(safe);
    free(safe);
    return object;
}

/* ---- Inputs and outputs ---- */

struct cli_file {
    char *path, *source; /* source NULL: it is read */
    char *place;         /* what is written: where the file is when links are followed */
    struct stat info;
    int exists;
};

/* One text for all ways to the file that writing `path` replaces or makes; its folder need not be there yet. */
static qn_status *find_place(const char *path, char **out_place) {
    char *target;
    CLI_TRY(qn_file_find_target(path, &target));
    const char *slash = strrchr(target, '/'), *base = slash ? slash + 1 : target;
    char *folder = slash ? strndup(target, (size_t)(base - target)) : strdup(".");
    char *real = folder ? realpath(folder, NULL) : NULL;
    *out_place = real ? cli_join_path(real, base) : strdup(target);
    free(real);
    free(folder);
    free(target);
    return *out_place ? NULL : cli_out_of_memory();
}

static qn_status *add_file(cli_files *files, const char *path, const char *source) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity ? 2 * files->capacity : 16;
        struct cli_file *items = realloc(files->items, capacity * sizeof *items);
        if (!items) return cli_out_of_memory();
        files->items = items;
        files->capacity = capacity;
    }
    struct cli_file *file = &files->items[files->count];
    *file = (struct cli_file){.path = strdup(path), .source = source ? strdup(source) : NULL};
    files->count++;
    if (!file->path || (source && !file->source)) return cli_out_of_memory();
    file->exists = !stat(path, &file->info);
    return source ? find_place(path, &file->place) : NULL;
}

qn_status *cli_files_add_input(cli_files *files, const char *path) { return add_file(files, path, NULL); }

qn_status *cli_files_add_output(cli_files *files, const char *path, const char *source) {
    return add_file(files, path, source);
}

void cli_files_deinit(cli_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->items[i].path), free(files->items[i].source), free(files->items[i].place);
    free(files->items);
    *files = (cli_files){0};
}

/* By device and number, those that do not exist last; inputs before outputs of the same file. */
static int compare_identity(const void *a, const void *b) {
    const struct cli_file *x = *(struct cli_file *const *)a, *y = *(struct cli_file *const *)b;
    if (x->exists != y->exists) return y->exists - x->exists;
    if (x->exists && x->info.st_dev != y->info.st_dev) return x->info.st_dev < y->info.st_dev ? -1 : 1;
    if (x->exists && x->info.st_ino != y->info.st_ino) return x->info.st_ino < y->info.st_ino ? -1 : 1;
    return (x->source != NULL) - (y->source != NULL);
}

static int compare_place(const void *a, const void *b) {
    const struct cli_file *x = *(struct cli_file *const *)a, *y = *(struct cli_file *const *)b;
    const int order = strcmp(x->place, y->place);
    return order ? order : strcmp(x->path, y->path);
}

static int is_regular(const struct cli_file *file) { return file->exists && S_ISREG(file->info.st_mode); }

static int is_same(const struct cli_file *a, const struct cli_file *b) {
    return is_regular(a) && is_regular(b) && a->info.st_dev == b->info.st_dev && a->info.st_ino == b->info.st_ino;
}

static qn_status *check_sorted(struct cli_file **sorted, size_t count, size_t outputs) {
    qsort(sorted, count, sizeof *sorted, compare_identity);
    const struct cli_file *input = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!sorted[i]->source)
            input = sorted[i];
        else if (input && is_same(input, sorted[i]))
            return qn_status_create(
                QN_INVALID_ARGUMENT,
                "%s: writing it (for %s) would overwrite the input %s: choose another place for the "
                "output",
                sorted[i]->path, sorted[i]->source, input->path);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (sorted[i]->source) sorted[kept++] = sorted[i];
    qsort(sorted, outputs, sizeof *sorted, compare_place);
    for (size_t i = 1; i < outputs; i++)
        if (!strcmp(sorted[i - 1]->place, sorted[i]->place))
            return qn_status_create(QN_INVALID_ARGUMENT,
                                    "%s: would be written twice, for %s and for %s: rename one, or run them into "
                                    "different folders",
                                    sorted[i]->path, sorted[i - 1]->source, sorted[i]->source);
    return NULL;
}

/* What writing a file by renaming refuses. */
static qn_status *expect_replaceable(const char *path) {
    struct stat info;
    if (cli_is_stream(path) || stat(path, &info) || S_ISREG(info.st_mode)) return NULL;
    return qn_status_create(QN_IO, "%s: %s there, expected a regular file or none", path,
                            S_ISDIR(info.st_mode) ? "a folder is" : "a device or pipe is");
}

qn_status *cli_files_check(const cli_files *files) {
    struct cli_file **sorted = malloc((files->count + 1) * sizeof *sorted);
    if (!sorted) return cli_out_of_memory();
    size_t outputs = 0;
    for (size_t i = 0; i < files->count; i++) {
        sorted[i] = &files->items[i];
        outputs += files->items[i].source != NULL;
    }
    qn_status *status = check_sorted(sorted, files->count, outputs);
    for (size_t i = 0; i < files->count && !status; i++)
        if (files->items[i].source) status = expect_replaceable(files->items[i].path);
    free(sorted);
    return status;
}

qn_status *cli_check_writable(const char *path) {
    return path && strcmp(path, "-") && !cli_is_stream(path) ? qn_file_check_writable(path) : NULL;
}

int cli_is_in_folder(const char *path, const char *folder) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    return slash && (size_t)(slash - path) == length && !strncmp(path, folder, length);
}

qn_status *cli_check_folder(const char *path) {
    struct stat info = {0};
    if (!stat(path, &info) && !S_ISDIR(info.st_mode))
        return qn_status_create(QN_IO, "%s: is no folder: -o names the folder that the results go to", path);
    char *part = strdup(*path ? path : "."); /* room for a "." at least */
    if (!part) return cli_out_of_memory();
    while (stat(part, &info) && errno == ENOENT) {
        char *slash = strrchr(part, '/');
        if (slash == part) slash++;
        strcpy(slash ? slash : part, slash ? "" : ".");
    }
    const char *reason = access(part, W_OK | X_OK) ? strerror(errno) : NULL;
    if (!reason && !S_ISDIR(info.st_mode)) reason = strerror(ENOTDIR);
    qn_status *status =
        reason ? qn_status_create(QN_IO, "%s: files cannot be made in this folder: %s", path, reason) : NULL;
    free(part);
    return status;
}
