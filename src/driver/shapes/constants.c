#include "driver/shapes/constants.h"

#include "base/text.h"

#include <string.h>

enum { CHAIN_MAX = 16 };

/* The constant a value comes from, through identities, casts and integers for floats; NULL if it is computed. */
static const qn_value *constant_behind(const qn_value *value) {
    for (int depth = 0; depth < CHAIN_MAX && value && value->producer; depth++) {
        const qn_op_def *op = value->producer->op;
        if (!qn_op_is_identity(op) && op->values != QN_VALUES_ROUNDED && op->values != QN_VALUES_CODED) return NULL;
        value = value->producer->inputs[0];
    }
    return qn_value_is_constant(value) ? value : NULL;
}

/* The last input that is a constant with dims. */
static const qn_value *constant_of(const qn_node *node) {
    for (int i = node->input_count - 1; i >= 0; i--) {
        const qn_value *constant = constant_behind(node->inputs[i]);
        if (constant && constant->type.rank) return constant;
    }
    return NULL;
}

/* The slot of a source, or the free one where it belongs. */
static struct qn_source_constant *find_slot(const qn_node_constants *constants, const char *source) {
    size_t mask = constants->capacity - 1, at = (size_t)qn_hash_bytes(source, strlen(source), 0) & mask;
    while (constants->slots[at].source && strcmp(constants->slots[at].source, source) != 0) at = (at + 1) & mask;
    return &constants->slots[at];
}

qn_status *qn_node_constants_init(qn_node_constants *constants, const qn_graph *graph, qn_arena *arena) {
    constants->capacity = 16;
    while (constants->capacity < 2 * graph->node_count) constants->capacity *= 2;
    constants->slots = QN_ARENA_ARRAY(arena, struct qn_source_constant, constants->capacity);
    if (!constants->slots) return qn_status_out_of_memory();
    for (const qn_node *node = graph->first; node; node = node->next) {
        const qn_value *constant = node->source ? constant_of(node) : NULL;
        struct qn_source_constant *slot = constant ? find_slot(constants, node->source) : NULL;
        if (slot && !slot->source) *slot = (struct qn_source_constant){node->source, constant};
    }
    return NULL;
}

const qn_value *qn_node_constants_find(const qn_node_constants *constants, const qn_node *node) {
    const qn_value *constant = constant_of(node);
    return constant || !node->source ? constant : find_slot(constants, node->source)->constant;
}
