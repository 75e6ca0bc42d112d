#include "driver/config/config.h"

#include "base/entry.h"
#include "base/file.h"
#include "driver/config/config_check.h"
#include "driver/common/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 256 };

/* ---- Life ---- */

qn_status *qn_config_create(const qn_log *log, qn_config **out_config) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_config);
    *out_config = NULL;
    qn_config *config = calloc(1, sizeof *config);
    if (config) config->root = json_object();
    if (!config || !config->root) {
        free(config);
        return qn_status_out_of_memory();
    }
    if (log && log->write) {
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
    free(config->effective);
    free(config);
}

/* ---- Merging ---- */

static void warn(const qn_config *config, const char *origin, const char *key, const char *what) {
    char text[PATH_BYTES * 2];
    if (!config->has_log) return;
    snprintf(text, sizeof text, "%s: key '%s' %s", origin, key, what);
    config->log.write(config->log.self, QN_LOG_WARNING, text);
}

static int names_vendor_arch(const json_t *archs) {
    size_t i;
    json_t *item, *clusters;
    const char *name;
    json_array_foreach((json_t *)archs, i, item) {
        if (json_is_string(item) && qn_config_is_vendor_arch(json_string_value(item))) return 1;
        json_object_foreach(item, name, clusters) if (qn_config_is_vendor_arch(name)) return 1;
    }
    return 0;
}

static void warn_about(const qn_config *config, const json_t *object, const char *origin) {
    const qn_config given = {.root = (json_t *)object};
    for (size_t i = 0; i < qn_config_key_count(); i++) {
        const qn_config_key *key = qn_config_key_at(i);
        if (key->fate == QN_CONFIG_IGNORED && qn_config_find(&given, key->path))
            warn(config, origin, key->path, "means nothing on a CPU and is ignored");
    }
    if (names_vendor_arch(qn_config_find(&given, "archs")))
        warn(config, origin, "archs", "names chips of another maker: compiled files run on every CPU all the same");
}

static qn_status *merge_object(qn_config *config, const json_t *object, const char *origin) {
    QN_TRY(qn_config_check(object, origin));
    json_t *merged = json_deep_copy(config->root);
    if (!merged || json_object_update_recursive(merged, (json_t *)object)) {
        json_decref(merged);
        return qn_status_out_of_memory();
    }
    json_decref(config->root);
    config->root = merged;
    warn_about(config, object, origin);
    return NULL;
}

static qn_status *merge_bytes(qn_config *config, const char *text, size_t bytes, const char *origin) {
    json_t *object;
    QN_TRY(qn_json_parse(text, bytes, 0, origin, &object));
    qn_status *status = merge_object(config, object, origin);
    json_decref(object);
    return status;
}

qn_status *qn_config_merge_text(qn_config *config, const char *text, const char *origin) {
    QN_ENTER();
    QN_REQUIRE_ARG(config);
    QN_REQUIRE_ARG(text);
    QN_REQUIRE_ARG(origin);
    return merge_bytes(config, text, strlen(text), origin);
}

qn_status *qn_config_merge_file(qn_config *config, const char *path) {
    QN_ENTER();
    QN_REQUIRE_ARG(config);
    QN_REQUIRE_ARG(path);
    qn_bytes text;
    QN_TRY(qn_file_read(path, "JSON", QN_JSON_BYTES_MAX, NULL, &text));
    qn_status *status = merge_bytes(config, (const char *)text.data, text.size, path);
    qn_free(qn_allocator_default(), (void *)text.data);
    return status;
}

/* ---- One key ---- */

/* Puts `value` (taken over) at a dotted path, making objects on the way; 0 when memory is short. */
static int put(json_t *root, const char *path, json_t *value) {
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        char name[PATH_BYTES];
        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        json_t *next = json_object_get(root, name);
        if (!next && json_object_set_new(root, name, next = json_object())) {
            json_decref(value);
            return 0;
        }
        root = next;
    }
    return !json_object_set_new(root, path, value);
}

/* Does a plain word stand for this key's value, quotes or not? */
static int takes_words(const qn_config_key *key) {
    return key->kind == QN_CONFIG_TEXT || key->kind == QN_CONFIG_NAME || key->kind == QN_CONFIG_DECODE ||
           key->kind == QN_CONFIG_CLASSES || key->kind == QN_CONFIG_PALETTE;
}

qn_status *qn_config_set(qn_config *config, const char *path, const char *text) {
    QN_ENTER();
    QN_REQUIRE_ARG(config);
    QN_REQUIRE_NAMED(path, "key");
    QN_REQUIRE_NAMED(text, "value");
    const qn_config_key *key;
    json_t *value = NULL, *object = json_object();
    char origin[PATH_BYTES];
    qn_status *status = object ? qn_config_key_find(path, "setting", &key) : qn_status_out_of_memory();
    snprintf(origin, sizeof origin, "setting '%.200s'", path);
    if (!status) {
        if (takes_words(key) && (!*text || !strchr("\"[{", *text)))
            value = json_string(text);
        else
            status = qn_json_parse(text, strlen(text), JSON_DECODE_ANY, origin, &value);
    }
    if (!status && (!value || !put(object, path, value))) status = qn_status_out_of_memory();
    if (!status) status = merge_object(config, object, "setting");
    json_decref(object);
    return status;
}

/* ---- Looking ---- */

const char *qn_config_text(qn_config *config) {
    QN_ENTER();
    if (!config) return "{}";
    free(config->text);
    config->text = json_dumps(config->root, JSON_SORT_KEYS | JSON_COMPACT);
    return config->text ? config->text : "{}";
}

static json_t *fill_in(const qn_config *config) {
    json_t *all = config ? json_deep_copy(config->root) : json_object();
    const qn_config so_far = {.root = all};
    for (size_t i = 0; all && i < qn_config_key_count(); i++) {
        const qn_config_key *key = qn_config_key_at(i);
        if (!key->fallback || qn_config_find(&so_far, key->path)) continue;
        json_t *fallback = json_loads(key->fallback, JSON_DECODE_ANY, NULL);
        if (fallback && put(all, key->path, fallback)) continue;
        json_decref(all);
        all = NULL;
    }
    return all;
}

char *qn_config_make_effective(const qn_config *config) {
    json_t *all = fill_in(config);
    char *text = all ? json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(all);
    return text;
}

const char *qn_config_effective_text(qn_config *config) {
    QN_ENTER();
    if (!config) return "{}";
    free(config->effective);
    config->effective = qn_config_make_effective(config);
    return config->effective ? config->effective : "{}";
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

int64_t qn_config_int(const qn_config *config, const char *path, int64_t fallback) {
    const json_t *value = qn_config_find(config, path);
    return value ? (int64_t)json_integer_value(value) : fallback;
}
