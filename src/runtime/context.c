#include "runtime/internal.h"

#include "base/entry.h"

#include <assert.h>
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
    int has_ranges = program->data_symbol_count > 0 || program->arena_bytes;
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
    c->blocks = QN_ARENA_ARRAY(tables, qn_offsets_block, values);
    c->block_owners = QN_ARENA_ARRAY(tables, uint32_t, values);
    c->block_scratch = qn_arena_alloc(tables, 1, qn_offsets_scratch_bytes(values));
    c->data_most = QN_ARENA_ARRAY(tables, int64_t, symbols);
    c->low = QN_ARENA_ARRAY(tables, int64_t, has_ranges ? dims : 0);
    c->high = QN_ARENA_ARRAY(tables, int64_t, has_ranges ? dims : 0);
    c->symbol_low = QN_ARENA_ARRAY(tables, int64_t, has_ranges ? symbols : 0);
    c->symbol_high = QN_ARENA_ARRAY(tables, int64_t, has_ranges ? symbols : 0);
    c->checker = qn_checker_create(c);
    return c->given && c->shapes && c->symbols && c->next_symbols && c->dims && c->next_dims && c->views &&
           c->capacity && c->offsets && c->operands && c->steps && c->input_data && c->output_data && c->blocks &&
           c->block_owners && c->block_scratch && c->data_most && c->low && c->high && c->symbol_low &&
           c->symbol_high && c->checker;
}

/* Room is made for the most that sizes which depend on data can be, so each of them needs an upper bound. */
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
    QN_TRY(qn_context_find_ceiling(context));
    give_fixed_shapes(context);
    return first_missing(context) ? NULL : qn_context_bind(context, context->shapes);
}

void qn_context_options_init(qn_context_options *options) {
    if (!options) return;
    *options = (qn_context_options){.size = sizeof *options};
}

static qn_status *check_options(const qn_context_options *options) {
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "context options of size %zu, expected %zu: call qn_context_options_init() first", options->size,
                      sizeof *options);
    if (!options->arena && options->arena_bytes)
        return QN_ERR(QN_INVALID_ARGUMENT, "an arena of %zu bytes was announced, but not given (NULL)",
                      options->arena_bytes);
    if ((uintptr_t)options->arena % QN_OFFSETS_ALIGN)
        return QN_ERR(QN_INVALID_ARGUMENT, "the arena is not aligned to %d bytes", QN_OFFSETS_ALIGN);
    return NULL;
}

/* A context without tables yet, with one reference. */
static qn_context *new_context(qn_engine *engine) {
    qn_context *context = qn_alloc_zeroed(&engine->allocator, 1, sizeof *context, _Alignof(qn_context));
    if (!context) return NULL;
    qn_engine_retain(engine);
    context->engine = engine;
    context->model = engine->model;
    context->program = engine->model->program;
    context->weights = qn_engine_take_weights(engine, &context->weights_version);
    atomic_init(&context->references, 1);
    qn_arena_init(&context->tables, &engine->allocator);
    atomic_flag_clear(&context->busy);
    return context;
}

qn_status *qn_context_create_with(qn_engine *engine, const qn_context_options *options, qn_context **out_context) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_context);
    *out_context = NULL;
    QN_REQUIRE_ARG(engine);
    qn_context_options defaults;
    qn_context_options_init(&defaults);
    if (!options) options = &defaults;
    QN_TRY(check_options(options));
    qn_context *context = new_context(engine);
    if (!context) return qn_status_out_of_memory();
    context->block = options->arena;
    context->block_bytes = options->arena_bytes;
    context->is_borrowed = options->arena != NULL;
    qn_status *status = prepare(context);
    if (status)
        qn_context_destroy(context);
    else
        *out_context = context;
    return status;
}

qn_status *qn_context_create(qn_engine *engine, qn_context **out_context) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_context);
    *out_context = NULL;
    QN_REQUIRE_ARG(engine);
    return qn_context_create_with(engine, NULL, out_context);
}

void qn_context_retain(qn_context *context) {
    const int before = atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void qn_context_destroy(qn_context *context) {
    if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1) return;
    qn_engine *engine = context->engine;
    if (!context->is_borrowed) qn_free(&engine->allocator, context->block);
    qn_arena_deinit(&context->tables);
    qn_trace_destroy(context->trace);
    qn_model_release(context->weights);
    qn_free(&engine->allocator, context);
    qn_engine_release(engine);
}

/* ---- Shapes ---- */

/* Binds `shapes` and remembers them. After a failure the former shapes are in force again; only if even the memory for
   those cannot be had again, the inputs with variable dims have no shapes. */
static qn_status *adopt_shapes(qn_context *context, const qn_shape *shapes) {
    int was_bound = context->is_bound;
    qn_status *status = qn_context_bind(context, shapes);
    if (was_bound && !context->is_bound) {
        /* The former shapes fit the block if it is still there, and need no more memory than it had if it is gone. */
        qn_status_free(qn_context_bind(context, context->shapes));
        was_bound = context->is_bound;
    }
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
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': rank %d, expected 0 to %d",
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
        if (i != index && !context->given[i]) { /* an input has no shape yet: only remember the shape of this one */
            context->shapes[index] = tried[index];
            context->given[index] = 1;
            return NULL;
        }
    return adopt_shapes(context, tried);
}

qn_status *qn_context_set_input_shape(qn_context *context, size_t index, int rank, const int64_t *dims) {
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_REQUIRE_ARRAY(dims, rank);
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
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_REQUIRE_ARRAY(shapes, count);
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
    QN_ENTER();
    QN_REQUIRE_ARG(out_rank);
    QN_REQUIRE_ARG(out_dims);
    QN_REQUIRE_ARG(context);
    QN_TRY(enter(context));
    return leave(context, get_output_shape(context, index, out_rank, out_dims));
}

/* ---- Memory ---- */

static qn_status *measure_at(qn_context *context, const qn_shape *shapes, size_t count, uint64_t *out_bytes) {
    if (count || shapes) {
        QN_TRY(set_all(context, shapes, count));
        *out_bytes = context->needed_bytes;
        return NULL;
    }
    *out_bytes = context->ceiling_bytes;
    if (*out_bytes) return NULL;
    return QN_ERR(QN_UNAVAILABLE, "the shapes of the model have no upper bound, and so has its memory: measure at the "
                                  "shapes you will use, or build the model with ranges");
}

/* A context that nothing will run on, and no arena is allocated for. */
static qn_status *create_measuring(qn_engine *engine, qn_context **out_context) {
    *out_context = NULL;
    if (!engine) return QN_ERR(QN_INVALID_ARGUMENT, "no engine was given (NULL)");
    *out_context = new_context(engine);
    if (!*out_context) return qn_status_out_of_memory();
    (*out_context)->is_measuring = 1;
    return prepare(*out_context);
}

qn_status *qn_engine_measure_arena(qn_engine *engine, const qn_shape *shapes, size_t count, uint64_t *out_bytes) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_bytes);
    *out_bytes = 0;
    QN_REQUIRE_ARG(engine);
    QN_REQUIRE_ARRAY(shapes, count);
    qn_context *context;
    qn_status *status = create_measuring(engine, &context);
    if (!status) status = measure_at(context, shapes, count, out_bytes);
    qn_context_destroy(context);
    return status;
}

qn_status *qn_engine_measure_cost(qn_engine *engine, const qn_shape *shapes, size_t count, qn_cost *out_cost) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_cost);
    *out_cost = (qn_cost){0};
    QN_REQUIRE_ARG(engine);
    QN_REQUIRE_ARRAY(shapes, count);
    qn_context *context;
    qn_status *status = create_measuring(engine, &context);
    if (!status) status = set_all(context, shapes, count);
    if (!status) status = qn_context_add_up_cost(context, out_cost);
    qn_context_destroy(context);
    return status;
}

/* ---- The rest of the public calls ---- */

qn_status *qn_context_run(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                          size_t output_count) {
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_REQUIRE_ARRAY(inputs, input_count);
    QN_REQUIRE_ARRAY(outputs, output_count);
    QN_TRY(enter(context));
    return leave(context, qn_context_run_once(context, inputs, input_count, outputs, output_count));
}

qn_status *qn_context_run_queued(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                                 size_t output_count, const qn_cancel_point *point) {
    QN_ENTER();
    QN_TRY(enter(context));
    context->cancel_point = point;
    qn_status *status = qn_context_run_once(context, inputs, input_count, outputs, output_count);
    context->cancel_point = NULL;
    return leave(context, status);
}

void qn_context_cancel(qn_context *context) {
    if (!context) return;
    atomic_store_explicit(&context->cancelled, 1, memory_order_relaxed);
}

void qn_context_get_arena(const qn_context *context, qn_arena_info *out_info) {
    if (!out_info) return;
    *out_info = (qn_arena_info){0};
    if (!context) return;
    *out_info = (qn_arena_info){.total_bytes = context->block_bytes,
                                .value_bytes = context->is_bound ? context->value_bytes : 0,
                                .scratch_bytes = context->is_bound ? context->scratch_bytes : 0,
                                .table_bytes = context->tables.used_bytes + sizeof *context,
                                .ceiling_bytes = context->ceiling_bytes};
}

qn_status *qn_context_set_profiling(qn_context *context, int enabled) {
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_TRY(enter(context));
    context->is_profiling = enabled != 0;
    for (size_t s = 0; s < context->program->step_count; s++) context->steps[s].ns = 0;
    return leave(context, NULL);
}

qn_status *qn_context_get_step_profile(qn_context *context, size_t step, qn_step_profile *out_profile) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_profile);
    *out_profile = (qn_step_profile){0};
    QN_REQUIRE_ARG(context);
    QN_TRY(enter(context));
    return leave(context, qn_context_describe_step(context, step, out_profile));
}

qn_status *qn_context_set_observer(qn_context *context, qn_observe_fn observe, void *self) {
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_TRY(enter(context));
    context->observe = observe;
    context->observe_self = self;
    return leave(context, NULL);
}

qn_status *qn_context_set_trace(qn_context *context, qn_trace *trace) {
    QN_ENTER();
    QN_REQUIRE_ARG(context);
    QN_TRY(enter(context));
    uint32_t id = 0;
    qn_status *status = trace ? qn_trace_attach(trace, context->model, &id) : NULL;
    if (status) return leave(context, status);
    qn_trace_destroy(context->trace);
    context->trace = trace;
    context->trace_id = id;
    return leave(context, NULL);
}
