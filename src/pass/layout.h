/* pass/layout.h - transposes, and computing a node with the axes of its operands in another order.
 *
 * For example, relu reads a = transpose(t, [0, 3, 1, 2]), so a has NCHW and its twin t has NHWC. Flipping the relu
 * makes it compute r' = relu(t), and r = transpose(r', [0, 3, 1, 2]) after it gives readers what they had. If the
 * next node is transpose(r, [0, 2, 3, 1]), the two transposes are inverse and both go: its readers read r'. */
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
/* gather(value, rows), before a node; it comes from where `like` does in the source. */
qn_status *qn_add_gather(qn_graph *graph, const char *name, qn_value *value, qn_value *rows, const qn_node *like,
                         qn_node *before, qn_node **out_node) QN_MUST_USE;
/* A constant vector of s32. `name` NULL: there was no memory for it. */
qn_status *qn_make_ints(qn_graph *graph, const char *name, int count, const int *numbers, qn_value **out) QN_MUST_USE;
/* transpose(value, perm), right after `value`: one that is there, or a new one with the source of `like`. */
qn_status *qn_make_transpose(qn_graph *graph, qn_value *value, const qn_perm *perm, const qn_node *like,
                             qn_node **out_node) QN_MUST_USE;
/* Brings a transpose into its simplest form: a transpose of a transpose becomes one; a transpose that changes
   nothing, or that is the same as another of its operand, disappears; nodes that read only its shape read that of
   its operand. *out_changed is set to 1 if anything of this was done. */
qn_status *qn_simplify_transpose(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;

/* ---- pass/axis_links.c ---- */
/* Can `node` compute from the twins of its inputs of data? `in`: the order of input `index`; *out: that of its result. */
int qn_can_flip(const qn_graph *graph, const qn_node *node, int index, const qn_perm *in, qn_perm *out);
/* The same where the order of the result is given; *in: that of its inputs of data, which may be the one they have. */
int qn_can_flip_result(const qn_graph *graph, const qn_node *node, const qn_perm *out, qn_perm *in);
/* Can it compute from twins under `in` the twin of its result under `out`? There may be several of either. */
int qn_orders_agree(const qn_graph *graph, const qn_node *node, const qn_perm *in, const qn_perm *out);
/* Is input `index` of a node that can flip one that takes part: of the rank of `in`, and no constant? */
int qn_flips_input(const qn_node *node, int index, const qn_perm *in);
/* Or one of data that is no constant either, and broadcasts to those? It is reshaped. */
int qn_widens_input(const qn_node *node, int index, const qn_perm *in);
/* The type of such an input, or of one of the rank of `perm`, as its twin has it. */
qn_type qn_flip_type(const qn_graph *graph, const qn_type *type, const qn_perm *perm);

/* ---- pass/flip.c ---- */
/* For each constant the twin that was made last, so that a constant with many readers is not copied for each of them. */
typedef struct qn_twins {
    qn_value **twin; /* by the id of the constant; NULL: none yet */
    qn_perm *perm;
    size_t count; /* of both */
} qn_twins;

/* Makes `node`, which can flip, compute from the twins of its inputs. Its result becomes the twin of the former
   result, and a transpose after the node gives the former result to its readers and, if it is an output, to the
   graph. Readers that are inverse transposes disappear. */
qn_status *qn_flip_node(qn_graph *graph, qn_node *node, const qn_perm *in, const qn_perm *out,
                        qn_twins *twins) QN_MUST_USE;

/* `from` under the order that its twin under `perm` has, in memory of the graph. *out may be *from. */
qn_status *qn_transpose_view(qn_graph *graph, const qn_view *from, const qn_perm *perm, qn_view *out) QN_MUST_USE;
/* `value` has become the twin under `perm` of the value it was: brings its stats into the new order of axes. */
qn_status *qn_flip_stats(qn_graph *graph, qn_value *value, const qn_perm *perm) QN_MUST_USE;

/* ---- pass/flatten.c ---- */
/* Folds a transpose before a reshape before a product with constant weights into the weights. */
qn_status *qn_transpose_into_weights(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* A transpose that moves only axes of size 1 leaves the elements in their order: reshapes that read it read its operand
   instead. [1, 1, 8] -> [1, 8, 1] is such a transpose. */
qn_status *qn_transpose_past_reshapes(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* Turns a transpose that moves only axes of size 1 into a reshape. */
qn_status *qn_transpose_into_reshape(qn_graph *graph, qn_node *node, int *out_changed) QN_MUST_USE;
/* Does transpose(t, perm), whose type is `type`, have the elements in the order in which t has them? */
int qn_perm_keeps_elements(const qn_graph *graph, const qn_type *type, const qn_perm *perm);
/* And can that be said as a reshape? The twin of a value has the same answer as the value. */
int qn_transpose_is_view(const qn_graph *graph, const qn_type *type, const qn_perm *perm);
/* `value` under the dims of `type`, before `reader`. Of these dims at most one is no number. */
qn_status *qn_make_view(qn_graph *graph, qn_value *value, const qn_type *type, qn_node *reader,
                        qn_value **out) QN_MUST_USE;

#endif
