#include "runtime/internal.h"

#include "base/entry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- Tensors of the caller ---- */

static void print_dims(char *out, size_t room, int rank, const int64_t *dims) {
    size_t used = 0;
    out[0] = 0;
    for (int d = 0; d < rank && used < room; d++)
        used += (size_t)snprintf(out + used, room - used, "%s%lld", d ? ", " : "", (long long)dims[d]);
}

/* Does the tensor have the dims that the run needs? */
static int is_of_shape(const qn_tensor *tensor, const qn_view *view) {
    int same = tensor->rank == view->rank;
    for (int d = 0; same && d < view->rank; d++) same = tensor->dims[d] == view->dims[d];
    return same;
}

/* An output whose size depends on data may have the dims that an earlier run has put in, if there is room for the most
   that it can become. */
static int is_reused(const qn_context *context, const qn_tensor *tensor, uint32_t value) {
    const qn_view *view = &context->views[value];
    int fits = context->model->value_ready[value] && tensor->rank == view->rank &&
               tensor->capacity_bytes >= qn_view_bytes(view);
    for (int d = 0; fits && d < view->rank; d++) fits = tensor->dims[d] >= 0 && tensor->dims[d] <= view->dims[d];
    return fits;
}

static qn_status *wrong_shape(const qn_context *context, const qn_tensor *tensor, uint32_t value, const char *what) {
    const qn_view *view = &context->views[value];
    const char *name = context->program->values[value].name;
    char wanted[192], found[192];
    print_dims(wanted, sizeof wanted, view->rank, view->dims);
    print_dims(found, sizeof found, tensor->rank > QN_MAX_RANK ? QN_MAX_RANK : tensor->rank, tensor->dims);
    if (!context->model->value_ready[value])
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s' has shape [%s], but the tensor is [%s]", what, name, wanted, found);
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "%s '%s' depends on data and has at most shape [%s], but the tensor is [%s] with a capacity of %zu "
                  "bytes: give it that shape, or a capacity of %zu",
                  what, name, wanted, found, tensor->capacity_bytes, (size_t)qn_view_bytes(view));
}

static qn_status *check_tensor(const qn_context *context, const qn_tensor *tensor, uint32_t value, const char *what) {
    const qn_view *view = &context->views[value];
    const char *name = context->program->values[value].name;
    if (tensor->dtype != view->dtype)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s' is of type %s, but the tensor is %s", what, name,
                      qn_dtype_name(view->dtype), qn_dtype_name(tensor->dtype));
    if (!is_of_shape(tensor, view) && !is_reused(context, tensor, value))
        return wrong_shape(context, tensor, value, what);
    if (!tensor->data && qn_view_bytes(view))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s' has no data (NULL)", what, name);
    if ((uintptr_t)tensor->data % qn_dtype_size(view->dtype))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s' is not aligned to its elements of %zu bytes", what, name,
                      qn_dtype_size(view->dtype));
    return NULL;
}

static int overlaps(const qn_tensor *a, size_t a_bytes, const qn_tensor *b, size_t b_bytes) {
    uintptr_t a_start = (uintptr_t)a->data, b_start = (uintptr_t)b->data;
    return a_bytes && b_bytes && a_start < b_start + b_bytes && b_start < a_start + a_bytes;
}

static qn_status *check_overlap(const qn_context *context, const qn_tensor *inputs, const qn_tensor *outputs) {
    const qn_program *program = context->program;
    for (size_t i = 0; i < program->output_count; i++) {
        size_t bytes = qn_view_bytes(&context->views[program->outputs[i]]);
        for (size_t j = 0; j < program->input_count; j++)
            if (overlaps(&outputs[i], bytes, &inputs[j], qn_view_bytes(&context->views[program->inputs[j]])))
                return QN_ERR(QN_INVALID_ARGUMENT, "output '%s' overlaps input '%s' in memory",
                              program->values[program->outputs[i]].name, program->values[program->inputs[j]].name);
        for (size_t j = 0; j < i; j++)
            if (overlaps(&outputs[i], bytes, &outputs[j], qn_view_bytes(&context->views[program->outputs[j]])))
                return QN_ERR(QN_INVALID_ARGUMENT, "output '%s' overlaps output '%s' in memory",
                              program->values[program->outputs[i]].name, program->values[program->outputs[j]].name);
    }
    return NULL;
}

static qn_status *check_tensors(const qn_context *context, const qn_tensor *inputs, size_t input_count,
                                const qn_tensor *outputs, size_t output_count) {
    const qn_program *program = context->program;
    if (input_count != program->input_count || output_count != program->output_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "%zu inputs and %zu outputs, but the model has %zu and %zu", input_count,
                      output_count, program->input_count, program->output_count);
    if ((input_count && !inputs) || (output_count && !outputs))
        return QN_ERR(QN_INVALID_ARGUMENT, "no tensors were given (NULL)");
    for (size_t i = 0; i < input_count; i++) QN_TRY(check_tensor(context, &inputs[i], program->inputs[i], "input"));
    for (size_t i = 0; i < output_count; i++) QN_TRY(check_tensor(context, &outputs[i], program->outputs[i], "output"));
    return check_overlap(context, inputs, outputs);
}

/* An output whose size depends on data may come with the upper bounds as its dims: that is how much room it has. The
   room is noted in the tensor before the run reduces its dims to the sizes it finds. */
static void note_capacities(const qn_context *context, qn_tensor *outputs) {
    for (size_t i = 0; i < context->program->output_count; i++) {
        uint32_t value = context->program->outputs[i];
        const qn_view *view = &context->views[value];
        if (context->model->value_ready[value] && is_of_shape(&outputs[i], view))
            outputs[i].capacity_bytes = qn_view_bytes(view);
    }
}

/* Notes where the caller's tensors are. If one has moved, steps with operands in tensors of the caller are lowered
   again. */
static void take_tensors(qn_context *context, const qn_tensor *inputs, const qn_tensor *outputs) {
    const qn_program *program = context->program;
    int moved = 0;
    for (size_t i = 0; i < program->input_count; i++) {
        moved |= context->input_data[i] != inputs[i].data;
        context->input_data[i] = inputs[i].data;
    }
    for (size_t i = 0; i < program->output_count; i++) {
        moved |= context->output_data[i] != outputs[i].data;
        context->output_data[i] = outputs[i].data;
    }
    if (!moved) return;
    qn_context_point_views(context);
    for (uint32_t s = 0; s < program->step_count; s++) {
        if (!context->model->facts[s].touches_caller || context->model->facts[s].is_late) continue;
        qn_context_load_operands(context, s);
        qn_context_lower(context, s);
    }
}

/* ---- Steps ---- */

typedef struct job {
    qn_context *context;
    const qn_step_state *state;
    size_t scratch_stride;
} job;

static int is_cancelled(const qn_context *context) {
    return atomic_load_explicit(&context->cancelled, memory_order_relaxed) ||
           (context->cancel_point && qn_cancel_point_is_hit(context->cancel_point));
}

static void trace_tasks(const job *self, int64_t begin, int64_t end, int worker, int64_t start_ns) {
    const qn_context *context = self->context;
    const qn_trace_event event = {.kind = QN_TRACE_TASKS,
                                  .context = context->trace_id,
                                  .worker = worker,
                                  .begin_ns = start_ns,
                                  .end_ns = qn_trace_now_ns(),
                                  .first = begin,
                                  .last = end,
                                  .name = context->program->steps[self->state - context->steps].name};
    qn_trace_add(context->trace, &event);
}

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker) {
    QN_ENTER(); /* the thread may be the caller's */
    const job *self = arg;
    const qn_context *context = self->context;
    if (is_cancelled(context)) return;
    int64_t start = context->trace ? qn_trace_now_ns() : 0;
    self->state->work.run(self->state->work.params, begin, end,
                          context->scratch + (size_t)worker * self->scratch_stride);
    if (context->trace) trace_tasks(self, begin, end, worker, start);
}

/* Where there is scratch for fewer threads than the executor has, tasks are cut into one share for each slot of
   scratch. 10 tasks in 3 slots: tasks 0 .. 3, 4 .. 6 and 7 .. 9. */
static void run_shares(void *arg, int64_t begin, int64_t end, int worker) {
    const job *self = arg;
    int64_t tasks = self->state->work.tasks, slots = self->state->slots;
    (void)worker;
    for (int64_t slot = begin; slot < end; slot++) {
        int64_t first = tasks / slots * slot + qn_min_i64(slot, tasks % slots);
        int64_t count = tasks / slots + (slot < tasks % slots);
        if (count) run_tasks(arg, first, first + count, (int)slot);
    }
}

static void run_work(qn_context *context, const qn_step_state *state) {
    job self = {context, state, qn_context_scratch_stride(state)};
    assert(qn_step_scratch_bytes(state) <= context->scratch_bytes);
    const qn_executor *executor = &context->engine->executor;
    if (state->is_small || state->work.tasks == 1 || executor->thread_count == 1)
        run_tasks(&self, 0, state->work.tasks, 0);
    else if (state->slots < executor->thread_count)
        executor->parallel_for(executor->self, state->slots, run_shares, &self);
    else
        executor->parallel_for(executor->self, state->work.tasks, run_tasks, &self);
}

/* Makes a step concrete whose shapes depend on data: the steps before have found these, and the views are set; the
   operator has not checked them yet, and there is no work. */
static qn_status *prepare_late(qn_context *context, uint32_t step) {
    qn_step_state *state = &context->steps[step];
    state->is_open = 1;
    qn_context_load_operands(context, step);
    QN_TRY(qn_checker_begin(context->checker));
    qn_status *status = qn_checker_check(context->checker, step, 1);
    qn_checker_end(context->checker);
    QN_TRY(status);
    state->is_open = 0;
    qn_context_lower(context, step);
    return qn_step_fit_scratch(state, context->scratch_bytes);
}

static qn_status *run_step(qn_context *context, uint32_t step) {
    qn_step_state *state = &context->steps[step];
    if (context->model->facts[step].is_late)
        QN_TRY(prepare_late(context, step));
    else if (context->program->steps[step].data_symbol_count)
        qn_context_load_operands(context, step);
    qn_eval eval = qn_context_step_eval(context, step);
    switch (state->kind) {
    case QN_STEP_NONE: break;
    case QN_STEP_WORK: run_work(context, state); break;
    case QN_STEP_EVAL:
        assert(state->scratch_bytes <= context->scratch_bytes);
        QN_TRY(context->program->steps[step].op->eval(&eval));
        break;
    case QN_STEP_COPY:
        assert(qn_view_bytes(&eval.outputs[0]) == qn_view_bytes(&eval.inputs[0]));
        memcpy(eval.outputs[0].data, eval.inputs[0].data, qn_view_bytes(&eval.outputs[0]));
        break;
    }
    return qn_context_settle(context, step);
}

static void trace_step(const qn_context *context, uint32_t step, int64_t start_ns, int64_t end_ns) {
    const qn_program_step *row = &context->program->steps[step];
    const qn_step_state *state = &context->steps[step];
    const qn_trace_event event = {.kind = QN_TRACE_STEP,
                                  .context = context->trace_id,
                                  .begin_ns = start_ns,
                                  .end_ns = end_ns,
                                  .last = state->kind == QN_STEP_WORK ? state->work.tasks : 1,
                                  .name = row->name,
                                  .op = row->op->name,
                                  .kernel = qn_step_kernel_name(state)};
    qn_trace_add(context->trace, &event);
}

static void trace_run(const qn_context *context, int64_t start_ns) {
    const qn_trace_event event = {.kind = QN_TRACE_RUN,
                                  .context = context->trace_id,
                                  .begin_ns = start_ns,
                                  .end_ns = qn_trace_now_ns(),
                                  .name = context->program->name};
    qn_trace_add(context->trace, &event);
}

static qn_status *observe(const qn_context *context, uint32_t value) {
    const qn_view *view = &context->views[value];
    qn_tensor tensor = {.dtype = view->dtype, .rank = view->rank, .data = view->data};
    memcpy(tensor.dims, view->dims, sizeof tensor.dims);
    if (!context->observe(context->observe_self, context->program->values[value].name, &tensor)) return NULL;
    return QN_ERR(QN_CANCELLED, "the observer ended the run");
}

static qn_status *observe_outputs(const qn_context *context, uint32_t step) {
    const qn_program_step *row = &context->program->steps[step];
    for (uint32_t i = 0; i < row->output_count; i++)
        QN_TRY(observe(context, context->program->operands[row->first_output + i]));
    return NULL;
}

static qn_status *run_steps(qn_context *context) {
    const qn_program *program = context->program;
    for (size_t i = 0; context->observe && i < program->input_count; i++) QN_TRY(observe(context, program->inputs[i]));
    for (uint32_t s = 0; s < program->step_count; s++) {
        int is_timed = context->is_profiling || context->trace;
        int64_t start = is_timed ? qn_trace_now_ns() : 0;
        qn_status *status = run_step(context, s);
        int64_t end = is_timed ? qn_trace_now_ns() : 0;
        if (context->is_profiling) context->steps[s].ns = end - start;
        if (context->trace && context->steps[s].kind != QN_STEP_NONE) trace_step(context, s, start, end);
        if (status) return qn_context_step_error(context, s, status);
        if (is_cancelled(context)) return QN_ERR(QN_CANCELLED, "the run was cancelled");
        if (context->observe) QN_TRY(observe_outputs(context, s));
    }
    return NULL;
}

qn_status *qn_context_run_once(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                               size_t output_count) {
    QN_TRY(qn_context_require_bound(context));
    QN_TRY(qn_context_refresh_weights(context));
    QN_TRY(qn_context_reset_data(context));
    QN_TRY(check_tensors(context, inputs, input_count, outputs, output_count));
    note_capacities(context, outputs);
    take_tensors(context, inputs, outputs);
    /* An arena of the caller's may have been used for other things since the last run. */
    if (context->is_borrowed) QN_TRY(qn_context_write_dims_values(context));
    atomic_store_explicit(&context->cancelled, 0, memory_order_relaxed);
    int64_t start = context->trace ? qn_trace_now_ns() : 0;
    qn_status *status = run_steps(context);
    if (context->trace) trace_run(context, start);
    if (status) return status;
    for (size_t i = 0; i < output_count; i++) {
        const qn_view *view = &context->views[context->program->outputs[i]];
        for (int d = 0; d < view->rank; d++) outputs[i].dims[d] = view->dims[d];
    }
    return NULL;
}
