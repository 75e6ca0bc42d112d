/* show/cost.h - what a run costs at the smallest, a typical and the largest shape of a model's range. */
#ifndef QUENCH_SHOW_COST_H
#define QUENCH_SHOW_COST_H

#include "session/session.h"

enum { COST_ROWS = 3 };

typedef struct cost_row {
    const char *name;
    qn_shape *shapes; /* one per input; NULL: there is no such shape */
    qn_cost cost;
} cost_row;

typedef struct cost_table {
    cost_row rows[COST_ROWS];
    size_t input_count;
    int threads;
    char settled[320]; /* where two sizes cost the same: what makes them so ("pads its input to 513x513 (Pad)"); else ""
                        */
    uint64_t ceiling;  /* of the arena over the whole range, scratch included; 0: none */
} cost_table;

/* Measures; nothing runs. The typical shape is the one the source declares where it is in range, else the middle. A
   shape that does not exist (no upper bound), or that the model refuses, has no row; with --verbose it is said why. */
qn_status *cost_table_init(cost_table *table, qn_engine *engine, const qn_model *model) QN_MUST_USE;
/* The same on an engine of its own, with as many threads as a run would have. */
qn_status *cost_table_init_alone(cost_table *table, qn_model *model) QN_MUST_USE;
void cost_table_deinit(cost_table *table);
void cost_table_print(const cost_table *table);
/* {"smallest": {"shapes": [[1,1,1,3]], "macs", "moved_bytes", "arena_bytes"}, "typical": ..., "largest": null} */
json_t *cost_table_to_json(const cost_table *table);

#endif
