/* show/layers.h - time of every step of a model, and what the machine could do in it. */
#ifndef QUENCH_SHOW_LAYERS_H
#define QUENCH_SHOW_LAYERS_H

#include "session/session.h"

typedef struct layer {
    qn_step_profile
        profile;       /* of the last run; ns is the sum over all runs until the table is finished, then the mean */
    int has_integers;  /* it is a layer that computes with them */
    double ms, share;  /* of all steps' time */
    double gops;       /* 10^9 operations a second; a multiply-add is two */
    double peak_share; /* of the machine's peak, of integers where the kernel computes with them */
} layer;

typedef struct layer_table {
    layer *items;
    size_t count;
    int runs;
    double peak_gflops, peak_int8_gops, total_ms; /* peak_int8_gops: 0 if no layer computes with integers */
} layer_table;

qn_status *layer_table_init(layer_table *table, const cli_session *session) QN_MUST_USE;
void layer_table_deinit(layer_table *table);
/* Adds the last run, which was profiled. */
qn_status *layer_table_add(layer_table *table, qn_context *context) QN_MUST_USE;
/* Measures the machine's peaks and works out the shares. */
qn_status *layer_table_finish(layer_table *table, const char *cpu, int threads) QN_MUST_USE;

void layer_table_print(const layer_table *table);
/* Sets "layers", "peak_gflops" and "peak_int8_gops". */
void layer_table_to_json(const layer_table *table, json_t *object);

#endif
