/* config_fuzz.c - build configurations: merged, printed, and applied to a small network. */
#include "fuzz.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static qn_status *build(const qn_config *config) {
    qn_network *network = make_network(fuzz_picture_network);
    qn_build_options options;
    qn_calibrator *calibrator = NULL;
    qn_model *model = NULL;
    qn_build_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_calibrator_create(NULL, &calibrator);
    if (!status) status = qn_calibrator_set_fixed_range(calibrator, -2.0f, 6.0f);
    options.calibrator = calibrator;
    if (!status) status = qn_build(network, config, &options, &model);
    if (!status) run_model(model, 1);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    qn_network_destroy(network);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = as_text(data, bytes);
    qn_config *config = NULL;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = qn_config_merge_text(config, text, "damaged.json");
    if (!status) qn_config_effective_text(config);
    if (!status) status = build(config);
    qn_config_destroy(config);
    free(text);
    expect_fair(status);
    return 0;
}
