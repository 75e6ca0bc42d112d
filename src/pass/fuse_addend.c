/* conv2d(x, w, b) + y of the same shape, y being any value known before: the residual add happens in the convolution.
 * An addition that is asked to be one of integers says so of the addend then; not where the convolution is to be float.
 */
#include "pass/addition.h"
#include "pass/fuse.h"
#include "pass/pass.h"

/* The wish of an addition is one for its addend, and the convolution's stays its own. */
static qn_status *pass_wish_to_addend(qn_graph *graph, const qn_node *add) {
    qn_node_facts *facts;
    QN_TRY(qn_facts_edit(graph, add, &facts));
    facts->wish.addend = facts->wish.dtype;
    facts->wish.dtype = QN_DTYPE_NONE;
    facts->wish.who = (qn_who){QN_ASKER_NOBODY, NULL};
    facts->outcome = (qn_outcome){0};
    return NULL;
}

static qn_status *fuse(qn_graph *graph, qn_node *add) {
    for (int side = 0; side < 2; side++) {
        qn_node *conv = qn_match_epilogue(add->inputs[side], QN_EPILOGUE_ADDEND);
        qn_value *addend = add->inputs[1 - side];
        if (!conv || qn_value_is_constant(addend) || !qn_types_equal(&addend->type, &conv->outputs[0]->type)) continue;
        if (graph->integer.dtype && qn_addition_is_asked(graph, add)) {
            if (qn_dtype_is_float(qn_facts_of(graph, conv)->wish.dtype)) continue;
            QN_TRY(pass_wish_to_addend(graph, add));
        }
        return qn_absorb_epilogue(graph, add, conv, QN_EPILOGUE_ADDEND, addend, QN_ACTIVATION_NONE);
    }
    return NULL;
}

qn_status *qn_pass_fuse_addend(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op->arithmetic == QN_ARITHMETIC_ADD) QN_TRY(fuse(graph, node));
    return NULL;
}
