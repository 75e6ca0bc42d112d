#include "driver/contract.h"

void qn_contract_init(qn_contract *contract) { *contract = (qn_contract){.size = sizeof *contract, .confidence = 0.95}; }

qn_status *qn_contract_keep(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                            const qn_progress *progress) {
    (void)graph, (void)config, (void)progress, (void)options;
    return QN_ERR(QN_UNSUPPORTED, "contracts are not kept by this version");
}
