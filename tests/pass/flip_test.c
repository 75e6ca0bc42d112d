/* Nodes that compute with the axes of their operands in another order: random cases of every operator, as its row in ops.def
 * draws them, under random orders. Whatever can flip gives what it gave. */
#include "pass/layout.h"
#include "pass_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_PER_OP = 250, COUNTS_MAX = 256 };

typedef struct sampled {
    qn_arena arena;
    qn_rng rng;
    const qn_op_def *op;
    qn_sample sample;
    uint32_t constants; /* bit i: input i of data is a constant */
} sampled;

static void draw(sampled *s, const qn_op_def *op, uint64_t seed) {
    *s = (sampled){.op = op};
    qn_arena_init(&s->arena, NULL);
    qn_rng_init(&s->rng, seed);
    s->sample = (qn_sample){.rng = &s->rng, .arena = &s->arena, .low = -2, .high = 2};
    s->sample.attrs = qn_arena_alloc(&s->arena, 1, op->attrs_bytes + 1);
    assert_non_null(s->sample.attrs);
    if (op->attrs_bytes) qn_attrs_init(op, s->sample.attrs);
    op->sample(&s->sample);
    s->constants = (uint32_t)qn_rng_range(&s->rng, 0, 255) & (uint32_t)qn_rng_range(&s->rng, 0, 255);
}

static qn_value *make_constant(qn_graph *graph, qn_rng *rng, const qn_view *from) {
    qn_view view = *from;
    qn_value *value;
    if (!view.data) {
        view.data = qn_arena_alloc(graph->arena, qn_view_bytes(&view) + 1, 1);
        for (int64_t i = 0; i < qn_view_elems(&view); i++) qn_view_set(&view, i, (double)qn_rng_range(rng, 0, 1));
    }
    expect_ok(qn_graph_add_constant(graph, "c", &view, &value));
    return value;
}

/* A graph of the one node. Inputs that broadcast are constants now and then, controls always. */
static qn_graph *make_graph(const sampled *s, qn_arena *arena) {
    qn_value *inputs[QN_MAX_SAMPLE_INPUTS] = {NULL};
    qn_graph *graph = qn_graph_create(arena, "g");
    qn_node *node;
    qn_rng rng = s->rng;
    assert_non_null(graph);
    for (int i = 0; i < s->sample.input_count; i++) {
        const qn_view *view = &s->sample.inputs[i];
        qn_type type = {.dtype = view->dtype, .rank = view->rank};
        if (view->dtype == QN_DTYPE_NONE) continue;
        if (view->data || i >= qn_op_data_inputs(s->op, s->sample.input_count) || (i && s->constants >> i & 1)) {
            inputs[i] = make_constant(graph, &rng, view);
            continue;
        }
        for (int k = 0; k < view->rank; k++) type.dims[k] = qn_dim_const(graph->dims, view->dims[k]);
        expect_ok(qn_graph_add_input(graph, "x", &type, &inputs[i]));
    }
    expect_ok(qn_graph_add_node(graph, s->op, "y", s->sample.attrs, s->sample.input_count, inputs, NULL, &node));
    expect_ok(qn_graph_mark_output(graph, node->outputs[0]));
    expect_ok(qn_graph_infer(graph));
    return graph;
}

static qn_perm draw_order(qn_rng *rng, int rank) {
    qn_perm perm = {.rank = rank};
    for (int i = 0; i < rank; i++) {
        const int k = (int)qn_rng_range(rng, 0, i);
        perm.axis[i] = perm.axis[k];
        perm.axis[k] = i;
    }
    return perm;
}

static double tolerance_of(const qn_op_def *op) {
    return op->axes.kind == QN_AXES_KEPT || qn_op_moves(op) || op->layer
               ? EXACT
               : 0.01; /* sums in another order, of half floats too */
}

/* Flips the node of a copy, and runs both. 1: it can flip. */
static int check_flip(const sampled *s, qn_rng *rng, int by_result) {
    qn_arena arena;
    qn_perm in, out;
    qn_twins twins = {NULL, NULL, 0};
    qn_view views[QN_MAX_SAMPLE_INPUTS];
    qn_arena_init(&arena, NULL);
    qn_graph *before = make_graph(s, &arena), *after = make_graph(s, &arena);
    qn_node *node = after->first;
    int can = 0;
    if (by_result) {
        out = draw_order(rng, node->outputs[0]->type.rank);
        can = qn_can_flip_result(after, node, &out, &in);
    } else {
        const int index = (int)qn_rng_range(rng, 0, node->input_count - 1);
        in = draw_order(rng, node->inputs[index] ? node->inputs[index]->type.rank : 0);
        can = qn_can_flip(after, node, index, &in, &out);
    }
    if (can) {
        assert_true(qn_orders_agree(after, node, &in, &out));
        expect_ok(qn_flip_node(after, node, &in, &out, &twins));
        qn_graph_remove_dead(after);
        expect_ok(qn_graph_infer(after));
        expect_ok(qn_graph_verify(after));
        draw_inputs(before, rng, 0, &arena, views);
        expect_equal_outputs(before, after, views, tolerance_of(s->op));
        can = !qn_perm_is_identity(&in) || !qn_perm_is_identity(&out);
    }
    qn_arena_deinit(&arena);
    return can;
}

/* How often each operator flipped. */
static void count_flips(int by_result, int *out_counts) {
    const char *text = getenv("QN_SEED");
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        for (int k = 0; op->sample && op->outputs == 1 && k < CASES_PER_OP; k++) {
            const uint64_t seed =
                qn_hash_bytes(op->name, strlen(op->name), (text ? strtoull(text, NULL, 0) : 1) + (uint64_t)k);
            sampled s;
            qn_rng rng;
            draw(&s, op, seed);
            qn_rng_init(&rng, seed);
            out_counts[row] += check_flip(&s, &rng, by_result);
            qn_arena_deinit(&s.arena);
        }
    }
}

/* What the card says of its axes does flip, and nothing else. */
static void expect_flips(int by_result) {
    int counts[COUNTS_MAX] = {0};
    assert_true(qn_op_count() <= COUNTS_MAX);
    count_flips(by_result, counts);
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        const int is_fixed = op->axes.kind == QN_AXES_OWN || op->axes.kind == QN_AXES_NHWC || qn_op_permutes(op);
        if (!op->sample) continue;
        if (is_fixed ? counts[row] : !counts[row]) fail_msg("%s flipped %d times", op->name, counts[row]);
    }
}

static void test_operands_in_another_order_give_results_in_another_order(void **state) {
    (void)state;
    expect_flips(0);
}

static void test_results_in_another_order_come_of_operands_in_another_order(void **state) {
    (void)state;
    expect_flips(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operands_in_another_order_give_results_in_another_order),
        cmocka_unit_test(test_results_in_another_order_come_of_operands_in_another_order),
    };
    return cmocka_run_group_tests_name("pass/flip", tests, NULL, NULL);
}
