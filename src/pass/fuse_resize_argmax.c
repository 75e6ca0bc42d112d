/* argmax(resize_bilinear(x), channels) becomes resize_argmax(x): the upsampled scores never reach memory. */
#include "pass/labels.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

static qn_status *fuse(qn_graph *graph, qn_node *argmax) {
    const qn_argreduce_attrs *attrs = argmax->attrs;
    qn_node *resize = qn_match_sole_producer(argmax->inputs[0], &qn_op_resize_bilinear);
    if (!resize || attrs->axis != 3 || resize->inputs[0]->type.dtype != QN_DTYPE_F32) return NULL;
    if (!qn_dtype_holds_labels((qn_dtype)attrs->dtype, qn_label_count(graph, &resize->inputs[0]->type, 3))) return NULL;
    const qn_resize_attrs *how = resize->attrs;
    qn_resize_argmax_attrs fused = {how->align_corners, how->half_pixel_centers, attrs->dtype};
    return qn_rewrite(graph, argmax, &qn_op_resize_argmax, &fused, 2, resize->inputs);
}

qn_status *qn_pass_fuse_resize_argmax(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == &qn_op_argmax) QN_TRY(fuse(graph, node));
    return NULL;
}
