#include "files.h"

#include <stdlib.h>
#include <string.h>

void assert_ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

file file_copy(const uint8_t *data, size_t size) {
    void *block = NULL;
    if (posix_memalign(&block, 64, size ? size : 1)) fail_msg("no memory for a file of %zu bytes", size);
    if (size) memcpy(block, data, size);
    return (file){block, size};
}

file write_program(const qn_program *program) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(program, &buffer));
    file out = file_copy(buffer.data, buffer.size);
    qn_buffer_deinit(&buffer);
    return out;
}

file write_made(const qn_program *(*make)(maker *, int), int ceiling) {
    maker *m = maker_create();
    file out = write_program(make(m, ceiling));
    maker_destroy(m);
    return out;
}

void sign(file f) { qn_store_u64(f.data + QN_HEADER_CHECKSUM, qn_format_checksum(f.data, f.size)); }

uint8_t *section(file f, qn_section which) {
    const uint8_t *entry = f.data + QN_FORMAT_HEADER_BYTES + (size_t)which * QN_FORMAT_ENTRY_BYTES;
    return f.data + qn_load_u64(entry + 8);
}

qn_code try_read(file f) {
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_read((qn_bytes){f.data, f.size}, &arena, &program);
    qn_code code = qn_status_code(status);
    if (code != QN_OK) assert_true(strlen(qn_status_message(status)) > 0);
    qn_status_free(status);
    qn_arena_deinit(&arena);
    return code;
}

void expect_refused(file f, const char *text) {
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_read((qn_bytes){f.data, f.size}, &arena, &program);
    if (!status) fail_msg("accepted, expected '%s'", text);
    if (!strstr(qn_status_message(status), text)) fail_msg("expected '%s' in: %s", text, qn_status_message(status));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}
