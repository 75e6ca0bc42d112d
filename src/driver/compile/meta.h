/* driver/compile/meta.h - the JSON text a compiled file carries: where it came from, how it was built, how pictures go in and
 * out. */
#ifndef QN_DRIVER_COMPILE_META_H
#define QN_DRIVER_COMPILE_META_H

#include "driver/config/config.h"
#include "driver/shapes/mutable.h"
#include "driver/network/network.h"
#include "driver/compile/refit_source.h"

/* What the build found out beside the graph. */
typedef struct qn_meta_facts {
    const qn_pins *pins;
    int (*input_perms)[QN_MAX_RANK];  /* per input: axis i is axis perm[i] of the source (driver/picture/layout.h) */
    int64_t (*declared)[QN_MAX_RANK]; /* per input, in the source's layout: the dims it had before the configuration was
                                         applied, -1 where free */
    qn_refit_source refit;            /* zeroed: weights cannot be replaced */
} qn_meta_facts;

/* Makes facts without pins, with room for every input, and takes down what the inputs declare. OUT_OF_MEMORY. */
qn_status *qn_meta_facts_init(qn_meta_facts *facts, const qn_graph *graph) QN_MUST_USE;

/* {"quench", "source": {...}, "config": {...}, "declared": [[1,-1,-1,3]], "pinned": [...], "refit": {...},
   "unbatched": [0], "picture_size": [224, 224], "image": {...}}: "config" is the effective configuration, "declared"
   the shapes of the inputs before it was applied, "pinned" the dims of inputs {"input", "axis", "size", "reason"} that
   the graph holds to one size, "refit" what driver/compile/refit_source.h keeps, "unbatched" the inputs whose free first dim is
   no number of samples (driver/shapes/batch.h), "image" what driver/picture/image_block.h makes, and "picture_size" its input's height
   and width as the source declares them, where others are possible and the configuration says nothing of sizes. Call it
   before passes run. `buffer` receives the text. Errors of the image block. */
qn_status *qn_meta_write(const qn_network *network, const qn_config *config, const qn_meta_facts *facts,
                         qn_buffer *buffer) QN_MUST_USE;

#endif
