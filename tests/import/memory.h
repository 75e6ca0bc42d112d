/* Bytes in memory as sources of models. */
#ifndef QN_TESTS_IMPORT_MEMORY_H
#define QN_TESTS_IMPORT_MEMORY_H

#include "import/import.h"

/* Tells the format of bytes in memory. */
qn_status *recognise_memory(qn_bytes bytes, const char *path, const qn_import_format **out_format);
/* Imports bytes in memory as a TensorFlow graph. */
qn_status *import_tensorflow(qn_bytes bytes, const char *name, const qn_import_options *options, qn_arena *arena,
                             qn_graph **out_graph);

#endif
