/* json_get FILE PATH - prints what lies at a dotted path in a JSON file, so that shell scripts can look into one:
 * "latency_ms.median", "images.0.file"; "layers.#" is how many there are. Texts are printed bare. Exit status 1: no
 * such thing. */
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *find(json_t *at, const char *path) {
    while (at && *path) {
        size_t length = strcspn(path, ".");
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
        path += length + (path[length] == '.');
    }
    return at;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    json_error_t error;
    json_t *root = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
    if (!root) return fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text), 1;
    char *hash = strstr(argv[2], ".#");
    if (hash) *hash = 0;
    json_t *found = find(root, argv[2]);
    int code = !found;
    if (found && hash)
        printf("%zu\n", json_is_array(found) ? json_array_size(found) : json_object_size(found));
    else if (json_is_string(found))
        printf("%s\n", json_string_value(found));
    else if (found && json_dumpf(found, stdout, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)))
        code = 1;
    else if (found)
        putchar('\n');
    json_decref(root);
    return code;
}
