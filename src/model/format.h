/* model/format.h - the layout of a .qn file; docs/file-format.md is the specification. */
#ifndef QN_MODEL_FORMAT_H
#define QN_MODEL_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    QN_FORMAT_VERSION = 3,
    QN_FORMAT_MAGIC_BYTES = 8,
    QN_FORMAT_HEADER_BYTES = 40,
    QN_FORMAT_ENTRY_BYTES = 24,     /* of the section table */
    QN_FORMAT_ALIGN = 8,            /* of every section but the constants */
    QN_FORMAT_CONSTANT_ALIGN = 4096 /* a page, so that a mapping can be shared */
};

/* The first byte is no text, "\r\n" and "\n" show conversions of line ends, 0x1A ends a listing. */
#define QN_FORMAT_MAGIC "\x93QN\r\n\x1A\n"

/* Offsets in the header. */
enum {
    QN_HEADER_VERSION = 8,     /* u32 */
    QN_HEADER_SECTIONS = 12,   /* u32 */
    QN_HEADER_FILE_BYTES = 16, /* u64 */
    QN_HEADER_CHECKSUM = 24,   /* u64 */
    QN_HEADER_RESERVED = 32    /* u64, 0 */
};

/* Sections, in the order in which they stand in table and file. */
typedef enum qn_section {
    QN_SECTION_INFO,
    QN_SECTION_SYMBOLS,
    QN_SECTION_DIMS,
    QN_SECTION_CONTENTS,
    QN_SECTION_VALUES,
    QN_SECTION_OPERANDS,
    QN_SECTION_STEPS,
    QN_SECTION_DATA_SYMBOLS,
    QN_SECTION_CHECKS,
    QN_SECTION_INPUTS,
    QN_SECTION_OUTPUTS,
    QN_SECTION_OPERATORS,
    QN_SECTION_ATTRIBUTES,
    QN_SECTION_TEXT,
    QN_SECTION_CONSTANTS,
    QN_SECTION_ENCODINGS, /* this and the following from version 2 on */
    QN_SECTION_SCALES,
    QN_SECTION_ZERO_POINTS,
    QN_SECTION_COUNT
} qn_section;

/* Bytes of one record of a section; a section's size is a multiple of it. */
enum {
    QN_RECORD_INFO = 16,
    QN_RECORD_SYMBOL = 32,
    QN_RECORD_DIM = 24,
    QN_RECORD_INDEX = 4, /* contents, operands, inputs, outputs, operators */
    QN_RECORD_VALUE = 80,
    QN_RECORD_STEP = 48,
    QN_RECORD_DATA_SYMBOL = 12,
    QN_RECORD_CHECK = 8,
    QN_RECORD_ENCODING = 12,
    QN_RECORD_SCALE = 4
};

/* How many sections a file of `version` has. */
static inline uint32_t qn_format_section_count(uint32_t version) {
    return version == 1 ? QN_SECTION_ENCODINGS : QN_SECTION_COUNT;
}

/* Little-endian loads and stores of unaligned bytes. */
static inline uint32_t qn_load_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}
static inline uint64_t qn_load_u64(const uint8_t *bytes) {
    return (uint64_t)qn_load_u32(bytes) | (uint64_t)qn_load_u32(bytes + 4) << 32;
}
static inline void qn_store_u32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}
static inline void qn_store_u64(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Checksum of a whole file whose checksum field counts as absent. */
uint64_t qn_format_checksum(const uint8_t *file, size_t bytes);

#endif
