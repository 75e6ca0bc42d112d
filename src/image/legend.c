#include "image/codec.h"

#include "base/entry.h"
#include "image/font.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All lengths in units of `scale` pixels. A row: margin, swatch, gap, name, gap, share, margin. */
enum {
    MARGIN = 6,
    GAP = 6,
    SWATCH_WIDTH = 12,
    ROW_HEIGHT = 12,
    LETTER_STEP = QN_IMAGE_LETTER_WIDTH + 1,
    SHARE_LETTERS = 7, /* "100.0 %" */
    NAME_LETTERS_MAX = 40,
    SCALE_MAX = 64
};

typedef struct entry {
    int label;
    int64_t area;
    char name[4 * NAME_LETTERS_MAX + 1]; /* letters of up to four bytes */
    char share[16];
} entry;

static int is_letter_start(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

static int count_letters(const char *text) {
    int letters = 0;
    for (; *text; ++text) letters += is_letter_start(*text);
    return letters;
}

static void name_entry(entry *e, const qn_image_palette *palette, double total) {
    const char *name = palette->names[e->label];
    if (!name && e->label == QN_IMAGE_IGNORE_LABEL) name = "(ignored)";
    if (name)
        snprintf(e->name, sizeof e->name, "%s", name);
    else
        snprintf(e->name, sizeof e->name, "class %d", e->label);
    char *end = e->name;
    for (int letters = 0; *end; ++end)
        if (is_letter_start(*end) && ++letters > NAME_LETTERS_MAX) break;
    *end = 0;
    const double percent = 100.0 * (double)e->area / total;
    snprintf(e->share, sizeof e->share, percent < 0.05 ? "<0.1 %%" : "%.1f %%", percent);
}

/* Largest first; equal ones by label. */
static int compare_entries(const void *a, const void *b) {
    const entry *left = a, *right = b;
    if (left->area != right->area) return left->area < right->area ? 1 : -1;
    return left->label - right->label;
}

static void fill_rect(qn_image *image, int x, int y, int width, int height, const uint8_t color[3]) {
    for (int row = y; row < y + height; ++row)
        for (int column = x; column < x + width; ++column)
            memcpy(image->data + (size_t)row * image->stride_bytes + (size_t)column * 3, color, 3);
}

static void draw_text(qn_image *image, int x, int y, int scale, const char *text) {
    static const uint8_t ink[3] = {20, 20, 20};
    for (; *text; ++text) {
        if (!is_letter_start(*text)) continue;
        for (int row = 0; row < QN_IMAGE_LETTER_HEIGHT; ++row)
            for (int column = 0; column < QN_IMAGE_LETTER_WIDTH; ++column)
                if (qn_image_font_has_ink((unsigned char)*text, column, row))
                    fill_rect(image, x + column * scale, y + row * scale, scale, scale, ink);
        x += LETTER_STEP * scale;
    }
}

static void draw_entry(qn_image *image, int y, int scale, const entry *e, const uint8_t color[3]) {
    static const uint8_t frame[3] = {90, 90, 90};
    const int swatch_height = ROW_HEIGHT - 2, text_y = y + 2 * scale;
    fill_rect(image, MARGIN * scale, y + scale, SWATCH_WIDTH * scale, swatch_height * scale, frame);
    fill_rect(image, (MARGIN + 1) * scale, y + 2 * scale, (SWATCH_WIDTH - 2) * scale, (swatch_height - 2) * scale,
              color);
    draw_text(image, (MARGIN + SWATCH_WIDTH + GAP) * scale, text_y, scale, e->name);
    const int share_width = count_letters(e->share) * LETTER_STEP - 1;
    draw_text(image, image->width - (MARGIN + share_width) * scale, text_y, scale, e->share);
}

/* Letters about a fiftieth of the picture high, but all rows inside it if that leaves them readable. */
static int choose_scale(int height_min, int rows) {
    int scale = height_min / 400 < SCALE_MAX ? height_min / 400 + 1 : SCALE_MAX;
    while (scale > 1 && scale * (2 * MARGIN + rows * ROW_HEIGHT) > height_min) --scale;
    return scale;
}

static qn_status *draw_legend(const entry *entries, int count, const qn_image_palette *palette, int scale,
                              int height_min, const qn_allocator *allocator, qn_image *out_image) {
    int letters = 1;
    for (int i = 0; i < count; ++i) {
        const int own = count_letters(entries[i].name);
        if (own > letters) letters = own;
    }
    if (scale == 0) scale = choose_scale(height_min, count);
    const int width = scale * (MARGIN + SWATCH_WIDTH + GAP + letters * LETTER_STEP - 1 + GAP +
                               SHARE_LETTERS * LETTER_STEP - 1 + MARGIN);
    const int height = scale * (2 * MARGIN + count * ROW_HEIGHT);
    QN_TRY(qn_image_init(width, height > height_min ? height : height_min, 3, allocator, out_image));
    memset(out_image->data, 255, out_image->stride_bytes * (size_t)out_image->height);
    for (int i = 0; i < count; ++i)
        draw_entry(out_image, scale * (MARGIN + i * ROW_HEIGHT), scale, &entries[i], palette->colors[entries[i].label]);
    return NULL;
}

qn_status *qn_image_legend(const int64_t areas[QN_IMAGE_CLASSES_MAX], const qn_image_palette *palette, int scale,
                           int height_min, const qn_allocator *allocator, qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(areas);
    QN_REQUIRE_ARG(palette);
    if (scale < 0 || scale > SCALE_MAX || height_min < 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "legend of scale %d and height %d, expected 0 .. %d and 0 or more", scale,
                      height_min, SCALE_MAX);
    entry *entries = qn_alloc_zeroed(allocator, QN_IMAGE_CLASSES_MAX, sizeof *entries, 16);
    if (!entries) return qn_status_out_of_memory();
    int count = 0;
    double total = 0;
    for (int label = 0; label < QN_IMAGE_CLASSES_MAX; ++label) {
        if (areas[label] <= 0) continue;
        entries[count++] = (entry){.label = label, .area = areas[label]};
        total += (double)areas[label];
    }
    for (int i = 0; i < count; ++i) name_entry(&entries[i], palette, total);
    qsort(entries, (size_t)count, sizeof *entries, compare_entries);
    qn_status *status = draw_legend(entries, count, palette, scale, height_min, allocator, out_image);
    qn_free(allocator, entries);
    return status;
}
