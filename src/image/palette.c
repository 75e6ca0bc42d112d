#include "quench/image.h"

#include "base/entry.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/palette_data.h"

#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* PASCAL's colour map: three bits of the label at a time, from the low end, go to R, G and B from the high end. */
static void set_pascal_colors(qn_image_palette *palette) {
    for (int label = 0; label < QN_IMAGE_CLASSES_MAX; ++label)
        for (int bit = 0; bit < 8; ++bit)
            palette->colors[label][bit % 3] |= (uint8_t)((label >> bit & 1) << (7 - bit / 3));
}

/* ---- Built in ---- */

static void set_voc(qn_image_palette *palette) {
    palette->class_count = QN_IMAGE_VOC_COUNT;
    for (int i = 0; i < QN_IMAGE_VOC_COUNT; ++i) palette->names[i] = qn_image_voc_names[i];
}

static void set_classes(qn_image_palette *palette, const qn_image_class *classes, int count) {
    palette->class_count = count;
    for (int i = 0; i < count; ++i) {
        palette->names[i] = classes[i].name;
        memcpy(palette->colors[i], classes[i].color, 3);
    }
}

static void set_ade20k(qn_image_palette *palette) {
    set_classes(palette, qn_image_ade20k_classes, QN_IMAGE_ADE20K_COUNT);
}

static void set_cityscapes(qn_image_palette *palette) {
    set_classes(palette, qn_image_cityscapes_classes, QN_IMAGE_CITYSCAPES_COUNT);
}

static const char *const builtin_names[] = {"voc", "ade20k", "cityscapes"};
static void (*const builtin_setters[])(qn_image_palette *) = {set_voc, set_ade20k, set_cityscapes};
enum { BUILTIN_COUNT = sizeof builtin_names / sizeof *builtin_names };

/* ---- Text ---- */

typedef struct line {
    const char *text; /* without white space at either end */
    size_t length;
    int number; /* from 1 */
} line;

static int is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next line that is neither empty nor a comment; 0 at the end. */
static int next_line(qn_bytes text, size_t *inout_at, line *inout_line) {
    while (*inout_at < text.size) {
        const char *start = (const char *)text.data + *inout_at;
        const size_t room = text.size - *inout_at;
        const char *end = memchr(start, '\n', room);
        size_t length = end ? (size_t)(end - start) : room;
        *inout_at += length + (end != NULL);
        ++inout_line->number;
        while (length && is_blank(start[length - 1])) --length;
        while (length && is_blank(*start)) ++start, --length;
        if (!length || *start == '#') continue;
        inout_line->text = start;
        inout_line->length = length;
        return 1;
    }
    return 0;
}

/* Takes a number and the white space before it off the end of a line; 0 if the line does not end with a number. */
static int take_number(line *inout_line, int *out_value) {
    const char *text = inout_line->text;
    size_t start = inout_line->length;
    while (start && text[start - 1] >= '0' && text[start - 1] <= '9') --start;
    if (start == inout_line->length || !start || !is_blank(text[start - 1])) return 0;
    int value = 0;
    for (size_t i = start; i < inout_line->length; ++i)
        value = value > 255 ? value : value * 10 + (text[i] - '0'); /* stays above 255 once it is */
    while (start && is_blank(text[start - 1])) --start;
    inout_line->length = start;
    *out_value = value;
    return 1;
}

/* Takes "r g b" off the end, which must leave a name. 0, and an untouched line, if there is none. */
static int take_color(line *inout_line, int rgb[3]) {
    line rest = *inout_line;
    for (int c = 2; c >= 0; --c)
        if (!take_number(&rest, &rgb[c])) return 0;
    *inout_line = rest;
    return 1;
}

typedef struct parser {
    const char *name;
    qn_image_palette *palette;
    char *names;     /* room for every name with its NUL */
    int with_colors; /* decided by the first line */
} parser;

static qn_status *add_class(parser *p, line found) {
    qn_image_palette *palette = p->palette;
    if (palette->class_count == QN_IMAGE_CLASSES_MAX)
        return QN_ERR(QN_LIMIT, "%s: line %d: more than %d classes", p->name, found.number, QN_IMAGE_CLASSES_MAX);
    if (memchr(found.text, 0, found.length))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: expected text, found a zero byte", p->name, found.number);
    int rgb[3] = {0};
    const int has_color = take_color(&found, rgb);
    if (palette->class_count == 0) p->with_colors = has_color;
    if (has_color != p->with_colors)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: expected %s as on the lines before, found '%.*s'", p->name,
                      found.number, p->with_colors ? "'name r g b'" : "only a name",
                      (int)(found.length < 60 ? found.length : 60), found.text);
    if (rgb[0] > 255 || rgb[1] > 255 || rgb[2] > 255)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: line %d: a colour value is above 255", p->name, found.number);
    const int index = palette->class_count++;
    for (int c = 0; has_color && c < 3; ++c) palette->colors[index][c] = (uint8_t)rgb[c];
    memcpy(p->names, found.text, found.length);
    p->names[found.length] = 0;
    palette->names[index] = p->names;
    p->names += found.length + 1;
    return NULL;
}

static qn_status *parse(qn_bytes text, const char *name, const qn_allocator *allocator, qn_image_palette *out_palette) {
    if (text.size > FILE_BYTES_MAX)
        return QN_ERR(QN_LIMIT, "%s: %zu bytes are above the limit of %d for a palette", name, text.size,
                      FILE_BYTES_MAX);
    out_palette->allocator = qn_allocator_or_default(allocator);
    out_palette->storage = qn_alloc_zeroed(allocator, text.size + 1, 1, 1);
    if (!out_palette->storage) return qn_status_out_of_memory();
    parser p = {name, out_palette, out_palette->storage, 0};
    line found = {0};
    for (size_t at = 0; next_line(text, &at, &found);) QN_TRY(add_class(&p, found));
    if (out_palette->class_count) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: expected one class a line ('name r g b' or 'name'), found none", name);
}

qn_status *qn_image_palette_parse(const void *text, size_t bytes, const char *name, const qn_allocator *allocator,
                                  qn_image_palette *out_palette) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_palette);
    *out_palette = (qn_image_palette){0};
    QN_REQUIRE_ARRAY(text, bytes);
    QN_REQUIRE_ARG(name);
    set_pascal_colors(out_palette);
    qn_status *status = parse((qn_bytes){text, bytes}, name, allocator, out_palette);
    if (status) qn_image_palette_deinit(out_palette);
    return status;
}

qn_status *qn_image_palette_load(const char *name_or_path, const qn_allocator *allocator,
                                 qn_image_palette *out_palette) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_palette);
    *out_palette = (qn_image_palette){0};
    QN_REQUIRE_ARG(name_or_path);
    for (int i = 0; i < BUILTIN_COUNT; ++i)
        if (!strcmp(name_or_path, builtin_names[i])) {
            set_pascal_colors(out_palette);
            builtin_setters[i](out_palette);
            return NULL;
        }
    qn_bytes text;
    qn_status *status = qn_file_read(name_or_path, "a palette", FILE_BYTES_MAX, NULL, &text);
    if (qn_status_code(status) == QN_NOT_FOUND) {
        qn_status_free(status);
        const char *nearest = qn_text_nearest(name_or_path, builtin_names, BUILTIN_COUNT);
        return QN_ERR(QN_NOT_FOUND, "palette '%s' is neither built in (voc, ade20k, cityscapes) nor a file%s%s%s",
                      name_or_path, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (status) return status;
    status = qn_image_palette_parse(text.data, text.size, name_or_path, allocator, out_palette);
    qn_free(qn_allocator_default(), (void *)text.data);
    return status;
}

qn_status *qn_image_palette_from_names(const char *const *names, int count, const qn_allocator *allocator,
                                       qn_image_palette *out_palette) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_palette);
    *out_palette = (qn_image_palette){0};
    if (count < 1 || count > QN_IMAGE_CLASSES_MAX)
        return QN_ERR(count < 1 ? QN_INVALID_ARGUMENT : QN_LIMIT, "%d class names, expected 1 .. %d", count,
                      QN_IMAGE_CLASSES_MAX);
    QN_REQUIRE_ARG(names);
    size_t bytes = 0;
    for (int i = 0; i < count; ++i) {
        if (!names[i]) return QN_ERR(QN_INVALID_ARGUMENT, "class name %d is NULL", i);
        bytes += strlen(names[i]) + 1;
    }
    char *storage = qn_alloc_zeroed(allocator, bytes, 1, 1);
    if (!storage) return qn_status_out_of_memory();
    set_pascal_colors(out_palette);
    out_palette->class_count = count;
    out_palette->storage = storage;
    out_palette->allocator = qn_allocator_or_default(allocator);
    for (int i = 0; i < count; ++i) {
        const size_t length = strlen(names[i]) + 1;
        out_palette->names[i] = memcpy(storage, names[i], length);
        storage += length;
    }
    return NULL;
}

void qn_image_palette_deinit(qn_image_palette *palette) {
    if (!palette) return;
    qn_free(palette->allocator, palette->storage);
    *palette = (qn_image_palette){0};
}
