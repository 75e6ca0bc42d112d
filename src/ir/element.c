/* Elements of constants as text. Finite floats are printed with the fewest digits that give the same number back, all
 * other floats as their bits: 0x7fc00001. */
#include "ir/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENT_TEXT_MAX = 64 };

static char decimal_point(void) { return localeconv()->decimal_point[0]; }

/* The C library writes and reads numbers with the point of the host program's locale, files always have '.'. */
static void replace_char(char *text, char from, char to) {
    for (; from != to && *text; text++)
        if (*text == from) *text = to;
}

static uint64_t element_bits(const qn_view *view, int64_t index) {
    uint64_t bits = 0;
    size_t size = qn_dtype_size(view->dtype);
    for (size_t i = size; i-- > 0;) bits = bits << 8 | ((const uint8_t *)view->data)[(size_t)index * size + i];
    return bits;
}

static void set_element_bits(const qn_view *view, int64_t index, uint64_t bits) {
    size_t size = qn_dtype_size(view->dtype);
    for (size_t i = 0; i < size; i++, bits >>= 8) ((uint8_t *)view->data)[(size_t)index * size + i] = (uint8_t)bits;
}

static void print_float(const qn_view *view, int64_t index, qn_buffer *buffer) {
    double value = qn_view_get(view, index);
    int is_double = view->dtype == QN_DTYPE_F64;
    char text[ELEMENT_TEXT_MAX];
    if (!isfinite(value)) {
        qn_buffer_printf(buffer, "0x%0*llx", (int)qn_dtype_size(view->dtype) * 2,
                         (unsigned long long)element_bits(view, index));
        return;
    }
    for (int digits = is_double ? 15 : 6; digits <= (is_double ? 17 : 9); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if ((is_double ? strtod(text, NULL) : (double)strtof(text, NULL)) == value) break;
    }
    replace_char(text, decimal_point(), '.');
    qn_buffer_printf(buffer, "%s", text);
}

void qn_text_print_element(const qn_view *view, int64_t index, qn_buffer *buffer) {
    if (qn_dtype_is_float(view->dtype))
        print_float(view, index, buffer);
    else if (view->dtype == QN_DTYPE_U64)
        qn_buffer_printf(buffer, "%llu", (unsigned long long)element_bits(view, index));
    else
        qn_buffer_printf(buffer, "%lld", (long long)qn_view_get_int(view, index));
}

static int parse_float(char *text, qn_view *view, int64_t index) {
    char *end;
    replace_char(text, '.', decimal_point());
    if (view->dtype == QN_DTYPE_F64)
        qn_view_set(view, index, strtod(text, &end));
    else
        qn_view_set(view, index, (double)strtof(text, &end));
    return end != text && !*end && isfinite(qn_view_get(view, index));
}

static int parse_int(const char *text, qn_view *view, int64_t index) {
    char *end;
    if (view->dtype == QN_DTYPE_U64) {
        if (*text == '-') return 0;
        set_element_bits(view, index, strtoull(text, &end, 10));
        return end != text && !*end;
    }
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end) return 0;
    qn_view_set_int(view, index, value);
    return qn_view_get_int(view, index) == value;
}

int qn_text_parse_element(const char *text, const char *end, qn_view *view, int64_t index) {
    char copy[ELEMENT_TEXT_MAX], *stop;
    size_t length = (size_t)(end - text);
    if (length == 0 || length >= sizeof copy || !(*text == '-' || (*text >= '0' && *text <= '9'))) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (!qn_dtype_is_float(view->dtype)) return parse_int(copy, view, index);
    if (copy[0] != '0' || copy[1] != 'x') return parse_float(copy, view, index);
    set_element_bits(view, index, strtoull(copy + 2, &stop, 16));
    return copy[2] && !*stop;
}
