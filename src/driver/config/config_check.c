#include "driver/config/config_check.h"

#include "base/text.h"
#include "driver/config/custom_nodes.h"
#include "driver/common/json.h"
#include "pass/pass.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define QN_KEY(path, kind, fate, allowed, fallback, reason)                                                            \
    {path, QN_CONFIG_##kind, QN_CONFIG_##fate, allowed, fallback, reason},
static const qn_config_key keys[] = {
#include "driver/config/config_keys.def"
};
#undef QN_KEY

enum { KEY_COUNT = sizeof keys / sizeof *keys, PATH_BYTES = 256, CLASSES_MAX = 256 };

size_t qn_config_key_count(void) { return KEY_COUNT; }
const qn_config_key *qn_config_key_at(size_t index) { return &keys[index]; }

qn_status *qn_config_key_find(const char *path, const char *origin, const qn_config_key **out_key) {
    const char *paths[KEY_COUNT];
    for (size_t i = 0; i < KEY_COUNT; i++) {
        paths[i] = keys[i].path;
        *out_key = &keys[i];
        if (!strcmp(keys[i].path, path)) return NULL;
    }
    const char *nearest = qn_text_nearest(path, paths, KEY_COUNT);
    for (size_t i = 0; i < KEY_COUNT && !nearest; i++) { /* "fusion_enable" alone: the right word in the wrong place */
        const char *dot = strrchr(paths[i], '.');
        if (dot && !strcmp(dot + 1, path)) nearest = paths[i];
    }
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s' is unknown%s%s%s", origin, path, nearest ? "; did you mean '" : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
}

/* ---- Messages ---- */

/* Where a value stands: the text or file it came from, its key and, in a table by number, the number. */
typedef struct place {
    const qn_config_key *key;
    const char *origin, *path;
} place;

static qn_status *wrong(const place *at, const char *expected, const json_t *found) {
    char number[32];
    if (json_is_integer(found))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(found));
    else if (json_is_real(found))
        snprintf(number, sizeof number, "%.9g", json_real_value(found));
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': expected %s, found %s", at->origin, at->path, expected,
                  json_is_number(found) ? number : qn_json_type_name(found));
}

/* Is `word` one of the comma-separated `list`? */
static int is_listed(const char *word, const char *list) {
    size_t length = strcspn(word, ",");
    if (word[length]) return 0; /* no choice holds a comma */
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (length && !strncmp(at, word, length) && (!at[length] || at[length] == ',')) return 1;
    }
    return 0;
}

static qn_status *not_listed(const place *at, const char *word) {
    const char *reason = at->key->reason;
    return QN_ERR(QN_UNSUPPORTED, "%s: key '%s': '%s' is not possible, allowed: %s%s%s%s", at->origin, at->path, word,
                  at->key->allowed, reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
}

/* ---- Plain values ---- */

static qn_status *check_any(const place *at, const json_t *value) { return (void)at, (void)value, NULL; }

static qn_status *check_bool(const place *at, const json_t *value) {
    return json_is_boolean(value) ? NULL : wrong(at, "true or false", value);
}

static qn_status *check_text(const place *at, const json_t *value) {
    if (!json_is_string(value)) return wrong(at, "a text", value);
    return is_listed(json_string_value(value), at->key->allowed) ? NULL : not_listed(at, json_string_value(value));
}

static qn_status *check_name(const place *at, const json_t *value) {
    return json_is_string(value) && json_string_length(value) ? NULL : wrong(at, "a name", value);
}

static qn_status *check_level(const place *at, const json_t *value) {
    if (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 2) return NULL;
    return wrong(at, "0, 1 or 2", value);
}

static qn_status *check_count(const place *at, const json_t *value) {
    if (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1000000) return NULL;
    return wrong(at, "an integer from 0 to 1000000", value);
}

/* `low` excluded where `strict`. */
static int is_number_within(const json_t *value, double low, int strict, double high) {
    double number = json_number_value(value);
    return json_is_number(value) && isfinite(number) && (strict ? number > low : number >= low) && number <= high;
}

static qn_status *check_numbers_within(const place *at, const json_t *value, const char *expected, double low,
                                       int strict, double high) {
    size_t i, count = json_array_size(value);
    json_t *item;
    if (!json_is_array(value)) return is_number_within(value, low, strict, high) ? NULL : wrong(at, expected, value);
    if (count != 1 && count != 3 && count != 4)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s: key '%s': %zu numbers, expected one for all channels or one per channel", at->origin,
                      at->path, count);
    json_array_foreach((json_t *)value, i,
                       item) if (!is_number_within(item, low, strict, high)) return wrong(at, expected, item);
    return NULL;
}

static qn_status *check_numbers(const place *at, const json_t *value) {
    return check_numbers_within(at, value, "a number or an array of numbers", -HUGE_VAL, 0, HUGE_VAL);
}
static qn_status *check_positives(const place *at, const json_t *value) {
    return check_numbers_within(at, value, "a number above 0 or an array of such", 0, 1, HUGE_VAL);
}
static qn_status *check_pixel(const place *at, const json_t *value) {
    return check_numbers_within(at, value, "a number from 0 to 255 or an array of such", 0, 0, 255);
}
static qn_status *check_positive(const place *at, const json_t *value) {
    return is_number_within(value, 0, 1, HUGE_VAL) ? NULL : wrong(at, "a number above 0", value);
}

/* ---- Lists ---- */

static qn_status *check_passes(const place *at, const json_t *value) {
    size_t i;
    json_t *name;
    if (!json_is_array(value)) return wrong(at, "an array of pass names", value);
    json_array_foreach((json_t *)value, i, name) {
        if (!json_is_string(name)) return wrong(at, "an array of pass names", name);
        if (qn_pass_find(json_string_value(name))) continue;
        const char *names[64];
        size_t count = 0;
        for (; count < qn_pass_count() && count < 64; count++) names[count] = qn_pass_at(count)->name;
        const char *nearest = qn_text_nearest(json_string_value(name), names, count);
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': there is no pass '%s'%s%s", at->origin, at->path,
                      json_string_value(name), nearest ? "; nearest: " : "", nearest ? nearest : "");
    }
    return NULL;
}

int qn_config_is_vendor_arch(const char *name) { return !strncmp(name, "mtp_", 4) || !strncmp(name, "tp_", 3); }

static qn_status *check_arch(const place *at, const char *name) {
    return qn_config_is_vendor_arch(name) || is_listed(name, at->key->allowed) ? NULL : not_listed(at, name);
}

static qn_status *check_archs(const place *at, const json_t *value) {
    size_t i, c;
    json_t *item, *clusters, *cluster;
    const char *name;
    if (!json_is_array(value)) return wrong(at, "an array of names", value);
    json_array_foreach((json_t *)value, i, item) {
        if (json_is_string(item)) {
            QN_TRY(check_arch(at, json_string_value(item)));
            continue;
        }
        if (!json_is_object(item)) return wrong(at, "a name or {name: [cluster numbers]}", item);
        json_object_foreach(item, name, clusters) {
            QN_TRY(check_arch(at, name));
            if (!json_is_array(clusters)) return wrong(at, "an array of cluster numbers", clusters);
            json_array_foreach(clusters, c, cluster) if (!json_is_integer(cluster) ||
                                                         json_integer_value(cluster) <
                                                             1) return wrong(at, "cluster numbers from 1 on", cluster);
        }
    }
    return NULL;
}

static qn_status *check_classes(const place *at, const json_t *value) {
    size_t i;
    json_t *name;
    if (json_is_string(value)) return check_text(at, value);
    if (!json_is_array(value)) return wrong(at, "the name of a list of classes or an array of names", value);
    if (!json_array_size(value) || json_array_size(value) > CLASSES_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': %zu names, expected 1 to %d", at->origin, at->path,
                      json_array_size(value), CLASSES_MAX);
    json_array_foreach((json_t *)value, i, name) if (!json_is_string(name)) return wrong(at, "an array of names", name);
    return NULL;
}

static qn_status *check_palette(const place *at, const json_t *value) {
    size_t i;
    json_t *color;
    if (json_is_string(value)) {
        if (is_listed(json_string_value(value), at->key->allowed)) return NULL;
        return QN_ERR(
            QN_UNSUPPORTED,
            "%s: key '%s': '%s' is not possible, allowed: %s, or an array of [red, green, blue] (a compiled file "
            "cannot refer to another file: `segment --palette FILE` does)",
            at->origin, at->path, json_string_value(value), at->key->allowed);
    }
    if (!json_is_array(value) || !json_array_size(value) || json_array_size(value) > CLASSES_MAX)
        return wrong(at, "the name of a palette or 1 to 256 colours [red, green, blue]", value);
    json_array_foreach((json_t *)value, i, color) {
        int is_color = json_array_size(color) == 3;
        for (size_t c = 0; c < 3 && is_color; c++) {
            const json_t *part = json_array_get(color, c);
            is_color = json_is_integer(part) && json_integer_value(part) >= 0 && json_integer_value(part) <= 255;
        }
        if (!is_color) return wrong(at, "a colour [red, green, blue], each from 0 to 255", color);
    }
    return NULL;
}

static qn_status *check_decode(const place *at, const json_t *value) {
    if (json_is_string(value)) return check_text(at, value);
    const json_t *axis = json_object_get(value, "logits"), *threshold = json_object_get(value, "foreground");
    const int is_axis = json_is_integer(axis) && json_integer_value(axis) >= 0 && json_integer_value(axis) <= 3;
    if (json_object_size(value) == 1 && (is_axis || is_number_within(threshold, -FLT_MAX, 0, FLT_MAX))) return NULL;
    return wrong(
        at,
        "\"labels\", \"logits\", \"scores\", \"foreground\", {\"logits\": axis} with axis 1 or 3 (0 or 2 without "
        "batch) or {\"foreground\": threshold}",
        value);
}

/* ---- Tables by the number of an input or output ---- */

typedef qn_status *(*check_fn)(const place *at, const json_t *value);

static qn_status *check_numbered(const place *at, const json_t *value, check_fn check) {
    const char *index;
    json_t *row;
    if (!json_is_object(value)) return wrong(at, "an object", value);
    json_object_foreach((json_t *)value, index, row) {
        char path[PATH_BYTES];
        size_t length = strlen(index);
        if (!length || length > 6 || strspn(index, "0123456789") != length)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s.%.40s': expected the number of an input or output",
                          at->origin, at->path, index);
        snprintf(path, sizeof path, "%s.%s", at->path, index);
        QN_TRY(check(&(place){at->key, at->origin, path}, row));
    }
    return NULL;
}

/* Both members, and nothing else. */
static int has_exactly(const json_t *object, const char *a, const char *b) {
    return json_is_object(object) && json_object_size(object) == 2 && json_object_get(object, a) &&
           json_object_get(object, b);
}

/* Equal lengths, 1 <= min <= max. What the network says of it comes when it is built. */
static qn_status *check_range(const place *at, const json_t *range) {
    const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
    if (!has_exactly(range, "min", "max")) return wrong(at, "an object with exactly 'min' and 'max'", range);
    if (!json_is_array(min)) return wrong(at, "'min' to be an array", min);
    if (!json_is_array(max)) return wrong(at, "'max' to be an array", max);
    if (json_array_size(min) != json_array_size(max))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': 'min' has %zu dims, 'max' has %zu", at->origin, at->path,
                      json_array_size(min), json_array_size(max));
    for (size_t i = 0; i < json_array_size(min); i++) {
        const json_t *low = json_array_get(min, i), *high = json_array_get(max, i);
        if (!json_is_integer(low) || !json_is_integer(high) || json_integer_value(low) < 1)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': dim %zu: expected integers, at least 1", at->origin,
                          at->path, i);
        if (json_integer_value(low) > json_integer_value(high))
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': dim %zu: min %lld is above max %lld", at->origin,
                          at->path, i, (long long)json_integer_value(low), (long long)json_integer_value(high));
    }
    return NULL;
}

/* {"NAME": {"min": [..], "max": [..]}}: floats, as many maxima as minima, min <= 0 <= max where there is one. */
static qn_status *check_value_ranges(const place *at, const json_t *value) {
    const char *name;
    json_t *row;
    if (!json_is_object(value)) return wrong(at, "an object", value);
    json_object_foreach((json_t *)value, name, row) {
        const json_t *min = json_object_get(row, "min"), *max = json_object_get(row, "max");
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s.%.200s", at->path, name);
        const place inner = {at->key, at->origin, path};
        if (!has_exactly(row, "min", "max")) return wrong(&inner, "an object with exactly 'min' and 'max'", row);
        if (!json_is_array(min) || !json_array_size(min)) return wrong(&inner, "'min' to be an array of numbers", min);
        if (!json_is_array(max) || json_array_size(max) != json_array_size(min))
            return wrong(&inner, "'max' to be an array of as many numbers as 'min'", max);
        for (size_t i = 0; i < json_array_size(min); i++) {
            const json_t *low = json_array_get(min, i), *high = json_array_get(max, i);
            if (!is_number_within(low, -FLT_MAX, 0, FLT_MAX))
                return wrong(&inner, "'min' to be an array of numbers", low);
            if (!is_number_within(high, -FLT_MAX, 0, FLT_MAX))
                return wrong(&inner, "'max' to be an array of numbers", high);
            if (json_number_value(low) > json_number_value(high))
                return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': number %zu: min %g is above max %g", at->origin, path,
                              i, json_number_value(low), json_number_value(high));
        }
    }
    return NULL;
}

static qn_status *check_norm(const place *at, const json_t *norm) {
    const json_t *mean = json_object_get(norm, "mean"), *var = json_object_get(norm, "var");
    if (!has_exactly(norm, "mean", "var")) return wrong(at, "an object with exactly 'mean' and 'var'", norm);
    if (!json_is_array(mean) || !json_array_size(mean)) return wrong(at, "'mean' to be an array of numbers", mean);
    if (!json_is_array(var)) return wrong(at, "'var' to be an array of numbers", var);
    if (json_array_size(mean) != json_array_size(var))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': 'mean' has %zu numbers, 'var' has %zu", at->origin, at->path,
                      json_array_size(mean), json_array_size(var));
    for (size_t i = 0; i < json_array_size(mean); i++) {
        if (!is_number_within(json_array_get(mean, i), -HUGE_VAL, 0, HUGE_VAL))
            return wrong(at, "'mean' to be an array of numbers", json_array_get(mean, i));
        if (!is_number_within(json_array_get(var, i), 0, 1, HUGE_VAL))
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "%s: key '%s': 'var' number %zu: expected a number above 0 (the square of the deviation)",
                          at->origin, at->path, i);
    }
    return NULL;
}

/* The same axes in another order? */
static int are_a_pair(const char *a, const char *b) { return strlen(a) == strlen(b) && strspn(a, b) == strlen(a); }

static qn_status *check_layouts(const place *at, const json_t *pair) {
    if (!has_exactly(pair, "src", "dst")) return wrong(at, "an object with exactly 'src' and 'dst'", pair);
    const json_t *src = json_object_get(pair, "src"), *dst = json_object_get(pair, "dst");
    if (!json_is_string(src)) return wrong(at, "'src' to be a text", src);
    if (!json_is_string(dst)) return wrong(at, "'dst' to be a text", dst);
    const char *from = json_string_value(src), *to = json_string_value(dst);
    if (!is_listed(from, at->key->allowed)) return not_listed(at, from);
    if (!is_listed(to, at->key->allowed)) return not_listed(at, to);
    if (!strcmp(from, to))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': 'src' and 'dst' are both %s: leave the key out", at->origin,
                      at->path, from);
    if (!are_a_pair(from, to))
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s: key '%s': %s cannot become %s; pairs are NCT and NTC, NCHW and NHWC, NCDHW and NDHWC",
                      at->origin, at->path, from, to);
    return NULL;
}

/* ---- A table by type or name of nodes ---- */

static qn_status *check_nodes(const place *at, const json_t *value) {
    const char *name;
    json_t *entry;
    if (!json_is_object(value)) return wrong(at, "an object", value);
    json_object_foreach((json_t *)value, name, entry) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s.%.200s", at->path, name);
        QN_TRY(qn_custom_nodes_check(entry, path, at->origin));
    }
    return NULL;
}

/* ---- By the table ---- */

static qn_status *check_value(const place *at, const json_t *value) {
    static const check_fn checks[] = {
        [QN_CONFIG_ANY] = check_any,
        [QN_CONFIG_BOOL] = check_bool,
        [QN_CONFIG_TEXT] = check_text,
        [QN_CONFIG_NAME] = check_name,
        [QN_CONFIG_LEVEL] = check_level,
        [QN_CONFIG_COUNT] = check_count,
        [QN_CONFIG_POSITIVE] = check_positive,
        [QN_CONFIG_NUMBERS] = check_numbers,
        [QN_CONFIG_PIXEL] = check_pixel,
        [QN_CONFIG_POSITIVES] = check_positives,
        [QN_CONFIG_PASSES] = check_passes,
        [QN_CONFIG_ARCHS] = check_archs,
        [QN_CONFIG_DECODE] = check_decode,
        [QN_CONFIG_CLASSES] = check_classes,
        [QN_CONFIG_PALETTE] = check_palette,
        [QN_CONFIG_NODES] = check_nodes,
        [QN_CONFIG_VALUE_RANGES] = check_value_ranges,
    };
    switch (at->key->kind) {
    case QN_CONFIG_RANGES: return check_numbered(at, value, check_range);
    case QN_CONFIG_NORMS: return check_numbered(at, value, check_norm);
    case QN_CONFIG_LAYOUTS: return check_numbered(at, value, check_layouts);
    default: return checks[at->key->kind](at, value);
    }
}

/* Asking for what is there anyway is no wish. */
static int is_fallback(const qn_config_key *key, const json_t *value) {
    json_t *fallback = key->fallback ? json_loads(key->fallback, JSON_DECODE_ANY, NULL) : NULL;
    int equal = fallback && json_equal(fallback, value);
    json_decref(fallback);
    return equal;
}

/* Depth follows the table, not the text. */
static qn_status *check_object(const json_t *object, const char *prefix, const char *origin) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        char path[PATH_BYTES];
        const qn_config_key *key;
        if (strlen(prefix) + strlen(name) + 2 > sizeof path)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%.40s...' is unknown", origin, name);
        strcpy(path, prefix);
        if (*prefix) strcat(path, ".");
        strcat(path, name);
        if (strchr(name, '.'))
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s' is unknown: write an object for each part before a dot",
                          origin, path);
        QN_TRY(qn_config_key_find(path, origin, &key));
        const place at = {key, origin, path};
        if (key->fate == QN_CONFIG_REFUSED && !is_fallback(key, value))
            return QN_ERR(QN_UNSUPPORTED, "%s: key '%s': %s", origin, path, key->reason);
        if (key->kind != QN_CONFIG_OBJECT) {
            QN_TRY(check_value(&at, value));
        } else {
            if (!json_is_object(value)) return wrong(&at, "an object", value);
            QN_TRY(check_object(value, path, origin));
        }
    }
    return NULL;
}

qn_status *qn_config_check(const json_t *object, const char *origin) {
    if (!json_is_object(object))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: expected a JSON object, found %s", origin, qn_json_type_name(object));
    return check_object(object, "", origin);
}
