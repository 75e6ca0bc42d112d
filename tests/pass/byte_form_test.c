/* byte_form: floats that are bytes in disguise, and those that only look so. */
#include "pass_case.h"
#include "quantise_case.h"

#include "pass/byte_form.h"

/* What is behind value x of a graph whose input is bytes. */
static qn_byte_form look(qn_arena *arena, const char *statements, int64_t channels) {
    qn_byte_form form;
    qn_graph *graph = ranged_graph(arena, statements, "");
    qn_value *value = qn_graph_find_value(graph, "x");
    qn_status *status = qn_byte_form_find(graph, value, channels, NULL, &form);
    if (status) fail_msg("%s", qn_status_message(status));
    return form;
}

static void normalised_pixels_are_bytes(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_byte_form form = look(&arena,
                             "input %u : u8[1, 4, 4, 3]\nconst %m : f32[3] = {1, 2, 4}\nconst %s : f32[] = {0.5}\n"
                             "%f = cast(%u) {dtype=f32}\n%a = sub(%f, %m)\n%x = mul(%a, %s)\noutput %x",
                             3);
    assert_non_null(form.bytes);
    for (int c = 0; c < 3; c++) {
        assert_true(form.scale[c] == 0.5);
        assert_true(form.offset[c] == -0.5 * (double)(1 << c));
    }
    qn_arena_deinit(&arena);
}

/* The offsets would stay where they are while the channels turn round. */
static void channels_that_turn_round_behind_their_own_offsets_are_not(void **state) {
    static const char statements[] =
        "input %%u : u8[1, 4, 4, 3]\nconst %%m : f32[%s] = {%s}\n"
        "const %%b : s32[4] = {0, 0, 0, 0}\nconst %%e : s32[4] = {0, 0, 0, 0}\n"
        "const %%t : s32[4] = {1, 1, 1, -1}\n%%f = cast(%%u) {dtype=f32}\n%%a = sub(%%f, %%m)\n"
        "%%x = strided_slice(%%a, %%b, %%e, %%t) {begin_mask=15, end_mask=15}\noutput %%x";
    char text[600];
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    snprintf(text, sizeof text, statements, "3", "1, 2, 4");
    assert_null(look(&arena, text, 3).bytes);
    snprintf(text, sizeof text, statements, "", "7"); /* one for all may */
    assert_non_null(look(&arena, text, 3).bytes);
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalised_pixels_are_bytes),
        cmocka_unit_test(channels_that_turn_round_behind_their_own_offsets_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
