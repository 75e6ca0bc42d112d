/* A look at the beginning of unknown bytes. */
#include "import/common/peek.h"

#include <string.h>

enum { TEXT_LOOK_BYTES = 4096 };

int qn_peek_is_text(qn_bytes bytes) {
    size_t look = bytes.size < TEXT_LOOK_BYTES ? bytes.size : TEXT_LOOK_BYTES;
    for (size_t i = 0; i < look; i++) {
        uint8_t c = bytes.data[i];
        if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t')) return 0;
    }
    return 1;
}

int qn_peek_has_line(qn_bytes bytes, const char *word, char mark) {
    size_t look = bytes.size < TEXT_LOOK_BYTES ? bytes.size : TEXT_LOOK_BYTES, length = strlen(word);
    for (size_t i = 0; i + length < look; i++) {
        if (i && bytes.data[i - 1] != '\n') continue;
        if (memcmp(bytes.data + i, word, length) != 0) continue;
        size_t at = i + length;
        while (at < look && (bytes.data[at] == ' ' || bytes.data[at] == '\t')) at++;
        if (at < look && bytes.data[at] == (uint8_t)mark) return 1;
    }
    return 0;
}

void qn_peek_read_outline(qn_wire wire, qn_peek_outline *out) {
    enum { FIELDS_MAX = 4096 };
    *out = (qn_peek_outline){0};
    for (int i = 0; i < FIELDS_MAX && qn_wire_has_more(&wire); i++) {
        qn_wire_field field;
        qn_status *status = qn_wire_next(&wire, &field);
        if (status) {
            qn_status_free(status);
            return;
        }
        uint64_t bit = 1ull << (field.number < 63 ? field.number : 63);
        if (field.type == QN_WIRE_VARINT) out->varints |= bit;
        if (field.type != QN_WIRE_BYTES) continue;
        out->payloads |= bit;
        if (field.number > 2 || out->has_first[field.number]) continue;
        status = qn_wire_enter(&wire, &field, &out->first[field.number]);
        qn_status_free(status);
        out->has_first[field.number] = !status;
    }
}

int qn_peek_has(uint64_t fields, int number) { return (fields >> number & 1) != 0; }

int qn_peek_is_onnx(const qn_peek_outline *message) {
    return qn_peek_has(message->varints, 1) && qn_peek_has(message->payloads, 7);
}

int qn_peek_is_caffe(const qn_peek_outline *message) {
    return qn_peek_has(message->payloads, 63) && !qn_peek_has(message->varints, 1) &&
           (qn_peek_has(message->payloads, 1) || message->payloads == 1ull << 63);
}
