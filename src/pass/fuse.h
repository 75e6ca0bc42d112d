/* pass/fuse.h - what the fusing passes share about operators with an epilogue: act(product + bias + addend). */
#ifndef QN_PASS_FUSE_H
#define QN_PASS_FUSE_H

#include "pass/rewrite.h"

enum { QN_EPILOGUE_BIAS = 2, QN_EPILOGUE_ADDEND = 3, QN_EPILOGUE_INPUTS = 4 };

/* The layer that alone makes `value`, with nothing after its epilogue slot `slot` in use; else NULL.
   slot: QN_EPILOGUE_BIAS, QN_EPILOGUE_ADDEND, or QN_EPILOGUE_INPUTS for the activation. */
qn_node *qn_match_epilogue(const qn_value *value, int slot);
/* `last` becomes `node` with input `slot` = extra (NULL: none), and activation as given. */
qn_status *qn_absorb_epilogue(qn_graph *graph, qn_node *last, const qn_node *node, int slot, qn_value *extra,
                              int64_t activation) QN_MUST_USE;

#endif
