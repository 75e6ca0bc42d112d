/* npy_fuzz.c - arrays as NumPy saves them: whole, and in two pieces, which must be the same. */
#include "fuzz.h"

#include "base/dtype.h"
#include "quench/npy.h"

#include <stdlib.h>
#include <string.h>

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes < 128 ? bytes : 128;
}

/* Reads what `whole` holds again, in two pieces. Only arrays in Fortran order may refuse that. */
static void compare_pieces(const char *path, const qn_tensor *whole) {
    qn_npy_file *file = NULL;
    qn_view view = {.dtype = whole->dtype, .rank = whole->rank};
    memcpy(view.dims, whole->dims, sizeof view.dims);
    const int64_t count = qn_view_elems(&view), half = count / 2;
    const size_t size = qn_dtype_size(whole->dtype);
    uint8_t *pieces = malloc(qn_view_bytes(&view) + 1);
    if (!pieces) abort();
    qn_status *status = qn_npy_open(path, fuzz_allocator(), &file);
    if (!status) status = qn_npy_read(file, 0, half, pieces);
    if (!status) status = qn_npy_read(file, half, count - half, pieces + (size_t)half * size);
    if (!status && memcmp(pieces, whole->data, qn_view_bytes(&view))) abort();
    if (status && qn_status_code(status) != QN_UNSUPPORTED) abort();
    expect_fair(status);
    qn_npy_close(file);
    free(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    const char *path = as_file(data, bytes);
    qn_tensor tensor;
    qn_status *status = qn_npy_load(path, fuzz_allocator(), &tensor);
    if (!status) compare_pieces(path, &tensor);
    qn_npy_free(&tensor, fuzz_allocator());
    expect_fair(status);
    return 0;
}
