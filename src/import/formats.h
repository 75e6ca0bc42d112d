/* import/formats.h - the functions that rows of formats.def name; each format defines its two. */
#ifndef QN_IMPORT_FORMATS_H
#define QN_IMPORT_FORMATS_H

#include "import/import.h"

#define QN_IMPORT_FORMAT(name, prefix, title, own_bytes)                                                               \
    qn_status *prefix##_recognise(const qn_source *source, int *out_is_it) QN_MUST_USE;                                \
    qn_status *prefix##_import(qn_importer *importer) QN_MUST_USE;
#include "import/formats.def"
#undef QN_IMPORT_FORMAT

#endif
