#include "driver/json.h"

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

qn_status *qn_json_parse(const char *text, size_t bytes, size_t flags, const char *origin, json_t **out_value) {
    json_error_t error;
    *out_value = NULL;
    if (bytes > QN_JSON_BYTES_MAX) return QN_ERR(QN_LIMIT, "%s: larger than %d MiB", origin, QN_JSON_BYTES_MAX >> 20);
    QN_TRY(check_depth(text, bytes, origin));
    *out_value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | flags, &error);
    return *out_value ? NULL : QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: no JSON: %s", origin, error.line, error.text);
}

const char *qn_json_type_name(const json_t *value) {
    static const char *const names[] = {"an object", "an array", "a text", "an integer",
                                        "a number",  "true",     "false",  "null"};
    return value ? names[json_typeof(value)] : "nothing";
}
