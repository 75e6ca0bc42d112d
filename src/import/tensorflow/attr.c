/* Reading the attributes of a node, straight from the file. */
#include "import/tensorflow/importer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Fields of AttrValue. */
enum { LIST = 1, TEXT, INT, FLOAT, FLAG, TYPE, SHAPE, TENSOR, PLACEHOLDER, FUNCTION, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {
    "nothing",         "a list",  "text",     "an integer",  "a float",   "a bool",
    "an element type", "a shape", "a tensor", "a parameter", "a function"};

static qn_tf_attr *find_attr(const qn_tf_attrs *attrs, const char *name) {
    for (size_t i = 0; i < attrs->count; i++)
        if (strcmp(attrs->items[i].name, name) == 0) return &attrs->items[i];
    return NULL;
}

/* The one field that an AttrValue holds; number 0 if it is empty. */
static qn_status *read_value(qn_wire *value, qn_wire_field *out_field) {
    *out_field = (qn_wire_field){0};
    while (qn_wire_has_more(value)) {
        qn_wire_field field;
        QN_TRY(qn_wire_next(value, &field));
        if (field.number > 0 && field.number < KIND_COUNT) *out_field = field;
    }
    return NULL;
}

/* Follows a value that names an attribute of the surrounding calls. */
static qn_status *follow_parameter(qn_tf_site *site, const qn_tf_scope *scope, qn_wire *value, qn_wire_field *field) {
    while (field->number == PLACEHOLDER) {
        const char *name;
        QN_TRY(qn_tf_read_name(site->importer->scratch, field, "parameter name", &name));
        int64_t index = scope ? qn_tf_names_find(&scope->names, name) : -1;
        if (index < 0) return QN_ERR(QN_INVALID_MODEL, "byte %zu: parameter '%s' has no value", field->offset, name);
        *value = scope->attrs.items[index].value;
        scope = scope->outer;
        QN_TRY(read_value(value, field));
    }
    return NULL;
}

/* Finds the attribute's value, of kind `kind`. *out_field.number is 0 if the node has none. `out_value` is a cursor in
   the message that holds the field. */
static qn_status *find_value(qn_tf_site *site, const char *name, uint32_t kind, qn_wire *out_value,
                             qn_wire_field *out_field) {
    qn_tf_attr *attr = find_attr(&site->node->attrs, name);
    *out_field = (qn_wire_field){0};
    if (!attr) return NULL;
    attr->known = 1;
    *out_value = attr->value;
    QN_TRY_CTX(read_value(out_value, out_field), "attribute '%s'", name);
    QN_TRY_CTX(follow_parameter(site, site->node->scope, out_value, out_field), "attribute '%s'", name);
    if (out_field->number && out_field->number != kind)
        return QN_ERR(QN_INVALID_MODEL, "attribute '%s' holds %s, expected %s", name, kind_names[out_field->number],
                      kind_names[kind]);
    return NULL;
}

qn_status *qn_tf_get_int(qn_tf_site *site, const char *name, int64_t fallback, int64_t *out_value) {
    qn_wire value;
    qn_wire_field field;
    QN_TRY(find_value(site, name, INT, &value, &field));
    *out_value = fallback;
    if (field.number) QN_TRY_CTX(qn_wire_read_int(&field, out_value), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_get_float(qn_tf_site *site, const char *name, float fallback, float *out_value) {
    qn_wire value;
    qn_wire_field field;
    QN_TRY(find_value(site, name, FLOAT, &value, &field));
    *out_value = fallback;
    if (field.number) QN_TRY_CTX(qn_wire_read_float(&field, out_value), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_get_bool(qn_tf_site *site, const char *name, int fallback, int64_t *out_value) {
    qn_wire value;
    qn_wire_field field;
    int flag = fallback;
    QN_TRY(find_value(site, name, FLAG, &value, &field));
    if (field.number) QN_TRY_CTX(qn_wire_read_bool(&field, &flag), "attribute '%s'", name);
    *out_value = flag;
    return NULL;
}

qn_status *qn_tf_get_dtype(qn_tf_site *site, const char *name, qn_dtype fallback, qn_dtype *out_dtype) {
    qn_wire value;
    qn_wire_field field;
    int64_t number;
    QN_TRY(find_value(site, name, TYPE, &value, &field));
    *out_dtype = fallback;
    if (!field.number) return NULL;
    QN_TRY_CTX(qn_wire_read_int(&field, &number), "attribute '%s'", name);
    QN_TRY_CTX(qn_tf_dtype(number, out_dtype), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_get_text(qn_tf_site *site, const char *name, const char *fallback, const char **out_text) {
    qn_wire value;
    qn_wire_field field;
    QN_TRY(find_value(site, name, TEXT, &value, &field));
    *out_text = fallback;
    if (!field.number) return NULL;
    if (field.type == QN_WIRE_BYTES && field.bytes.size == 0) {
        *out_text = "";
        return NULL;
    }
    QN_TRY_CTX(qn_tf_read_name(site->importer->scratch, &field, "text", out_text), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_get_choice(qn_tf_site *site, const char *name, const char *const *choices, int fallback,
                            int64_t *out_index) {
    const char *text;
    char allowed[256];
    size_t used = 0;
    QN_TRY(qn_tf_get_text(site, name, fallback < 0 ? NULL : choices[fallback], &text));
    if (!text) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is missing", name);
    for (int i = 0; choices[i]; i++) {
        *out_index = i;
        if (strcmp(text, choices[i]) == 0) return NULL;
        int length = snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", choices[i]);
        if (length > 0 && (size_t)length < sizeof allowed - used) used += (size_t)length;
    }
    return QN_ERR(QN_UNSUPPORTED, "attribute '%s' is '%s'; %s expected", name, text, allowed);
}

qn_status *qn_tf_get_ints(qn_tf_site *site, const char *name, qn_ints *out_ints) {
    qn_wire value, list;
    qn_wire_field field;
    *out_ints = (qn_ints){0};
    QN_TRY(find_value(site, name, LIST, &value, &field));
    if (!field.number) return NULL;
    QN_TRY_CTX(qn_wire_enter(&value, &field, &list), "attribute '%s'", name);
    while (qn_wire_has_more(&list)) {
        qn_wire_numbers numbers;
        QN_TRY_CTX(qn_wire_next(&list, &field), "attribute '%s'", name);
        if (field.number != INT)
            return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is a list of something else than integers", name);
        QN_TRY_CTX(qn_wire_open_numbers(&list, &field, QN_WIRE_VARINT, &numbers), "attribute '%s'", name);
        while (qn_wire_numbers_has_more(&numbers)) {
            uint64_t bits;
            QN_TRY_CTX(qn_wire_numbers_next(&numbers, &bits), "attribute '%s'", name);
            if (out_ints->count == QN_ATTR_INTS_MAX)
                return QN_ERR(QN_LIMIT, "attribute '%s' lists more than %d numbers", name, QN_ATTR_INTS_MAX);
            out_ints->values[out_ints->count++] = (int64_t)bits;
        }
    }
    return NULL;
}

qn_status *qn_tf_get_shape(qn_tf_site *site, const char *name, qn_tf_shape *out_shape, int *out_found) {
    qn_wire value, message;
    qn_wire_field field;
    QN_TRY(find_value(site, name, SHAPE, &value, &field));
    *out_found = field.number != 0;
    *out_shape = (qn_tf_shape){.rank = -1};
    if (!*out_found) return NULL;
    QN_TRY_CTX(qn_wire_enter(&value, &field, &message), "attribute '%s'", name);
    QN_TRY_CTX(qn_tf_read_shape(message, out_shape), "attribute '%s'", name);
    return NULL;
}

qn_status *qn_tf_get_tensor(qn_tf_site *site, const char *name, qn_wire *out_message) {
    qn_wire value;
    qn_wire_field field;
    QN_TRY(find_value(site, name, TENSOR, &value, &field));
    if (!field.number) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is missing", name);
    QN_TRY_CTX(qn_wire_enter(&value, &field, out_message), "attribute '%s'", name);
    return NULL;
}

/* ---- Unknown attributes ---- */

/* Known to say nothing that the graph does not say, or that concerns only how TensorFlow runs or trains. Names that
   begin with an underscore are TensorFlow's own notes. */
static int is_harmless(const char *name) {
    /* clang-format off */
    static const char *const harmless[] = {
        "DstT", "Index", "N", "SrcT", "T", "T1", "T2", "T_threshold", "Taxis", "Tblock_shape", "Tcrops", "Tdim", "Tidx",
        "Tin", "Tindices", "Tlen", "Tmultiples", "Tout", "Tpaddings", "Tparams", "Tperm", "Tshape", "Truncate", "U",
        "dtype", "exponential_avg_factor", "grad_a", "grad_b", "grad_x", "grad_y", "incompatible_shape_error",
        "index_type", "message", "num", "num_split", "out_type", "shape", "summarize", "use_cudnn_on_gpu",
        "validate_indices", "validate_shape"};
    /* clang-format on */
    if (name[0] == '_') return 1;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(name, harmless[i]) == 0) return 1;
    return 0;
}

qn_status *qn_tf_warn_unknown_attrs(qn_tf_site *site) {
    enum { WARNED_MAX = 256 };
    qn_tf_importer *importer = site->importer;
    for (size_t i = 0; i < site->node->attrs.count; i++) {
        const qn_tf_attr *attr = &site->node->attrs.items[i];
        if (attr->known || is_harmless(attr->name) || importer->warned.count >= WARNED_MAX) continue;
        const char *key = qn_arena_printf(importer->scratch, "%s/%s", site->node->op, attr->name);
        if (!key) return qn_status_out_of_memory();
        int seen = 0;
        for (size_t k = 0; k < importer->warned.count && !seen; k++) seen = strcmp(importer->warned.items[k], key) == 0;
        if (seen) continue;
        QN_TRY(QN_LIST_PUSH(importer->scratch, &importer->warned, key));
        qn_tf_warn(importer, "node '%s' (%s): attribute '%s' is not known; it is ignored, here and on other %s nodes",
                   site->node->name, site->node->op, attr->name, site->node->op);
    }
    return NULL;
}
