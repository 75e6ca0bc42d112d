/* assert - stops the run with `message` unless every element of the condition (bool) holds. It has no result. */
#include "op/op.h"
#include "op/rules.h"

static const qn_attr_def attrs[] = {
    {.name = "message",
     .kind = QN_ATTR_TEXT,
     .offset = offsetof(qn_assert_attrs, message),
     .doc = "what to say when the condition does not hold"},
    {.name = NULL},
};

static qn_status *infer_assert(qn_infer *infer) {
    const qn_assert_attrs *a = infer->attrs;
    const qn_dim *known = infer->contents[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_BOOL, "condition"));
    int64_t count = qn_infer_const_elems(infer, 0);
    for (int64_t i = 0; known && i < count; i++) {
        qn_dim holds = qn_dim_sub(infer->dims, known[i], qn_infer_const(infer, 1));
        QN_TRY(qn_infer_require(infer, holds, "%s", a->message));
    }
    return NULL;
}

static qn_status *eval_assert(const qn_eval *eval) {
    const qn_assert_attrs *a = eval->attrs;
    const qn_view *condition = &eval->inputs[0];
    int64_t elems = qn_view_elems(condition);
    for (int64_t i = 0; i < elems; i++)
        if (!qn_view_get_int(condition, i)) return QN_ERR(QN_INVALID_ARGUMENT, "%s", a->message);
    return NULL;
}

/* Conditions that hold: a failing one is an error by definition. */
static void sample_assert(qn_sample *sample) {
    static const int64_t ones[] = {1, 1, 1, 1};
    ((qn_assert_attrs *)sample->attrs)->message = "all of \"x\" must hold\n";
    qn_sample_ints(sample, QN_DTYPE_BOOL, (int)qn_rng_range(sample->rng, -1, 4), ones);
}

const qn_op_def qn_op_assert = {
    .name = "assert",
    .doc = "stops the run with a message unless every element of the condition holds",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 0,
    .flags = QN_OP_EFFECT,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_assert_attrs),
    .infer = infer_assert,
    .eval = eval_assert,
    .sample = sample_assert,
};
