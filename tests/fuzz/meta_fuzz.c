/* meta_fuzz.c - the JSON that a compiled file carries: what the program reads of it to take pictures, and what replaces
 * weights. */
#include "fuzz.h"

#include "image_block.h"
#include "model_meta.h"
#include "quench/refit.h"

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

static void use_refit(qn_model *model) {
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_refitter *refitter = NULL;
    qn_engine_options_init(&options);
    options.threads = 1;
    options.allocator = fuzz_allocator();
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_refitter_create(engine, &refitter);
    if (!status) status = qn_refitter_refit_engine(refitter);
    qn_refitter_destroy(refitter);
    qn_engine_destroy(engine);
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
        use_refit(model);
    }
    qn_model_destroy(model);
    free(meta);
    expect_fair(status);
    return 0;
}
