/* meta_fuzz.c - the JSON that a compiled file carries: what the program reads of it to take pictures, and what replaces
 * weights. */
#include "fuzz.h"

#include "pictures/model_meta.h"
#include "quench/vision.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static void use_vision(const qn_model *model) {
    qn_vision *vision = NULL;
    qn_image_palette palette = {0};
    qn_status *status = qn_vision_create(model, NULL, &vision);
    if (!status) status = qn_vision_load_palette(vision, NULL, 0, &palette);
    qn_image_palette_deinit(&palette);
    qn_vision_destroy(vision);
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
        use_vision(model);
        expect_fair(refit_model(model, 0));
    }
    qn_model_destroy(model);
    free(meta);
    expect_fair(status);
    return 0;
}
