/* relu and relu6 of a convolution or product move into it. */
#include "pass/fuse.h"
#include "pass/pass.h"

static qn_status *fuse(qn_graph *graph, qn_node *relu) {
    qn_node *node = qn_match_epilogue(relu->inputs[0], QN_EPILOGUE_INPUTS);
    if (!node) return NULL;
    return qn_absorb_epilogue(graph, relu, node, 0, NULL, relu->op->activation);
}

qn_status *qn_pass_fuse_activation(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op->activation) QN_TRY(fuse(graph, node));
    return NULL;
}
