/* driver/build/build.h - the private side of quench/build.h: what replacing weights shares with building. */
#ifndef QN_DRIVER_BUILD_BUILD_H
#define QN_DRIVER_BUILD_BUILD_H

#include "driver/config/config.h"
#include "driver/network/network.h"
#include "driver/compile/refit_source.h"
#include "quench/build.h"

/* The second half of a build: passes, plan and the bytes of the file, from a network to which everything in the
   configuration that changes the network itself has been applied. `meta` is stored; `weights` (of a qn_refit_source, or
   empty) go behind the constants. */
qn_status *qn_build_prepared(qn_network *network, const qn_config *config, const qn_build_options *options,
                             const char *meta, qn_bytes weights, qn_buffer *file) QN_MUST_USE;

#endif
