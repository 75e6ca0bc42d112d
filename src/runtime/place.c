/* Views, room and addresses of values at the shapes that are set. */
#include "runtime/internal.h"

#include <assert.h>
#include <string.h>

#define BYTES_MAX (INT64_MAX / 1024) /* of one value, so that sums over values do not overflow */

static int in_arena(const qn_program_value *value) {
    return value->place == QN_PLACE_ARENA || value->place == QN_PLACE_DIMS;
}

/* The product of the dims that are not 0 must be small, so that other code may multiply them in any order. */
qn_status *qn_value_measure(const qn_program_value *value, const int64_t *dims, uint64_t *out_bytes) {
    uint64_t bytes = qn_dtype_size(value->dtype);
    int is_empty = 0;
    for (int d = 0; d < value->rank; d++) {
        int64_t dim = dims[value->dims[d]];
        if (dim < 0)
            return QN_ERR(QN_INVALID_MODEL, "dim %d of value '%s' is %lld at these shapes", d, value->name,
                          (long long)dim);
        if (dim == 0)
            is_empty = 1;
        else if (__builtin_mul_overflow(bytes, (uint64_t)dim, &bytes) || bytes > BYTES_MAX)
            return QN_ERR(QN_LIMIT, "value '%s' is larger than memory can be at these shapes", value->name);
    }
    *out_bytes = is_empty ? 0 : bytes;
    return NULL;
}

void qn_view_set_dims(qn_view *view, const qn_program_value *value, const int64_t *dims) {
    view->dtype = value->dtype;
    view->rank = value->rank;
    view->packing = value->packing;
    for (int d = 0; d < value->rank; d++) view->dims[d] = dims[value->dims[d]];
}

/* The most that dims can be while running at these input shapes. */
static const int64_t *upper_dims(qn_context *context) {
    const qn_program *program = context->program;
    if (!program->data_symbol_count) return context->dims;
    for (size_t i = 0; i < program->symbol_count; i++) {
        int is_data = program->symbols[i].input < 0;
        context->symbol_low[i] = is_data ? program->symbols[i].low : context->symbols[i];
        context->symbol_high[i] = is_data ? context->data_most[i] : context->symbols[i];
    }
    qn_ranges_run(program->dims, program->dim_count, context->symbol_low, context->symbol_high, context->low,
                  context->high);
    for (size_t i = 0; i < program->dim_count; i++) context->high[i] = qn_max_i64(context->high[i], 0);
    return context->high;
}

/* Bytes in the arena that a value needs at these shapes: at the upper bounds of its dims, but no more than the plan
   gives its owner. The plan may know less to be possible: for dims h and w with h * w <= 1000 it has 1000 elements,
   where the upper bounds of h and w multiply to a million. */
static qn_status *measure_need(const qn_context *context, const qn_program_value *value, uint32_t root,
                               const int64_t *upper, uint64_t *out_bytes) {
    qn_status *status = qn_value_measure(value, upper, out_bytes);
    if (!context->program->arena_bytes) return status;
    const uint64_t planned = context->program->values[root].bytes;
    if (status || *out_bytes > planned) *out_bytes = planned;
    qn_status_free(status);
    return NULL;
}

/* Room of every owner: the bytes that the plan reserves, or, where values are laid out for these shapes, the most of
   what the values need that share its bytes. */
static qn_status *measure_room(qn_context *context) {
    const qn_program *program = context->program;
    const int64_t *upper = context->lays_out ? upper_dims(context) : NULL;
    for (size_t i = 0; i < program->value_count; i++) context->capacity[i] = 0;
    for (size_t i = 0; i < program->value_count; i++) {
        const qn_program_value *value = &program->values[i];
        uint32_t root = context->model->roots[i];
        uint64_t bytes = value->bytes;
        if (in_arena(value) && upper)
            QN_TRY(measure_need(context, value, root, upper, &bytes));
        else if (root != i)
            continue;
        else if (value->place == QN_PLACE_INPUT || value->place == QN_PLACE_OUTPUT)
            QN_TRY(qn_value_measure(value, context->dims, &bytes));
        if (bytes > context->capacity[root]) context->capacity[root] = bytes;
    }
    return NULL;
}

static void take_planned_offsets(qn_context *context) {
    const qn_program *program = context->program;
    for (size_t i = 0; i < program->value_count; i++) context->offsets[i] = program->values[i].offset;
    context->value_bytes = program->arena_bytes;
}

static qn_status *set_offsets(qn_context *context) {
    const qn_program *program = context->program;
    const uint32_t *lives = context->model->lives;
    if (!context->lays_out) {
        take_planned_offsets(context);
        return NULL;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < program->value_count; i++) {
        if (!in_arena(&program->values[i]) || context->model->roots[i] != i) continue;
        context->blocks[count] =
            (qn_offsets_block){.bytes = context->capacity[i], .first = lives[2 * i], .last = lives[2 * i + 1]};
        context->block_owners[count++] = i;
    }
    const int is_packed = qn_offsets_pack(context->blocks, count, context->block_scratch, &context->value_bytes);
    if (program->arena_bytes && (!is_packed || context->value_bytes > program->arena_bytes)) {
        take_planned_offsets(context); /* smaller values may pack worse, and the plan has room for all shapes */
        return NULL;
    }
    if (!is_packed) return QN_ERR(QN_LIMIT, "the values are larger than memory can be at these shapes");
    for (size_t i = 0; i < count; i++) context->offsets[context->block_owners[i]] = context->blocks[i].offset;
    return NULL;
}

static qn_status *check_room(const qn_context *context, uint32_t index) {
    const qn_program_value *value = &context->program->values[index];
    uint64_t bytes, room = context->capacity[context->model->roots[index]];
    QN_TRY(qn_value_measure(value, context->dims, &bytes));
    if (bytes > room)
        return QN_ERR(QN_INVALID_MODEL, "value '%s' needs %llu bytes at these shapes, but has %llu", value->name,
                      (unsigned long long)bytes, (unsigned long long)room);
    return NULL;
}

#ifndef NDEBUG

/* Does every owner in the arena lie aligned and, with its room, within the bytes for values? That owners which live
   at the same time lie apart, the verifier has seen of a plan, and qn_offsets_pack of its own layouts. */
static int are_inside(const qn_context *context) {
    for (uint32_t i = 0; i < context->program->value_count; i++) {
        if (!in_arena(&context->program->values[i]) || context->model->roots[i] != i) continue;
        if (context->offsets[i] % QN_OFFSETS_ALIGN) return 0;
        if (context->capacity[i] && context->offsets[i] + context->capacity[i] > context->value_bytes) return 0;
    }
    return 1;
}

#endif

qn_status *qn_context_place_values(qn_context *context) {
    QN_TRY(measure_room(context));
    QN_TRY(set_offsets(context));
    assert(are_inside(context));
    for (uint32_t i = 0; i < context->program->value_count; i++) {
        QN_TRY(check_room(context, i));
        qn_view_set_dims(&context->views[i], &context->program->values[i], context->dims);
    }
    return NULL;
}

qn_status *qn_context_refresh_data_views(qn_context *context) {
    for (uint32_t i = 0; i < context->program->value_count; i++) {
        if (!context->model->value_ready[i]) continue;
        QN_TRY(check_room(context, i));
        qn_view_set_dims(&context->views[i], &context->program->values[i], context->dims);
    }
    return NULL;
}

/* An address that nothing lives at, aligned, and different for every tensor. */
static void *made_up(size_t index) { return (void *)(uintptr_t)((index + 1) * QN_OFFSETS_ALIGN); }

static void *address_of(const qn_context *context, uint32_t root) {
    const qn_program *program = context->program;
    const qn_program_value *value = &program->values[root];
    assert(value->alias < 0);
    switch (value->place) {
    case QN_PLACE_CONSTANT: return (void *)(uintptr_t)(context->weights->program->constants.data + value->offset);
    case QN_PLACE_INPUT:
        return context->input_data[value->offset] ? context->input_data[value->offset] : made_up(value->offset);
    case QN_PLACE_OUTPUT:
        return context->output_data[value->offset] ? context->output_data[value->offset]
                                                   : made_up(program->input_count + value->offset);
    default: return context->block ? context->block + context->offsets[root] : made_up(root);
    }
}

void qn_context_point_views(qn_context *context) {
    for (uint32_t i = 0; i < context->program->value_count; i++)
        context->views[i].data = address_of(context, context->model->roots[i]);
}
