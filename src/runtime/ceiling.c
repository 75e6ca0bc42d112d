/* How much memory any shape in range can need.
 *
 * The plan lays values out once for the whole range, so only the size of scratch is open. Each step is asked for it
 * with its dims at their upper bounds. These bounds need not be possible together (with h * w <= 1000 both h and w
 * may be 1000), which does no harm where only sizes are asked for. A kernel may want somewhat more scratch at a
 * smaller shape, where it cuts its tasks differently. Then fewer threads work on that step, so that the ceiling
 * holds; QN_SCRATCH_FLOOR leaves room for one thread of every kernel. */
#include "runtime/internal.h"

#include <assert.h>

static void find_upper_dims(qn_context *context) {
    const qn_program *program = context->program;
    for (size_t i = 0; i < program->symbol_count; i++) {
        context->symbol_low[i] = program->symbols[i].low;
        context->symbol_high[i] = program->symbols[i].high;
    }
    qn_ranges_run(program->dims, program->dim_count, context->symbol_low, context->symbol_high, context->low,
                  context->high);
    for (size_t i = 0; i < program->dim_count; i++) context->high[i] = qn_max_i64(context->high[i], 0);
}

/* 0 if a value has no bound. */
static int set_upper_views(qn_context *context) {
    for (size_t i = 0; i < context->program->value_count; i++) {
        uint64_t bytes;
        qn_status *status = qn_value_measure(&context->program->values[i], context->high, &bytes);
        qn_status_free(status);
        if (status) return 0;
        qn_view_set_dims(&context->views[i], &context->program->values[i], context->high);
    }
    return 1;
}

/* The largest scratch of a step at the upper bounds. An operator may refuse these dims, in a sound file because they
   are not possible together, in a forged one for any reason. Such a step counts with the floor. */
static qn_status *find_room(qn_context *context, uint64_t *inout_room) {
    QN_TRY(qn_checker_begin(context->checker));
    for (uint32_t s = 0; s < context->program->step_count; s++) {
        qn_status *status = qn_checker_check(context->checker, s, 0);
        qn_status_free(status);
        if (status) continue;
        qn_context_load_operands(context, s);
        qn_context_lower(context, s);
        uint64_t bytes = qn_step_scratch_bytes(&context->steps[s]);
        if (bytes > *inout_room) *inout_room = bytes;
    }
    qn_checker_end(context->checker);
    return NULL;
}

qn_status *qn_context_find_ceiling(qn_context *context) {
    const qn_program *program = context->program;
    context->ceiling_bytes = 0;
    context->scratch_room = UINT64_MAX;
    if (!program->arena_bytes) return NULL;
    find_upper_dims(context);
    if (!set_upper_views(context)) return NULL;
    qn_context_point_views(context);
    uint64_t room = program->step_count ? QN_SCRATCH_FLOOR : 0;
    int64_t *dims = context->dims;
    context->dims = context->high; /* what values computed from shapes are read from */
    qn_status *status = find_room(context, &room);
    context->dims = dims;
    QN_TRY(status);
    assert(room == 0 || room >= QN_SCRATCH_FLOOR);
    context->scratch_room = room;
    context->ceiling_bytes = qn_align_up(program->arena_bytes, QN_OFFSETS_ALIGN) + room;
    return NULL;
}
