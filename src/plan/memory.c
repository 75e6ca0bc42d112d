/* Liveness, sharing and offsets.
 *
 * A view shares the bytes of its input. An operator that may work in place takes over the memory of an input that dies
 * with it. Shared values form groups; a group lives from its first to its last use and gets one offset. Offsets are laid out at
 * the upper bounds of the declared range and reused at every shape: first-fit is not monotone in size, so a layout
 * per shape could exceed a ceiling computed elsewhere. Where a value has no bound, there is no ceiling, and the runtime
 * lays out per shape. */
#include "plan/internal.h"

#include "base/offsets.h"

#include <assert.h>

static int is_in_arena(const qn_program_value *value) {
    return value->place == QN_PLACE_ARENA || value->place == QN_PLACE_DIMS;
}

/* Largest size of a value over the range, or 0 when it has none. */
static uint64_t bytes_bound(const qn_planner *planner, const qn_value *value) {
    uint64_t bytes = qn_dtype_size(value->type.dtype);
    for (int i = 0; i < value->type.rank; i++) {
        int64_t low, high;
        qn_dim_range(planner->graph->dims, value->type.dims[i], &low, &high);
        if (high == QN_DIM_UNBOUNDED || high < 0) return 0;
        if (__builtin_mul_overflow(bytes, (uint64_t)(high ? high : 1), &bytes) || bytes > UINT64_MAX / 4) return 0;
    }
    return bytes;
}

static uint32_t root_of(const qn_planner *planner, uint32_t index) { return planner->roots[index]; }

/* At first every value owns its bytes. */
static qn_status *make_groups(qn_planner *planner) {
    planner->roots = QN_ARENA_ARRAY(planner->arena, uint32_t, planner->values.count);
    planner->group_sizes = QN_ARENA_ARRAY(planner->arena, uint32_t, planner->values.count);
    if (!planner->roots || !planner->group_sizes) return qn_status_out_of_memory();
    for (uint32_t i = 0; i < planner->values.count; i++) {
        planner->roots[i] = i;
        planner->group_sizes[i] = 1;
    }
    return NULL;
}

/* first_step and last_step of every value by itself. What exists before the first step or after the last is clamped. */
static void measure_lives(qn_planner *planner) {
    size_t steps = planner->steps.count;
    for (size_t i = 0; i < planner->values.count; i++) {
        qn_program_value *value = &planner->values.items[i];
        value->first_step = is_in_arena(value) && value->place != QN_PLACE_DIMS ? (uint32_t)steps : 0;
        value->last_step = 0;
    }
    for (uint32_t s = 0; s < steps; s++) {
        const qn_program_step *step = &planner->steps.items[s];
        for (uint32_t i = 0; i < step->input_count + step->output_count; i++) {
            uint32_t slot = i < step->input_count ? step->first_input + i : step->first_output + i - step->input_count;
            uint32_t index = planner->operands.items[slot];
            if (index == UINT32_MAX) continue;
            qn_program_value *value = &planner->values.items[index];
            if (s < value->first_step) value->first_step = s;
            value->last_step = s;
        }
    }
    for (size_t i = 0; i < planner->values.count; i++) {
        qn_program_value *value = &planner->values.items[i];
        /* written when shapes are set, kept */
        if (value->place == QN_PLACE_DIMS && steps) value->last_step = (uint32_t)steps - 1;
    }
}

/* When does the whole group of `index` die, counting the groups' members joined so far? */
static uint32_t group_last_step(const qn_planner *planner, uint32_t index) {
    return planner->values.items[root_of(planner, index)].last_step;
}

/* Lets `output`, which nothing shares yet, live in the bytes of `input`. Does nothing where these are shared too often. */
static void join(qn_planner *planner, uint32_t output, uint32_t input) {
    uint32_t root = root_of(planner, input);
    qn_program_value *value = &planner->values.items[output], *whole = &planner->values.items[root];
    if (planner->group_sizes[root] >= QN_PROGRAM_GROUP_MAX) return;
    planner->group_sizes[root]++;
    planner->roots[output] = root;
    value->alias = (int32_t)input;
    if (value->last_step > whole->last_step) whole->last_step = value->last_step;
}

static int same_size(const qn_planner *planner, uint32_t a, uint32_t b) {
    const qn_type *x = &planner->sources.items[a]->type, *y = &planner->sources.items[b]->type;
    if (qn_dtype_size(x->dtype) != qn_dtype_size(y->dtype) || x->rank != y->rank) return 0;
    for (int i = 0; i < x->rank; i++)
        if (!qn_dim_same(x->dims[i], y->dims[i])) return 0;
    return 1;
}

/* Does the step read the bytes of input `at` through one of the inputs that its output must not share with? */
static int is_read_elsewhere(const qn_planner *planner, const qn_program_step *step, uint32_t at) {
    uint32_t root = root_of(planner, planner->operands.items[step->first_input + at]);
    for (uint32_t i = 0; i < (uint32_t)step->op->alias_first; i++) {
        uint32_t other = planner->operands.items[step->first_input + i];
        if (other != UINT32_MAX && root_of(planner, other) == root) return 1;
    }
    return 0;
}

/* Lets the outputs of step `s` share memory with an input where the operator allows it. */
static void share(qn_planner *planner, uint32_t s) {
    const qn_program_step *step = &planner->steps.items[s];
    if (!(qn_op_is_view(step->op) || step->op->flags & QN_OP_MAY_ALIAS) || step->output_count != 1) return;
    uint32_t output = planner->operands.items[step->first_output];
    if (planner->values.items[output].place != QN_PLACE_ARENA) return;
    if (qn_op_is_view(step->op)) {
        uint32_t input = planner->operands.items[step->first_input];
        if (input != UINT32_MAX && planner->values.items[input].place != QN_PLACE_DIMS) join(planner, output, input);
        return;
    }
    for (uint32_t i = (uint32_t)step->op->alias_first; i < step->input_count; i++) {
        uint32_t input = planner->operands.items[step->first_input + i];
        if (input == UINT32_MAX || is_read_elsewhere(planner, step, i) ||
            planner->values.items[root_of(planner, input)].place != QN_PLACE_ARENA)
            continue;
        if (group_last_step(planner, input) != s || !same_size(planner, input, output)) continue;
        join(planner, output, input);
        return;
    }
}

/* Offsets at the upper bounds; no ceiling when a group has no bound. */
static qn_status *lay_out(qn_planner *planner) {
    size_t count = planner->values.count, used = 0;
    qn_offsets_block *blocks = QN_ARENA_ARRAY(planner->arena, qn_offsets_block, count);
    uint32_t *owners = QN_ARENA_ARRAY(planner->arena, uint32_t, count);
    void *scratch = qn_arena_alloc(planner->arena, 1, qn_offsets_scratch_bytes(count));
    if (!blocks || !owners || !scratch) return qn_status_out_of_memory();
    for (uint32_t i = 0; i < count; i++) {
        qn_program_value *value = &planner->values.items[i];
        if (!is_in_arena(value)) continue;
        value->bytes = bytes_bound(planner, planner->sources.items[i]);
        if (value->alias >= 0) continue;
        if (!value->bytes) return NULL;
        blocks[used] = (qn_offsets_block){.bytes = value->bytes, .first = value->first_step, .last = value->last_step};
        owners[used++] = i;
    }
    uint64_t total = 0;
    if (!qn_offsets_pack(blocks, used, scratch, &total)) return NULL;
    for (size_t i = 0; i < used; i++) planner->values.items[owners[i]].offset = blocks[i].offset;
    planner->arena_bytes = total ? total : 64; /* 0 would mean "no ceiling" */
    return NULL;
}

qn_status *qn_plan_memory(qn_planner *planner) {
    QN_TRY(make_groups(planner));
    measure_lives(planner);
    for (uint32_t s = 0; s < planner->steps.count; s++) share(planner, s);
    QN_TRY(lay_out(planner));
    for (size_t i = 0; i < planner->values.count; i++) { /* who shares bytes is where the owner is */
        qn_program_value *value = &planner->values.items[i];
        const qn_program_value *owner = &planner->values.items[root_of(planner, (uint32_t)i)];
        value->place = owner->place;
        value->offset = owner->offset;
    }
    return NULL;
}
