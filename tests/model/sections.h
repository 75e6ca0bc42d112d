/* sections.h - compiled files put together from sections, sound or not. */
#ifndef TESTS_MODEL_SECTIONS_H
#define TESTS_MODEL_SECTIONS_H

#include "base/memory.h"
#include "base/text.h"
#include "model/format.h"

/* Appends header, table and sections, where they belong, to a fresh buffer; then signs. The sections need not be sound.
 */
void sections_write(uint32_t version, const qn_bytes sections[QN_SECTION_COUNT], qn_buffer *out);

/* The sections of a sound file; those that its version has not are empty. Returns the version. */
uint32_t sections_read(qn_bytes file, qn_bytes out_sections[QN_SECTION_COUNT]);

/* Makes size and checksum of a file right; of one too short for a header nothing. */
void sections_sign(uint8_t *data, size_t bytes);

/* The file with another meta text, in a fresh buffer. */
qn_status *sections_with_meta(qn_bytes file, const char *meta, qn_buffer *out);

#endif
