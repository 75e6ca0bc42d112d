/* Whether what a compiled file says of itself can be understood. */
#include "base/entry.h"
#include "driver/config/config_check.h"
#include "driver/common/json.h"
#include "driver/refit/refit.h"
#include "quench/build.h"
#include "quench/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHERE_BYTES = 96, HASH_LETTERS = 16 };

typedef enum meta_kind { TEXT, HASH, COUNT, DIM, AXIS, NUMBER, NUMBERS, COUNTS, NAMES, COLORS, OBJECT, LIST } meta_kind;

static int is_count(const json_t *value) { return json_is_integer(value) && json_integer_value(value) >= 0; }
static int is_dim(const json_t *value) { return json_is_integer(value) && json_integer_value(value) >= -1; }
static int is_text(const json_t *value) { return json_is_string(value); }
static int is_number(const json_t *value) { return json_is_number(value); }

static int is_axis(const json_t *value) { return is_count(value) && json_integer_value(value) < QN_MAX_RANK; }

static int is_hash(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strspn(text, "0123456789abcdef") == HASH_LETTERS && strlen(text) == HASH_LETTERS;
}

static int is_list(const json_t *value, int (*is_item)(const json_t *item)) {
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item) if (!is_item(item)) return 0;
    return json_is_array(value);
}

/* One of the sets of classes that quench has: a name of anything else would be a file on the reader's machine. */
static int is_set(const json_t *value) {
    static const char *const sets[] = {"voc", "ade20k", "cityscapes"};
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(text, sets[i])) return 1;
    return 0;
}

static int is_byte(const json_t *value) { return is_count(value) && json_integer_value(value) <= 255; }
static int is_color(const json_t *value) { return is_list(value, is_byte) && json_array_size(value) == 3; }

static int is_kind(const json_t *value, meta_kind kind) {
    switch (kind) {
    case TEXT: return is_text(value);
    case HASH: return is_hash(value);
    case COUNT: return is_count(value);
    case DIM: return is_dim(value);
    case AXIS: return is_axis(value);
    case NUMBER: return is_number(value);
    case NUMBERS: return is_list(value, is_number);
    case COUNTS: return is_list(value, is_count);
    case NAMES: return is_set(value) || is_list(value, is_text);
    case COLORS: return is_set(value) || is_list(value, is_color);
    case OBJECT: return json_is_object(value);
    default: return json_is_array(value);
    }
}

static qn_status *wrong(const char *where, meta_kind kind, const json_t *found) {
    static const char *const expected[] = {"a text",
                                           "a text of 16 hexadecimal digits",
                                           "an integer from 0 on",
                                           "an integer from -1 on",
                                           "the number of an axis",
                                           "a number",
                                           "an array of numbers",
                                           "an array of integers from 0 on",
                                           "voc, ade20k, cityscapes or an array of texts",
                                           "voc, ade20k, cityscapes or an array of [r, g, b]",
                                           "an object",
                                           "an array"};
    char *text = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    qn_status *status = QN_ERR(QN_INVALID_MODEL, "meta: %s: expected %s, found %s%s%.60s", where, expected[kind],
                               qn_json_type_name(found), text ? ": " : "", text ? text : "");
    free(text);
    return status;
}

/* ---- Members ---- */

/* A member of an object; what is not listed is left to newer versions. Required is what readers cannot do without. */
typedef struct member {
    const char *name;
    meta_kind kind;
    int is_required;
} member;

static qn_status *check_members(const json_t *object, const char *where, const member *members, size_t count) {
    if (!json_is_object(object)) return wrong(where, OBJECT, object);
    for (size_t i = 0; i < count; i++) {
        char place[WHERE_BYTES];
        const json_t *value = json_object_get(object, members[i].name);
        snprintf(place, sizeof place, "%s%s%s", where, *where ? "." : "", members[i].name);
        if (value ? !is_kind(value, members[i].kind) : members[i].is_required)
            return wrong(place, members[i].kind, value);
    }
    return NULL;
}

#define CHECK_MEMBERS(object, where, members) check_members(object, where, members, sizeof members / sizeof *members)

static qn_status *check_source(const json_t *source) {
    static const member members[] = {{"format", TEXT, 0}, {"name", TEXT, 0}, {"bytes", COUNT, 0}, {"xxh3", HASH, 0}};
    return CHECK_MEMBERS(source, "source", members);
}

static qn_status *check_declared(const json_t *declared) {
    size_t i, axis;
    json_t *dims, *dim;
    json_array_foreach((json_t *)declared, i, dims) {
        char where[WHERE_BYTES];
        snprintf(where, sizeof where, "declared.%zu", i);
        if (!json_is_array(dims)) return wrong(where, LIST, dims);
        json_array_foreach(dims, axis, dim) if (!is_dim(dim)) return wrong(where, DIM, dim);
    }
    return NULL;
}

static qn_status *check_pins(const json_t *pins) {
    static const member members[] = {{"input", TEXT, 0}, {"axis", AXIS, 0}, {"size", COUNT, 0}, {"reason", TEXT, 0}};
    size_t i;
    json_t *pin;
    json_array_foreach((json_t *)pins, i, pin) {
        char where[WHERE_BYTES];
        snprintf(where, sizeof where, "pinned.%zu", i);
        QN_TRY(CHECK_MEMBERS(pin, where, members));
    }
    return NULL;
}

static qn_status *check_image(const json_t *image) {
    static const member members[] = {
        {"input", TEXT, 1},    {"output", TEXT, 1},       {"layout", TEXT, 0},      {"color", TEXT, 0},
        {"decode", TEXT, 0},   {"fit", TEXT, 0},          {"axis", AXIS, 0},        {"mean", NUMBERS, 0},
        {"std", NUMBERS, 0},   {"pad_value", NUMBERS, 0}, {"scale", NUMBER, 0},     {"class_count", COUNT, 0},
        {"classes", NAMES, 0}, {"palette", COLORS, 0},    {"threshold", NUMBER, 0}, {"threshold_reason", TEXT, 0}};
    return CHECK_MEMBERS(image, "image", members);
}

static qn_status *check_config(const json_t *config) {
    qn_status *status = qn_config_check(config, "meta: config");
    const qn_code code = qn_status_code(status);
    if (!status || code == QN_OUT_OF_MEMORY) return status;
    qn_status *damaged = QN_ERR(QN_INVALID_MODEL, "%s", qn_status_message(status));
    qn_status_free(status);
    return damaged;
}

static qn_status *check_all(const qn_model *model, const json_t *meta) {
    static const member members[] = {{"quench", TEXT, 0},   {"source", OBJECT, 0},    {"config", OBJECT, 0},
                                     {"declared", LIST, 0}, {"pinned", LIST, 0},      {"refit", OBJECT, 0},
                                     {"image", OBJECT, 0},  {"unbatched", COUNTS, 0}, {"picture_size", COUNTS, 0}};
    const json_t *source = json_object_get(meta, "source"), *config = json_object_get(meta, "config"),
                 *image = json_object_get(meta, "image");
    if (!json_is_object(meta))
        return QN_ERR(QN_INVALID_MODEL, "meta: expected a JSON object, found %s", qn_json_type_name(meta));
    QN_TRY(CHECK_MEMBERS(meta, "", members));
    if (source) QN_TRY(check_source(source));
    if (config) QN_TRY(check_config(config));
    QN_TRY(check_declared(json_object_get(meta, "declared")));
    QN_TRY(check_pins(json_object_get(meta, "pinned")));
    if (image) QN_TRY(check_image(image));
    return json_object_get(meta, "refit") ? qn_status_context(qn_refit_check(model), "meta") : NULL;
}

qn_status *qn_model_check_meta(const qn_model *model) {
    QN_ENTER();
    QN_REQUIRE_ARG(model);
    const char *text = qn_model_get_info(model)->meta;
    json_t *meta;
    QN_TRY(qn_json_parse_meta(text, &meta));
    qn_status *status = check_all(model, meta);
    json_decref(meta);
    return status;
}
