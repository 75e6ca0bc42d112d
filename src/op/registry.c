/* The operators of ops.def, by index and by name. */
#include "op/op.h"

#include <assert.h>
#include <string.h>

enum {
#define QN_OP(name) QN_OP_ROW_##name,
#include "op/ops.def"
#undef QN_OP
    QN_OP_ROWS
};

static const qn_op_def *const ops[] = {
#define QN_OP(name) [QN_OP_ROW_##name] = &qn_op_##name,
#include "op/ops.def"
#undef QN_OP
};

static_assert(QN_OP_ROWS > 0, "ops.def has rows");
static_assert(sizeof ops / sizeof ops[0] == QN_OP_ROWS, "every row of ops.def is in the registry");

size_t qn_op_count(void) { return QN_OP_ROWS; }

const qn_op_def *qn_op_at(size_t index) {
    assert(index < QN_OP_ROWS);
    return ops[index];
}

const qn_op_def *qn_op_find(const char *name) {
    size_t low = 0, high = QN_OP_ROWS; /* ops.def is sorted; a test holds it to that */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, ops[middle]->name);
        if (!order) return ops[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
