/* The table of operators, from map.def. */
#include "import/tensorflow/families.h"

static const qn_import_row rows[] = {
#define QN_TF_OP(name, min, max, conversion, op) {#name, 0, 0, min, max, qn_tf_convert_##conversion, &qn_op_##op},
#define QN_TF_CUSTOM(name, min, max, conversion) {#name, 0, 0, min, max, qn_tf_convert_##conversion, NULL},
#include "import/tensorflow/map.def"
#undef QN_TF_OP
#undef QN_TF_CUSTOM
};

const qn_import_table qn_tf_table = {rows, sizeof rows / sizeof *rows};
