#include "driver/config.h"

#include "base/file.h"
#include "base/text.h"
#include "pass/pass.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef enum key_kind { KEY_OBJECT, KEY_TEXT, KEY_BOOL, KEY_TEXTS, KEY_RANGES, KEY_ANY } key_kind;
typedef enum key_fate { KEY_WORKS, KEY_IGNORED, KEY_REFUSED } key_fate;

typedef struct config_key {
    const char *path;
    key_kind kind;
    key_fate fate;
    const char *allowed, *reason;
} config_key;

#define QN_KEY(path, kind, fate, allowed, reason) {path, KEY_##kind, KEY_##fate, allowed, reason},
static const config_key keys[] = {
#include "driver/config_keys.def"
};
#undef QN_KEY

enum { KEY_COUNT = sizeof keys / sizeof *keys, PATH_BYTES = 256, CONFIG_BYTES_MAX = 16 << 20, JSON_DEPTH_MAX = 64 };

static const config_key *find_key(const char *path) {
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (!strcmp(keys[i].path, path)) return &keys[i];
    return NULL;
}

static qn_status *unknown_key(const char *path, const char *origin) {
    const char *paths[KEY_COUNT];
    for (size_t i = 0; i < KEY_COUNT; i++) paths[i] = keys[i].path;
    const char *nearest = qn_text_nearest(path, paths, KEY_COUNT);
    for (size_t i = 0; i < KEY_COUNT && !nearest; i++) { /* "fusion_enable" alone: the right word in the wrong place */
        const char *dot = strrchr(paths[i], '.');
        if (dot && !strcmp(dot + 1, path)) nearest = paths[i];
    }
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s' is unknown%s%s%s", origin, path, nearest ? "; did you mean '" : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
}

static const char *type_name(const json_t *value) {
    static const char *const names[] = {"an object", "an array", "a text", "an integer", "a number", "true", "false", "null"};
    return names[json_typeof(value)];
}

static qn_status *wrong_type(const char *path, const char *origin, const char *expected, const json_t *value) {
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': expected %s, found %s", origin, path, expected, type_name(value));
}

/* Is `word` one of the comma-separated `list`? */
static int is_listed(const char *word, const char *list) {
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (!strncmp(at, word, length) && (!at[length] || at[length] == ',')) return 1;
    }
    return 0;
}

/* {"0": {"min": [..], "max": [..]}}: equal lengths, 0 <= min <= max. What the network says of it comes when it is built. */
static qn_status *check_range(const char *path, const char *index, const json_t *range, const char *origin) {
    if (!*index || strspn(index, "0123456789") != strlen(index) || strlen(index) > 6)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': expected the number of an input", origin, path, index);
    if (!json_is_object(range)) return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': expected an object with 'min' and 'max', found %s", origin, path, index, type_name(range));
    const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
    if (!json_is_array(min) || !json_is_array(max) || json_object_size(range) != 2)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': expected exactly 'min' and 'max', each an array", origin, path, index);
    if (json_array_size(min) != json_array_size(max))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': 'min' has %zu dims, 'max' has %zu", origin, path, index,
                      json_array_size(min), json_array_size(max));
    for (size_t i = 0; i < json_array_size(min); i++) {
        const json_t *low = json_array_get(min, i), *high = json_array_get(max, i);
        if (!json_is_integer(low) || !json_is_integer(high) || json_integer_value(low) < 0)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': dim %zu: expected integers >= 0", origin, path, index, i);
        if (json_integer_value(low) > json_integer_value(high))
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%s': dim %zu: min %lld is above max %lld", origin, path, index, i,
                          (long long)json_integer_value(low), (long long)json_integer_value(high));
    }
    return NULL;
}

static qn_status *check_passes(const char *path, const json_t *value, const char *origin) {
    size_t i;
    json_t *name;
    if (!json_is_array(value)) return wrong_type(path, origin, "an array of pass names", value);
    json_array_foreach((json_t *)value, i, name) {
        if (!json_is_string(name)) return wrong_type(path, origin, "an array of pass names", name);
        if (qn_pass_find(json_string_value(name))) continue;
        const char *names[64];
        for (size_t p = 0; p < qn_pass_count() && p < 64; p++) names[p] = qn_pass_at(p)->name;
        const char *nearest = qn_text_nearest(json_string_value(name), names, qn_pass_count());
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': there is no pass '%s'%s%s", origin, path, json_string_value(name),
                      nearest ? "; nearest: " : "", nearest ? nearest : "");
    }
    return NULL;
}

static qn_status *check_value(const config_key *key, const json_t *value, const char *origin) {
    if (key->fate == KEY_REFUSED) return QN_ERR(QN_UNSUPPORTED, "%s: key '%s': %s", origin, key->path, key->reason);
    switch (key->kind) {
    case KEY_BOOL: return json_is_boolean(value) ? NULL : wrong_type(key->path, origin, "true or false", value);
    case KEY_TEXT:
        if (!json_is_string(value)) return wrong_type(key->path, origin, "a text", value);
        if (is_listed(json_string_value(value), key->allowed)) return NULL;
        return QN_ERR(QN_UNSUPPORTED, "%s: key '%s': '%s' is not possible, allowed: %s (%s)", origin, key->path,
                      json_string_value(value), key->allowed, key->reason);
    case KEY_TEXTS: return check_passes(key->path, value, origin);
    case KEY_RANGES: {
        const char *index;
        json_t *range;
        if (!json_is_object(value)) return wrong_type(key->path, origin, "an object", value);
        json_object_foreach((json_t *)value, index, range) QN_TRY(check_range(key->path, index, range, origin));
        return NULL;
    }
    default: return NULL;
    }
}

/* Checks an object and everything in it against the table. Depth follows the table, not the text. */
static qn_status *check_object(const json_t *object, const char *prefix, const char *origin) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        char path[PATH_BYTES];
        if (strlen(prefix) + strlen(name) + 2 > sizeof path) return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%.40s...' is unknown", origin, name);
        strcpy(path, prefix);
        if (*prefix) strcat(path, ".");
        strcat(path, name);
        const config_key *key = find_key(path);
        if (!key) return unknown_key(path, origin);
        if (key->kind != KEY_OBJECT) {
            QN_TRY(check_value(key, value, origin));
        } else {
            if (!json_is_object(value)) return wrong_type(path, origin, "an object", value);
            QN_TRY(check_object(value, path, origin));
        }
    }
    return NULL;
}

static void warn_ignored(const qn_config *config, const json_t *object, const char *prefix, const char *origin) {
    for (size_t i = 0; i < KEY_COUNT && config->has_log; i++) {
        const qn_config given = {.root = (json_t *)object};
        char text[PATH_BYTES * 2];
        if (keys[i].fate != KEY_IGNORED || !qn_config_find(&given, keys[i].path)) continue;
        snprintf(text, sizeof text, "%s: key '%s%s' means nothing on a CPU and is ignored", origin, prefix, keys[i].path);
        config->log.write(config->log.self, QN_LOG_WARNING, text);
    }
}

qn_status *qn_config_create(const qn_log *log, qn_config **out_config) {
    *out_config = NULL;
    qn_config *config = calloc(1, sizeof *config);
    if (config) config->root = json_object();
    if (!config || !config->root) {
        free(config);
        return qn_status_out_of_memory();
    }
    if (log) {
        config->log = *log;
        config->has_log = 1;
    }
    *out_config = config;
    return NULL;
}

void qn_config_destroy(qn_config *config) {
    if (!config) return;
    json_decref(config->root);
    free(config->text);
    free(config);
}

/* The parser of the JSON library recurses, so nesting is bounded before it sees the text. */
static qn_status *check_depth(const char *text, size_t bytes, const char *origin) {
    int depth = 0, in_text = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (in_text) {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') in_text = 0;
        } else if (text[i] == '"') {
            in_text = 1;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > JSON_DEPTH_MAX) return QN_ERR(QN_LIMIT, "%s: nested deeper than %d levels", origin, JSON_DEPTH_MAX);
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return NULL;
}

static qn_status *merge_bytes(qn_config *config, const char *text, size_t bytes, const char *origin) {
    if (bytes > CONFIG_BYTES_MAX) return QN_ERR(QN_LIMIT, "%s: larger than %d MiB", origin, CONFIG_BYTES_MAX >> 20);
    QN_TRY(check_depth(text, bytes, origin));
    json_error_t error;
    json_t *object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!object) return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: no JSON: %s", origin, error.line, error.text);
    qn_status *status = NULL;
    if (!json_is_object(object)) status = QN_ERR(QN_INVALID_ARGUMENT, "%s: expected a JSON object, found %s", origin, type_name(object));
    if (!status) status = check_object(object, "", origin);
    if (!status) {
        json_t *merged = json_deep_copy(config->root);
        if (!merged || json_object_update_recursive(merged, object)) {
            json_decref(merged);
            status = qn_status_out_of_memory();
        } else {
            json_decref(config->root);
            config->root = merged;
            warn_ignored(config, object, "", origin);
        }
    }
    json_decref(object);
    return status;
}

qn_status *qn_config_merge_text(qn_config *config, const char *text, const char *origin) {
    return merge_bytes(config, text, strlen(text), origin);
}

qn_status *qn_config_merge_file(qn_config *config, const char *path) {
    qn_file_map map;
    QN_TRY(qn_file_map_open(path, &map));
    qn_status *status = merge_bytes(config, map.bytes.data ? (const char *)map.bytes.data : "", map.bytes.size, path);
    qn_file_map_close(&map);
    return status;
}

const char *qn_config_text(qn_config *config) {
    free(config->text);
    config->text = json_dumps(config->root, JSON_SORT_KEYS | JSON_COMPACT);
    return config->text ? config->text : "{}";
}

const json_t *qn_config_find(const qn_config *config, const char *path) {
    const json_t *at = config ? config->root : NULL;
    while (at && *path) {
        size_t length = strcspn(path, ".");
        char name[PATH_BYTES];
        assert(length < sizeof name);
        memcpy(name, path, length);
        name[length] = 0;
        at = json_object_get(at, name);
        path += length + (path[length] == '.');
    }
    return at;
}

int qn_config_bool(const qn_config *config, const char *path, int fallback) {
    const json_t *value = qn_config_find(config, path);
    return value ? json_is_true(value) : fallback;
}
