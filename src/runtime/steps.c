/* Steps made concrete: operands, and work for a kernel family where one covers them. */
#include "runtime/internal.h"

#include <assert.h>
#include <string.h>

enum { SMALL_STEP_BYTES = 16 * 1024, SCRATCH_ALIGN = 64 };

void qn_context_load_operands(qn_context *context, uint32_t step) {
    const qn_program_step *row = &context->program->steps[step];
    for (uint32_t i = 0; i < row->input_count + row->output_count; i++) {
        uint32_t slot = i < row->input_count ? row->first_input + i : row->first_output + i - row->input_count;
        uint32_t value = context->program->operands[slot];
        assert(value == UINT32_MAX || value < context->program->value_count);
        if (value == UINT32_MAX)
            context->operands[slot] = (qn_view){.dtype = QN_DTYPE_NONE};
        else
            context->operands[slot] = context->views[value];
    }
}

qn_eval qn_context_step_eval(const qn_context *context, uint32_t step) {
    const qn_program_step *row = &context->program->steps[step];
    return (qn_eval){.attrs = row->attrs,
                     .input_count = (int)row->input_count,
                     .inputs = context->operands + row->first_input,
                     .output_count = (int)row->output_count,
                     .outputs = context->operands + row->first_output,
                     .scratch = context->scratch};
}

qn_status *qn_context_step_error(const qn_context *context, uint32_t step, qn_status *status) {
    const qn_program_step *row = &context->program->steps[step];
    return qn_status_context(status, "step %u '%s' (%s)", step, row->name, row->op->name);
}

static size_t operand_bytes(const qn_context *context, uint32_t first, uint32_t count) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        if (context->operands[first + i].dtype != QN_DTYPE_NONE) bytes += qn_view_bytes(&context->operands[first + i]);
    return bytes;
}

static qn_step_kind view_kind(const qn_context *context, const qn_program_step *row) {
    uint32_t input = context->program->operands[row->first_input],
             output = context->program->operands[row->first_output];
    return context->model->roots[input] == context->model->roots[output] ? QN_STEP_NONE : QN_STEP_COPY;
}

/* How many threads' scratch fits into the room that the ceiling leaves: that of all threads, unless a smaller shape
   needs more scratch than the largest; at least 1. */
static int count_slots(const qn_context *context, size_t stride) {
    int threads = context->engine->executor.thread_count;
    if (!stride || context->scratch_room / stride >= (uint64_t)threads) return threads;
    return context->scratch_room >= stride ? (int)(context->scratch_room / stride) : 1;
}

/* Bit i: the elements of input i are known when the step is lowered, being constant or computed from shapes. */
static uint32_t settled_inputs(const qn_context *context, const qn_program_step *row) {
    uint32_t settled = 0;
    for (uint32_t i = 0; i < row->input_count && i < 32; i++) {
        uint32_t value = context->program->operands[row->first_input + i];
        if (value == UINT32_MAX) continue;
        qn_place place = context->program->values[value].place;
        if (place == QN_PLACE_CONSTANT || place == QN_PLACE_DIMS) settled |= 1u << i;
    }
    return settled;
}

void qn_context_lower(qn_context *context, uint32_t step) {
    const qn_program_step *row = &context->program->steps[step];
    const qn_op_def *op = row->op;
    qn_step_state *state = &context->steps[step];
    qn_eval eval = qn_context_step_eval(context, step);
    eval.settled = settled_inputs(context, row);
    size_t out_bytes = operand_bytes(context, row->first_output, row->output_count);
    state->scratch_bytes = 0;
    state->slots = 1;
    if (state->is_open) {
        state->kind = QN_STEP_NONE;
    } else if (!out_bytes && !row->data_symbol_count && !(op->flags & QN_OP_EFFECT)) {
        state->kind = QN_STEP_NONE;
    } else if (qn_op_is_view(op) && !row->data_symbol_count) {
        state->kind = view_kind(context, row);
    } else if (op->lower && !row->data_symbol_count && op->lower(&eval, &context->engine->kernels, &state->work)) {
        state->kind = QN_STEP_WORK;
        state->scratch_bytes = state->work.scratch_bytes;
        state->slots = count_slots(context, qn_context_scratch_stride(state));
        state->is_small = out_bytes + operand_bytes(context, row->first_input, row->input_count) < SMALL_STEP_BYTES;
    } else {
        state->kind = QN_STEP_EVAL;
        if (op->scratch_bytes) state->scratch_bytes = op->scratch_bytes(&eval);
    }
    assert(state->slots >= 1 && state->slots <= context->engine->executor.thread_count);
    assert(state->kind != QN_STEP_WORK || state->work.tasks >= 0);
}

size_t qn_context_scratch_stride(const qn_step_state *state) {
    return qn_align_up(state->scratch_bytes, SCRATCH_ALIGN);
}

uint64_t qn_step_scratch_bytes(const qn_step_state *state) {
    return (uint64_t)qn_context_scratch_stride(state) * (uint64_t)state->slots;
}

qn_status *qn_step_fit_scratch(qn_step_state *state, uint64_t room) {
    const uint64_t stride = qn_context_scratch_stride(state);
    if (qn_step_scratch_bytes(state) <= room) return NULL;
    if (stride > room)
        return QN_ERR(QN_LIMIT, "needs %llu bytes of scratch at these sizes, more than the %llu that there are",
                      (unsigned long long)stride, (unsigned long long)room);
    state->slots = (int)(room / stride);
    assert(state->slots >= 1 && qn_step_scratch_bytes(state) <= room);
    return NULL;
}

uint64_t qn_context_scratch_bytes(const qn_context *context) {
    uint64_t most = 0;
    for (size_t s = 0; s < context->program->step_count; s++) {
        const int is_open = context->model->facts[s].is_late && context->program->steps[s].op->lower;
        uint64_t bytes = qn_step_scratch_bytes(&context->steps[s]);
        if (is_open) bytes = bytes > QN_SCRATCH_FLOOR ? bytes : QN_SCRATCH_FLOOR;
        if (bytes > most) most = bytes;
    }
    return most;
}
