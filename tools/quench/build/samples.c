#include "build/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Lists of files ---- */

void sample_list_deinit(sample_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->items[i].path), free(list->items[i].origin);
    free(list->items);
    *list = (sample_list){0};
}

/* Takes path and origin over; NULL stands for memory that was short while they were made. */
static qn_status *push(sample_list *list, char *path, char *origin, const qn_shape *shape) {
    if (path && origin && list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        sample_item *items = realloc(list->items, capacity * sizeof *items);
        if (items)
            list->items = items, list->capacity = capacity;
        else
            free(path), path = NULL;
    }
    if (!path || !origin) {
        free(path), free(origin);
        return cli_out_of_memory();
    }
    sample_item *item = &list->items[list->count++];
    *item = (sample_item){.path = path, .origin = origin, .rank = shape ? shape->rank : -1};
    if (shape) memcpy(item->dims, shape->dims, sizeof item->dims);
    return NULL;
}

/* "a.jpg shape[1,100,80,3]": cuts the shape off. Returns 0 if it is no shape. */
static int split_shape(char *line, qn_shape *out_shape) {
    char *at = NULL, *end;
    for (char *next = line; (next = strstr(next, "shape[")); next++) at = next;
    out_shape->rank = -1;
    if (!at || at == line || !strchr(" \t", at[-1]) || !(end = strchr(at, ']')) || end[1]) return 1;
    *end = 0;
    out_shape->rank = cli_parse_dims(at + strlen("shape["), 1, out_shape->dims);
    *end = ']';
    if (out_shape->rank < 0) return 0;
    while (at > line && strchr(" \t", at[-1])) at--;
    *at = 0;
    return 1;
}

/* The file that a line of a list means: where it says, beside the list or here; the name may lack its ending. */
static char *find_listed(const char *const *folders, const char *name) {
    if (*name == '/' && !access(name, F_OK)) return strdup(name);
    for (int i = 0; folders[i]; i++) {
        char *path = *name == '/' ? NULL : cli_join_path(folders[i], name);
        if (path && !access(path, F_OK)) return path;
        free(path);
    }
    for (int i = 0; folders[i]; i++) {
        char *path = *name == '/' ? NULL : picture_find(folders[i], name);
        if (path) return path;
    }
    return NULL;
}

static qn_status *add_line(const sample_options *options, const char *list_path, const char *folder, char *line,
                           sample_list *list) {
    const char *folders[] = {options->folder ? options->folder : folder, options->folder ? folder : ".", ".", NULL};
    qn_shape shape;
    if (!split_shape(line, &shape))
        return qn_status_create(QN_INVALID_ARGUMENT, "%s: '%s': expected sizes, as in `photo.jpg shape[1,100,80,3]`",
                                list_path, line);
    char *path = find_listed(folders, line);
    if (!path && !options->skips_unreadable)
        return qn_status_create(QN_NOT_FOUND, "%s names '%s', which is neither in %s nor here%s", list_path, line,
                                folders[0],
                                options->folder ? "" : "; --images DIR says where the names are looked for");
    if (!path) path = strdup(line); /* whoever opens it says that it is missing */
    return push(list, path, cli_format("%s: '%s'", list_path, line), shape.rank < 0 ? NULL : &shape);
}

static qn_status *add_list(const sample_options *options, const char *path, sample_list *list) {
    picture_list lines = {0};
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    qn_status *status = folder ? picture_list_read(&lines, path) : cli_out_of_memory();
    for (size_t i = 0; i < lines.count && !status; i++) status = add_line(options, path, folder, lines.paths[i], list);
    picture_list_deinit(&lines);
    free(folder);
    return status;
}

/* ---- What a text names ---- */

typedef enum sample_kind { KIND_NONE, KIND_PICTURES, KIND_ARRAYS } sample_kind;

static int starts_with(const unsigned char *bytes, size_t count, const char *magic) {
    size_t length = strlen(magic);
    return count >= length && !memcmp(bytes, magic, length);
}

/* What is in a file: pictures and arrays by their first bytes, a list if it is text. */
typedef enum file_kind { FILE_ARRAY, FILE_PICTURE, FILE_LIST } file_kind;

static qn_status *look_at(const char *path, file_kind *out_kind) {
    unsigned char start[512];
    if (!access(path, F_OK) && !cli_is_regular_file(path))
        return qn_status_create(QN_IO, "%s: is not a regular file", path);
    FILE *file = fopen(path, "rb");
    if (!file) return qn_status_create(errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s: %s", path, strerror(errno));
    errno = 0;
    size_t count = fread(start, 1, sizeof start, file);
    int failure = ferror(file) ? errno : 0;
    fclose(file);
    if (failure) return qn_status_create(QN_IO, "%s: cannot be read: %s", path, strerror(failure));
    int is_pnm = count > 2 && start[0] == 'P' && strchr("2356", start[1]) && strchr(" \t\r\n#", start[2]);
    int is_picture = starts_with(start, count, "\xff\xd8\xff") || starts_with(start, count, "\x89PNG") || is_pnm;
    /* A damaged picture is one all the same: whoever decodes it says what is wrong. */
    is_picture |= picture_has_ending(path) || memchr(start, 0, count) != NULL;
    *out_kind = starts_with(start, count, "\x93NUMPY") ? FILE_ARRAY : is_picture ? FILE_PICTURE : FILE_LIST;
    return NULL;
}

static qn_status *add_folder(const char *path, sample_list *list) {
    picture_list pictures = {0};
    qn_status *status = picture_list_add(&pictures, path);
    for (size_t i = 0; i < pictures.count && !status; i++)
        status = push(list, strdup(pictures.paths[i]), strdup(pictures.paths[i]), NULL);
    picture_list_deinit(&pictures);
    return status;
}

/* A list holds what its first file is. */
static sample_kind kind_of_list(const sample_list *list, size_t first) {
    file_kind kind = FILE_PICTURE;
    if (list->count > first) qn_status_free(look_at(list->items[first].path, &kind));
    return kind == FILE_ARRAY ? KIND_ARRAYS : KIND_PICTURES;
}

static qn_status *add_path(const sample_options *options, const char *path, sample_list *list, sample_kind *out_kind) {
    struct stat info;
    file_kind kind;
    size_t first = list->count;
    *out_kind = KIND_PICTURES;
    if (!stat(path, &info) && S_ISDIR(info.st_mode)) return add_folder(path, list);
    CLI_TRY(look_at(path, &kind));
    if (kind != FILE_LIST) {
        *out_kind = kind == FILE_ARRAY ? KIND_ARRAYS : KIND_PICTURES;
        return push(list, strdup(path), strdup(path), NULL);
    }
    CLI_TRY(add_list(options, path, list));
    *out_kind = kind_of_list(list, first);
    return NULL;
}

/* Which input "NAME=x.npy" or "x.npy" is for. A path may hold a '='. */
static qn_status *find_input(const qn_model *model, const char *text, size_t *out_index, const char **out_path) {
    char *name;
    *out_index = 0;
    *out_path = text;
    if (!access(text, F_OK)) return NULL;
    CLI_TRY(cli_split_name(text, &name, out_path));
    qn_status *status = *name ? qn_model_find_input(model, name, out_index) : NULL;
    free(name);
    return status;
}

static qn_status *add_text(const qn_model *model, const sample_options *options, const char *text, sample_list *lists,
                           sample_kind *inout_kind) {
    size_t index, inputs = qn_model_get_info(model)->input_count;
    const char *path;
    sample_kind kind;
    CLI_TRY(find_input(model, text, &index, &path));
    CLI_TRY(add_path(options, path, &lists[index], &kind));
    if (kind == KIND_ARRAYS && path == text && inputs > 1)
        return qn_status_create(QN_INVALID_ARGUMENT, "the model has %zu inputs: write NAME=%s", inputs, text);
    if (*inout_kind != KIND_NONE && *inout_kind != kind)
        return qn_status_create(QN_INVALID_ARGUMENT, "samples are either pictures or arrays, not both");
    *inout_kind = kind;
    return NULL;
}

/* ---- Opening ---- */

static qn_status *open_kind(qn_model *model, const sample_options *options, sample_list *lists, sample_kind kind,
                            sample_source *out_source) {
    if (kind == KIND_ARRAYS) return array_samples_open(model, options, lists, out_source);
    return picture_samples_open(model, options, &lists[0], out_source);
}

qn_status *sample_source_open(qn_model *model, const sample_options *options, sample_source *out_source) {
    size_t inputs = qn_model_get_info(model)->input_count;
    sample_list *lists = calloc(inputs + 1, sizeof *lists);
    sample_kind kind = KIND_NONE;
    qn_status *status = lists ? NULL : cli_out_of_memory();
    *out_source = (sample_source){0};
    for (size_t i = 0; i < options->texts->count && !status; i++) {
        const char *text = options->texts->items[i];
        status = cli_context(add_text(model, options, text, lists, &kind), "%s %s", options->option, text);
    }
    if (!status) status = cli_context(open_kind(model, options, lists, kind, out_source), "%s", options->option);
    for (size_t i = 0; lists && i < inputs; i++) sample_list_deinit(&lists[i]);
    free(lists);
    return status;
}

qn_status *sample_source_blame(const sample_source *source, qn_status *status) {
    if (qn_status_sample(status) < 0 || !source->name) return status;
    char *name = source->name(source->samples.self);
    if (name) status = cli_context(status, "%s", name);
    free(name);
    return status;
}

void sample_source_close(sample_source *source) {
    if (source->close) source->close(source->samples.self);
    *source = (sample_source){0};
}
