/* Cheapest cut = greatest flow, found by shortest augmenting paths (Edmonds and Karp). */
#include "pass/min_cut.h"

#include <string.h>

qn_status *qn_cut_add_vertex(qn_cut *cut, int *out_vertex) {
    *out_vertex = (int)cut->first.count;
    return QN_LIST_PUSH(cut->arena, &cut->first, -1);
}

static qn_status *add_half(qn_cut *cut, int from, int to, int64_t capacity) {
    qn_cut_arc arc = {.to = to, .next = cut->first.items[from], .left = capacity};
    QN_TRY(QN_LIST_PUSH(cut->arena, &cut->arcs, arc));
    cut->first.items[from] = (int)cut->arcs.count - 1;
    return NULL;
}

qn_status *qn_cut_add_arc(qn_cut *cut, int from, int to, int64_t capacity) {
    QN_TRY(add_half(cut, from, to, capacity));
    return add_half(cut, to, from, 0);
}

typedef struct search {
    qn_cut *cut;
    int *queue, *by; /* by[v]: the arc over which v was reached; -1: not reached */
    int64_t effort;
} search;

/* Looks from the source over arcs that have something left. Returns how many vertices it reached. */
static int reach(search *s) {
    int count = 0, end = 0;
    for (size_t v = 0; v < s->cut->first.count; v++) s->by[v] = -1;
    s->queue[end++] = QN_CUT_SOURCE;
    while (count < end && s->by[QN_CUT_SINK] < 0) {
        int from = s->queue[count++];
        for (int a = s->cut->first.items[from]; a >= 0; a = s->cut->arcs.items[a].next) {
            const qn_cut_arc *arc = &s->cut->arcs.items[a];
            s->effort--;
            if (!arc->left || arc->to == QN_CUT_SOURCE || s->by[arc->to] >= 0) continue;
            s->by[arc->to] = a;
            s->queue[end++] = arc->to;
        }
    }
    return end;
}

/* Sends along the path that was found as much as fits. */
static void augment(search *s) {
    qn_cut_arc *arcs = s->cut->arcs.items;
    int64_t most = INT64_MAX;
    for (int v = QN_CUT_SINK; v != QN_CUT_SOURCE; v = arcs[s->by[v] ^ 1].to)
        if (arcs[s->by[v]].left < most) most = arcs[s->by[v]].left;
    for (int v = QN_CUT_SINK; v != QN_CUT_SOURCE; v = arcs[s->by[v] ^ 1].to) {
        arcs[s->by[v]].left -= most;
        arcs[s->by[v] ^ 1].left += most;
    }
}

qn_status *qn_cut_find(qn_cut *cut, int64_t *inout_effort, uint8_t *out_side, int *out_done) {
    const size_t count = cut->first.count;
    search s = {.cut = cut, .effort = *inout_effort};
    s.queue = QN_ARENA_ARRAY(cut->arena, int, count);
    s.by = QN_ARENA_ARRAY(cut->arena, int, count);
    if (!s.queue || !s.by) return qn_status_out_of_memory();
    memset(out_side, 0, count);
    int reached = reach(&s);
    while (s.by[QN_CUT_SINK] >= 0 && s.effort > 0) {
        augment(&s);
        reached = reach(&s);
    }
    *inout_effort = s.effort;
    *out_done = s.by[QN_CUT_SINK] < 0;
    for (int i = 0; *out_done && i < reached; i++) out_side[s.queue[i]] = 1;
    return NULL;
}
