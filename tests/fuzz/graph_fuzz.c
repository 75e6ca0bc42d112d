/* graph_fuzz.c - source models through the whole way: import, build, run. */
#include "fuzz.h"

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data, (void)bytes;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_status *status = qn_network_import_memory(data, bytes, "damaged.pb", NULL, &network);
    if (!status) status = qn_build(network, NULL, NULL, &model);
    if (!status) status = run_smallest(model);
    qn_model_destroy(model);
    qn_network_destroy(network);
    expect_fair(status);
    return 0;
}
