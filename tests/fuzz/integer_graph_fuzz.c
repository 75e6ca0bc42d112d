/* integer_graph_fuzz.c - source models on their way to integers, all of them with one range for every value. */
#include "fuzz.h"

#include "quench/calibrator.h"

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data, (void)bytes;
    return 0;
}

static qn_status *build(qn_network *network, const char *mode, qn_model **out_model) {
    qn_build_options options;
    qn_calibrator *calibrator = NULL;
    qn_config *config = NULL;
    qn_build_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = qn_config_set(config, "precision_config.precision_mode", mode);
    if (!status) status = qn_calibrator_create(NULL, &calibrator);
    if (!status) status = qn_calibrator_set_fixed_range(calibrator, -2.0f, 6.0f);
    options.calibrator = calibrator;
    if (!status) status = qn_build(network, config, &options, out_model);
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const modes[] = {"\"qint8_mixed_float16\"", "\"qint16_mixed_float32\""};
    uint64_t choice = fuzz_choice(data, bytes);
    qn_network_options options;
    qn_network_options_init(&options);
    options.allocator = fuzz_allocator();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        qn_network *network = NULL;
        qn_model *model = NULL;
        qn_status *status = qn_network_import_memory(data, bytes, "damaged.pb", &options, &network);
        if (!status) status = build(network, modes[i], &model);
        if (!status) run_model(model, choice);
        qn_model_destroy(model);
        qn_network_destroy(network);
        expect_fair(status);
    }
    return 0;
}
