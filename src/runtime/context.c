#include "runtime/internal.h"

#include <string.h>

/* ---- One thread at a time ---- */

static qn_status *enter(qn_context *context) {
    if (!context) return QN_ERR(QN_INVALID_ARGUMENT, "no context was given (NULL)");
    if (!atomic_flag_test_and_set_explicit(&context->busy, memory_order_acquire)) return NULL;
    return QN_ERR(QN_BUSY, "the context is in use on another thread: make one context per thread");
}

static qn_status *leave(qn_context *context, qn_status *status) {
    atomic_flag_clear_explicit(&context->busy, memory_order_release);
    return status;
}

/* ---- Life ---- */

static int make_tables(qn_context *c) {
    const qn_program *program = c->program;
    qn_arena *tables = &c->tables;
    size_t values = program->value_count, symbols = program->symbol_count, dims = program->dim_count;
    int has_data = program->data_symbol_count > 0, lays_out = !program->arena_bytes;
    c->given = qn_arena_alloc(tables, program->input_count, 1);
    c->shapes = QN_ARENA_ARRAY(tables, qn_shape, 2 * program->input_count); /* the second half: being tried */
    c->symbols = QN_ARENA_ARRAY(tables, int64_t, symbols);
    c->next_symbols = QN_ARENA_ARRAY(tables, int64_t, symbols);
    c->dims = QN_ARENA_ARRAY(tables, int64_t, dims);
    c->next_dims = QN_ARENA_ARRAY(tables, int64_t, dims);
    c->views = QN_ARENA_ARRAY(tables, qn_view, values);
    c->capacity = QN_ARENA_ARRAY(tables, uint64_t, values);
    c->offsets = QN_ARENA_ARRAY(tables, uint64_t, values);
    c->operands = QN_ARENA_ARRAY(tables, qn_view, program->operand_count);
    c->steps = qn_arena_alloc_aligned(tables, program->step_count * sizeof *c->steps, _Alignof(qn_step_state));
    c->input_data = QN_ARENA_ARRAY(tables, void *, program->input_count);
    c->output_data = QN_ARENA_ARRAY(tables, void *, program->output_count);
    c->blocks = QN_ARENA_ARRAY(tables, qn_offsets_block, lays_out ? values : 0);
    c->block_owners = QN_ARENA_ARRAY(tables, uint32_t, lays_out ? values : 0);
    c->block_scratch = qn_arena_alloc(tables, 1, lays_out ? qn_offsets_scratch_bytes(values) : 0);
    c->low = QN_ARENA_ARRAY(tables, int64_t, has_data ? dims : 0);
    c->high = QN_ARENA_ARRAY(tables, int64_t, has_data ? dims : 0);
    c->symbol_low = QN_ARENA_ARRAY(tables, int64_t, has_data ? symbols : 0);
    c->symbol_high = QN_ARENA_ARRAY(tables, int64_t, has_data ? symbols : 0);
    c->checker = qn_checker_create(c);
    return c->given && c->shapes && c->symbols && c->next_symbols && c->dims && c->next_dims && c->views &&
           c->capacity && c->offsets && c->operands && c->steps && c->input_data && c->output_data && c->blocks &&
           c->block_owners && c->block_scratch && c->low && c->high && c->symbol_low && c->symbol_high && c->checker;
}

/* Room cannot be made for what has no bound. */
static qn_status *check_data_symbols(const qn_program *program) {
    for (size_t i = 0; i < program->data_symbol_count; i++) {
        const qn_program_symbol *symbol = &program->symbols[program->data_symbols[i].symbol];
        if (symbol->high == QN_DIM_UNBOUNDED)
            return QN_ERR(QN_UNSUPPORTED,
                          "size '%s' depends on data and has no bound, so no memory can be planned for it: build the "
                          "model with a range for its inputs",
                          symbol->name);
    }
    return NULL;
}

/* Gives inputs without variable dims their shapes. */
static void give_fixed_shapes(qn_context *context) {
    for (size_t i = 0; i < context->program->input_count; i++) {
        const qn_value_info *info = qn_model_input(context->model, i);
        context->given[i] = 1;
        context->shapes[i].rank = info->rank;
        for (int d = 0; d < info->rank; d++) {
            context->shapes[i].dims[d] = info->dims[d];
            if (info->dims[d] < 0) context->given[i] = 0;
        }
    }
}

static const char *first_missing(const qn_context *context) {
    for (size_t i = 0; i < context->program->input_count; i++)
        if (!context->given[i]) return qn_model_input(context->model, i)->name;
    return NULL;
}

static qn_status *prepare(qn_context *context) {
    QN_TRY(check_data_symbols(context->program));
    if (!make_tables(context)) return qn_status_out_of_memory();
    for (size_t i = 0; i < context->program->value_count; i++) context->offsets[i] = context->program->values[i].offset;
    give_fixed_shapes(context);
    return first_missing(context) ? NULL : qn_context_bind(context, context->shapes);
}

qn_status *qn_context_create(qn_engine *engine, qn_context **out_context) {
    *out_context = NULL;
    if (!engine) return QN_ERR(QN_INVALID_ARGUMENT, "no engine was given (NULL)");
    qn_context *context = qn_alloc_zeroed(&engine->allocator, 1, sizeof *context, _Alignof(qn_context));
    if (!context) return qn_status_out_of_memory();
    qn_engine_retain(engine);
    context->engine = engine;
    context->model = engine->model;
    context->program = engine->model->program;
    qn_arena_init(&context->tables, &engine->allocator);
    atomic_flag_clear(&context->busy);
    qn_status *status = prepare(context);
    if (status)
        qn_context_destroy(context);
    else
        *out_context = context;
    return status;
}

void qn_context_destroy(qn_context *context) {
    if (!context) return;
    qn_engine *engine = context->engine;
    qn_free(&engine->allocator, context->block);
    qn_arena_deinit(&context->tables);
    qn_free(&engine->allocator, context);
    qn_engine_release(engine);
}

/* ---- Shapes ---- */

/* Binds `shapes` and remembers them; what has gone wrong beyond repair leaves only the fixed shapes. */
static qn_status *adopt_shapes(qn_context *context, const qn_shape *shapes) {
    int was_bound = context->is_bound;
    qn_status *status = qn_context_bind(context, shapes);
    if (!status) {
        memmove(context->shapes, shapes, context->program->input_count * sizeof *shapes);
        memset(context->given, 1, context->program->input_count);
    } else if (was_bound && !context->is_bound) {
        give_fixed_shapes(context);
    }
    return status;
}

static qn_status *check_given(const qn_context *context, const qn_shape *shape, size_t input) {
    if (shape->rank < 0 || shape->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': rank %d, expected at most %d",
                      qn_model_input(context->model, input)->name, shape->rank, QN_MAX_RANK);
    return qn_context_check_shape(context, input, shape->rank, shape->dims);
}

static qn_status *set_one(qn_context *context, size_t index, int rank, const int64_t *dims) {
    size_t count = context->program->input_count;
    if (index >= count) return QN_ERR(QN_INVALID_ARGUMENT, "input %zu, but the model has %zu", index, count);
    if (!dims && rank > 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': no dims were given (NULL)",
                      qn_model_input(context->model, index)->name);
    qn_shape *tried = context->shapes + count;
    memcpy(tried, context->shapes, count * sizeof *tried);
    tried[index].rank = rank;
    for (int d = 0; d < rank && d < QN_MAX_RANK; d++) tried[index].dims[d] = dims[d];
    QN_TRY(check_given(context, &tried[index], index));
    for (size_t i = 0; i < count; i++)
        if (i != index && !context->given[i]) { /* others have none yet: remember this one */
            context->shapes[index] = tried[index];
            context->given[index] = 1;
            return NULL;
        }
    return adopt_shapes(context, tried);
}

qn_status *qn_context_set_input_shape(qn_context *context, size_t index, int rank, const int64_t *dims) {
    QN_TRY(enter(context));
    return leave(context, set_one(context, index, rank, dims));
}

static qn_status *set_all(qn_context *context, const qn_shape *shapes, size_t count) {
    if (count != context->program->input_count || (count && !shapes))
        return QN_ERR(QN_INVALID_ARGUMENT, "%zu shapes, but the model has %zu inputs", count,
                      context->program->input_count);
    for (size_t i = 0; i < count; i++) QN_TRY(check_given(context, &shapes[i], i));
    return adopt_shapes(context, shapes);
}

qn_status *qn_context_set_input_shapes(qn_context *context, const qn_shape *shapes, size_t count) {
    QN_TRY(enter(context));
    return leave(context, set_all(context, shapes, count));
}

qn_status *qn_context_require_bound(const qn_context *context) {
    if (context->is_bound) return NULL;
    const char *missing = first_missing(context);
    if (!missing) return QN_ERR(QN_INVALID_ARGUMENT, "the shapes of the inputs are not set, since setting them failed");
    return QN_ERR(QN_INVALID_ARGUMENT, "the shape of input '%s' is not set: call qn_context_set_input_shape() first",
                  missing);
}

static qn_status *get_output_shape(qn_context *context, size_t index, int *out_rank, int64_t *out_dims) {
    const qn_program *program = context->program;
    if (index >= program->output_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "output %zu, but the model has %zu", index, program->output_count);
    QN_TRY(qn_context_require_bound(context));
    QN_TRY(qn_context_reset_data(context));
    uint32_t value = program->outputs[index];
    const qn_view *view = &context->views[value];
    *out_rank = view->rank;
    for (int d = 0; d < view->rank; d++) out_dims[d] = view->dims[d];
    if (context->model->value_ready[value])
        return QN_ERR(QN_UNAVAILABLE, "the shape of output '%s' depends on data and is known after a run",
                      program->values[value].name);
    return NULL;
}

qn_status *qn_context_get_output_shape(qn_context *context, size_t index, int *out_rank, int64_t *out_dims) {
    QN_TRY(enter(context));
    return leave(context, get_output_shape(context, index, out_rank, out_dims));
}

/* ---- The rest of the public calls ---- */

qn_status *qn_context_run(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                          size_t output_count) {
    QN_TRY(enter(context));
    return leave(context, qn_context_run_once(context, inputs, input_count, outputs, output_count));
}

void qn_context_cancel(qn_context *context) { atomic_store_explicit(&context->cancelled, 1, memory_order_relaxed); }

void qn_context_get_arena(const qn_context *context, qn_arena_info *out_info) {
    *out_info = (qn_arena_info){.total_bytes = context->block_bytes,
                                .value_bytes = context->is_bound ? context->value_bytes : 0,
                                .scratch_bytes = context->is_bound ? context->scratch_bytes : 0,
                                .table_bytes = context->tables.used_bytes + sizeof *context};
}

qn_status *qn_context_set_profiling(qn_context *context, int enabled) {
    QN_TRY(enter(context));
    context->is_profiling = enabled != 0;
    for (size_t s = 0; s < context->program->step_count; s++) context->steps[s].ns = 0;
    return leave(context, NULL);
}

qn_status *qn_context_get_step_profile(qn_context *context, size_t step, qn_step_profile *out_profile) {
    QN_TRY(enter(context));
    return leave(context, qn_context_describe_step(context, step, out_profile));
}

qn_status *qn_context_set_observer(qn_context *context, qn_observe_fn observe, void *self) {
    QN_TRY(enter(context));
    context->observe = observe;
    context->observe_self = self;
    return leave(context, NULL);
}
