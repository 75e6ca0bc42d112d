/* Attributes by their schema: defaults, checking, text, binary form. */
#include "op/op.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 64, DTYPE_HIGH = QN_DTYPE_BOOL };

static const qn_attr_def no_attrs[] = {{.name = NULL}};

static const qn_attr_def *schema(const qn_op_def *op) { return op->attrs ? op->attrs : no_attrs; }
static void *field(const qn_attr_def *def, void *attrs) { return (char *)attrs + def->offset; }
static const void *const_field(const qn_attr_def *def, const void *attrs) { return (const char *)attrs + def->offset; }
static int64_t int_of(const qn_attr_def *def, const void *attrs) { return *(const int64_t *)const_field(def, attrs); }
static float float_of(const qn_attr_def *def, const void *attrs) { return *(const float *)const_field(def, attrs); }
static const qn_ints *ints_of(const qn_attr_def *def, const void *attrs) { return const_field(def, attrs); }
static const char *text_of(const qn_attr_def *def, const void *attrs) {
    const char *text = *(const char *const *)const_field(def, attrs);
    return text ? text : "";
}

static int64_t name_count(const qn_attr_def *def) {
    int64_t count = 0;
    while (def->names[count]) count++;
    return count;
}

/* "a, b, c" into `out`, cut to fit. */
static void list_names(const char *const *names, char *out, size_t out_bytes) {
    size_t used = 0;
    *out = '\0';
    for (int i = 0; names[i] && used < out_bytes; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i ? ", " : "", names[i]);
}

/* ---- Numbers as text, with a point whatever the locale says ---- */

static void swap_point(char *text, char from, char to) {
    for (; from != to && *text; text++)
        if (*text == from) *text = to;
}

static char locale_point(void) { return localeconv()->decimal_point[0]; }

static int parse_int(const char *text, size_t length, int64_t *out_value) {
    char copy[NUMBER_TEXT_MAX], *end;
    if (!length || length >= sizeof copy || isspace((unsigned char)*text)) return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    errno = 0;
    long long value = strtoll(copy, &end, 10);
    *out_value = value;
    return !errno && end == copy + length;
}

static int parse_float(const char *text, float *out_value) {
    char copy[NUMBER_TEXT_MAX], *end;
    size_t length = strlen(text);
    if (!length || length >= sizeof copy || isspace((unsigned char)*text)) return 0;
    memcpy(copy, text, length + 1);
    swap_point(copy, '.', locale_point());
    *out_value = strtof(copy, &end);
    return end == copy + length;
}

static void print_float(float value, qn_buffer *buffer) {
    char text[NUMBER_TEXT_MAX];
    for (int digits = 6; digits <= 9; digits++) { /* the fewest that give the same number back */
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    swap_point(text, locale_point(), '.');
    qn_buffer_printf(buffer, "%s", text);
}

/* ---- Text between quotes ---- */

static void print_text(const char *text, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            qn_buffer_printf(buffer, "\\%c", c);
        else if (c == '\n')
            qn_buffer_printf(buffer, "\\n");
        else if (c < 0x20 || c == 0x7f)
            qn_buffer_printf(buffer, "\\x%02x", c);
        else
            qn_buffer_append(buffer, &c, 1);
    }
    qn_buffer_printf(buffer, "\"");
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes the escapes of `in` (after the first quote) into `out`, which is as long. 0 if the text is malformed. */
static int unquote(const char *in, char *out) {
    for (; *in && *in != '"'; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in == '"' || *in == '\\') {
            *out++ = *in;
        } else if (*in == 'n') {
            *out++ = '\n';
        } else if (*in == 'x' && hex_digit(in[1]) >= 0 && hex_digit(in[2]) >= 0) {
            int code = hex_digit(in[1]) * 16 + hex_digit(in[2]);
            if (!code) return 0;
            *out++ = (char)code;
            in += 2;
        } else {
            return 0;
        }
    }
    *out = '\0';
    return in[0] == '"' && !in[1];
}

/* ---- Parsing ---- */

static int parse_ints(const char *text, qn_ints *out) {
    *out = (qn_ints){0};
    if (*text++ != '[') return 0;
    while (*text == ' ') text++;
    if (*text == ']') return !text[1];
    for (;;) {
        while (*text == ' ') text++;
        size_t length = strcspn(text, ",] ");
        if (out->count >= QN_ATTR_INTS_MAX || !parse_int(text, length, &out->values[out->count++])) return 0;
        text += length;
        while (*text == ' ') text++;
        if (*text == ']') return !text[1];
        if (*text++ != ',') return 0;
    }
}

static int parse_enum(const qn_attr_def *def, const char *text, int64_t *out_value) {
    for (int64_t i = 0; def->names[i]; i++) {
        if (strcmp(def->names[i], text)) continue;
        *out_value = i;
        return 1;
    }
    return 0;
}

static int parse_bool(const char *text, int64_t *out_value) {
    *out_value = !strcmp(text, "true") || !strcmp(text, "1");
    return *out_value || !strcmp(text, "false") || !strcmp(text, "0");
}

/* 1, or 0 when `text` is no value of this kind, or -1 without memory. `arena` NULL: text is borrowed. */
static int parse_value(const qn_attr_def *def, const char *text, void *out_field, qn_arena *arena) {
    switch (def->kind) {
    case QN_ATTR_INT: return parse_int(text, strlen(text), out_field);
    case QN_ATTR_FLOAT: return parse_float(text, out_field);
    case QN_ATTR_BOOL: return parse_bool(text, out_field);
    case QN_ATTR_ENUM: return parse_enum(def, text, out_field);
    case QN_ATTR_DTYPE: *(int64_t *)out_field = qn_dtype_from_name(text); return *(int64_t *)out_field != QN_DTYPE_NONE;
    case QN_ATTR_INTS: return parse_ints(text, out_field);
    case QN_ATTR_TEXT: {
        if (!arena) {
            *(const char **)out_field = text;
            return 1;
        }
        char *copy = qn_arena_copy_string(arena, text, strlen(text));
        *(const char **)out_field = copy ? copy : "";
        if (!copy) return -1;
        return *text != '"' || unquote(text + 1, copy);
    }
    }
    return 0;
}

static const char *kind_text(const qn_attr_def *def, char *out, size_t out_bytes) {
    switch (def->kind) {
    case QN_ATTR_INT: return "an integer";
    case QN_ATTR_FLOAT: return "a number";
    case QN_ATTR_BOOL: return "true or false";
    case QN_ATTR_DTYPE: return "an element type such as f32, u8 or s64";
    case QN_ATTR_INTS: return "a list of integers such as [1, 2]";
    case QN_ATTR_TEXT: return "text in double quotes";
    case QN_ATTR_ENUM: break;
    }
    size_t used = (size_t)snprintf(out, out_bytes, "one of ");
    list_names(def->names, out + used, out_bytes - used);
    return out;
}

void qn_attrs_init(const qn_op_def *op, void *attrs) {
    memset(attrs, 0, op->attrs_bytes);
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        if (def->kind == QN_ATTR_TEXT) *(const char **)field(def, attrs) = "";
        if (!def->fallback) continue;
        int parsed = parse_value(def, def->fallback, field(def, attrs), NULL);
        assert(parsed == 1);
        (void)parsed;
    }
}

static qn_status *unknown_attr(const qn_op_def *op, const char *name) {
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX + 1] = {NULL};
    size_t count = 0;
    for (const qn_attr_def *def = schema(op); def->name && count < NAMES_MAX; def++) names[count++] = def->name;
    if (!count) return QN_ERR(QN_INVALID_MODEL, "%s has no attributes, found '%s'", op->name, name);
    const char *nearest = qn_text_nearest(name, names, count);
    if (nearest)
        return QN_ERR(QN_INVALID_MODEL, "%s has no attribute '%s'; did you mean '%s'?", op->name, name, nearest);
    char list[256];
    list_names(names, list, sizeof list);
    return QN_ERR(QN_INVALID_MODEL, "%s has no attribute '%s'; it has %s", op->name, name, list);
}

/* ---- Checking ---- */

static qn_status *verify_int(const qn_op_def *op, const qn_attr_def *def, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute '%s' in [%lld, %lld], found %lld", op->name, def->name,
                  (long long)low, (long long)high, (long long)value);
}

static qn_status *verify_ints(const qn_op_def *op, const qn_attr_def *def, const qn_ints *ints) {
    if (ints->count < 0 || ints->count > QN_ATTR_INTS_MAX)
        return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute '%s' with at most %d numbers, found %lld", op->name,
                      def->name, QN_ATTR_INTS_MAX, (long long)ints->count);
    if (def->count >= 0 && ints->count != def->count)
        return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute '%s' with %lld numbers, found %lld", op->name,
                      def->name, (long long)def->count, (long long)ints->count);
    for (int64_t i = 0; i < ints->count; i++) QN_TRY(verify_int(op, def, ints->values[i], def->low, def->high));
    return NULL;
}

static qn_status *verify_dtype(const qn_op_def *op, const qn_attr_def *def, int64_t value) {
    if (value > QN_DTYPE_NONE && value <= DTYPE_HIGH) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute '%s' to be an element type, found %s (%lld)", op->name,
                  def->name, qn_dtype_name((qn_dtype)value), (long long)value);
}

static qn_status *verify_one(const qn_op_def *op, const qn_attr_def *def, const void *attrs) {
    switch (def->kind) {
    case QN_ATTR_INT: return verify_int(op, def, int_of(def, attrs), def->low, def->high);
    case QN_ATTR_BOOL: return verify_int(op, def, int_of(def, attrs), 0, 1);
    case QN_ATTR_ENUM: return verify_int(op, def, int_of(def, attrs), 0, name_count(def) - 1);
    case QN_ATTR_DTYPE: return verify_dtype(op, def, int_of(def, attrs));
    case QN_ATTR_INTS: return verify_ints(op, def, ints_of(def, attrs));
    case QN_ATTR_FLOAT:
    case QN_ATTR_TEXT: return NULL;
    }
    return NULL;
}

qn_status *qn_attrs_verify(const qn_op_def *op, const void *attrs) {
    for (const qn_attr_def *def = schema(op); def->name; def++) QN_TRY(verify_one(op, def, attrs));
    return NULL;
}

qn_status *qn_attrs_parse_one(const qn_op_def *op, void *attrs, const char *name, const char *text, qn_arena *arena) {
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        if (strcmp(def->name, name)) continue;
        int parsed = parse_value(def, text, field(def, attrs), arena);
        if (parsed > 0) return verify_one(op, def, attrs);
        if (parsed < 0) return qn_status_out_of_memory();
        char kind[256];
        return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute '%s' to be %s, found '%.100s'", op->name, name,
                      kind_text(def, kind, sizeof kind), text);
    }
    return unknown_attr(op, name);
}

/* ---- Comparing ---- */

static int equal_one(const qn_attr_def *def, const void *a, const void *b) {
    switch (def->kind) {
    case QN_ATTR_FLOAT: return !memcmp(const_field(def, a), const_field(def, b), sizeof(float));
    case QN_ATTR_TEXT: return !strcmp(text_of(def, a), text_of(def, b));
    case QN_ATTR_INTS: {
        const qn_ints *x = ints_of(def, a), *y = ints_of(def, b);
        return x->count == y->count && !memcmp(x->values, y->values, (size_t)x->count * sizeof x->values[0]);
    }
    default: return int_of(def, a) == int_of(def, b);
    }
}

int qn_attrs_equal(const qn_op_def *op, const void *a, const void *b) {
    for (const qn_attr_def *def = schema(op); def->name; def++)
        if (!equal_one(def, a, b)) return 0;
    return 1;
}

uint64_t qn_attrs_hash(const qn_op_def *op, const void *attrs) {
    uint64_t hash = 0;
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        const qn_ints *ints;
        switch (def->kind) {
        case QN_ATTR_FLOAT: hash = qn_hash_bytes(const_field(def, attrs), sizeof(float), hash); break;
        case QN_ATTR_TEXT: hash = qn_hash_bytes(text_of(def, attrs), strlen(text_of(def, attrs)), hash); break;
        case QN_ATTR_INTS:
            ints = ints_of(def, attrs);
            hash =
                qn_hash_bytes(ints->values, (size_t)ints->count * sizeof ints->values[0], hash + (uint64_t)ints->count);
            break;
        default: hash = qn_hash_bytes(const_field(def, attrs), sizeof(int64_t), hash);
        }
    }
    return hash;
}

/* ---- Printing ---- */

static void print_value(const qn_attr_def *def, const void *attrs, qn_buffer *buffer) {
    const qn_ints *ints;
    switch (def->kind) {
    case QN_ATTR_INT: qn_buffer_printf(buffer, "%lld", (long long)int_of(def, attrs)); break;
    case QN_ATTR_FLOAT: print_float(float_of(def, attrs), buffer); break;
    case QN_ATTR_BOOL: qn_buffer_printf(buffer, "%s", int_of(def, attrs) ? "true" : "false"); break;
    case QN_ATTR_ENUM: qn_buffer_printf(buffer, "%s", def->names[int_of(def, attrs)]); break;
    case QN_ATTR_DTYPE: qn_buffer_printf(buffer, "%s", qn_dtype_name((qn_dtype)int_of(def, attrs))); break;
    case QN_ATTR_TEXT: print_text(text_of(def, attrs), buffer); break;
    case QN_ATTR_INTS:
        ints = ints_of(def, attrs);
        qn_buffer_printf(buffer, "[");
        for (int64_t i = 0; i < ints->count; i++)
            qn_buffer_printf(buffer, "%s%lld", i ? ", " : "", (long long)ints->values[i]);
        qn_buffer_printf(buffer, "]");
    }
}

/* Every kind of field, so that one default can be compared without an allocation. */
typedef union attr_field {
    int64_t number;
    float real;
    const char *text;
    qn_ints ints;
} attr_field;

static int is_default(const qn_attr_def *def, const void *attrs) {
    attr_field fallback = {0};
    if (!def->fallback || parse_value(def, def->fallback, &fallback, NULL) != 1) return 0;
    qn_attr_def alone = *def;
    alone.offset = 0;
    return equal_one(&alone, const_field(def, attrs), &fallback);
}

void qn_attrs_print(const qn_op_def *op, const void *attrs, int all, qn_buffer *buffer) {
    int printed = 0;
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        if (!all && is_default(def, attrs)) continue;
        qn_buffer_printf(buffer, "%s%s=", printed++ ? ", " : "", def->name);
        print_value(def, attrs, buffer);
    }
}

/* ---- Binary form: fields in schema order, little endian, without gaps ----
   INT, BOOL, ENUM, DTYPE: 8 bytes, signed. FLOAT: 4 bytes, IEEE binary32. INTS: count in 4 bytes, then 8 bytes each.
   TEXT: length in 4 bytes, then the bytes, none of them 0. */

static void write_uint(qn_buffer *buffer, uint64_t value, size_t bytes) {
    uint8_t raw[8];
    for (size_t i = 0; i < bytes; i++) raw[i] = (uint8_t)(value >> (8 * i));
    qn_buffer_append(buffer, raw, bytes);
}

void qn_attrs_write(const qn_op_def *op, const void *attrs, qn_buffer *buffer) {
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        const qn_ints *ints;
        uint32_t bits;
        switch (def->kind) {
        case QN_ATTR_FLOAT:
            memcpy(&bits, const_field(def, attrs), sizeof bits);
            write_uint(buffer, bits, 4);
            break;
        case QN_ATTR_INTS:
            ints = ints_of(def, attrs);
            write_uint(buffer, (uint64_t)ints->count, 4);
            for (int64_t i = 0; i < ints->count; i++) write_uint(buffer, (uint64_t)ints->values[i], 8);
            break;
        case QN_ATTR_TEXT:
            write_uint(buffer, strlen(text_of(def, attrs)), 4);
            qn_buffer_append(buffer, text_of(def, attrs), strlen(text_of(def, attrs)));
            break;
        default: write_uint(buffer, (uint64_t)int_of(def, attrs), 8);
        }
    }
}

typedef struct reader {
    const uint8_t *next;
    size_t left;
} reader;

static int read_uint(reader *from, size_t bytes, uint64_t *out_value) {
    if (from->left < bytes) return 0;
    *out_value = 0;
    for (size_t i = 0; i < bytes; i++) *out_value |= (uint64_t)from->next[i] << (8 * i);
    from->next += bytes;
    from->left -= bytes;
    return 1;
}

static int read_ints(reader *from, qn_ints *out) {
    uint64_t count, value;
    if (!read_uint(from, 4, &count) || count > QN_ATTR_INTS_MAX) return 0;
    out->count = (int64_t)count;
    for (uint64_t i = 0; i < count; i++) {
        if (!read_uint(from, 8, &value)) return 0;
        out->values[i] = (int64_t)value;
    }
    return 1;
}

/* 1, 0 for damaged bytes, -1 without memory. */
static int read_text(reader *from, qn_arena *arena, const char **out_text) {
    uint64_t length;
    if (!read_uint(from, 4, &length) || length > from->left) return 0;
    if (length && memchr(from->next, 0, (size_t)length)) return 0;
    *out_text = qn_arena_copy_string(arena, (const char *)from->next, (size_t)length);
    from->next += length;
    from->left -= (size_t)length;
    return *out_text ? 1 : -1;
}

static int read_one(const qn_attr_def *def, reader *from, void *out_field, qn_arena *arena) {
    uint64_t value;
    uint32_t bits;
    switch (def->kind) {
    case QN_ATTR_INTS: return read_ints(from, out_field);
    case QN_ATTR_TEXT: return read_text(from, arena, out_field);
    case QN_ATTR_FLOAT:
        if (!read_uint(from, 4, &value)) return 0;
        bits = (uint32_t)value;
        memcpy(out_field, &bits, sizeof bits);
        return 1;
    default:
        if (!read_uint(from, 8, &value)) return 0;
        *(int64_t *)out_field = (int64_t)value;
        return 1;
    }
}

qn_status *qn_attrs_read(const qn_op_def *op, qn_bytes bytes, void *attrs, qn_arena *arena) {
    reader from = {bytes.data, bytes.size};
    qn_attrs_init(op, attrs);
    for (const qn_attr_def *def = schema(op); def->name; def++) {
        int read = read_one(def, &from, field(def, attrs), arena);
        if (read < 0) {
            *(const char **)field(def, attrs) = "";
            return qn_status_out_of_memory();
        }
        if (!read) return QN_ERR(QN_INVALID_MODEL, "%s: attribute '%s' is damaged or cut short", op->name, def->name);
    }
    if (from.left)
        return QN_ERR(QN_INVALID_MODEL, "%s: expected the attributes to end, found %zu bytes more", op->name,
                      from.left);
    return qn_attrs_verify(op, attrs);
}
