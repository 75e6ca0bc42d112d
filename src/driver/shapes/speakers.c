#include "driver/shapes/speakers.h"

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

/* The slot of a beginning, or the free one where it belongs. */
static struct qn_speaker *find_slot(const qn_speakers *speakers, const char *start, size_t length) {
    size_t mask = speakers->capacity - 1, at = (size_t)qn_hash_bytes(start, length, 0) & mask;
    for (; speakers->slots[at].start; at = (at + 1) & mask)
        if (!strncmp(speakers->slots[at].start, start, length) && !speakers->slots[at].start[length]) break;
    return &speakers->slots[at];
}

static const char *start_of(qn_arena *arena, const qn_node *node) {
    if (node->source) return qn_arena_printf(arena, "%s: ", node->source);
    return qn_arena_printf(arena, "node '%s' (%s): ", node->name, node->op->name);
}

qn_status *qn_speakers_init(qn_speakers *speakers, const qn_graph *graph, qn_arena *arena) {
    speakers->capacity = 16;
    while (speakers->capacity < 2 * graph->node_count) speakers->capacity *= 2;
    speakers->slots = QN_ARENA_ARRAY(arena, struct qn_speaker, speakers->capacity);
    if (!speakers->slots) return qn_status_out_of_memory();
    for (const qn_node *node = graph->first; node; node = node->next) {
        const qn_value *constant = constant_of(node);
        if (!constant) continue;
        const char *start = start_of(arena, node);
        if (!start) return qn_status_out_of_memory();
        struct qn_speaker *slot = find_slot(speakers, start, strlen(start));
        if (!slot->start) *slot = (struct qn_speaker){start, constant};
    }
    return NULL;
}

/* A name may hold ": " itself, so each one is tried as the end. */
const qn_value *qn_speakers_find(const qn_speakers *speakers, const char *message) {
    for (const char *colon = strstr(message, ": "); colon; colon = strstr(colon + 1, ": ")) {
        const struct qn_speaker *found = find_slot(speakers, message, (size_t)(colon - message) + strlen(": "));
        if (found->start) return found->constant;
    }
    return NULL;
}
