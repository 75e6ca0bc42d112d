/* Sizes that become known while running. Until a step has found them, values are laid out for the most they can be.
 * Of a mask [1, 100] the step `where` makes indices [Where:0.0, 2]: 100 rows are planned; when the step has found 7,
 * the symbol becomes 7, and views of values that depend on it have 7 rows until the run ends. */
#include "runtime/internal.h"

#include <assert.h>

/* Computes the dims from the first one on that depends on data. */
static qn_status *recompute(qn_context *context) {
    const qn_program *program = context->program;
    QN_TRY(qn_dim_program_run(program->dims, context->model->first_data_dim, program->dim_count, context->symbols,
                              context->dims));
    return qn_context_refresh_data_views(context);
}

void qn_context_widen_data(qn_context *context) {
    for (size_t i = 0; i < context->program->symbol_count; i++)
        context->data_most[i] = context->program->symbols[i].high;
}

qn_status *qn_context_narrow_data(qn_context *context, uint32_t step) {
    const qn_program *program = context->program;
    const qn_program_step *row = &program->steps[step];
    int is_narrower = 0;
    for (uint32_t i = 0; i < row->data_symbol_count; i++) {
        const qn_program_data_symbol *data = &program->data_symbols[row->first_data_symbol + i];
        const int64_t most =
            qn_max_i64(qn_checker_most(context->checker, data->output, data->axis), program->symbols[data->symbol].low);
        assert(program->symbols[data->symbol].input < 0);
        if (most >= context->data_most[data->symbol]) continue;
        context->data_most[data->symbol] = context->symbols[data->symbol] = most;
        is_narrower = 1;
    }
    return is_narrower ? recompute(context) : NULL;
}

qn_status *qn_context_reset_data(qn_context *context) {
    const qn_program *program = context->program;
    if (!program->data_symbol_count) return NULL;
    for (size_t i = 0; i < program->data_symbol_count; i++) {
        uint32_t symbol = program->data_symbols[i].symbol;
        context->symbols[symbol] = context->data_most[symbol];
    }
    return recompute(context);
}

qn_status *qn_context_settle(qn_context *context, uint32_t step) {
    const qn_program *program = context->program;
    const qn_program_step *row = &program->steps[step];
    if (!row->data_symbol_count) return NULL;
    for (uint32_t i = 0; i < row->data_symbol_count; i++) {
        const qn_program_data_symbol *data = &program->data_symbols[row->first_data_symbol + i];
        int64_t size = context->operands[row->first_output + data->output].dims[data->axis];
        if (size < 0 || size > context->symbols[data->symbol])
            return QN_ERR(QN_INTERNAL, "found %lld of at most %lld", (long long)size,
                          (long long)context->symbols[data->symbol]);
        context->symbols[data->symbol] = size;
    }
    QN_TRY(recompute(context));
    return qn_context_run_checks(context, context->dims, step + 1);
}
