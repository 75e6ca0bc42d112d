/* forged.h - trying files that are well signed but may be wrong. */
#ifndef TESTS_RUNTIME_FORGED_H
#define TESTS_RUNTIME_FORGED_H

#include "rig.h"

/* Loads the file and, as far as it lets itself, makes a context, sets shapes and runs it on data drawn from `rng`. Any
   of that may fail, but not with INTERNAL: what is wrong with a file is the file's fault. Little memory is granted.
   Returns how far the file got: 0 refused, 1 loaded, 2 made a context. */
int forged_try(rig_file file, qn_rng *rng);

#endif
