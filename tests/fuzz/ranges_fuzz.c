/* ranges_fuzz.c - ranges files: read, printed again, and used to build a small network in integers. */
#include "fuzz.h"

#include "quench/calibrator.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static qn_status *build(const qn_calibrator *calibrator) {
    qn_network *network = make_network(fuzz_picture_network);
    qn_build_options options;
    qn_config *config = NULL;
    qn_model *model = NULL;
    qn_build_options_init(&options);
    options.allocator = fuzz_allocator();
    options.calibrator = calibrator;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = qn_config_set(config, "precision_config.precision_mode", "\"qint8_mixed_float32\"");
    if (!status) status = qn_build(network, config, &options, &model);
    if (!status) run_model(model, 1);
    qn_model_destroy(model);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = as_text(data, bytes);
    const char *again;
    qn_calibrator_options options;
    qn_calibrator *calibrator = NULL;
    qn_calibrator_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_calibrator_create(&options, &calibrator);
    if (!status) status = qn_calibrator_load_ranges_text(calibrator, text, "damaged.json");
    if (!status) status = qn_calibrator_ranges_text(calibrator, &again);
    if (!status) status = build(calibrator);
    qn_calibrator_destroy(calibrator);
    free(text);
    expect_fair(status);
    return 0;
}
