/* Mutable shapes: which dims become free, what pins the others, and what dim_range makes of both. */
#include "driver_case.h"

#include "base/memory.h"
#include "driver/shapes/ranges.h"

#include <string.h>

typedef struct rig {
    qn_arena arena;
    qn_graph *graph;
    qn_config *config;
    qn_pins pins;
    case_log log;
} rig;

static qn_status *apply(rig *r, const char *statements, const char *json) {
    memset(r, 0, sizeof *r);
    qn_arena_init(&r->arena, NULL);
    case_log_init(&r->log);
    r->graph = graph_of(&r->arena, statements);
    r->config = config_of(json);
    return qn_ranges_apply(r->graph, r->config, &r->log.log, &r->pins);
}

static void done(rig *r) {
    qn_config_destroy(r->config);
    qn_arena_deinit(&r->arena);
}

/* The range of dim `axis` of input `input`; -1 for no upper end. */
static void expect_range(const rig *r, size_t input, int axis, int64_t low, int64_t high) {
    int64_t found_low, found_high;
    qn_dim_range(r->graph->dims, r->graph->inputs.items[input]->type.dims[axis], &found_low, &found_high);
    if (found_low != low || found_high != (high < 0 ? QN_DIM_UNBOUNDED : high))
        fail_msg("dim %d of input %zu: %lld..%lld, expected %lld..%lld", axis, input, (long long)found_low,
                 (long long)found_high, (long long)low, (long long)high);
}

static void expect_pinned(const rig *r, size_t input, int axis, const char *words) {
    const qn_pin *pin = qn_pins_find(&r->pins, input, axis);
    if (!pin) fail_msg("dim %d of input %zu is not pinned", axis, input);
    if (!strstr(pin->reason, words)) fail_msg("'%s' does not mention '%s'", pin->reason, words);
}

static void refuse(const char *statements, const char *json, const char *words) {
    rig r;
    expect_refused(apply(&r, statements, json), QN_INVALID_ARGUMENT, words);
    done(&r);
}

#define CONV                                                                                                           \
    "input %x : f32[1, 8, 8, 3]\nconst %w : f32[3, 3, 3, 2] = random 1\n%y = conv2d(%x, %w) {padding=valid}\noutput "  \
    "%y\n"
/* As classifiers end: the batch is in a constant. */
#define RESHAPED                                                                                                       \
    "input %x : f32[1, 4, 4, 2]\nconst %to : s32[2] = {1, 32}\n%y = reshape(%x, %to) source \"tensorflow: node "       \
    "'End/Reshape' (Reshape)\"\noutput %y\n"
/* A reshape that counts height and width, and a product that demands a number of both. */
#define COUNTED                                                                                                        \
    "input %x : f32[1, 4, 4, 2]\nconst %to : s32[2] = {-1, 32}\nconst %flat : s32[2] = {1, -1}\nconst %w : f32[32, "   \
    "3] "                                                                                                              \
    "= random 1\n%y = reshape(%x, %to)\n%f = reshape(%x, %flat)\n%z = matmul(%f, %w)\noutput %y\noutput %z\n"
#define BATCHED                                                                                                        \
    "input %x : f32[1, 4, 3]\nconst %axes : s32[1] = {1}\nconst %to : s32[2] = {1, 3}\n%m = reduce_mean(%x, "          \
    "%axes)\n%y = reshape(%m, %to) name \"end\"\noutput %y\n"

/* A window as large as what is declared. */
#define WHOLE                                                                                                          \
    "input %x : f32[1, 8, 8, 3]\nconst %w : f32[8, 8, 3, 2] = random 1\n%y = conv2d(%x, %w) {padding=valid} name "     \
    "\"whole\"\noutput %y\n"
/* The first window could do with 3 rows, the second needs 6 of them. */
#define TWO_WINDOWS                                                                                                    \
    "symbol h [1, *]\ninput %x : f32[1, h, 9, 3]\nconst %w : f32[3, 3, 3, 2] = random 1\n%a = conv2d(%x, %w) "         \
    "{padding=valid} name \"first\"\nconst %v : f32[4, 4, 2, 2] = random 1\n%y = conv2d(%a, %v) {padding=valid} "      \
    "name \"second\"\noutput %y\n"

static void a_dim_that_needs_all_that_is_declared_is_pinned(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, WHOLE, NULL));
    expect_range(&r, 0, 0, 1, -1);
    expect_range(&r, 0, 1, 8, 8);
    expect_pinned(&r, 0, 2, "node 'whole' (conv2d)");
    expect_pinned(&r, 0, 2, "the source declares 8, and a dim_range (--range) opens more");
    done(&r);
    expect_ok(apply(&r, WHOLE, "{'dim_range': {'0': {'min': [1, 8, 8, 3], 'max': [1, 16, 8, 3]}}}"));
    expect_range(&r, 0, 1, 8, 16);
    done(&r);
}

static void the_lower_end_is_that_of_the_node_which_sets_it(void **state) {
    (void)state;
    rig r;
    qn_dim symbol;
    expect_ok(apply(&r, TWO_WINDOWS, NULL));
    expect_range(&r, 0, 1, 6, -1);
    assert_true(qn_dim_symbol_find(r.graph->dims, "h", &symbol));
    assert_non_null(strstr(qn_dim_symbol_reason(r.graph->dims, symbol), "node 'second'"));
    done(&r);
}

static void fixed_dims_become_mutable_unless_the_graph_pins_them(void **state) {
    (void)state;
    static const char *const configs[] = {NULL, "{'graph_shape_mutable': true}"};
    for (int i = 0; i < 2; i++) {
        rig r;
        expect_ok(apply(&r, CONV, configs[i]));
        expect_range(&r, 0, 0, 1, -1);
        expect_range(&r, 0, 1, 3, 8); /* the kernel has three rows */
        expect_range(&r, 0, 3, 3, 3);
        expect_pinned(&r, 0, 3, "constant 'w' of node 'y' (conv2d)");
        assert_int_equal(r.pins.list.count, 1);
        qn_dim symbol;
        assert_true(qn_dim_symbol_find(r.graph->dims, "x.1", &symbol));
        assert_true(qn_dim_same(symbol, r.graph->inputs.items[0]->type.dims[1]));
        expect_ok(qn_graph_verify(r.graph));
        done(&r);
    }
}

/* Nothing could be run: no memory can be planned for a size without end. */
static void a_batch_of_one_stays_where_a_size_that_depends_on_data_would_have_no_end(void **state) {
    (void)state;
    static const char *const networks[] = {
        "input %x : f32[1, 8]\n%i = where(%x)\noutput %i\n",
        "input %x : f32[1, 8]\ninput %s : s32[2]\nconst %at : s32[2] = {0, 0}\n%y = slice(%x, %at, %s)\noutput %y\n"};
    for (int i = 0; i < 2; i++) {
        rig r;
        expect_ok(apply(&r, networks[i], NULL));
        expect_range(&r, 0, 0, 1, 1);
        expect_range(&r, 0, 1, 1, 8);
        expect_pinned(&r, 0, 0, i ? "size 'y:0.0', which depends on data" : "size 'i:0.0', which depends on data");
        expect_ok(qn_graph_verify(r.graph));
        done(&r);
        expect_ok(apply(&r, networks[i], "{'dim_range': {'0': {'min': [1, 1], 'max': [3, 8]}}}"));
        expect_range(&r, 0, 0, 1, 3);
        assert_null(qn_pins_find(&r.pins, 0, 0));
        done(&r);
        qn_model *model = build_of(networks[i], NULL);
        qn_engine *engine;
        qn_context *context;
        expect_ok(qn_engine_create(model, NULL, &engine));
        expect_ok(qn_context_create(engine, &context));
        const qn_shape two[2] = {{2, {2, 8}}, {1, {2}}};
        expect_refused(qn_context_set_input_shapes(context, two, (size_t)i + 1), QN_INVALID_ARGUMENT,
                       "would have no end");
        qn_context_destroy(context);
        qn_engine_destroy(engine);
        qn_model_destroy(model);
    }
}

/* So memory has a ceiling, and there is a size to be tried at. */
static void what_is_opened_goes_up_to_the_size_that_the_source_declares(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, CONV, NULL));
    const qn_type *type = &r.graph->inputs.items[0]->type;
    const char *height = qn_dim_symbol_reason(r.graph->dims, type->dims[1]);
    expect_range(&r, 0, 0, 1, -1); /* a batch of one bounds nothing */
    expect_range(&r, 0, 2, 3, 8);
    assert_non_null(strstr(height, "node 'y' (conv2d)")); /* needs three rows */
    assert_non_null(strstr(height, "the source declares 8, and a dim_range (--range) opens more"));
    done(&r);
    expect_ok(apply(&r, CONV, "{'dim_range': {'0': {'min': [1, 3, 3, 3], 'max': [4, 900, 800, 3]}}}"));
    expect_range(&r, 0, 0, 1, 4);
    expect_range(&r, 0, 1, 3, 900);
    expect_range(&r, 0, 2, 3, 800);
    done(&r);
    expect_ok(apply(&r, "symbol h [1, *]\ninput %x : f32[5, h, 8]\n%y = relu(%x)\noutput %y\n", NULL));
    expect_range(&r, 0, 0, 1, 5);
    expect_range(&r, 0, 1, 1, -1); /* the source leaves it free */
    expect_range(&r, 0, 2, 1, 8);
    done(&r);
}

static void false_freezes(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, CONV, "{'graph_shape_mutable': false}"));
    for (int axis = 0; axis < 4; axis++)
        expect_range(&r, 0, axis, (int64_t[]){1, 8, 8, 3}[axis], (int64_t[]){1, 8, 8, 3}[axis]);
    assert_int_equal(r.pins.list.count, 0);
    done(&r);
    refuse("symbol n [1, *]\ninput %x : f32[n, 3]\n%y = relu(%x)\noutput %y\n", "{'graph_shape_mutable': false}",
           "dim 0 of input 'x' is free");
}

static void a_frozen_dim_given_by_its_range_is_constant(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "symbol n [1, *]\ninput %x : f32[n, 3]\n%y = relu(%x)\noutput %y\n",
                    "{'graph_shape_mutable': false, 'dim_range': {'0': {'min': [5, 3], 'max': [5, 3]}}}"));
    expect_range(&r, 0, 0, 5, 5);
    done(&r);
    refuse(CONV, "{'graph_shape_mutable': false, 'dim_range': {'0': {'min': [2, 8, 8, 3], 'max': [4, 8, 8, 3]}}}",
           "dim 0: is fixed to 1, outside 2..4");
}

static void a_constant_shape_pins_the_batch_and_is_named(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, BATCHED, NULL));
    expect_range(&r, 0, 0, 1, 1);
    expect_range(&r, 0, 1, 1, 4);
    expect_pinned(&r, 0, 0, "constant 'to' of node 'end' (reshape)");
    done(&r);
    refuse(BATCHED, "{'dim_range': {'0': {'min': [1, 1, 3], 'max': [8, 9, 3]}}}",
           "dim_range.0: input 'x': dim 0: stays 1, so it cannot range over 1..8: it is pinned by constant 'to' of "
           "node 'end' (reshape)");
    refuse(BATCHED, "{'dim_range': {'0': {'min': [2, 1, 3], 'max': [2, 9, 3]}}}", "pinned by constant 'to'");
    expect_ok(apply(&r, BATCHED, "{'dim_range': {'0': {'min': [1, 2, 3], 'max': [1, 9, 3]}}}"));
    expect_range(&r, 0, 1, 2, 9);
    done(&r);
}

static void dims_whose_product_is_fixed_are_pinned_each(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, RESHAPED, NULL)); /* [2, 4, 4, 1] would do too, but that is no batch of two */
    for (int axis = 0; axis < 4; axis++)
        expect_pinned(&r, 0, axis, "constant 'to' of tensorflow: node 'End/Reshape' (Reshape)");
    done(&r);
}

static void what_would_only_broadcast_is_pinned(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "input %x : f32[1, 5, 3]\nconst %c : f32[3] = {1, 2, 3}\n%y = add(%x, %c)\noutput %y\n", NULL));
    expect_range(&r, 0, 2, 3, 3); /* not 1 or 3 */
    expect_range(&r, 0, 1, 1, 5);
    expect_pinned(&r, 0, 2, "constant 'c'");
    done(&r);
}

static void dims_that_must_divide_stay_mutable(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "input %x : f32[1, 4, 6, 2]\n%y = space_to_depth(%x) {block=2}\noutput %y\n", NULL));
    expect_range(&r, 0, 1, 2, 4);
    assert_null(qn_pins_find(&r.pins, 0, 2));
    done(&r);
}

static void inputs_that_must_agree_vary_together(void **state) {
    (void)state;
    rig r;
    expect_ok(
        apply(&r, "input %a : f32[1, 7, 3]\ninput %b : f32[1, 7, 2]\n%y = concat(%a, %b) {axis=2}\noutput %y\n", NULL));
    assert_int_equal(r.pins.list.count, 0);
    expect_range(&r, 0, 1, 1, 7);
    expect_range(&r, 1, 1, 1, 7);
    expect_range(&r, 1, 2, 1, 2);
    done(&r);
}

static void dims_the_source_left_free_keep_their_range_and_name(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "symbol h [2, 40] \"the source\"\ninput %x : f32[1, h, 3]\n%y = relu(%x)\noutput %y\n", NULL));
    expect_range(&r, 0, 0, 1, -1);
    expect_range(&r, 0, 1, 2, 40);
    assert_string_equal(qn_dim_symbol_name(r.graph->dims, r.graph->inputs.items[0]->type.dims[1]), "h");
    assert_string_equal(qn_dim_symbol_reason(r.graph->dims, r.graph->inputs.items[0]->type.dims[1]), "the source");
    done(&r);
}

static void only_listed_inputs_are_bounded(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r,
                    "input %a : f32[1, 7]\ninput %b : f32[4, 2]\n%y = relu(%a)\n%z = relu(%b)\noutput %y\noutput %z\n",
                    "{'dim_range': {'1': {'min': [2, 2], 'max': [9, 2]}}}"));
    expect_range(&r, 0, 0, 1, -1);
    expect_range(&r, 0, 1, 1, 7);
    expect_range(&r, 1, 0, 2, 9);
    expect_range(&r, 1, 1, 2, 2);
    done(&r);
}

static void min_equal_to_max_is_constant_at_any_possible_size(void **state) {
    (void)state;
    rig r;
    int64_t value;
    expect_ok(apply(&r, CONV, "{'dim_range': {'0': {'min': [1, 16, 4, 3], 'max': [1, 16, 20, 3]}}}"));
    expect_range(&r, 0, 0, 1, 1);
    expect_range(&r, 0, 1, 16, 16);
    expect_range(&r, 0, 2, 4, 20);
    assert_true(qn_dim_is_const(r.graph->dims, r.graph->outputs.items[0]->type.dims[1], &value) && value == 14);
    assert_int_equal(r.pins.list.count, 0); /* one size was asked for: nothing to explain */
    done(&r);
}

static void a_range_that_the_graph_cuts_short_is_told(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "symbol h [1, 50] \"the picture is too high\"\ninput %x : f32[h]\n%y = relu(%x)\noutput %y\n",
                    "{'dim_range': {'0': {'min': [10], 'max': [60]}}}"));
    expect_range(&r, 0, 0, 10, 50);
    assert_int_equal(r.log.warnings, 1);
    assert_non_null(strstr(r.log.text, "only 10..50 of 10..60 is possible: the picture is too high"));
    done(&r);
    refuse("symbol h [1, 50] \"the picture is too high\"\ninput %x : f32[h]\n%y = relu(%x)\noutput %y\n",
           "{'dim_range': {'0': {'min': [51], 'max': [60]}}}",
           "no size in 51..60 is possible: the picture is too high");
}

static void ranges_that_fit_no_input_are_refused(void **state) {
    (void)state;
    refuse(CONV, "{'dim_range': {'1': {'min': [1], 'max': [2]}}}",
           "dim_range.1: the network has 1 input, numbered from 0");
    refuse(CONV, "{'dim_range': {'0': {'min': [1, 2, 3], 'max': [1, 2, 3]}}}", "3 dims given, input 'x' has 4");
}

static void a_network_without_free_or_fixed_dims_is_left_alone(void **state) {
    (void)state;
    rig r;
    expect_ok(apply(&r, "input %x : f32[]\n%y = relu(%x)\noutput %y\n", NULL));
    assert_int_equal(r.pins.list.count, 0);
    done(&r);
}

/* ---- Through the whole build ---- */

static qn_context *context_of(qn_model *model, qn_engine **out_engine) {
    qn_context *context;
    expect_ok(qn_engine_create(model, NULL, out_engine));
    expect_ok(qn_context_create(*out_engine, &context));
    return context;
}

static void shapes_outside_the_range_by_one_are_refused_with_the_range(void **state) {
    (void)state;
    qn_engine *engine;
    qn_model *model = build_of(CONV, "{'dim_range': {'0': {'min': [1, 4, 4, 3], 'max': [3, 20, 20, 3]}}}");
    qn_context *context = context_of(model, &engine);
    expect_ok(qn_context_set_input_shape(context, 0, 4, (int64_t[]){3, 20, 4, 3}));
    expect_refused(qn_context_set_input_shape(context, 0, 4, (int64_t[]){1, 21, 4, 3}), QN_INVALID_ARGUMENT, "20");
    expect_refused(qn_context_set_input_shape(context, 0, 4, (int64_t[]){1, 4, 3, 3}), QN_INVALID_ARGUMENT, "4");
    expect_refused(qn_context_set_input_shape(context, 0, 4, (int64_t[]){0, 4, 4, 3}), QN_INVALID_ARGUMENT, "1");
    expect_refused(qn_context_set_input_shape(context, 0, 4, (int64_t[]){1, 4, 4, 4}), QN_INVALID_ARGUMENT, "3");
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
}

static void the_file_says_what_is_pinned(void **state) {
    (void)state;
    qn_model *model = build_of(BATCHED, NULL);
    expect_meta(model, "pinned.0.input", "'x'");
    expect_meta(model, "pinned.0.axis", "0");
    expect_meta(model, "pinned.0.size", "1");
    expect_meta(model, "pinned.2", NULL);
    qn_model_destroy(model);
    model = build_of("input %x : f32[]\n%y = relu(%x)\noutput %y\n", NULL);
    expect_meta(model, "pinned", NULL);
    qn_model_destroy(model);
}

static void a_mutable_build_computes_what_a_frozen_one_does(void **state) {
    (void)state;
    float in[192], a[72], b[72];
    int64_t dims[QN_MAX_RANK];
    const qn_tensor input = {QN_DTYPE_F32, 4, {1, 8, 8, 3}, in};
    for (int i = 0; i < 192; i++) in[i] = (float)(i * 7 % 31) - 15;
    qn_model *free_model = build_of(CONV, NULL), *frozen = build_of(CONV, "{'graph_shape_mutable': false}");
    assert_int_equal(run_model(free_model, &input, a, dims), 4);
    assert_int_equal(run_model(frozen, &input, b, dims), 4);
    assert_int_equal(dims[1], 6);
    assert_memory_equal(a, b, sizeof a);
    qn_model_destroy(free_model), qn_model_destroy(frozen);
}

/* ---- Memory ---- */

typedef struct failing {
    qn_allocator allocator;
    long left; /* allocations until all fail; negative: none fails */
} failing;

static void *failing_alloc(void *self, size_t size, size_t align) {
    failing *f = self;
    if (f->left == 0) return NULL;
    if (f->left > 0) f->left--;
    return qn_allocator_default()->alloc(qn_allocator_default()->self, size, align);
}

static void failing_free(void *self, void *block) {
    (void)self;
    qn_allocator_default()->free(qn_allocator_default()->self, block);
}

static void end_memory_everywhere(const char *statements, const char *json) {
    qn_config *config = config_of(json);
    for (long n = 0;; n++) {
        failing f = {.left = -1};
        f.allocator = (qn_allocator){&f, failing_alloc, failing_free};
        qn_network *network;
        qn_model *model;
        qn_build_options options;
        expect_ok(qn_network_create("g", &f.allocator, &network));
        network->graph = graph_of(&network->arena, statements);
        qn_build_options_init(&options);
        options.allocator = &f.allocator;
        f.left = n;
        qn_status *status = qn_build(network, config, &options, &model);
        if (status) assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        int done = !status;
        qn_status_free(status);
        f.left = -1;
        qn_network_destroy(network);
        qn_model_destroy(model);
        if (done) break;
    }
    qn_config_destroy(config);
}

static void memory_may_end_at_any_point(void **state) {
    (void)state;
    end_memory_everywhere(CONV, "{'insert_bn_before_firstnode': {'0': {'mean': [1, 2, 3], 'var': [1, 2, 3]}},"
                                "'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}},"
                                "'convert_output_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}},"
                                "'opt_config': {'type64to32_conversion': true}, 'image': {}}");
    end_memory_everywhere(COUNTED, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dim_that_needs_all_that_is_declared_is_pinned),
        cmocka_unit_test(the_lower_end_is_that_of_the_node_which_sets_it),
        cmocka_unit_test(fixed_dims_become_mutable_unless_the_graph_pins_them),
        cmocka_unit_test(a_batch_of_one_stays_where_a_size_that_depends_on_data_would_have_no_end),
        cmocka_unit_test(what_is_opened_goes_up_to_the_size_that_the_source_declares),
        cmocka_unit_test(false_freezes),
        cmocka_unit_test(a_frozen_dim_given_by_its_range_is_constant),
        cmocka_unit_test(a_constant_shape_pins_the_batch_and_is_named),
        cmocka_unit_test(dims_whose_product_is_fixed_are_pinned_each),
        cmocka_unit_test(what_would_only_broadcast_is_pinned),
        cmocka_unit_test(dims_that_must_divide_stay_mutable),
        cmocka_unit_test(inputs_that_must_agree_vary_together),
        cmocka_unit_test(dims_the_source_left_free_keep_their_range_and_name),
        cmocka_unit_test(only_listed_inputs_are_bounded),
        cmocka_unit_test(min_equal_to_max_is_constant_at_any_possible_size),
        cmocka_unit_test(a_range_that_the_graph_cuts_short_is_told),
        cmocka_unit_test(ranges_that_fit_no_input_are_refused),
        cmocka_unit_test(a_network_without_free_or_fixed_dims_is_left_alone),
        cmocka_unit_test(shapes_outside_the_range_by_one_are_refused_with_the_range),
        cmocka_unit_test(the_file_says_what_is_pinned),
        cmocka_unit_test(a_mutable_build_computes_what_a_frozen_one_does),
        cmocka_unit_test(memory_may_end_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
