/* ranges_fuzz.c - ranges files. */
#include "fuzz.h"

#include "quench/calibrator.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = as_text(data, bytes);
    const char *again;
    qn_calibrator *calibrator = NULL;
    qn_status *status = qn_calibrator_create(NULL, &calibrator);
    if (!status) status = qn_calibrator_load_ranges_text(calibrator, text, "damaged.json");
    if (!status) status = qn_calibrator_ranges_text(calibrator, &again);
    qn_calibrator_destroy(calibrator);
    free(text);
    expect_fair(status);
    return 0;
}
