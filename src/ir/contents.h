/* ir/contents.h - elements of small integer tensors as expressions. Only ir/ includes this file. */
#ifndef QN_IR_CONTENTS_H
#define QN_IR_CONTENTS_H

#include "ir/graph.h"

/* Gives a constant its contents, in the graph's arena, if it is integer or bool and has at most QN_CONTENT_MAX
   elements. OUT_OF_MEMORY. */
qn_status *qn_contents_of_constant(qn_graph *graph, qn_value *value) QN_MUST_USE;

/* After op->infer: fills those entries of infer->out_contents that are still unknown by running op->eval. An
   operator that only moves elements is run over handles: concat of [h, w] and [3] gives [h, w, 3] whatever h and w
   are. Others are run over numbers, where all inputs are known. If eval fails the contents stay unknown, and the
   node will report the failure when it is run. `scratch` is for this call. OUT_OF_MEMORY. */
qn_status *qn_contents_derive(const qn_node *node, qn_infer *infer, qn_arena *scratch) QN_MUST_USE;

#endif
