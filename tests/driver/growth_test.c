/* Time and memory grow with the size of a model, not faster: graphs of each kind at one size and at eight times that.
 * What is linear takes 8 times as long, what is quadratic 64 times; the bound lies between. Processor time is measured,
 * the best of a few tries, so that other load on the machine does not matter. */
#include "driver_case.h"

#include "../import/graphdef_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMES = 8, BOUND = 20, TRIES = 3 };

/* Names are compared to their end where they begin alike. */
#define LONG                                                                                                           \
    "a_name_as_long_as_those_that_scopes_within_scopes_within_scopes_make/a_name_as_long_as_those_that_scopes_make/"

typedef void (*make_fn)(gd_graph *graph, int n);

/* ---- Graphs ---- */

enum { NAME_BYTES = 160 };

static char *name_of(char *buffer, const char *prefix, int i) {
    snprintf(buffer, NAME_BYTES, "%s%d", prefix, i);
    return buffer;
}

/* "p0 p1 p2 ..." */
static char *list_of(const char *prefix, int n) {
    qn_buffer text;
    char word[NAME_BYTES];
    qn_buffer_init(&text, NULL);
    for (int i = 0; i < n; i++) qn_buffer_printf(&text, "%s%s", i ? " " : "", name_of(word, prefix, i));
    char *copy = strdup(qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    assert_non_null(copy);
    return copy;
}

static void input(gd_graph *graph, const char *name, int rows) {
    gd_placeholder(graph, name, GD_FLOAT, 2, (int64_t[]){rows, 4});
}

/* A node of two inputs: "op(a, b)". */
static void pair_node(gd_graph *graph, const char *name, const char *op, const char *a, const char *b) {
    char inputs[2 * NAME_BYTES + 16];
    snprintf(inputs, sizeof inputs, "%s %s", a, b);
    gd_node(graph, name, op, inputs);
}

/* n nodes that read the last of n results of a function by its name. */
static void make_named_results(gd_graph *graph, int n) {
    char *outputs = list_of(LONG "o", n), name[NAME_BYTES], last[NAME_BYTES + 8], before[NAME_BYTES];
    gd_function(graph, "f", "a", outputs);
    gd_node(graph, "z", "Relu", "a");
    for (int i = 0; i < n; i++) gd_function_result(graph, name_of(name, LONG "o", i), "z:activations:0");
    gd_function_end(graph);
    sprintf(last, "c:%s:0", name);
    gd_function(graph, "g", "a", "o");
    gd_node(graph, "c", "f", "a");
    for (int i = 0; i < n; i++) {
        sprintf(before, "u%d:z:0", i - 1);
        pair_node(graph, name_of(name, "u", i), "Maximum", i ? before : "a", last);
    }
    sprintf(before, "u%d:z:0", n - 1);
    gd_function_result(graph, "o", before);
    gd_function_end(graph);
    input(graph, "x", 2);
    gd_node(graph, "y", "g", "x");
    free(outputs);
}

/* n nodes that take a parameter of a call with n of them. */
static void make_call_parameters(gd_graph *graph, int n) {
    char name[NAME_BYTES], parameter[NAME_BYTES], before[NAME_BYTES] = "a";
    gd_function(graph, "f", "a", "o");
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(name, "r", i), "LeakyRelu", before);
        gd_attr_parameter(graph, "alpha", name_of(parameter, LONG "p", i));
        sprintf(before, "r%d:activations:0", i);
    }
    gd_function_result(graph, "o", before);
    gd_function_end(graph);
    input(graph, "x", 2);
    gd_node(graph, "y", "f", "x");
    for (int i = 0; i < n; i++) gd_attr_float(graph, name_of(parameter, LONG "p", i), (float)i / 65536);
}

/* n calls of a function that lists one node n times as having to run. */
static void make_repeated_controls(gd_graph *graph, int n) {
    char name[NAME_BYTES], before[NAME_BYTES] = "x";
    gd_function(graph, "f", "a", "o");
    gd_node(graph, "z", "Neg", "a");
    gd_function_result(graph, "o", "z:y:0");
    for (int i = 0; i < n; i++) gd_function_control(graph, "z");
    gd_function_end(graph);
    input(graph, "x", 2);
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(name, "y", i), "f", before);
        strcpy(before, name);
    }
}

/* n inputs that one node holds to their size. */
static void make_pinned_inputs(gd_graph *graph, int n) {
    char *names = list_of("x", n), name[NAME_BYTES];
    for (int i = 0; i < n; i++) input(graph, name_of(name, "x", i), 2);
    gd_node(graph, "y", "AddN", names);
    free(names);
}

/* n poolings, each of which wants the picture a little larger. */
static void make_growing_demands(gd_graph *graph, int n) {
    static const int64_t window[4] = {1, 3, 3, 1}, strides[4] = {1, 1, 1, 1};
    char name[NAME_BYTES], before[NAME_BYTES] = "x";
    gd_placeholder(graph, "x", GD_FLOAT, 4, (int64_t[]){1, -1, -1, 1});
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(name, "p", i), "MaxPool", before);
        gd_attr_ints(graph, "ksize", 4, window);
        gd_attr_ints(graph, "strides", 4, strides);
        gd_attr_text(graph, "padding", "VALID");
        strcpy(before, name);
    }
}

/* n nodes that are the same but for sizes that data decides. */
static void make_data_sizes(gd_graph *graph, int n) {
    char *sizes = list_of("s", n), name[NAME_BYTES], in[NAME_BYTES];
    gd_placeholder(graph, "x", GD_BOOL, 1, (int64_t[]){-1});
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(in, "w", i), "Where", "x");
        gd_node(graph, name_of(name, "s", i), "Size", in);
    }
    gd_node(graph, "y", "Pack", sizes);
    free(sizes);
}

/* n values that are all alive at once. */
static void make_many_alive(gd_graph *graph, int n) {
    char *names = list_of("n", n), name[NAME_BYTES];
    input(graph, "x", 2);
    gd_scalar_s32(graph, "axis", 1);
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(name, "n", i), "LeakyRelu", "x");
        gd_attr_float(graph, "alpha", (float)i / 65536);
    }
    char *inputs = malloc(strlen(names) + 8);
    sprintf(inputs, "%s axis", names);
    gd_node(graph, "z", "ConcatV2", inputs);
    free(inputs);
    free(names);
}

/* n layers that share n bytes of weights. */
static void make_shared_weights(gd_graph *graph, int n) {
    char name[NAME_BYTES], in[NAME_BYTES], before[NAME_BYTES] = "x";
    gd_placeholder(graph, "x", GD_FLOAT, 2, (int64_t[]){1, 16});
    qn_buffer tensor = gd_tensor(GD_FLOAT, 2, (int64_t[]){16, n});
    float *values = calloc((size_t)n * 16, sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < 16 * n; i++) values[i] = (float)(i % 251) / 251;
    gd_tensor_content(&tensor, values, (size_t)n * 16 * sizeof *values);
    gd_const(graph, "w", GD_FLOAT, &tensor);
    free(values);
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(in, "l", i), "LeakyRelu", before);
        gd_attr_float(graph, "alpha", (float)i / 65536);
        strcpy(before, in);
        pair_node(graph, name_of(name, "m", i), "MatMul", in, "w");
    }
}

static void turn_node(gd_graph *graph, const char *name, const char *from, const char *perm) {
    pair_node(graph, name, "Transpose", from, perm);
}

static void make_perms(gd_graph *graph) {
    gd_const_s32(graph, "nchw", 1, (int64_t[]){4}, (int32_t[]){0, 3, 1, 2});
    gd_const_s32(graph, "nhwc", 1, (int64_t[]){4}, (int32_t[]){0, 2, 3, 1});
}

/* A residual network of n blocks: one region of what can be in either layout, through all of them. */
static void make_residual_nchw(gd_graph *graph, int n) {
    char relu[NAME_BYTES], in[NAME_BYTES], pool[NAME_BYTES], out[NAME_BYTES], sum[NAME_BYTES],
        before[NAME_BYTES] = "x0";
    gd_placeholder(graph, "x", GD_FLOAT, 4, (int64_t[]){1, 4, 4, 2});
    make_perms(graph);
    turn_node(graph, "x0", "x", "nchw");
    for (int i = 0; i < n; i++) {
        gd_node(graph, name_of(relu, "r", i), "Relu", before);
        turn_node(graph, name_of(in, "i", i), relu, "nhwc");
        gd_node(graph, name_of(pool, "p", i), "MaxPool", in);
        gd_attr_ints(graph, "ksize", 4, (int64_t[]){1, 3, 3, 1});
        gd_attr_ints(graph, "strides", 4, (int64_t[]){1, 1, 1, 1});
        gd_attr_text(graph, "padding", "SAME");
        turn_node(graph, name_of(out, "o", i), pool, "nchw");
        pair_node(graph, name_of(sum, "s", i), "Add", out, before);
        strcpy(before, sum);
    }
    turn_node(graph, "y", before, "nhwc");
}

/* One value, n orders of its axes in turn, each with readers of its own. */
static void make_many_orders(gd_graph *graph, int n) {
    char turned[NAME_BYTES], name[NAME_BYTES], before[NAME_BYTES] = "x";
    gd_placeholder(graph, "x", GD_FLOAT, 4, (int64_t[]){2, 2, 2, 2});
    make_perms(graph);
    for (int i = 0; i < n; i++) {
        turn_node(graph, name_of(turned, "t", i), before, i % 3 ? "nchw" : "nhwc");
        gd_node(graph, name_of(name, "r", i), i % 2 ? "Relu" : "Tanh", i % 5 ? turned : before);
        strcpy(before, name);
    }
    turn_node(graph, "y", before, "nhwc");
}

/* ---- Measuring ---- */

static double cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Imports, and builds unless `json` is NULL. */
static void build_once(qn_bytes bytes, const char *json) {
    qn_network *network;
    qn_model *model = NULL;
    expect_ok(qn_network_import_memory(bytes.data, bytes.size, "grown.pb", NULL, &network));
    if (json) {
        qn_config *config = config_of(json);
        expect_ok(qn_build(network, config, NULL, &model));
        qn_config_destroy(config);
    }
    qn_model_destroy(model);
    qn_network_destroy(network);
}

/* The least processor time of `tries` builds, in ms. */
static double measure(make_fn make, int n, int tries, const char *json) {
    gd_graph graph;
    double best = 1e30;
    gd_init(&graph);
    make(&graph, n);
    qn_bytes bytes = gd_finish(&graph);
    for (int i = 0; i < tries; i++) {
        double start = cpu_ms();
        build_once(bytes, json);
        double took = cpu_ms() - start;
        if (took < best) best = took;
    }
    gd_deinit(&graph);
    return best;
}

static void expect_linear(make_fn make, int n, const char *json) {
    double small = measure(make, n, TRIES, json), large = 0;
    for (int i = 0; i < TRIES; i++) {
        large = measure(make, TIMES * n, 1, json);
        print_message("%d: %.1f ms, %d: %.1f ms\n", n, small, TIMES * n, large);
        if (large <= BOUND * small) return;
    }
    fail_msg("%.1f times the time for %d times the size", large / small, TIMES);
}

static void results_of_functions_are_found_by_name(void **state) {
    (void)state;
    expect_linear(make_named_results, 500, NULL);
}
static void parameters_of_calls_are_found_by_name(void **state) {
    (void)state;
    expect_linear(make_call_parameters, 1000, NULL);
}
static void controls_of_functions_count_once(void **state) {
    (void)state;
    expect_linear(make_repeated_controls, 300, NULL);
}
static void inputs_that_one_node_pins(void **state) {
    (void)state;
    expect_linear(make_pinned_inputs, 500, "{}");
}
static void demands_that_grow_along_a_chain(void **state) {
    (void)state;
    expect_linear(make_growing_demands, 2000, "{}");
}
static void equal_nodes_with_sizes_from_data(void **state) {
    (void)state;
    expect_linear(make_data_sizes, 2000, "{}");
}
static void values_that_are_alive_at_once(void **state) {
    (void)state;
    expect_linear(make_many_alive, 3000, "{}");
}
static void halves_of_shared_weights(void **state) {
    (void)state;
    expect_linear(make_shared_weights, 500, "{'precision_config': {'precision_mode': 'force_float16'}}");
}
static void layouts_of_long_residual_networks(void **state) {
    (void)state;
    expect_linear(make_residual_nchw, 100, "{}");
}
static void many_orders_of_axes(void **state) {
    (void)state;
    expect_linear(make_many_orders, 500, "{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_functions_are_found_by_name),
        cmocka_unit_test(parameters_of_calls_are_found_by_name),
        cmocka_unit_test(controls_of_functions_count_once),
        cmocka_unit_test(inputs_that_one_node_pins),
        cmocka_unit_test(demands_that_grow_along_a_chain),
        cmocka_unit_test(equal_nodes_with_sizes_from_data),
        cmocka_unit_test(values_that_are_alive_at_once),
        cmocka_unit_test(halves_of_shared_weights),
        cmocka_unit_test(layouts_of_long_residual_networks),
        cmocka_unit_test(many_orders_of_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
