#include "import/wire.h"

#include <inttypes.h>
#include <string.h>

static const char *type_name(uint64_t type) {
    switch (type) {
    case QN_WIRE_VARINT: return "varint";
    case QN_WIRE_FIXED64: return "8 bytes";
    case QN_WIRE_BYTES: return "length and bytes";
    case QN_WIRE_FIXED32: return "4 bytes";
    default: return "unknown";
    }
}

qn_wire qn_wire_open(qn_bytes bytes) {
    static const uint8_t nothing[1];
    const uint8_t *data = bytes.size ? bytes.data : nothing;
    return (qn_wire){.start = data, .next = data, .end = data + bytes.size, .depth = 0};
}

int qn_wire_has_more(const qn_wire *wire) { return wire->next < wire->end; }

size_t qn_wire_offset(const qn_wire *wire) { return (size_t)(wire->next - wire->start); }

static size_t bytes_left(const qn_wire *wire) { return (size_t)(wire->end - wire->next); }

static qn_status *read_varint(qn_wire *wire, uint64_t *out_value) {
    size_t offset = qn_wire_offset(wire);
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (wire->next == wire->end)
            return QN_ERR(QN_INVALID_MODEL, "byte %zu: the data ends inside a number; the file is cut short or damaged",
                          offset);
        uint64_t byte = *wire->next++;
        if (shift == 63 && byte > 1) break;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out_value = value;
            return NULL;
        }
    }
    return QN_ERR(QN_INVALID_MODEL, "byte %zu: a number longer than 64 bits; the file is damaged", offset);
}

static qn_status *read_fixed(qn_wire *wire, size_t bytes, uint64_t *out_value) {
    if (bytes_left(wire) < bytes)
        return QN_ERR(QN_INVALID_MODEL, "byte %zu: %zu bytes expected, %zu left; the file is cut short or damaged",
                      qn_wire_offset(wire), bytes, bytes_left(wire));
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= (uint64_t)wire->next[i] << (8 * i);
    wire->next += bytes;
    *out_value = value;
    return NULL;
}

static qn_status *read_payload(qn_wire *wire, qn_bytes *out_bytes) {
    size_t offset = qn_wire_offset(wire);
    uint64_t length;
    QN_TRY(read_varint(wire, &length));
    if (length > bytes_left(wire))
        return QN_ERR(QN_INVALID_MODEL,
                      "byte %zu: a field of %" PRIu64 " bytes where %zu are left; the file is cut short or damaged",
                      offset, length, bytes_left(wire));
    *out_bytes = (qn_bytes){wire->next, (size_t)length};
    wire->next += length;
    return NULL;
}

qn_status *qn_wire_next(qn_wire *wire, qn_wire_field *out_field) {
    *out_field = (qn_wire_field){.offset = qn_wire_offset(wire)};
    uint64_t tag;
    QN_TRY(read_varint(wire, &tag));
    if (tag >> 3 == 0 || tag >> 32 != 0)
        return QN_ERR(QN_INVALID_MODEL, "byte %zu: no field has number %" PRIu64 "; the file is damaged",
                      out_field->offset, tag >> 3);
    out_field->number = (uint32_t)(tag >> 3);
    out_field->type = (qn_wire_type)(tag & 7);
    switch (tag & 7) {
    case QN_WIRE_VARINT: return read_varint(wire, &out_field->value);
    case QN_WIRE_FIXED64: return read_fixed(wire, 8, &out_field->value);
    case QN_WIRE_FIXED32: return read_fixed(wire, 4, &out_field->value);
    case QN_WIRE_BYTES: return read_payload(wire, &out_field->bytes);
    default:
        return QN_ERR(QN_INVALID_MODEL,
                      "byte %zu: field %" PRIu32 " has wire type %d, which no model uses; the file is damaged",
                      out_field->offset, out_field->number, (int)(tag & 7));
    }
}

static qn_status *expect_type(const qn_wire_field *field, qn_wire_type type) {
    if (field->type == type) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "byte %zu: field %" PRIu32 " is stored as %s, expected %s; the file is damaged",
                  field->offset, field->number, type_name(field->type), type_name(type));
}

qn_status *qn_wire_enter(const qn_wire *wire, const qn_wire_field *field, qn_wire *out_message) {
    QN_TRY(expect_type(field, QN_WIRE_BYTES));
    if (wire->depth >= QN_WIRE_DEPTH_MAX)
        return QN_ERR(QN_LIMIT, "byte %zu: messages are nested deeper than %d", field->offset, QN_WIRE_DEPTH_MAX);
    *out_message = (qn_wire){wire->start, field->bytes.data, field->bytes.data + field->bytes.size, wire->depth + 1};
    return NULL;
}

qn_status *qn_wire_read_bytes(const qn_wire_field *field, qn_bytes *out_bytes) {
    QN_TRY(expect_type(field, QN_WIRE_BYTES));
    *out_bytes = field->bytes;
    return NULL;
}

qn_status *qn_wire_read_int(const qn_wire_field *field, int64_t *out_value) {
    QN_TRY(expect_type(field, QN_WIRE_VARINT));
    *out_value = (int64_t)field->value;
    return NULL;
}

qn_status *qn_wire_read_bool(const qn_wire_field *field, int *out_value) {
    QN_TRY(expect_type(field, QN_WIRE_VARINT));
    *out_value = field->value != 0;
    return NULL;
}

qn_status *qn_wire_read_float(const qn_wire_field *field, float *out_value) {
    QN_TRY(expect_type(field, QN_WIRE_FIXED32));
    uint32_t bits = (uint32_t)field->value;
    memcpy(out_value, &bits, sizeof bits);
    return NULL;
}

qn_status *qn_wire_open_numbers(const qn_wire *wire, const qn_wire_field *field, qn_wire_type type,
                                qn_wire_numbers *out_numbers) {
    *out_numbers = (qn_wire_numbers){.type = type};
    if (field->type == QN_WIRE_BYTES) return qn_wire_enter(wire, field, &out_numbers->wire);
    QN_TRY(expect_type(field, type));
    out_numbers->wire = (qn_wire){wire->start, wire->next, wire->next, wire->depth};
    out_numbers->single = 1;
    out_numbers->value = field->value;
    return NULL;
}

int qn_wire_numbers_has_more(const qn_wire_numbers *numbers) {
    return numbers->single || qn_wire_has_more(&numbers->wire);
}

qn_status *qn_wire_numbers_next(qn_wire_numbers *numbers, uint64_t *out_bits) {
    if (numbers->single) {
        numbers->single = 0;
        *out_bits = numbers->value;
        return NULL;
    }
    switch (numbers->type) {
    case QN_WIRE_FIXED32: return read_fixed(&numbers->wire, 4, out_bits);
    case QN_WIRE_FIXED64: return read_fixed(&numbers->wire, 8, out_bits);
    default: return read_varint(&numbers->wire, out_bits);
    }
}
