/* picture_fuzz.c - photos and masks: JPEG, PNG, PPM. */
#include "fuzz.h"

#include "quench/image.h"

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    qn_image photo = {0}, mask = {0};
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    options.pixels_max = 1 << 20;
    expect_fair(qn_image_decode(data, bytes, "damaged", &options, NULL, &photo));
    expect_fair(qn_image_decode_mask(data, bytes, "damaged", &options, NULL, &mask));
    qn_image_deinit(&photo);
    qn_image_deinit(&mask);
    return 0;
}
