/* A format for tests of import/common: text, one line each, values in NCHW, weights in files beside the model, operators
 * with versions. It shares nothing with TensorFlow, and so shows what a format needs beside the common part.
 *
 *     toy 13                                    version of the operators
 *     input x f32 1 3 ? 5                       '?': a free dim
 *     weights w f32 weights.bin 0 2 3 3 3       file, offset, dims
 *     numbers a s8 1 -1 2                       listed, one dim
 *     node c Conv x w ; pads=1,1,1,1 strides=2,2
 *     output c
 */
#ifndef QN_TESTS_IMPORT_TOY_FORMAT_H
#define QN_TESTS_IMPORT_TOY_FORMAT_H

#include "import/common/table.h"
#include "import/import.h"

/* qn_import_options.own: only this format has them. */
typedef struct toy_options {
    int version; /* instead of the file's */
} toy_options;

/* The table of formats with this one alone, and the table of its operators. */
extern const qn_import_formats toy_formats;
extern const qn_import_table toy_table;

#endif
