/* drawn_case.h - random legal cases of an operator, as its row in ops.def draws them itself. */
#ifndef TESTS_OP_DRAWN_CASE_H
#define TESTS_OP_DRAWN_CASE_H

#include "operator_case.h"

typedef struct drawn_case {
    uint64_t seed;
    qn_rng rng;
    qn_sample sample;
    void *attrs;
    operator_case *c;
} drawn_case;

/* QN_SEED, else a fixed one. */
uint64_t drawn_seed(void);
/* Draws attributes, operands and data. Nothing is inferred yet. */
void draw_case(drawn_case *drawn, const qn_op_def *op, uint64_t seed);
void drop_case(drawn_case *drawn);
/* Tells which case it is, for messages. */
void print_case(const drawn_case *drawn);
void expect_drawn_ok(const drawn_case *drawn, qn_status *status, const char *what);

#define CHECK(drawn, condition, ...)                                                                                   \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_case(drawn);                                                                                         \
            fail_msg(__VA_ARGS__);                                                                                     \
        }                                                                                                              \
    } while (0)

#endif
