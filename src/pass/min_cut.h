/* pass/min_cut.h - the cheapest way to give every vertex of a network one of two labels.
 *
 * For example, source -> a costs 3, a -> b costs 1, b -> sink costs 2 (and b -> a the same as a -> b). The cheapest
 * cut is between a and b, for 1: a is on the source's side, b is not. If a -> b cost 4, it would be b -> sink for 2,
 * and both a and b would be on the source's side. */
#ifndef QN_PASS_MIN_CUT_H
#define QN_PASS_MIN_CUT_H

#include "base/memory.h"
#include "base/status.h"

/* Vertex 0 is the source and vertex 1 the sink. An arc costs its capacity where it starts on the source's side and
   ends on the sink's. */
enum { QN_CUT_SOURCE = 0, QN_CUT_SINK = 1 };
#define QN_CUT_NEVER ((int64_t)1 << 60) /* a capacity that is never cut */

typedef struct qn_cut_arc {
    int to, next; /* next arc from the same vertex; -1: none */
    int64_t left; /* what still fits through */
} qn_cut_arc;

typedef struct qn_cut {
    qn_arena *arena;
    QN_LIST(int) first;       /* of each vertex, its first arc; -1: none */
    QN_LIST(qn_cut_arc) arcs; /* arc i and arc i ^ 1 are the two directions of one */
} qn_cut;

qn_status *qn_cut_add_vertex(qn_cut *cut, int *out_vertex) QN_MUST_USE;
qn_status *qn_cut_add_arc(qn_cut *cut, int from, int to, int64_t capacity) QN_MUST_USE;
/* out_side[v] becomes 1 for the vertices on the source's side of a cheapest cut, and 0 for the others; of several
   cheapest cuts it is that with the fewest vertices on the source's side. *inout_effort is the number of arcs that
   may still be looked at, and is lowered; if it is used up, *out_done is 0 and so is all of out_side. */
qn_status *qn_cut_find(qn_cut *cut, int64_t *inout_effort, uint8_t *out_side, int *out_done) QN_MUST_USE;

#endif
