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
                                     .macs = row->op->macs ? row->op->macs(&eval) : 0,
                                     .bytes = bytes,
                                     .tasks = state->kind == QN_STEP_WORK ? state->work.tasks : 1};
    return NULL;
}
