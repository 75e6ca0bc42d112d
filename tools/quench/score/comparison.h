/* score/comparison.h - the values of two models that saw the same data, matched by name. */
#ifndef QUENCH_SCORE_COMPARISON_H
#define QUENCH_SCORE_COMPARISON_H

#include "session/session.h"

/* One name; integers that stand for floats have that of the floats. Sums run over all elements of all runs in which
 * both models had it. */
typedef struct compared_value {
    char *name;
    qn_tensor kept;            /* what A had in the run at hand, integers decoded; data NULL: nothing to compare with */
    int is_output;             /* of both models: compared even where it holds no floats */
    qn_dtype dtype_a, dtype_b; /* NONE: the model lacks it */
    int is_float_a, is_float_b, is_labels; /* floats, or integers that stand for some; labels: neither, in both */
    int has_other_shape;
    int64_t elems, equal;
    double dot, square_a, square_b, square_error, max_abs;
} compared_value;

typedef struct comparison {
    const qn_model *models[2]; /* A and B; borrowed while they run */
    compared_value *items;
    size_t count, capacity;
    int failed; /* memory was short: the observers end the run */
} comparison;

/* Prepares for two models: their common outputs are compared whatever they hold. */
qn_status *comparison_init(comparison *c, const qn_model *a, const qn_model *b) QN_MUST_USE;
void comparison_deinit(comparison *c);

/* Observers (quench/context.h) of the two models, with the comparison as `self`: run A, then B, on the same data, then
   end the run, which forgets A's values. Any number of times. */
int comparison_observe_a(void *self, const char *name, const qn_tensor *tensor);
int comparison_observe_b(void *self, const char *name, const qn_tensor *tensor);
void comparison_end_run(comparison *c);

/* The worst first: floats by their ratio of signal to noise, then labels, then what cannot be compared. */
void comparison_sort(comparison *c);

/* How a value of two floats did. */
int compared_value_is_pair(const compared_value *v);
/* Were they integers in one of the models, or both? */
int compared_value_was_integer(const compared_value *v);
/* 10 log10 of A's energy over that of the difference; INFINITY: equal, -INFINITY: noise only. */
double compared_value_sqnr_db(const compared_value *v);
/* Of the two as vectors; 1 where both are zero, NAN where only one is. */
double compared_value_cosine(const compared_value *v);

#endif
