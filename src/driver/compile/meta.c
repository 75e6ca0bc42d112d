#include "driver/compile/meta.h"

#include "driver/shapes/batch.h"
#include "driver/picture/image_block.h"
#include "driver/common/json.h"
#include "driver/network/print.h"
#include "driver/shapes/ranges.h"

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
            if (!qn_dim_is_const(graph->dims, type->dims[axis], &facts->declared[i][axis]))
                facts->declared[i][axis] = -1;
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

/* Inputs whose free first dim counts something else than samples; all others take one sample after the other. */
static qn_status *write_unbatched(const qn_graph *graph, qn_buffer *buffer) {
    int *is_other = QN_ARENA_ARRAY(graph->arena, int, graph->inputs.count + 1), count = 0;
    if (!is_other) return qn_status_out_of_memory();
    QN_TRY(qn_batch_find_others(graph, is_other));
    for (size_t i = 0; i < graph->inputs.count; i++)
        if (is_other[i]) qn_buffer_printf(buffer, "%s%zu", count++ ? "," : ",\"unbatched\":[", i);
    if (count) qn_buffer_append(buffer, "]", 1);
    return NULL;
}

/* Does the configuration speak of the sizes at which pictures run? */
static int has_own_sizes(const qn_config *config, size_t input) {
    return qn_config_find(config, "image.fit") || qn_ranges_has(config, input);
}

/* The height and width that the source declares for pictures: the network may run at others, but was made for these. */
static void write_declared_size(const qn_graph *graph, const qn_config *config, const qn_meta_facts *facts,
                                const json_t *block, qn_buffer *buffer) {
    const char *name = json_string_value(json_object_get(block, "input"));
    const char *layout = json_string_value(json_object_get(block, "layout"));
    const char *height = layout ? strchr(layout, 'H') : NULL;
    size_t i = 0;
    while (i < graph->inputs.count && (!name || strcmp(graph->inputs.items[i]->name, name) != 0)) i++;
    if (i == graph->inputs.count || !height || has_own_sizes(config, i)) return;
    const int axis = (int)(height - layout);
    const qn_type *type = &graph->inputs.items[i]->type;
    if (axis + 1 >= type->rank) return;
    const int64_t rows = facts->declared[i][facts->input_perms[i][axis]],
                  columns = facts->declared[i][facts->input_perms[i][axis + 1]];
    const int is_fixed = qn_dim_is_const(graph->dims, type->dims[axis], NULL) &&
                         qn_dim_is_const(graph->dims, type->dims[axis + 1], NULL);
    if (rows < 1 || columns < 1 || is_fixed) return;
    qn_buffer_printf(buffer, ",\"picture_size\":[%lld,%lld]", (long long)rows, (long long)columns);
}

static qn_status *write_image(const qn_graph *graph, const qn_config *config, const qn_meta_facts *facts,
                              qn_buffer *buffer) {
    json_t *block;
    QN_TRY(qn_image_block_make(graph, config, &block));
    if (!block) return NULL;
    write_declared_size(graph, config, facts, block, buffer);
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
    QN_TRY(write_unbatched(network->graph, buffer));
    QN_TRY(write_image(network->graph, config, facts, buffer));
    qn_buffer_append(buffer, "}", 1);
    if (buffer->size > QN_JSON_BYTES_MAX)
        return QN_ERR(
            QN_LIMIT,
            "what the file says of itself has %zu bytes of JSON, above the limit of %d MiB: most of it is the "
            "network's text that enable_refit keeps",
            buffer->size, QN_JSON_BYTES_MAX >> 20);
    return buffer->failed ? qn_status_out_of_memory() : NULL;
}
