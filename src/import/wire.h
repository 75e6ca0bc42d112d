/* import/wire.h - reads protocol-buffer bytes in place: nothing is copied, nothing is allocated.
 *
 * A `qn_wire` is a cursor over one message. Every failure is an INVALID_MODEL (or LIMIT) status that names the byte
 * offset in the file, and nesting is bounded, so a hostile file costs at most one pass over its bytes per level.
 *
 *     qn_wire wire = qn_wire_open(bytes);
 *     while (qn_wire_has_more(&wire)) {
 *         qn_wire_field field;
 *         QN_TRY(qn_wire_next(&wire, &field));
 *         if (field.number == 1) QN_TRY(qn_wire_enter(&wire, &field, &child));
 *     }
 *
 * Threads: a cursor belongs to one thread; the bytes are only read.
 */
#ifndef QN_IMPORT_WIRE_H
#define QN_IMPORT_WIRE_H

#include "base/status.h"
#include "base/text.h"

enum { QN_WIRE_DEPTH_MAX = 32 };

/* The wire types that exist in today's files; groups (3, 4) are refused. */
typedef enum qn_wire_type {
    QN_WIRE_VARINT = 0,
    QN_WIRE_FIXED64 = 1,
    QN_WIRE_BYTES = 2, /* length-delimited: text, bytes, messages, packed numbers */
    QN_WIRE_FIXED32 = 5
} qn_wire_type;

typedef struct qn_wire {
    const uint8_t *start; /* of the file, for offsets */
    const uint8_t *next, *end;
    int depth; /* messages around this one */
} qn_wire;

typedef struct qn_wire_field {
    uint32_t number; /* 1 .. 2^29 - 1 */
    qn_wire_type type;
    uint64_t value; /* VARINT, FIXED32, FIXED64: the bits */
    qn_bytes bytes; /* BYTES: the payload, inside the file */
    size_t offset;  /* of the field's tag in the file */
} qn_wire_field;

/* A cursor over a whole file, at depth 0. */
qn_wire qn_wire_open(qn_bytes bytes);
int qn_wire_has_more(const qn_wire *wire);
/* Offset of the cursor in the file. */
size_t qn_wire_offset(const qn_wire *wire);
/* Reads one field and moves behind it. */
qn_status *qn_wire_next(qn_wire *wire, qn_wire_field *out_field) QN_MUST_USE;

/* The field read as one kind; INVALID_MODEL if its wire type differs. */
qn_status *qn_wire_enter(const qn_wire *wire, const qn_wire_field *field, qn_wire *out_message) QN_MUST_USE;
qn_status *qn_wire_read_bytes(const qn_wire_field *field, qn_bytes *out_bytes) QN_MUST_USE;
qn_status *qn_wire_read_int(const qn_wire_field *field, int64_t *out_value) QN_MUST_USE;
qn_status *qn_wire_read_bool(const qn_wire_field *field, int *out_value) QN_MUST_USE;
qn_status *qn_wire_read_float(const qn_wire_field *field, float *out_value) QN_MUST_USE;

/* A repeated number field, packed or one value per field: a cursor over the values' bits. */
typedef struct qn_wire_numbers {
    qn_wire wire;
    qn_wire_type type; /* of one value */
    int single;        /* 1: `value` is the only one and not taken yet */
    uint64_t value;
} qn_wire_numbers;

/* `type` is the wire type of one value. */
qn_status *qn_wire_open_numbers(const qn_wire *wire, const qn_wire_field *field, qn_wire_type type,
                                qn_wire_numbers *out_numbers) QN_MUST_USE;
int qn_wire_numbers_has_more(const qn_wire_numbers *numbers);
qn_status *qn_wire_numbers_next(qn_wire_numbers *numbers, uint64_t *out_bits) QN_MUST_USE;

#endif
