/* The table of facts: an array by number of node, which grows when something is first known of a node. */
#include "ir/facts.h"

#include "ir/graph.h"

#include <assert.h>
#include <string.h>

static const qn_node_facts nothing;

const qn_node_facts *qn_facts_of(const qn_graph *graph, const qn_node *node) {
    const qn_node_facts *facts = node->id < graph->facts.count ? graph->facts.items[node->id] : NULL;
    return facts ? facts : &nothing;
}

qn_status *qn_facts_edit(qn_graph *graph, const qn_node *node, qn_node_facts **out_facts) {
    assert(node->id < graph->next_node_id);
    while (graph->facts.count <= node->id) QN_TRY(QN_LIST_PUSH(graph->arena, &graph->facts, NULL));
    qn_node_facts **slot = &graph->facts.items[node->id];
    if (!*slot) *slot = QN_ARENA_NEW(graph->arena, qn_node_facts);
    *out_facts = *slot;
    return *slot ? NULL : qn_status_out_of_memory();
}

qn_status *qn_facts_ask(qn_graph *graph, const qn_node *node, qn_dtype dtype, qn_who who, int is_for_kind) {
    qn_node_facts *facts;
    assert(dtype == QN_DTYPE_NONE || who.asker != QN_ASKER_NOBODY);
    if (!dtype && qn_facts_of(graph, node) == &nothing) return NULL;
    QN_TRY(qn_facts_edit(graph, node, &facts));
    if (who.name) who.name = qn_arena_copy_string(graph->arena, who.name, strlen(who.name));
    if (!who.name && (who.asker == QN_ASKER_MODE || who.asker == QN_ASKER_NAMED)) return qn_status_out_of_memory();
    facts->wish.dtype = dtype;
    facts->wish.who = who;
    facts->wish.is_for_kind = is_for_kind;
    facts->outcome = (qn_outcome){0};
    return NULL;
}

qn_status *qn_facts_take_dtype(qn_graph *graph, const qn_node *node, const qn_node *from) {
    const qn_node_facts *taken = qn_facts_of(graph, from); /* stays where it is when the table grows */
    qn_node_facts *facts;
    QN_TRY(qn_facts_edit(graph, node, &facts));
    facts->wish.dtype = taken->wish.dtype;
    facts->wish.who = taken->wish.who;
    facts->wish.is_for_kind = taken->wish.is_for_kind;
    facts->outcome = taken->outcome;
    return NULL;
}

qn_outcome qn_outcome_of(const qn_graph *graph, const qn_node *node) {
    const qn_node_facts *facts = qn_facts_of(graph, node);
    if (facts->outcome.why || !facts->wish.dtype) return facts->outcome;
    return (qn_outcome){.why = QN_WHY_ASKED, .who = facts->wish.who};
}

qn_status *qn_outcome_set(qn_graph *graph, const qn_node *node, const qn_outcome *outcome) {
    qn_node_facts *facts;
    assert(outcome->why >= QN_WHY_NOTHING && outcome->why < QN_WHY_COUNT);
    if (!outcome->why && qn_facts_of(graph, node) == &nothing) return NULL;
    QN_TRY(qn_facts_edit(graph, node, &facts));
    facts->outcome = *outcome;
    return NULL;
}
