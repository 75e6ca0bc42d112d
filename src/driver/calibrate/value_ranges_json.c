#include "driver/calibrate/value_ranges.h"

#include "base/file.h"
#include "base/text.h"
#include "driver/common/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_NAME    "quench ranges "
#define FORMAT_VERSION "1"

/* The keys of a value: the bounds, how many elements were seen, and the arrays in the order of their members. */
static const char *const value_keys[] = {"min",         "max",          "elements",      "channel_min",
                                         "channel_max", "channel_mean", "channel_square"};
static const char *const *const array_keys = value_keys + 3;

enum { KEY_COUNT = sizeof value_keys / sizeof *value_keys, ARRAY_COUNT = KEY_COUNT - 3 };

/* ---- Writing ---- */

/* Takes `value`, which is NULL where making it failed. Nine digits bring every float back. */
static void put(qn_buffer *buffer, const char *before, json_t *value) {
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    qn_buffer_printf(buffer, "%s%s", before, text ? text : "");
    if (!text) buffer->failed = 1;
    free(text);
    json_decref(value);
}

static json_t *array_of(const float *numbers, int64_t count) {
    json_t *array = json_array();
    for (int64_t i = 0; array && i < count; i++) {
        if (!json_array_append_new(array, json_real(numbers[i]))) continue;
        json_decref(array);
        array = NULL;
    }
    return array;
}

static qn_status *write_value(const qn_value_range *range, const char *before, qn_buffer *buffer) {
    const float *const arrays[ARRAY_COUNT] = {range->channel_low, range->channel_high, range->channel_mean,
                                              range->channel_square};
    json_t *name = json_string(range->name);
    if (!name) return QN_ERR(QN_INVALID_ARGUMENT, "value '%.200s': its name is no UTF-8", range->name);
    put(buffer, before, name);
    put(buffer, ": {\"min\": ", json_real(range->low));
    put(buffer, ", \"max\": ", json_real(range->high));
    if (range->elements) put(buffer, ", \"elements\": ", json_integer(range->elements));
    for (int i = 0; i < ARRAY_COUNT; i++) {
        if (!arrays[i]) continue;
        qn_buffer_printf(buffer, ",\n      \"%s\": ", array_keys[i]);
        put(buffer, "", array_of(arrays[i], range->channels));
    }
    qn_buffer_printf(buffer, "}");
    return NULL;
}

qn_status *qn_value_ranges_write(const qn_value_ranges *ranges, qn_buffer *buffer) {
    json_t *network = json_string(ranges->network);
    if (!network) return QN_ERR(QN_INVALID_ARGUMENT, "the name of network '%.200s' is no UTF-8", ranges->network);
    put(buffer, "{\n  \"format\": \"" FORMAT_NAME FORMAT_VERSION "\",\n  \"network\": ", network);
    put(buffer, ",\n  \"algorithm\": ", json_string(ranges->algorithm));
    put(buffer, ",\n  \"samples\": ", json_integer(ranges->samples));
    if (ranges->has_source)
        qn_buffer_printf(buffer, ",\n  \"source\": {\"bytes\": %llu, \"hash\": \"%016llx\"}",
                         (unsigned long long)ranges->source_bytes, (unsigned long long)ranges->source_hash);
    qn_buffer_printf(buffer, ",\n  \"values\": {");
    for (size_t i = 0; i < ranges->list.count; i++)
        QN_TRY(write_value(&ranges->list.items[i], i ? ",\n    " : "\n    ", buffer));
    qn_buffer_printf(buffer, "%s}\n}\n", ranges->list.count ? "\n  " : "");
    return buffer->failed ? qn_status_out_of_memory() : NULL;
}

/* ---- Reading ---- */

static qn_status *wrong(const char *key, const char *expected, const json_t *found) {
    return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': expected %s, found %s", key, expected, qn_json_type_name(found));
}

/* Refuses members of `object` that are none of `keys`. */
static qn_status *check_keys(json_t *object, const char *const *keys, size_t count) {
    const char *key;
    json_t *member;
    json_object_foreach(object, key, member) {
        size_t i = 0;
        while (i < count && strcmp(keys[i], key)) i++;
        if (i < count) continue;
        const char *nearest = qn_text_nearest(key, keys, count);
        return QN_ERR(QN_INVALID_ARGUMENT, "key '%.200s' is unknown%s%s%s", key, nearest ? "; did you mean '" : "",
                      nearest ? nearest : "", nearest ? "'?" : "");
    }
    return NULL;
}

static qn_status *read_float(const json_t *value, const char *key, float *out) {
    const double number = json_number_value(value);
    if (!json_is_number(value)) return wrong(key, "a number", value);
    if (!(fabs(number) < 0x1.ffffffp127)) /* less rounds to a float: nine digits may lie above the largest */
        return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': %g is beyond the largest float", key, number);
    *out = (float)number;
    return NULL;
}

static qn_status *read_count(const json_t *object, const char *key, int64_t *out) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) return wrong(key, "an integer", value);
    *out = json_integer_value(value);
    if (*out < 0) return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': %lld is negative", key, (long long)*out);
    return NULL;
}

/* `arena` NULL: the text stays the object's. */
static qn_status *read_text(const json_t *object, const char *key, qn_arena *arena, const char **out) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return wrong(key, "a text", value);
    *out = json_string_value(value);
    if (arena) *out = qn_arena_copy_string(arena, *out, strlen(*out));
    return *out ? NULL : qn_status_out_of_memory();
}

static qn_status *read_array(const json_t *array, const char *key, qn_arena *arena, int64_t *inout_channels,
                             const float **out) {
    const int64_t count = (int64_t)json_array_size(array);
    if (!json_is_array(array)) return wrong(key, "an array of numbers", array);
    if (!count) return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': the array is empty", key);
    if (count > QN_VALUE_CHANNELS_MAX)
        return QN_ERR(QN_LIMIT, "key '%s': more than %d channels", key, QN_VALUE_CHANNELS_MAX);
    if (*inout_channels && *inout_channels != count)
        return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': %lld numbers, but an array before has %lld", key,
                      (long long)count, (long long)*inout_channels);
    float *numbers = QN_ARENA_ARRAY(arena, float, (size_t)count);
    if (!numbers) return qn_status_out_of_memory();
    for (int64_t i = 0; i < count; i++)
        QN_TRY_CTX(read_float(json_array_get(array, (size_t)i), key, &numbers[i]), "channel %lld", (long long)i);
    *inout_channels = count;
    *out = numbers;
    return NULL;
}

static qn_status *read_members(const char *name, json_t *object, qn_arena *scratch, qn_value_range *out) {
    const float *arrays[ARRAY_COUNT] = {NULL};
    *out = (qn_value_range){.name = name};
    if (!json_is_object(object))
        return QN_ERR(QN_INVALID_ARGUMENT, "expected an object, found %s", qn_json_type_name(object));
    QN_TRY(check_keys(object, value_keys, KEY_COUNT));
    QN_TRY(read_float(json_object_get(object, "min"), "min", &out->low));
    QN_TRY(read_float(json_object_get(object, "max"), "max", &out->high));
    if (json_object_get(object, "elements")) {
        QN_TRY(read_count(object, "elements", &out->elements));
        if (!out->elements) return QN_ERR(QN_INVALID_ARGUMENT, "key 'elements': 0 were seen; expected 1 or more");
    }
    for (int i = 0; i < ARRAY_COUNT; i++) {
        const json_t *array = json_object_get(object, array_keys[i]);
        if (array) QN_TRY(read_array(array, array_keys[i], scratch, &out->channels, &arrays[i]));
    }
    out->channel_low = arrays[0], out->channel_high = arrays[1];
    out->channel_mean = arrays[2], out->channel_square = arrays[3];
    return NULL;
}

static qn_status *read_value(qn_value_ranges *ranges, const char *name, json_t *object) {
    qn_value_range range;
    qn_arena scratch; /* the table copies */
    qn_arena_init(&scratch, ranges->arena->allocator);
    qn_status *status = read_members(name, object, &scratch, &range);
    if (status)
        status = qn_status_context(status, "value '%.200s'", name);
    else
        status = qn_value_ranges_add(ranges, &range);
    qn_arena_deinit(&scratch);
    return status;
}

static qn_status *read_source(qn_value_ranges *ranges, json_t *source) {
    static const char *const keys[] = {"bytes", "hash"};
    const char *hash;
    int64_t bytes;
    if (!json_is_object(source)) return wrong("source", "an object", source);
    QN_TRY_CTX(check_keys(source, keys, 2), "source");
    QN_TRY_CTX(read_count(source, "bytes", &bytes), "source");
    QN_TRY_CTX(read_text(source, "hash", NULL, &hash), "source");
    if (strlen(hash) != 16 || strspn(hash, "0123456789abcdef") != 16)
        return QN_ERR(QN_INVALID_ARGUMENT, "source: key 'hash': expected 16 hexadecimal digits");
    ranges->source_bytes = (uint64_t)bytes;
    ranges->source_hash = strtoull(hash, NULL, 16);
    ranges->has_source = 1;
    return NULL;
}

static qn_status *check_format(const json_t *root) {
    const char *format;
    QN_TRY(read_text(root, "format", NULL, &format));
    if (!strcmp(format, FORMAT_NAME FORMAT_VERSION)) return NULL;
    if (!strncmp(format, FORMAT_NAME, strlen(FORMAT_NAME)))
        return QN_ERR(QN_INCOMPATIBLE, "'%.40s', but this version reads '" FORMAT_NAME FORMAT_VERSION "'", format);
    return QN_ERR(QN_INVALID_ARGUMENT, "key 'format': '%.40s' is no '" FORMAT_NAME FORMAT_VERSION "'", format);
}

static qn_status *read_root(qn_value_ranges *ranges, json_t *root) {
    static const char *const keys[] = {"format", "network", "algorithm", "samples", "source", "values"};
    const char *name;
    json_t *value;
    if (!json_is_object(root))
        return QN_ERR(QN_INVALID_ARGUMENT, "expected a JSON object, found %s", qn_json_type_name(root));
    QN_TRY(check_format(root));
    QN_TRY(check_keys(root, keys, sizeof keys / sizeof *keys));
    QN_TRY(read_text(root, "network", ranges->arena, &ranges->network));
    QN_TRY(read_text(root, "algorithm", ranges->arena, &ranges->algorithm));
    QN_TRY(read_count(root, "samples", &ranges->samples));
    json_t *source = json_object_get(root, "source"), *values = json_object_get(root, "values");
    if (source) QN_TRY(read_source(ranges, source));
    if (!json_is_object(values)) return wrong("values", "an object", values);
    json_object_foreach(values, name, value) QN_TRY(read_value(ranges, name, value));
    return NULL;
}

qn_status *qn_value_ranges_parse(const char *text, size_t bytes, const char *origin, qn_arena *arena,
                                 qn_value_ranges *out_ranges) {
    json_t *root;
    qn_value_ranges_init(out_ranges, arena);
    const char *kept = qn_arena_copy_string(arena, origin, strlen(origin));
    if (!kept) return qn_status_out_of_memory();
    out_ranges->origin = kept;
    QN_TRY(qn_json_parse(text, bytes, 0, origin, &root));
    qn_status *status = read_root(out_ranges, root);
    json_decref(root);
    return status ? qn_status_context(status, "%s", origin) : NULL;
}

qn_status *qn_value_ranges_read_file(const char *path, qn_arena *arena, qn_value_ranges *out_ranges) {
    qn_bytes text;
    qn_value_ranges_init(out_ranges, arena);
    QN_TRY(qn_file_read(path, "JSON", QN_JSON_BYTES_MAX, NULL, &text));
    qn_status *status = qn_value_ranges_parse((const char *)text.data, text.size, path, arena, out_ranges);
    qn_free(qn_allocator_default(), (void *)text.data);
    return status;
}
