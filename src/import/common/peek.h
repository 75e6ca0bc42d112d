/* import/common/peek.h - a look at the beginning of unknown bytes, for recognising formats. */
#ifndef QN_IMPORT_COMMON_PEEK_H
#define QN_IMPORT_COMMON_PEEK_H

#include "import/wire.h"

/* Do the first kilobytes hold no control characters but line ends and tabs? */
int qn_peek_is_text(qn_bytes bytes);
/* Does a line of the first kilobytes begin with `word`, then blanks, then `mark`? */
int qn_peek_has_line(qn_bytes bytes, const char *word, char mark);

/* Which fields the outermost message of protocol buffers has, as far as it can be read. */
typedef struct qn_peek_outline {
    uint64_t varints, payloads; /* bit n: field n was seen so; fields from 63 on share bit 63 */
    qn_wire first[3];           /* the first payload of fields 1 and 2, by number */
    int has_first[3];
} qn_peek_outline;

void qn_peek_read_outline(qn_wire wire, qn_peek_outline *out_outline);
int qn_peek_has(uint64_t fields, int number);
/* What only ONNX's models have: a version, and a graph in field 7. */
int qn_peek_is_onnx(const qn_peek_outline *message);
/* What only Caffe's networks have: layers in a high field, and no number in field 1. */
int qn_peek_is_caffe(const qn_peek_outline *message);

#endif
