/* Brings chains of additions and multiplications by constants per channel into the form x * scale + offset:
 *
 *     x - c            ->  x + (-c)
 *     x / c            ->  x * (1 / c)         where 1 / c is a normal number
 *     (x * a) * b      ->  x * (a * b)
 *     (x + a) + b      ->  x + (a + b)
 *     (x + a) * b      ->  x * b + a * b
 *
 * where the inner value has no other use. Constants are combined in double and rounded once; products that would be
 * no normal numbers stay apart. */
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <math.h>

typedef double (*combine_fn)(double a, double b);
static double product(double a, double b) { return a * b; }
static double sum(double a, double b) { return a + b; }
static double negated(double a, double b) { return (void)b, -a; }
static double inverse(double a, double b) { return (void)b, 1 / a; }

/* combine(a, b) per channel as a new constant; `b` may be `a`. */
static qn_status *combine(qn_graph *graph, const char *name, const qn_value *a, const qn_value *b, combine_fn fn,
                          qn_value **out) {
    int64_t channels = qn_max_i64(qn_value_channels(a), qn_value_channels(b));
    float *data;
    QN_TRY(qn_make_channel_constant(graph, name, channels, out, &data));
    for (int64_t c = 0; c < channels; c++)
        data[c] = (float)fn(qn_channel_constant_at(a, c), qn_channel_constant_at(b, c));
    return NULL;
}

static int has_normal_inverses(const qn_value *constant) {
    for (int64_t c = 0; c < qn_value_channels(constant); c++)
        if (!isnormal(1 / qn_channel_constant_at(constant, c))) return 0;
    return 1;
}

/* Does a * b keep its precision in every channel? */
static int has_normal_products(const qn_value *a, const qn_value *b) {
    int64_t channels = qn_max_i64(qn_value_channels(a), qn_value_channels(b));
    for (int64_t c = 0; c < channels; c++) {
        float x = qn_channel_constant_at(a, c), y = qn_channel_constant_at(b, c);
        if (!isnormal(x * y) && x != 0 && y != 0) return 0;
    }
    return 1;
}

/* sub and div by a constant become add and mul. */
static qn_status *normalise(qn_graph *graph, qn_node *node) {
    qn_value *other, *constant, *fresh;
    int index;
    int is_sub = node->op->arithmetic == QN_ARITHMETIC_SUBTRACT;
    if (!is_sub && node->op->arithmetic != QN_ARITHMETIC_DIVIDE) return NULL;
    if (!qn_match_constant_operand(node, &other, &constant, &index) || index != 1) return NULL;
    if (!is_sub && !has_normal_inverses(constant)) return NULL;
    QN_TRY(combine(graph, constant->name, constant, constant, is_sub ? negated : inverse, &fresh));
    return qn_rewrite(graph, node, qn_op_of_arithmetic(is_sub ? QN_ARITHMETIC_ADD : QN_ARITHMETIC_MULTIPLY), NULL, 2,
                      (qn_value *[]){other, fresh});
}

/* One step on outer(inner(x, a), b). */
static qn_status *compose(qn_graph *graph, qn_node *outer, int *out_changed) {
    qn_value *middle, *a, *b, *x, *fresh;
    int index;
    *out_changed = 0;
    const int is_sum = outer->op->arithmetic == QN_ARITHMETIC_ADD;
    if ((!is_sum && outer->op->arithmetic != QN_ARITHMETIC_MULTIPLY) ||
        !qn_match_constant_operand(outer, &middle, &b, &index))
        return NULL;
    qn_node *inner = qn_match_sole_arithmetic(middle, QN_ARITHMETIC_ADD);
    if (!inner) inner = qn_match_sole_arithmetic(middle, QN_ARITHMETIC_MULTIPLY);
    if (!inner || !qn_match_constant_operand(inner, &x, &a, &index)) return NULL;
    if (!is_sum && !has_normal_products(a, b)) return NULL;
    if (inner->op == outer->op) {
        QN_TRY(combine(graph, b->name, a, b, is_sum ? sum : product, &fresh));
        *out_changed = 1;
        return qn_rewrite(graph, outer, outer->op, NULL, 2, (qn_value *[]){x, fresh});
    }
    if (is_sum) return NULL;                                      /* x * a + b is the form we want */
    const qn_op_def *inner_op = inner->op, *outer_op = outer->op; /* they change places */
    QN_TRY(combine(graph, a->name, a, b, product, &fresh));
    QN_TRY(qn_rewrite(graph, inner, outer_op, NULL, 2, (qn_value *[]){x, b}));
    do QN_TRY(compose(graph, inner, out_changed)); /* with a product before it */
    while (*out_changed);
    *out_changed = 1;
    return qn_rewrite(graph, outer, inner_op, NULL, 2, (qn_value *[]){inner->outputs[0], fresh});
}

qn_status *qn_pass_compose_affine(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next) {
        int changed;
        QN_TRY(normalise(graph, node));
        do QN_TRY(compose(graph, node, &changed));
        while (changed);
    }
    return NULL;
}
