/* Text of unknown origin, made harmless. */
#include "base/text.h"

#include "base/memory.h"
#include "quench/text.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_BYTES = 16 };

/* The character that begins at `text`, of UTF-8 in its only valid form. Its length, 0 if there is none. */
static size_t decode(const unsigned char *text, size_t bytes, uint32_t *out_code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = text[0];
    const size_t length = first < 0x80   ? 1
                          : first < 0xC0 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF8 ? 4
                                         : 0;
    if (!length || length > bytes) return 0;
    uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3F);
    }
    const int is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    *out_code = code;
    return code < least[length] || code > 0x10FFFF || is_surrogate ? 0 : length;
}

/* Controls, marks of direction and what nobody sees; but not the joiners that Persian and emoji are written with. */
static int is_harmful(uint32_t code) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x61C, 0x61C},    {0x180E, 0x180E},
                  {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x206F},
                  {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return 1;
    return 0;
}

/* \u1234, and two of them beyond. */
static void spell_json(uint32_t code, char piece[PIECE_BYTES]) {
    if (code < 0x10000)
        snprintf(piece, PIECE_BYTES, "\\u%04x", (unsigned)code);
    else
        snprintf(piece, PIECE_BYTES, "\\u%04x\\u%04x", (unsigned)(0xD7C0 + (code >> 10)),
                 (unsigned)(0xDC00 | (code & 0x3FF)));
}

static void spell_text(uint32_t code, char piece[PIECE_BYTES]) {
    const char *letter = code == '\n' ? "\\n" : code == '\t' ? "\\t" : code == '\r' ? "\\r" : NULL;
    if (letter)
        strcpy(piece, letter);
    else
        snprintf(piece, PIECE_BYTES, code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)code);
}

/* Takes one character from `text`, or one byte that begins no character. Returns how many bytes were taken. `piece`:
   the text to write in their place; "": the bytes as they are. */
static size_t take(const unsigned char *text, size_t bytes, qn_text_style style, char piece[PIECE_BYTES]) {
    uint32_t code;
    const size_t length = decode(text, bytes, &code);
    *piece = 0;
    if (!length && style == QN_TEXT_JSON)
        strcpy(piece, "\\ufffd");
    else if (!length)
        snprintf(piece, PIECE_BYTES, "\\x%02x", *text);
    else if (!is_harmful(code) || (style != QN_TEXT_LINE && code == '\n') || (style == QN_TEXT_LINES && code == '\t'))
        return length;
    else if (style == QN_TEXT_JSON)
        spell_json(code, piece);
    else
        spell_text(code, piece);
    return length ? length : 1;
}

size_t qn_text_escape(const char *text, size_t bytes, qn_text_style style, char *out, size_t capacity) {
    char piece[PIECE_BYTES];
    size_t total = 0, kept = 0;
    if (!text) bytes = 0;
    if (!out) capacity = 0;
    for (size_t at = 0; at < bytes;) {
        const unsigned char *from = (const unsigned char *)text + at;
        const size_t taken = take(from, bytes - at, style, piece), length = *piece ? strlen(piece) : taken;
        if (total == kept && total + length < capacity) {
            memcpy(out + kept, *piece ? (const void *)piece : from, length);
            kept += length;
        }
        total += length;
        at += taken;
    }
    if (capacity) out[kept] = 0;
    return total;
}

void qn_text_quote_json(const char *text, qn_buffer *buffer) {
    char piece[PIECE_BYTES];
    qn_buffer_append(buffer, "\"", 1);
    for (size_t bytes = strlen(text); bytes;) {
        const size_t taken = take((const unsigned char *)text, bytes, QN_TEXT_JSON, piece);
        if (*text == '"' || *text == '\\')
            qn_buffer_printf(buffer, "\\%c", *text);
        else if (*text == '\n')
            qn_buffer_append(buffer, "\\u000a", 6);
        else
            qn_buffer_append(buffer, *piece ? piece : text, *piece ? strlen(piece) : taken);
        text += taken;
        bytes -= taken;
    }
    qn_buffer_append(buffer, "\"", 1);
}
