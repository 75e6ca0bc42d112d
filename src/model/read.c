/* Reading a .qn file: header and checksum, the table of sections, each section into the program's arrays, then
 * qn_program_verify. Texts, constants, scales and zero points stay in the bytes of the file; the arrays of records are
 * decoded into the arena. Indices are checked by the verifier, and by a reader only where it follows them itself. */
#include "model/format.h"
#include "model/program.h"

#include "base/text.h"
#include "kernel/packing.h"
#include "model/read_packing.h"

#include <assert.h>

enum { ENCODINGS_MUST = 2, PACKINGS_SINCE = 3 }; /* versions */

typedef struct reader {
    qn_bytes file;
    qn_arena *arena;
    uint32_t version;
    qn_bytes sections[QN_SECTION_COUNT];
    qn_program *program;
    qn_program_value *values; /* the program's */
    int64_t *old_packings;    /* before PACKINGS_SINCE, by step: read_packing.h */
} reader;

static const struct {
    const char *name;
    size_t record_bytes;
} section_rows[QN_SECTION_COUNT] = {
    [QN_SECTION_INFO] = {"info", QN_RECORD_INFO},
    [QN_SECTION_SYMBOLS] = {"symbols", QN_RECORD_SYMBOL},
    [QN_SECTION_DIMS] = {"dims", QN_RECORD_DIM},
    [QN_SECTION_CONTENTS] = {"contents", QN_RECORD_INDEX},
    [QN_SECTION_VALUES] = {"values", QN_RECORD_VALUE},
    [QN_SECTION_OPERANDS] = {"operands", QN_RECORD_INDEX},
    [QN_SECTION_STEPS] = {"steps", QN_RECORD_STEP},
    [QN_SECTION_DATA_SYMBOLS] = {"data symbols", QN_RECORD_DATA_SYMBOL},
    [QN_SECTION_CHECKS] = {"checks", QN_RECORD_CHECK},
    [QN_SECTION_INPUTS] = {"inputs", QN_RECORD_INDEX},
    [QN_SECTION_OUTPUTS] = {"outputs", QN_RECORD_INDEX},
    [QN_SECTION_OPERATORS] = {"operators", QN_RECORD_INDEX},
    [QN_SECTION_ATTRIBUTES] = {"attributes", 1},
    [QN_SECTION_TEXT] = {"text", 1},
    [QN_SECTION_CONSTANTS] = {"constants", 1},
    [QN_SECTION_ENCODINGS] = {"encodings", QN_RECORD_ENCODING},
    [QN_SECTION_SCALES] = {"scales", QN_RECORD_SCALE},
    [QN_SECTION_ZERO_POINTS] = {"zero points", 1},
};

uint64_t qn_format_checksum(const uint8_t *file, size_t bytes) {
    uint64_t head = qn_hash_bytes(file, QN_HEADER_CHECKSUM, 0);
    return qn_hash_bytes(file + QN_HEADER_CHECKSUM + 8, bytes - QN_HEADER_CHECKSUM - 8, head);
}

int qn_program_is_compiled(qn_bytes bytes) {
    return bytes.size >= QN_FORMAT_MAGIC_BYTES && memcmp(bytes.data, QN_FORMAT_MAGIC, QN_FORMAT_MAGIC_BYTES) == 0;
}

/* ---- Header and sections ---- */

static qn_status *check_header(qn_bytes file) {
    if (file.size == 0) return QN_ERR(QN_INVALID_MODEL, "the file is empty");
    if (file.size >= QN_FORMAT_MAGIC_BYTES && !qn_program_is_compiled(file))
        return QN_ERR(QN_INVALID_MODEL,
                      "not a compiled model, or damaged (it does not begin with the mark of a .qn file): "
                      "make one with `quench build`");
    if (file.size < QN_FORMAT_HEADER_BYTES)
        return QN_ERR(QN_INVALID_MODEL, "cut short: %zu bytes, but the header alone has %d", file.size,
                      QN_FORMAT_HEADER_BYTES);
    uint32_t version = qn_load_u32(file.data + QN_HEADER_VERSION);
    if (version > QN_FORMAT_VERSION)
        return QN_ERR(QN_INCOMPATIBLE,
                      "file format %u, but this quench reads up to %d: use a newer quench, or build the model "
                      "again with this one",
                      version, QN_FORMAT_VERSION);
    if (version == 0) return QN_ERR(QN_INVALID_MODEL, "file format 0 does not exist: the file is damaged");
    uint64_t file_bytes = qn_load_u64(file.data + QN_HEADER_FILE_BYTES);
    if (file_bytes != file.size)
        return QN_ERR(QN_INVALID_MODEL, "%s: %zu bytes, but the header says %llu",
                      file.size < file_bytes ? "cut short" : "too long", file.size, (unsigned long long)file_bytes);
    if (qn_load_u64(file.data + QN_HEADER_CHECKSUM) != qn_format_checksum(file.data, file.size))
        return QN_ERR(QN_INVALID_MODEL, "damaged: the checksum does not match the contents");
    return NULL;
}

static int is_zero(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i]) return 0;
    return 1;
}

/* Sections follow each other in the order of the table with nothing but alignment between them. */
static qn_status *read_section_table(reader *r) {
    uint32_t count = qn_load_u32(r->file.data + QN_HEADER_SECTIONS), expected = qn_format_section_count(r->version);
    if (count != expected) return QN_ERR(QN_INVALID_MODEL, "%u sections, expected %u", count, expected);
    if (qn_load_u64(r->file.data + QN_HEADER_RESERVED))
        return QN_ERR(QN_INVALID_MODEL, "reserved header field is not 0");
    uint64_t at = QN_FORMAT_HEADER_BYTES + (uint64_t)count * QN_FORMAT_ENTRY_BYTES;
    if (at > r->file.size) return QN_ERR(QN_INVALID_MODEL, "cut short: no room for the section table");
    for (uint32_t i = 0; i < count; i++) {
        const char *name = section_rows[i].name;
        const uint8_t *entry = r->file.data + QN_FORMAT_HEADER_BYTES + (size_t)i * QN_FORMAT_ENTRY_BYTES;
        uint64_t offset = qn_load_u64(entry + 8), bytes = qn_load_u64(entry + 16);
        size_t align = i == QN_SECTION_CONSTANTS ? QN_FORMAT_CONSTANT_ALIGN : QN_FORMAT_ALIGN;
        if (qn_load_u32(entry) != i + 1 || qn_load_u32(entry + 4))
            return QN_ERR(QN_INVALID_MODEL, "entry %u of the section table is not section '%s'", i, name);
        if (offset != qn_align_up(at, align) || offset > r->file.size || bytes > r->file.size - offset)
            return QN_ERR(QN_INVALID_MODEL,
                          "section '%s' lies at %llu with %llu bytes, expected it at %llu in a file of %zu bytes", name,
                          (unsigned long long)offset, (unsigned long long)bytes,
                          (unsigned long long)qn_align_up(at, align), r->file.size);
        if (!is_zero(r->file.data + at, (size_t)(offset - at)))
            return QN_ERR(QN_INVALID_MODEL, "the gap before section '%s' is not filled with 0", name);
        if (bytes % section_rows[i].record_bytes)
            return QN_ERR(QN_INVALID_MODEL, "section '%s' has %llu bytes, expected a multiple of %zu", name,
                          (unsigned long long)bytes, section_rows[i].record_bytes);
        r->sections[i] = (qn_bytes){r->file.data + offset, (size_t)bytes};
        at = offset + bytes;
    }
    if (at != r->file.size)
        return QN_ERR(QN_INVALID_MODEL, "%llu bytes follow the last section", (unsigned long long)(r->file.size - at));
    if (r->sections[QN_SECTION_INFO].size != QN_RECORD_INFO)
        return QN_ERR(QN_INVALID_MODEL, "section 'info' has not one record");
    qn_bytes text = r->sections[QN_SECTION_TEXT];
    if (text.size == 0 || text.data[0] || text.data[text.size - 1])
        return QN_ERR(QN_INVALID_MODEL, "section 'text' does not begin and end with a NUL");
    return NULL;
}

static size_t record_count(const reader *r, qn_section section) {
    return r->sections[section].size / section_rows[section].record_bytes;
}

static const uint8_t *record_at(const reader *r, qn_section section, size_t index) {
    assert(index <= record_count(r, section)); /* the end, of an empty encoding */
    return r->sections[section].data + index * section_rows[section].record_bytes;
}

/* ---- Tables ---- */

static qn_status *read_text(const reader *r, const uint8_t *field, const char **out_text) {
    uint32_t offset = qn_load_u32(field);
    qn_bytes text = r->sections[QN_SECTION_TEXT];
    if (offset >= text.size)
        return QN_ERR(QN_INVALID_MODEL, "text %u is outside the text section of %zu bytes", offset, text.size);
    *out_text = (const char *)text.data + offset;
    return NULL;
}

static qn_status *read_indices(reader *r, qn_section section, const uint32_t **out_indices, size_t *out_count) {
    size_t count = record_count(r, section);
    uint32_t *indices = QN_ARENA_ARRAY(r->arena, uint32_t, count);
    if (!indices) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) indices[i] = qn_load_u32(record_at(r, section, i));
    *out_indices = indices;
    *out_count = count;
    return NULL;
}

static qn_status *read_symbols(reader *r) {
    size_t count = record_count(r, QN_SECTION_SYMBOLS);
    qn_program_symbol *symbols = QN_ARENA_ARRAY(r->arena, qn_program_symbol, count);
    if (!symbols) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(r, QN_SECTION_SYMBOLS, i);
        QN_TRY_CTX(read_text(r, record, &symbols[i].name), "symbol %zu", i);
        QN_TRY_CTX(read_text(r, record + 4, &symbols[i].reason), "symbol %zu", i);
        symbols[i].low = (int64_t)qn_load_u64(record + 8);
        symbols[i].high = (int64_t)qn_load_u64(record + 16);
        symbols[i].input = (int32_t)qn_load_u32(record + 24);
        symbols[i].axis = (int32_t)qn_load_u32(record + 28);
    }
    r->program->symbols = symbols;
    r->program->symbol_count = count;
    return NULL;
}

static qn_status *read_dims(reader *r) {
    size_t count = record_count(r, QN_SECTION_DIMS);
    qn_dim_instr *dims = QN_ARENA_ARRAY(r->arena, qn_dim_instr, count);
    if (!dims) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(r, QN_SECTION_DIMS, i);
        dims[i] = (qn_dim_instr){.code = qn_load_u32(record),
                                 .a = qn_load_u32(record + 4),
                                 .b = qn_load_u32(record + 8),
                                 .reserved = qn_load_u32(record + 12),
                                 .imm = (int64_t)qn_load_u64(record + 16)};
        if (dims[i].reserved) return QN_ERR(QN_INVALID_MODEL, "dim %zu: reserved field is not 0", i);
    }
    r->program->dims = dims;
    r->program->dim_count = count;
    return NULL;
}

static qn_status *read_packing(const reader *r, const uint8_t *field, qn_program_value *value) {
    const char *name;
    QN_TRY(read_text(r, field, &name));
    if (!*name) return NULL;
    value->packing = qn_packing_find(name);
    if (value->packing) return NULL;
    return QN_ERR(QN_INCOMPATIBLE,
                  "packing '%.100s' is unknown to this quench: use a newer quench, or build the model again with this "
                  "one",
                  name);
}

static qn_status *read_value(const reader *r, const uint8_t *record, qn_program_value *value) {
    QN_TRY(read_text(r, record, &value->name));
    if (record[7]) return QN_ERR(QN_INVALID_MODEL, "reserved byte is not 0");
    value->dtype = (qn_dtype)record[4];
    value->place = (qn_place)record[5];
    value->rank = record[6];
    for (int d = 0; d < QN_MAX_RANK; d++) value->dims[d] = qn_load_u32(record + 8 + 4 * d);
    value->offset = qn_load_u64(record + 40);
    value->bytes = qn_load_u64(record + 48);
    value->first_content = qn_load_u32(record + 56);
    value->content_count = qn_load_u32(record + 60);
    value->first_step = qn_load_u32(record + 64);
    value->last_step = qn_load_u32(record + 68);
    value->alias = (int32_t)qn_load_u32(record + 72);
    if (r->version >= PACKINGS_SINCE) return read_packing(r, record + 76, value);
    if (qn_load_u32(record + 76)) return QN_ERR(QN_INVALID_MODEL, "reserved field is not 0");
    return NULL;
}

static qn_status *read_values(reader *r) {
    size_t count = record_count(r, QN_SECTION_VALUES);
    qn_program_value *values = QN_ARENA_ARRAY(r->arena, qn_program_value, count);
    if (!values) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++)
        QN_TRY_CTX(read_value(r, record_at(r, QN_SECTION_VALUES, i), &values[i]), "value %zu", i);
    r->program->values = r->values = values;
    r->program->value_count = count;
    return NULL;
}

static qn_status *read_operators(const reader *r, const qn_op_def ***out_ops) {
    size_t count = record_count(r, QN_SECTION_OPERATORS);
    const qn_op_def **ops = QN_ARENA_ARRAY(r->arena, const qn_op_def *, count);
    if (!ops) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        QN_TRY_CTX(read_text(r, record_at(r, QN_SECTION_OPERATORS, i), &name), "operator %zu", i);
        ops[i] = qn_op_find(name);
        if (!ops[i])
            return QN_ERR(QN_INCOMPATIBLE,
                          "operator '%s' is unknown to this quench: use a newer quench, or build the model "
                          "again with this one",
                          name);
    }
    *out_ops = ops;
    return NULL;
}

static qn_status *read_attributes(const reader *r, const uint8_t *record, qn_program_step *step,
                                  int64_t *out_old_packing) {
    uint32_t offset = qn_load_u32(record + 12), bytes = qn_load_u32(record + 16);
    qn_bytes all = r->sections[QN_SECTION_ATTRIBUTES];
    if (offset > all.size || bytes > all.size - offset)
        return QN_ERR(QN_INVALID_MODEL, "attributes at %u with %u bytes are outside their section of %zu bytes", offset,
                      bytes, all.size);
    if (!step->op->attrs) {
        if (bytes) return QN_ERR(QN_INVALID_MODEL, "%u bytes of attributes, but '%s' has none", bytes, step->op->name);
        return NULL;
    }
    void *attrs = qn_arena_alloc(r->arena, 1, step->op->attrs_bytes);
    if (!attrs) return qn_status_out_of_memory();
    qn_bytes own = {all.data + offset, bytes};
    if (r->version < PACKINGS_SINCE) QN_TRY(qn_read_old_packing(step->op, &own, out_old_packing));
    QN_TRY(qn_attrs_read(step->op, own, attrs, r->arena));
    step->attrs = attrs;
    return NULL;
}

static qn_status *read_step(const reader *r, const uint8_t *record, const qn_op_def *const *ops, qn_program_step *step,
                            int64_t *out_old_packing) {
    uint32_t op = qn_load_u32(record);
    size_t op_count = record_count(r, QN_SECTION_OPERATORS);
    if (op >= op_count) return QN_ERR(QN_INVALID_MODEL, "operator %u, but the file lists %zu", op, op_count);
    step->op = ops[op];
    QN_TRY(read_text(r, record + 4, &step->name));
    QN_TRY(read_text(r, record + 8, &step->precision));
    step->first_input = qn_load_u32(record + 20);
    step->input_count = qn_load_u32(record + 24);
    step->first_output = qn_load_u32(record + 28);
    step->output_count = qn_load_u32(record + 32);
    step->first_data_symbol = qn_load_u32(record + 36);
    step->data_symbol_count = qn_load_u32(record + 40);
    if (qn_load_u32(record + 44)) return QN_ERR(QN_INVALID_MODEL, "reserved field is not 0");
    QN_TRY_CTX(read_attributes(r, record, step, out_old_packing), "'%s' (%s)", step->name, step->op->name);
    return NULL;
}

static qn_status *read_steps(reader *r) {
    const qn_op_def **ops = NULL;
    QN_TRY(read_operators(r, &ops));
    size_t count = record_count(r, QN_SECTION_STEPS);
    qn_program_step *steps = QN_ARENA_ARRAY(r->arena, qn_program_step, count);
    r->old_packings = QN_ARENA_ARRAY(r->arena, int64_t, count);
    if (!steps || !r->old_packings) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++)
        QN_TRY_CTX(read_step(r, record_at(r, QN_SECTION_STEPS, i), ops, &steps[i], &r->old_packings[i]), "step %zu", i);
    r->program->steps = steps;
    r->program->step_count = count;
    return NULL;
}

static qn_status *read_data_symbols(reader *r) {
    size_t count = record_count(r, QN_SECTION_DATA_SYMBOLS);
    qn_program_data_symbol *symbols = QN_ARENA_ARRAY(r->arena, qn_program_data_symbol, count);
    if (!symbols) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(r, QN_SECTION_DATA_SYMBOLS, i);
        symbols[i].symbol = qn_load_u32(record);
        symbols[i].output = qn_load_u32(record + 4);
        symbols[i].axis = qn_load_u32(record + 8);
    }
    r->program->data_symbols = symbols;
    r->program->data_symbol_count = count;
    return NULL;
}

static qn_status *read_checks(reader *r) {
    size_t count = record_count(r, QN_SECTION_CHECKS);
    qn_program_check *checks = QN_ARENA_ARRAY(r->arena, qn_program_check, count);
    if (!checks) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(r, QN_SECTION_CHECKS, i);
        checks[i].condition = qn_load_u32(record);
        QN_TRY_CTX(read_text(r, record + 4, &checks[i].message), "check %zu", i);
    }
    r->program->checks = checks;
    r->program->check_count = count;
    return NULL;
}

/* Scales and zero points stay where they are in the file. */
static qn_status *read_encodings(reader *r) {
    size_t count = record_count(r, QN_SECTION_ENCODINGS), channels = record_count(r, QN_SECTION_SCALES), at = 0;
    if (r->version == ENCODINGS_MUST && !count)
        return QN_ERR(QN_INVALID_MODEL, "no encodings: such a file has version 1");
    qn_program_encoding *encodings = QN_ARENA_ARRAY(r->arena, qn_program_encoding, count);
    if (!encodings) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = record_at(r, QN_SECTION_ENCODINGS, i);
        qn_program_encoding *encoding = &encodings[i];
        encoding->value = qn_load_u32(record);
        QN_TRY_CTX(read_text(r, record + 4, &encoding->of), "encoding %zu", i);
        encoding->channels = qn_load_u32(record + 8);
        if (encoding->channels > channels - at)
            return QN_ERR(QN_INVALID_MODEL, "encoding %zu: %u channels, but there are %zu scales left", i,
                          encoding->channels, channels - at);
        encoding->scale = (const float *)(const void *)record_at(r, QN_SECTION_SCALES, at);
        encoding->zero_point = r->sections[QN_SECTION_ZERO_POINTS].data + at;
        at += encoding->channels;
    }
    if (at != channels || r->sections[QN_SECTION_ZERO_POINTS].size != channels)
        return QN_ERR(QN_INVALID_MODEL, "%zu channels in encodings, but %zu scales and %zu zero points", at, channels,
                      r->sections[QN_SECTION_ZERO_POINTS].size);
    r->program->encodings = encodings;
    r->program->encoding_count = count;
    return NULL;
}

static qn_status *read_tables(reader *r) {
    qn_program *program = r->program;
    const uint8_t *info = r->sections[QN_SECTION_INFO].data;
    QN_TRY(read_text(r, info, &program->name));
    QN_TRY(read_text(r, info + 4, &program->meta));
    if (!qn_json_is_shallow(program->meta, strlen(program->meta)))
        return QN_ERR(QN_INVALID_MODEL, "meta: JSON nested deeper than %d levels", QN_JSON_DEPTH_MAX);
    program->arena_bytes = qn_load_u64(info + 8);
    QN_TRY(read_symbols(r));
    QN_TRY(read_dims(r));
    QN_TRY(read_indices(r, QN_SECTION_CONTENTS, &program->contents, &program->content_count));
    QN_TRY(read_values(r));
    QN_TRY(read_indices(r, QN_SECTION_OPERANDS, &program->operands, &program->operand_count));
    QN_TRY(read_steps(r));
    QN_TRY(read_data_symbols(r));
    QN_TRY(read_checks(r));
    QN_TRY(read_indices(r, QN_SECTION_INPUTS, &program->inputs, &program->input_count));
    QN_TRY(read_indices(r, QN_SECTION_OUTPUTS, &program->outputs, &program->output_count));
    program->constants = r->sections[QN_SECTION_CONSTANTS];
    return read_encodings(r);
}

/* The tables of the verification need an arena of their own, which goes before others describe the model: what is freed
   is used again at once, and nothing of it stays with the model. */
static qn_status *verify(const reader *r) {
    qn_arena scratch;
    qn_arena_init(&scratch, r->arena->allocator);
    qn_status *status = qn_program_verify(r->program, &scratch);
    qn_arena_deinit(&scratch);
    return status;
}

qn_status *qn_program_read(qn_bytes bytes, qn_arena *arena, const qn_program **out_program) {
    assert((uintptr_t)bytes.data % 64 == 0);
    reader r = {.file = bytes, .arena = arena};
    QN_TRY(check_header(bytes));
    r.version = qn_load_u32(bytes.data + QN_HEADER_VERSION);
    QN_TRY(read_section_table(&r));
    r.program = QN_ARENA_NEW(arena, qn_program);
    if (!r.program) return qn_status_out_of_memory();
    QN_TRY(read_tables(&r));
    if (r.version < PACKINGS_SINCE) QN_TRY(qn_adopt_old_packings(r.program, r.old_packings, r.values));
    QN_TRY(verify(&r));
    assert((uintptr_t)r.program->constants.data % 64 == 0); /* sections of constants lie at a multiple of a page */
    *out_program = r.program;
    return NULL;
}
