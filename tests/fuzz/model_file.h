/* model_file.h - compiled files for the fuzz target, in a short form: a file of tables is mostly what aligns them (4096
 * bytes at least), and one byte more or less in a table moves all the others.
 *
 *     "QNS" VERSION { u16 bytes, the bytes }, one for each section in the order of the file
 *
 * What is missing at the end is empty; a section that is no whole number of records loses its rest. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "base/memory.h"

/* Is it the short form? */
int model_file_is_short(const uint8_t *data, size_t bytes);

/* The file of such a form: header, table and sections where they belong, and the checksum. `out` is fresh. */
void model_file_expand(const uint8_t *data, size_t bytes, qn_buffer *out);

/* Where section `which` (modulo how many there are) lies in the short form; 0 where the form ends before it. */
int model_file_find(const uint8_t *data, size_t bytes, uint32_t which, size_t *out_at, size_t *out_bytes);
/* Bytes of a record of that section. */
size_t model_file_record_bytes(const uint8_t *data, uint32_t which);

#endif
