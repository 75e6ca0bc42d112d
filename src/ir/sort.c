/* An order in which every node comes after the producers of its inputs: depth first from each node in present order, so
 * a sorted graph stays as it is and a producer that comes too late moves to just before its first user. */
#include "ir/graph.h"

#include <assert.h>

enum { UNSEEN = 0, ON_STACK = 1, DONE = 2 };

typedef struct frame {
    qn_node *node;
    int next_input;
} frame;

/* The nodes on the stack down to `node`, which is reached again: "'a' <- 'b' <- 'a'", shortened where it is long. */
static qn_status *cycle_error(const frame *stack, size_t depth, const qn_node *node) {
    enum { SHOWN = 6 };
    size_t start = depth;
    assert(node->mark == ON_STACK); /* so the loop ends */
    while (stack[start - 1].node != node) start--;
    qn_buffer path;
    qn_buffer_init(&path, NULL);
    for (size_t i = start; i <= depth && i - start < SHOWN; i++)
        qn_buffer_printf(&path, "'%s' <- ", stack[i - 1].node->name);
    qn_status *status = QN_ERR(QN_INVALID_MODEL, "nodes read each other's results in a cycle: %s%s'%s'",
                               qn_buffer_text(&path), depth - start >= SHOWN ? "... <- " : "", node->name);
    qn_buffer_deinit(&path);
    return node->source ? qn_status_context(status, "%s", node->source) : status;
}

static void put_last(qn_graph *graph, qn_node *node) {
    node->mark = DONE;
    node->prev = graph->last;
    node->next = NULL;
    *(graph->last ? &graph->last->next : &graph->first) = node;
    graph->last = node;
}

/* Puts `root` at the end of the new order, after those of the nodes it depends on that are not in the new order yet. */
static qn_status *place(qn_graph *graph, qn_node *root, frame *stack) {
    size_t depth = 0;
    if (root->mark == DONE) return NULL;
    stack[depth++] = (frame){root, 0};
    root->mark = ON_STACK;
    while (depth) {
        frame *top = &stack[depth - 1];
        if (top->next_input == top->node->input_count) {
            put_last(graph, top->node);
            depth--;
            continue;
        }
        qn_value *input = top->node->inputs[top->next_input++];
        qn_node *producer = input ? input->producer : NULL;
        if (!producer || producer->mark == DONE) continue;
        if (producer->mark == ON_STACK) return cycle_error(stack, depth, producer);
        assert(depth < graph->node_count); /* a node is on the stack once */
        stack[depth++] = (frame){producer, 0};
        producer->mark = ON_STACK;
    }
    return NULL;
}

static void relink(qn_graph *graph, qn_node **nodes, size_t count) {
    graph->first = graph->last = NULL;
    for (size_t i = 0; i < count; i++) put_last(graph, nodes[i]);
}

static qn_status *sort(qn_graph *graph, qn_node **nodes, frame *stack) {
    size_t count = 0;
    for (qn_node *node = graph->first; node; node = node->next) {
        node->mark = UNSEEN;
        nodes[count++] = node;
    }
    assert(count == graph->node_count);
    graph->first = graph->last = NULL;
    for (size_t i = 0; i < count; i++) {
        qn_status *status = place(graph, nodes[i], stack);
        if (!status) continue;
        relink(graph, nodes, count); /* in the old order */
        return status;
    }
    return NULL;
}

qn_status *qn_graph_sort(qn_graph *graph) {
    qn_arena scratch;
    qn_arena_init(&scratch, graph->arena->allocator);
    qn_node **nodes = QN_ARENA_ARRAY(&scratch, qn_node *, graph->node_count);
    frame *stack = QN_ARENA_ARRAY(&scratch, frame, graph->node_count);
    qn_status *status = nodes && stack ? sort(graph, nodes, stack) : qn_status_out_of_memory();
    qn_arena_deinit(&scratch);
    return status;
}
