/* show/describe.h - models as text and JSON, for inspect. */
#ifndef QUENCH_SHOW_DESCRIBE_H
#define QUENCH_SHOW_DESCRIBE_H

#include "session/session.h"

/* ---- How often each operator appears ---- */

typedef struct op_counts {
    struct op_count {
        const char *op; /* borrowed */
        size_t count;
    } * items;
    size_t count, capacity;
    int failed; /* memory was short: the counts are not complete */
} op_counts;

void op_counts_add(op_counts *counts, const char *op);
/* The most frequent first. */
void op_counts_sort(op_counts *counts);
void op_counts_print(const op_counts *counts);
json_t *op_counts_to_json(const op_counts *counts);
void op_counts_deinit(op_counts *counts);

/* ---- Values ---- */

/* "input      ImageTensor: uint8 1 x 1..513 x 1..513 x 3" and a line for each dim that something bounds. */
void describe_value(const char *what, const qn_value_info *value);
json_t *value_to_json(const qn_value_info *value);

/* ---- Steps of a compiled model, and their values ---- */

/* The attributes of a step in memory freed with free(); NULL when memory is short. */
char *step_attributes(const qn_model *model, size_t step);
/* Every step: operator, attributes, shapes, precision and why, and its kernel where `context` (may be NULL) has shapes.
 */
qn_status *describe_steps(const qn_model *model, qn_context *context) QN_MUST_USE;
json_t *steps_to_json(const qn_model *model, qn_context *context);
/* Where every value lies and how long. */
void describe_memory(const qn_model *model);
json_t *memory_to_json(const qn_model *model);

/* The steps as "text", "dot" or "json" on standard output. */
qn_status *print_step_graph(const qn_model *model, qn_graph_format format) QN_MUST_USE;

#endif
