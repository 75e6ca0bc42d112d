/* driver/compile/compile.h - the stages of a build, which calibration and contracts take too.
 *
 *   prepare    what the configuration changes before any pass: types, shapes, layouts, wishes for nodes
 *   passes     stages of pass/passes.def under the configuration
 *   program    plan, serialise
 */
#ifndef QN_DRIVER_COMPILE_COMPILE_H
#define QN_DRIVER_COMPILE_COMPILE_H

#include "driver/config/config.h"
#include "driver/compile/meta.h"
#include "driver/common/progress.h"
#include "pass/pass.h"
#include "quant/cost.h"
#include "quench/build.h"

/* Prepares `graph`. `pins` and `facts` say what was found out. Errors: INVALID_ARGUMENT, UNSUPPORTED, OUT_OF_MEMORY. */
qn_status *qn_compile_prepare(qn_graph *graph, const qn_config *config, const qn_log *log, qn_pins *pins,
                              qn_meta_facts *facts) QN_MUST_USE;

/* Runs the stages. `options` (never NULL): who sees the graph after passes; `progress` (NULL: none) is asked before each. */
qn_status *qn_compile_passes(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                             qn_progress *progress, qn_pass_stage first, qn_pass_stage last) QN_MUST_USE;

/* What the precision mode wishes of the graph: what floats are stored in, and in which integers it is to compute.
   OUT_OF_MEMORY. */
qn_status *qn_compile_set_precision(qn_graph *graph, const qn_config *config) QN_MUST_USE;

/* precision_config.rounding_iterations; 0 where no weights have 8 bits: those of 16 have little to gain. */
int64_t qn_compile_rounding_iterations(const qn_config *config);

/* The cost model of the first of `archs`; the default where there is none. */
const qn_cost_model *qn_compile_cost_model(const qn_config *config);

/* Plans `graph`, which is consumed, and appends the compiled file to `file`. `weights` (size 0: none) are the source's,
   kept in the file for refitting. `progress` may be NULL. */
qn_status *qn_compile_program(qn_graph *graph, const char *meta, qn_bytes weights, const qn_progress *progress,
                              qn_buffer *file) QN_MUST_USE;

#endif
