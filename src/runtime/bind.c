#include "runtime/internal.h"

#include <stdio.h>
#include <string.h>

/* ---- Are these shapes allowed? ---- */

static const qn_program_value *input_value(const qn_context *context, size_t input) {
    return &context->program->values[context->program->inputs[input]];
}

qn_status *qn_context_check_shape(const qn_context *context, size_t input, int rank, const int64_t *dims) {
    const qn_program *program = context->program;
    const qn_program_value *value = input_value(context, input);
    if (rank != value->rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s' has rank %d, but %d was given", value->name, value->rank, rank);
    for (int d = 0; d < rank; d++) {
        const qn_dim_instr *instr = &program->dims[value->dims[d]];
        if (dims[d] < 0)
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': dim %d is %lld", value->name, d, (long long)dims[d]);
        if (instr->code == QN_DIM_CONST && dims[d] != instr->imm) {
            char reason[1024];
            qn_program_find_pin(program, value->name, d, instr->imm, reason, sizeof reason);
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': dim %d is %lld, must be %lld%s%s%s", value->name, d,
                          (long long)dims[d], (long long)instr->imm, *reason ? " (" : "", reason, *reason ? ")" : "");
        }
        if (instr->code != QN_DIM_SYMBOL) continue;
        const qn_program_symbol *symbol = &program->symbols[instr->a];
        if (dims[d] >= symbol->low && dims[d] <= symbol->high) continue;
        char range[64];
        if (symbol->high == QN_DIM_UNBOUNDED)
            snprintf(range, sizeof range, "must be at least %lld", (long long)symbol->low);
        else
            snprintf(range, sizeof range, "outside %lld..%lld", (long long)symbol->low, (long long)symbol->high);
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': dim %d is %lld, %s%s%s%s", value->name, d, (long long)dims[d],
                      range, *symbol->reason ? " (" : "", symbol->reason, *symbol->reason ? ")" : "");
    }
    return NULL;
}

/* A dim of an input that is no symbol of its own is computed from the dims of other inputs and axes, and the caller
   must have given that number: of inputs [n, 3] and [n, 5] both n. */
static qn_status *check_agreement(const qn_context *context, const qn_shape *shapes) {
    for (size_t i = 0; i < context->program->input_count; i++) {
        const qn_program_value *value = input_value(context, i);
        for (int d = 0; d < value->rank; d++) {
            int64_t expected = context->next_dims[value->dims[d]];
            if (shapes[i].dims[d] != expected)
                return QN_ERR(QN_INVALID_ARGUMENT,
                              "input '%s': dim %d is %lld, but the shapes of the other inputs and axes make it %lld",
                              value->name, d, (long long)shapes[i].dims[d], (long long)expected);
        }
    }
    return NULL;
}

qn_status *qn_context_run_checks(const qn_context *context, const int64_t *dims, uint32_t ready) {
    for (size_t i = 0; i < context->program->check_count; i++) {
        const qn_program_check *check = &context->program->checks[i];
        if (context->model->ready[check->condition] != ready || dims[check->condition] >= 0) continue;
        return QN_ERR(QN_INVALID_ARGUMENT, "%s",
                      *check->message ? check->message : "a check of the model fails at these shapes");
    }
    return NULL;
}

/* Evaluates the dim program into next_symbols and next_dims; nothing in force is touched. */
static qn_status *try_shapes(qn_context *context, const qn_shape *shapes) {
    const qn_program *program = context->program;
    for (size_t i = 0; i < program->symbol_count; i++) {
        const qn_program_symbol *symbol = &program->symbols[i];
        int is_used = symbol->input >= 0 || symbol->high != QN_DIM_UNBOUNDED;
        context->next_symbols[i] = symbol->input >= 0 ? shapes[symbol->input].dims[symbol->axis]
                                   : is_used          ? symbol->high
                                                      : symbol->low;
    }
    QN_TRY_CTX(qn_dim_program_run(program->dims, 0, program->dim_count, context->next_symbols, context->next_dims),
               "the shapes of the inputs");
    QN_TRY(check_agreement(context, shapes));
    return qn_context_run_checks(context, context->next_dims, 0);
}

static void adopt(qn_context *context) {
    int64_t *symbols = context->symbols, *dims = context->dims;
    context->symbols = context->next_symbols;
    context->dims = context->next_dims;
    context->next_symbols = symbols;
    context->next_dims = dims;
}

/* ---- Making ready ---- */

/* Values computed from shapes are written now and stay. */
qn_status *qn_context_write_dims_values(qn_context *context) {
    const qn_program *program = context->program;
    for (size_t i = 0; i < program->value_count; i++) {
        const qn_program_value *value = &program->values[i];
        if (value->place != QN_PLACE_DIMS || value->alias >= 0) continue;
        for (uint32_t e = 0; e < value->content_count; e++) {
            int64_t element = context->dims[program->contents[value->first_content + e]];
            qn_view_set_int(&context->views[i], e, element);
            if (qn_view_get_int(&context->views[i], e) != element)
                return QN_ERR(QN_INVALID_ARGUMENT, "value '%s' is %lld at these shapes, too large for %s", value->name,
                              (long long)element, qn_dtype_name(value->dtype));
        }
    }
    return NULL;
}

static qn_status *make_ready(qn_context *context) {
    QN_TRY(qn_context_take_arena(context));
    return context->is_measuring ? NULL : qn_context_write_dims_values(context);
}

qn_status *qn_context_bind(qn_context *context, const qn_shape *shapes) {
    QN_TRY(try_shapes(context, shapes));
    adopt(context);
    context->is_bound = 0;
    /* Tensors of the caller are looked at anew by the next run. */
    memset(context->input_data, 0, context->program->input_count * sizeof *context->input_data);
    memset(context->output_data, 0, context->program->output_count * sizeof *context->output_data);
    QN_TRY(make_ready(context));
    context->is_bound = 1;
    return NULL;
}

qn_status *qn_context_refresh_weights(qn_context *context) {
    qn_engine *engine = context->engine;
    if (atomic_load_explicit(&engine->weights_version, memory_order_acquire) == context->weights_version) return NULL;
    qn_model *old = context->weights;
    context->weights = qn_engine_take_weights(engine, &context->weights_version);
    qn_model_release(old);
    return qn_context_bind(context, context->shapes);
}
