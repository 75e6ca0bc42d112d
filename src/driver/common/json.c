#include "driver/common/json.h"

#include "base/text.h"

#include <string.h>

enum { NAME_SHOWN = 200 };

/* The parser stopped behind the closing quote of the second one. In between, quotes follow a backslash. */
static qn_status *refuse_duplicate(const char *text, size_t bytes, const char *origin, const json_error_t *error) {
    const size_t end = error->position > 0 && (size_t)error->position <= bytes ? (size_t)error->position - 1 : 0;
    size_t start = end;
    while (start && (text[start - 1] != '"' || (start > 1 && text[start - 2] == '\\'))) start--;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: duplicate key '%.*s'", origin, error->line,
                  (int)(end - start < NAME_SHOWN ? end - start : NAME_SHOWN), text + start);
}

qn_status *qn_json_parse(const char *text, size_t bytes, size_t flags, const char *origin, json_t **out_value) {
    json_error_t error;
    *out_value = NULL;
    if (bytes > QN_JSON_BYTES_MAX) return QN_ERR(QN_LIMIT, "%s: larger than %d MiB", origin, QN_JSON_BYTES_MAX >> 20);
    if (!qn_json_is_shallow(text, bytes))
        return QN_ERR(QN_LIMIT, "%s: nested deeper than %d levels", origin, QN_JSON_DEPTH_MAX);
    *out_value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | flags, &error);
    if (*out_value) return NULL;
    if (json_error_code(&error) == json_error_duplicate_key) return refuse_duplicate(text, bytes, origin, &error);
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: no JSON: %s", origin, error.line, error.text);
}

qn_status *qn_json_parse_meta(const char *text, json_t **out_value) {
    qn_status *status = qn_json_parse(text, strlen(text), 0, "meta", out_value);
    const qn_code code = qn_status_code(status);
    if (code != QN_LIMIT && code != QN_INVALID_ARGUMENT) return status;
    qn_status *damaged = QN_ERR(QN_INVALID_MODEL, "%s", qn_status_message(status));
    qn_status_free(status);
    return damaged;
}

const char *qn_json_type_name(const json_t *value) {
    static const char *const names[] = {"an object", "an array", "a text", "an integer",
                                        "a number",  "true",     "false",  "null"};
    return value ? names[json_typeof(value)] : "nothing";
}
