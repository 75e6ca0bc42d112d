/* Tensors of the public headers: memory for them, names of their types, dims as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "quench/model.h"

static void refuses(qn_dtype dtype, int rank, const int64_t *dims, qn_code code, const char *text) {
    qn_tensor tensor = {.rank = 3, .data = &tensor};
    qn_status *status = qn_tensor_init(dtype, rank, dims, NULL, &tensor);
    assert_int_equal(qn_status_code(status), code);
    if (!strstr(qn_status_message(status), text)) fail_msg("'%s' is not in: %s", text, qn_status_message(status));
    assert_null(tensor.data);
    assert_int_equal(tensor.rank, 0);
    qn_status_free(status);
}

static void tensors_begin_as_zeros_at_an_aligned_address(void **state) {
    static const struct {
        qn_dtype dtype;
        int rank;
        int64_t dims[3];
        size_t bytes;
    } cases[] = {{QN_DTYPE_F32, 3, {2, 3, 5}, 120}, {QN_DTYPE_U8, 1, {7}, 7},     {QN_DTYPE_S64, 0, {0}, 8},
                 {QN_DTYPE_F16, 2, {3, 0}, 0},      {QN_DTYPE_BOOL, 1, {65}, 65}, {QN_DTYPE_F64, 1, {1}, 8}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_tensor tensor;
        assert_null(qn_tensor_init(cases[i].dtype, cases[i].rank, cases[i].rank ? cases[i].dims : NULL, NULL, &tensor));
        assert_non_null(tensor.data);
        assert_int_equal((uintptr_t)tensor.data % 64, 0);
        assert_int_equal(qn_tensor_bytes(&tensor), cases[i].bytes);
        assert_int_equal(tensor.capacity_bytes, 0);
        for (size_t b = 0; b < cases[i].bytes; b++) assert_int_equal(((const uint8_t *)tensor.data)[b], 0);
        for (int d = 0; d < cases[i].rank; d++) assert_int_equal(tensor.dims[d], cases[i].dims[d]);
        qn_tensor_deinit(&tensor, NULL);
        assert_null(tensor.data);
        qn_tensor_deinit(&tensor, NULL); /* a zeroed one does no harm */
    }
}

static void tensors_that_cannot_be_are_refused(void **state) {
    const int64_t huge[] = {INT64_MAX / 2, 16}, negative[] = {3, -1}, large[] = {INT64_MAX};
    (void)state;
    refuses(QN_DTYPE_F32, 2, huge, QN_LIMIT, "4611686018427387903x16 float32 is larger than memory");
    refuses(QN_DTYPE_U8, 1, large, QN_LIMIT, "larger than memory");
    refuses(QN_DTYPE_F32, 2, negative, QN_INVALID_ARGUMENT, "a dim of -1");
    refuses(QN_DTYPE_F32, QN_MAX_RANK + 1, (int64_t[QN_MAX_RANK + 1]){0}, QN_INVALID_ARGUMENT, "rank 9");
    refuses(QN_DTYPE_F32, -1, huge, QN_INVALID_ARGUMENT, "rank -1");
    refuses(QN_DTYPE_STRING, 1, (int64_t[]){1}, QN_UNSUPPORTED, "arrays of string");
    refuses((qn_dtype)99, 1, (int64_t[]){1}, QN_UNSUPPORTED, "arrays of unknown");
    const qn_tensor wrong = {.dtype = QN_DTYPE_F32, .rank = 2, .dims = {INT64_MAX, 4}};
    assert_int_equal(qn_tensor_bytes(&wrong), 0);
}

static void types_are_called_as_numpy_calls_them(void **state) {
    (void)state;
    assert_string_equal(qn_dtype_numpy_name(QN_DTYPE_F32), "float32");
    assert_string_equal(qn_dtype_numpy_name(QN_DTYPE_S8), "int8");
    assert_string_equal(qn_dtype_numpy_name(QN_DTYPE_BOOL), "bool");
    assert_string_equal(qn_dtype_numpy_name((qn_dtype)-1), "unknown");
    for (int i = 0; i < QN_DTYPE_COUNT; i++) assert_non_null(qn_dtype_numpy_name((qn_dtype)i));
}

static void dims_are_written_as_people_read_them(void **state) {
    char text[QN_DIMS_TEXT];
    int64_t longest[QN_MAX_RANK];
    qn_value_info value = {.rank = 5, .min_dims = {1, 1, 3, 1, 4}, .max_dims = {1, 513, QN_NO_LIMIT, QN_NO_LIMIT, 4}};
    (void)state;
    assert_string_equal(qn_dims_print(4, (int64_t[]){1, 513, 513, 3}, text), "1x513x513x3");
    assert_string_equal(qn_dims_print(0, NULL, text), "scalar");
    assert_string_equal(qn_value_info_print_dims(&value, text), "1 x 1..513 x 3..? x ? x 4");
    value.rank = 0;
    assert_string_equal(qn_value_info_print_dims(&value, text), "scalar");
    /* The longest that there can be has room. */
    for (int i = 0; i < QN_MAX_RANK; i++) longest[i] = INT64_MIN;
    assert_int_equal(strlen(qn_dims_print(QN_MAX_RANK, longest, text)), 20 * QN_MAX_RANK + QN_MAX_RANK - 1);
    value.rank = QN_MAX_RANK;
    for (int i = 0; i < QN_MAX_RANK; i++) value.min_dims[i] = INT64_MIN, value.max_dims[i] = INT64_MIN + 1;
    assert_int_equal(strlen(qn_value_info_print_dims(&value, text)), 42 * QN_MAX_RANK + 3 * (QN_MAX_RANK - 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_begin_as_zeros_at_an_aligned_address),
        cmocka_unit_test(tensors_that_cannot_be_are_refused),
        cmocka_unit_test(types_are_called_as_numpy_calls_them),
        cmocka_unit_test(dims_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
