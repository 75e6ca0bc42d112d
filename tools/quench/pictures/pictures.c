#include "pictures/pictures.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const endings[] = {"jpg", "jpeg", "png", "ppm", "pgm", "jpe", "jfif", "pnm"};
/* Of pictures that are not read. */
static const char *const other_endings[] = {"webp", "gif", "heic", "heif", "avif", "bmp", "tif", "tiff", "jxl",
                                            "jp2",  "svg", "psd",  "dng",  "cr2",  "cr3", "nef", "arw",  "orf",
                                            "rw2",  "raf", "tga",  "exr",  "hdr",  "pbm", "pam", "ico"};
enum {
    ENDING_COUNT = sizeof endings / sizeof *endings,
    OTHER_ENDING_COUNT = sizeof other_endings / sizeof *other_endings
};

/* The one of `known` that the name has; NULL if it has none of them. */
static const char *find_ending(const char *path, const char *const *known, int count) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    for (int i = 0; dot && dot != name && i < count; i++)
        if (!strcasecmp(dot + 1, known[i])) return known[i];
    return NULL;
}

int picture_has_ending(const char *path) { return find_ending(path, endings, ENDING_COUNT) != NULL; }

/* ---- Results of `segment` ---- */

/* A tEXt chunk, "Software: quench segment", and the chunk that ends a PNG: the mark is the last that a result says. */
static const unsigned char mark[] = "\0\0\0\027tEXtSoftware\0quench segment\xc1\xcc\x95\x99"
                                    "\0\0\0\0IEND\xae\x42\x60\x82";
enum { MARK_BYTES = sizeof mark - 1, PNG_END_BYTES = 12 };

qn_status *picture_save_result(const char *path, const qn_image *image, const qn_image_palette *palette) {
    qn_image_buffer png;
    CLI_TRY(cli_context(qn_image_encode_png(image, palette, NULL, &png), "%s", path));
    const size_t kept = png.bytes - PNG_END_BYTES;
    unsigned char *marked = malloc(kept + MARK_BYTES);
    if (marked) memcpy(marked, png.data, kept), memcpy(marked + kept, mark, MARK_BYTES);
    qn_image_buffer_deinit(&png);
    qn_status *status = marked ? qn_file_write_atomic(path, marked, kept + MARK_BYTES) : cli_out_of_memory();
    free(marked);
    return status;
}

static int is_result(const char *path) {
    unsigned char end[MARK_BYTES];
    FILE *file = cli_is_regular_file(path) ? fopen(path, "rb") : NULL;
    const int is_marked = file && !fseek(file, -(long)MARK_BYTES, SEEK_END) &&
                          fread(end, 1, MARK_BYTES, file) == MARK_BYTES && !memcmp(end, mark, MARK_BYTES);
    if (file) fclose(file);
    return is_marked;
}

/* ---- Results of `segment` ---- */

const char *const picture_result_names[] = {"indexed", "rgb", "overlay", "gray", "legend"};
const char *const picture_result_endings[] = {".png", ".rgb.png", ".overlay.png", ".gray.png", ".legend.png"};

picture_result picture_result_find(const char *path, size_t *out_length) {
    const size_t length = strlen(path);
    picture_result found = PICTURE_RESULTS;
    size_t longest = 0;
    for (int i = 0; i < PICTURE_RESULTS; i++) {
        const size_t ending = strlen(picture_result_endings[i]);
        if (ending <= longest || length <= ending || strcmp(path + length - ending, picture_result_endings[i]))
            continue;
        found = (picture_result)i, longest = ending;
    }
    *out_length = length - longest;
    return found;
}

/* ---- Lists ---- */

/* Takes `path` over; NULL stands for memory that was short while it was made. */
static qn_status *push(picture_list *list, char *path) {
    if (path && list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        char **paths = realloc(list->paths, capacity * sizeof *paths);
        if (!paths)
            free(path), path = NULL;
        else
            list->paths = paths, list->capacity = capacity;
    }
    if (!path) return cli_out_of_memory();
    list->paths[list->count++] = path;
    return NULL;
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* ---- Folders ---- */

/* What kind of picture a file is that does not end like one that is read; NULL: it is none. */
static const char *find_kind(const char *path) {
    unsigned char start[64];
    FILE *file = cli_is_regular_file(path) ? fopen(path, "rb") : NULL;
    if (!file) return NULL;
    const size_t count = fread(start, 1, sizeof start, file);
    fclose(file);
    const char *kind = qn_image_find_format(start, count, NULL);
    return kind ? kind : find_ending(path, other_endings, OTHER_ENDING_COUNT);
}

/* What a folder holds besides: names with what they are. */
typedef struct leftovers {
    picture_list results, others;
} leftovers;

static qn_status *sort_out(picture_list *list, leftovers *left, const char *folder, const char *name) {
    char *path = cli_join_path(folder, name);
    if (!path) return cli_out_of_memory();
    if (picture_has_ending(name)) {
        if (list->takes_results || !is_result(path)) return push(list, path);
        free(path);
        return push(&left->results, strdup(name));
    }
    const char *kind = *name == '.' ? NULL : find_kind(path);
    free(path);
    return kind ? push(&left->others, cli_format("%s (%s)", name, kind)) : NULL;
}

/* "a, b, c and 4 more"; NULL when memory is short. */
static char *enumerate(picture_list *names) {
    enum { SHOWN = 5 };
    char *text = strdup("");
    qsort(names->paths, names->count, sizeof *names->paths, compare);
    for (size_t i = 0; i < names->count && i < SHOWN && text; i++) {
        char *longer = cli_format("%s%s%s", text, i ? ", " : "", names->paths[i]);
        free(text);
        text = longer;
    }
    if (!text || names->count <= SHOWN) return text;
    char *longer = cli_format("%s and %zu more", text, names->count - SHOWN);
    free(text);
    return longer;
}

static void tell_of_leftovers(const char *path, leftovers *left) {
    char *results = left->results.count ? enumerate(&left->results) : NULL;
    char *others = left->others.count ? enumerate(&left->others) : NULL;
    if (results)
        cli_note("%s: left out %zu result%s of `quench segment`: %s", path, left->results.count,
                 left->results.count == 1 ? "" : "s", results);
    if (others)
        cli_warn(
            "%s: left out %zu picture%s: %s; what is read are JPEG, PNG, PPM and PGM that end so: convert or rename "
            "them",
            path, left->others.count, left->others.count == 1 ? "" : "s", others);
    free(results);
    free(others);
}

static qn_status *read_folder(picture_list *list, leftovers *left, const char *path, DIR *folder) {
    qn_status *status = NULL;
    errno = 0;
    for (struct dirent *entry; !status && (entry = readdir(folder)); errno = 0)
        status = sort_out(list, left, path, entry->d_name);
    if (!status && errno) status = qn_status_create(QN_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    return status;
}

static qn_status *add_folder(picture_list *list, const char *path, DIR *folder) {
    size_t first = list->count;
    leftovers left = {0};
    qn_status *status = read_folder(list, &left, path, folder);
    if (!status) tell_of_leftovers(path, &left);
    if (!status && list->count == first)
        status = qn_status_create(QN_NOT_FOUND, "%s: there is no picture in this folder (jpg, jpeg, png, ppm, pgm)%s",
                                  path, left.others.count || left.results.count ? " but those that are left out" : "");
    if (list->count > first) qsort(list->paths + first, list->count - first, sizeof *list->paths, compare);
    picture_list_deinit(&left.results);
    picture_list_deinit(&left.others);
    return status;
}

qn_status *picture_list_add(picture_list *list, const char *path) {
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode)) return push(list, strdup(path));
    DIR *folder = opendir(path);
    if (!folder) return qn_status_create(QN_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    qn_status *status = add_folder(list, path, folder);
    closedir(folder);
    return status;
}

void picture_list_deinit(picture_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (picture_list){0};
}

static qn_status *read_lines(picture_list *list, FILE *file) {
    static const char blanks[] = " \t\r\n\f\v", utf8[] = "\xef\xbb\xbf"; /* what some editors begin UTF-8 with */
    char *line = NULL;
    size_t room = 0, number = 0;
    qn_status *status = NULL;
    while (!status && getline(&line, &room, file) > 0) {
        const size_t skipped = number++ || strncmp(line, utf8, strlen(utf8)) ? 0 : strlen(utf8);
        char *start = line + skipped + strspn(line + skipped, blanks);
        size_t length = strlen(start);
        while (length && strchr(blanks, start[length - 1])) length--;
        if (length) status = push(list, strndup(start, length));
    }
    free(line);
    return status;
}

qn_status *picture_list_read(picture_list *list, const char *path) {
    size_t first = list->count;
    FILE *file = fopen(path, "r");
    if (!file) return qn_status_create(errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s: %s", path, strerror(errno));
    qn_status *status = read_lines(list, file);
    if (!status && ferror(file)) status = qn_status_create(QN_IO, "%s: cannot be read: %s", path, strerror(errno));
    fclose(file);
    if (!status && list->count == first)
        status = qn_status_create(QN_INVALID_ARGUMENT, "%s: the list names no picture", path);
    return status;
}

char *picture_stem(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

char *picture_find(const char *folder, const char *stem) {
    for (int i = 0; i < ENDING_COUNT; i++) {
        char *name = cli_format("%s.%s", stem, endings[i]);
        char *path = name ? cli_join_path(folder, name) : NULL;
        free(name);
        if (path && !access(path, F_OK)) return path;
        free(path);
    }
    return NULL;
}

char *picture_find_mask(const char *folder, const char *path) {
    const char *slash = strrchr(path, '/');
    char *stem = picture_stem(path);
    const char *names[] = {path, slash ? slash + 1 : path,
                           stem}; /* what looks like an ending may be part of the name */
    char *found = NULL;
    for (int i = 0; i < 3 && stem && !found; i++) {
        char *name = cli_format("%s.png", names[i]);
        found = name ? cli_join_path(folder, name) : NULL;
        if (found && access(found, F_OK)) free(found), found = NULL;
        free(name);
    }
    free(stem);
    return found;
}
