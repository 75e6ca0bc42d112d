/* driver/contract/contract.h - the private side of quench/contract.h: which layers pay for staying float. */
#ifndef QN_DRIVER_CONTRACT_CONTRACT_H
#define QN_DRIVER_CONTRACT_CONTRACT_H

#include "driver/compile/compile.h"

/* Sets wishes on nodes of the simplified graph, whose values have their ranges, such that what is built keeps
   options->contract. UNSUPPORTED: it cannot be kept, saying what can; INVALID_ARGUMENT: samples without labels ... */
qn_status *qn_contract_keep(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                            const qn_progress *progress) QN_MUST_USE;

#endif
