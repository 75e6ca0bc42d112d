/* pass/byte_form.h - floats that are bytes in disguise: a picture's pixels after normalisation.
 *
 * Behind cast, additions and multiplications by constants, paddings and changes of shape a value often still is
 * scale[c] * byte + offset[c]. A layer that computes in integers takes the bytes themselves: nothing is rounded, and the
 * normalisation disappears into its weights.
 */
#ifndef QN_PASS_BYTE_FORM_H
#define QN_PASS_BYTE_FORM_H

#include "ir/graph.h"

typedef struct qn_byte_form {
    qn_value *bytes; /* u8, of the value's dims; NULL: the value is no such */
    int64_t channels;
    double *scale, *offset; /* [channels], scale > 0; in the graph's arena */
} qn_byte_form;

/* Looks behind `value`, whose last axis has `channels`. What shapes bytes is added before `before`. */
qn_status *qn_byte_form_find(qn_graph *graph, qn_value *value, int64_t channels, qn_node *before,
                             qn_byte_form *out) QN_MUST_USE;

#endif
