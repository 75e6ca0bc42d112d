#include "pictures.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const endings[] = {"jpg", "jpeg", "png", "ppm", "pgm"};
enum { ENDING_COUNT = sizeof endings / sizeof *endings };

int picture_has_ending(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    for (int i = 0; dot && dot != name && i < ENDING_COUNT; i++)
        if (!strcasecmp(dot + 1, endings[i])) return 1;
    return 0;
}

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

static qn_status *add_folder(picture_list *list, const char *path, DIR *folder) {
    size_t first = list->count;
    qn_status *status = NULL;
    errno = 0;
    for (struct dirent *entry; !status && (entry = readdir(folder)); errno = 0)
        if (picture_has_ending(entry->d_name)) status = push(list, cli_join_path(path, entry->d_name));
    if (!status && errno) status = qn_status_create(QN_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    if (!status && list->count == first)
        status =
            qn_status_create(QN_NOT_FOUND, "%s: there is no picture in this folder (jpg, jpeg, png, ppm, pgm)", path);
    if (list->count > first) qsort(list->paths + first, list->count - first, sizeof *list->paths, compare);
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
    static const char blanks[] = " \t\r\n\f\v", mark[] = "\xef\xbb\xbf"; /* what some editors begin UTF-8 with */
    char *line = NULL;
    size_t room = 0, number = 0;
    qn_status *status = NULL;
    while (!status && getline(&line, &room, file) > 0) {
        const size_t skipped = number++ || strncmp(line, mark, strlen(mark)) ? 0 : strlen(mark);
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
