/* palette_fuzz.c - lists of classes with their colours, or of names alone. */
#include "fuzz.h"

#include "quench/image.h"

#include <stdlib.h>
#include <string.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

/* Every class that is counted has a name, and drawing with the palette works. */
static qn_status *use(const qn_image_palette *palette) {
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {0};
    qn_image legend = {0};
    for (int i = 0; i < palette->class_count; i++) {
        if (!palette->names[i] || !*palette->names[i]) abort();
        areas[i] = i + 1;
    }
    qn_status *status = qn_image_legend(areas, palette, 1, 0, fuzz_allocator(), &legend);
    qn_image_deinit(&legend);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = as_text(data, bytes);
    qn_image_palette palette;
    qn_status *status = qn_image_palette_parse(text, bytes, "damaged.txt", fuzz_allocator(), &palette);
    if (!status) status = use(&palette);
    qn_image_palette_deinit(&palette);
    free(text);
    expect_fair(status);
    return 0;
}
