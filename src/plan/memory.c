/* Liveness, sharing and offsets.
 *
 * A value lives from the step that makes it to the last step that reads it. The output of a view shares the bytes of
 * its input. An operator that may work in place writes its output over an input that no later step reads. Values that
 * share bytes form a group; a group lives from the first step of any member to the last step of any, and gets one
 * offset. For example:
 *
 *     step 0   a = conv2d(x, w)    a lives 0 .. 1    the group {a, b, c} lives 0 .. 3 and has one offset
 *     step 1   b = reshape(a)      b lives 1 .. 2    a view of a
 *     step 2   c = relu(b)         c lives 2 .. 3    relu may work in place, and no later step reads a or b: c is written
 *                                                    over them
 *     step 3   y = conv2d(c, v)    y is an output and lies in the caller's tensor
 *
 * Were a read by step 3 too, c would get bytes of its own.
 *
 * Offsets are laid out once, for the upper bounds of the declared range, and hold at every shape in it. A layout for
 * each shape could need more than this one although every value is smaller: which block goes into which gap changes
 * with the sizes. So only a layout that is fixed tells how much memory all shapes need at most. Where a value has no
 * upper bound, there is no such ceiling (arena_bytes is 0), and the runtime lays values out for each shape. */
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

/* first_step and last_step of every value by itself, not yet of groups. Values that exist before the first step, or
   that last longer than the last one, live from the first step, or to the last. */
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
        /* Values computed from shapes are written when shapes are set, and every run reads them. */
        if (value->place == QN_PLACE_DIMS && steps) value->last_step = (uint32_t)steps - 1;
    }
}

/* When does the whole group of `index` die, counting the groups' members joined so far? */
static uint32_t group_last_step(const qn_planner *planner, uint32_t index) {
    return planner->values.items[root_of(planner, index)].last_step;
}

/* Lets `output`, with which no value shares bytes yet, live in the bytes of `input`. Does nothing where so many values
   share the bytes of `input` already that one more would be beyond QN_PROGRAM_GROUP_MAX. */
static void join(qn_planner *planner, uint32_t output, uint32_t input) {
    uint32_t root = root_of(planner, input);
    qn_program_value *value = &planner->values.items[output], *whole = &planner->values.items[root];
    assert(planner->roots[output] == output && planner->group_sizes[output] == 1 && output != root);
    assert(value->place == QN_PLACE_ARENA && planner->roots[root] == root);
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

/* Is input `at` of the step also, or does it share bytes with, one of the inputs before alias_first, over which the
   operator must not write? In add(h, h) of an operator that may overwrite its second input only, it is. */
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

#ifndef NDEBUG

/* What the verifier of files demands of every plan: a value that takes room in the arena lives within the steps, lies
   aligned within the arena, and where it shares bytes their owner lives as long. */
static int is_planned_well(const qn_planner *planner) {
    for (uint32_t i = 0; i < planner->values.count; i++) {
        const qn_program_value *value = &planner->values.items[i], *owner = &planner->values.items[root_of(planner, i)];
        if (owner->alias >= 0 || (value->alias >= 0) != (owner != value)) return 0;
        if (!is_in_arena(value) || !planner->steps.count) continue;
        if (value->first_step > value->last_step || value->last_step >= planner->steps.count) return 0;
        if (owner->last_step < value->last_step) return 0;
        if (!planner->arena_bytes) continue;
        if (value->offset % QN_OFFSETS_ALIGN) return 0;
        if (owner->offset + owner->bytes > planner->arena_bytes) return 0;
    }
    return 1;
}

#endif

qn_status *qn_plan_memory(qn_planner *planner) {
    QN_TRY(make_groups(planner));
    measure_lives(planner);
    for (uint32_t s = 0; s < planner->steps.count; s++) share(planner, s);
    QN_TRY(lay_out(planner));
    for (size_t i = 0; i < planner->values.count; i++) { /* values that share bytes are where the owner of these is */
        qn_program_value *value = &planner->values.items[i];
        const qn_program_value *owner = &planner->values.items[root_of(planner, (uint32_t)i)];
        value->place = owner->place;
        value->offset = owner->offset;
    }
    assert(is_planned_well(planner));
    return NULL;
}
