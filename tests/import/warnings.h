/* What an importer warned of: how often, and the last words. */
#ifndef QN_TESTS_IMPORT_WARNINGS_H
#define QN_TESTS_IMPORT_WARNINGS_H

#include "import/import.h"

typedef struct kept_warnings {
    int count;
    char last[512];
} kept_warnings;

/* Makes the importer warn `kept`, which must outlive the import. */
void warnings_keep(kept_warnings *kept, qn_import_options *options);

#endif
