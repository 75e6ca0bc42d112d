/* model_fuzz.c - compiled files, their checksum and size mended, so that what is behind them is reached. */
#include "fuzz.h"

#include "model/format.h"

#include <stdlib.h>
#include <string.h>

enum { CONSTANTS_ENTRY = 40 + 24 * QN_SECTION_CONSTANTS, ENTRY_OFFSET = 8, HEADER_MIN = 40 };

/* The tables; constants come last and are many. */
size_t fuzz_head(const uint8_t *data, size_t bytes) {
    if (bytes < CONSTANTS_ENTRY + ENTRY_OFFSET + 8) return bytes;
    uint64_t offset = qn_load_u64(data + CONSTANTS_ENTRY + ENTRY_OFFSET);
    return offset < bytes ? (size_t)offset : bytes;
}

#ifdef QN_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t bytes_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed);

/* Changes the tables without moving what follows. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed) {
    size_t head = fuzz_head(data, bytes);
    (void)bytes_max, (void)seed;
    uint8_t *copy = malloc(head + 1);
    if (!copy) abort();
    memcpy(copy, data, head);
    size_t changed = LLVMFuzzerMutate(copy, head, head);
    memcpy(data, copy, changed);
    free(copy);
    return bytes;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    qn_model *model = NULL;
    uint8_t *copy = malloc(bytes + 1);
    if (!copy) abort();
    if (bytes) memcpy(copy, data, bytes);
    if (bytes >= HEADER_MIN) {
        qn_store_u64(copy + QN_HEADER_FILE_BYTES, bytes);
        qn_store_u64(copy + QN_HEADER_CHECKSUM, qn_format_checksum(copy, bytes));
    }
    qn_status *status = qn_model_load_memory(copy, bytes, QN_MEMORY_COPY, NULL, &model);
    if (!status) status = run_smallest(model);
    qn_model_destroy(model);
    free(copy);
    expect_fair(status);
    return 0;
}
