/* Conversions of constants, of operators that pass values on, and of assertions. */
#include "import/tensorflow/families.h"

#include <string.h>

qn_status *qn_tf_convert_const(qn_tf_site *site) {
    qn_tf_importer *importer = site->importer;
    qn_wire message;
    qn_view view;
    qn_value *value;
    QN_TRY(qn_tf_get_tensor(site, "value", &message));
    QN_TRY(qn_tf_read_tensor(message, importer->arena, &importer->copied, &view));
    qn_dtype declared;
    QN_TRY(qn_tf_get_dtype(site, "dtype", view.dtype, &declared));
    if (declared != view.dtype)
        return QN_ERR(QN_INVALID_MODEL, "attribute 'dtype' says %s, the value holds %s", qn_dtype_name(declared),
                      qn_dtype_name(view.dtype));
    /* A constant that is itself an output leaves its name to the identity that becomes the output. */
    QN_TRY(qn_tf_constant(site, site->state->requested ? "value" : NULL, &view, &value));
    return qn_tf_set_output(site, 0, value);
}

qn_status *qn_tf_convert_forward(qn_tf_site *site) { return qn_tf_set_output(site, 0, site->inputs[0]); }

qn_status *qn_tf_convert_forward_all(qn_tf_site *site) {
    for (int i = 0; i < site->input_count; i++) QN_TRY(qn_tf_set_output(site, i, site->inputs[i]));
    return NULL;
}

qn_status *qn_tf_convert_nothing(qn_tf_site *site) {
    (void)site;
    return NULL;
}

/* The text constants among an Assert's data, joined: what TensorFlow would print before the tensors' values. */
static qn_status *collect_message(qn_tf_site *site, qn_buffer *text) {
    enum { MESSAGE_BYTES_MAX = 1024 };
    for (size_t i = 1; i < site->node->input_count; i++) {
        qn_tf_site data = *site;
        qn_wire message;
        data.node = &site->importer->source.nodes.items[site->node->inputs[i].node];
        if (strcmp(data.node->op, "Const") != 0) continue;
        QN_TRY(qn_tf_input_context(site, (int)i, qn_tf_get_tensor(&data, "value", &message)));
        QN_TRY(qn_tf_input_context(site, (int)i, qn_tf_read_strings(message, MESSAGE_BYTES_MAX, text)));
    }
    return NULL;
}

qn_status *qn_tf_convert_assert(qn_tf_site *site) {
    qn_tf_importer *importer = site->importer;
    qn_buffer text;
    qn_assert_attrs attrs;
    qn_value *none; /* the operator has no outputs */
    qn_buffer_init(&text, importer->scratch->allocator);
    qn_status *status = collect_message(site, &text);
    attrs.message = qn_arena_printf(importer->arena, "%s", text.size ? qn_buffer_text(&text) : site->node->name);
    int failed = text.failed || !attrs.message;
    qn_buffer_deinit(&text);
    if (status) return status;
    if (failed) return qn_status_out_of_memory();
    return qn_tf_emit(site, site->op, NULL, &attrs, 1, site->inputs, &none);
}
