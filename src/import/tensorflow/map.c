/* The table of operators, from map.def. */
#include "import/tensorflow/families.h"

#include <string.h>

static const qn_tf_row rows[] = {
#define QN_TF_OP(name, min, max, conversion, op) {#name, min, max, qn_tf_convert_##conversion, &qn_op_##op},
#define QN_TF_CUSTOM(name, min, max, conversion) {#name, min, max, qn_tf_convert_##conversion, NULL},
#include "import/tensorflow/map.def"
#undef QN_TF_OP
#undef QN_TF_CUSTOM
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

const qn_tf_row *qn_tf_row_find(const char *source_op) {
    size_t low = 0, high = ROW_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(source_op, rows[middle].source);
        if (order == 0) return &rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const qn_tf_row *qn_tf_row_at(size_t index) { return index < ROW_COUNT ? &rows[index] : NULL; }
