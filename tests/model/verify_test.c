/* Programs with one thing changed, each refused with the reason: whatever a file says, one of these checks stands
 * between it and memory. */
#include "files.h"

#include "kernel/packing.h"
#include "model/verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- Programs to forge ---- */

/* x [n] -> relu -> a [n] -> where -> coordinates [k, 1] -> neg -> y; beside it an input that nobody reads, spare [4].
 */
static const qn_program *program_found(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 0, 64), k = maker_symbol(m, "found", -1, -1, 0, 64),
           one = maker_const(m, 1), four = maker_const(m, 4);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_input(m, "spare", QN_DTYPE_F32, 1, &four);
    uint32_t a = maker_step(m, &qn_op_relu, NULL, 1, &x, "a", QN_DTYPE_F32, 1, &n);
    uint32_t found = maker_step(m, &qn_op_where, NULL, 1, &a, "coordinates", QN_DTYPE_S64, 2, (qn_dim[]){k, one});
    maker_settles(m, k, 0);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &found, "y", QN_DTYPE_S64, 2, (qn_dim[]){k, one}));
    return maker_finish(m, ceiling);
}

/* A number computed from shapes, [2] of s32, whose second element is to depend on data. */
static const qn_program *program_counted(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 0, 64), k = maker_symbol(m, "found", -1, -1, 0, 64),
           one = maker_const(m, 1);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_shape_value(m, "size", QN_DTYPE_S32, 2, (qn_dim[]){n, k});
    uint32_t found = maker_step(m, &qn_op_where, NULL, 1, &x, "coordinates", QN_DTYPE_S64, 2, (qn_dim[]){k, one});
    maker_settles(m, k, 0);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &found, "y", QN_DTYPE_S64, 2, (qn_dim[]){k, one}));
    return maker_finish(m, ceiling);
}

/* y has a size that nothing settles; with `check` (a ceiling of 1) so has a check. */
static const qn_program *program_open(maker *m, int has_check) {
    qn_dim n = maker_const(m, 4), k = maker_symbol(m, "open", -1, -1, 0, 64);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    if (has_check) maker_check(m, k, "node 'Assert': expected one");
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &k));
    return maker_finish(m, 0);
}

/* ---- Forging ---- */

typedef enum table {
    NO_TABLE,
    PROGRAM, /* the program itself */
    SYMBOLS,
    DIMS,
    VALUES,
    STEPS,
    OPERANDS,
    CHECKS,
    DATA_SYMBOLS,
    INPUTS,
    OUTPUTS
} table;

/* One field of one record gets another number. */
typedef struct change {
    table table;
    const char *name; /* of the symbol, value or step; NULL: `index` */
    size_t index;     /* OPERANDS: counted from the first of the step */
    size_t offset, bytes;
    int64_t to;
    const char *to_value; /* the number is this value's; with `axis` that of its dim */
    int axis;
} change;

enum { NO_AXIS = -1, CHANGES_MAX = 4 };

#define FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define SET_PROGRAM(field, to)                                                                                         \
    { PROGRAM, NULL, 0, FIELD(qn_program, field), to, NULL, NO_AXIS }
#define SET_SYMBOL(name, field, to)                                                                                    \
    { SYMBOLS, name, 0, FIELD(qn_program_symbol, field), to, NULL, NO_AXIS }
#define SET_VALUE(name, field, to)                                                                                     \
    { VALUES, name, 0, FIELD(qn_program_value, field), to, NULL, NO_AXIS }
#define SET_VALUE_DIM(name, d, from, axis)                                                                             \
    { VALUES, name, 0, FIELD(qn_program_value, dims[d]), 0, from, axis }
#define SET_STEP(name, field, to)                                                                                      \
    { STEPS, name, 0, FIELD(qn_program_step, field), to, NULL, NO_AXIS }
#define SET_OPERAND(step, i, value)                                                                                    \
    { OPERANDS, step, i, 0, sizeof(uint32_t), 0, value, NO_AXIS }
#define SET_OPERAND_TO(step, i, to)                                                                                    \
    { OPERANDS, step, i, 0, sizeof(uint32_t), to, NULL, NO_AXIS }
#define SET_CHECK(i, field, to)                                                                                        \
    { CHECKS, NULL, i, FIELD(qn_program_check, field), to, NULL, NO_AXIS }
#define SET_DATA_SYMBOL(i, field, to)                                                                                  \
    { DATA_SYMBOLS, NULL, i, FIELD(qn_program_data_symbol, field), to, NULL, NO_AXIS }
#define SET_INPUT(i, value)                                                                                            \
    { INPUTS, NULL, i, 0, sizeof(uint32_t), 0, value, NO_AXIS }
#define SET_OUTPUT(i, value)                                                                                           \
    { OUTPUTS, NULL, i, 0, sizeof(uint32_t), 0, value, NO_AXIS }

typedef struct forgery {
    const qn_program *(*make)(maker *, int);
    int ceiling;
    change changes[CHANGES_MAX];
    const char *text; /* of the refusal */
} forgery;

static size_t find_value(const qn_program *program, const char *name) {
    size_t i = 0;
    while (i < program->value_count && strcmp(program->values[i].name, name)) i++;
    if (i == program->value_count) fail_msg("there is no value '%s'", name);
    return i;
}

static size_t find_step(const qn_program *program, const char *name) {
    size_t i = 0;
    while (i < program->step_count && strcmp(program->steps[i].name, name)) i++;
    if (i == program->step_count) fail_msg("there is no step '%s'", name);
    return i;
}

static size_t find_symbol(const qn_program *program, const char *name) {
    size_t i = 0;
    while (i < program->symbol_count && strcmp(program->symbols[i].name, name)) i++;
    if (i == program->symbol_count) fail_msg("there is no symbol '%s'", name);
    return i;
}

/* The record that a change is of. What the maker made is its own and may be written. */
static void *find_record(qn_program *program, const change *c) {
    switch (c->table) {
    case SYMBOLS: return (void *)(uintptr_t)&program->symbols[find_symbol(program, c->name)];
    case VALUES: return (void *)(uintptr_t)&program->values[find_value(program, c->name)];
    case STEPS: return (void *)(uintptr_t)&program->steps[find_step(program, c->name)];
    case OPERANDS:
        return (void *)(uintptr_t)&program
            ->operands[program->steps[find_step(program, c->name)].first_input + c->index];
    case DIMS: return (void *)(uintptr_t)&program->dims[c->index];
    case CHECKS: return (void *)(uintptr_t)&program->checks[c->index];
    case DATA_SYMBOLS: return (void *)(uintptr_t)&program->data_symbols[c->index];
    case INPUTS: return (void *)(uintptr_t)&program->inputs[c->index];
    case OUTPUTS: return (void *)(uintptr_t)&program->outputs[c->index];
    default: return program;
    }
}

static void forge(qn_program *program, const change *c) {
    int64_t to = c->to;
    if (c->to_value) to = (int64_t)find_value(program, c->to_value);
    if (c->to_value && c->axis != NO_AXIS) to = program->values[to].dims[c->axis];
    memcpy((char *)find_record(program, c) + c->offset, &to, c->bytes); /* little endian, as every target */
}

static void expect_unsound(const qn_program *program, const char *text) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_verify(program, &arena);
    if (!status) fail_msg("accepted, expected '%s'", text);
    if (!strstr(qn_status_message(status), text)) fail_msg("expected '%s' in: %s", text, qn_status_message(status));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}

static void expect_all_refused(const forgery *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        maker *m = maker_create();
        qn_program program = *rows[i].make(m, rows[i].ceiling);
        for (int c = 0; c < CHANGES_MAX && rows[i].changes[c].table; c++) forge(&program, &rows[i].changes[c]);
        expect_unsound(&program, rows[i].text);
        maker_destroy(m);
    }
}

#define EXPECT_ALL_REFUSED(rows) expect_all_refused(rows, sizeof(rows) / sizeof *(rows))

/* ---- What is forged ---- */

static void test_programs_to_forge_are_sound_before(void **state) {
    const struct {
        const qn_program *(*make)(maker *, int);
    } rows[] = {{program_pictures}, {program_picks}, {program_integers}, {program_found}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int ceiling = 0; ceiling < 2; ceiling++) {
            qn_arena arena;
            maker *m = maker_create();
            qn_arena_init(&arena, NULL);
            assert_ok(qn_program_verify(rows[i].make(m, ceiling), &arena));
            qn_arena_deinit(&arena);
            maker_destroy(m);
        }
}

static void test_symbols_are_sizes_of_inputs_or_of_what_steps_find(void **state) {
    static const forgery rows[] = {
        {program_pictures, 1, {SET_SYMBOL("x.1", low, 30)}, "symbol 'x.1' ranges from 30 to 24"},
        {program_pictures, 1, {SET_SYMBOL("x.1", low, -1)}, "symbol 'x.1' is the size of an input and may be -1"},
        {program_pictures, 1, {SET_SYMBOL("x.1", input, 1)}, "symbol 'x.1' belongs to input 1 of 1"},
        {program_pictures, 1, {SET_SYMBOL("x.1", axis, 4)}, "belongs to axis 4 of input 'x', which has rank 4"},
        {program_pictures, 1, {SET_SYMBOL("x.1", axis, -1)}, "belongs to axis -1 of input 'x'"},
        {program_pictures, 1, {SET_SYMBOL("x.1", axis, 3)}, "dim 3 of input 'x' is not symbol 'x.1'"}, /* a number */
        {program_pictures, 1, {SET_SYMBOL("x.1", axis, 2)}, "dim 2 of input 'x' is not symbol 'x.1'"}, /* another one */
        {program_found, 1, {SET_DATA_SYMBOL(0, symbol, 2)}, "settles symbol 2, which does not exist"},
        {program_found,
         1,
         {SET_DATA_SYMBOL(0, symbol, 0)},
         "settles symbol 0, which does not exist or is settled elsewhere"},
        {program_found, 1, {SET_DATA_SYMBOL(0, output, 1)}, "settles a dim of output 1 of 1"},
        {program_found, 1, {SET_DATA_SYMBOL(0, axis, 2)}, "settles axis 2 of output 'coordinates'"},
        {program_found, 1, {SET_DATA_SYMBOL(0, axis, 1)}, "dim 1 of output 'coordinates' is not symbol 'found'"},
        {program_found,
         1,
         {SET_VALUE("coordinates", place, QN_PLACE_DIMS)},
         "'coordinates', which the step does not make"},
        {program_found, 1, {SET_VALUE("coordinates", place, QN_PLACE_CONSTANT)}, "which the step does not make"},
        {program_found, 1, {SET_VALUE("coordinates", place, QN_PLACE_INPUT)}, "which the step does not make"},
        {program_found,
         1,
         {SET_STEP("a", data_symbol_count, 1)},
         "settles a size, but no size of what the operator makes depends"},
        {program_found, 1, {SET_STEP("coordinates", data_symbol_count, 0)}, "1 data symbols, but steps settle 0"},
        {program_found,
         1,
         {SET_STEP("coordinates", first_data_symbol, 1)},
         "data symbols are outside the 1 that exist"},
        {program_found, 1, {SET_STEP("a", first_data_symbol, 2)}, "data symbols are outside the 1 that exist"},
        {program_open, 0, {{NO_TABLE}}, "dim 0 depends on a symbol that nothing settles"},
        {program_open, 1, {{NO_TABLE}}, "check 0 depends on dim"},
        {program_pictures, 1, {SET_CHECK(0, condition, 9999)}, "check 0 depends on dim 9999, which is never known"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

static void test_values_have_types_and_places(void **state) {
    static const forgery rows[] = {
        {program_pictures,
         1,
         {SET_VALUE("conv", dtype, QN_DTYPE_NONE)},
         "element type 0 does not exist or has no size"},
        {program_pictures, 1, {SET_VALUE("conv", dtype, QN_DTYPE_COUNT)}, "does not exist or has no size"},
        {program_pictures, 1, {SET_VALUE("conv", dtype, QN_DTYPE_STRING)}, "does not exist or has no size"},
        {program_pictures, 1, {SET_VALUE("conv", dtype, -1)}, "element type -1 does not exist or has no size"},
        {program_pictures, 1, {SET_VALUE("conv", dtype, QN_DTYPE_COUNT + 1)}, "does not exist or has no size"},
        {program_pictures, 1, {SET_VALUE("conv", rank, QN_MAX_RANK + 1)}, "rank 9, expected at most 8"},
        {program_pictures, 1, {SET_VALUE("conv", rank, -1)}, "rank -1, expected at most 8"},
        {program_pictures, 1, {SET_VALUE("conv", dims[1], 9999)}, "dim 1 is instruction 9999"},
        {program_pictures, 1, {SET_VALUE("conv", place, QN_PLACE_COUNT)}, "place 5 does not exist"},
        {program_pictures, 1, {SET_VALUE("conv", place, -1)}, "place -1 does not exist"},
        {program_pictures, 1, {SET_VALUE("conv", alias, -2)}, "alias -2 does not exist"},
        {program_pictures, 1, {SET_VALUE("soft", alias, 1000)}, "shares the bytes of no value, or of itself"},
        {program_pictures, 1, {SET_VALUE("soft", offset, 1 << 12)}, "shares the bytes of 'sum', but has another place"},
        {program_pictures,
         1,
         {SET_VALUE("flat", place, QN_PLACE_ARENA)},
         "shares the bytes of 'y', but has another place"},
        {program_pictures, 1, {SET_VALUE("conv", place, QN_PLACE_INPUT)}, "refers to input 0, which is another value"},
        {program_pictures,
         1,
         {SET_VALUE("conv", place, QN_PLACE_INPUT), SET_VALUE("conv", offset, 7)},
         "refers to input 7"},
        {program_pictures,
         1,
         {SET_VALUE("conv", place, QN_PLACE_OUTPUT)},
         "refers to output 0, which is another value"},
        {program_pictures, 1, {SET_VALUE("conv", offset, 8)}, "or not aligned to 64"},
        {program_pictures, 1, {SET_VALUE("conv", offset, 1 << 24)}, "are outside the arena"},
        {program_pictures, 1, {SET_VALUE("conv", bytes, 1 << 24)}, "are outside the arena"},
        {program_pictures, 1, {SET_VALUE("size", offset, 1 << 24)}, "are outside the arena"},
        {program_pictures, 1, {SET_INPUT(0, "conv")}, "input 0: value 'conv' has not the place of this input"},
        {program_pictures, 1, {SET_OUTPUT(1, "y")}, "output 1: value 'y' has not the place of this output"},
        {program_pictures, 1, {SET_OUTPUT(0, "flat")}, "output 0: value 'flat' has not the place of this output"},
        {program_pictures, 1, {{OUTPUTS, NULL, 0, 0, 4, 99, NULL, NO_AXIS}}, "output 0 is value 99 of"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

static void test_constants_lie_in_their_section_whole(void **state) {
    static const forgery rows[] = {
        {program_pictures, 1, {SET_VALUE_DIM("bias", 0, "x", 1)}, "dim 0 of a constant is not a number"},
        {program_pictures, 1, {SET_VALUE("bias", bytes, 79)}, "constant of 79 bytes, but its shape needs 80"},
        {program_pictures, 1, {SET_VALUE("bias", bytes, 1 << 20)}, "is outside the constants"},
        {program_pictures, 1, {SET_VALUE("bias", offset, 1 << 20)}, "is outside the constants"},
        {program_pictures, 1, {SET_VALUE("bias", offset, 4)}, "or not aligned to 64"},
        {program_pictures,
         1,
         {SET_VALUE("weights", bytes, 9 * 3 * 20 * 4)},
         "value 1 'weights': packed as panel16 with 2160 bytes, but its shape needs 3456"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

static void test_packings_are_of_constants_that_have_a_form_for_them(void **state) {
#define PACKED(name, object) SET_VALUE(name, packing, (int64_t)(intptr_t)&object)
    const forgery rows[] = {
        {program_pictures, 1, {PACKED("x", qn_packing_panel16)}, "value 0 'x': packed as panel16, but no constant"},
        {program_pictures, 1, {PACKED("sum", qn_packing_panel16)}, "'sum': packed as panel16, but no constant"},
        {program_pictures, 1, {PACKED("size", qn_packing_panel16)}, "'size': packed as panel16, but no constant"},
        {program_pictures,
         1,
         {PACKED("bias", qn_packing_panel16)},
         "packed as panel16, which is not for f32 of rank 1"},
        {program_pictures, 1, {PACKED("weights", qn_packing_panel16x4)}, "panel16x4, which is not for f32 of rank 4"},
        {program_pictures, 1, {PACKED("weights", qn_packing_channel16)}, "channel16, which is not for f32 of rank 4"},
    };
#undef PACKED
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

/* Two steps that read one constant, each of which would have it in a layout of its own. */
static void test_a_constant_is_packed_for_all_that_read_it(void **state) {
    (void)state;
    for (int reader = 0; reader < 2; reader++) {
        maker *m = maker_create();
        uint32_t w = program_shared_weights(m, reader == 0);
        maker_pack(m, w, &qn_packing_panel16x4);
        if (reader == 1) maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &w, "z", QN_DTYPE_S8, 4, maker_dims(m, w)));
        expect_unsound(maker_finish(m, 1),
                       reader == 0
                           ? "step 1 'z' (conv2d_quantized): reads 'w', which is packed as panel16x4 of s8; "
                             "expected it packed as panel16x2 of s8"
                           : "step 1 'z' (neg): reads 'w', which is packed as panel16x4 for conv_u8; expected it "
                             "plain");
        maker_destroy(m);
    }
}

/* Numbers that a constant's shape is made of, all of them, become one that is too large. */
static void expect_size_refused(int64_t from, int64_t to, const char *text) {
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    for (size_t i = 0; i < program.dim_count; i++) {
        qn_dim_instr *instr = (qn_dim_instr *)(uintptr_t)&program.dims[i];
        if (instr->code == QN_DIM_CONST && instr->imm == from) instr->imm = to;
    }
    expect_unsound(&program, text);
    maker_destroy(m);
}

static void test_sizes_of_constants_that_overflow_are_refused(void **state) {
    (void)state;
    expect_size_refused(20, INT64_MAX, "value 1 'weights': the size of the constant overflows");
    expect_size_refused(20, -20, "value 1 'weights': dim 3 of a constant is not a number");
}

static void test_values_computed_from_shapes_are_known_from_shapes(void **state) {
    static const forgery rows[] = {
        {program_pictures,
         1,
         {SET_VALUE("size", dtype, QN_DTYPE_F32)},
         "values computed from shapes are integers, not f32"},
        {program_pictures, 1, {SET_VALUE("size", first_content, 1)}, "contents 1 + 2 are outside the 2 that exist"},
        {program_pictures, 1, {SET_VALUE("size", first_content, 3)}, "contents 3 + 2 are outside the 2 that exist"},
        {program_pictures, 1, {SET_VALUE("size", content_count, 1)}, "1 contents for 2 elements"},
        {program_pictures,
         1,
         {SET_VALUE_DIM("size", 0, "x", 1)},
         "dim 0 of a value computed from shapes is not a number"},
        {program_pictures, 1, {SET_VALUE("size", bytes, 7)}, "2 elements do not fit in 7 bytes"},
        {program_pictures, 1, {SET_VALUE("conv", content_count, 2)}, "values share contents"},
        {program_pictures,
         1,
         {SET_VALUE("size", first_step, 1)},
         "is computed from shapes, but lives from step 1 to 5 only"},
        {program_pictures,
         1,
         {SET_VALUE("size", last_step, 3)},
         "is computed from shapes, but lives from step 0 to 3 only"},
        {program_counted, 1, {{NO_TABLE}}, "value 1 'size': element 1 depends on data"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

static void test_contents_are_dims(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    ((uint32_t *)(uintptr_t)program.contents)[1] = 9999;
    expect_unsound(&program, "content 1 is dim 9999 of");
    maker_destroy(m);
}

static void test_steps_read_what_is_there_and_write_what_is_theirs(void **state) {
    static const forgery rows[] = {
        {program_pictures, 1, {SET_STEP("z", first_input, 9999)}, "operands are outside the"},
        {program_pictures, 1, {SET_STEP("z", first_output, 9999)}, "operands are outside the"},
        {program_pictures, 1, {SET_STEP("z", output_count, 9999)}, "operands are outside the"},
        {program_pictures, 1, {SET_STEP("z", output_count, 0)}, "1 inputs and 0 outputs, expected 1 to 1 inputs"},
        {program_pictures, 1, {SET_STEP("sum", input_count, 1)}, "1 inputs and 1 outputs, expected 2 to 2 inputs"},
        {program_pictures, 1, {SET_STEP("soft", input_count, 2)}, "2 inputs and 1 outputs, expected 1 to 1 inputs"},
        {program_pictures, 1, {SET_OPERAND_TO("z", 0, 9999)}, "operand 0 is value 9999 of"},
        {program_pictures, 1, {SET_OPERAND_TO("z", 0, UINT32_MAX)}, "operand 0 is value 4294967295 of"},
        {program_pictures, 1, {SET_OPERAND_TO("z", 1, UINT32_MAX)}, "operand 1 is value 4294967295 of"},
        {program_pictures,
         1,
         {SET_OPERAND("conv", 0, "z")},
         "step 0 'conv' (conv2d): reads 'z' before anything made it"},
        {program_pictures,
         1,
         {SET_OPERAND("sum", 2, "conv")},
         "step 1 'sum' (add): makes 'conv', which was made before"},
        {program_pictures, 1, {SET_OPERAND("sum", 2, "bias")}, "writes 'bias', which is not its to write"},
        {program_pictures, 1, {SET_OPERAND("sum", 2, "x")}, "writes 'x', which is not its to write"},
        {program_pictures, 1, {SET_OPERAND("sum", 2, "size")}, "writes 'size', which is not its to write"},
        {program_pictures, 1, {SET_PROGRAM(step_count, 5)}, "output 'z' is made by no step"},
        {program_found,
         1,
         {SET_VALUE("x", rank, 2), SET_VALUE_DIM("x", 1, "coordinates", 0)},
         "reads 'x' before its shape is known"},
        {program_found, 1, {SET_VALUE_DIM("a", 0, "coordinates", 0)}, "makes 'a', whose shape is known only later"},
        {program_found, 1, {SET_VALUE_DIM("spare", 0, "coordinates", 0)}, "the shape of input 'spare' depends on data"},
        {program_pictures, 1, {SET_VALUE("conv", last_step, 0)}, "lives from step 0 to 0, but is needed from 0 to 1"},
        {program_pictures, 1, {SET_VALUE("sum", first_step, 2)}, "lives from step 2 to 2, but is needed from 1 to 2"},
        {program_pictures, 1, {SET_VALUE("conv", last_step, 6)}, "lives from step 0 to 6 of 6"},
        {program_pictures, 1, {SET_VALUE("conv", first_step, 2)}, "lives from step 2 to 1 of 6"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

/* The last step finds its output among its inputs, so one operand too many is spoken for. */
static void test_steps_that_share_operands_are_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    qn_program_step *last = (qn_program_step *)(uintptr_t)&program.steps[program.step_count - 1];
    last->first_output = last->first_input;
    program.operand_count--;
    expect_unsound(&program, "steps share operands");
    maker_destroy(m);
}

static void test_tables_have_limits(void **state) {
    enum { MANY = QN_PROGRAM_ITEMS_MAX + 1 };
    static const forgery rows[] = {
        {program_pictures, 1, {SET_PROGRAM(symbol_count, MANY)}, "1048577 symbols, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(dim_count, MANY)}, "1048577 dims, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(value_count, MANY)}, "1048577 values, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(operand_count, MANY)}, "1048577 operands, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(step_count, MANY)}, "1048577 steps, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(data_symbol_count, MANY)}, "1048577 data symbols, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(check_count, MANY)}, "1048577 checks, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(content_count, MANY)}, "1048577 contents, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(input_count, MANY)}, "1048577 inputs, the limit is 1048576"},
        {program_pictures, 1, {SET_PROGRAM(output_count, MANY)}, "1048577 outputs, the limit is 1048576"},
        {program_pictures,
         1,
         {SET_PROGRAM(value_count, QN_PROGRAM_VALUES_MAX + 1)},
         "65537 values and 6 steps, the limit"},
        {program_pictures,
         1,
         {SET_PROGRAM(step_count, QN_PROGRAM_VALUES_MAX + 1)},
         "values and 65537 steps, the limit"},
        {program_pictures, 1, {SET_PROGRAM(arena_bytes, INT64_MAX / 4 + 1)}, "an arena of 2305843009213693952 bytes"},
    };
    (void)state;
    EXPECT_ALL_REFUSED(rows);
}

/* Every one more that shares the bytes of one value is compared with all the others. */
static void test_too_many_that_share_bytes_are_refused(void **state) {
    (void)state;
    for (size_t extra = QN_PROGRAM_GROUP_MAX - 2; extra <= QN_PROGRAM_GROUP_MAX - 1; extra++) {
        qn_arena arena;
        maker *m = maker_create();
        qn_program program = *program_pictures(m, 1);
        qn_program_value *values = calloc(program.value_count + extra, sizeof *values);
        memcpy(values, program.values, program.value_count * sizeof *values);
        for (size_t i = 0; i < extra; i++) values[program.value_count + i] = values[find_value(&program, "soft")];
        program.values = values;
        program.value_count += extra;
        qn_arena_init(&arena, NULL);
        if (extra + 2 > QN_PROGRAM_GROUP_MAX)
            expect_unsound(&program, "4097 values share the bytes of 'sum', the limit is 4096");
        else
            assert_ok(qn_program_verify(&program, &arena));
        qn_arena_deinit(&arena);
        free(values);
        maker_destroy(m);
    }
}

/* ---- What operators say of their constants ---- */

/* A constant of 4 bytes each, the first of that name, with one element forged. */
static void expect_constant_refused(const char *name, size_t element, uint32_t bits, const char *text) {
    maker *m = maker_create();
    const qn_program *program = program_integers(m, 1);
    uint32_t i = 0;
    while (strcmp(program->values[i].name, name)) i++;
    uint8_t *at = (uint8_t *)(uintptr_t)program->constants.data + program->values[i].offset + 4 * element;
    qn_store_u32(at, bits);
    file f = write_program(program);
    expect_refused(f, text);
    free(f.data);
    maker_destroy(m);
}

static void test_constants_that_no_integers_have_are_refused(void **state) {
    (void)state;
    expect_constant_refused("zero_point", 1, 256,
                            "step 0 'x/u8' (quantize_linear): channel 1: zero_point is 256; expected 0 to 255 for u8");
    expect_constant_refused("zero_point", 0, UINT32_MAX, "channel 0: zero_point is -1; expected 0 to 255");
    expect_constant_refused("multiplier", 2, 0x7fc00000,
                            "multiplier of channel 2 is nan; expected a finite number above 0");
    expect_constant_refused("multiplier", 0, 0x7f800000, "multiplier of channel 0 is inf");
    expect_constant_refused(
        "scale", 2, 0x80000000,
        "step 1 'y' (dequantize_linear): scale of channel 2 is -0; expected a finite number above 0");
}

static void test_attributes_that_no_integers_have_are_refused(void **state) {
    (void)state;
    for (int is_pad = 0; is_pad < 2; is_pad++) {
        maker *m = maker_create();
        const qn_program *program = program_bytes(m, QN_DTYPE_U8, 1);
        qn_conv2d_quantized_attrs *attrs = (qn_conv2d_quantized_attrs *)(uintptr_t)program->steps[0].attrs;
        *(is_pad ? &attrs->pad_value : &attrs->result.zero_point) = 256;
        file f = write_program(program);
        expect_refused(f, is_pad ? "step 0 'conv' (conv2d_quantized): pad_value is 256; expected 0 to 255 for u8"
                                 : "zero_point is 256; expected 0 to 0 for f32");
        free(f.data);
        maker_destroy(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_to_forge_are_sound_before),
        cmocka_unit_test(test_symbols_are_sizes_of_inputs_or_of_what_steps_find),
        cmocka_unit_test(test_values_have_types_and_places),
        cmocka_unit_test(test_constants_lie_in_their_section_whole),
        cmocka_unit_test(test_packings_are_of_constants_that_have_a_form_for_them),
        cmocka_unit_test(test_a_constant_is_packed_for_all_that_read_it),
        cmocka_unit_test(test_sizes_of_constants_that_overflow_are_refused),
        cmocka_unit_test(test_values_computed_from_shapes_are_known_from_shapes),
        cmocka_unit_test(test_contents_are_dims),
        cmocka_unit_test(test_steps_read_what_is_there_and_write_what_is_theirs),
        cmocka_unit_test(test_steps_that_share_operands_are_refused),
        cmocka_unit_test(test_tables_have_limits),
        cmocka_unit_test(test_too_many_that_share_bytes_are_refused),
        cmocka_unit_test(test_constants_that_no_integers_have_are_refused),
        cmocka_unit_test(test_attributes_that_no_integers_have_are_refused),
    };
    return cmocka_run_group_tests_name("model/verify", tests, NULL, NULL);
}
