#include "runtime/internal.h"

static int64_t operand_bytes(const qn_context *context, uint32_t first, uint32_t count) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        if (context->operands[first + i].dtype != QN_DTYPE_NONE)
            bytes += (int64_t)qn_view_bytes(&context->operands[first + i]);
    return bytes;
}

const char *qn_step_kernel_name(const qn_step_state *state) {
    switch (state->kind) {
    case QN_STEP_WORK: return state->work.kernel;
    case QN_STEP_COPY: return "copy";
    case QN_STEP_NONE: return "view";
    default: return "eval";
    }
}

static int64_t operand_elems_max(const qn_context *context, uint32_t first, uint32_t count) {
    int64_t most = 1;
    for (uint32_t i = 0; i < count; i++)
        if (context->operands[first + i].dtype != QN_DTYPE_NONE)
            most = qn_max_i64(most, qn_view_elems(&context->operands[first + i]));
    return most;
}

/* Multiply-adds of a step. No operator takes more of them for an output element than its largest input has elements:
   where that bound overflows, which a forged file can make it do, the operator is not asked. */
static int64_t count_macs(const qn_context *context, const qn_program_step *row, const qn_eval *eval) {
    int64_t bound;
    if (!row->op->macs) return 0;
    if (__builtin_mul_overflow(operand_elems_max(context, row->first_output, row->output_count),
                               operand_elems_max(context, row->first_input, row->input_count), &bound))
        return INT64_MAX;
    return row->op->macs(eval);
}

qn_status *qn_context_describe_step(const qn_context *context, size_t step, qn_step_profile *out_profile) {
    const qn_program *program = context->program;
    if (step >= program->step_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "step %zu, but the model has %zu", step, program->step_count);
    QN_TRY(qn_context_require_bound(context));
    const qn_program_step *row = &program->steps[step];
    const qn_step_state *state = &context->steps[step];
    int64_t bytes = 0;
    if (state->kind != QN_STEP_NONE)
        bytes = operand_bytes(context, row->first_input, row->input_count) +
                operand_bytes(context, row->first_output, row->output_count);
    qn_eval eval = qn_context_step_eval(context, (uint32_t)step);
    *out_profile = (qn_step_profile){.name = row->name,
                                     .op = row->op->name,
                                     .kernel = qn_step_kernel_name(state),
                                     .ns = state->ns,
                                     .macs = state->is_open ? 0 : count_macs(context, row, &eval),
                                     .bytes = bytes,
                                     .tasks = state->kind == QN_STEP_WORK ? state->work.tasks : 1};
    return NULL;
}

qn_status *qn_context_add_up_cost(const qn_context *context, qn_cost *out_cost) {
    qn_cost cost = {.value_bytes = context->value_bytes, .scratch_bytes = context->scratch_bytes};
    for (size_t s = 0; s < context->program->step_count; s++) {
        qn_step_profile step;
        QN_TRY(qn_context_describe_step(context, s, &step));
        if (__builtin_add_overflow(cost.macs, step.macs, &cost.macs)) cost.macs = INT64_MAX;
        if (__builtin_add_overflow(cost.moved_bytes, step.bytes, &cost.moved_bytes)) cost.moved_bytes = INT64_MAX;
    }
    *out_cost = cost;
    return NULL;
}
