/* What importers share, used by a format that is not TensorFlow's (toy_format.h). */
#include "expect.h"
#include "graph_eval.h"
#include "import/common/constant.h"
#include "import/common/convert.h"
#include "import/common/order.h"
#include "import/common/site.h"
#include "toy_format.h"
#include "warnings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    char folder[64], path[96];
    qn_arena arena;
    qn_source source;
    qn_graph *graph;
    qn_import_options options;
    kept_warnings warnings;
} fixture;

static const char *in_folder(fixture *f, const char *name) {
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    return f->path;
}

static void write_file(fixture *f, const char *name, const void *data, size_t bytes) {
    FILE *file = fopen(in_folder(f, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

/* weights.bin: 64 floats 0, 1/8, 2/8 ... */
static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    float weights[64];
    strcpy(f->folder, "/tmp/qn_common_XXXXXX");
    if (!mkdtemp(f->folder)) return 1;
    for (int i = 0; i < 64; i++) weights[i] = (float)i / 8;
    write_file(f, "weights.bin", weights, sizeof weights);
    qn_arena_init(&f->arena, NULL);
    warnings_keep(&f->warnings, &f->options);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    qn_arena_deinit(&f->arena);
    qn_source_close(&f->source);
    remove(in_folder(f, "weights.bin"));
    remove(in_folder(f, "m.toy"));
    rmdir(f->folder);
    free(f);
    return 0;
}

static qn_status *import_toy(fixture *f, const char *text) {
    const qn_import_format *format;
    write_file(f, "m.toy", text, strlen(text));
    qn_source_close(&f->source);
    QN_TRY(qn_source_open(in_folder(f, "m.toy"), "a model", 1 << 20, NULL, &f->source));
    f->source.path = "m.toy"; /* siblings are found by the real path, so only models without any are renamed */
    if (strstr(text, "weights.bin")) f->source.path = f->path;
    QN_TRY(qn_import_recognise(&toy_formats, &f->source, &format));
    QN_TRY(qn_import_run(format, &f->source, &f->options, &f->arena, &f->graph));
    return qn_graph_verify(f->graph);
}

static void refuse_toy(fixture *f, const char *text, qn_code code, const char *message) {
    char whole[512];
    qn_status *status = import_toy(f, text);
    snprintf(whole, sizeof whole, "toy: %s: %s", f->source.path, message);
    assert_null(f->graph);
    if (status && strcmp(qn_status_message(status), whole) != 0)
        fail_msg("got '%s', expected '%s'", qn_status_message(status), whole);
    expect_failure(status, code, message);
}

/* Evaluates output 0 for one input of floats. */
static const float *evaluate(fixture *f, const float *x) {
    qn_view *views = QN_ARENA_ARRAY(&f->arena, qn_view, f->graph->values.count);
    const qn_value *input = f->graph->inputs.items[0], *output = f->graph->outputs.items[0];
    views[input->id] = (qn_view){.dtype = QN_DTYPE_F32, .rank = input->type.rank, .data = (void *)(uintptr_t)x};
    for (int i = 0; i < input->type.rank; i++)
        assert_true(qn_dim_is_const(f->graph->dims, input->type.dims[i], &views[input->id].dims[i]));
    expect_ok(graph_eval(f->graph, &f->arena, views));
    return views[output->id].data;
}

static int count_ops(const fixture *f, const qn_op_def *op) {
    int count = 0;
    for (const qn_node *node = f->graph->first; node; node = node->next) count += node->op == op;
    return count;
}

/* ---- Layout and sources of nodes ---- */

enum { CHANNELS = 3, FILTERS = 2, SIZE = 4 };

/* The sum of a 3x3 window over [CHANNELS, SIZE, SIZE] with one line of padding, weights [FILTERS, CHANNELS, 3, 3]. */
static float window(const float *x, int filter, int y0, int x0) {
    float sum = 0;
    for (int c = 0; c < CHANNELS; c++)
        for (int ky = 0; ky < 3; ky++)
            for (int kx = 0; kx < 3; kx++) {
                int row = y0 + ky - 1, column = x0 + kx - 1;
                if (row < 0 || column < 0 || row >= SIZE || column >= SIZE) continue;
                sum += x[(c * SIZE + row) * SIZE + column] *
                       ((float)(((filter * CHANNELS + c) * 3 + ky) * 3 + kx + 4) / 8);
            }
    return sum;
}

static void a_convolution_in_nchw_computes_what_its_source_says(void **state) {
    fixture *f = *state;
    float x[CHANNELS * SIZE * SIZE];
    for (int i = 0; i < CHANNELS * SIZE * SIZE; i++) x[i] = (float)(i % 7) - 3;
    expect_ok(import_toy(f, "toy 13\ninput x f32 1 3 4 4\nweights w f32 weights.bin 16 2 3 3 3\n"
                            "node c Conv x w ; pads=1,1,1,1 strides=1,1\noutput c\n"));
    assert_int_equal(count_ops(f, &qn_op_transpose), 3); /* in, out, and the filter */
    const float *y = evaluate(f, x);
    for (int k = 0; k < FILTERS; k++)
        for (int i = 0; i < SIZE * SIZE; i++)
            assert_float_equal(y[k * SIZE * SIZE + i], window(x, k, i / SIZE, i % SIZE), 1e-4f);
}

static void every_node_says_its_format_and_its_source(void **state) {
    fixture *f = *state;
    expect_ok(import_toy(f, "toy 13\ninput x f32 1 3 4 4\nweights w f32 weights.bin 0 2 3 3 3\n"
                            "node c Conv x w ; padding=same\noutput c\n"));
    for (const qn_node *node = f->graph->first; node; node = node->next)
        assert_string_equal(node->source, "toy: node 'c' (Conv)");
    assert_string_equal(f->graph->outputs.items[0]->name, "c");
    assert_non_null(qn_graph_find_node(f->graph, "c/to_nhwc"));
}

static void helpers_keep_clear_of_names_in_the_source(void **state) {
    fixture *f = *state;
    expect_ok(import_toy(f, "toy 13\ninput x f32 2\nnode s Sum x x x\nnode s/sum_1 Relu s\noutput s/sum_1\n"));
    assert_non_null(qn_graph_find_node(f->graph, "s/sum_1_"));
    assert_ptr_equal(qn_graph_find_node(f->graph, "s/sum_1")->op, &qn_op_relu);
    assert_float_equal(evaluate(f, (float[]){2, -1})[0], 6.0f, 0.0f);
}

static void parts_become_outputs_of_their_own(void **state) {
    fixture *f = *state;
    expect_ok(
        import_toy(f, "toy 13\ninput x f32 2 5\nnode s Split x ; axis=-1 sizes=1,3,-1\noutput s:1\noutput s:2\n"));
    assert_int_equal(f->graph->outputs.count, 2);
    const float *y = evaluate(f, (float[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    static const float middle[] = {1, 2, 3, 6, 7, 8};
    assert_memory_equal(y, middle, sizeof middle);
    assert_string_equal(qn_graph_find_node(f->graph, "s:1")->source, "toy: node 's:1' (Split)");
}

static void an_output_of_a_value_that_passes_through_keeps_its_name(void **state) {
    fixture *f = *state;
    expect_ok(import_toy(f, "toy 13\ninput x f32 2\nnode i Identity x\noutput i\n"));
    assert_string_equal(f->graph->outputs.items[0]->name, "i");
    assert_int_equal(count_ops(f, &qn_op_identity), 1);
}

/* ---- Versions ---- */

static void the_row_of_the_version_converts(void **state) {
    fixture *f = *state;
    const float x[] = {1, 2, 3, 4};
    expect_ok(import_toy(f, "toy 12\ninput x f32 2 2\nnode s ReduceSum x ; axes=-1\noutput s\n"));
    assert_float_equal(evaluate(f, x)[1], 7.0f, 0.0f);
    expect_ok(import_toy(f, "toy 13\ninput x f32 2 2\nnumbers a s64 -2\nnode s ReduceSum x a\noutput s\n"));
    assert_float_equal(evaluate(f, x)[1], 6.0f, 0.0f);
    f->graph = NULL;
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnode s ReduceSum x ; axes=0\noutput s\n", QN_INVALID_MODEL,
               "node 's' (ReduceSum): has 1 inputs, 2 expected");
}

/* ---- Attributes that the row names ---- */

static void rows_say_where_attributes_come_from(void **state) {
    fixture *f = *state;
    const float x[] = {1, 2, 4, 8};
    expect_ok(import_toy(f, "toy 13\ninput x f32 2 2\nnumbers a s64 -1\nnode s CumSum x a\noutput s\n"));
    assert_memory_equal(evaluate(f, x), ((float[]){1, 3, 4, 12}), sizeof x);
    expect_ok(import_toy(f, "toy 13\ninput x f32 2 2\nnumbers a s64 0\n"
                            "node s CumSum x a ; exclusive=true backwards=true\noutput s\n"));
    assert_memory_equal(evaluate(f, x), ((float[]){4, 8, 0, 0}), sizeof x);
    assert_int_equal(qn_graph_find_node(f->graph, "s")->input_count, 1);
    f->graph = NULL;
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnumbers a s64 2\nnode s CumSum x a\noutput s\n", QN_INVALID_MODEL,
               "node 's' (CumSum), input 1 'a': axis 2 is outside -2 .. 1");
}

static int is_sound_with(const char *attrs) {
    const qn_import_row row = {"CumSum", 1, 0, 2, 2, qn_convert_attrs, &qn_op_cumsum, attrs};
    const qn_import_table table = {&row, 1};
    return qn_import_table_is_sound(&table);
}

static void tables_whose_rows_name_other_attributes_are_unsound(void **state) {
    (void)state;
    assert_true(is_sound_with("axis=#1, exclusive, reverse"));
    assert_true(is_sound_with(""));
    assert_false(is_sound_with("axes=#1"));
    assert_false(is_sound_with("axis=#2"));
    assert_false(is_sound_with("exclusive=#1"));
    assert_false(is_sound_with("axis="));
    assert_false(is_sound_with("axis=#1, , reverses"));
    const qn_import_row row = {"Conv", 1, 0, 2, 2, qn_convert_attrs, &qn_op_conv2d, "padding"};
    const qn_import_table table = {&row, 1};
    assert_false(qn_import_table_is_sound(&table)); /* spellings differ between formats */
}

static void rows_begin_and_end_with_their_versions(void **state) {
    (void)state;
    assert_ptr_equal(qn_import_table_find(&toy_table, "Old", 1)->op, &qn_op_neg);
    assert_ptr_equal(qn_import_table_find(&toy_table, "Old", 6)->op, &qn_op_neg);
    assert_null(qn_import_table_find(&toy_table, "Old", 7));
    assert_ptr_equal(qn_import_table_find(&toy_table, "Old", 9)->op, &qn_op_abs);
    assert_null(qn_import_table_find(&toy_table, "Old", 11));
    assert_null(qn_import_table_find(&toy_table, "Old", 0));
    assert_non_null(qn_import_table_find(&toy_table, "Sum", 1000));
    assert_null(qn_import_table_find(&toy_table, "Su", 1));
    assert_true(qn_import_table_is_sound(&toy_table));
}

static void tables_with_rows_out_of_order_or_overlapping_are_unsound(void **state) {
    (void)state;
    qn_import_row rows[2] = {toy_table.rows[3], toy_table.rows[4]}; /* Old, 1 to 6 and 9 to 10 */
    const qn_import_table table = {rows, 2};
    assert_true(qn_import_table_is_sound(&table));
    rows[0].until = 9;
    assert_false(qn_import_table_is_sound(&table));
    rows[0].until = 0;
    assert_false(qn_import_table_is_sound(&table));
    rows[0].until = 6;
    rows[0].source = "Z";
    assert_false(qn_import_table_is_sound(&table));
    rows[0] = toy_table.rows[3];
    rows[1].until = 8;
    assert_false(qn_import_table_is_sound(&table));
    rows[1].until = 0;
    rows[1].max_inputs = 0;
    assert_false(qn_import_table_is_sound(&table));
}

static void all_operators_that_no_row_reads_are_told_at_once(void **state) {
    fixture *f = *state;
    refuse_toy(f,
               "toy 8\ninput x f32 2\nnode a Old x\nnode b New a\nnode c New b\nnode d New c\nnode e New d\noutput e\n",
               QN_UNSUPPORTED,
               "2 operators are not supported: Old (not of version 8: read are 1 to 6, 9 to 10; 1 node: 'a'), New (4 "
               "nodes: 'b', 'c', 'd', ...); outputs that do not need them can be named (--output NAME)");
    qn_arena *arena = &f->arena;
    assert_string_equal(qn_import_table_versions(&toy_table, "ReduceSum", arena), "1 to 12, since 13");
    assert_null(qn_import_table_versions(&toy_table, "New", arena));
}

/* ---- Order ---- */

/* Node i waits for the nodes that edges[i] has bits of; node 7 is cut off. */
static int find_producer(const void *self, uint32_t node, size_t index, uint32_t *out_producer) {
    const unsigned *edges = self;
    if (index == 8) return -1;
    *out_producer = (uint32_t)index;
    return index != 7 && (edges[node] >> index & 1);
}

static void name_node(const void *self, uint32_t node, const char **out_name, const char **out_op) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    (void)self;
    *out_name = names[node];
    *out_op = "Op";
}

static void producers_come_before_consumers_and_each_once(void **state) {
    fixture *f = *state;
    /* 0 needs 1 and 2, both need 3; 2 is cut off from 7, which needs 0; 4 stands alone. */
    static const unsigned edges[8] = {1u << 1 | 1u << 2, 1u << 3, 1u << 3 | 1u << 7, 0, 0, 0, 0, 1};
    qn_import_order order = {
        .arena = &f->arena, .node_count = 8, .self = edges, .find_producer = find_producer, .name_node = name_node};
    expect_ok(qn_import_order_add(&order, 0));
    static const uint32_t expected[] = {3, 1, 2, 0, 4};
    assert_int_equal(order.nodes.count, 4);
    expect_ok(qn_import_order_add(&order, 1)); /* there already */
    expect_ok(qn_import_order_add(&order, 4));
    assert_int_equal(order.nodes.count, 5);
    assert_memory_equal(order.nodes.items, expected, sizeof expected);
}

static void a_node_that_depends_on_itself_is_refused_with_its_ring(void **state) {
    fixture *f = *state;
    static const unsigned edges[8] = {1u << 1, 1u << 2, 1u << 3, 1u << 1}, alone[8] = {1};
    qn_import_order order = {
        .arena = &f->arena, .node_count = 8, .self = edges, .find_producer = find_producer, .name_node = name_node};
    expect_failure(qn_import_order_add(&order, 0), QN_INVALID_MODEL,
                   "node 'b' (Op) depends on itself: 'd' -> 'c' -> 'b' -> 'd'");
    qn_import_order own = order;
    own.self = alone;
    own.marks = NULL;
    expect_failure(qn_import_order_add(&own, 0), QN_INVALID_MODEL, "node 'a' (Op) depends on itself: 'a' -> 'a'");
}

/* ---- Messages ---- */

static void failures_name_format_file_node_operator_and_input(void **state) {
    fixture *f = *state;
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnode s Softmax x ; axis=2\noutput s\n", QN_INVALID_MODEL,
               "node 's' (Softmax): attribute 'axis': axis 2 is outside -2 .. 1");
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnode s Softmax x ; axis=1,2\noutput s\n", QN_INVALID_MODEL,
               "node 's' (Softmax): attribute 'axis' holds a list, expected an integer");
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnode c Conv x x\noutput c\n", QN_INVALID_MODEL,
               "node 'c' (Conv), input 0 'x': 4 dims expected, 2 found");
    refuse_toy(f, "toy 13\ninput x f32 1 1 2 2\nnode c Conv x x ; padding=some\noutput c\n", QN_UNSUPPORTED,
               "node 'c' (Conv): attribute 'padding' is 'some'; none, same expected");
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnumbers a s32 0 -2\nnode s ReduceSum x a\noutput s\n", QN_INVALID_MODEL,
               "node 's' (ReduceSum), input 1 'a': axis 0 is given twice");
    refuse_toy(f, "toy 13\ninput x f32 2 2\nnode s ReduceSum x x\noutput s\n", QN_INVALID_MODEL,
               "node 's' (ReduceSum), input 1 'x': integers expected, f32 found");
    refuse_toy(f, "toy 13\ninput x f32 2 2\ninput a s32 2\nnode s ReduceSum x a\noutput s\n", QN_UNSUPPORTED,
               "node 's' (ReduceSum), input 1 'a': its value must be a constant; here it is computed while the network "
               "runs");
    refuse_toy(f, "toy 13\ninput x f32 2\nnode r Relu y\noutput r\n", QN_INVALID_MODEL,
               "node 'r' (Relu), input 0 'y': there is no such value");
}

static void inputs_that_are_left_out_and_needed_are_told(void **state) {
    fixture *f = *state;
    refuse_toy(f, "toy 13\ninput x f32 1 1 2 2\nnode c Conv x -\noutput c\n", QN_INVALID_MODEL,
               "node 'c' (Conv), input 1 '-': is left out; this operator needs it");
    refuse_toy(f, "toy 13\ninput x f32 2\nnode s ReduceSum x -\noutput s\n", QN_INVALID_MODEL,
               "node 's' (ReduceSum), input 1 '-': is left out; this operator needs it");
    refuse_toy(f, "toy 13\nnode r Softmax -\noutput r\n", QN_INVALID_MODEL,
               "node 'r' (Softmax), input 0 '-': is left out; this operator needs it");
    refuse_toy(f, "toy 13\nnode r Relu -\noutput r\n", QN_INVALID_MODEL,
               "node 'r' (Relu), input 0 '-': is left out; this operator needs it");
    refuse_toy(f, "toy 13\ninput x f32 2\nnode s Sum x -\noutput s\n", QN_INVALID_MODEL,
               "node 's' (Sum): input 1 is missing");
}

static void failures_of_inference_name_the_node_once(void **state) {
    fixture *f = *state;
    qn_status *status = import_toy(f, "toy 13\ninput x f32 2\ninput y f32 3\nnode s Sum x y\noutput s\n");
    assert_non_null(status);
    const char *message = qn_status_message(status), *first = strstr(message, "node 's' (Sum)");
    assert_memory_equal(message, "toy: m.toy: node 's' (Sum)", strlen("toy: m.toy: node 's' (Sum)"));
    assert_null(strstr(first + 1, "node 's'"));
    qn_status_free(status);
}

static void an_unknown_attribute_is_warned_about_once_for_its_operator(void **state) {
    fixture *f = *state;
    expect_ok(import_toy(f, "toy 13\ninput x f32 2\nnode a Relu x ; mode=1\nnode b Relu a ; mode=1\noutput b\n"));
    assert_int_equal(f->warnings.count, 1);
    assert_string_equal(f->warnings.last,
                        "toy: m.toy: node 'a' (Relu): attribute 'mode' is not known; it is ignored, here and "
                        "on other Relu nodes");
}

/* ---- Inputs of the graph ---- */

static void dims_that_are_asked_for_win_over_declared_ones(void **state) {
    fixture *f = *state;
    const char *const names[] = {"x"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 2, .dims = {4, -1}}};
    const char *model = "toy 13\ninput x f32 ? 3\nnode r Relu x\noutput r\n";
    expect_ok(import_toy(f, model));
    const qn_value *x = f->graph->inputs.items[0];
    assert_true(qn_dim_is_symbol(f->graph->dims, x->type.dims[0]));
    f->options.inputs = names;
    f->options.input_dims = dims;
    f->options.input_count = 1;
    expect_ok(import_toy(f, model));
    int64_t number;
    x = f->graph->inputs.items[0];
    assert_true(qn_dim_is_const(f->graph->dims, x->type.dims[0], &number) && number == 4);
    assert_true(qn_dim_is_symbol(f->graph->dims, x->type.dims[1]));
    assert_int_equal(x->fixed_axes, 1);
    assert_string_equal(f->warnings.last, "toy: m.toy: node 'x': dim 1 is declared as 3; -1 is used as asked");
    f->graph = NULL;
    refuse_toy(f, "toy 13\ninput x f32 2 3 4\nnode r Relu x\noutput r\n", QN_INVALID_ARGUMENT,
               "input 'x': 2 dims are given, the graph declares 3");
}

/* ---- Constants ---- */

static void constants_lie_in_the_files_bytes_where_these_are_aligned(void **state) {
    fixture *f = *state;
    qn_bytes file;
    expect_ok(import_toy(f, "toy 13\ninput x f32 2\nweights w f32 weights.bin 8 2\nnode s Sum x w\noutput s\n"));
    expect_ok(qn_source_open_sibling(&f->source, "weights.bin", &file));
    assert_ptr_equal(qn_value_view(qn_graph_find_value(f->graph, "w")).data, file.data + 8);
    assert_float_equal(evaluate(f, (float[]){1, 1})[1], 1.375f, 0.0f);

    expect_ok(import_toy(f, "toy 13\ninput x f32 2\nweights w f32 weights.bin 6 2\nnode s Sum x w\noutput s\n"));
    expect_ok(qn_source_open_sibling(&f->source, "weights.bin", &file));
    const qn_view copied = qn_value_view(qn_graph_find_value(f->graph, "w"));
    assert_true((const uint8_t *)copied.data < file.data || (const uint8_t *)copied.data >= file.data + file.size);
    assert_memory_equal(copied.data, file.data + 6, 8);
}

static void weights_that_are_missing_or_short_are_told(void **state) {
    fixture *f = *state;
    refuse_toy(f, "toy 13\nweights w f32 weights.bin 252 2\n", QN_INVALID_MODEL,
               "weights.bin has 4 bytes, the shape needs 8 (2 elements of f32)");
    refuse_toy(f, "toy 13\nweights w f32 weights.bin 999 1\n", QN_INVALID_MODEL,
               "weights.bin has 0 bytes, the shape needs 4 (1 elements of f32)");
    refuse_toy(f, "toy 13\nweights w f32 weights.bin 0 4611686018427387904 16\n", QN_INVALID_MODEL,
               "the product of the constant's dims overflows at dim 0 (4611686018427387904)");
    refuse_toy(f, "toy 13\nweights w f32 ../weights.bin 0 1\n", QN_INVALID_MODEL,
               "the model refers to '../weights.bin', which leaves its folder; only files in it are read");
}

static void listed_numbers_are_narrowed_and_must_fit(void **state) {
    fixture *f = *state;
    expect_ok(import_toy(f, "toy 13\nnumbers n s8 -128 127\noutput n\n"));
    const qn_node *node = f->graph->first;
    const qn_value *n = node ? node->inputs[0] : f->graph->outputs.items[0];
    const qn_view view = qn_value_view(n);
    assert_int_equal(qn_view_get_int(&view, 0), -128);
    assert_int_equal(qn_view_get_int(&view, 1), 127);
    f->graph = NULL;
    refuse_toy(f, "toy 13\nnumbers n s8 0 128\noutput n\n", QN_INVALID_MODEL,
               "constant 'n': value 1 (128) does not fit s8");
    refuse_toy(f, "toy 13\nnumbers n u16 -1\noutput n\n", QN_INVALID_MODEL,
               "constant 'n': value 0 (-1) does not fit u16");
}

static void bools_that_are_neither_0_nor_1_are_copied_and_become_1(void **state) {
    fixture *f = *state;
    static const uint8_t sound[] = {0, 1, 1}, odd[] = {0, 1, 7};
    qn_import_copied copied = {0};
    qn_view view = {.dtype = QN_DTYPE_BOOL, .rank = 1, .dims = {3}};
    expect_ok(qn_constant_take_bytes((qn_bytes){sound, 3}, "raw", &f->arena, &copied, &view));
    assert_ptr_equal(view.data, sound);
    assert_int_equal(copied.bytes, 0);
    expect_ok(qn_constant_take_bytes((qn_bytes){odd, 3}, "raw", &f->arena, &copied, &view));
    assert_memory_equal(view.data, sound, 3);
    assert_int_equal(copied.bytes, 3);
    expect_ok(qn_constant_store_int(&view, 0, 256)); /* listed: any number but 0 is true */
    assert_int_equal(((const uint8_t *)view.data)[0], 1);
}

/* ---- Formats ---- */

static void a_format_that_is_misspelt_is_refused_with_the_nearest(void **state) {
    (void)state;
    const qn_import_format *format;
    expect_failure(qn_import_format_find(&qn_import_formats_known, "tensorflwo", &format), QN_INVALID_ARGUMENT,
                   "format 'tensorflwo' is not known; did you mean 'tensorflow'?");
    assert_null(format);
    expect_failure(qn_import_format_find(&qn_import_formats_known, "", &format), QN_INVALID_ARGUMENT,
                   "format '' is not known; 'tensorflow' is");
    expect_ok(qn_import_format_find(&toy_formats, "toy", &format));
    assert_ptr_equal(format, toy_formats.rows);
    const qn_import_format three[] = {{.name = "a1"}, {.name = "b2"}, {.name = "c3"}};
    expect_failure(qn_import_format_find(&(qn_import_formats){three, 3}, "pytorch", &format), QN_INVALID_ARGUMENT,
                   "format 'pytorch' is not known; 'a1', 'b2' and 'c3' are");
}

static void formats_are_asked_before_a_file_is_refused(void **state) {
    fixture *f = *state;
    const qn_import_format *format;
    qn_source_init_memory(&f->source, (qn_bytes){(const uint8_t *)"toy 13\n", 7}, "m", NULL);
    expect_ok(qn_import_recognise(&toy_formats, &f->source, &format));
    assert_string_equal(format->name, "toy");
    expect_failure(qn_import_recognise(&qn_import_formats_known, &f->source, &format), QN_INVALID_MODEL, "m is text");
    assert_null(format);
}

static void every_known_format_has_a_name_a_title_and_its_functions(void **state) {
    (void)state;
    for (size_t i = 0; i < qn_import_formats_known.count; i++) {
        const qn_import_format *row = &qn_import_formats_known.rows[i], *found;
        assert_true(row->name[0] && row->title[0] && row->recognise && row->import);
        expect_ok(qn_import_format_find(&qn_import_formats_known, row->name, &found));
        assert_ptr_equal(found, row); /* no name twice */
    }
}

static void options_of_one_format_reach_it_and_no_other(void **state) {
    fixture *f = *state;
    const toy_options own = {.version = 12};
    const char *model = "toy 13\ninput x f32 2 2\nnode s ReduceSum x ; axes=0\noutput s\n";
    f->options.own = &own;
    f->options.own_bytes = sizeof own;
    expect_ok(import_toy(f, model));
    f->options.own_bytes = 1;
    expect_failure(import_toy(f, model), QN_INVALID_ARGUMENT, "the options of format 'toy' have 4 bytes, 1 are given");
    f->options.own_bytes = sizeof own;
    expect_failure(qn_import_run(&qn_import_formats_known.rows[0], &f->source, &f->options, &f->arena, &f->graph),
                   QN_INVALID_ARGUMENT, "format 'tensorflow' has no options of its own");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_convolution_in_nchw_computes_what_its_source_says),
        CASE(every_node_says_its_format_and_its_source),
        CASE(helpers_keep_clear_of_names_in_the_source),
        CASE(parts_become_outputs_of_their_own),
        CASE(an_output_of_a_value_that_passes_through_keeps_its_name),
        CASE(rows_say_where_attributes_come_from),
        CASE(tables_whose_rows_name_other_attributes_are_unsound),
        CASE(the_row_of_the_version_converts),
        CASE(rows_begin_and_end_with_their_versions),
        CASE(tables_with_rows_out_of_order_or_overlapping_are_unsound),
        CASE(all_operators_that_no_row_reads_are_told_at_once),
        CASE(producers_come_before_consumers_and_each_once),
        CASE(a_node_that_depends_on_itself_is_refused_with_its_ring),
        CASE(failures_name_format_file_node_operator_and_input),
        CASE(inputs_that_are_left_out_and_needed_are_told),
        CASE(failures_of_inference_name_the_node_once),
        CASE(an_unknown_attribute_is_warned_about_once_for_its_operator),
        CASE(dims_that_are_asked_for_win_over_declared_ones),
        CASE(constants_lie_in_the_files_bytes_where_these_are_aligned),
        CASE(weights_that_are_missing_or_short_are_told),
        CASE(listed_numbers_are_narrowed_and_must_fit),
        CASE(bools_that_are_neither_0_nor_1_are_copied_and_become_1),
        CASE(a_format_that_is_misspelt_is_refused_with_the_nearest),
        CASE(formats_are_asked_before_a_file_is_refused),
        CASE(every_known_format_has_a_name_a_title_and_its_functions),
        CASE(options_of_one_format_reach_it_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
