/* Networks as they are imported through the public API: what is refused and how, what can be asked, how they print. */
#include "driver_case.h"

#include "base/meter.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/graphdef_builder.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/quench-network-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}
static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) ? -1 : 0;
}

/* A path in the folder; the same storage every time. */
static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t bytes) {
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

/* Relu(x * w) + w, x [-1, 2], with an operator and a name to go wrong where asked for. */
static qn_bytes small_graph(gd_graph *graph, const char *op) {
    gd_init(graph);
    gd_placeholder(graph, "picture", GD_FLOAT, 2, (int64_t[]){-1, 2});
    gd_const_f32(graph, "weights", 1, (int64_t[]){2}, (float[]){1.5f, -2});
    gd_node(graph, "scores/Mul", "Mul", "picture weights");
    gd_attr_type(graph, "T", GD_FLOAT);
    gd_node(graph, "scores/Relu", op, "scores/Mul");
    gd_attr_type(graph, "T", GD_FLOAT);
    gd_node(graph, "logits", "AddV2", "scores/Relu weights");
    gd_attr_type(graph, "T", GD_FLOAT);
    return gd_finish(graph);
}

static qn_network *import_small(const qn_network_options *options) {
    gd_graph graph;
    qn_network *network;
    qn_bytes bytes = small_graph(&graph, "Relu");
    write_file("small.pb", bytes.data, bytes.size);
    gd_deinit(&graph);
    expect_ok(qn_network_import_file(in_folder("small.pb"), options, &network));
    return network;
}

static void refuse(const char *name, const qn_network_options *options, qn_code code, const char *words) {
    qn_network *network = (qn_network *)(uintptr_t)name;
    qn_status *status = qn_network_import_file(in_folder(name), options, &network);
    assert_null(network);
    if (!strstr(qn_status_message(status), in_folder(name))) fail_msg("'%s' names no file", qn_status_message(status));
    expect_refused(status, code, words);
}

/* ---- Refusals ---- */

static void what_is_not_there_is_not_found(void **state) {
    (void)state;
    refuse("missing.pb", NULL, QN_NOT_FOUND, "missing.pb");
}

static void folders_are_told_apart(void **state) {
    (void)state;
    mkdir(in_folder("plain"), 0700);
    refuse("plain", NULL, QN_NOT_FOUND, "folder");
    mkdir(in_folder("saved"), 0700);
    write_file("saved/saved_model.pb", "x", 1);
    refuse("saved", NULL, QN_UNSUPPORTED, "SavedModel");
}

static void files_that_are_no_models_are_refused(void **state) {
    (void)state;
    write_file("empty.pb", "", 0);
    refuse("empty.pb", NULL, QN_INVALID_MODEL, "empty.pb");
    write_file("note.txt", "This is not a model.\n", 21);
    qn_network *network;
    qn_status *status = qn_network_import_file(in_folder("note.txt"), NULL, &network);
    assert_non_null(status);
    assert_null(network);
    qn_status_free(status);
}

static void a_format_that_quench_does_not_know_is_refused(void **state) {
    (void)state;
    gd_graph graph;
    qn_network_options options;
    qn_bytes bytes = small_graph(&graph, "Relu");
    write_file("small.pb", bytes.data, bytes.size);
    gd_deinit(&graph);
    qn_network_options_init(&options);
    options.format = "onnx";
    refuse("small.pb", &options, QN_INVALID_ARGUMENT, "format 'onnx' is not known; 'tensorflow' is");
    options.format = "tensorflwo";
    refuse("small.pb", &options, QN_INVALID_ARGUMENT, "did you mean 'tensorflow'");
    options.format = "tensorflow";
    qn_network *network;
    expect_ok(qn_network_import_file(in_folder("small.pb"), &options, &network));
    assert_string_equal(qn_network_get_info(network).format, "tensorflow");
    qn_network_destroy(network);
}

static void options_that_say_nothing_are_refused(void **state) {
    (void)state;
    gd_graph graph;
    qn_network_options options;
    qn_bytes bytes = small_graph(&graph, "Relu");
    write_file("small.pb", bytes.data, bytes.size);
    gd_deinit(&graph);
    qn_network_options_init(&options);
    options.input_count = 1;
    refuse("small.pb", &options, QN_INVALID_ARGUMENT, "no inputs were given");
    options.inputs = &(qn_network_input){.rank = -1};
    refuse("small.pb", &options, QN_INVALID_ARGUMENT, "input 0 has no name");
    qn_network_options_init(&options);
    options.output_count = 1;
    refuse("small.pb", &options, QN_INVALID_ARGUMENT, "no outputs were given");
}

static void operators_and_names_that_do_not_exist_are_refused(void **state) {
    (void)state;
    gd_graph graph;
    qn_network_options options;
    qn_network *network;
    qn_bytes bytes = small_graph(&graph, "Frobnicate");
    expect_refused(qn_network_import_memory(bytes.data, bytes.size, "memory", NULL, &network), QN_UNSUPPORTED,
                   "Frobnicate");
    assert_null(network);
    gd_deinit(&graph);
    bytes = small_graph(&graph, "Relu");
    qn_network_options_init(&options);
    options.outputs = (const char *const[]){"logist"};
    options.output_count = 1;
    expect_refused(qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network), QN_INVALID_ARGUMENT,
                   "logits");
    qn_network_options_init(&options);
    options.inputs = &(qn_network_input){.name = "pictures", .rank = -1};
    options.input_count = 1;
    expect_refused(qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network), QN_INVALID_ARGUMENT,
                   "picture");
    options.inputs = &(qn_network_input){.name = "picture", .rank = 9};
    expect_refused(qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network), QN_INVALID_ARGUMENT,
                   "rank 9");
    options.inputs = &(qn_network_input){.name = "picture", .rank = 3, .dims = {1, 2, 2}};
    qn_status *status = qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network);
    assert_non_null(status);
    qn_status_free(status);
    gd_deinit(&graph);
}

/* ---- Asking ---- */

static void a_network_says_what_it_is(void **state) {
    (void)state;
    qn_network *network = import_small(NULL);
    qn_network_info info = qn_network_get_info(network);
    qn_value_info value;
    assert_string_equal(info.name, "small");
    assert_string_equal(info.format, "tensorflow");
    assert_int_equal(info.input_count, 1);
    assert_int_equal(info.output_count, 1);
    assert_int_equal(info.parameter_count, 2);
    assert_true(qn_network_get_input(network, 0, &value));
    assert_string_equal(value.name, "picture");
    assert_int_equal(value.dtype, QN_DTYPE_F32);
    assert_int_equal(value.rank, 2);
    assert_int_equal(value.dims[0], -1);
    assert_int_equal(value.dims[1], 2);
    assert_int_equal(value.min_dims[1], 2);
    assert_int_equal(value.max_dims[0], QN_NO_LIMIT);
    assert_true(qn_network_get_output(network, 0, &value));
    assert_string_equal(value.name, "logits");
    assert_false(qn_network_get_input(network, 1, &value));
    assert_false(qn_network_get_output(network, 1, &value));
    qn_network_destroy(network);
    qn_network_destroy(NULL);
}

static void names_come_from_the_file_without_folder_and_ending(void **state) {
    (void)state;
    static const struct {
        const char *path, *name;
    } rows[] = {{"model.pb", "model"},
                {"/a/b/c.d.pb", "c.d"},
                {"plain", "plain"},
                {".hidden", ".hidden"},
                {"a.b/graph", "graph"}};
    gd_graph graph;
    qn_bytes bytes = small_graph(&graph, "Relu");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qn_network *network;
        expect_ok(qn_network_import_memory(bytes.data, bytes.size, rows[i].path, NULL, &network));
        assert_string_equal(qn_network_get_info(network).name, rows[i].name);
        qn_network_destroy(network);
    }
    gd_deinit(&graph);
}

static void a_given_shape_replaces_the_declared_one(void **state) {
    (void)state;
    qn_network_options options;
    qn_value_info value;
    qn_network_options_init(&options);
    options.inputs = &(qn_network_input){.name = "picture:0", .rank = 2, .dims = {7, -1}};
    options.input_count = 1;
    qn_network *network = import_small(&options);
    qn_network_get_input(network, 0, &value);
    assert_int_equal(value.dims[0], 7);
    qn_network_destroy(network);
}

typedef struct visit {
    int count, stop_after;
    char names[256];
} visit;

static int note(void *self, const char *name, const char *op) {
    visit *v = self;
    snprintf(v->names + strlen(v->names), sizeof v->names - strlen(v->names), "%s=%s ", name, op);
    return ++v->count == v->stop_after;
}

static void nodes_are_visited_in_order_until_told_to_stop(void **state) {
    (void)state;
    qn_network *network = import_small(NULL);
    visit all = {0}, two = {.stop_after = 2};
    qn_network_visit_nodes(network, note, &all);
    assert_int_equal(all.count, qn_network_get_info(network).node_count);
    assert_string_equal(all.names, "scores/Mul=mul scores/Relu=relu logits=add ");
    qn_network_visit_nodes(network, note, &two);
    assert_int_equal(two.count, 2);
    qn_network_destroy(network);
}

/* ---- Printing ---- */

static void the_text_form_parses_back(void **state) {
    (void)state;
    qn_network *network = import_small(NULL);
    const char *text;
    qn_arena arena;
    qn_graph *graph;
    expect_ok(qn_network_print(network, QN_GRAPH_TEXT, &text));
    assert_non_null(strstr(text, "%logits"));
    qn_arena_init(&arena, NULL);
    expect_ok(qn_graph_parse(&arena, text, &graph));
    assert_int_equal(graph->node_count, 3);
    qn_arena_deinit(&arena);
    qn_network_destroy(network);
}

/* Names that need escapes. */
static void the_json_form_is_json(void **state) {
    (void)state;
    const char *text;
    json_error_t error;
    qn_network *network = network_of("input %\"a \\\"quoted\\\" \\\\ name\" : f32[n, 2]\n"
                                     "input %p : f32[1, 4, 4, 1]\n"
                                     "const %c : f32[2] = {1, 2}\n"
                                     "const %w : f32[1, 1, 1, 1] = {3}\n"
                                     "%\"line\\x0abreak\" = add(%\"a \\\"quoted\\\" \\\\ name\", %c)\n"
                                     "%conv = conv2d(%p, %w, none, %p) {stride=[1, 1], activation=relu6}\n"
                                     "output %\"line\\x0abreak\"\n"
                                     "output %conv");
    expect_ok(qn_network_print(network, QN_GRAPH_JSON, &text));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root) fail_msg("line %d: %s\n%s", error.line, error.text, text);
    const json_t *nodes = json_object_get(root, "nodes"), *inputs = json_object_get(root, "inputs");
    assert_int_equal(json_array_size(nodes), 2);
    assert_int_equal(json_array_size(inputs), 2);
    assert_int_equal(json_array_size(json_object_get(root, "outputs")), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(inputs, 0), "name")), "a \"quoted\" \\ name");
    assert_string_equal(json_string_value(json_object_get(json_array_get(inputs, 0), "dtype")), "f32");
    assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(inputs, 0), "shape"), 0)), "n");
    const json_t *add = json_array_get(nodes, 0), *conv = json_array_get(nodes, 1);
    assert_string_equal(json_string_value(json_object_get(add, "name")), "line\nbreak");
    assert_string_equal(json_string_value(json_object_get(add, "op")), "add");
    assert_true(json_is_null(json_array_get(json_object_get(conv, "inputs"), 2)));
    assert_non_null(strstr(json_string_value(json_object_get(conv, "attributes")), "activation=relu6"));
    json_decref(root);
    qn_network_destroy(network);
}

/* Quotes and brackets balance outside quoted texts. */
static void expect_balanced(const char *text) {
    int depth = 0, in_text = 0;
    for (const char *c = text; *c; c++) {
        if (in_text && *c == '\\' && c[1])
            c++;
        else if (*c == '"')
            in_text = !in_text;
        else if (!in_text)
            depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_false(in_text);
}

static void the_graphviz_form_has_nodes_and_labelled_edges(void **state) {
    (void)state;
    const char *text;
    qn_network *network = import_small(NULL);
    expect_ok(qn_network_print(network, QN_GRAPH_DOT, &text));
    assert_memory_equal(text, "digraph \"small\" {", 17);
    assert_non_null(strstr(text, "\"picture\" [shape=ellipse]"));
    assert_non_null(strstr(text, "\"scores/Mul\" -> \"scores/Relu\" [label=\"f32["));
    assert_non_null(strstr(text, "\"picture\" -> \"scores/Mul\""));
    expect_balanced(text);
    qn_network_destroy(network);
}

static void names_with_quotes_do_not_break_graphviz(void **state) {
    (void)state;
    const char *text;
    qn_network *network = network_of("symbol \"odd \\\"dim\\\"\" [1, 5]\n"
                                     "input %\"a \\\"b\\\" \\\\\" : f32[\"odd \\\"dim\\\"\", 2]\n"
                                     "%\"line\\x0abreak\" = relu(%\"a \\\"b\\\" \\\\\")\n"
                                     "output %\"line\\x0abreak\"");
    expect_ok(qn_network_print(network, QN_GRAPH_DOT, &text));
    expect_balanced(text);
    expect_ok(qn_network_print(network, QN_GRAPH_JSON, &text));
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    json_decref(root);
    qn_network_destroy(network);
}

/* ---- Memory and warnings ---- */

static void memory_may_end_at_any_point_of_an_import(void **state) {
    (void)state;
    gd_graph graph;
    qn_network_options options;
    meter m;
    const qn_allocator allocator = meter_allocator(&m, SIZE_MAX);
    qn_bytes bytes = small_graph(&graph, "Relu");
    int exhausted = 0, imported = 0;
    qn_network_options_init(&options);
    options.allocator = &allocator;
    for (m.handed_max = 16; !imported && m.handed_max < 1 << 24; m.handed_max += m.handed_max / 4 + 1) {
        qn_network *network;
        m.handed = 0;
        qn_status *status = qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network);
        if (status) {
            if (qn_status_code(status) != QN_OUT_OF_MEMORY) fail_msg("%s", qn_status_message(status));
            exhausted++;
        } else {
            const char *text;
            qn_status *printed = qn_network_print(network, QN_GRAPH_TEXT, &text);
            assert_true(!printed || qn_status_code(printed) == QN_OUT_OF_MEMORY);
            qn_status_free(printed);
            imported++;
        }
        qn_status_free(status);
        qn_network_destroy(network);
        assert_int_equal(m.live, 0);
    }
    assert_true(exhausted > 5 && imported);
    gd_deinit(&graph);
}

static void remarks_of_the_importer_reach_the_log(void **state) {
    (void)state;
    gd_graph graph;
    qn_network_options options;
    qn_network *network;
    case_log log;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 1, (int64_t[]){4});
    gd_node(&graph, "y", "Relu", "x");
    gd_attr_type(&graph, "T", GD_FLOAT);
    gd_attr_int(&graph, "an_attribute_of_the_future", 7);
    qn_bytes bytes = gd_finish(&graph);
    case_log_init(&log);
    qn_network_options_init(&options);
    options.log = &log.log;
    expect_ok(qn_network_import_memory(bytes.data, bytes.size, "memory", &options, &network));
    assert_true(log.warnings >= 1);
    assert_non_null(strstr(log.text, "an_attribute_of_the_future"));
    qn_network_destroy(network);
    expect_ok(qn_network_import_memory(bytes.data, bytes.size, "memory", NULL, &network)); /* nobody listens */
    qn_network_destroy(network);
    gd_deinit(&graph);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_is_not_there_is_not_found),
        CASE(folders_are_told_apart),
        CASE(files_that_are_no_models_are_refused),
        CASE(a_format_that_quench_does_not_know_is_refused),
        CASE(options_that_say_nothing_are_refused),
        CASE(operators_and_names_that_do_not_exist_are_refused),
        CASE(a_network_says_what_it_is),
        CASE(names_come_from_the_file_without_folder_and_ending),
        CASE(a_given_shape_replaces_the_declared_one),
        CASE(nodes_are_visited_in_order_until_told_to_stop),
        CASE(the_text_form_parses_back),
        CASE(the_json_form_is_json),
        CASE(the_graphviz_form_has_nodes_and_labelled_edges),
        CASE(names_with_quotes_do_not_break_graphviz),
        CASE(memory_may_end_at_any_point_of_an_import),
        CASE(remarks_of_the_importer_reach_the_log),
    };
    return cmocka_run_group_tests_name("driver/network", tests, NULL, NULL);
}
