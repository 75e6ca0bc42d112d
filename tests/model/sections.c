#include "sections.h"

#include "model/program.h"

static uint8_t *entry_of(uint8_t *file, uint32_t section) {
    return file + QN_FORMAT_HEADER_BYTES + (size_t)section * QN_FORMAT_ENTRY_BYTES;
}

void sections_write(uint32_t version, const qn_bytes sections[QN_SECTION_COUNT], qn_buffer *out) {
    const uint32_t count = qn_format_section_count(version);
    uint64_t offsets[QN_SECTION_COUNT];
    qn_buffer_zeros(out, QN_FORMAT_HEADER_BYTES + (size_t)count * QN_FORMAT_ENTRY_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        qn_buffer_align(out, i == QN_SECTION_CONSTANTS ? QN_FORMAT_CONSTANT_ALIGN : QN_FORMAT_ALIGN);
        offsets[i] = out->size;
        if (sections[i].size) qn_buffer_append(out, sections[i].data, sections[i].size);
    }
    memcpy(out->data, QN_FORMAT_MAGIC, QN_FORMAT_MAGIC_BYTES);
    qn_store_u32(out->data + QN_HEADER_VERSION, version);
    qn_store_u32(out->data + QN_HEADER_SECTIONS, count);
    for (uint32_t i = 0; i < count; i++) {
        qn_store_u32(entry_of(out->data, i), i + 1);
        qn_store_u64(entry_of(out->data, i) + 8, offsets[i]);
        qn_store_u64(entry_of(out->data, i) + 16, sections[i].size);
    }
    sections_sign(out->data, out->size);
}

uint32_t sections_read(qn_bytes file, qn_bytes out_sections[QN_SECTION_COUNT]) {
    const uint32_t version = qn_load_u32(file.data + QN_HEADER_VERSION), count = qn_format_section_count(version);
    for (uint32_t i = 0; i < QN_SECTION_COUNT; i++) {
        const uint8_t *entry = file.data + QN_FORMAT_HEADER_BYTES + (size_t)i * QN_FORMAT_ENTRY_BYTES;
        out_sections[i] = (qn_bytes){0};
        if (i < count)
            out_sections[i] = (qn_bytes){file.data + qn_load_u64(entry + 8), (size_t)qn_load_u64(entry + 16)};
    }
    return version;
}

void sections_sign(uint8_t *data, size_t bytes) {
    if (bytes < QN_FORMAT_HEADER_BYTES) return;
    qn_store_u64(data + QN_HEADER_FILE_BYTES, bytes);
    qn_store_u64(data + QN_HEADER_CHECKSUM, qn_format_checksum(data, bytes));
}

qn_status *sections_with_meta(qn_bytes file, const char *meta, qn_buffer *out) {
    qn_arena arena;
    const qn_program *program;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_read(file, &arena, &program);
    if (!status) {
        qn_program changed = *program;
        changed.meta = meta;
        status = qn_program_write(&changed, out);
    }
    qn_arena_deinit(&arena);
    return status;
}
