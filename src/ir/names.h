/* ir/names.h - the names of a graph's values and nodes, and what makes new ones unique. Only ir/ includes this file. */
#ifndef QN_IR_NAMES_H
#define QN_IR_NAMES_H

#include "ir/graph.h"

/* Values and nodes have names of their own: a node and its first output mostly share one. */
typedef enum qn_name_kind { QN_NAME_VALUE = 0, QN_NAME_NODE = 1 } qn_name_kind;

struct qn_name_table *qn_names_create(qn_arena *arena); /* NULL on exhaustion */
void *qn_names_find(const struct qn_name_table *table, qn_name_kind kind, const char *name);
/* Gives `object` the name `wanted`, or `wanted_1`, `wanted_2` ... where that is taken. */
qn_status *qn_names_take(struct qn_name_table *table, qn_name_kind kind, const char *wanted, void *object,
                         const char **out_name) QN_MUST_USE;
/* Frees a name, if `object` holds it. */
void qn_names_release(struct qn_name_table *table, qn_name_kind kind, const char *name, const void *object);
/* Lets another object hold a name that is taken. */
void qn_names_move(struct qn_name_table *table, qn_name_kind kind, const char *name, void *object);

#endif
