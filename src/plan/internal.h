/* plan/internal.h - what the parts of the planner share. Errors of all of them: OUT_OF_MEMORY and what is said. */
#ifndef QN_PLAN_INTERNAL_H
#define QN_PLAN_INTERNAL_H

#include "plan/plan.h"

enum { QN_NO_VALUE = -1 };

/* What gives a symbol its value. */
typedef struct qn_symbol_source {
    int32_t input, axis; /* dim `axis` of input `input`; -1: a step settles it */
    int is_settled;      /* the step that settles it has been planned */
} qn_symbol_source;

typedef struct qn_planner {
    qn_graph *graph;
    qn_arena *arena;
    qn_dim_program_builder *dims;
    int32_t *index_of;         /* by qn_value.id: index in `values`, or QN_NO_VALUE */
    int32_t *port_of;          /* by qn_value.id: which input or output of the graph it is */
    qn_symbol_source *symbols; /* by number of the symbol */
    QN_LIST(uint8_t) on_data;  /* by dim instruction: does it depend on a symbol that a step settles? */
    QN_LIST(qn_program_value) values;
    QN_LIST(const qn_value *) sources; /* the graph's value behind each of `values` */
    uint32_t *roots, *group_sizes;     /* by index in `values`: the owner of its bytes; how many share an owner's */
    QN_LIST(uint32_t) contents;
    QN_LIST(uint32_t) operands;
    QN_LIST(qn_program_step) steps;
    QN_LIST(qn_program_data_symbol) data_symbols;
    qn_buffer constants;
    uint64_t arena_bytes; /* 0: no ceiling */
} qn_planner;

/* pack.c: nodes whose kernels read a constant packed (qn_op_def.pack) get a packed copy of it as their input. */
qn_status *qn_plan_pack_weights(qn_graph *graph) QN_MUST_USE;

/* values.c */
/* Fills `symbols` and `port_of`. */
qn_status *qn_plan_index_ports(qn_planner *planner) QN_MUST_USE;
/* Are all elements of `value` expressions over the inputs' dims, so that it can be written when shapes are set? */
qn_status *qn_plan_is_dims_value(qn_planner *planner, const qn_value *value, int *out_is) QN_MUST_USE;
/* The program's value for the graph's, made on first use. */
qn_status *qn_plan_value(qn_planner *planner, const qn_value *value, uint32_t *out_index) QN_MUST_USE;

/* memory.c: first_step, last_step, alias, bytes, offset of every value; arena_bytes. */
qn_status *qn_plan_memory(qn_planner *planner) QN_MUST_USE;

#endif
