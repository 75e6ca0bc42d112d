/* What a file is, told from its content: the formats are asked first, then what quench knows and does not read. */
#include "import/common/peek.h"
#include "import/import.h"

#include <string.h>

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

/* ---- Text, protocol buffers, folders ---- */

static qn_status *refuse_text(qn_bytes bytes, const char *path) {
    if (qn_peek_has_line(bytes, "layer", '{') || qn_peek_has_line(bytes, "layers", '{') ||
        qn_peek_has_line(bytes, "input_dim", ':'))
        return QN_ERR(QN_UNSUPPORTED, "%s describes a Caffe network, which this quench does not read", path);
    if (qn_peek_has_line(bytes, "ir_version", ':'))
        return QN_ERR(QN_UNSUPPORTED, "%s is an ONNX model in text format, which this quench does not read", path);
    if (bytes.data[0] == '<')
        return QN_ERR(QN_INVALID_MODEL, "%s is a web page or XML, not a model; the download may have failed", path);
    return QN_ERR(QN_INVALID_MODEL, "%s is text, not a model; a binary GraphDef (frozen .pb) is expected", path);
}

static qn_status *refuse_message(qn_bytes bytes, const char *path) {
    qn_peek_outline message;
    qn_peek_read_outline(qn_wire_open(bytes), &message);
    if (qn_peek_is_onnx(&message))
        return QN_ERR(QN_UNSUPPORTED,
                      "%s is an ONNX model, which this quench does not read; give it a TensorFlow frozen graph", path);
    if (qn_peek_is_caffe(&message))
        return QN_ERR(QN_UNSUPPORTED, "%s is a Caffe network, which this quench does not read", path);
    return QN_ERR(QN_INVALID_MODEL,
                  "%s is no model that quench knows, or its beginning is damaged; a TensorFlow frozen graph "
                  "(binary GraphDef, .pb) is expected",
                  path);
}

static qn_status *refuse(const qn_source *source) {
    const char *path = source->path;
    if (source->is_folder)
        return QN_ERR(QN_NOT_FOUND, "%s is a folder without a model that quench knows; give a model file", path);
    const signature *found = find_signature(source->bytes);
    if (found) return QN_ERR(found->code, "%s %s", path, found->message);
    return qn_peek_is_text(source->bytes) ? refuse_text(source->bytes, path) : refuse_message(source->bytes, path);
}

qn_status *qn_import_recognise(const qn_import_formats *formats, const qn_source *source,
                               const qn_import_format **out_format) {
    *out_format = NULL;
    if (!source->is_folder && !source->bytes.size)
        return QN_ERR(QN_INVALID_MODEL, "%s is empty; was it downloaded completely?", source->path);
    for (size_t i = 0; i < formats->count; i++) {
        int is_it = 0;
        QN_TRY(formats->rows[i].recognise(source, &is_it));
        if (!is_it) continue;
        *out_format = &formats->rows[i];
        return NULL;
    }
    return refuse(source);
}
