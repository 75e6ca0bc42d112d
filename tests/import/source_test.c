/* What a GraphDef says: nodes, references and the function library. */
#include "expect.h"
#include "graphdef_builder.h"
#include "import/import.h"
#include "import/tensorflow/source.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    gd_graph graph;
    qn_arena arena;
    qn_tf_source source;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    gd_init(&f->graph);
    qn_arena_init(&f->arena, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    gd_deinit(&f->graph);
    qn_arena_deinit(&f->arena);
    free(f);
    return 0;
}

static qn_status *load(fixture *f) {
    QN_TRY(qn_tf_source_read(gd_finish(&f->graph), &f->arena, &f->source));
    QN_TRY(qn_tf_source_inline(&f->source));
    return qn_tf_source_link(&f->source);
}

static const qn_tf_node *find(fixture *f, const char *name) {
    int64_t index = qn_tf_source_find(&f->source, name);
    if (index < 0) fail_msg("no node '%s'", name);
    return &f->source.nodes.items[index];
}

static void expect_input(fixture *f, const char *node, size_t input, const char *producer, int output) {
    const qn_tf_node *n = find(f, node);
    assert_true(input < n->input_count);
    assert_string_equal(f->source.nodes.items[n->inputs[input].node].name, producer);
    assert_int_equal(n->inputs[input].output, output);
}

static void nodes_may_come_in_any_order(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "late", "Add", "early:0 split:1 ^check");
    gd_node(&f->graph, "split", "Split", "early");
    gd_node(&f->graph, "early", "Placeholder", NULL);
    gd_node(&f->graph, "check", "Assert", "split:0");
    expect_ok(load(f));
    expect_input(f, "late", 0, "early", 0);
    expect_input(f, "late", 1, "split", 1);
    assert_int_equal(find(f, "late")->control_count, 1);
    assert_string_equal(f->source.nodes.items[find(f, "late")->controls[0].node].name, "check");
}

static void a_missing_input_is_named_with_its_node(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "Pad", "Pad", "x stack_3");
    expect_failure(load(f), QN_INVALID_MODEL, "node 'Pad' (Pad), input 1 'stack_3': the graph has no node 'stack_3'");
}

static void a_missing_control_input_is_named_too(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "Pad", "Pad", "^gone");
    expect_failure(load(f), QN_INVALID_MODEL, "node 'Pad' (Pad), control input '^gone'");
}

static void references_must_be_well_formed(void **state) {
    static const char *const wrong[] = {"x:", "x:y", ":1", "x:99999", "x:-1", "x:1:2"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        void *inner;
        set_up(&inner);
        fixture *f = inner;
        gd_node(&f->graph, "x", "Placeholder", NULL);
        gd_node(&f->graph, "y", "Relu", wrong[i]);
        expect_failure(load(f), QN_INVALID_MODEL, "node 'y' (Relu), input 0");
        tear_down(&inner);
    }
}

static void two_nodes_of_one_name_are_refused(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "x", "Relu", "x");
    expect_failure(load(f), QN_INVALID_MODEL, "node 'x' (Relu) has the name of an earlier node (Placeholder, byte 0)");
}

static void nodes_need_a_name_and_an_operator(void **state) {
    (void)state;
    qn_buffer node, file;
    qn_arena arena;
    qn_tf_source source;
    qn_arena_init(&arena, NULL);
    qn_buffer_init(&node, NULL);
    qn_buffer_init(&file, NULL);
    pb_text(&node, 2, "Relu");
    pb_message(&file, 1, &node);
    expect_failure(qn_tf_source_read((qn_bytes){file.data, file.size}, &arena, &source), QN_INVALID_MODEL,
                   "byte 0: a node without a name");
    qn_buffer_deinit(&file);
    qn_buffer_init(&node, NULL);
    qn_buffer_init(&file, NULL);
    pb_text(&node, 1, "y");
    pb_message(&file, 1, &node);
    expect_failure(qn_tf_source_read((qn_bytes){file.data, file.size}, &arena, &source), QN_INVALID_MODEL,
                   "node 'y' names no operator");
    qn_buffer_deinit(&file);
    qn_buffer_init(&file, NULL);
    pb_text(&file, 9, "y");
    expect_failure(qn_tf_source_read((qn_bytes){file.data, file.size}, &arena, &source), QN_INVALID_MODEL,
                   "field 9 is none of a GraphDef's");
    qn_buffer_deinit(&file);
    expect_failure(qn_tf_source_read((qn_bytes){0}, &arena, &source), QN_INVALID_MODEL, "empty");
    qn_arena_deinit(&arena);
}

static void names_without_end_or_with_control_characters_are_refused(void **state) {
    fixture *f = *state;
    gd_node(&f->graph, "a\tb", "Relu", NULL);
    expect_failure(load(f), QN_INVALID_MODEL, "control character 0x09");
    char *name = malloc(QN_IMPORT_NAME_BYTES_MAX + 2);
    memset(name, 'n', QN_IMPORT_NAME_BYTES_MAX + 1);
    name[QN_IMPORT_NAME_BYTES_MAX + 1] = 0;
    gd_deinit(&f->graph);
    gd_init(&f->graph);
    gd_node(&f->graph, name, "Relu", NULL);
    expect_failure(load(f), QN_LIMIT, "node name of 8193 bytes");
    free(name);
}

/* y = f(x, x), where f(a, b) = (a + b, a) has an assertion and two parts of a split inside. */
static void add_function(gd_graph *graph) {
    gd_function(graph, "f", "a b", "sum same");
    gd_node(graph, "parts", "Split", "axis a");
    gd_node(graph, "axis", "Const", NULL);
    gd_node(graph, "add", "Add", "parts:output:1 b");
    gd_attr_parameter(graph, "T", "T");
    gd_node(graph, "check", "Assert", "add:z:0 ^parts");
    gd_function_result(graph, "same", "a");
    gd_function_result(graph, "sum", "add:z:0");
    gd_function_end(graph);
}

static void expect_inlined(fixture *f, const char *call) {
    char name[64];
    const qn_tf_node *node = find(f, call);
    assert_string_equal(node->op, "IdentityN");
    snprintf(name, sizeof name, "%s/add", call);
    expect_input(f, call, 0, name, 0);
    snprintf(name, sizeof name, "%s/a", call);
    expect_input(f, call, 1, name, 0);
    expect_input(f, name, 0, "x", 0);
    snprintf(name, sizeof name, "%s/add", call);
    char producer[64];
    snprintf(producer, sizeof producer, "%s/parts", call);
    expect_input(f, name, 0, producer, 1);
    snprintf(name, sizeof name, "%s/check", call);
    assert_string_equal(find(f, name)->op, "Assert");
    int found = 0;
    for (size_t i = 0; i < node->control_count; i++)
        found |= strcmp(f->source.nodes.items[node->controls[i].node].name, name) == 0;
    assert_true(found);
}

static void calls_by_name_are_inlined(void **state) {
    fixture *f = *state;
    add_function(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "f", "x x");
    expect_ok(load(f));
    expect_inlined(f, "y");
}

static void partitioned_calls_are_inlined(void **state) {
    fixture *f = *state;
    add_function(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "PartitionedCall", "x x");
    gd_attr_function(&f->graph, "f", "f");
    gd_node(&f->graph, "z", "StatefulPartitionedCall", "x y:1");
    gd_attr_function(&f->graph, "f", "f");
    expect_ok(load(f));
    expect_inlined(f, "y");
    expect_inlined(f, "z");
    expect_input(f, "z/b", 0, "y", 1);
}

static void functions_may_call_functions(void **state) {
    fixture *f = *state;
    add_function(&f->graph);
    gd_function(&f->graph, "outer", "p", "r");
    gd_node(&f->graph, "inner", "f", "p p");
    gd_function_result(&f->graph, "r", "inner:same:0");
    gd_function_end(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "outer", "x");
    expect_ok(load(f));
    expect_input(f, "y", 0, "y/inner", 1);
    expect_input(f, "y/inner", 0, "y/inner/add", 0);
}

static void a_function_that_calls_itself_is_refused(void **state) {
    fixture *f = *state;
    gd_function(&f->graph, "loop", "p", "r");
    gd_node(&f->graph, "again", "loop", "p");
    gd_function_result(&f->graph, "r", "again:r:0");
    gd_function_end(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "loop", "x");
    expect_failure(load(f), QN_LIMIT, "does it call itself?");
}

/* Each function calls the one before twice: 2^25 nodes if it were let. */
static void functions_that_double_without_end_are_refused(void **state) {
    fixture *f = *state;
    char name[16], callee[16] = "Relu";
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "d%d", i);
        gd_function(&f->graph, name, "p", "r");
        gd_node(&f->graph, "a", callee, "p");
        gd_node(&f->graph, "b", callee, "p");
        gd_function_result(&f->graph, "r", "a:r:0");
        gd_function_end(&f->graph);
        snprintf(callee, sizeof callee, "d%d", i);
    }
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "d24", "x");
    qn_status *status = load(f);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
}

static void calls_are_checked_against_their_function(void **state) {
    fixture *f = *state;
    add_function(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "f", "x");
    expect_failure(load(f), QN_INVALID_MODEL, "node 'y' (f): function 'f' takes 2 inputs, 1 are given");
    gd_deinit(&f->graph);
    gd_init(&f->graph);
    gd_node(&f->graph, "y", "PartitionedCall", NULL);
    gd_attr_function(&f->graph, "f", "gone");
    expect_failure(load(f), QN_INVALID_MODEL, "the library has no function 'gone'");
    gd_deinit(&f->graph);
    gd_init(&f->graph);
    gd_function(&f->graph, "g", "p", "r");
    gd_function_end(&f->graph);
    gd_node(&f->graph, "y", "g", "x");
    expect_failure(load(f), QN_INVALID_MODEL, "function 'g': result 'r' is never set");
    gd_deinit(&f->graph);
    gd_init(&f->graph);
    gd_function(&f->graph, "g", "p", "r");
    gd_node(&f->graph, "n", "Relu", "q:y:0");
    gd_function_result(&f->graph, "r", "n:y:0");
    gd_function_end(&f->graph);
    gd_node(&f->graph, "x", "Placeholder", NULL);
    gd_node(&f->graph, "y", "g", "x");
    expect_failure(load(f), QN_INVALID_MODEL, "function 'g' has no node 'q'");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(nodes_may_come_in_any_order),
        CASE(a_missing_input_is_named_with_its_node),
        CASE(a_missing_control_input_is_named_too),
        CASE(references_must_be_well_formed),
        CASE(two_nodes_of_one_name_are_refused),
        CASE(nodes_need_a_name_and_an_operator),
        CASE(names_without_end_or_with_control_characters_are_refused),
        CASE(calls_by_name_are_inlined),
        CASE(partitioned_calls_are_inlined),
        CASE(functions_may_call_functions),
        CASE(a_function_that_calls_itself_is_refused),
        CASE(functions_that_double_without_end_are_refused),
        CASE(calls_are_checked_against_their_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
