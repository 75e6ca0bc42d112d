/* config_fuzz.c - build configurations. */
#include "fuzz.h"

#include <stdlib.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = as_text(data, bytes);
    qn_config *config = NULL;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = qn_config_merge_text(config, text, "damaged.json");
    if (!status) qn_config_effective_text(config);
    qn_config_destroy(config);
    free(text);
    expect_fair(status);
    return 0;
}
