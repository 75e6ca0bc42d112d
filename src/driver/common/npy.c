#include "quench/npy.h"

#include "base/checked.h"
#include "base/dtype.h"
#include "base/entry.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_BYTES = 6, HEADER_ALIGN = 64, HEADER_TEXT_MAX = 1 << 16 };

/* NumPy's spelling of each dtype, without the byte order. */
static const struct {
    const char *code;
    qn_dtype dtype;
} codes[] = {{"f4", QN_DTYPE_F32}, {"f8", QN_DTYPE_F64}, {"f2", QN_DTYPE_F16}, {"i1", QN_DTYPE_S8},
             {"u1", QN_DTYPE_U8},  {"i2", QN_DTYPE_S16}, {"u2", QN_DTYPE_U16}, {"i4", QN_DTYPE_S32},
             {"u4", QN_DTYPE_U32}, {"i8", QN_DTYPE_S64}, {"u8", QN_DTYPE_U64}, {"b1", QN_DTYPE_BOOL}};
enum { CODE_COUNT = sizeof codes / sizeof *codes };

typedef struct header {
    qn_dtype dtype;
    int swapped, fortran, rank;
    int64_t dims[QN_MAX_RANK];
    int64_t data_offset;
} header;

/* ---- The header: a Python dict of three members, each once, in any order ---- */

enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7, SHOWN = 24 };

typedef struct parser {
    const char *path, *at, *end;
    header *out;
} parser;

/* The end of the text is a zero behind it, so there is always a letter to look at. */
static void skip_blanks(parser *p) { p->at += strspn(p->at, " \t\r\n"); }

/* Takes `letter` with blanks before it; 0 if something else is there. */
static int take(parser *p, char letter) {
    skip_blanks(p);
    if (*p->at != letter) return 0;
    p->at++;
    return 1;
}

static qn_status *unexpected(const parser *p, const char *expected) {
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has no %s, but '%.*s'", p->path, expected, SHOWN, p->at);
}

/* A text between quotes, which no key or element type needs escapes for. */
static qn_status *take_text(parser *p, const char *what, const char **out_text, size_t *out_length) {
    skip_blanks(p);
    const char quote = *p->at;
    if (quote != '\'' && quote != '"') return unexpected(p, what);
    const char *text = p->at + 1, *end = strchr(text, quote);
    if (!end || memchr(text, '\\', (size_t)(end - text))) return unexpected(p, what);
    *out_text = text;
    *out_length = (size_t)(end - text);
    p->at = end + 1;
    return NULL;
}

static qn_status *parse_order(parser *p) {
    skip_blanks(p);
    p->out->fortran = !strncmp(p->at, "True", 4);
    if (!p->out->fortran && strncmp(p->at, "False", 5)) return unexpected(p, "'fortran_order' that is True or False");
    p->at += p->out->fortran ? 4 : 5;
    return NULL;
}

static qn_status *parse_descr(parser *p) {
    const char *text;
    size_t length;
    QN_TRY(take_text(p, "plain 'descr'", &text, &length));
    for (size_t i = 0; i < CODE_COUNT && length == 3; i++)
        if (!strncmp(text + 1, codes[i].code, 2)) p->out->dtype = codes[i].dtype;
    if (p->out->dtype == QN_DTYPE_NONE || !strchr("<>|=", *text))
        return QN_ERR(
            QN_UNSUPPORTED,
            "%s: element type '%.*s' is not supported: expected floats of 2 to 8 bytes, integers of 1 to 8, or "
            "booleans",
            p->path, (int)(length < 12 ? length : 12), text);
    p->out->swapped = *text == '>' && qn_dtype_size(p->out->dtype) > 1;
    return NULL;
}

/* A dim of the shape; Python 2 wrote an L behind large ones. */
static qn_status *parse_dim(parser *p) {
    char *end;
    if (*p->at < '0' || *p->at > '9')
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: 'shape' holds '%.8s', expected a number", p->path, p->at);
    errno = 0;
    const long long dim = strtoll(p->at, &end, 10);
    if (errno) return QN_ERR(QN_LIMIT, "%s: 'shape' holds '%.20s...', too large for any file", p->path, p->at);
    if (p->out->rank == QN_MAX_RANK) return QN_ERR(QN_UNSUPPORTED, "%s: more than %d dims", p->path, QN_MAX_RANK);
    p->out->dims[p->out->rank++] = dim;
    p->at = end + (*end == 'L');
    return NULL;
}

/* (), (3,), (3, 4), (3, 4,): a comma makes the difference between one dim and a number in parentheses. */
static qn_status *parse_shape(parser *p) {
    int commas = 0;
    if (!take(p, '(')) return unexpected(p, "'shape' in parentheses");
    while (!take(p, ')')) {
        if (p->out->rank > commas) return unexpected(p, "comma between dims, or end of 'shape'");
        QN_TRY(parse_dim(p));
        commas += take(p, ',');
    }
    return p->out->rank == 1 && !commas ? unexpected(p, "comma behind the only dim of 'shape'") : NULL;
}

/* One "'key': value". `inout_found` has the keys that came already. */
static qn_status *parse_member(parser *p, int *inout_found) {
    static const struct {
        const char *name;
        int bit;
        qn_status *(*parse)(parser *p);
    } keys[] = {{"descr", DESCR, parse_descr}, {"fortran_order", ORDER, parse_order}, {"shape", SHAPE, parse_shape}};
    const char *name;
    size_t length;
    QN_TRY(take_text(p, "key in quotes", &name, &length));
    for (int i = 0; i < 3; i++) {
        if (strlen(keys[i].name) != length || memcmp(keys[i].name, name, length)) continue;
        if (*inout_found & keys[i].bit)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has the key '%s' twice", p->path, keys[i].name);
        *inout_found |= keys[i].bit;
        return take(p, ':') ? keys[i].parse(p) : unexpected(p, "colon behind a key");
    }
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "%s: the header has the key '%.*s', expected 'descr', 'fortran_order' and 'shape' only", p->path,
                  (int)(length < SHOWN ? length : SHOWN), name);
}

static qn_status *parse_text(const char *path, const char *text, size_t length, header *out) {
    parser p = {path, text, text + length, out};
    int found = 0;
    if (!take(&p, '{')) return unexpected(&p, "opening brace");
    for (int is_first = 1; !take(&p, '}'); is_first = 0) {
        if (!is_first && !take(&p, ',')) return unexpected(&p, "comma between its members");
        if (take(&p, '}')) break;
        QN_TRY(parse_member(&p, &found));
    }
    skip_blanks(&p);
    if (p.at != p.end) return unexpected(&p, "end behind the closing brace");
    if (found == ALL) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header has no '%s'", path,
                  !(found & DESCR)   ? "descr"
                  : !(found & ORDER) ? "fortran_order"
                                     : "shape");
}

/* Where the header's text lies. */
static qn_status *find_text(const qn_file *file, const char *path, int64_t *out_offset, size_t *out_length) {
    uint8_t start[12] = {0};
    const size_t have = (size_t)qn_min_i64(file->bytes, sizeof start);
    QN_TRY(qn_file_read_at(file, path, 0, start, have));
    if (have < 10 || memcmp(start, "\x93NUMPY", MAGIC_BYTES))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: is no .npy array (%lld bytes)", path, (long long)file->bytes);
    int version = start[6];
    size_t length_bytes = version >= 2 ? 4 : 2;
    if (version < 1 || version > 3 || start[7])
        return QN_ERR(QN_UNSUPPORTED, "%s: .npy version %d.%d, known are 1.0, 2.0 and 3.0", path, version, start[7]);
    if (have < 8 + length_bytes) return QN_ERR(QN_INVALID_ARGUMENT, "%s: cut short in the header", path);
    *out_length = 0;
    for (size_t i = 0; i < length_bytes; i++) *out_length |= (size_t)start[8 + i] << 8 * i;
    *out_offset = (int64_t)(8 + length_bytes);
    if (*out_length <= HEADER_TEXT_MAX && *out_offset + (int64_t)*out_length <= file->bytes) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the header says %zu bytes, the file has %lld", path, *out_length,
                  (long long)file->bytes);
}

static qn_status *read_header(const qn_file *file, const char *path, const qn_allocator *allocator, header *out) {
    size_t length = 0;
    *out = (header){0};
    QN_TRY(find_text(file, path, &out->data_offset, &length));
    char *text = qn_alloc_zeroed(allocator, length + 1, 1, 1);
    if (!text) return qn_status_out_of_memory();
    qn_status *status = qn_file_read_at(file, path, out->data_offset, text, length);
    if (!status) status = parse_text(path, text, length, out);
    out->data_offset += (int64_t)length;
    qn_free(allocator, text);
    return status;
}

/* ---- Reading in pieces ---- */

struct qn_npy_file {
    qn_allocator allocator;
    const char *path; /* behind the struct */
    int is_open;
    qn_file file;
    header head;
    qn_tensor info;
    size_t elems, elem_bytes;
};

static qn_status *expect_data(qn_npy_file *f) {
    const size_t found = (size_t)(f->file.bytes - f->head.data_offset);
    size_t bytes;
    int fits = 1;
    f->elem_bytes = qn_dtype_size(f->head.dtype);
    f->elems = 1;
    for (int i = 0; i < f->head.rank; i++) fits &= qn_checked_mul_size(f->elems, (size_t)f->head.dims[i], &f->elems);
    fits &= qn_checked_mul_size(f->elems, f->elem_bytes, &bytes);
    if (!fits)
        return QN_ERR(QN_LIMIT, "%s: the shape is too large for any file, this one has %zu bytes of data", f->path,
                      found);
    if (found == bytes) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: the shape needs %zu bytes of data, the file has %zu", f->path, bytes,
                  found);
}

static qn_status *open_file(qn_npy_file *f) {
    QN_TRY(qn_file_open(f->path, &f->file));
    f->is_open = 1;
    QN_TRY(read_header(&f->file, f->path, &f->allocator, &f->head));
    QN_TRY(expect_data(f));
    f->info = (qn_tensor){.dtype = f->head.dtype, .rank = f->head.rank};
    memcpy(f->info.dims, f->head.dims, sizeof f->info.dims);
    return NULL;
}

qn_status *qn_npy_open(const char *path, const qn_allocator *allocator, qn_npy_file **out_file) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_file);
    *out_file = NULL;
    QN_REQUIRE_ARG(path);
    allocator = qn_allocator_or_default(allocator);
    qn_npy_file *f = qn_alloc_zeroed(allocator, 1, sizeof *f + strlen(path) + 1, _Alignof(qn_npy_file));
    if (!f) return qn_status_out_of_memory();
    f->allocator = *allocator;
    f->path = strcpy((char *)(f + 1), path);
    qn_status *status = open_file(f);
    if (status) return qn_npy_close(f), status;
    *out_file = f;
    return NULL;
}

const qn_tensor *qn_npy_info(const qn_npy_file *f) { return f ? &f->info : NULL; }

void qn_npy_close(qn_npy_file *f) {
    if (!f) return;
    if (f->is_open) qn_file_close(&f->file);
    qn_allocator allocator = f->allocator;
    qn_free(&allocator, f);
}

static void swap_elements(uint8_t *data, size_t elems, size_t size) {
    for (size_t i = 0; i < elems; i++, data += size)
        for (size_t b = 0; b < size / 2; b++) {
            uint8_t kept = data[b];
            data[b] = data[size - 1 - b];
            data[size - 1 - b] = kept;
        }
}

/* Reads a whole array in Fortran order (first dim contiguous) into C order, a few elements at a time. */
static qn_status *read_fortran(const qn_npy_file *f, uint8_t *dst) {
    enum { CHUNK_BYTES = 1 << 13 };
    uint8_t chunk[CHUNK_BYTES];
    const size_t size = f->elem_bytes, chunk_elems = CHUNK_BYTES / size;
    int64_t at[QN_MAX_RANK] = {0}, offset = f->head.data_offset;
    for (size_t i = 0; i < f->elems; i++) {
        const size_t slot = i % chunk_elems, left = f->elems - i;
        if (!slot) {
            const size_t bytes = (left < chunk_elems ? left : chunk_elems) * size;
            QN_TRY(qn_file_read_at(&f->file, f->path, offset, chunk, bytes));
            offset += (int64_t)bytes;
        }
        size_t index = 0;
        for (int d = 0; d < f->head.rank; d++) index = index * (size_t)f->head.dims[d] + (size_t)at[d];
        memcpy(dst + index * size, chunk + slot * size, size);
        for (int d = 0; d < f->head.rank && ++at[d] == f->head.dims[d]; d++) at[d] = 0;
    }
    return NULL;
}

qn_status *qn_npy_read(qn_npy_file *f, int64_t first, int64_t count, void *dst) {
    QN_ENTER();
    QN_REQUIRE_NAMED(f, "file");
    QN_REQUIRE_ARRAY(dst, count);
    const int64_t elems = (int64_t)f->elems, size = (int64_t)f->elem_bytes;
    if (first < 0 || count < 0 || first > elems || count > elems - first)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: %lld elements from number %lld on are asked for, there are %lld",
                      f->path, (long long)count, (long long)first, (long long)elems);
    const int is_scattered = f->head.fortran && f->head.rank > 1;
    if (is_scattered && count != elems)
        return QN_ERR(
            QN_UNSUPPORTED,
            "%s: is in Fortran order, where the elements of a part lie scattered all over the file: save it with "
            "numpy.ascontiguousarray()",
            f->path);
    if (is_scattered)
        QN_TRY(read_fortran(f, dst));
    else
        QN_TRY(qn_file_read_at(&f->file, f->path, f->head.data_offset + first * size, dst, (size_t)(count * size)));
    if (f->head.swapped) swap_elements(dst, (size_t)count, f->elem_bytes);
    return NULL;
}

/* ---- Whole arrays ---- */

static qn_status *load_whole(qn_npy_file *f, const qn_allocator *allocator, qn_tensor *out) {
    qn_tensor tensor = f->info;
    tensor.data = qn_alloc_zeroed(allocator, f->elems, f->elem_bytes, 64);
    if (!tensor.data) return qn_status_out_of_memory();
    qn_status *status = qn_npy_read(f, 0, (int64_t)f->elems, tensor.data);
    if (status) return qn_free(allocator, tensor.data), status;
    *out = tensor;
    return NULL;
}

qn_status *qn_npy_load(const char *path, const qn_allocator *allocator, qn_tensor *out_tensor) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_tensor);
    *out_tensor = (qn_tensor){0};
    QN_REQUIRE_ARG(path);
    qn_npy_file *file;
    QN_TRY(qn_npy_open(path, allocator, &file));
    qn_status *status = load_whole(file, allocator, out_tensor);
    qn_npy_close(file);
    return status;
}

void qn_npy_free(qn_tensor *tensor, const qn_allocator *allocator) {
    if (!tensor) return;
    qn_free(allocator, tensor->data);
    *tensor = (qn_tensor){0};
}

static void write_header(const qn_tensor *tensor, const char *code, qn_buffer *file) {
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", code[1] == '1' ? '|' : '<', code);
    for (int i = 0; i < tensor->rank; i++)
        qn_buffer_printf(&text, i || tensor->rank > 1 ? "%s%lld" : "%s%lld,", i ? ", " : "",
                         (long long)tensor->dims[i]);
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

/* Is a tensor of the caller, of a type that has a size, one that can be read? */
static qn_status *check_tensor(const char *path, const qn_tensor *tensor) {
    size_t bytes = qn_dtype_size(tensor->dtype);
    int has_elements = 1;
    if (tensor->rank < 0 || tensor->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: a tensor of rank %d, expected 0 to %d", path, tensor->rank,
                      QN_MAX_RANK);
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 0)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: dim %d of the tensor is %lld", path, i, (long long)tensor->dims[i]);
        has_elements &= tensor->dims[i] > 0;
    }
    for (int i = 0; i < tensor->rank && has_elements; i++)
        if (!qn_checked_mul_size(bytes, (size_t)tensor->dims[i], &bytes))
            return QN_ERR(QN_LIMIT, "%s: the tensor is larger than memory can be", path);
    if (has_elements && !tensor->data)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s: the tensor has no elements (NULL)", path);
    return NULL;
}

qn_status *qn_npy_save(const char *path, const qn_tensor *tensor) {
    QN_ENTER();
    QN_REQUIRE_ARG(path);
    QN_REQUIRE_ARG(tensor);
    const char *code = NULL;
    qn_dtype dtype = tensor->dtype == QN_DTYPE_BF16 ? QN_DTYPE_F32 : tensor->dtype;
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (codes[i].dtype == dtype) code = codes[i].code;
    if (!code)
        return QN_ERR(QN_UNSUPPORTED, "%s: elements of type %s cannot be saved", path, qn_dtype_name(tensor->dtype));
    QN_TRY(check_tensor(path, tensor));
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
