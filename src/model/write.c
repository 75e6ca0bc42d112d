#include "model/format.h"
#include "model/program.h"

#include "kernel/packing.h"

#include <assert.h>

/* Sections that others refer to (texts, attributes, operators, encodings) are gathered in buffers of their own while
   the tables that refer to them are written, and are appended afterwards. */
typedef struct writer {
    qn_buffer *out;
    size_t base; /* where the file begins in `out` */
    qn_buffer texts, attrs, operators, encodings;
    struct {
        uint64_t offset, bytes;
    } sections[QN_SECTION_COUNT];
} writer;

static void put_u32(qn_buffer *buffer, uint32_t value) {
    uint8_t bytes[4];
    qn_store_u32(bytes, value);
    qn_buffer_append(buffer, bytes, sizeof bytes);
}

static void put_u64(qn_buffer *buffer, uint64_t value) {
    uint8_t bytes[8];
    qn_store_u64(bytes, value);
    qn_buffer_append(buffer, bytes, sizeof bytes);
}

/* The reference of a text: its offset in the text section, which begins with an empty one. */
static uint32_t text_ref(writer *w, const char *text) {
    assert(w->texts.failed || w->texts.size > 0); /* offset 0 is the empty text */
    if (!text || !*text) return 0;
    size_t offset = w->texts.size;
    qn_buffer_append(&w->texts, text, strlen(text) + 1);
    assert(offset <= UINT32_MAX);
    return (uint32_t)offset;
}

static void begin_section(writer *w, qn_section section) {
    size_t align = section == QN_SECTION_CONSTANTS ? QN_FORMAT_CONSTANT_ALIGN : QN_FORMAT_ALIGN;
    size_t at = w->out->size - w->base;
    qn_buffer_zeros(w->out, qn_align_up(at, align) - at);
    w->sections[section].offset = w->out->size - w->base;
}

static void end_section(writer *w, qn_section section) {
    assert(w->out->failed || w->out->size - w->base >= w->sections[section].offset);
    w->sections[section].bytes = w->out->size - w->base - w->sections[section].offset;
}

static void write_bytes(writer *w, qn_section section, const void *data, size_t bytes) {
    begin_section(w, section);
    if (bytes) qn_buffer_append(w->out, data, bytes);
    end_section(w, section);
}

static void write_indices(writer *w, qn_section section, const uint32_t *indices, size_t count) {
    begin_section(w, section);
    for (size_t i = 0; i < count; i++) put_u32(w->out, indices[i]);
    end_section(w, section);
}

static void write_info(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_INFO);
    put_u32(w->out, text_ref(w, program->name));
    put_u32(w->out, text_ref(w, program->meta));
    put_u64(w->out, program->arena_bytes);
    end_section(w, QN_SECTION_INFO);
}

static void write_symbols(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_SYMBOLS);
    for (size_t i = 0; i < program->symbol_count; i++) {
        const qn_program_symbol *symbol = &program->symbols[i];
        put_u32(w->out, text_ref(w, symbol->name));
        put_u32(w->out, text_ref(w, symbol->reason));
        put_u64(w->out, (uint64_t)symbol->low);
        put_u64(w->out, (uint64_t)symbol->high);
        put_u32(w->out, (uint32_t)symbol->input);
        put_u32(w->out, (uint32_t)symbol->axis);
    }
    end_section(w, QN_SECTION_SYMBOLS);
}

static void write_dims(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_DIMS);
    for (size_t i = 0; i < program->dim_count; i++) {
        const qn_dim_instr *instr = &program->dims[i];
        put_u32(w->out, instr->code);
        put_u32(w->out, instr->a);
        put_u32(w->out, instr->b);
        put_u32(w->out, 0);
        put_u64(w->out, (uint64_t)instr->imm);
    }
    end_section(w, QN_SECTION_DIMS);
}

static void write_values(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_VALUES);
    for (size_t i = 0; i < program->value_count; i++) {
        const qn_program_value *value = &program->values[i];
        put_u32(w->out, text_ref(w, value->name));
        put_u32(w->out, (uint32_t)value->dtype | (uint32_t)value->place << 8 | (uint32_t)value->rank << 16);
        for (int d = 0; d < QN_MAX_RANK; d++) put_u32(w->out, d < value->rank ? value->dims[d] : 0);
        put_u64(w->out, value->offset);
        put_u64(w->out, value->bytes);
        put_u32(w->out, value->first_content);
        put_u32(w->out, value->content_count);
        put_u32(w->out, value->first_step);
        put_u32(w->out, value->last_step);
        put_u32(w->out, (uint32_t)value->alias);
        put_u32(w->out, text_ref(w, value->packing ? value->packing->name : NULL));
    }
    end_section(w, QN_SECTION_VALUES);
}

/* The index of `op` among the operators used so far, in order of first use. */
static uint32_t operator_ref(writer *w, const qn_op_def **used, uint32_t *used_count, const qn_op_def *op) {
    for (uint32_t i = 0; i < *used_count; i++)
        if (used[i] == op) return i;
    assert(*used_count < qn_op_count());
    used[*used_count] = op;
    put_u32(&w->operators, text_ref(w, op->name));
    return (*used_count)++;
}

static qn_status *write_steps(writer *w, const qn_program *program) {
    uint32_t used_count = 0;
    const qn_op_def **used = qn_alloc_zeroed(w->out->allocator, qn_op_count(), sizeof *used, _Alignof(qn_op_def *));
    if (!used) return qn_status_out_of_memory();
    begin_section(w, QN_SECTION_STEPS);
    for (size_t i = 0; i < program->step_count; i++) {
        const qn_program_step *step = &program->steps[i];
        size_t attrs_offset = w->attrs.size;
        if (step->op->attrs) qn_attrs_write(step->op, step->attrs, &w->attrs);
        put_u32(w->out, operator_ref(w, used, &used_count, step->op));
        put_u32(w->out, text_ref(w, step->name));
        put_u32(w->out, text_ref(w, step->precision));
        put_u32(w->out, (uint32_t)attrs_offset);
        put_u32(w->out, (uint32_t)(w->attrs.size - attrs_offset));
        put_u32(w->out, step->first_input);
        put_u32(w->out, step->input_count);
        put_u32(w->out, step->first_output);
        put_u32(w->out, step->output_count);
        put_u32(w->out, step->first_data_symbol);
        put_u32(w->out, step->data_symbol_count);
        put_u32(w->out, 0);
    }
    end_section(w, QN_SECTION_STEPS);
    qn_free(w->out->allocator, used);
    return NULL;
}

static void write_data_symbols(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_DATA_SYMBOLS);
    for (size_t i = 0; i < program->data_symbol_count; i++) {
        put_u32(w->out, program->data_symbols[i].symbol);
        put_u32(w->out, program->data_symbols[i].output);
        put_u32(w->out, program->data_symbols[i].axis);
    }
    end_section(w, QN_SECTION_DATA_SYMBOLS);
}

static void write_checks(writer *w, const qn_program *program) {
    begin_section(w, QN_SECTION_CHECKS);
    for (size_t i = 0; i < program->check_count; i++) {
        put_u32(w->out, program->checks[i].condition);
        put_u32(w->out, text_ref(w, program->checks[i].message));
    }
    end_section(w, QN_SECTION_CHECKS);
}

/* The records of encodings name texts, so they are gathered before the section of texts is written, and written after
   it. */
static void gather_encodings(writer *w, const qn_program *program) {
    for (size_t i = 0; i < program->encoding_count; i++) {
        put_u32(&w->encodings, program->encodings[i].value);
        put_u32(&w->encodings, text_ref(w, program->encodings[i].of));
        put_u32(&w->encodings, program->encodings[i].channels);
    }
}

static void write_encodings(writer *w, const qn_program *program) {
    write_bytes(w, QN_SECTION_ENCODINGS, w->encodings.data, w->encodings.size);
    begin_section(w, QN_SECTION_SCALES);
    for (size_t i = 0; i < program->encoding_count; i++)
        qn_buffer_append(w->out, program->encodings[i].scale, program->encodings[i].channels * sizeof(float));
    end_section(w, QN_SECTION_SCALES);
    begin_section(w, QN_SECTION_ZERO_POINTS);
    for (size_t i = 0; i < program->encoding_count; i++)
        qn_buffer_append(w->out, program->encodings[i].zero_point, program->encodings[i].channels);
    end_section(w, QN_SECTION_ZERO_POINTS);
}

/* Header and section table, which stand before everything they describe. */
static void patch_header(writer *w) {
    uint8_t *file = w->out->data + w->base;
    size_t bytes = w->out->size - w->base;
    memcpy(file, QN_FORMAT_MAGIC, QN_FORMAT_MAGIC_BYTES);
    qn_store_u32(file + QN_HEADER_VERSION, QN_FORMAT_VERSION);
    qn_store_u32(file + QN_HEADER_SECTIONS, qn_format_section_count(QN_FORMAT_VERSION));
    qn_store_u64(file + QN_HEADER_FILE_BYTES, bytes);
    for (uint32_t i = 0; i < qn_format_section_count(QN_FORMAT_VERSION); i++) {
        uint8_t *entry = file + QN_FORMAT_HEADER_BYTES + (size_t)i * QN_FORMAT_ENTRY_BYTES;
        qn_store_u32(entry, i + 1);
        qn_store_u64(entry + 8, w->sections[i].offset);
        qn_store_u64(entry + 16, w->sections[i].bytes);
    }
    qn_store_u64(file + QN_HEADER_CHECKSUM, qn_format_checksum(file, bytes));
}

static qn_status *write_sections(writer *w, const qn_program *program) {
    qn_buffer_zeros(&w->texts, 1);
    qn_buffer_zeros(w->out,
                    QN_FORMAT_HEADER_BYTES + qn_format_section_count(QN_FORMAT_VERSION) * QN_FORMAT_ENTRY_BYTES);
    write_info(w, program);
    write_symbols(w, program);
    write_dims(w, program);
    write_indices(w, QN_SECTION_CONTENTS, program->contents, program->content_count);
    write_values(w, program);
    write_indices(w, QN_SECTION_OPERANDS, program->operands, program->operand_count);
    QN_TRY(write_steps(w, program));
    write_data_symbols(w, program);
    write_checks(w, program);
    write_indices(w, QN_SECTION_INPUTS, program->inputs, program->input_count);
    write_indices(w, QN_SECTION_OUTPUTS, program->outputs, program->output_count);
    gather_encodings(w, program);
    write_bytes(w, QN_SECTION_OPERATORS, w->operators.data, w->operators.size);
    write_bytes(w, QN_SECTION_ATTRIBUTES, w->attrs.data, w->attrs.size);
    write_bytes(w, QN_SECTION_TEXT, w->texts.data, w->texts.size);
    write_bytes(w, QN_SECTION_CONSTANTS, program->constants.data, program->constants.size);
    write_encodings(w, program);
    if (w->out->failed || w->texts.failed || w->attrs.failed || w->operators.failed || w->encodings.failed)
        return qn_status_out_of_memory();
    if (w->texts.size > UINT32_MAX || w->attrs.size > UINT32_MAX)
        return QN_ERR(QN_LIMIT, "texts or attributes of the model need more than 4 GiB");
    patch_header(w);
    return NULL;
}

qn_status *qn_program_write(const qn_program *program, qn_buffer *buffer) {
    writer w = {.out = buffer, .base = buffer->size};
    qn_buffer_init(&w.texts, buffer->allocator);
    qn_buffer_init(&w.attrs, buffer->allocator);
    qn_buffer_init(&w.operators, buffer->allocator);
    qn_buffer_init(&w.encodings, buffer->allocator);
    qn_status *status = write_sections(&w, program);
    qn_buffer_deinit(&w.texts);
    qn_buffer_deinit(&w.attrs);
    qn_buffer_deinit(&w.operators);
    qn_buffer_deinit(&w.encodings);
    return status;
}
