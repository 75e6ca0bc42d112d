/* driver/build/integers.h - what integer precision needs before layers become integers: ranges on the values. */
#ifndef QN_DRIVER_BUILD_INTEGERS_H
#define QN_DRIVER_BUILD_INTEGERS_H

#include "driver/compile/compile.h"
#include "driver/network/network.h"
#include "driver/calibrate/norms.h"

/* With a mode of integers: puts the calibrator's ranges and custom_ranges on the values of a simplified graph, with the
   means that `norms` of the source let expect where there are none, and keeps
   the contract if there is one (driver/contract/contract.h). Does nothing otherwise. INVALID_ARGUMENT: nothing says what ranges
   values have, or the ranges are another model's. */
qn_status *qn_integers_prepare(qn_graph *graph, const qn_norms *norms, const qn_config *config,
                               const qn_build_options *options, const qn_progress *progress) QN_MUST_USE;

/* Warns where the ranges that a build used were measured on another file than `network` comes from: values of the same
   names may hold something else. */
void qn_integers_warn_of_source(const qn_network *network, const qn_build_options *options);

#endif
