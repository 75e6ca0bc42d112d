/* print.c - the one way from the program to its standard output and standard error.
 *
 * Names of models, keys of JSON, paths and messages come from outside. They reach the formats below as arguments, and
 * arguments are made harmless (quench/text.h); the formats themselves are the program's own, with its line ends and
 * bars. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Formatting ---- */

/* One conversion of a format: "%-*.3lld". */
typedef struct conversion {
    char flags[8];
    int width, precision; /* precision -1: none */
    char size;            /* 'l', 'L' for ll, 'z', 'j', 't', 'h', 'H' for hh; 0: none */
    char kind;            /* d, s, ... */
} conversion;

static int take_number(const char **at, va_list *args) {
    if (**at == '*') return (*at)++, va_arg(*args, int);
    return isdigit((unsigned char)**at) ? (int)strtol(*at, (char **)at, 10) : 0;
}

/* `*at` is behind the '%'; it goes behind the conversion. */
static conversion take_conversion(const char **at, va_list *args) {
    conversion c = {.precision = -1};
    size_t flags = 0;
    while (**at && strchr("-+ #0", **at)) {
        if (flags < sizeof c.flags - 2) c.flags[flags++] = **at;
        (*at)++;
    }
    c.width = take_number(at, args);
    if (c.width < 0) c.flags[flags] = '-', c.width = -c.width;
    if (**at == '.') (*at)++, c.precision = take_number(at, args);
    for (; **at && strchr("hlzjt", **at); (*at)++) c.size = c.size == 'l' ? 'L' : c.size == 'h' ? 'H' : **at;
    if (**at) c.kind = *(*at)++;
    return c;
}

static long long take_signed(const conversion *c, va_list *args) {
    switch (c->size) {
    case 'l': return va_arg(*args, long);
    case 'L': return va_arg(*args, long long);
    case 'z': return va_arg(*args, ssize_t);
    case 'j': return va_arg(*args, intmax_t);
    case 't': return va_arg(*args, ptrdiff_t);
    default: return va_arg(*args, int);
    }
}

static unsigned long long take_unsigned(const conversion *c, va_list *args) {
    switch (c->size) {
    case 'l': return va_arg(*args, unsigned long);
    case 'L': return va_arg(*args, unsigned long long);
    case 'z': return va_arg(*args, size_t);
    case 'j': return va_arg(*args, uintmax_t);
    case 't': return (unsigned long long)va_arg(*args, ptrdiff_t);
    default: return va_arg(*args, unsigned);
    }
}

static void put_number(FILE *out, const conversion *c, va_list *args) {
    char format[32];
    const int is_float = strchr("fFeEgGaA", c->kind) != NULL;
    snprintf(format, sizeof format, "%%%s*.*%s%c", c->flags, is_float ? "" : "ll", c->kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (is_float)
        fprintf(out, format, c->width, c->precision, va_arg(*args, double));
    else if (strchr("di", c->kind))
        fprintf(out, format, c->width, c->precision, take_signed(c, args));
    else
        fprintf(out, format, c->width, c->precision, take_unsigned(c, args));
#pragma GCC diagnostic pop
}

/* Escaped, and padded by characters, not bytes. */
static void put_text(FILE *out, const char *text, size_t bytes, qn_text_style style, const conversion *c) {
    char room[512];
    const size_t length = qn_text_escape(text, bytes, style, room, sizeof room);
    char *safe = length < sizeof room ? room : malloc(length + 1);
    if (!safe) safe = room; /* as much of it as there is memory for */
    if (safe != room) qn_text_escape(text, bytes, style, safe, length + 1);
    int columns = 0;
    for (const char *at = safe; *at; at++) columns += (*at & 0xC0) != 0x80;
    const int pad = c && c->width > columns ? c->width - columns : 0, is_left = c && strchr(c->flags, '-');
    fprintf(out, "%*s%s%*s", is_left ? 0 : pad, "", safe, is_left ? pad : 0, "");
    if (safe != room) free(safe);
}

/* At most `most` bytes of a text (-1: all), and no part of a character where that is in the middle of one. */
static size_t cut(const char *text, int most) {
    if (most < 0) return strlen(text);
    const size_t bytes = strnlen(text, (size_t)most);
    for (size_t back = 1; bytes == (size_t)most && back <= 3 && back <= bytes; back++) {
        const unsigned char byte = (unsigned char)text[bytes - back];
        if (byte < 0x80) break;
        if (byte < 0xC0) continue;
        return (byte < 0xE0 ? 2u : byte < 0xF0 ? 3u : 4u) > back ? bytes - back : bytes;
    }
    return bytes;
}

/* As vfprintf, for the conversions that the program uses. */
static void put(FILE *out, const char *at, va_list *args) {
    while (*at) {
        const size_t plain = strcspn(at, "%");
        fwrite(at, 1, plain, out);
        at += plain;
        if (!*at) return;
        at++;
        const conversion c = take_conversion(&at, args);
        if (c.kind == '%') {
            fputc('%', out);
        } else if (c.kind == 's') {
            const char *text = va_arg(*args, const char *);
            if (!text) text = "(none)";
            put_text(out, text, cut(text, c.precision), QN_TEXT_LINE, &c);
        } else if (c.kind == 'c') {
            const char letter = (char)va_arg(*args, int);
            put_text(out, &letter, 1, QN_TEXT_LINE, &c);
        } else if (c.kind) {
            put_number(out, &c, args);
        }
    }
}

/* In one write: lines of several processes do not mix. */
static void print(FILE *to, const char *format, va_list given) {
    va_list args;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    va_copy(args, given);
    put(out ? out : to, format, &args);
    va_end(args);
    if (!out) return;
    fclose(out);
    fwrite(text, 1, bytes, to);
    free(text);
}

/* ---- Printing ---- */

void cli_print(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print(stdout, format, args);
    va_end(args);
}

void cli_print_lines(const char *text) { put_text(stdout, text, strlen(text), QN_TEXT_LINES, NULL); }

void cli_put_bytes(const void *data, size_t bytes) { fwrite(data, 1, bytes, stdout); }

void cli_vsay(const char *format, va_list args) { print(stderr, format, args); }

void cli_say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    cli_vsay(format, args);
    va_end(args);
}

void cli_print_begin(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

int cli_print_end(void) { return !fflush(stdout) && !ferror(stdout); }

int cli_print_give_way(void) {
    fflush(stdout);
    int descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return descriptor < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? -1 : descriptor;
}

int cli_is_terminal(int is_results) { return isatty(is_results ? STDOUT_FILENO : STDERR_FILENO); }
