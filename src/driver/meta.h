/* driver/meta.h - the JSON text a compiled file carries: where it came from, how it was built, how pictures go in and out. */
#ifndef QN_DRIVER_META_H
#define QN_DRIVER_META_H

#include "driver/config.h"
#include "driver/network.h"

/* {"quench", "source": {...}, "config": {...}, "image": {...}}; "image" only where pictures can be told from the graph: a
   uint8 NHWC input with 3 or 1 channels, and an integer label map [N, H, W]. Call it before passes run. `buffer` receives the text. */
qn_status *qn_meta_write(const qn_network *network, qn_config *config, qn_buffer *buffer) QN_MUST_USE;

#endif
