/* Conversions of constants, of operators that pass values on, and of assertions. */
#include "import/tensorflow/families.h"

#include <string.h>

qn_status *qn_tf_convert_const(qn_site *site) {
    qn_view view;
    qn_value *value;
    qn_dtype declared;
    QN_TRY(qn_site_get_tensor(site, "value", &view));
    QN_TRY(qn_site_get_dtype(site, "dtype", view.dtype, &declared));
    if (declared != view.dtype)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'dtype' says %s, the value holds %s", qn_dtype_name(declared),
                      qn_dtype_name(view.dtype));
    /* Where the constant is an output, the node's name goes to the identity that the output becomes, and the constant
       is called NODE/value. */
    QN_TRY(qn_site_constant(site, qn_tf_site_of(site)->state->requested ? "value" : NULL, &view, &value));
    return qn_site_set_output(site, 0, value);
}

/* The text constants among an Assert's data, joined: what TensorFlow would print before the tensors' values. */
static qn_status *collect_message(qn_tf_site *assertion, qn_buffer *text) {
    enum { MESSAGE_BYTES_MAX = 1024 };
    qn_tf_importer *importer = assertion->importer;
    for (size_t i = 1; i < assertion->node->input_count; i++) {
        const qn_tf_node *data = &importer->source.nodes.items[assertion->node->inputs[i].node];
        qn_wire message;
        if (strcmp(data->op, "Const") != 0) continue;
        QN_TRY(qn_site_input_context(&assertion->site, (int)i,
                                     qn_tf_find_value_tensor(importer->scratch, data, &message)));
        QN_TRY(qn_site_input_context(&assertion->site, (int)i, qn_tf_read_strings(message, MESSAGE_BYTES_MAX, text)));
    }
    return NULL;
}

qn_status *qn_tf_convert_assert(qn_site *site) {
    qn_importer *importer = site->importer;
    qn_buffer text;
    qn_assert_attrs attrs;
    qn_value *none; /* the operator has no outputs */
    qn_buffer_init(&text, importer->scratch->allocator);
    qn_status *status = collect_message(qn_tf_site_of(site), &text);
    attrs.message = qn_arena_printf(importer->arena, "%s", text.size ? qn_buffer_text(&text) : site->node);
    int failed = text.failed || !attrs.message;
    qn_buffer_deinit(&text);
    if (status) return status;
    if (failed) return qn_status_out_of_memory();
    return qn_site_emit(site, site->op, NULL, &attrs, 1, site->inputs, &none);
}
