#include "driver/meta.h"

#include "driver/image_block.h"
#include "driver/print.h"

#include <stdlib.h>
#include <string.h>

qn_status *qn_meta_facts_init(qn_meta_facts *facts, const qn_graph *graph) {
    size_t room = graph->inputs.count + 1;
    *facts = (qn_meta_facts){.input_perms = qn_arena_alloc(graph->arena, room, sizeof *facts->input_perms),
                             .declared = qn_arena_alloc(graph->arena, room, sizeof *facts->declared)};
    if (!facts->input_perms || !facts->declared) return qn_status_out_of_memory();
    for (size_t i = 0; i < graph->inputs.count; i++) {
        const qn_type *type = &graph->inputs.items[i]->type;
        for (int axis = 0; axis < type->rank; axis++)
            if (!qn_dim_is_const(graph->dims, type->dims[axis], &facts->declared[i][axis])) facts->declared[i][axis] = -1;
    }
    return NULL;
}

static void write_declared(const qn_graph *graph, const qn_meta_facts *facts, qn_buffer *buffer) {
    qn_buffer_printf(buffer, ",\"declared\":[");
    for (size_t i = 0; i < graph->inputs.count; i++) {
        qn_buffer_printf(buffer, "%s[", i ? "," : "");
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++)
            qn_buffer_printf(buffer, "%s%lld", axis ? "," : "",
                             (long long)facts->declared[i][facts->input_perms[i][axis]]);
        qn_buffer_printf(buffer, "]");
    }
    qn_buffer_printf(buffer, "]");
}

static int final_axis(const qn_meta_facts *facts, const qn_pin *pin) {
    for (int axis = 0; axis < QN_MAX_RANK; axis++)
        if (facts->input_perms[pin->input][axis] == pin->axis) return axis;
    return pin->axis;
}

static void write_pins(const qn_graph *graph, const qn_meta_facts *facts, qn_buffer *buffer) {
    for (size_t i = 0; i < facts->pins->list.count; i++) {
        const qn_pin *pin = &facts->pins->list.items[i];
        qn_buffer_printf(buffer, "%s{\"input\":", i ? "," : ",\"pinned\":[");
        qn_text_quote_json(graph->inputs.items[pin->input]->name, buffer);
        qn_buffer_printf(buffer, ",\"axis\":%d,\"size\":%lld,\"reason\":", final_axis(facts, pin),
                         (long long)pin->size);
        qn_text_quote_json(pin->reason, buffer);
        qn_buffer_append(buffer, "}", 1);
    }
    if (facts->pins->list.count) qn_buffer_append(buffer, "]", 1);
}

static qn_status *write_image(const qn_graph *graph, const qn_config *config, qn_buffer *buffer) {
    json_t *block;
    QN_TRY(qn_image_block_make(graph, config, &block));
    if (!block) return NULL;
    char *text = json_dumps(block, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(block);
    if (!text) return qn_status_out_of_memory();
    qn_buffer_printf(buffer, ",\"image\":%s", text);
    free(text);
    return NULL;
}

qn_status *qn_meta_write(const qn_network *network, const qn_config *config, const qn_meta_facts *facts,
                         qn_buffer *buffer) {
    char *effective = qn_config_make_effective(config);
    if (!effective) return qn_status_out_of_memory();
    qn_buffer_printf(buffer, "{\"quench\":\"%s\",\"source\":{\"format\":\"%s\",\"name\":", QN_VERSION, network->format);
    qn_text_quote_json(network->graph->name, buffer);
    qn_buffer_printf(buffer, ",\"bytes\":%llu,\"xxh3\":\"%016llx\"},\"config\":%s",
                     (unsigned long long)network->source_bytes, (unsigned long long)network->source_hash, effective);
    free(effective);
    write_declared(network->graph, facts, buffer);
    write_pins(network->graph, facts, buffer);
    if (facts->refit.json) qn_buffer_printf(buffer, ",\"refit\":%s", facts->refit.json);
    QN_TRY(write_image(network->graph, config, buffer));
    qn_buffer_append(buffer, "}", 1);
    return buffer->failed ? qn_status_out_of_memory() : NULL;
}
