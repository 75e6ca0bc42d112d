#include "import/common/order.h"

#include "base/text.h"

#include <assert.h>

enum { UNSEEN, ON_PATH, DONE };

/* A node whose producers are being looked at. */
typedef struct frame {
    uint32_t node;
    size_t next_input;
} frame;

typedef QN_LIST(frame) frames;

static const char *name_of(const qn_import_order *order, uint32_t node, const char **out_op) {
    const char *name;
    order->name_node(order->self, node, &name, out_op);
    return name;
}

static qn_status *report_cycle(const qn_import_order *order, const frames *path, uint32_t repeated) {
    enum { SHOWN_MAX = 6 };
    qn_buffer text;
    size_t first = 0;
    const char *op, *repeated_op, *name = name_of(order, repeated, &repeated_op);
    while (path->items[first].node != repeated) first++;
    qn_buffer_init(&text, order->arena->allocator);
    /* The path runs from consumers to producers; data flows the other way. */
    for (size_t i = path->count, shown = 0; i-- > first && shown < SHOWN_MAX; shown++)
        qn_buffer_printf(&text, "'%s' -> ", name_of(order, path->items[i].node, &op));
    if (path->count - first > SHOWN_MAX) qn_buffer_printf(&text, "... -> ");
    qn_buffer_printf(&text, "'%s'", name_of(order, path->items[path->count - 1].node, &op));
    qn_status *status =
        QN_ERR(QN_INVALID_MODEL, "node '%s' (%s) depends on itself: %s", name, repeated_op, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    return status;
}

static qn_status *enter_node(qn_import_order *order, frames *path, uint32_t node) {
    assert(node < order->node_count);
    order->marks[node] = ON_PATH;
    return QN_LIST_PUSH(order->arena, path, ((frame){node, 0}));
}

qn_status *qn_import_order_add(qn_import_order *order, uint32_t root) {
    frames path = {0};
    if (!order->marks) order->marks = QN_ARENA_ARRAY(order->arena, uint8_t, order->node_count);
    if (!order->marks) return qn_status_out_of_memory();
    if (order->marks[root] == DONE) return NULL;
    QN_TRY(enter_node(order, &path, root));
    while (path.count) {
        frame *top = &path.items[path.count - 1];
        uint32_t producer;
        int found = order->find_producer(order->self, top->node, top->next_input++, &producer);
        if (found < 0) {
            order->marks[top->node] = DONE;
            QN_TRY(QN_LIST_PUSH(order->arena, &order->nodes, top->node));
            path.count--;
            continue;
        }
        if (!found || order->marks[producer] == DONE) continue;
        if (order->marks[producer] == ON_PATH) return report_cycle(order, &path, producer);
        QN_TRY(enter_node(order, &path, producer));
    }
    return NULL;
}
