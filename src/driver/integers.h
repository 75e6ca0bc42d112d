/* driver/integers.h - what integer precision needs before layers become integers: ranges on the values. */
#ifndef QN_DRIVER_INTEGERS_H
#define QN_DRIVER_INTEGERS_H

#include "driver/compile.h"
#include "driver/network.h"
#include "driver/norms.h"

/* Is `value` one that integer precision needs to know about: a float that a convolution or product reads, or
   an addition that is asked to be one of integers? */
int qn_integers_read(const qn_value *value);

/* With a mode of integers: puts the calibrator's ranges and custom_ranges on the values of a simplified graph, with the
   means that `norms` of the source let expect where there are none, and keeps
   the contract if there is one (driver/contract.h). Does nothing otherwise. INVALID_ARGUMENT: nothing says what ranges
   values have, or the ranges are another model's. */
qn_status *qn_integers_prepare(qn_graph *graph, const qn_norms *norms, const qn_config *config,
                               const qn_build_options *options, const qn_progress *progress) QN_MUST_USE;

/* Warns where the ranges that a build used were measured on another file than `network` comes from: values of the same
   names may hold something else. */
void qn_integers_warn_of_source(const qn_network *network, const qn_build_options *options);

#endif
