/* The table of operators, from map.def. */
#include "import/tensorflow/families.h"

static const qn_import_row rows[] = {
#define QN_TF_OP(name, min, max, conversion, op) {#name, 0, 0, min, max, qn_tf_convert_##conversion, &qn_op_##op, NULL},
#define QN_TF_ATTRS(name, min, max, attrs, op)   {#name, 0, 0, min, max, qn_convert_attrs, &qn_op_##op, attrs},
#define QN_TF_CUSTOM(name, min, max, conversion) {#name, 0, 0, min, max, qn_tf_convert_##conversion, NULL, NULL},
#include "import/tensorflow/map.def"
#undef QN_TF_OP
#undef QN_TF_ATTRS
#undef QN_TF_CUSTOM
};

const qn_import_table qn_tf_table = {rows, sizeof rows / sizeof *rows};
