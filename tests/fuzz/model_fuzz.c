/* model_fuzz.c - compiled files: whole ones, their checksum and size made right but for a few, and tables alone
 * (model_file.h), of which a file is made. What is behind the checksum is reached so. What loads is run. */
#include "fuzz.h"

#include "model/sections.h"
#include "model_file.h"

#include <stdlib.h>

enum { AS_IS_EVERY = 16 };

/* All of a short form; of a file the tables: constants come last and are many. */
size_t fuzz_head(const uint8_t *data, size_t bytes) {
    enum { OFFSET_AT = QN_FORMAT_HEADER_BYTES + QN_FORMAT_ENTRY_BYTES * QN_SECTION_CONSTANTS + 8 };
    if (model_file_is_short(data, bytes) || bytes < OFFSET_AT + 8) return bytes;
    uint64_t offset = qn_load_u64(data + OFFSET_AT);
    return offset < bytes ? (size_t)offset : bytes;
}

#ifdef QN_LIBFUZZER
#include "base/text.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t bytes_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed);

/* A field of a table becomes a small number, one more or less, or what ends a range. */
static void change_field(qn_rng *rng, uint8_t *section, size_t section_bytes) {
    static const uint32_t ends[] = {UINT32_MAX, INT32_MAX, 0x80000000, 0x10000, 0xffff, 256, 255, 64};
    uint8_t *field = section + qn_rng_range(rng, 0, (int64_t)section_bytes / 4 - 1) * 4;
    uint32_t value = qn_load_u32(field);
    switch (qn_rng_range(rng, 0, 4)) {
    case 0: value++; break;
    case 1: value--; break;
    case 2: value = ends[qn_rng_range(rng, 0, 7)]; break;
    case 3: value ^= (uint32_t)1 << qn_rng_range(rng, 0, 31); break;
    default: value = (uint32_t)qn_rng_range(rng, 0, 40);
    }
    qn_store_u32(field, value);
}

/* Puts the `replaced` bytes at `at`, of the section there, in place of `old`: the section's length follows. */
static size_t splice(uint8_t *data, size_t bytes, size_t at, size_t old, const uint8_t *replaced, size_t length) {
    memmove(data + at + length, data + at + old, bytes - at - old);
    memcpy(data + at, replaced, length);
    data[at - 2] = (uint8_t)length;
    data[at - 1] = (uint8_t)(length >> 8);
    return bytes - old + length;
}

/* A record once more, or one less. */
static size_t change_count(qn_rng *rng, uint8_t *copy, size_t length, size_t record) {
    size_t count = length / record, which = (size_t)qn_rng_range(rng, 0, (int64_t)count - 1) * record;
    const int grows = qn_rng_range(rng, 0, 1) != 0;
    if (grows)
        memmove(copy + which + record, copy + which, length - which);
    else
        memmove(copy + which, copy + which + record, length - which - record);
    return grows ? length + record : length - record;
}

static size_t mutate_section(qn_rng *rng, uint8_t *data, size_t bytes, size_t bytes_max) {
    enum { RECORD_MAX = 80 };
    uint32_t which = (uint32_t)qn_rng_range(rng, 0, QN_SECTION_COUNT - 1);
    size_t at, length, record = model_file_record_bytes(data, which);
    if (!model_file_find(data, bytes, which, &at, &length)) return LLVMFuzzerMutate(data, bytes, bytes_max);
    int64_t how = qn_rng_range(rng, 0, 9);
    if (how < 6 && length >= 4 && record >= 4) {
        change_field(rng, data + at, length);
        return bytes;
    }
    size_t room = bytes_max - bytes, old = length;
    uint8_t *copy = malloc(length + room + RECORD_MAX);
    if (!copy) abort();
    memcpy(copy, data + at, length);
    if (how < 8 && length >= record && room >= record)
        length = change_count(rng, copy, length, record);
    else if (length + room)
        length = LLVMFuzzerMutate(copy, length, length + (room < UINT16_MAX ? room : 0));
    if (length <= UINT16_MAX) bytes = splice(data, bytes, at, old, copy, length);
    free(copy);
    return bytes;
}

/* Changes a table without moving the others; of a file the tables without moving what follows. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    if (model_file_is_short(data, bytes) && qn_rng_range(&rng, 0, 15)) {
        for (int64_t count = qn_rng_range(&rng, 1, 3); count > 0; count--)
            bytes = mutate_section(&rng, data, bytes, bytes_max);
        return bytes;
    }
    size_t head = fuzz_head(data, bytes);
    if (head == bytes) return LLVMFuzzerMutate(data, bytes, bytes_max);
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
    const uint64_t choice = fuzz_choice(data, bytes);
    qn_model_options options;
    qn_model *model = NULL;
    qn_buffer file;
    qn_buffer_init(&file, NULL);
    if (model_file_is_short(data, bytes))
        model_file_expand(data, bytes, &file);
    else if (bytes)
        qn_buffer_append(&file, data, bytes);
    if (choice % AS_IS_EVERY) sections_sign(file.data, file.size);
    qn_model_options_init(&options);
    options.allocator = fuzz_allocator();
    qn_status *status = qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, &options, &model);
    if (!status) run_model(model, choice);
    qn_model_destroy(model);
    qn_buffer_deinit(&file);
    expect_fair(status);
    return 0;
}
