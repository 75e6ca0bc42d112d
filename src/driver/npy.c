#include "quench/npy.h"

#include "base/checked.h"
#include "base/dtype.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAGIC_BYTES = 6, HEADER_ALIGN = 64, HEADER_TEXT_MAX = 1 << 16 };

/* NumPy's spelling of each dtype, without the byte order. */
static const struct {
    const char *code;
    qn_dtype dtype;
} codes[] = {{"f4", QN_DTYPE_F32}, {"f8", QN_DTYPE_F64}, {"f2", QN_DTYPE_F16}, {"i1", QN_DTYPE_S8},  {"u1", QN_DTYPE_U8},
             {"i2", QN_DTYPE_S16}, {"u2", QN_DTYPE_U16}, {"i4", QN_DTYPE_S32}, {"u4", QN_DTYPE_U32}, {"i8", QN_DTYPE_S64},
             {"u8", QN_DTYPE_U64}, {"b1", QN_DTYPE_BOOL}};
enum { CODE_COUNT = sizeof codes / sizeof *codes };

typedef struct header {
    qn_dtype dtype;
    int swapped, fortran, rank;
    int64_t dims[QN_MAX_RANK];
    size_t data_offset;
} header;

/* The text after "'key':", or NULL. */
static const char *find_member(const char *text, const char *key) {
    const char *at = strstr(text, key);
    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, "'\" ");
    if (*at++ != ':') return NULL;
    return at + strspn(at, " ");
}

static qn_status *parse_order(const char *path, const char *at, header *out) {
    out->fortran = at && !strncmp(at, "True", 4);
    if (out->fortran || (at && !strncmp(at, "False", 5))) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has no 'fortran_order' that is True or False", path);
}

static qn_status *parse_descr(const char *path, const char *at, header *out) {
    if (!at || (*at != '\'' && *at != '"') || strlen(at) < 5) return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has no plain 'descr'", path);
    char order = at[1];
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (!strncmp(at + 2, codes[i].code, 2) && (at[4] == '\'' || at[4] == '"')) out->dtype = codes[i].dtype;
    if (out->dtype == QN_DTYPE_NONE || !strchr("<>|=", order))
        return QN_ERR(QN_UNSUPPORTED, "%s: element type '%.8s' is not one quench has", path, at + 1);
    out->swapped = order == '>' && qn_dtype_size(out->dtype) > 1;
    return NULL;
}

static qn_status *parse_shape(const char *path, const char *at, header *out) {
    if (!at || *at++ != '(') return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has no 'shape'", path);
    for (;;) {
        at += strspn(at, " ,");
        if (*at == ')') return NULL;
        char *end;
        if (*at < '0' || *at > '9') return QN_ERR(QN_INVALID_ARGUMENT, "%s: 'shape' holds '%.8s', expected a number", path, at);
        long long dim = strtoll(at, &end, 10);
        if (out->rank == QN_MAX_RANK) return QN_ERR(QN_UNSUPPORTED, "%s: more than %d dims", path, QN_MAX_RANK);
        out->dims[out->rank++] = dim;
        at = end + (*end == 'L');
    }
}

static qn_status *parse_header(const char *path, qn_bytes file, header *out) {
    *out = (header){0};
    if (file.size < 10 || memcmp(file.data, "\x93NUMPY", MAGIC_BYTES))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: is no .npy array (%zu bytes)", path, file.size);
    int version = file.data[6];
    size_t length_bytes = version >= 2 ? 4 : 2, length = 0;
    if (version < 1 || version > 3) return QN_ERR(QN_UNSUPPORTED, "%s: .npy version %d, known are 1 to 3", path, version);
    if (file.size < 8 + length_bytes) return QN_ERR(QN_INVALID_ARGUMENT, "%s: cut short in the header", path);
    for (size_t i = 0; i < length_bytes; i++) length |= (size_t)file.data[8 + i] << 8 * i;
    out->data_offset = 8 + length_bytes + length;
    if (length > HEADER_TEXT_MAX || out->data_offset > file.size) return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header says %zu bytes, the file has %zu", path, length, file.size);
    char *text = malloc(length + 1);
    if (!text) return qn_status_out_of_memory();
    memcpy(text, file.data + 8 + length_bytes, length);
    text[length] = 0;
    qn_status *status = parse_order(path, find_member(text, "fortran_order"), out);
    if (!status) status = parse_descr(path, find_member(text, "descr"), out);
    if (!status) status = parse_shape(path, find_member(text, "shape"), out);
    free(text);
    return status;
}

static void swap_elements(uint8_t *data, size_t elems, size_t size) {
    for (size_t i = 0; i < elems; i++, data += size)
        for (size_t b = 0; b < size / 2; b++) {
            uint8_t kept = data[b];
            data[b] = data[size - 1 - b];
            data[size - 1 - b] = kept;
        }
}

/* Copies Fortran order (first dim contiguous) to C order. */
static void copy_fortran(const qn_tensor *tensor, const uint8_t *src, size_t elems, size_t size) {
    int64_t at[QN_MAX_RANK] = {0};
    uint8_t *dst = tensor->data;
    for (size_t i = 0; i < elems; i++, dst += size) {
        size_t index = 0, stride = 1;
        for (int d = 0; d < tensor->rank; d++) {
            index += (size_t)at[d] * stride;
            stride *= (size_t)tensor->dims[d];
        }
        memcpy(dst, src + index * size, size);
        for (int d = tensor->rank - 1; d >= 0 && ++at[d] == tensor->dims[d]; d--) at[d] = 0;
    }
}

static qn_status *load_bytes(const char *path, qn_bytes file, const qn_allocator *allocator, qn_tensor *out) {
    header head;
    QN_TRY(parse_header(path, file, &head));
    size_t size = qn_dtype_size(head.dtype), elems = 1, bytes;
    for (int i = 0; i < head.rank; i++)
        if (!qn_checked_mul_size(elems, (size_t)head.dims[i], &elems)) return QN_ERR(QN_LIMIT, "%s: the shape is too large", path);
    if (!qn_checked_mul_size(elems, size, &bytes)) return QN_ERR(QN_LIMIT, "%s: the shape is too large", path);
    if (file.size - head.data_offset != bytes)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: the shape needs %zu bytes of data, the file has %zu", path, bytes, file.size - head.data_offset);
    qn_tensor tensor = {.dtype = head.dtype, .rank = head.rank};
    memcpy(tensor.dims, head.dims, sizeof tensor.dims);
    tensor.data = qn_alloc_zeroed(allocator, bytes, 1, 64);
    if (!tensor.data) return qn_status_out_of_memory();
    if (head.fortran && head.rank > 1) copy_fortran(&tensor, file.data + head.data_offset, elems, size);
    else if (bytes) memcpy(tensor.data, file.data + head.data_offset, bytes);
    if (head.swapped) swap_elements(tensor.data, elems, size);
    *out = tensor;
    return NULL;
}

qn_status *qn_npy_load(const char *path, const qn_allocator *allocator, qn_tensor *out_tensor) {
    qn_file_map map;
    *out_tensor = (qn_tensor){0};
    QN_TRY(qn_file_map_open(path, &map));
    qn_status *status = load_bytes(path, map.bytes, allocator, out_tensor);
    qn_file_map_close(&map);
    return status;
}

void qn_npy_free(qn_tensor *tensor, const qn_allocator *allocator) {
    qn_free(allocator, tensor->data);
    *tensor = (qn_tensor){0};
}

static void write_header(const qn_tensor *tensor, const char *code, qn_buffer *file) {
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", code[1] == '1' ? '|' : '<', code);
    for (int i = 0; i < tensor->rank; i++) qn_buffer_printf(&text, i || tensor->rank > 1 ? "%s%lld" : "%s%lld,", i ? ", " : "", (long long)tensor->dims[i]);
    qn_buffer_printf(&text, "), }");
    size_t total = qn_align_up(10 + text.size + 1, HEADER_ALIGN);
    while (text.size < total - 11 && !text.failed) qn_buffer_append(&text, " ", 1);
    qn_buffer_append(&text, "\n", 1);
    uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)text.size, (uint8_t)(text.size >> 8)};
    qn_buffer_append(file, start, sizeof start);
    qn_buffer_append(file, text.data, text.size);
    file->failed |= text.failed;
    qn_buffer_deinit(&text);
}

qn_status *qn_npy_save(const char *path, const qn_tensor *tensor) {
    const char *code = NULL;
    qn_dtype dtype = tensor->dtype == QN_DTYPE_BF16 ? QN_DTYPE_F32 : tensor->dtype;
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (codes[i].dtype == dtype) code = codes[i].code;
    if (!code) return QN_ERR(QN_UNSUPPORTED, "%s: elements of type %s cannot be saved", path, qn_dtype_name(tensor->dtype));
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    qn_buffer file;
    qn_buffer_init(&file, NULL);
    write_header(tensor, code, &file);
    if (dtype == tensor->dtype) {
        qn_buffer_append(&file, tensor->data, qn_view_bytes(&view));
    } else {
        for (int64_t i = 0; i < qn_view_elems(&view); i++) {
            float value = (float)qn_view_get(&view, i);
            qn_buffer_append(&file, &value, sizeof value);
        }
    }
    qn_status *status = file.failed ? qn_status_out_of_memory() : qn_file_write_atomic(path, file.data, file.size);
    qn_buffer_deinit(&file);
    return status;
}
