#include "check_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* When a value comes into being and when it is read last, in steps; what exists from the start is born at -1. */
typedef struct life {
    int64_t born, last;
    uint32_t root;
} life;

static int in_arena(const qn_program_value *value) {
    return value->place == QN_PLACE_ARENA || value->place == QN_PLACE_DIMS;
}

static life *measure(const qn_program *program) {
    life *lives = calloc(program->value_count + 1, sizeof *lives);
    for (uint32_t i = 0; i < program->value_count; i++) {
        lives[i] = (life){-1, -1, i};
        for (size_t hops = 0; program->values[lives[i].root].alias >= 0; hops++) {
            lives[i].root = (uint32_t)program->values[lives[i].root].alias;
            assert_true(hops < program->value_count);
        }
    }
    for (uint32_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        for (uint32_t i = 0; i < step->input_count; i++) {
            uint32_t index = program->operands[step->first_input + i];
            if (index != UINT32_MAX) lives[index].last = s;
        }
        for (uint32_t i = 0; i < step->output_count; i++) {
            life *made = &lives[program->operands[step->first_output + i]];
            made->born = s;
            if (made->last < (int64_t)s) made->last = s;
        }
    }
    for (uint32_t i = 0; i < program->value_count; i++)
        if (program->values[i].place == QN_PLACE_DIMS)
            lives[i].last = (int64_t)program->step_count - 1; /* written once, for every run */
    return lives;
}

/* ---- Overlap ---- */

static void check_overlap(const qn_program *program, const life *lives) {
    uint64_t most = 0;
    for (uint32_t a = 0; a < program->value_count; a++) {
        const qn_program_value *x = &program->values[a];
        if (!in_arena(x)) continue;
        assert_int_equal(x->offset % 64, 0);
        assert_true(lives[a].born <= lives[a].last);
        for (uint32_t b = 0; b < a; b++) {
            const qn_program_value *y = &program->values[b];
            if (!in_arena(y) || lives[a].root == lives[b].root) continue;
            if (lives[a].last < lives[b].born || lives[b].last < lives[a].born) continue;
            const qn_program_value *p = &program->values[lives[a].root], *q = &program->values[lives[b].root];
            if (p->offset + p->bytes > q->offset && q->offset + q->bytes > p->offset)
                fail_msg("'%s' and '%s' overlap while both are needed", x->name, y->name);
        }
    }
    for (int64_t s = -1; s < (int64_t)program->step_count; s++) { /* no layout can do with less */
        uint64_t live = 0;
        for (uint32_t root = 0; root < program->value_count; root++) {
            int needed = 0;
            for (uint32_t i = 0; i < program->value_count; i++)
                needed |= lives[i].root == root && lives[i].born <= s && s <= lives[i].last;
            if (needed && in_arena(&program->values[root])) live += (program->values[root].bytes + 63) / 64 * 64;
        }
        if (live > most) most = live;
    }
    assert_true(program->arena_bytes >= most);
}

/* ---- Sharing ---- */

/* Is `value` made from `from` by steps that share its bytes, so that reading it later is meant to see the new ones? */
static int descends(const qn_program *program, uint32_t value, uint32_t from) {
    while (value != from && program->values[value].alias >= 0) value = (uint32_t)program->values[value].alias;
    return value == from;
}

static void check_in_place(const qn_program *program, const life *lives, const qn_program_step *step, uint32_t s,
                           uint32_t output) {
    const qn_program_value *value = &program->values[output];
    int found = -1;
    for (uint32_t i = 0; i < step->input_count; i++)
        if (program->operands[step->first_input + i] == (uint32_t)value->alias) found = (int)i;
    assert_true(step->op->flags & QN_OP_MAY_ALIAS);
    assert_true(found >= step->op->alias_first);
    assert_int_equal(qn_dtype_size(program->values[value->alias].dtype), qn_dtype_size(value->dtype));
    assert_int_equal(program->values[lives[output].root].place,
                     QN_PLACE_ARENA);                 /* never constants or the caller's memory */
    for (int i = 0; i < step->op->alias_first; i++) { /* what is read all along is other memory */
        uint32_t index = program->operands[step->first_input + (uint32_t)i];
        if (index != UINT32_MAX) assert_int_not_equal(lives[index].root, lives[output].root);
    }
    for (uint32_t i = 0; i < program->value_count; i++)
        if (lives[i].root == lives[output].root && lives[i].born < (int64_t)s && lives[i].last > (int64_t)s)
            fail_msg("step '%s' writes over '%s', which is read later", step->name, program->values[i].name);
}

static void check_sharing(const qn_program *program, const life *lives) {
    for (uint32_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        for (uint32_t i = 0; i < step->output_count; i++) {
            uint32_t output = program->operands[step->first_output + i];
            const qn_program_value *value = &program->values[output];
            if (value->alias < 0) continue;
            assert_true(value->place == program->values[lives[output].root].place);
            int is_view = qn_op_is_view(step->op) && (uint32_t)value->alias == program->operands[step->first_input];
            if (!is_view) check_in_place(program, lives, step, s, output);
            assert_true(descends(program, output, lives[output].root));
        }
    }
}

/* ---- Ends, and the file ---- */

static void check_ends(const qn_program *program) {
    for (uint32_t i = 0; i < program->input_count; i++) {
        const qn_program_value *value = &program->values[program->inputs[i]];
        assert_true(value->place == QN_PLACE_INPUT && value->offset == i && value->alias < 0);
    }
    for (uint32_t i = 0; i < program->output_count; i++) {
        const qn_program_value *value = &program->values[program->outputs[i]];
        assert_true(value->place == QN_PLACE_OUTPUT && value->offset == i && value->alias < 0);
    }
}

static void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

static void check_round_trip(const qn_program *program) {
    qn_arena arena;
    qn_buffer first, second;
    const qn_program *read;
    qn_arena_init(&arena, NULL);
    qn_buffer_init(&first, NULL);
    qn_buffer_init(&second, NULL);
    expect_ok(qn_program_verify(program, &arena));
    expect_ok(qn_program_write(program, &first));
    expect_ok(qn_program_read((qn_bytes){first.data, first.size}, &arena, &read));
    assert_int_equal(read->arena_bytes, program->arena_bytes);
    expect_ok(qn_program_write(read, &second));
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    qn_buffer_deinit(&first);
    qn_buffer_deinit(&second);
    qn_arena_deinit(&arena);
}

void check_program(const qn_program *program) {
    life *lives = measure(program);
    check_ends(program);
    check_sharing(program, lives);
    if (program->arena_bytes) check_overlap(program, lives);
    free(lives);
    check_round_trip(program);
}
