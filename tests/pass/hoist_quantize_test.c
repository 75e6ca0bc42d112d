/* hoist_quantize: over which operators conversions rise, that results stay the same integers, and where they stop. */
#include "quantise_case.h"

#define RANGE "const %m : f32[1] = {3}\nconst %z : s32[1] = {7}\n"
#define EACH  "const %m : f32[3] = {3, 5, 100}\nconst %z : s32[3] = {7, 0, 255}\n"

static void a_conversion_rises_over_a_maximum(void **state) {
    (void)state;
    expect_rewrite("hoist_quantize",
                   "input %x : f32[1, 5, 6, 3]\n" EACH
                   "%p = max_pool2d(%x) {kernel=[3, 2], stride=[2, 1], padding=same_upper}\n"
                   "%q = quantize_linear(%p, %m, %z)\noutput %q",
                   "input %x : f32[1, 5, 6, 3]\n" EACH "%x/u8 = quantize_linear(%x, %m, %z)\n"
                   "%q = max_pool2d(%x/u8) {kernel=[3, 2], stride=[2, 1], padding=same_upper}\noutput %q",
                   EXACT);
}

static void a_conversion_rises_over_the_nearest_pixel(void **state) {
    (void)state;
    expect_rewrite("hoist_quantize",
                   "input %x : f32[1, 5, 6, 3]\nconst %s : s32[2] = {7, 4}\n" EACH
                   "%p = resize_nearest(%x, %s)\n%q = quantize_linear(%p, %m, %z)\noutput %q",
                   "input %x : f32[1, 5, 6, 3]\nconst %s : s32[2] = {7, 4}\n" EACH
                   "%x/u8 = quantize_linear(%x, %m, %z)\n%q = resize_nearest(%x/u8, %s)\noutput %q",
                   EXACT);
}

static void a_concatenation_of_channels_cuts_the_vectors_apart(void **state) {
    (void)state;
    expect_rewrite("hoist_quantize",
                   "input %x : f32[2, 2]\ninput %y : f32[2, 1]\n" EACH
                   "%c = concat(%x, %y) {axis=1}\n%q = quantize_linear(%c, %m, %z)\noutput %q",
                   "input %x : f32[2, 2]\ninput %y : f32[2, 1]\n"
                   "const %m_1 : f32[2] = {3, 5}\nconst %z_1 : s32[2] = {7, 0}\n"
                   "const %m_2 : f32[1] = {100}\nconst %z_2 : s32[1] = {255}\n"
                   "%x/u8 = quantize_linear(%x, %m_1, %z_1)\n%y/u8 = quantize_linear(%y, %m_2, %z_2)\n"
                   "%q = concat(%x/u8, %y/u8) {axis=1}\noutput %q",
                   EXACT);
}

static void a_concatenation_along_another_axis_keeps_them_whole(void **state) {
    (void)state;
    expect_rewrite(
        "hoist_quantize",
        "input %x : f32[2, 3]\ninput %y : f32[n, 3]\n" EACH
        "%c = concat(%x, %y, %x) {axis=0}\n%q = quantize_linear(%c, %m, %z) {dtype=s16}\noutput %q",
        "input %x : f32[2, 3]\ninput %y : f32[n, 3]\n" EACH
        "%x/s16 = quantize_linear(%x, %m, %z) {dtype=s16}\n%y/s16 = quantize_linear(%y, %m, %z) {dtype=s16}\n"
        "%x/s16_1 = quantize_linear(%x, %m, %z) {dtype=s16}\n"
        "%q = concat(%x/s16, %y/s16, %x/s16_1) {axis=0}\noutput %q",
        EXACT);
}

static void one_number_serves_all_parts_of_a_concatenation(void **state) {
    (void)state;
    expect_rewrite("hoist_quantize",
                   "input %x : f32[2, 2]\ninput %y : f32[2, 1]\n" RANGE
                   "%c = concat(%x, %y) {axis=1}\n%q = quantize_linear(%c, %m, %z)\noutput %q",
                   "input %x : f32[2, 2]\ninput %y : f32[2, 1]\n" RANGE
                   "%x/u8 = quantize_linear(%x, %m, %z)\n%y/u8 = quantize_linear(%y, %m, %z)\n"
                   "%q = concat(%x/u8, %y/u8) {axis=1}\noutput %q",
                   EXACT);
}

static void a_conversion_rises_over_a_chain_in_one_go(void **state) {
    (void)state;
    expect_rewrite(
        "hoist_quantize",
        "input %x : f32[1, 4, 4, 3]\ninput %y : f32[1, 4, 4, 3]\nconst %s : s32[2] = {3, 9}\n" RANGE
        "%a = max_pool2d(%x) {kernel=[2, 2], stride=[1, 1], padding=same_upper}\n"
        "%b = concat(%a, %y) {axis=3}\n%c = resize_nearest(%b, %s)\n%q = quantize_linear(%c, %m, %z)\noutput %q",
        "input %x : f32[1, 4, 4, 3]\ninput %y : f32[1, 4, 4, 3]\nconst %s : s32[2] = {3, 9}\n" RANGE
        "%x/u8 = quantize_linear(%x, %m, %z)\n"
        "%a/u8 = max_pool2d(%x/u8) {kernel=[2, 2], stride=[1, 1], padding=same_upper}\n"
        "%y/u8 = quantize_linear(%y, %m, %z)\n"
        "%b/u8 = concat(%a/u8, %y/u8) {axis=3}\n%q = resize_nearest(%b/u8, %s)\noutput %q",
        EXACT);
}

/* Interpolating integers rounds once more. */
static void over_an_interpolation_results_move_by_one_at_most(void **state) {
    qn_arena arena;
    double share;
    (void)state;
    qn_arena_init(&arena, NULL);
    static const char text[] = "input %x : f32[1, 5, 4, 3]\nconst %s : s32[2] = {9, 7}\n"
                               "const %m : f32[3] = {30, 50, 20}\nconst %z : s32[3] = {100, 128, 90}\n"
                               "%p = resize_bilinear(%x, %s) {align_corners=true}\n"
                               "%q = quantize_linear(%p, %m, %z)\noutput %q";
    const qn_graph *before = graph_from(&arena, text);
    qn_graph *after = graph_from(&arena, text);
    expect_becomes(
        after, "hoist_quantize",
        "input %x : f32[1, 5, 4, 3]\nconst %s : s32[2] = {9, 7}\n"
        "const %m : f32[3] = {30, 50, 20}\nconst %z : s32[3] = {100, 128, 90}\n"
        "%x/u8 = quantize_linear(%x, %m, %z)\n%q = resize_bilinear(%x/u8, %s) {align_corners=true}\noutput %q");
    double most = greatest_difference(before, after, 3, &share);
    if (most > 1 || share > 0.4) fail_msg("differences up to %g, in %g of all", most, share);
    qn_arena_deinit(&arena);
}

static void conversions_stop_where_the_float_is_needed(void **state) {
    static const char *const texts[] = {
        /* somebody else reads it */
        "input %x : f32[1, 4, 4, 3]\n" RANGE "%p = max_pool2d(%x) {kernel=[2, 2], stride=[1, 1]}\n"
        "%q = quantize_linear(%p, %m, %z)\n%r = neg(%p)\noutput %q\noutput %r",
        /* it is an output */
        "input %x : f32[1, 4, 4, 3]\n" RANGE "%p = max_pool2d(%x) {kernel=[2, 2], stride=[1, 1]}\n"
        "%q = quantize_linear(%p, %m, %z)\noutput %q\noutput %p",
        /* averages have a narrower range than what they are made of */
        "input %x : f32[1, 4, 4, 3]\n" RANGE "%p = avg_pool2d(%x) {kernel=[2, 2], stride=[1, 1]}\n"
        "%q = quantize_linear(%p, %m, %z)\noutput %q",
        /* a constant among the parts */
        "input %x : f32[2, 2]\nconst %k : f32[2, 1] = {1, 2}\n" RANGE "%c = concat(%x, %k) {axis=1}\n"
        "%q = quantize_linear(%c, %m, %z)\noutput %q",
        /* arithmetic, and a graph's own input */
        "input %x : f32[2, 2]\n" RANGE "%c = neg(%x)\n%q = quantize_linear(%c, %m, %z)\noutput %q",
        "input %x : f32[2, 2]\n" RANGE "%q = quantize_linear(%x, %m, %z)\noutput %q",
        /* what is read is no float: interpolating other integers makes one */
        "input %x : s32[1, 2, 2, 1]\nconst %s : s32[2] = {3, 3}\n" RANGE "%c = resize_bilinear(%x, %s)\n"
        "%q = quantize_linear(%c, %m, %z)\noutput %q",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) expect_unchanged("hoist_quantize", texts[i]);
}

static void conversions_stop_before_nodes_that_ask_for_floats(void **state) {
    static const char text[] =
        "input %x : f32[1, 4, 4, 3]\n" RANGE "%p = max_pool2d(%x) {kernel=[2, 2], stride=[1, 1]}\n"
        "%q = quantize_linear(%p, %m, %z)\noutput %q";
    (void)state;
    for (int i = 0; i < 2; i++) {
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        qn_graph *graph = graph_from(&arena, text);
        expect_ok(qn_precision_set_named(graph, "p", i ? QN_DTYPE_F16 : QN_DTYPE_F32,
                                         (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
        expect_becomes(graph, "hoist_quantize", text);
        qn_arena_deinit(&arena);
    }
}

static void what_rose_keeps_its_reason(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        graph_from(&arena, "input %x : f32[1, 4, 4, 3]\n" RANGE "%p = max_pool2d(%x) {kernel=[2, 2], stride=[1, 1]}\n"
                           "%q = quantize_linear(%p, %m, %z)\noutput %q");
    expect_ok(
        qn_outcome_set(graph, qn_graph_find_node(graph, "q"),
                       &(qn_outcome){.why = QN_WHY_ASKED, .dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "bytes"}}));
    run_pass(graph, pass_named("hoist_quantize"));
    expect_reason(graph, "x/u8", "u8: bytes");
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversion_rises_over_a_maximum),
        cmocka_unit_test(a_conversion_rises_over_the_nearest_pixel),
        cmocka_unit_test(a_concatenation_of_channels_cuts_the_vectors_apart),
        cmocka_unit_test(a_concatenation_along_another_axis_keeps_them_whole),
        cmocka_unit_test(one_number_serves_all_parts_of_a_concatenation),
        cmocka_unit_test(a_conversion_rises_over_a_chain_in_one_go),
        cmocka_unit_test(over_an_interpolation_results_move_by_one_at_most),
        cmocka_unit_test(conversions_stop_where_the_float_is_needed),
        cmocka_unit_test(conversions_stop_before_nodes_that_ask_for_floats),
        cmocka_unit_test(what_rose_keeps_its_reason),
    };
    return cmocka_run_group_tests_name("pass/hoist_quantize", tests, NULL, NULL);
}
