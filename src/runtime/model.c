#include "runtime/internal.h"

#include "base/entry.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { BORROW_ALIGN = 64 };

/* ---- What can be asked of a model ---- */

static qn_location location_of(qn_place place) {
    switch (place) {
    case QN_PLACE_CONSTANT: return QN_LOCATION_CONSTANT;
    case QN_PLACE_INPUT: return QN_LOCATION_INPUT;
    case QN_PLACE_OUTPUT: return QN_LOCATION_OUTPUT;
    case QN_PLACE_DIMS: return QN_LOCATION_DIMS;
    default: return QN_LOCATION_ARENA;
    }
}

/* What bounds instruction `dim` of an input, "" if nothing but the declaration does. */
static const char *reason_of(const qn_program *program, uint32_t dim) {
    const qn_dim_instr *instr = &program->dims[dim];
    return instr->code == QN_DIM_SYMBOL ? program->symbols[instr->a].reason : "";
}

static void describe_value(const qn_model *model, uint32_t index, const int64_t *low, const int64_t *high) {
    const qn_program_value *value = &model->program->values[index];
    qn_value_info *info = &model->values[index];
    *info = (qn_value_info){.name = value->name,
                            .dtype = value->dtype,
                            .rank = value->rank,
                            .offset = value->offset,
                            .location = location_of(value->place),
                            .bytes = value->bytes,
                            .first_step = value->first_step,
                            .last_step = value->last_step,
                            .alias = value->alias};
    for (int d = 0; d < QN_MAX_RANK; d++) {
        info->reasons[d] = "";
        if (d >= value->rank) continue;
        uint32_t dim = value->dims[d];
        info->min_dims[d] = qn_max_i64(low[dim], 0);
        info->max_dims[d] = high[dim];
        info->dims[d] = info->min_dims[d] == info->max_dims[d] ? info->max_dims[d] : -1;
        if (value->place == QN_PLACE_INPUT) info->reasons[d] = reason_of(model->program, dim);
    }
}

static qn_status *describe_values(qn_model *model) {
    const qn_program *program = model->program;
    size_t dims = program->dim_count, symbols = program->symbol_count;
    int64_t *ends = QN_ARENA_ARRAY(&model->arena, int64_t, 2 * (dims + symbols));
    model->values = QN_ARENA_ARRAY(&model->arena, qn_value_info, program->value_count);
    if (!ends || !model->values) return qn_status_out_of_memory();
    int64_t *low = ends, *high = ends + dims, *symbol_low = ends + 2 * dims, *symbol_high = symbol_low + symbols;
    for (size_t i = 0; i < symbols; i++) {
        symbol_low[i] = program->symbols[i].low;
        symbol_high[i] = program->symbols[i].high;
    }
    qn_ranges_run(program->dims, dims, symbol_low, symbol_high, low, high);
    for (uint32_t i = 0; i < program->value_count; i++) describe_value(model, i, low, high);
    return NULL;
}

static qn_status *describe_encodings(qn_model *model) {
    const qn_program *program = model->program;
    qn_encoding_info *infos = QN_ARENA_ARRAY(&model->arena, qn_encoding_info, program->encoding_count);
    if (!infos) return qn_status_out_of_memory();
    for (size_t i = 0; i < program->encoding_count; i++) {
        const qn_program_encoding *row = &program->encodings[i];
        infos[i] = (qn_encoding_info){row->of, row->channels, row->scale, row->zero_point};
        model->values[row->value].encoding = &infos[i];
    }
    return NULL;
}

static qn_step_role role_of(const qn_op_def *op) {
    static const qn_step_role of_extents[] = {[QN_EXTENTS_PADDED] = QN_ROLE_PAD,
                                              [QN_EXTENTS_CROPPED] = QN_ROLE_CROP,
                                              [QN_EXTENTS_SCALED] = QN_ROLE_SCALE,
                                              [QN_EXTENTS_REPEATED] = QN_ROLE_MOVE,
                                              [QN_EXTENTS_JOINED] = QN_ROLE_MOVE};
    if (op->layer) return QN_ROLE_LAYER;
    if (qn_op_is_view(op)) return QN_ROLE_VIEW;
    if (qn_op_permutes(op)) return QN_ROLE_TRANSPOSE;
    if (op->extents) return of_extents[op->extents];
    return qn_op_moves(op) ? QN_ROLE_MOVE : QN_ROLE_COMPUTES;
}

static qn_status *describe_steps(qn_model *model) {
    const qn_program *program = model->program;
    model->steps = QN_ARENA_ARRAY(&model->arena, qn_step_info, program->step_count);
    model->facts = QN_ARENA_ARRAY(&model->arena, qn_step_facts, program->step_count);
    if (!model->steps || !model->facts) return qn_status_out_of_memory();
    for (uint32_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        model->steps[s] = (qn_step_info){.name = step->name,
                                         .op = step->op->name,
                                         .precision = step->precision,
                                         .input_count = step->input_count,
                                         .output_count = step->output_count,
                                         .inputs = program->operands + step->first_input,
                                         .outputs = program->operands + step->first_output,
                                         .role = role_of(step->op)};
        if (step->input_count > model->max_inputs) model->max_inputs = step->input_count;
        if (step->output_count > model->max_outputs) model->max_outputs = step->output_count;
        for (uint32_t i = 0; i < step->input_count + step->output_count; i++) {
            int is_output = i >= step->input_count;
            uint32_t value =
                program->operands[is_output ? step->first_output + i - step->input_count : step->first_input + i];
            if (value == UINT32_MAX) continue;
            qn_place place = program->values[model->roots[value]].place;
            uint32_t ready = model->value_ready[value];
            if (place == QN_PLACE_INPUT || place == QN_PLACE_OUTPUT) model->facts[s].touches_caller = 1;
            if (ready > 0 && !(is_output && ready == s + 1)) model->facts[s].is_late = 1;
        }
    }
    return NULL;
}

/* Who owns whose bytes, for how long, and what depends on data. */
static qn_status *analyse(qn_model *model) {
    const qn_program *program = model->program;
    size_t values = program->value_count;
    uint32_t bad, *symbols = QN_ARENA_ARRAY(&model->arena, uint32_t, program->symbol_count);
    model->roots = QN_ARENA_ARRAY(&model->arena, uint32_t, values);
    model->lives = QN_ARENA_ARRAY(&model->arena, uint32_t, 2 * values);
    model->ready = QN_ARENA_ARRAY(&model->arena, uint32_t, program->dim_count);
    model->value_ready = QN_ARENA_ARRAY(&model->arena, uint32_t, values);
    if (!symbols || !model->roots || !model->lives || !model->ready || !model->value_ready)
        return qn_status_out_of_memory();
    if (!qn_program_find_roots(program, model->roots, &bad)) return QN_ERR(QN_INTERNAL, "value %u has no owner", bad);
    qn_program_dims_ready(program, symbols, model->ready);
    model->first_data_dim = 0;
    while (model->first_data_dim < program->dim_count && !model->ready[model->first_data_dim]) model->first_data_dim++;
    for (size_t i = 0; i < values; i++) {
        model->lives[2 * i] = program->values[i].first_step;
        model->lives[2 * i + 1] = program->values[i].last_step;
    }
    for (size_t i = 0; i < values; i++) {
        const qn_program_value *value = &program->values[i];
        uint32_t *life = &model->lives[2 * model->roots[i]];
        assert(model->roots[model->roots[i]] == model->roots[i]);
        if (value->first_step < life[0]) life[0] = value->first_step;
        if (value->last_step > life[1]) life[1] = value->last_step;
        for (int d = 0; d < value->rank; d++)
            if (model->ready[value->dims[d]] > model->value_ready[i])
                model->value_ready[i] = model->ready[value->dims[d]];
    }
    return NULL;
}

static qn_status *prepare(qn_model *model) {
    QN_TRY(qn_program_read(model->bytes, &model->arena, &model->program));
    QN_TRY(analyse(model));
    QN_TRY(describe_values(model));
    QN_TRY(describe_encodings(model));
    QN_TRY(describe_steps(model));
    const qn_program *program = model->program;
    model->info = (qn_model_info){.name = program->name,
                                  .meta = program->meta,
                                  .input_count = program->input_count,
                                  .output_count = program->output_count,
                                  .step_count = program->step_count,
                                  .value_count = program->value_count,
                                  .file_bytes = model->bytes.size,
                                  .const_bytes = program->constants.size,
                                  .arena_bytes_max = program->arena_bytes};
    return NULL;
}

/* ---- Life ---- */

void qn_model_options_init(qn_model_options *options) {
    if (!options) return;
    *options = (qn_model_options){.size = sizeof *options, .memory = QN_MEMORY_MAP};
}

/* Callers that were compiled before there was a choice get the mapping. */
static qn_memory memory_of(const qn_model_options *options) {
    const size_t known = offsetof(qn_model_options, memory) + sizeof options->memory;
    return options && options->size >= known ? options->memory : QN_MEMORY_MAP;
}

static qn_status *create(const qn_model_options *options, qn_model **out_model) {
    *out_model = NULL;
    if (options && options->size < sizeof(size_t))
        return QN_ERR(QN_INVALID_ARGUMENT, "options of size %zu: call qn_model_options_init() first", options->size);
    const qn_allocator *allocator = qn_allocator_or_default(options ? options->allocator : NULL);
    qn_model *model = qn_alloc_zeroed(allocator, 1, sizeof *model, _Alignof(qn_model));
    if (!model) return qn_status_out_of_memory();
    model->allocator = *allocator;
    atomic_init(&model->references, 1);
    qn_arena_init(&model->arena, &model->allocator);
    *out_model = model;
    return NULL;
}

void qn_model_retain(qn_model *model) {
    const int before = atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void qn_model_release(qn_model *model) {
    if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1) return;
    qn_allocator allocator = model->allocator;
    qn_arena_deinit(&model->arena);
    qn_file_map_close(&model->map);
    qn_free(&allocator, model->copy);
    qn_free(&allocator, model);
}

void qn_model_destroy(qn_model *model) { qn_model_release(model); }

/* Gives the model to the caller, or releases it if `status` is a failure. Returns `status`. */
static qn_status *publish(qn_model *model, qn_status *status, qn_model **out_model) {
    if (status)
        qn_model_release(model);
    else
        *out_model = model;
    return status;
}

/* The bytes of a file, mapped or copied. */
static qn_status *take_file(qn_model *model, const char *path, qn_memory memory) {
    if (memory == QN_MEMORY_COPY) {
        QN_TRY(qn_file_read(path, "a model", SIZE_MAX, &model->allocator, &model->bytes));
        model->copy = (void *)model->bytes.data;
        return NULL;
    }
    if (memory != QN_MEMORY_MAP)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: a file can be mapped or copied (options.memory), not borrowed", path);
    QN_TRY(qn_file_map_open(path, &model->map));
    model->bytes = model->map.bytes;
    return NULL;
}

qn_status *qn_model_load_file(const char *path, const qn_model_options *options, qn_model **out_model) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_model);
    *out_model = NULL;
    QN_REQUIRE_ARG(path);
    qn_model *model;
    QN_TRY(create(options, &model));
    qn_status *status = take_file(model, path, memory_of(options));
    if (!status) status = qn_status_context(prepare(model), "%s", path);
    return publish(model, status, out_model);
}

static qn_status *take_bytes(qn_model *model, const void *data, size_t bytes, qn_memory memory) {
    if (memory == QN_MEMORY_BORROW) {
        if ((uintptr_t)data % BORROW_ALIGN)
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "borrowed model bytes must be aligned to %d: align them, or let them be copied",
                          BORROW_ALIGN);
        model->bytes = (qn_bytes){data, bytes};
        return NULL;
    }
    if (memory != QN_MEMORY_COPY)
        return QN_ERR(QN_INVALID_ARGUMENT, "bytes in memory can be copied or borrowed, not mapped");
    model->copy = model->allocator.alloc(model->allocator.self, bytes ? bytes : 1, BORROW_ALIGN);
    if (!model->copy) return qn_status_out_of_memory();
    if (bytes) memcpy(model->copy, data, bytes);
    model->bytes = (qn_bytes){model->copy, bytes};
    return NULL;
}

qn_status *qn_model_load_memory(const void *data, size_t bytes, qn_memory memory, const qn_model_options *options,
                                qn_model **out_model) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_model);
    *out_model = NULL;
    QN_REQUIRE_ARRAY(data, bytes);
    qn_model *model;
    QN_TRY(create(options, &model));
    qn_status *status = take_bytes(model, data, bytes, memory);
    if (!status) status = prepare(model);
    return publish(model, status, out_model);
}

/* ---- Questions ---- */

const void *qn_model_bytes(const qn_model *model, size_t *out_bytes) {
    if (!out_bytes) return NULL;
    *out_bytes = 0;
    if (!model) return NULL;
    *out_bytes = model->bytes.size;
    return model->bytes.data;
}

int qn_model_is_compiled(const void *data, size_t bytes) {
    return data && qn_program_is_compiled((qn_bytes){data, bytes});
}

const qn_model_info *qn_model_get_info(const qn_model *model) { return model ? &model->info : NULL; }

const qn_value_info *qn_model_input(const qn_model *model, size_t index) {
    if (!model) return NULL;
    return index < model->program->input_count ? &model->values[model->program->inputs[index]] : NULL;
}

const qn_value_info *qn_model_output(const qn_model *model, size_t index) {
    if (!model) return NULL;
    return index < model->program->output_count ? &model->values[model->program->outputs[index]] : NULL;
}

const qn_value_info *qn_model_value(const qn_model *model, size_t index) {
    if (!model) return NULL;
    return index < model->program->value_count ? &model->values[index] : NULL;
}

const qn_step_info *qn_model_step(const qn_model *model, size_t index) {
    if (!model) return NULL;
    return index < model->program->step_count ? &model->steps[index] : NULL;
}

/* The position of `name` in a list of values; `list` NULL means all values. */
static qn_status *find(const qn_model *model, const char *what, const uint32_t *list, size_t count, const char *name,
                       size_t *out_index) {
    const qn_program_value *values = model->program->values;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[list ? list[i] : i].name, name)) continue;
        *out_index = i;
        return NULL;
    }
    const char **names = qn_alloc_zeroed(&model->allocator, count, sizeof *names, _Alignof(char *));
    if (!names) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) names[i] = values[list ? list[i] : i].name;
    const char *nearest = qn_text_nearest(name, names, count);
    if (!nearest && list && count == 1) nearest = names[0];
    qn_status *status = nearest ? QN_ERR(QN_NOT_FOUND, "there is no %s '%s'; did you mean '%s'?", what, name, nearest)
                                : QN_ERR(QN_NOT_FOUND, "there is no %s '%s'", what, name);
    qn_free(&model->allocator, names);
    return status;
}

qn_status *qn_model_find_input(const qn_model *model, const char *name, size_t *out_index) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_index);
    *out_index = 0;
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARG(name);
    return find(model, "input", model->program->inputs, model->program->input_count, name, out_index);
}

qn_status *qn_model_find_output(const qn_model *model, const char *name, size_t *out_index) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_index);
    *out_index = 0;
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARG(name);
    return find(model, "output", model->program->outputs, model->program->output_count, name, out_index);
}

qn_status *qn_model_find_value(const qn_model *model, const char *name, size_t *out_index) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_index);
    *out_index = 0;
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARG(name);
    return find(model, "value", NULL, model->program->value_count, name, out_index);
}

qn_status *qn_model_step_attributes(const qn_model *model, size_t index, char *text, size_t capacity,
                                    size_t *out_length) {
    QN_ENTER();
    if (out_length) *out_length = 0;
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARRAY(text, capacity);
    if (index >= model->program->step_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "step %zu of %zu", index, model->program->step_count);
    const qn_program_step *step = &model->program->steps[index];
    qn_buffer buffer;
    qn_buffer_init(&buffer, &model->allocator);
    if (step->attrs) qn_attrs_print(step->op, step->attrs, 0, &buffer);
    const char *full = qn_buffer_text(&buffer);
    qn_status *status = buffer.failed ? qn_status_out_of_memory() : NULL;
    if (!status && capacity) snprintf(text, capacity, "%s", full);
    if (!status && out_length) *out_length = buffer.size;
    qn_buffer_deinit(&buffer);
    return status;
}
