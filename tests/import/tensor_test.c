/* Constants in every encoding. The expected bytes are written by hand, not by the code under test. */
#include "expect.h"
#include "graphdef_builder.h"
#include "import/import.h"
#include "import/tensorflow/tensor.h"

#include <stdlib.h>

typedef struct fixture {
    qn_arena arena;
    qn_import_copied copied;
    uint8_t *file; /* the tensor's bytes as they would lie in a file */
    size_t file_bytes;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    qn_arena_init(&f->arena, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    qn_arena_deinit(&f->arena);
    free(f->file);
    free(f);
    return 0;
}

/* Reads the tensor (and frees its buffer), `shift` bytes off alignment. */
static qn_status *read_tensor(fixture *f, qn_buffer *tensor, size_t shift, qn_view *out_view) {
    free(f->file);
    f->file_bytes = tensor->size + 64;
    f->file = malloc(f->file_bytes);
    memcpy(f->file + shift, tensor->data, tensor->size);
    qn_wire wire = qn_wire_open((qn_bytes){f->file + shift, tensor->size});
    qn_buffer_deinit(tensor);
    return qn_tf_read_tensor(wire, &f->arena, &f->copied, out_view);
}

static int lies_in_file(const fixture *f, const qn_view *view) {
    return (const uint8_t *)view->data >= f->file && (const uint8_t *)view->data < f->file + f->file_bytes;
}

static void raw_bytes_are_used_in_place_where_they_are_aligned(void **state) {
    fixture *f = *state;
    const float values[] = {1.0f, -2.5f};
    for (size_t shift = 0; shift < 8; shift++) {
        qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){2});
        size_t offset = tensor.size + 2 + shift; /* behind tag and length */
        gd_tensor_content(&tensor, values, sizeof values);
        qn_view view;
        expect_ok(read_tensor(f, &tensor, shift, &view));
        assert_int_equal(view.dtype, QN_DTYPE_F32);
        assert_int_equal(view.rank, 1);
        assert_int_equal(view.dims[0], 2);
        assert_memory_equal(view.data, values, sizeof values);
        assert_int_equal(lies_in_file(f, &view), offset % 4 == 0);
        assert_int_equal((uintptr_t)view.data % 4, 0);
    }
}

static void listed_floats_are_read_packed_and_single(void **state) {
    fixture *f = *state;
    const float values[] = {3.0f, 4.0f, 5.0f};
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){3});
    pb_bytes(&tensor, 5, values, sizeof values);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_memory_equal(view.data, values, sizeof values);
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){3});
    for (int i = 0; i < 3; i++) pb_float(&tensor, 5, values[i]);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_memory_equal(view.data, values, sizeof values);
}

static void one_listed_value_stands_for_all(void **state) {
    fixture *f = *state;
    const int64_t dims[] = {2, 3};
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_INT32, 2, dims);
    pb_varint(&tensor, 7, (uint64_t)-7);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    for (int i = 0; i < 6; i++) assert_int_equal(((int32_t *)view.data)[i], -7);
}

static void a_short_list_repeats_its_last_value_and_none_means_zeros(void **state) {
    fixture *f = *state;
    const int64_t want[] = {1, 2, 2, 2};
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_INT64, 1, (int64_t[]){4});
    pb_varint(&tensor, 10, 1);
    pb_varint(&tensor, 10, 2);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_memory_equal(view.data, want, sizeof want);
    tensor = gd_tensor(GD_DOUBLE, 1, (int64_t[]){3});
    expect_ok(read_tensor(f, &tensor, 0, &view));
    for (int i = 0; i < 3; i++) assert_true(((double *)view.data)[i] == 0.0);
}

static void half_and_bfloat16_are_their_bits(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_HALF, 1, (int64_t[]){2});
    pb_varint(&tensor, 13, 0x3c00); /* 1.0 */
    pb_varint(&tensor, 13, 0xc100); /* -2.5 */
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_int_equal(view.dtype, QN_DTYPE_F16);
    assert_int_equal(((uint16_t *)view.data)[0], 0x3c00);
    assert_int_equal(((uint16_t *)view.data)[1], 0xc100);
    tensor = gd_tensor(GD_BFLOAT16, 0, NULL);
    pb_varint(&tensor, 13, 0x3f80);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_int_equal(view.dtype, QN_DTYPE_BF16);
    assert_int_equal(view.rank, 0);
    assert_int_equal(*(uint16_t *)view.data, 0x3f80);
}

static void narrow_and_quantised_integers_have_their_own_size(void **state) {
    static const struct {
        int type;
        uint32_t field;
        qn_dtype dtype;
        int64_t value;
    } cases[] = {
        {GD_UINT8, 7, QN_DTYPE_U8, 255},           {GD_INT8, 7, QN_DTYPE_S8, -128},
        {GD_INT16, 7, QN_DTYPE_S16, -30000},       {GD_UINT16, 7, QN_DTYPE_U16, 65535},
        {GD_QUINT8, 7, QN_DTYPE_U8, 200},          {GD_QINT8, 7, QN_DTYPE_S8, -5},
        {GD_QINT32, 7, QN_DTYPE_S32, -9},          {GD_UINT32, 16, QN_DTYPE_U32, 4000000000},
        {GD_UINT64, 17, QN_DTYPE_U64, 5000000000}, {GD_BOOL, 11, QN_DTYPE_BOOL, 1},
        {GD_QUINT16, 7, QN_DTYPE_U16, 40000},      {GD_QINT16, 7, QN_DTYPE_S16, -2},
        {GD_FLOAT + 100, 5, QN_DTYPE_F32, 0},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_view view;
        qn_buffer tensor = gd_tensor(cases[i].type, 1, (int64_t[]){1});
        if (cases[i].dtype != QN_DTYPE_F32) pb_varint(&tensor, cases[i].field, (uint64_t)cases[i].value);
        expect_ok(read_tensor(f, &tensor, 0, &view));
        assert_int_equal(view.dtype, cases[i].dtype);
        assert_true(qn_view_get_int(&view, 0) == cases[i].value);
    }
}

static void a_bool_is_zero_or_one(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_BOOL, 1, (int64_t[]){4});
    gd_tensor_content(&tensor, "\x00\x01\x02\xff", 4);
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_memory_equal(view.data, "\x00\x01\x01\x01", 4);
}

static void an_empty_tensor_has_no_elements(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_INT32, 1, (int64_t[]){0});
    expect_ok(read_tensor(f, &tensor, 0, &view));
    assert_int_equal(view.dims[0], 0);
    assert_non_null(view.data);
}

static void what_contradicts_itself_is_refused(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){3});
    gd_tensor_content(&tensor, "12345678", 8);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL,
                   "tensor_content has 8 bytes, the shape needs 12 (3 elements of f32)");
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){1});
    gd_tensor_content(&tensor, "12345678", 8);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "8 bytes, the shape needs 4");
    tensor = gd_tensor(GD_INT32, 1, (int64_t[]){1});
    pb_varint(&tensor, 7, 1);
    pb_varint(&tensor, 7, 2);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "more values are listed");
    tensor = gd_tensor(GD_UINT8, 0, NULL);
    pb_varint(&tensor, 7, 256);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "does not fit u8");
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){1});
    pb_bytes(&tensor, 5, "123", 3);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "4 bytes expected, 3 left");
    tensor = gd_tensor(GD_FLOAT, -1, NULL);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "shape is unknown");
}

static void impossible_dims_are_refused(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){-1});
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "dim 0 of the constant is -1");
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){-5});
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "a dim is -5");
    tensor = gd_tensor(GD_FLOAT, 3, (int64_t[]){1ll << 32, 1ll << 32, 4});
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL,
                   "product of the constant's dims overflows at dim 1");
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){INT64_MAX});
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_INVALID_MODEL, "overflows");
    tensor = gd_tensor(GD_FLOAT, 2, (int64_t[]){1 << 20, 1 << 20});
    pb_float(&tensor, 5, 1.0f);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_LIMIT, "elements are listed or repeated, the limit is");
    memset(&f->copied, 0, sizeof f->copied);
    tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){(1 << 25) + 2});
    pb_float(&tensor, 5, 1.0f);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_LIMIT,
                   "repeat their last value need more than 134217728 bytes");
    const int64_t dims[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    tensor = gd_tensor(GD_FLOAT, 9, dims);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_UNSUPPORTED, "more than 8 dims");
}

static void types_that_are_not_computed_with_are_named(void **state) {
    fixture *f = *state;
    qn_view view;
    qn_buffer tensor = gd_tensor(GD_COMPLEX64, 0, NULL);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_UNSUPPORTED, "complex64");
    tensor = gd_tensor(GD_STRING, 0, NULL);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_UNSUPPORTED, "string");
    tensor = gd_tensor(99, 0, NULL);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_UNSUPPORTED, "number 99");
    tensor = gd_tensor(0, 0, NULL);
    expect_failure(read_tensor(f, &tensor, 0, &view), QN_UNSUPPORTED, "number 0");
}

static void strings_are_joined_cleaned_and_cut(void **state) {
    (void)state;
    qn_buffer tensor = gd_tensor(GD_STRING, 1, (int64_t[]){2}), text;
    qn_buffer_init(&text, NULL);
    pb_text(&tensor, 8, "too\nlarge:");
    pb_text(&tensor, 8, "width");
    qn_wire wire = qn_wire_open((qn_bytes){tensor.data, tensor.size});
    expect_ok(qn_tf_read_strings(wire, 100, &text));
    assert_string_equal(qn_buffer_text(&text), "too large: width");
    qn_buffer_deinit(&text);
    qn_buffer_init(&text, NULL);
    expect_ok(qn_tf_read_strings(wire, 5, &text));
    assert_string_equal(qn_buffer_text(&text), "too l");
    qn_buffer_deinit(&text);
    qn_buffer_deinit(&tensor);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* However they are spread over constants; what is listed does not count. */
static void repeated_values_are_counted_over_all_constants(void **state) {
    fixture *f = *state;
    qn_view view;
    for (int i = 0; i < 4; i++) {
        qn_buffer tensor = gd_tensor(GD_FLOAT, 1, (int64_t[]){(1 << 23) + 1});
        pb_float(&tensor, 5, (float)i);
        expect_ok(read_tensor(f, &tensor, 0, &view));
    }
    qn_buffer listed = gd_tensor(GD_FLOAT, 1, (int64_t[]){2}), more = gd_tensor(GD_FLOAT, 1, (int64_t[]){2});
    for (int i = 0; i < 2; i++) pb_float(&listed, 5, 1.0f);
    expect_ok(read_tensor(f, &listed, 0, &view));
    pb_float(&more, 5, 1.0f);
    expect_failure(read_tensor(f, &more, 0, &view), QN_LIMIT, "compute them with Fill");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(raw_bytes_are_used_in_place_where_they_are_aligned),
        CASE(listed_floats_are_read_packed_and_single),
        CASE(one_listed_value_stands_for_all),
        CASE(a_short_list_repeats_its_last_value_and_none_means_zeros),
        CASE(half_and_bfloat16_are_their_bits),
        CASE(narrow_and_quantised_integers_have_their_own_size),
        CASE(a_bool_is_zero_or_one),
        CASE(an_empty_tensor_has_no_elements),
        CASE(what_contradicts_itself_is_refused),
        CASE(impossible_dims_are_refused),
        CASE(repeated_values_are_counted_over_all_constants),
        CASE(types_that_are_not_computed_with_are_named),
        CASE(strings_are_joined_cleaned_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
