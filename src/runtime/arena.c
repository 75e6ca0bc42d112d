/* The block that holds values and scratch.
 *
 * A plan says where values lie at any shape in range, and so how much all of them need: the ceiling. As a rule the
 * block is made that large at once and stays, since what is not touched costs address space only. A ceiling may be far
 * above what a shape needs, though, or above what the machine has. Then values are laid out for the shapes in force,
 * the block is made for these, and replaced by a larger one when others need it. */
#include "runtime/internal.h"

#define SCRATCH_MAX    (INT64_MAX / 4)
#define MODEST_CEILING ((uint64_t)64 << 20) /* taken whatever the shapes need */
enum { CEILING_PER_NEED = 4 };              /* a larger one is taken where it is at most so many times the need */

/* The block that holds every shape in range, or where scratch has no bound every value; 0: no plan. */
static uint64_t planned_bytes(const qn_context *context) {
    const uint64_t values = qn_align_up(context->program->arena_bytes, QN_OFFSETS_ALIGN);
    return context->ceiling_bytes > values ? context->ceiling_bytes : values;
}

/* A step whose shapes are open until it runs is looked at again then. If its operator does not take the most that they
   can be, an odd number of pairs say, it may well take what they become: such a step stays open. */
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

/* The same with the places of the other kind, once the steps are found to be good. */
static qn_status *change_layout(qn_context *context, int lays_out) {
    context->lays_out = lays_out;
    QN_TRY(qn_context_place_values(context));
    lower_steps(context);
    return find_need(context);
}

static int fits(const qn_context *context) { return context->block && context->needed_bytes <= context->block_bytes; }

/* Is the ceiling so little more than the need, which has been found, that it is taken at once? */
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

/* Somewhat more than is needed where a block has been outgrown before, so that shapes that grow bit by bit do not
   replace it every time. */
static uint64_t generous_bytes(const qn_context *context, uint64_t outgrown) {
    const uint64_t more = outgrown + outgrown / 2, planned = planned_bytes(context), needed = context->needed_bytes;
    const uint64_t most = more < planned ? more : planned;
    return most > needed ? most : needed;
}

/* With places for the shapes in force. */
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

/* What is measured is what a context of its own arena would use; with less values may fit all the same. */
static qn_status *check_borrowed(qn_context *context) {
    const uint64_t needed = context->needed_bytes;
    if (!context->lays_out) QN_TRY(change_layout(context, 1));
    return fits(context) ? NULL : refuse_borrowed(context, needed);
}

/* Without a block, as it would be for one of its own. */
static qn_status *choose_layout(qn_context *context) {
    if (!context->lays_out || !planned_bytes(context) || !is_worth_the_ceiling(context)) return NULL;
    return change_layout(context, 0);
}

/* Values lie as planned from the start where the block has the room, or is going to have it. One that the context took
   smaller stays for as long as it suffices. */
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
    context->scratch = context->block + qn_align_up(context->value_bytes, QN_OFFSETS_ALIGN);
    return NULL;
}
