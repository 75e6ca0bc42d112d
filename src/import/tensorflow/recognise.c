/* Which files are frozen graphs of TensorFlow, and which are its other files, that cannot be read as they are. */
#include "import/common/peek.h"
#include "import/formats.h"

/* ---- Text ---- */

static qn_status *refuse_text(qn_bytes bytes, const char *path) {
    if (qn_peek_has_line(bytes, "node", '{') || qn_peek_has_line(bytes, "versions", '{') ||
        qn_peek_has_line(bytes, "library", '{'))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a GraphDef in text format; quench reads the binary one: "
                      "tf.io.write_graph(graph, folder, name, as_text=False)",
                      path);
    if (qn_peek_has_line(bytes, "saved_model_schema_version", ':') || qn_peek_has_line(bytes, "meta_graphs", '{'))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel in text format; freeze it into a binary GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    return NULL;
}

/* ---- Protocol buffers ---- */

/* A NodeDef: a name (1) and an operator (2), both text. */
static int looks_like_node(qn_wire wire) {
    qn_peek_outline node;
    qn_peek_read_outline(wire, &node);
    if (!node.has_first[1] || !node.has_first[2]) return 0;
    qn_wire op = node.first[2];
    for (const uint8_t *c = op.next; c < op.end; c++)
        if (*c < 0x21 || *c > 0x7e) return 0;
    return op.next < op.end;
}

/* A GraphDef: nodes (1), or only a library (2) and versions (4). */
static int looks_like_graph(const qn_peek_outline *graph) {
    if (graph->has_first[1]) return looks_like_node(graph->first[1]);
    return !(graph->payloads & ~(1ull << 2 | 1ull << 4 | 1ull << 5)) && qn_peek_has(graph->payloads, 4);
}

/* A MetaGraphDef keeps its graph in field 2. */
static int holds_meta_graph(const qn_peek_outline *message) {
    qn_peek_outline graph;
    if (!message->has_first[2]) return 0;
    qn_peek_read_outline(message->first[2], &graph);
    return graph.has_first[1] && looks_like_node(graph.first[1]);
}

static int holds_saved_model(const qn_peek_outline *message) {
    qn_peek_outline meta;
    if (!qn_peek_has(message->varints, 1) || !message->has_first[2]) return 0;
    qn_peek_read_outline(message->first[2], &meta);
    return meta.has_first[2] && (meta.has_first[1] || holds_meta_graph(&meta));
}

static qn_status *recognise_message(qn_bytes bytes, const char *path, int *out_is_it) {
    qn_peek_outline message;
    qn_peek_read_outline(qn_wire_open(bytes), &message);
    if (holds_saved_model(&message))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel, whose weights lie beside it; freeze it into one GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    if (qn_peek_is_onnx(&message) || qn_peek_is_caffe(&message)) return NULL;
    *out_is_it = looks_like_graph(&message);
    if (!*out_is_it && holds_meta_graph(&message))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is the graph of a TensorFlow checkpoint (.meta), whose weights lie beside it; freeze "
                      "both into one GraphDef (freeze_graph) and give that",
                      path);
    return NULL;
}

/* ---- Folders ---- */

static qn_status *refuse_folder(const qn_source *source) {
    const char *path = source->path;
    if (qn_source_has_sibling(source, "saved_model.pb") || qn_source_has_sibling(source, "saved_model.pbtxt"))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel folder; freeze it into one GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    if (qn_source_has_sibling(source, "frozen_inference_graph.pb"))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s is a folder; give the model inside: %s/frozen_inference_graph.pb", path,
                      path);
    if (qn_source_has_sibling(source, "checkpoint"))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a folder of TensorFlow checkpoints; freeze graph and weights into one GraphDef "
                      "(freeze_graph) and give that",
                      path);
    return NULL;
}

qn_status *qn_tf_recognise(const qn_source *source, int *out_is_it) {
    *out_is_it = 0;
    if (source->is_folder) return refuse_folder(source);
    if (qn_peek_is_text(source->bytes)) return refuse_text(source->bytes, source->path);
    return recognise_message(source->bytes, source->path, out_is_it);
}
