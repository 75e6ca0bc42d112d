/* meta_fuzz.c - the JSON that a compiled file carries: what the program reads of it to take pictures, and what replaces
 * weights. */
#include "fuzz.h"

#include "pictures/image_block.h"
#include "pictures/model_meta.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static void use_image_block(const qn_model *model) {
    image_block block;
    qn_image_palette palette = {0};
    qn_status *status = image_block_read(model, &block);
    if (!status) {
        status = image_block_load_palette(&block, NULL, block.class_count, &palette);
        qn_image_palette_deinit(&palette);
        image_block_deinit(&block);
    }
    expect_fair(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static qn_model *made; /* once for all inputs */
    char text[256];
    char *meta = as_text(data, bytes);
    qn_model *model = NULL;
    if (!made) made = make_model(fuzz_picture_network, "{\"enable_refit\": true}");
    qn_status *status = make_model_with_meta(made, meta, &model);
    if (!status) {
        cli_print_precision(model, text, sizeof text);
        use_image_block(model);
        expect_fair(refit_model(model, 0));
    }
    qn_model_destroy(model);
    free(meta);
    expect_fair(status);
    return 0;
}
