/* The one fact of EXIF that changes what a viewer shows. A damaged block is as good as none: the picture itself is
   still sound, and viewers show it unturned. */
#include "image/codec.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12, HEADER_BYTES = 8 };

static uint32_t read_uint(const uint8_t *data, int bytes, int big_endian) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= (uint32_t)data[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return value;
}

int qn_image_exif_orientation(qn_bytes tiff) {
    if (tiff.size < HEADER_BYTES) return 0;
    const int big_endian = tiff.data[0] == 'M';
    if (memcmp(tiff.data, big_endian ? "MM" : "II", 2) || read_uint(tiff.data + 2, 2, big_endian) != 42) return 0;
    const size_t directory = read_uint(tiff.data + 4, 4, big_endian);
    if (directory < HEADER_BYTES || directory > tiff.size || tiff.size - directory < 2) return 0;
    size_t count = read_uint(tiff.data + directory, 2, big_endian);
    const size_t room = (tiff.size - directory - 2) / ENTRY_BYTES;
    if (count > room) count = room;
    for (size_t i = 0; i < count; ++i) {
        const uint8_t *entry = tiff.data + directory + 2 + i * ENTRY_BYTES;
        if (read_uint(entry, 2, big_endian) != TAG_ORIENTATION) continue;
        const uint32_t value = read_uint(entry + 8, 2, big_endian);
        const int sound = read_uint(entry + 2, 2, big_endian) == TYPE_SHORT && value >= 1 && value <= 8;
        return sound ? (int)value : 0;
    }
    return 0;
}
