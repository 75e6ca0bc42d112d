/* ir/text.h - what printing and parsing of graphs share (docs/text-ir.md). Only ir/ includes this file. */
#ifndef QN_IR_TEXT_H
#define QN_IR_TEXT_H

#include "ir/graph.h"

/* May `c` stand in a name that has no quotes? */
static inline int qn_text_is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == ':' || c == '/' || c == '-';
}

/* Elements of a constant, comma-separated; floats so that parsing gives the same bits. */
void qn_text_print_element(const qn_view *view, int64_t index, qn_buffer *buffer);
/* Sets an element from the text before `end`; 0 if that is none of the dtype. */
int qn_text_parse_element(const char *text, const char *end, qn_view *view, int64_t index);

#endif
