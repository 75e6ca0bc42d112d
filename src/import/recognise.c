/* What a file is, told from its content. */
#include "import/import.h"
#include "import/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Bytes at the start ---- */

typedef struct signature {
    size_t offset;
    const char *bytes;
    size_t size;
    qn_code code;
    const char *message; /* what it is, and a way out */
} signature;

#define DAMAGED           "looks like a file compiled by quench, but its first bytes are damaged; get it anew, or build it again"
#define AT(offset, bytes) offset, bytes, sizeof(bytes) - 1

static const signature signatures[] = {
    {AT(0, "version https://git-lfs"), QN_INVALID_MODEL,
     "is a Git LFS pointer, not the model it points to; fetch it with `git lfs pull`"},
    {AT(0, "\x93QN\r\n\x1A\n\0"), QN_UNSUPPORTED,
     "is compiled by quench already; run it as it is (segment, run, bench, inspect)"},
    {AT(0, "\x93QN"), QN_INVALID_MODEL, DAMAGED},
    {AT(1, "QN\r\n\x1A\n"), QN_INVALID_MODEL, DAMAGED},
    {AT(0, "\xFF\xD8\xFF"), QN_INVALID_MODEL, "is a JPEG picture, not a model"},
    {AT(0, "\x89PNG"), QN_INVALID_MODEL, "is a PNG picture, not a model"},
    {AT(0, "GIF8"), QN_INVALID_MODEL, "is a GIF picture, not a model"},
    {AT(0, "\x93NUMPY"), QN_INVALID_MODEL, "is a NumPy array, not a model"},
    {AT(4, "TFL3"), QN_UNSUPPORTED,
     "is a TFLite model, which this quench does not read; give it the frozen graph it was made from"},
    {AT(0, "\x89HDF\r\n\x1A\n"), QN_UNSUPPORTED,
     "is an HDF5 file (Keras weights), which quench does not read; export the model as a frozen graph"},
    {AT(0, "PK\x03\x04"), QN_UNSUPPORTED,
     "is a ZIP archive (PyTorch, Keras or NumPy), which this quench does not read; export the model as a frozen graph"},
    {AT(0, "\x1F\x8B"), QN_UNSUPPORTED, "is a gzip archive; unpack it and give the .pb inside"},
    {AT(0, "BZh"), QN_UNSUPPORTED, "is a bzip2 archive; unpack it and give the .pb inside"},
    {AT(0, "\3757zXZ"), QN_UNSUPPORTED, "is an xz archive; unpack it and give the .pb inside"},
    {AT(257, "ustar"), QN_UNSUPPORTED, "is a tar archive; unpack it and give the .pb inside"},
    {AT(0, "\177ELF"), QN_INVALID_MODEL, "is a program, not a model"},
    {AT(0, "%PDF"), QN_INVALID_MODEL, "is a PDF document, not a model"},
    {AT(0, "\x80\x02"), QN_UNSUPPORTED,
     "is a Python pickle (PyTorch), which quench does not read; export the model as a frozen graph"},
};

static const signature *find_signature(qn_bytes bytes) {
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (bytes.size >= s->offset + s->size && memcmp(bytes.data + s->offset, s->bytes, s->size) == 0) return s;
    }
    return NULL;
}

/* ---- Text ---- */

enum { TEXT_LOOK_BYTES = 4096 };

static int is_text(qn_bytes bytes) {
    size_t look = bytes.size < TEXT_LOOK_BYTES ? bytes.size : TEXT_LOOK_BYTES;
    for (size_t i = 0; i < look; i++) {
        uint8_t c = bytes.data[i];
        if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t')) return 0;
    }
    return 1;
}

/* Does a line of the first kilobytes begin with `word`, then blanks, then `mark`? */
static int has_line(qn_bytes bytes, const char *word, char mark) {
    size_t look = bytes.size < TEXT_LOOK_BYTES ? bytes.size : TEXT_LOOK_BYTES, length = strlen(word);
    for (size_t i = 0; i + length < look; i++) {
        if (i && bytes.data[i - 1] != '\n') continue;
        if (memcmp(bytes.data + i, word, length) != 0) continue;
        size_t at = i + length;
        while (at < look && (bytes.data[at] == ' ' || bytes.data[at] == '\t')) at++;
        if (at < look && bytes.data[at] == (uint8_t)mark) return 1;
    }
    return 0;
}

static qn_status *refuse_text(qn_bytes bytes, const char *path) {
    static const char prefix[] = "<";
    if (has_line(bytes, "node", '{') || has_line(bytes, "versions", '{') || has_line(bytes, "library", '{'))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a GraphDef in text format; quench reads the binary one: "
                      "tf.io.write_graph(graph, folder, name, as_text=False)",
                      path);
    if (has_line(bytes, "saved_model_schema_version", ':') || has_line(bytes, "meta_graphs", '{'))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel in text format; freeze it into a binary GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    if (has_line(bytes, "layer", '{') || has_line(bytes, "layers", '{') || has_line(bytes, "input_dim", ':'))
        return QN_ERR(QN_UNSUPPORTED, "%s describes a Caffe network, which this quench does not read", path);
    if (has_line(bytes, "ir_version", ':'))
        return QN_ERR(QN_UNSUPPORTED, "%s is an ONNX model in text format, which this quench does not read", path);
    if (memcmp(bytes.data, prefix, 1) == 0)
        return QN_ERR(QN_INVALID_MODEL, "%s is a web page or XML, not a model; the download may have failed", path);
    return QN_ERR(QN_INVALID_MODEL, "%s is text, not a model; a binary GraphDef (frozen .pb) is expected", path);
}

/* ---- Protocol buffers ---- */

/* Which fields the outermost message has, as far as it can be read. */
typedef struct outline {
    uint64_t varints, payloads; /* bit n: field n was seen so; fields from 63 on share bit 63 */
    qn_wire first[3];           /* the first payload of fields 1 and 2, by number */
    int has_first[3];
} outline;

static void read_outline(qn_wire wire, outline *out) {
    enum { FIELDS_MAX = 4096 };
    *out = (outline){0};
    for (int i = 0; i < FIELDS_MAX && qn_wire_has_more(&wire); i++) {
        qn_wire_field field;
        qn_status *status = qn_wire_next(&wire, &field);
        if (status) {
            qn_status_free(status);
            return;
        }
        uint64_t bit = 1ull << (field.number < 63 ? field.number : 63);
        if (field.type == QN_WIRE_VARINT) out->varints |= bit;
        if (field.type != QN_WIRE_BYTES) continue;
        out->payloads |= bit;
        if (field.number > 2 || out->has_first[field.number]) continue;
        status = qn_wire_enter(&wire, &field, &out->first[field.number]);
        qn_status_free(status);
        out->has_first[field.number] = !status;
    }
}

static int has(uint64_t fields, int number) { return (fields >> number & 1) != 0; }

/* A NodeDef: a name (1) and an operator (2), both text. */
static int looks_like_node(qn_wire wire) {
    outline node;
    read_outline(wire, &node);
    if (!node.has_first[1] || !node.has_first[2]) return 0;
    qn_wire op = node.first[2];
    for (const uint8_t *c = op.next; c < op.end; c++)
        if (*c < 0x21 || *c > 0x7e) return 0;
    return op.next < op.end;
}

/* A GraphDef: nodes (1), or only a library (2) and versions (4). */
static int looks_like_graph(const outline *graph) {
    if (graph->has_first[1]) return looks_like_node(graph->first[1]);
    return !(graph->payloads & ~(1ull << 2 | 1ull << 4 | 1ull << 5)) && has(graph->payloads, 4);
}

/* A MetaGraphDef keeps its graph in field 2. */
static int holds_meta_graph(const outline *message) {
    outline graph;
    if (!message->has_first[2]) return 0;
    read_outline(message->first[2], &graph);
    return graph.has_first[1] && looks_like_node(graph.first[1]);
}

static int holds_saved_model(const outline *message) {
    outline meta;
    if (!has(message->varints, 1) || !message->has_first[2]) return 0;
    read_outline(message->first[2], &meta);
    return meta.has_first[2] && (meta.has_first[1] || holds_meta_graph(&meta));
}

static qn_status *recognise_message(qn_bytes bytes, const char *path, qn_format *out_format) {
    outline message;
    read_outline(qn_wire_open(bytes), &message);
    if (holds_saved_model(&message))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel, whose weights lie beside it; freeze it into one GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    if (has(message.varints, 1) && has(message.payloads, 7))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is an ONNX model, which this quench does not read; give it a TensorFlow frozen graph", path);
    if (has(message.payloads, 63) && !has(message.varints, 1) &&
        (has(message.payloads, 1) || message.payloads == 1ull << 63))
        return QN_ERR(QN_UNSUPPORTED, "%s is a Caffe network, which this quench does not read", path);
    if (looks_like_graph(&message)) {
        *out_format = QN_FORMAT_TENSORFLOW;
        return NULL;
    }
    if (holds_meta_graph(&message))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is the graph of a TensorFlow checkpoint (.meta), whose weights lie beside it; freeze "
                      "both into one GraphDef (freeze_graph) and give that",
                      path);
    return QN_ERR(QN_INVALID_MODEL,
                  "%s is no model that quench knows, or its beginning is damaged; a TensorFlow frozen graph "
                  "(binary GraphDef, .pb) is expected",
                  path);
}

/* ---- Folders ---- */

static int exists(const char *folder, const char *name) {
    char path[4096];
    struct stat info;
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path && stat(path, &info) == 0;
}

static qn_status *refuse_folder(const char *path) {
    if (exists(path, "saved_model.pb") || exists(path, "saved_model.pbtxt"))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a TensorFlow SavedModel folder; freeze it into one GraphDef "
                      "(convert_variables_to_constants_v2) and give that",
                      path);
    if (exists(path, "frozen_inference_graph.pb"))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s is a folder; give the model inside: %s/frozen_inference_graph.pb", path,
                      path);
    if (exists(path, "checkpoint"))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is a folder of TensorFlow checkpoints; freeze graph and weights into one GraphDef "
                      "(freeze_graph) and give that",
                      path);
    return QN_ERR(QN_NOT_FOUND, "%s is a folder without a model that quench knows; give a model file", path);
}

qn_status *qn_import_recognise(qn_bytes bytes, const char *path, qn_format *out_format) {
    struct stat info;
    *out_format = QN_FORMAT_UNKNOWN;
    if (!bytes.size && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return refuse_folder(path);
    if (!bytes.size) return QN_ERR(QN_INVALID_MODEL, "%s is empty; was it downloaded completely?", path);
    const signature *found = find_signature(bytes);
    if (found) return QN_ERR(found->code, "%s %s", path, found->message);
    if (is_text(bytes)) return refuse_text(bytes, path);
    return recognise_message(bytes, path, out_format);
}
