#include "warnings.h"

#include <stdio.h>

static void keep(void *self, const char *message) {
    kept_warnings *kept = self;
    kept->count++;
    snprintf(kept->last, sizeof kept->last, "%s", message);
}

void warnings_keep(kept_warnings *kept, qn_import_options *options) {
    options->warn = keep;
    options->warn_self = kept;
}
