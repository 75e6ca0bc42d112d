/* operator_case.h - one operator on small literal tensors: infer, then eval, as the tests of operators write it.
 *
 *     operator_case *c = operator_case_create(&qn_op_argmax);
 *     ((qn_argreduce_attrs *)c->attrs)->axis = 1;
 *     operator_case_input(c, QN_DTYPE_F32, DIMS(2, 2), (float[]){1, 2, 4, 3});
 *     const qn_view *out = operator_case_run(c);
 *     ...
 *     operator_case_destroy(c);
 */
#ifndef TESTS_OP_OPERATOR_CASE_H
#define TESTS_OP_OPERATOR_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "op/op.h"

/* Two arguments: rank and dims. */
#define DIMS(...)                                                                                                      \
    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }
#define SCALAR 0, NULL

typedef struct operator_case {
    const qn_op_def *op;
    void *attrs; /* the defaults; required ones zero */
    int input_count;
    qn_view inputs[QN_MAX_SAMPLE_INPUTS];
    qn_type types[QN_MAX_SAMPLE_INPUTS]; /* dims may be replaced by symbols before infer */
    const qn_dim *contents[QN_MAX_SAMPLE_INPUTS];
    qn_type out_type;
    qn_dim *out_contents;
    qn_view out;
    qn_arena arena;
    qn_dim_pool *dims;
    qn_infer_host host;
    qn_buffer demands; /* messages of what infer could not decide, one a line */
} operator_case;

operator_case *operator_case_create(const qn_op_def *op);
void operator_case_destroy(operator_case *c);
/* Sets an attribute from text, as in the text IR. */
void operator_case_set(operator_case *c, const char *name, const char *text);
/* Adds an input; `data` is borrowed and must outlive the case's last call. Integers and bools become contents too. */
int operator_case_input(operator_case *c, qn_dtype dtype, int rank, const int64_t *dims, const void *data);
/* An optional input that is not given. */
void operator_case_skip_input(operator_case *c);
/* Checks the attributes and the operands, and infers. */
qn_status *operator_case_infer(operator_case *c) QN_MUST_USE;
/* Infers and evaluates; both must succeed. The result lives as long as the case. */
const qn_view *operator_case_run(operator_case *c);
/* Evaluates after infer; for errors that only data can show. */
qn_status *operator_case_eval(operator_case *c) QN_MUST_USE;
/* A symbol with that range. */
qn_dim operator_case_symbol(operator_case *c, const char *name, int64_t low, int64_t high);

/* Infer must fail with a message that holds `text`. */
void assert_infer_fails(operator_case *c, const char *text);
void assert_dim_text(operator_case *c, qn_dim dim, const char *text);
void assert_view_dims(const qn_view *view, qn_dtype dtype, int rank, const int64_t *dims);
/* Every element within `tolerance` of `expected` (0: equal, bit for bit up to the sign of zero). */
void assert_view_floats(const qn_view *view, const float *expected, double tolerance);
void assert_view_ints(const qn_view *view, const int64_t *expected);

#endif
