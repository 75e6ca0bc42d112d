/* driver/shapes/folds.h - where a dim that was made free would no longer mean what the source declares.
 *
 * A reshape whose shape is numbers counts elements. At the declared sizes it does what its author meant; at others the
 * same numbers may come out right by folding rows of a picture into the batch, or by taking 8 x 32 for 16 x 16. What
 * decides is which dims of the operand the declared sizes show to make which dims of the result: [1, 8, 8, 8] to
 * [1, 512] is 1 to 1 and 8, 8, 8 to 512. Each such group has to hold as many elements before as after, whatever the
 * sizes are. Shapes that the graph computes from those of its values follow the sizes by intent and are left alone.
 */
#ifndef QN_DRIVER_SHAPES_FOLDS_H
#define QN_DRIVER_SHAPES_FOLDS_H

#include "ir/graph.h"

/* A reshape at the declared sizes. Dims that the source leaves free have some size here. */
typedef struct qn_fold {
    const qn_node *node;
    int in_rank, out_rank;
    int64_t in[QN_MAX_RANK], out[QN_MAX_RANK];
    uint32_t free_in, free_out; /* bit i: the source leaves dim i free */
} qn_fold;

typedef struct qn_folds {
    QN_LIST(qn_fold) list;
} qn_folds;

/* Notes the reshapes of an inferred graph, in its arena. The ranges of the graph's symbols are spoiled. */
qn_status *qn_folds_note(qn_graph *graph, qn_folds *out_folds) QN_MUST_USE;

/* Why a dim cannot be free: words, and the node that they speak of first. */
typedef struct qn_shape_reason {
    const char *text; /* names the node */
    const qn_node *node;
} qn_shape_reason;

/* The dims on trial. */
typedef struct qn_fold_trial {
    size_t count;
    const qn_dim *symbols; /* the symbol of each; the constant 0: that one is not free */
    const int64_t *sizes;  /* which the source declares */
    size_t focus;          /* the only one that may be blamed; `count`: all */
    void *self;
    /* Says that dim `index` cannot be free; the text is in the graph's arena. */
    qn_status *(*blame)(void *self, size_t index, qn_shape_reason reason);
} qn_fold_trial;

/* Looks at the graph as inferred with some dims free, and blames those that lose their meaning. out_failure->text (not NULL,
   in the graph's arena): these dims cannot all be free together, and none of them is more to blame than the others. */
qn_status *qn_folds_judge(const qn_folds *folds, qn_graph *graph, const qn_fold_trial *trial,
                          qn_shape_reason *out_failure) QN_MUST_USE;

#endif
