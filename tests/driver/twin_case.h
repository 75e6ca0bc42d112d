/* What is the same about two models that say the same in NHWC and in NCHW. */
#ifndef QN_TESTS_DRIVER_TWIN_CASE_H
#define QN_TESTS_DRIVER_TWIN_CASE_H

#include "driver_case.h"

/* Builds a network in float32, or in integers over fixed ranges. Destroys the network, not the configuration's bytes. */
qn_model *twin_build(qn_network *network, int is_integer);

/* Steps of that operator; NULL: all. */
int twin_count_steps(const qn_model *model, const char *op);
/* The steps one after the other have equal operators and attributes, but for transposes, of which `turned` has `ports`
   more: those of its inputs and outputs. */
void twin_expect_same_steps(const qn_model *plain, const qn_model *turned, int ports);
/* Both give the same bits for one random picture [1, height, width, channels]. `turned_ports`: `turned` reads and writes
   pictures in NCHW. */
void twin_expect_same_results(qn_model *plain, qn_model *turned, int64_t height, int64_t width, int64_t channels,
                              int turned_ports);

#endif
