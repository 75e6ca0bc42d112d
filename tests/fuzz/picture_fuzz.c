/* picture_fuzz.c - photos and masks: JPEG (with what cameras note beside it), PNG, PPM. The checksums of PNG's chunks
 * are made anew, but for a few inputs, so that what is behind them is reached. */
#include "fuzz.h"

#include "quench/image.h"

#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, AS_IS_EVERY = 16 };

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static uint32_t crc_of(const uint8_t *data, size_t bytes) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void mend_chunks(uint8_t *data, size_t bytes) {
    for (size_t at = SIGNATURE_BYTES; at + CHUNK_BYTES <= bytes;) {
        const uint8_t *field = data + at;
        size_t length = (size_t)field[0] << 24 | (size_t)field[1] << 16 | (size_t)field[2] << 8 | field[3];
        if (length > bytes - at - CHUNK_BYTES) return;
        uint32_t crc = crc_of(data + at + 4, length + 4);
        for (size_t i = 0; i < 4; i++) data[at + 8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
        at += CHUNK_BYTES + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    qn_image photo = {0}, mask = {0};
    qn_image_decode_options options;
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy) abort();
    if (bytes) memcpy(copy, data, bytes);
    if (fuzz_choice(data, bytes) % AS_IS_EVERY) mend_chunks(copy, bytes && data[0] == 0x89 ? bytes : 0);
    qn_image_decode_options_init(&options);
    options.pixels_max = 1 << 18;
    expect_fair(qn_image_decode(copy, bytes, "damaged", &options, fuzz_allocator(), &photo));
    expect_fair(qn_image_decode_mask(copy, bytes, "damaged", &options, fuzz_allocator(), &mask));
    qn_image_deinit(&photo);
    qn_image_deinit(&mask);
    free(copy);
    return 0;
}
