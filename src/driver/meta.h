/* driver/meta.h - the JSON text a compiled file carries: where it came from, how it was built, how pictures go in and
 * out. */
#ifndef QN_DRIVER_META_H
#define QN_DRIVER_META_H

#include "driver/config.h"
#include "driver/mutable.h"
#include "driver/network.h"

/* What the build found out beside the graph. */
typedef struct qn_meta_facts {
    const qn_pins *pins;
    int (*input_perms)[QN_MAX_RANK]; /* per input: axis i is axis perm[i] of the source (driver/layout.h) */
} qn_meta_facts;

/* {"quench", "source": {...}, "config": {...}, "pinned": [...], "image": {...}}: "config" is the effective
   configuration, "pinned" the dims of inputs {"input", "axis", "size", "reason"} that the graph holds to one size,
   "image" what driver/image_block.h makes. Call it before passes run. `buffer` receives the text. Errors of the image
   block. */
qn_status *qn_meta_write(const qn_network *network, const qn_config *config, const qn_meta_facts *facts,
                         qn_buffer *buffer) QN_MUST_USE;

#endif
