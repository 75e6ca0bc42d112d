/* The table of passes and how it is run: stages, passes left out, who looks on, what a failure says. */
#include "pass_case.h"

#include <stdio.h>
#include <string.h>

static void test_every_pass_has_a_name_and_a_description(void **state) {
    (void)state;
    assert_true(qn_pass_count() > 10);
    for (size_t i = 0; i < qn_pass_count(); i++) {
        const qn_pass *pass = qn_pass_at(i);
        assert_ptr_equal(qn_pass_find(pass->name), pass);
        assert_true(strlen(pass->doc) > 10);
        if (i) assert_true(pass->stage >= qn_pass_at(i - 1)->stage);
    }
    assert_null(qn_pass_find("fuse"));
    assert_null(qn_pass_find(""));
}

/* Names of the passes that ran, in order. */
typedef struct journal {
    const char *names[64];
    size_t count;
    size_t nodes; /* of the last graph seen */
} journal;

static void note(void *self, const qn_pass *pass, const qn_graph *graph) {
    journal *j = self;
    j->names[j->count++] = pass->name;
    j->nodes = graph->node_count;
}

static const char *const network = "symbol h [2, 9]\n"
                                   "input %x : f32[1, h, 4, 2]\n"
                                   "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                   "const %b : f32[2] = {1, 2}\n"
                                   "%i = identity(%x)\n"
                                   "%c = conv2d(%i, %w)\n"
                                   "%e = add(%c, %b)\n"
                                   "%m = neg(%i)\n"
                                   "%n = neg(%x)\n"
                                   "%p = mul(%m, %n)\n"
                                   "%q = mul(%e, %p)\n"
                                   "%y = relu(%q)\n"
                                   "output %y";

static journal run(const qn_pass_options *wanted, qn_pass_stage last, const char **out_text) {
    static char text[4096];
    qn_arena arena;
    qn_buffer buffer;
    journal j = {.count = 0};
    qn_pass_options options = *wanted;
    options.after = note;
    options.after_self = &j;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, network);
    expect_ok(qn_passes_run(graph, QN_PASS_CLEAN, last, &options));
    qn_buffer_init(&buffer, NULL);
    qn_graph_print(graph, 1, &buffer);
    assert_true(buffer.size < sizeof text);
    strcpy(text, qn_buffer_text(&buffer));
    qn_buffer_deinit(&buffer);
    qn_arena_deinit(&arena);
    *out_text = text;
    return j;
}

static void test_all_passes_run_in_the_order_of_the_table(void **state) {
    (void)state;
    const char *text;
    journal j = run(&(qn_pass_options){.fusion = 1}, QN_PASS_CONVERT, &text);
    assert_int_equal(j.count, qn_pass_count());
    for (size_t i = 0; i < j.count; i++) assert_string_equal(j.names[i], qn_pass_at(i)->name);
    assert_null(strstr(text, "identity"));
    assert_non_null(strstr(text, "conv2d(%x, %w, %b)"));
}

static void test_a_stage_is_the_last_that_runs(void **state) {
    (void)state;
    const char *text;
    journal j = run(&(qn_pass_options){.fusion = 1}, QN_PASS_SIMPLIFY, &text);
    for (size_t i = 0; i < j.count; i++) assert_true(qn_pass_find(j.names[i])->stage <= QN_PASS_SIMPLIFY);
    assert_non_null(qn_pass_find("fold_scale"));
    assert_string_equal(j.names[0], qn_pass_at(0)->name);
    assert_non_null(strstr(text, "= add(%c, %b)"));
}

static void test_without_fusion_only_clean_ups_run(void **state) {
    (void)state;
    const char *text;
    journal j = run(&(qn_pass_options){.fusion = 0}, QN_PASS_FUSE, &text);
    assert_true(j.count > 0);
    for (size_t i = 0; i < j.count; i++) assert_int_equal(qn_pass_find(j.names[i])->stage, QN_PASS_CLEAN);
    assert_int_equal(j.nodes, 6); /* no identity, one neg */
}

static void test_passes_are_left_out_by_name(void **state) {
    (void)state;
    const char *text, *const skip[] = {"drop_identities", "merge_equal"};
    journal j = run(&(qn_pass_options){.fusion = 0, .skip = skip, .skip_count = 2}, QN_PASS_FUSE, &text);
    for (size_t i = 0; i < j.count; i++) assert_string_not_equal(j.names[i], "drop_identities");
    assert_non_null(strstr(text, "identity"));
    assert_int_equal(j.nodes, 8);
}

static void test_a_failure_names_the_pass_and_the_node(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, "const %t : f32[3] = {1, 2, 3}\n"
                                         "const %i : s32[100] = splat 7\n"
                                         "%f = gather(%t, %i)\n"
                                         "output %f");
    qn_status *status = qn_passes_run(graph, QN_PASS_CLEAN, QN_PASS_FUSE, &(qn_pass_options){.fusion = 1});
    assert_non_null(status);
    assert_non_null(strstr(qn_status_message(status), "pass fold_constants: "));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}

/* What memory runs out in must fail as such and leave nothing behind: the graph only dies. */
typedef struct budget {
    size_t left;
} budget;

static void *spend(void *self, size_t bytes, size_t align) {
    budget *b = self;
    if (b->left < bytes) return NULL;
    b->left -= bytes;
    return qn_allocator_default()->alloc(NULL, bytes, align);
}
static void give_back(void *self, void *block) {
    (void)self;
    qn_allocator_default()->free(NULL, block);
}

static void test_running_out_of_memory_is_a_status(void **state) {
    (void)state;
    int succeeded = 0, exhausted = 0;
    for (size_t bytes = 1 << 18; bytes < (size_t)1 << 23 && !succeeded; bytes += bytes / 8) {
        budget b = {bytes};
        qn_allocator allocator = {&b, spend, give_back};
        qn_arena arena;
        qn_arena_init(&arena, &allocator);
        qn_graph *graph = NULL;
        char text[1024];
        snprintf(
            text, sizeof text,
            "graph \"g\" {\nconst %%big : f32[40000] = splat 1\n%%s = neg(%%big)\n%%t = neg(%%s)\n%s\n output %%t }",
            network);
        qn_status *status = qn_graph_parse(&arena, text, &graph);
        if (!status) status = qn_graph_infer(graph);
        if (!status) status = qn_passes_run(graph, QN_PASS_CLEAN, QN_PASS_FUSE, &(qn_pass_options){.fusion = 1});
        if (status) {
            assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
            exhausted++;
        } else {
            succeeded++;
        }
        qn_status_free(status);
        qn_arena_deinit(&arena);
    }
    assert_true(succeeded && exhausted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pass_has_a_name_and_a_description),
        cmocka_unit_test(test_all_passes_run_in_the_order_of_the_table),
        cmocka_unit_test(test_a_stage_is_the_last_that_runs),
        cmocka_unit_test(test_without_fusion_only_clean_ups_run),
        cmocka_unit_test(test_passes_are_left_out_by_name),
        cmocka_unit_test(test_a_failure_names_the_pass_and_the_node),
        cmocka_unit_test(test_running_out_of_memory_is_a_status),
    };
    return cmocka_run_group_tests_name("pass/pipeline", tests, NULL, NULL);
}
