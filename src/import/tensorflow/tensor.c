#include "import/tensorflow/tensor.h"

#include "import/import.h"

#include <inttypes.h>
#include <string.h>

/* ---- Types ---- */

enum { DT_STRING = 7, DT_REF_OFFSET = 100 };

typedef struct type_row {
    const char *name; /* as TensorFlow spells it; NULL: no such number */
    qn_dtype dtype;   /* NONE: not computed with */
    uint32_t field;   /* of TensorProto that lists such values */
    qn_wire_type wire;
} type_row;

static const type_row type_rows[] = {
    [1] = {"float", QN_DTYPE_F32, 5, QN_WIRE_FIXED32},         [2] = {"double", QN_DTYPE_F64, 6, QN_WIRE_FIXED64},
    [3] = {"int32", QN_DTYPE_S32, 7, QN_WIRE_VARINT},          [4] = {"uint8", QN_DTYPE_U8, 7, QN_WIRE_VARINT},
    [5] = {"int16", QN_DTYPE_S16, 7, QN_WIRE_VARINT},          [6] = {"int8", QN_DTYPE_S8, 7, QN_WIRE_VARINT},
    [DT_STRING] = {"string", QN_DTYPE_NONE, 8, QN_WIRE_BYTES}, [8] = {"complex64", QN_DTYPE_NONE, 0, QN_WIRE_VARINT},
    [9] = {"int64", QN_DTYPE_S64, 10, QN_WIRE_VARINT},         [10] = {"bool", QN_DTYPE_BOOL, 11, QN_WIRE_VARINT},
    [11] = {"qint8", QN_DTYPE_S8, 7, QN_WIRE_VARINT},          [12] = {"quint8", QN_DTYPE_U8, 7, QN_WIRE_VARINT},
    [13] = {"qint32", QN_DTYPE_S32, 7, QN_WIRE_VARINT},        [14] = {"bfloat16", QN_DTYPE_BF16, 13, QN_WIRE_VARINT},
    [15] = {"qint16", QN_DTYPE_S16, 7, QN_WIRE_VARINT},        [16] = {"quint16", QN_DTYPE_U16, 7, QN_WIRE_VARINT},
    [17] = {"uint16", QN_DTYPE_U16, 7, QN_WIRE_VARINT},        [18] = {"complex128", QN_DTYPE_NONE, 0, QN_WIRE_VARINT},
    [19] = {"half", QN_DTYPE_F16, 13, QN_WIRE_VARINT},         [20] = {"resource", QN_DTYPE_NONE, 0, QN_WIRE_VARINT},
    [21] = {"variant", QN_DTYPE_NONE, 0, QN_WIRE_VARINT},      [22] = {"uint32", QN_DTYPE_U32, 16, QN_WIRE_VARINT},
    [23] = {"uint64", QN_DTYPE_U64, 17, QN_WIRE_VARINT},
};

static const type_row *find_type(int64_t number) {
    if (number > DT_REF_OFFSET) number -= DT_REF_OFFSET;
    if (number <= 0 || number >= (int64_t)(sizeof type_rows / sizeof *type_rows)) return NULL;
    return &type_rows[number];
}

qn_status *qn_tf_dtype(int64_t number, qn_dtype *out_dtype) {
    const type_row *row = find_type(number);
    if (!row) return QN_ERR(QN_UNSUPPORTED, "element type number %" PRId64 " is not supported", number);
    if (row->dtype == QN_DTYPE_NONE) return QN_ERR(QN_UNSUPPORTED, "element type %s is not supported", row->name);
    *out_dtype = row->dtype;
    return NULL;
}

/* ---- Shapes ---- */

static qn_status *read_dim(const qn_wire *wire, const qn_wire_field *field, int64_t *out_size) {
    qn_wire message;
    QN_TRY(qn_wire_enter(wire, field, &message));
    *out_size = 0;
    while (qn_wire_has_more(&message)) {
        qn_wire_field part;
        QN_TRY(qn_wire_next(&message, &part));
        if (part.number == 1) QN_TRY(qn_wire_read_int(&part, out_size));
    }
    if (*out_size < -1) return QN_ERR(QN_INVALID_MODEL, "byte %zu: a dim is %" PRId64, field->offset, *out_size);
    return NULL;
}

qn_status *qn_tf_read_shape(qn_wire message, qn_import_shape *out_shape) {
    int unknown = 0;
    *out_shape = (qn_import_shape){.rank = 0};
    while (qn_wire_has_more(&message)) {
        qn_wire_field field;
        QN_TRY(qn_wire_next(&message, &field));
        if (field.number == 3) QN_TRY(qn_wire_read_bool(&field, &unknown));
        if (field.number != 2) continue;
        if (out_shape->rank == QN_MAX_RANK)
            return QN_ERR(QN_UNSUPPORTED, "byte %zu: a shape of more than %d dims", field.offset, QN_MAX_RANK);
        QN_TRY(read_dim(&message, &field, &out_shape->dims[out_shape->rank]));
        out_shape->rank++;
    }
    if (unknown) out_shape->rank = -1;
    return NULL;
}

/* ---- Tensors ---- */

typedef struct header {
    int64_t type;
    qn_import_shape shape;
    qn_bytes content;
    size_t content_offset;
} header;

static qn_status *read_header(qn_wire message, header *out_header) {
    *out_header = (header){0};
    while (qn_wire_has_more(&message)) {
        qn_wire_field field;
        qn_wire shape;
        QN_TRY(qn_wire_next(&message, &field));
        switch (field.number) {
        case 1: QN_TRY(qn_wire_read_int(&field, &out_header->type)); break;
        case 2:
            QN_TRY(qn_wire_enter(&message, &field, &shape));
            QN_TRY(qn_tf_read_shape(shape, &out_header->shape));
            break;
        case 4:
            QN_TRY(qn_wire_read_bytes(&field, &out_header->content));
            out_header->content_offset = field.offset;
            break;
        default: break;
        }
    }
    return NULL;
}

static qn_status *take_content(const header *h, qn_arena *arena, qn_import_copied *inout_copied, qn_view *view) {
    QN_TRY_CTX(qn_constant_take_bytes(h->content, "tensor_content", arena, inout_copied, view), "byte %zu",
               h->content_offset);
    return NULL;
}

static qn_status *store(qn_view *view, size_t index, qn_wire_type wire, uint64_t bits) {
    if (wire == QN_WIRE_VARINT) return qn_constant_store_int(view, index, (int64_t)bits);
    qn_constant_store_bits(view, index, bits);
    return NULL;
}

/* Stores the listed values in order; *out_count is how many there were. */
static qn_status *store_listed(qn_wire message, const type_row *row, size_t elems, qn_view *view, size_t *out_count) {
    size_t count = 0;
    while (qn_wire_has_more(&message)) {
        qn_wire_field field;
        qn_wire_numbers numbers;
        QN_TRY(qn_wire_next(&message, &field));
        if (field.number != row->field) continue;
        QN_TRY(qn_wire_open_numbers(&message, &field, row->wire, &numbers));
        while (qn_wire_numbers_has_more(&numbers)) {
            uint64_t bits;
            QN_TRY(qn_wire_numbers_next(&numbers, &bits));
            if (count == elems)
                return QN_ERR(QN_INVALID_MODEL, "byte %zu: more values are listed than the shape's %zu elements",
                              field.offset, elems);
            QN_TRY(store(view, count, row->wire, bits));
            count++;
        }
    }
    *out_count = count;
    return NULL;
}

/* How many values are listed, before room is made for what they stand for. Damaged lists count up to the damage. */
static size_t count_listed(qn_wire message, const type_row *row) {
    size_t count = 0;
    qn_status *status = NULL;
    while (!status && qn_wire_has_more(&message)) {
        qn_wire_field field;
        qn_wire_numbers numbers;
        uint64_t bits;
        status = qn_wire_next(&message, &field);
        if (status || field.number != row->field) continue;
        status = qn_wire_open_numbers(&message, &field, row->wire, &numbers);
        for (; !status && qn_wire_numbers_has_more(&numbers); count++) status = qn_wire_numbers_next(&numbers, &bits);
    }
    qn_status_free(status);
    return count;
}

/* A list that ends early stands for its last value from there on. */
static qn_status *check_repeated(qn_wire message, const type_row *row, size_t elems, size_t size,
                                 qn_import_copied *inout_copied) {
    size_t listed = count_listed(message, row);
    return qn_constant_count_repeated(elems > listed ? (elems - listed) * size : 0,
                                      "store them as tensor_content, or compute them with Fill", inout_copied);
}

qn_status *qn_tf_read_tensor(qn_wire message, qn_arena *arena, qn_import_copied *inout_copied, qn_view *out_view) {
    header h;
    size_t elems = 0, count = 0;
    QN_TRY(read_header(message, &h));
    *out_view = (qn_view){0};
    QN_TRY(qn_tf_dtype(h.type, &out_view->dtype));
    QN_TRY(qn_constant_set_dims(&h.shape, out_view, &elems));
    if (h.content.size) return take_content(&h, arena, inout_copied, out_view);

    if (elems > QN_IMPORT_LISTED_ELEMS_MAX)
        return QN_ERR(QN_LIMIT, "%zu elements are listed or repeated, the limit is %d: store them as tensor_content",
                      elems, QN_IMPORT_LISTED_ELEMS_MAX);
    QN_TRY(check_repeated(message, find_type(h.type), elems, qn_dtype_size(out_view->dtype), inout_copied));
    QN_TRY(qn_constant_alloc(arena, elems, inout_copied, out_view));
    QN_TRY(store_listed(message, find_type(h.type), elems, out_view, &count));
    /* The last value of a list that is too short fills the rest of the tensor; an empty list makes zeros. */
    size_t size = qn_dtype_size(out_view->dtype);
    uint8_t *data = out_view->data;
    for (size_t i = count; count && i < elems; i++) memcpy(data + i * size, data + (count - 1) * size, size);
    return NULL;
}

qn_status *qn_tf_read_strings(qn_wire message, size_t max_bytes, qn_buffer *buffer) {
    header h;
    QN_TRY(read_header(message, &h));
    if (h.type != DT_STRING) return NULL;
    while (qn_wire_has_more(&message)) {
        qn_wire_field field;
        qn_bytes text;
        QN_TRY(qn_wire_next(&message, &field));
        if (field.number != type_rows[DT_STRING].field) continue;
        QN_TRY(qn_wire_read_bytes(&field, &text));
        if (buffer->size && text.size && buffer->size < max_bytes) qn_buffer_append(buffer, " ", 1);
        for (size_t i = 0; i < text.size && buffer->size < max_bytes; i++) {
            uint8_t c = text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i];
            qn_buffer_append(buffer, &c, 1);
        }
    }
    return NULL;
}
