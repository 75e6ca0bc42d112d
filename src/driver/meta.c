#include "driver/meta.h"

#include "driver/print.h"

enum { UPSTREAM_DEPTH_MAX = 64 };

/* Channels of a uint8 NHWC picture input, else 0. */
static int64_t picture_channels(const qn_graph *graph, const qn_value *input) {
    int64_t channels;
    if (input->type.dtype != QN_DTYPE_U8 || input->type.rank != 4) return 0;
    if (!qn_dim_is_const(graph->dims, input->type.dims[3], &channels)) return 0;
    return channels == 3 || channels == 1 ? channels : 0;
}

static int is_label_map(const qn_value *output) {
    return output->type.rank == 3 && (qn_dtype_is_integer(output->type.dtype) || output->type.dtype == QN_DTYPE_F32);
}

/* The argmax from which the labels come, through operators that only move or convert them; NULL if there is none. */
static const qn_node *find_argmax(const qn_value *value) {
    for (int depth = 0; depth < UPSTREAM_DEPTH_MAX && value && value->producer; depth++) {
        const qn_node *node = value->producer;
        if (node->op == &qn_op_argmax) return node;
        int moves = node->op->flags & (QN_OP_MOVES | QN_OP_VIEW) || node->op == &qn_op_cast || node->op == &qn_op_identity ||
                    node->op == &qn_op_resize_nearest;
        if (!moves) return NULL;
        value = node->inputs[0];
    }
    return NULL;
}

static int64_t class_count(const qn_graph *graph, const qn_node *argmax) {
    const qn_argreduce_attrs *attrs = argmax->attrs;
    int64_t classes = 0;
    qn_dim_is_const(graph->dims, argmax->inputs[0]->type.dims[attrs->axis], &classes);
    return classes;
}

static void write_image(const qn_graph *graph, qn_buffer *buffer) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (size_t o = 0; o < graph->outputs.count; o++) {
            const qn_value *input = graph->inputs.items[i], *output = graph->outputs.items[o];
            int64_t channels = picture_channels(graph, input);
            const qn_node *argmax = channels && is_label_map(output) ? find_argmax(output) : NULL;
            if (!argmax) continue;
            qn_buffer_printf(buffer, ",\"image\":{\"input\":");
            qn_print_json_string(input->name, buffer);
            qn_buffer_printf(buffer, ",\"color\":\"%s\",\"output\":", channels == 3 ? "RGB" : "GRAY");
            qn_print_json_string(output->name, buffer);
            qn_buffer_printf(buffer, ",\"decode\":\"labels\",\"class_count\":%lld}", (long long)class_count(graph, argmax));
            return;
        }
}

qn_status *qn_meta_write(const qn_network *network, qn_config *config, qn_buffer *buffer) {
    qn_buffer_printf(buffer, "{\"quench\":\"%s\",\"source\":{\"format\":\"%s\",\"name\":", QN_VERSION, network->format);
    qn_print_json_string(network->graph->name, buffer);
    qn_buffer_printf(buffer, ",\"bytes\":%llu,\"xxh3\":\"%016llx\"},\"config\":%s", (unsigned long long)network->source_bytes,
                     (unsigned long long)network->source_hash, config ? qn_config_text(config) : "{}");
    write_image(network->graph, buffer);
    qn_buffer_append(buffer, "}", 1);
    return buffer->failed ? qn_status_out_of_memory() : NULL;
}
