/* pass/layout.h - transposes, and computing a node with the axes of its operands in another order. */
#ifndef QN_PASS_LAYOUT_H
#define QN_PASS_LAYOUT_H

#include "ir/graph.h"

/* An order of axes. A value v has "the twin t under p" where v = transpose(t, p): axis i of v is axis p.axis[i] of t. */
typedef struct qn_perm {
    int rank;
    int axis[QN_MAX_RANK];
} qn_perm;

qn_perm qn_perm_invert(const qn_perm *perm);
/* transpose(transpose(x, first), second) = transpose(x, the result). */
qn_perm qn_perm_compose(const qn_perm *first, const qn_perm *second);
int qn_perm_is_identity(const qn_perm *perm);
int qn_perms_equal(const qn_perm *a, const qn_perm *b);

/* Is `node` a transpose of something that is no constant, and which? `node` may be NULL. */
int qn_match_transpose(const qn_graph *graph, const qn_node *node, qn_perm *out_perm);

/* Adds transpose(value, perm) before a node (NULL: at the end), with the constant "NAME/perm"; not inferred yet. `value` may be
   NULL and be set later. `name` NULL: OUT_OF_MEMORY. */
qn_status *qn_add_transpose(qn_graph *graph, const char *name, qn_value *value, const qn_perm *perm, qn_node *before,
                            qn_node **out_node) QN_MUST_USE;

/* Can `node` compute from the twins of its inputs of data? `in`: the order of input `index`; *out: that of its result. */
int qn_can_flip(const qn_graph *graph, const qn_node *node, int index, const qn_perm *in, qn_perm *out);
/* Is input `index` of a node that can flip one that takes part: of the rank of `in`, and no constant? */
int qn_flips_input(const qn_node *node, int index, const qn_perm *in);

/* The twins of constants that were made last, so that one constant with many readers is not copied for each. */
typedef struct qn_twins {
    qn_value **twin; /* by the id of the constant; NULL: none yet */
    qn_perm *perm;
    size_t count; /* of both */
} qn_twins;

/* Makes `node`, which can flip, compute from twins. Its result is a twin of what it was, and a transpose after it gives
   readers, and whoever reads it as an output of the graph, what they had. Inverse transposes among them go. */
qn_status *qn_flip_node(qn_graph *graph, qn_node *node, const qn_perm *in, const qn_perm *out,
                        qn_twins *twins) QN_MUST_USE;

/* Brings a transpose into its simplest form: looks through transposes before it, goes where it changes nothing or another
   does the same, and lets nodes that only ask for its shape ask its operand. *out_changed is set where it did something. */
qn_status *qn_simplify_transpose(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;

/* `from` under the order that its twin under `perm` has, in memory of the graph. *out may be *from. */
qn_status *qn_transpose_view(qn_graph *graph, const qn_view *from, const qn_perm *perm, qn_view *out) QN_MUST_USE;
/* What is known of `value`, now that it is the twin under `perm` of what it was. */
qn_status *qn_flip_stats(qn_graph *graph, qn_value *value, const qn_perm *perm) QN_MUST_USE;

/* ---- pass/flatten.c ---- */
/* Folds a transpose before a reshape before a product with constant weights into the weights. */
qn_status *qn_transpose_into_weights(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* Lets reshapes that read a transpose which moves only axes of one element read its operand: the elements are the same. */
qn_status *qn_transpose_past_reshapes(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* Makes a reshape of such a transpose. */
qn_status *qn_transpose_into_reshape(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* Has transpose(t, perm), of this type, the elements of t in their order? */
int qn_perm_keeps_elements(const qn_graph *graph, const qn_type *type, const qn_perm *perm);

#endif
