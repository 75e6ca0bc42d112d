/* graph_fuzz.c - source models through the whole way: import, build, run. */
#include "fuzz.h"

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data, (void)bytes;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const modes[] = {"\"force_float32\"", "\"force_float16\""};
    uint64_t choice = fuzz_choice(data, bytes);
    qn_network_options options;
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_network_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_network_import_memory(data, bytes, "damaged.pb", &options, &network);
    if (!status) status = build_in(modes[choice % 2], network, &model);
    if (!status) run_model(model, choice);
    qn_model_destroy(model);
    qn_network_destroy(network);
    expect_fair(status);
    return 0;
}
