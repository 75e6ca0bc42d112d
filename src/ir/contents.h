/* ir/contents.h - elements of small integer tensors as expressions. Only ir/ includes this file. */
#ifndef QN_IR_CONTENTS_H
#define QN_IR_CONTENTS_H

#include "ir/graph.h"

/* Gives a constant its contents where it is integer or bool and small. */
qn_status *qn_contents_of_constant(qn_graph *graph, qn_value *value) QN_MUST_USE;

/* After op->infer: fills infer->out_contents that are still unknown by running op->eval, over handles where the
   operator only moves elements, over numbers where all inputs are known. An eval that fails leaves them unknown: the
   node will report it when run. `scratch` is for this call. */
qn_status *qn_contents_derive(const qn_node *node, qn_infer *infer, qn_arena *scratch) QN_MUST_USE;

#endif
