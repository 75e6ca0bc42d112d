/* Plans of small networks written down: places, packed weights, names, ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "check_program.h"
#include "interpret.h"
#include "kernel/packing.h"
#include "plan/plan.h"

static qn_arena arena;

static int open_arena(void **state) {
    (void)state;
    qn_arena_init(&arena, NULL);
    return 0;
}
static int close_arena(void **state) {
    (void)state;
    qn_arena_deinit(&arena);
    return 0;
}

static void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

/* The checked plan of a graph given by its statements. */
static const qn_program *plan(const char *statements) {
    qn_graph *graph;
    qn_program *program = QN_ARENA_NEW(&arena, qn_program);
    expect_ok(qn_graph_parse(&arena, qn_arena_printf(&arena, "graph \"small\" {\n%s\n}", statements), &graph));
    expect_ok(qn_graph_infer(graph));
    expect_ok(qn_plan_build(graph, "{\"a\":1}", &arena, program));
    check_program(program);
    return program;
}

static const qn_program_value *value_of(const qn_program *program, const char *name) {
    for (size_t i = 0; i < program->value_count; i++)
        if (!strcmp(program->values[i].name, name)) return &program->values[i];
    fail_msg("no value is named '%s'", name);
    return NULL;
}

static uint32_t index_of(const qn_program *program, const char *name) {
    return (uint32_t)(value_of(program, name) - program->values);
}

static const qn_program_step *step_of(const qn_program *program, const char *name) {
    for (size_t i = 0; i < program->step_count; i++)
        if (!strcmp(program->steps[i].name, name)) return &program->steps[i];
    fail_msg("no step is named '%s'", name);
    return NULL;
}

static const void *constant_data(const qn_program *program, uint32_t index) {
    assert_int_equal(program->values[index].place, QN_PLACE_CONSTANT);
    return program->constants.data + program->values[index].offset;
}

/* ---- Places ---- */

static void test_inputs_and_outputs_are_the_callers(void **state) {
    (void)state;
    const qn_program *p = plan("input %a : f32[2]\n"
                               "input %b : f32[2]\n"
                               "%s = add(%a, %b)\n"
                               "%y = relu(%s)\n"
                               "%z = neg(%s)\n"
                               "output %z\n"
                               "output %y");
    assert_string_equal(p->name, "small");
    assert_string_equal(p->meta, "{\"a\":1}");
    assert_string_equal(p->values[p->inputs[0]].name, "a");
    assert_string_equal(p->values[p->inputs[1]].name, "b");
    assert_string_equal(p->values[p->outputs[0]].name, "z");
    assert_string_equal(p->values[p->outputs[1]].name, "y");
    assert_int_equal(value_of(p, "s")->place, QN_PLACE_ARENA);
    assert_int_equal(p->step_count, 3);
    assert_int_equal(p->arena_bytes, 64);
}

static void test_an_input_that_nobody_uses_stays_an_input(void **state) {
    (void)state;
    const qn_program *p = plan("input %a : f32[2]\ninput %b : u8[7]\n%y = relu(%a)\noutput %y");
    assert_int_equal(p->input_count, 2);
    assert_string_equal(p->values[p->inputs[1]].name, "b");
}

static void test_an_output_that_is_an_input_or_constant_is_a_copy(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %a : f32[2]\nconst %c : f32[2] = {3, 4}\n%y = relu(%a)\noutput %a\noutput %c\noutput %y");
    assert_int_equal(p->step_count, 3);
    assert_int_equal(p->output_count, 3);
    assert_string_equal(p->values[p->outputs[1]].name, "c");
    assert_string_equal(p->values[p->outputs[2]].name, "y");
    const qn_program_step *copy = step_of(p, "c");
    assert_ptr_equal(copy->op, &qn_op_identity);
    assert_int_equal(p->operands[copy->first_output], p->outputs[1]);
    assert_int_equal(p->values[p->operands[copy->first_input]].place, QN_PLACE_CONSTANT);
}

static void test_an_output_is_read_by_later_steps_and_never_written_over(void **state) {
    (void)state;
    const qn_program *p = plan("input %a : f32[2]\n%s = relu(%a)\n%t = neg(%s)\n%y = square(%t)\noutput %s\noutput %y");
    assert_int_equal(value_of(p, "s")->place, QN_PLACE_OUTPUT);
    assert_int_equal(value_of(p, "t")->alias, -1);
}

static void test_shape_arithmetic_needs_no_steps(void **state) {
    (void)state;
    const qn_program *p = plan("symbol h [1, 9]\n"
                               "symbol w [1, 9]\n"
                               "input %x : f32[1, h, w, 2]\n"
                               "const %one : s32[1] = {1}\n"
                               "const %three : s32[1] = {3}\n"
                               "const %two : s32[2] = {2, 2}\n"
                               "%shape = shape(%x)\n"
                               "%size = strided_slice(%shape, %one, %three, %one)\n"
                               "%double = mul(%size, %two)\n"
                               "%y = resize_bilinear(%x, %double)\n"
                               "output %y");
    assert_int_equal(p->step_count, 1);
    const qn_program_value *size = value_of(p, "double");
    assert_int_equal(size->place, QN_PLACE_DIMS);
    assert_int_equal(size->content_count, 2);
    assert_int_equal(size->bytes, 8);
}

/* Only the shape of what they make is asked for, and that is known without. */
static void test_what_only_shape_arithmetic_reads_is_no_step(void **state) {
    (void)state;
    const qn_program *p = plan("symbol n [1, 8]\n"
                               "input %x : u8[n, 3]\n"
                               "const %one : f32[] = {1}\n"
                               "%c = cast(%x) {dtype=f32}\n"
                               "%a = add(%c, %one)\n"
                               "%s = shape(%a)\n"
                               "%f = fill(%s, %one)\n"
                               "output %f");
    assert_int_equal(p->step_count, 1);
    assert_string_equal(p->steps[0].name, "f");
    for (size_t i = 0; i < p->value_count; i++)
        assert_true(strcmp(p->values[i].name, "c") && strcmp(p->values[i].name, "a"));
}

static void test_what_others_read_too_is_a_step(void **state) {
    (void)state;
    const qn_program *p = plan("symbol n [1, 8]\n"
                               "input %x : u8[n, 3]\n"
                               "const %one : f32[] = {1}\n"
                               "%c = cast(%x) {dtype=f32}\n"
                               "%a = add(%c, %one)\n"
                               "%s = shape(%a)\n"
                               "%f = fill(%s, %one)\n"
                               "%y = sub(%f, %c)\n"
                               "output %y");
    assert_int_equal(p->step_count, 3);
    assert_string_equal(p->steps[0].name, "c");
}

static void test_shape_arithmetic_is_an_output_and_still_known_before_the_run(void **state) {
    (void)state;
    const qn_program *p = plan("symbol h [1, 9]\n"
                               "symbol w [1, 9]\n"
                               "input %x : f32[1, h, w, 2]\n"
                               "const %one : s32[1] = {1}\n"
                               "const %three : s32[1] = {3}\n"
                               "%shape = shape(%x)\n"
                               "%size = strided_slice(%shape, %one, %three, %one)\n"
                               "%r = relu(%x)\n"
                               "%y = resize_bilinear(%r, %size)\n"
                               "output %size\n"
                               "output %y");
    assert_string_equal(p->values[p->outputs[0]].name, "size");
    const qn_program_step *resize = step_of(p, "y");
    assert_int_equal(p->values[p->operands[resize->first_input + 1]].place, QN_PLACE_DIMS);
}

static void test_shape_arithmetic_that_is_only_an_output_is_a_step(void **state) {
    (void)state;
    const qn_program *p = plan("symbol h [1, 9]\ninput %x : f32[h]\n%s = shape(%x)\noutput %s");
    assert_int_equal(p->step_count, 1);
    assert_ptr_equal(p->steps[0].op, &qn_op_shape);
    assert_int_equal(value_of(p, "s")->place, QN_PLACE_OUTPUT);
}

static void test_numbers_that_depend_on_data_are_no_shape_arithmetic(void **state) {
    (void)state;
    const qn_program *p = plan("input %c : bool[8]\n"
                               "const %zero : s32[] = {0}\n"
                               "%w = where(%c)\n"
                               "%s = shape(%w) {dtype=s32}\n"
                               "%n = gather(%s, %zero)\n"
                               "%y = neg(%n)\n"
                               "output %y");
    assert_int_equal(p->step_count, 4);
    assert_int_equal(value_of(p, "s")->place, QN_PLACE_ARENA);
    assert_int_equal(p->data_symbol_count, 1);
    assert_int_equal(p->steps[0].data_symbol_count, 1);
    assert_int_equal(p->symbols[p->data_symbols[0].symbol].high, 8);
}

static void test_assertions_on_data_stay_steps(void **state) {
    (void)state;
    const qn_program *p = plan(
        "input %c : bool[]\ninput %x : f32[2]\nassert(%c) {message=\"off\"} name \"guard\"\n%y = relu(%x)\noutput %y");
    assert_ptr_equal(step_of(p, "guard")->op, &qn_op_assert);
    assert_string_equal(((const qn_assert_attrs *)step_of(p, "guard")->attrs)->message, "off");
}

static void test_what_nobody_needs_is_not_planned(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : f32[2]\nconst %c : f32[2] = {1, 2}\n%d = add(%x, %c)\n%e = neg(%d)\n%y = relu(%x)\noutput %y");
    assert_int_equal(p->step_count, 1);
    assert_int_equal(p->constants.size, 0);
}

static void test_symbols_know_the_input_they_come_from(void **state) {
    (void)state;
    const qn_program *p =
        plan("symbol n [1, 4]\nsymbol h [2, 9] \"why\"\n"
             "input %a : f32[3, n]\ninput %b : f32[h, n]\n%y = relu(%a)\n%z = relu(%b)\noutput %y\noutput %z");
    assert_int_equal(p->symbol_count, 2);
    assert_string_equal(p->symbols[0].name, "n");
    assert_int_equal(p->symbols[0].input, 0);
    assert_int_equal(p->symbols[0].axis, 1);
    assert_string_equal(p->symbols[0].reason, "");
    assert_string_equal(p->symbols[1].reason, "why");
    assert_int_equal(p->symbols[1].low, 2);
    assert_int_equal(p->symbols[1].high, 9);
    assert_int_equal(p->symbols[1].input, 1);
    assert_int_equal(p->symbols[1].axis, 0);
}

static void test_checks_go_along_with_their_messages(void **state) {
    (void)state;
    const qn_program *p = plan("symbol a [1, 9]\nsymbol b [1, 9]\ninput %x : f32[a, 2]\ninput %z : f32[b, 2]\n"
                               "const %zero : s32[2] = {0, 0}\n"
                               "%s = shape(%z)\n%y = slice(%x, %zero, %s) name \"cut\"\noutput %y");
    assert_true(p->check_count >= 1);
    assert_non_null(strstr(p->checks[0].message, "cut"));
}

/* ---- Sharing ---- */

static void test_a_view_shares_the_bytes_of_its_input(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : f32[2, 3]\nconst %to : s32[1] = {-1}\n"
             "%a = relu(%x)\n%v = reshape(%a, %to)\n%u = reshape(%x, %to)\n%b = add(%v, %u)\n%y = tanh(%b)\noutput %y");
    assert_int_equal(value_of(p, "v")->alias, index_of(p, "a"));
    assert_int_equal(value_of(p, "u")->alias, index_of(p, "x"));
    assert_int_equal(value_of(p, "u")->place, QN_PLACE_INPUT);
}

static void test_elementwise_work_happens_in_place_when_its_input_dies(void **state) {
    (void)state;
    const qn_program *p = plan(
        "symbol n [1, 100]\ninput %x : f32[n]\n%a = neg(%x)\n%b = relu(%a)\n%c = tanh(%b)\n%y = square(%c)\noutput %y");
    assert_int_equal(value_of(p, "a")->alias, -1); /* never over the caller's input */
    assert_int_equal(value_of(p, "b")->alias, index_of(p, "a"));
    assert_int_equal(value_of(p, "c")->alias, index_of(p, "b"));
    assert_int_equal(value_of(p, "y")->alias, -1);
    assert_int_equal(p->arena_bytes, 448);
}

static void test_a_value_that_is_read_later_is_not_written_over(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : f32[4]\n%a = neg(%x)\n%b = relu(%a)\n%c = add(%b, %a)\n%y = square(%c)\noutput %y");
    assert_int_equal(value_of(p, "b")->alias, -1);
    assert_int_not_equal(value_of(p, "c")->alias, -1);
}

static void test_a_view_keeps_what_it_looks_at(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[2, 2]\nconst %to : s32[1] = {-1}\n"
                               "%a = neg(%x)\n%v = reshape(%a, %to)\n%b = relu(%a)\n%c = square(%b)\n%d = tanh(%v)\n%e "
                               "= square(%d)\noutput %c\noutput %e");
    assert_int_equal(value_of(p, "b")->alias, -1); /* v still reads a's bytes */
    assert_int_equal(value_of(p, "d")->alias, index_of(p, "v"));
}

static void test_broadcasting_and_other_sizes_are_not_done_in_place(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[1, 4]\ninput %z : f32[4, 1]\n"
                               "%a = neg(%x)\n%b = neg(%z)\n%c = add(%a, %b)\n%d = cast(%c) {dtype=u8}\n%e = cast(%d) "
                               "{dtype=f32}\n%y = relu(%e)\noutput %y");
    assert_int_equal(value_of(p, "c")->alias, -1);
    assert_int_equal(value_of(p, "d")->alias, -1);
    assert_int_equal(value_of(p, "e")->alias, -1);
}

static void test_a_convolution_writes_over_the_branch_it_adds_and_nothing_else(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[1, 3, 3, 2]\nconst %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                               "%a = neg(%x)\n%b = tanh(%x)\n%c = conv2d(%a, %w, none, %b)\n%d = conv2d(%c, %w)\n%e = "
                               "conv2d(%d, %w, none, %d)\n%y = relu(%e)\noutput %y");
    assert_int_equal(value_of(p, "c")->alias, index_of(p, "b"));
    assert_int_equal(value_of(p, "d")->alias, -1);
    assert_int_equal(value_of(p, "e")->alias, -1);
}

/* ---- Ceilings ---- */

static void test_an_unbounded_size_has_no_ceiling(void **state) {
    (void)state;
    const char *network =
        "%s\ninput %%x : f32[n, 4]\n%%a = neg(%%x)\n%%b = square(%%a)\n%%y = add(%%a, %%b)\noutput %%y";
    const qn_program *p = plan(qn_arena_printf(&arena, network, "symbol n [1, *]"));
    assert_int_equal(p->arena_bytes, 0);
    assert_int_equal(value_of(p, "a")->bytes, 0);
    p = plan(qn_arena_printf(&arena, network, "symbol n [1, 1000]"));
    assert_int_equal(p->arena_bytes, (2 * 16000));
    p = plan(qn_arena_printf(&arena, network, "symbol n [1, 4611686018427387904]"));
    assert_int_equal(p->arena_bytes, 0);
}

static void test_a_network_without_intermediate_values_has_a_ceiling_too(void **state) {
    (void)state;
    const qn_program *p = plan("symbol n [1, *]\ninput %x : f32[n]\n%y = relu(%x)\noutput %y");
    assert_true(p->arena_bytes > 0);
}

static void test_empty_values_are_planned(void **state) {
    (void)state;
    const qn_program *p =
        plan("symbol n [0, 3]\ninput %x : f32[n, 0]\n%a = neg(%x)\n%b = tanh(%a)\n%y = add(%a, %b)\noutput %y");
    assert_true(p->arena_bytes > 0);
}

/* ---- Weights ---- */

/* The weights of a step, input 1, which are packed so (NULL: plain); *out_plain, of their size, gets them plainly. */
static const void *packed_weights(const qn_program *p, const char *step, const qn_packing *packing, void *out_plain) {
    const uint32_t index = p->operands[step_of(p, step)->first_input + 1];
    const qn_program_value *value = &p->values[index];
    const void *data = constant_data(p, index);
    qn_view packed = {.dtype = value->dtype, .rank = value->rank, .data = (void *)(uintptr_t)data}, plain = packed;
    assert_ptr_equal(value->packing, packing);
    for (int d = 0; d < value->rank; d++) packed.dims[d] = p->dims[value->dims[d]].imm;
    packed.packing = packing;
    plain.data = out_plain;
    if (out_plain) unpack(&packed, &plain);
    return data;
}

static void test_dense_weights_are_stored_in_panels_of_16_outputs(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : f32[1, 4, 4, 3]\nconst %w : f32[2, 2, 3, 21] = random 5\n%y = conv2d(%x, %w)\noutput %y");
    float plain[12 * 21];
    const float *packed = packed_weights(p, "y", &qn_packing_panel16, plain);
    assert_int_equal(value_of(p, p->values[p->operands[step_of(p, "y")->first_input + 1]].name)->bytes,
                     2 * 12 * 16 * sizeof(float));
    qn_rng rng;
    qn_rng_init(&rng, 5); /* as the text form draws them */
    for (int i = 0; i < 12 * 21; i++) assert_true(plain[i] == qn_rng_float(&rng, -1, 1));
    for (int row = 0; row < 12; row++)
        for (int column = 5; column < 16; column++)
            assert_true(packed[(12 + row) * 16 + column] == 0); /* the last panel is padded */
}

static void test_depthwise_weights_are_stored_by_16_channels(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[1, 4, 4, 18]\nconst %w : f32[3, 3, 1, 18] = random 6\n%y = conv2d(%x, "
                               "%w) {groups=18}\noutput %y");
    float plain[9 * 18];
    packed_weights(p, "y", &qn_packing_channel16, plain);
    qn_rng rng;
    qn_rng_init(&rng, 6);
    for (int i = 0; i < 9 * 18; i++) assert_true(plain[i] == qn_rng_float(&rng, -1, 1));
}

static void test_a_transposed_product_is_stored_the_right_way_round(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[2, 3]\nconst %w : f32[2, 3] = {1, 2, 3, 4, 5, 6}\n%y = matmul(%x, %w) "
                               "{transpose_b=true}\noutput %y");
    float plain[6];
    packed_weights(p, "y", &qn_packing_panel16, plain);
    assert_false(((const qn_matmul_attrs *)step_of(p, "y")->attrs)->transpose_b);
    const float expected[] = {1, 4, 2, 5, 3, 6};
    for (int i = 0; i < 6; i++) assert_true(plain[i] == expected[i]);
}

static int64_t weight_bytes(const qn_program *p, const char *step) {
    return (int64_t)value_of(p, p->values[p->operands[step_of(p, step)->first_input + 1]].name)->bytes;
}

static void test_int8_weights_are_stored_in_groups_of_four(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : u8[1, 4, 4, 2]\nconst %w : s8[5, 1, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
             "11, 12, 13, 14, 15, 16, 17, 18, 19, 20}\nconst %b : s32[2] = {0, 0}\nconst %m : f32[2] = "
             "{1, 1}\n%y = conv2d_quantized(%x, %w, %b, %m) {padding=same_upper}\nconst %v : s8[5, 1, 1, "
             "2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}\n%z = conv2d_quantized(%x, %v, %b, %m) "
             "{padding=same_upper, groups=2}\noutput %y\noutput %z");
    int8_t plain[20], channels[10];
    const int8_t *panel = packed_weights(p, "y", &qn_packing_panel16x4, plain),
                 *by_channel = packed_weights(p, "z", &qn_packing_channel16x4, channels);
    assert_int_equal(weight_bytes(p, "y"), 12 * 16); /* 10 products fill three groups */
    assert_int_equal(weight_bytes(p, "z"), 8 * 16);  /* 5 rows two */
    for (int i = 0; i < 20; i++) assert_int_equal(plain[i], i + 1);
    assert_int_equal(panel[2 * 64 + 2], 0); /* the last group is padded */
    for (int i = 0; i < 10; i++) assert_int_equal(channels[i], i + 1);
    assert_int_equal(by_channel[64 + 1], 0);
}

static void test_int16_weights_are_stored_in_pairs(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : s16[1, 4, 4, 1]\nconst %w : s16[3, 1, 1, 2] = {1, 2, 3, 4, 5, 6}\nconst %b : "
             "s64[2] = {0, 0}\nconst %m : f32[2] = {1, 1}\n%y = conv2d_quantized(%x, %w, %b, %m) "
             "{padding=same_upper}\ninput %u : s16[1, 4, 4, 2]\n%z = conv2d_quantized(%u, %w, %b, %m) "
             "{padding=same_upper, groups=2}\noutput %y\noutput %z");
    int16_t plain[6], channels[6];
    const int16_t *panel = packed_weights(p, "y", &qn_packing_panel16x2, plain);
    packed_weights(p, "z", &qn_packing_channel16, channels);
    assert_int_equal(weight_bytes(p, "y"), 4 * 16 * 2); /* 3 products fill two pairs */
    assert_int_equal(weight_bytes(p, "z"), 3 * 16 * 2);
    for (int i = 0; i < 6; i++) assert_int_equal(plain[i], i + 1);
    assert_int_equal(panel[32 + 1], 0); /* the last pair is padded */
    for (int i = 0; i < 6; i++) assert_int_equal(channels[i], i + 1);
}

static void test_int8_weights_of_int16_activations_are_stored_in_pairs_or_widened(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : s16[1, 4, 4, 1]\nconst %w : s8[3, 1, 1, 2] = {1, 2, 3, 4, 5, -6}\nconst %b : "
             "s64[2] = {0, 0}\nconst %m : f32[2] = {1, 1}\n%y = conv2d_quantized(%x, %w, %b, %m) "
             "{padding=same_upper}\ninput %u : s16[1, 4, 4, 2]\n%z = conv2d_quantized(%u, %w, %b, %m) "
             "{padding=same_upper, groups=2}\noutput %y\noutput %z");
    static const int expected[6] = {1, 2, 3, 4, 5, -6};
    int8_t bytes[6];
    int16_t words[6];
    const int8_t *panel = packed_weights(p, "y", &qn_packing_panel16x2, bytes);
    packed_weights(p, "z", &qn_packing_channel16, words);
    assert_int_equal(weight_bytes(p, "y"), 4 * 16); /* 3 products fill two pairs */
    assert_int_equal(weight_bytes(p, "z"), 3 * 16 * 2);
    for (int i = 0; i < 6; i++) assert_int_equal(bytes[i], expected[i]);
    for (int i = 0; i < 6; i++) assert_int_equal(words[i], expected[i]);
    assert_int_equal(panel[32 + 1], 0); /* the last pair is padded */
}

static void test_weights_that_no_kernel_covers_stay_plain(void **state) {
    (void)state;
    const qn_program *p = plan(
        "input %x : f32[1, 4, 4, 4]\ninput %h : f16[1, 1, 1, 1]\ninput %v : f32[1, 1, 4, 2]\ninput %a : f32[2, 3, 4]\n"
        "const %g : f32[1, 1, 2, 4] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
        "const %m : f32[1, 1, 1, 8] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
        "const %b : f32[2, 4, 2] = random 7\n"
        "%y = conv2d(%x, %g) {groups=2}\n"
        "%z = conv2d(%x, %m) {groups=4}\n"
        "%u = conv2d(%x, %v)\n"
        "%t = matmul(%a, %b)\n"
        "output %y\noutput %z\noutput %u\noutput %t");
    for (size_t i = 0; i < p->value_count; i++) assert_null(p->values[i].packing);
    const float *g = constant_data(p, p->operands[step_of(p, "y")->first_input + 1]);
    for (int i = 0; i < 8; i++) assert_true(g[i] == (float)(i + 1));
}

static void test_weights_that_are_data_too_stay_plain_for_that_use(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[1, 2, 2, 2]\nconst %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                               "%y = conv2d(%x, %w)\n%z = add(%x, %w)\noutput %y\noutput %z");
    packed_weights(p, "y", &qn_packing_panel16, NULL);
    const float *plain = constant_data(p, p->operands[step_of(p, "z")->first_input + 1]);
    for (int i = 0; i < 4; i++) assert_true(plain[i] == (float)(i + 1));
}

/* Bytes beside bytes in fours, beside words in pairs: two constants, and a third step shares the first. */
static void test_steps_share_packed_weights_where_they_want_the_same(void **state) {
    (void)state;
    const qn_program *p =
        plan("input %x : u8[1, 4, 4, 2]\ninput %u : s16[1, 4, 4, 2]\nconst %w : s8[1, 1, 2, 2] = {1, 2, 3, 4}\n"
             "const %b : s32[2] = {0, 0}\nconst %c : s64[2] = {0, 0}\nconst %m : f32[2] = {1, 1}\n"
             "%y = conv2d_quantized(%x, %w, %b, %m)\n%v = conv2d_quantized(%x, %w, %b, %m) {padding=same_upper}\n"
             "%z = conv2d_quantized(%u, %w, %c, %m)\noutput %y\noutput %z\noutput %v");
    int8_t quads[4], pairs[4];
    packed_weights(p, "y", &qn_packing_panel16x4, quads);
    packed_weights(p, "z", &qn_packing_panel16x2, pairs);
    assert_memory_equal(quads, pairs, sizeof quads);
    assert_int_equal(p->operands[step_of(p, "y")->first_input + 1], p->operands[step_of(p, "v")->first_input + 1]);
}

static void test_constants_lie_64_bytes_apart_at_least(void **state) {
    (void)state;
    const qn_program *p = plan("input %x : f32[2]\nconst %a : f32[] = {1}\nconst %b : f32[2] = {2, 3}\n%s = add(%x, "
                               "%a)\n%y = mul(%s, %b)\noutput %y");
    assert_int_equal((uintptr_t)p->constants.data % 64, 0);
    for (size_t i = 0; i < p->value_count; i++)
        if (p->values[i].place == QN_PLACE_CONSTANT) assert_int_equal(p->values[i].offset % 64, 0);
}

/* ---- Hostile size ---- */

/* Each number is the product of the one before with itself, shared: 2^60 paths through 60 expressions. */
static void test_shape_arithmetic_that_shares_is_walked_once(void **state) {
    (void)state;
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(
        &text,
        "symbol h [1, 9]\nsymbol k [1, 9]\ninput %%x : f32[h, k]\nconst %%t : s32[2] = {3, 5}\n%%s0 = shape(%%x)\n");
    for (int i = 0; i < 60; i++)
        qn_buffer_printf(
            &text, "%%m%d = floor_mod(%%s%d, %%t)\n%%f%d = floor_div(%%s%d, %%t)\n%%s%d = maximum(%%m%d, %%f%d)\n", i,
            i, i, i, i + 1, i, i);
    qn_buffer_printf(&text, "%%y = fill(%%s60, %%v)\noutput %%y");
    char *whole = qn_arena_copy_string(&arena, qn_buffer_text(&text), text.size);
    qn_buffer_deinit(&text);
    char *with_value = qn_arena_printf(&arena, "const %%v : f32[] = {1}\n%s", whole);
    const qn_program *p = plan(with_value);
    assert_true(p->dim_count < 5000);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_inputs_and_outputs_are_the_callers),
        CASE(test_an_input_that_nobody_uses_stays_an_input),
        CASE(test_an_output_that_is_an_input_or_constant_is_a_copy),
        CASE(test_an_output_is_read_by_later_steps_and_never_written_over),
        CASE(test_shape_arithmetic_needs_no_steps),
        CASE(test_shape_arithmetic_is_an_output_and_still_known_before_the_run),
        CASE(test_what_only_shape_arithmetic_reads_is_no_step),
        CASE(test_what_others_read_too_is_a_step),
        CASE(test_shape_arithmetic_that_is_only_an_output_is_a_step),
        CASE(test_numbers_that_depend_on_data_are_no_shape_arithmetic),
        CASE(test_assertions_on_data_stay_steps),
        CASE(test_what_nobody_needs_is_not_planned),
        CASE(test_symbols_know_the_input_they_come_from),
        CASE(test_checks_go_along_with_their_messages),
        CASE(test_a_view_shares_the_bytes_of_its_input),
        CASE(test_elementwise_work_happens_in_place_when_its_input_dies),
        CASE(test_a_value_that_is_read_later_is_not_written_over),
        CASE(test_a_view_keeps_what_it_looks_at),
        CASE(test_broadcasting_and_other_sizes_are_not_done_in_place),
        CASE(test_a_convolution_writes_over_the_branch_it_adds_and_nothing_else),
        CASE(test_an_unbounded_size_has_no_ceiling),
        CASE(test_a_network_without_intermediate_values_has_a_ceiling_too),
        CASE(test_empty_values_are_planned),
        CASE(test_dense_weights_are_stored_in_panels_of_16_outputs),
        CASE(test_depthwise_weights_are_stored_by_16_channels),
        CASE(test_a_transposed_product_is_stored_the_right_way_round),
        CASE(test_int8_weights_are_stored_in_groups_of_four),
        CASE(test_int16_weights_are_stored_in_pairs),
        CASE(test_int8_weights_of_int16_activations_are_stored_in_pairs_or_widened),
        CASE(test_weights_that_no_kernel_covers_stay_plain),
        CASE(test_weights_that_are_data_too_stay_plain_for_that_use),
        CASE(test_steps_share_packed_weights_where_they_want_the_same),
        CASE(test_constants_lie_64_bytes_apart_at_least),
        CASE(test_shape_arithmetic_that_shares_is_walked_once),
    };
    return cmocka_run_group_tests_name("plan/plan", tests, NULL, NULL);
}
