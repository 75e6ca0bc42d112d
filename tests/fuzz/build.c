#include "fuzz.h"

#include "base/dtype.h"
#include "quench/calibrator.h"
#include "quench/refit.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHT_BYTES_MAX = 1 << 16 };

/* ---- Precisions ---- */

qn_status *build_in(const char *mode, qn_network *network, qn_model **out_model) {
    qn_build_options options;
    qn_calibrator *calibrator = NULL;
    qn_config *config = NULL;
    qn_build_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = qn_config_set(config, "precision_config.precision_mode", mode);
    if (!status) status = qn_calibrator_create(NULL, &calibrator);
    if (!status) status = qn_calibrator_set_fixed_range(calibrator, -2.0f, 6.0f);
    options.calibrator = strncmp(mode, "\"qint", 5) ? NULL : calibrator;
    if (!status) status = qn_build(network, config, &options, out_model);
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    return status;
}

/* ---- Weights ---- */

/* Gives new numbers to the first weights. */
static qn_status *set_weights(qn_refitter *refitter, size_t count) {
    qn_weights_info info;
    qn_status *status = NULL;
    for (size_t i = 0; i < count && !status && qn_refitter_get_weights(refitter, i, &info); i++) {
        qn_tensor tensor = {.dtype = info.dtype, .rank = info.rank};
        qn_view view = {.dtype = info.dtype, .rank = info.rank};
        memcpy(tensor.dims, info.dims, sizeof tensor.dims);
        memcpy(view.dims, info.dims, sizeof view.dims);
        const size_t bytes = qn_view_bytes(&view);
        if (bytes > WEIGHT_BYTES_MAX || info.reason) continue;
        tensor.data = calloc(1, bytes ? bytes : 1);
        if (!tensor.data) abort();
        status = qn_refitter_set_named_weights(refitter, info.name, &tensor);
        free(tensor.data);
    }
    return status;
}

qn_status *refit_model(qn_model *model, size_t count) {
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_refitter *refitter = NULL;
    qn_engine_options_init(&options);
    options.threads = 1;
    options.allocator = fuzz_allocator();
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_refitter_create(engine, &refitter);
    if (!status) status = set_weights(refitter, count);
    if (!status) status = qn_refitter_refit_engine(refitter);
    qn_refitter_destroy(refitter);
    qn_engine_destroy(engine);
    return status;
}
