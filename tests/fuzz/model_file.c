#include "model_file.h"

#include "model/sections.h"

static const char mark[3] = {'Q', 'N', 'S'};

enum { PREFIX_BYTES = 4, LENGTH_BYTES = 2 };

static const size_t record_bytes[QN_SECTION_COUNT] = {QN_RECORD_INFO,
                                                      QN_RECORD_SYMBOL,
                                                      QN_RECORD_DIM,
                                                      QN_RECORD_INDEX,
                                                      QN_RECORD_VALUE,
                                                      QN_RECORD_INDEX,
                                                      QN_RECORD_STEP,
                                                      QN_RECORD_DATA_SYMBOL,
                                                      QN_RECORD_CHECK,
                                                      QN_RECORD_INDEX,
                                                      QN_RECORD_INDEX,
                                                      QN_RECORD_INDEX,
                                                      1,
                                                      1,
                                                      1,
                                                      QN_RECORD_ENCODING,
                                                      QN_RECORD_SCALE,
                                                      1};

static uint32_t version_of(const uint8_t *data) { return data[3] == 2 || data[3] == 3 ? data[3] : 1; }

int model_file_is_short(const uint8_t *data, size_t bytes) {
    return bytes >= PREFIX_BYTES && !memcmp(data, mark, sizeof mark);
}

int model_file_find(const uint8_t *data, size_t bytes, uint32_t which, size_t *out_at, size_t *out_bytes) {
    size_t at = PREFIX_BYTES;
    which %= qn_format_section_count(version_of(data));
    for (uint32_t i = 0; at + LENGTH_BYTES <= bytes; i++) {
        size_t length = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += LENGTH_BYTES;
        if (length > bytes - at) length = bytes - at;
        *out_at = at;
        *out_bytes = length;
        if (i == which) return 1;
        at += length;
    }
    return 0;
}

size_t model_file_record_bytes(const uint8_t *data, uint32_t which) {
    return record_bytes[which % qn_format_section_count(version_of(data))];
}

void model_file_expand(const uint8_t *data, size_t bytes, qn_buffer *out) {
    const uint32_t version = version_of(data);
    qn_bytes sections[QN_SECTION_COUNT] = {{0}};
    for (uint32_t i = 0; i < qn_format_section_count(version); i++) {
        size_t at = 0, length = 0;
        if (model_file_find(data, bytes, i, &at, &length))
            sections[i] = (qn_bytes){data + at, length - length % record_bytes[i]};
    }
    sections_write(version, sections, out);
}
