/* Reading the attributes of a node, straight from the file. */
#include "import/tensorflow/importer.h"

#include <inttypes.h>
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
static qn_status *follow_parameter(qn_arena *scratch, const qn_tf_scope *scope, qn_wire *value, qn_wire_field *field) {
    while (field->number == PLACEHOLDER) {
        const char *name;
        QN_TRY(qn_import_read_name(scratch, field, "parameter name", &name));
        int64_t index = scope ? qn_import_names_find(&scope->names, name) : -1;
        if (index < 0) return QN_ERR(QN_INVALID_MODEL, "byte %zu: parameter '%s' has no value", field->offset, name);
        *value = scope->attrs.items[index].value;
        scope = scope->outer;
        QN_TRY(read_value(value, field));
    }
    return NULL;
}

/* Finds the attribute's value, of kind `kind`. *out_field.number is 0 if the node has none. `out_value` is a cursor in
   the message that holds the field. */
static qn_status *find_value(qn_arena *scratch, const qn_tf_node *node, const char *name, uint32_t kind,
                             qn_wire *out_value, qn_wire_field *out_field) {
    qn_tf_attr *attr = find_attr(&node->attrs, name);
    *out_field = (qn_wire_field){0};
    if (!attr) return NULL;
    attr->known = 1;
    *out_value = attr->value;
    QN_TRY_CTX(read_value(out_value, out_field), "attribute '%s'", name);
    QN_TRY_CTX(follow_parameter(scratch, node->scope, out_value, out_field), "attribute '%s'", name);
    if (out_field->number && out_field->number != kind)
        return QN_ERR(QN_INVALID_MODEL, "attribute '%s' holds %s, expected %s", name, kind_names[out_field->number],
                      kind_names[kind]);
    return NULL;
}

/* ---- Values by kind ---- */

static qn_status *read_dtype(const qn_wire_field *field, qn_dtype *out_dtype) {
    int64_t number;
    QN_TRY(qn_wire_read_int(field, &number));
    return qn_tf_dtype(number, out_dtype);
}

static qn_status *read_text(qn_arena *scratch, const qn_wire_field *field, const char **out_text) {
    *out_text = "";
    if (field->type == QN_WIRE_BYTES && field->bytes.size == 0) return NULL;
    return qn_import_read_name(scratch, field, "text", out_text);
}

static qn_status *read_list(const qn_wire *value, const qn_wire_field *field, const char *name, qn_ints *out_ints) {
    qn_wire list;
    *out_ints = (qn_ints){0};
    QN_TRY_CTX(qn_wire_enter(value, field, &list), "attribute '%s'", name);
    while (qn_wire_has_more(&list)) {
        qn_wire_field part;
        qn_wire_numbers numbers;
        QN_TRY_CTX(qn_wire_next(&list, &part), "attribute '%s'", name);
        if (part.number != INT)
            return QN_ERR(QN_INVALID_MODEL, "attribute '%s' is a list of something else than integers", name);
        QN_TRY_CTX(qn_wire_open_numbers(&list, &part, QN_WIRE_VARINT, &numbers), "attribute '%s'", name);
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

static qn_status *read_shape(const qn_wire *value, const qn_wire_field *field, qn_import_shape *out_shape) {
    qn_wire message;
    QN_TRY(qn_wire_enter(value, field, &message));
    return qn_tf_read_shape(message, out_shape);
}

/* Messages about the tensor's contents name the place in the file; only those about the message around it name the
   attribute. */
static qn_status *read_tensor(qn_importer *importer, const qn_wire *value, const qn_wire_field *field, const char *name,
                              qn_view *out_view) {
    qn_wire message;
    QN_TRY_CTX(qn_wire_enter(value, field, &message), "attribute '%s'", name);
    return qn_tf_read_tensor(message, importer->arena, &importer->copied, out_view);
}

static qn_status *read_bool(const qn_wire_field *field, int64_t *out_number) {
    int flag;
    QN_TRY(qn_wire_read_bool(field, &flag));
    *out_number = flag;
    return NULL;
}

qn_status *qn_tf_read_site_attr(qn_site *site, const char *name, qn_site_attr_kind kind, qn_site_attr *out_value,
                                int *out_found) {
    static const uint32_t fields[] = {
        [QN_SITE_INT] = INT,    [QN_SITE_FLOAT] = FLOAT, [QN_SITE_BOOL] = FLAG,   [QN_SITE_TEXT] = TEXT,
        [QN_SITE_DTYPE] = TYPE, [QN_SITE_INTS] = LIST,   [QN_SITE_SHAPE] = SHAPE, [QN_SITE_TENSOR] = TENSOR};
    qn_arena *scratch = site->importer->scratch;
    qn_wire value;
    qn_wire_field field;
    qn_status *status = NULL;
    QN_TRY(find_value(scratch, qn_tf_site_of(site)->node, name, fields[kind], &value, &field));
    *out_found = field.number != 0;
    if (!*out_found) return NULL;
    switch (kind) {
    case QN_SITE_INT: status = qn_wire_read_int(&field, &out_value->number); break;
    case QN_SITE_FLOAT: status = qn_wire_read_float(&field, &out_value->real); break;
    case QN_SITE_BOOL: status = read_bool(&field, &out_value->number); break;
    case QN_SITE_TEXT: status = read_text(scratch, &field, &out_value->text); break;
    case QN_SITE_DTYPE: status = read_dtype(&field, &out_value->dtype); break;
    case QN_SITE_SHAPE: status = read_shape(&value, &field, &out_value->shape); break;
    case QN_SITE_INTS: return read_list(&value, &field, name, &out_value->ints);
    case QN_SITE_TENSOR: return read_tensor(site->importer, &value, &field, name, &out_value->tensor);
    }
    return qn_status_context(status, "attribute '%s'", name);
}

qn_status *qn_tf_find_value_tensor(qn_arena *scratch, const qn_tf_node *node, qn_wire *out_message) {
    qn_wire value;
    qn_wire_field field;
    QN_TRY(find_value(scratch, node, "value", TENSOR, &value, &field));
    if (!field.number) return QN_ERR(QN_INVALID_MODEL, "attribute 'value' is missing");
    QN_TRY_CTX(qn_wire_enter(&value, &field, out_message), "attribute 'value'");
    return NULL;
}

/* ---- Unknown attributes ---- */

/* Attributes that repeat what the graph says anyway (types, counts), or say how TensorFlow runs or trains the graph.
   Names that begin with an underscore are TensorFlow's own notes. */
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
    for (size_t i = 0; i < site->node->attrs.count; i++) {
        const qn_tf_attr *attr = &site->node->attrs.items[i];
        if (!attr->known && !is_harmless(attr->name))
            QN_TRY(qn_importer_warn_attr(site->importer->common, site->node->name, site->node->op, attr->name));
    }
    return NULL;
}
