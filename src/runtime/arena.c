/* The block that holds values and scratch.
 *
 * A plan says where values lie at any shape in range, and so how much memory any shape needs at most: the ceiling. As a
 * rule the block is made as large as the ceiling at once and stays, since pages that are not touched cost address space
 * only. A ceiling may be far above what a shape needs, though, or above what the machine has. Then values are laid out
 * for the shapes in force, the block is made for these shapes, and is replaced by a larger one when others need it.
 * With the constants below:
 *
 *     ceiling   need of the shapes   block
 *     10 MB     2 MB                 10 MB: at most MODEST_CEILING
 *     900 MB    300 MB               900 MB: at most CEILING_PER_NEED times the need; were that refused, 300 MB
 *     900 MB    100 MB               100 MB; if other shapes need 110 MB later, 150 MB: half as much again
 *     none      100 MB               100 MB, and likewise
 */
#include "runtime/internal.h"

#include <assert.h>

#define SCRATCH_MAX    (INT64_MAX / 4)
#define MODEST_CEILING ((uint64_t)64 << 20) /* taken whatever the shapes need */
enum { CEILING_PER_NEED = 4 };              /* a larger ceiling is taken if it is at most so many times the need */

/* Bytes of a block that holds values and scratch of every shape in range, or, if scratch has no bound, the values at
   least; 0: there is no plan. */
static uint64_t planned_bytes(const qn_context *context) {
    const uint64_t values = qn_align_up(context->program->arena_bytes, QN_OFFSETS_ALIGN);
    return context->ceiling_bytes > values ? context->ceiling_bytes : values;
}

/* A step whose shapes depend on data is checked at their upper bounds now, and again when it runs. Its operator may
   refuse the upper bounds, say an odd number of elements that it reshapes to pairs, and yet take the sizes that the
   data will have: such a step stays open. */
static qn_status *check_step(qn_context *context, uint32_t s, int narrows) {
    qn_step_state *state = &context->steps[s];
    qn_status *status = qn_checker_check(context->checker, s, 0);
    state->is_open = context->model->facts[s].is_late && status && qn_status_code(status) != QN_OUT_OF_MEMORY;
    if (!state->is_open) return !status && narrows ? qn_context_narrow_data(context, s) : status;
    qn_status_free(status);
    return NULL;
}

/* `narrows`: sizes that depend on data are taken to be at most what the shapes in force allow. */
static qn_status *check_steps(qn_context *context, int narrows) {
    for (uint32_t s = 0; s < context->program->step_count; s++) {
        qn_status *status = check_step(context, s, narrows);
        if (status) return qn_context_step_error(context, s, status);
    }
    return NULL;
}

static void lower_steps(qn_context *context) {
    qn_context_point_views(context);
    for (uint32_t s = 0; s < context->program->step_count; s++) {
        qn_context_load_operands(context, s);
        qn_context_lower(context, s);
    }
}

static qn_status *find_need(qn_context *context) {
    context->scratch_bytes = qn_context_scratch_bytes(context);
    if (context->scratch_bytes > SCRATCH_MAX)
        return QN_ERR(QN_LIMIT, "scratch memory is larger than memory can be at these shapes");
    context->needed_bytes = qn_align_up(context->value_bytes, QN_OFFSETS_ALIGN) + context->scratch_bytes;
    return NULL;
}

/* Gives values their places, checks the steps and makes them concrete. */
static qn_status *prepare(qn_context *context, int lays_out) {
    const int narrows = lays_out && context->program->arena_bytes && context->program->data_symbol_count;
    context->lays_out = lays_out;
    qn_context_widen_data(context);
    QN_TRY(qn_context_place_values(context));
    qn_context_point_views(context);
    QN_TRY(qn_checker_begin(context->checker));
    qn_status *status = check_steps(context, narrows);
    qn_checker_end(context->checker);
    QN_TRY(status);
    if (narrows) QN_TRY(qn_context_place_values(context));
    lower_steps(context);
    return find_need(context);
}

/* Gives values their places of the other kind, as planned or laid out for these shapes, after prepare() has found the
   steps to be sound. */
static qn_status *change_layout(qn_context *context, int lays_out) {
    context->lays_out = lays_out;
    QN_TRY(qn_context_place_values(context));
    lower_steps(context);
    return find_need(context);
}

static int fits(const qn_context *context) { return context->block && context->needed_bytes <= context->block_bytes; }

/* Is the ceiling so little above needed_bytes that a block of that size is taken at once? */
static int is_worth_the_ceiling(const qn_context *context) {
    const uint64_t planned = planned_bytes(context);
    return planned <= MODEST_CEILING || (planned - 1) / CEILING_PER_NEED < context->needed_bytes;
}

/* The old block goes first, so that both are never there at once. */
static int replace_block(qn_context *context, uint64_t bytes) {
    const qn_allocator *allocator = &context->engine->allocator;
    if (!bytes) bytes = 1;
    qn_free(allocator, context->block);
    context->block = bytes <= SIZE_MAX ? allocator->alloc(allocator->self, (size_t)bytes, QN_OFFSETS_ALIGN) : NULL;
    context->block_bytes = context->block ? bytes : 0;
    return context->block != NULL;
}

/* The need, or, if that has outgrown a block of `outgrown` bytes, half as much again as that block had, so that shapes
   which grow bit by bit do not replace the block every time. */
static uint64_t generous_bytes(const qn_context *context, uint64_t outgrown) {
    const uint64_t more = outgrown + outgrown / 2, planned = planned_bytes(context), needed = context->needed_bytes;
    const uint64_t most = more < planned ? more : planned;
    return most > needed ? most : needed;
}

/* Takes a block for the shapes in force, for which values are laid out. */
static qn_status *take_need(qn_context *context, uint64_t outgrown) {
    const uint64_t generous = generous_bytes(context, outgrown), needed = context->needed_bytes;
    if (replace_block(context, generous) || (generous > needed && replace_block(context, needed))) return NULL;
    return qn_status_context(qn_status_out_of_memory(), "an arena of %llu bytes", (unsigned long long)needed);
}

static qn_status *take_own(qn_context *context) {
    const uint64_t planned = planned_bytes(context), outgrown = context->block_bytes;
    if (planned && is_worth_the_ceiling(context)) {
        if (context->lays_out) QN_TRY(change_layout(context, 0));
        if (replace_block(context, context->needed_bytes > planned ? context->needed_bytes : planned)) return NULL;
        QN_TRY(change_layout(context, 1));
    }
    return take_need(context, outgrown);
}

static qn_status *refuse_borrowed(const qn_context *context, uint64_t needed) {
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "the arena given to the context has %llu bytes, but these shapes need %llu: "
                  "qn_engine_measure_arena() tells beforehand",
                  (unsigned long long)context->block_bytes, (unsigned long long)needed);
}

/* needed_bytes is what a context with an arena of its own would take, perhaps for places as planned. In a smaller block
   values may fit all the same when they are laid out for the shapes in force. */
static qn_status *check_borrowed(qn_context *context) {
    const uint64_t needed = context->needed_bytes;
    if (!context->lays_out) QN_TRY(change_layout(context, 1));
    return fits(context) ? NULL : refuse_borrowed(context, needed);
}

/* The layout, and so needed_bytes, that a context with a block of its own would end with. */
static qn_status *choose_layout(qn_context *context) {
    if (!context->lays_out || !planned_bytes(context) || !is_worth_the_ceiling(context)) return NULL;
    return change_layout(context, 0);
}

/* Are values placed as planned from the start? They are if the block has room for the plan, or is going to have it. A
   block that was made smaller than planned, for other shapes, is kept as long as it suffices. */
static int starts_as_planned(const qn_context *context) {
    const uint64_t planned = planned_bytes(context);
    if (!planned || context->block_bytes >= planned) return planned > 0;
    return planned <= MODEST_CEILING && (!context->block || context->is_borrowed);
}

qn_status *qn_context_take_arena(qn_context *context) {
    QN_TRY(prepare(context, !starts_as_planned(context)));
    if (context->is_measuring || context->is_borrowed) QN_TRY(choose_layout(context));
    if (context->is_measuring) return NULL;
    if (!fits(context)) {
        QN_TRY(context->is_borrowed ? check_borrowed(context) : take_own(context));
        lower_steps(context);
    }
    assert(context->needed_bytes <= context->block_bytes);
    context->scratch = context->block + qn_align_up(context->value_bytes, QN_OFFSETS_ALIGN);
    assert(context->scratch + context->scratch_bytes <= context->block + context->block_bytes);
    return NULL;
}
