#include "driver/json.h"

enum { NAME_SHOWN = 200 };

/* The parser of the JSON library recurses, so nesting is bounded before it sees the text. */
static qn_status *check_depth(const char *text, size_t bytes, const char *origin) {
    int depth = 0, in_text = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (in_text) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_text = 0;
        } else if (text[i] == '"') {
            in_text = 1;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > QN_JSON_DEPTH_MAX)
                return QN_ERR(QN_LIMIT, "%s: nested deeper than %d levels", origin, QN_JSON_DEPTH_MAX);
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return NULL;
}

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
    QN_TRY(check_depth(text, bytes, origin));
    *out_value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | flags, &error);
    if (*out_value) return NULL;
    if (json_error_code(&error) == json_error_duplicate_key) return refuse_duplicate(text, bytes, origin, &error);
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: no JSON: %s", origin, error.line, error.text);
}

const char *qn_json_type_name(const json_t *value) {
    static const char *const names[] = {"an object", "an array", "a text", "an integer",
                                        "a number",  "true",     "false",  "null"};
    return value ? names[json_typeof(value)] : "nothing";
}
