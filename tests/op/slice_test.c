/* slice and strided_slice: TensorFlow's answers for every kind of entry, symbolic bounds, errors. */
#include "operator_case.h"

#include <string.h>

static int32_t counted[24]; /* 0 .. 23 */

static int count_up(void **state) {
    (void)state;
    for (int i = 0; i < 24; i++) counted[i] = i;
    return 0;
}

static const struct {
    int rank;
    int64_t dims[3];
    int64_t entries;
    int32_t begin[4], end[4], strides[4];
    int64_t masks[5]; /* begin, end, ellipsis, new axis, shrink axis */
    int out_rank;
    int64_t out_dims[4], y[12];
} answers[] = {
    {1, {6}, 1, {1}, {5}, {2}, {0, 0, 0, 0, 0}, 1, {2}, {1, 3}},
    {1, {6}, 1, {-1}, {-7}, {-1}, {0, 0, 0, 0, 0}, 1, {6}, {5, 4, 3, 2, 1, 0}},
    {1, {6}, 1, {0}, {0}, {-2}, {3, 3, 0, 0, 0}, 1, {3}, {5, 3, 1}},
    {1, {6}, 1, {10}, {-10}, {-3}, {0, 0, 0, 0, 0}, 1, {2}, {5, 2}},
    {1, {6}, 1, {4}, {2}, {1}, {0, 0, 0, 0, 0}, 1, {0}, {0}},
    {1, {6}, 1, {-3}, {0}, {1}, {0, 1, 0, 0, 0}, 1, {3}, {3, 4, 5}},
    {1, {6}, 1, {-1}, {0}, {1}, {0, 0, 0, 0, 1}, 0, {0}, {5}},
    {1, {6}, 1, {2}, {0}, {1}, {0, 0, 0, 0, 1}, 0, {0}, {2}},
    {2, {3, 4}, 2, {1, 0}, {2, 0}, {1, 1}, {2, 2, 0, 0, 1}, 1, {4}, {4, 5, 6, 7}},
    {2, {3, 4}, 2, {0, -1}, {0, 0}, {1, 1}, {1, 1, 0, 0, 2}, 1, {3}, {3, 7, 11}},
    {3, {2, 3, 4}, 2, {0, 1}, {0, 2}, {1, 1}, {0, 0, 1, 0, 2}, 2, {2, 3}, {1, 5, 9, 13, 17, 21}},
    {3, {2, 3, 4}, 3, {1, 0, 0}, {2, 0, 2}, {1, 1, 1}, {0, 0, 2, 0, 1}, 2, {3, 2}, {12, 13, 16, 17, 20, 21}},
    {2, {2, 3}, 3, {0, 0, 0}, {0, 0, 2}, {1, 1, 1}, {2, 2, 0, 1, 0}, 3, {1, 2, 2}, {0, 1, 3, 4}},
    {2, {2, 3}, 3, {0, 1, 0}, {1, 2, 0}, {1, 1, 1}, {0, 0, 0, 4, 3}, 1, {1}, {1}},
    {3, {2, 3, 2}, 3, {0, 0, 1}, {0, 0, 2}, {1, 1, -1}, {0, 0, 1, 2, 0}, 4, {2, 3, 1, 0}, {0}},
    {2, {5, 2}, 1, {3}, {0}, {-1}, {0, 0, 0, 0, 0}, 2, {3, 2}, {6, 7, 4, 5, 2, 3}},
    {2, {5, 2}, 2, {3, 0}, {0, 2}, {-2, 1}, {0, 1, 0, 0, 0}, 2, {2, 2}, {6, 7, 2, 3}},
    {1, {4}, 1, {1}, {3}, {5}, {0, 0, 0, 0, 0}, 1, {1}, {1}},
    {1, {4}, 1, {-9}, {9}, {3}, {0, 0, 0, 0, 0}, 1, {2}, {0, 3}},
    {2, {1, 4}, 2, {0, 0}, {1, 0}, {1, 1}, {2, 2, 0, 0, 1}, 1, {4}, {0, 1, 2, 3}},
    {2, {2, 2}, 4, {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {12, 12, 0, 3, 0}, 4, {1, 1, 2, 2}, {0, 1, 2, 3}},
    {1, {3}, 2, {0, 0}, {0, 0}, {1, 1}, {0, 0, 1, 3, 0}, 2, {3, 1}, {0, 1, 2}},
};

static operator_case *strided(int rank, const int64_t *dims, int64_t entries, const int32_t *begin, const int32_t *end,
                              const int32_t *strides) {
    operator_case *c = operator_case_create(&qn_op_strided_slice);
    operator_case_input(c, QN_DTYPE_S32, rank, dims, counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(entries), begin);
    operator_case_input(c, QN_DTYPE_S32, DIMS(entries), end);
    operator_case_input(c, QN_DTYPE_S32, DIMS(entries), strides);
    return c;
}

static void strided_slice_answers_as_tensorflow_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const int64_t *masks = answers[i].masks;
        operator_case *c = strided(answers[i].rank, answers[i].dims, answers[i].entries, answers[i].begin,
                                   answers[i].end, answers[i].strides);
        *(qn_strided_slice_attrs *)c->attrs =
            (qn_strided_slice_attrs){masks[0], masks[1], masks[2], masks[3], masks[4]};
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_S32, answers[i].out_rank, answers[i].out_dims);
        assert_view_ints(out, answers[i].y);
        operator_case_destroy(c);
    }
}

static void strided_slice_refuses_what_has_no_meaning(void **state) {
    (void)state;
    static const int32_t zeros[3] = {0}, ones[3] = {1, 1, 1}, nine[3] = {9, 0, 0}, minus[3] = {-1, 1, 1};
    operator_case *c = strided(DIMS(6), 1, zeros, ones, zeros);
    assert_infer_fails(c, "expected strides[0] other than 0, found 0");
    operator_case_destroy(c);
    c = strided(DIMS(6), 2, zeros, ones, ones);
    assert_infer_fails(c, "expected at most 1 indices, found 2");
    operator_case_destroy(c);
    c = strided(DIMS(6), 1, nine, ones, ones);
    ((qn_strided_slice_attrs *)c->attrs)->shrink_axis_mask = 1;
    assert_infer_fails(c, "expected begin[0] in [-6, 5], found 9");
    operator_case_destroy(c);
    c = strided(DIMS(6), 1, zeros, ones, minus);
    ((qn_strided_slice_attrs *)c->attrs)->shrink_axis_mask = 1;
    assert_infer_fails(c, "above 0 where one index is picked");
    operator_case_destroy(c);
    c = strided(DIMS(6), 2, zeros, ones, ones);
    ((qn_strided_slice_attrs *)c->attrs)->ellipsis_mask = 3;
    assert_infer_fails(c, "at most one ellipsis");
    operator_case_destroy(c);
}

/* The value of a dim over the symbols h and n, in their order of creation. */
static int64_t value_at(operator_case *c, qn_dim dim, int64_t h, int64_t n) {
    qn_dim_program_builder *builder = qn_dim_program_create(&c->arena, c->dims);
    uint32_t index;
    size_t count;
    int64_t values[64], symbols[2] = {h, n};
    assert_non_null(builder);
    assert_null(qn_dim_program_add(builder, dim, &index));
    const qn_dim_instr *code = qn_dim_program_code(builder, &count);
    assert_true(count <= 64);
    assert_null(qn_dim_program_run(code, 0, count, symbols, values));
    return values[index];
}

/* x[:n], x[n:], x[-n:], x[::-1], x[::2], x[n::-2] of h elements. */
static int64_t length_by_counting(int which, int64_t h, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < h; i++) switch (which) {
        case 0: count += i < n; break;
        case 1: count += i >= n; break;
        case 2: count += i >= h - n; break;
        case 3: count++; break;
        case 4: count += i % 2 == 0; break;
        case 5: count += i <= n && ((n < h ? n : h - 1) - i) % 2 == 0; break;
        }
    return count;
}

static void strided_slice_follows_symbols(void **state) {
    (void)state;
    static const int32_t zero[1] = {0}, one[1] = {1}, two[1] = {2}, minus[1] = {-1}, minus_two[1] = {-2};
    static const struct {
        const int32_t *strides;
        int64_t begin_mask, end_mask;
        int from_end; /* begin is -n */
    } rows[] = {{one, 1, 0, 0}, {one, 0, 1, 0}, {one, 0, 1, 1}, {minus, 1, 1, 0}, {two, 1, 1, 0}, {minus_two, 0, 1, 0}};
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        operator_case *c = strided(DIMS(1), 1, zero, zero, rows[i].strides);
        qn_dim h = operator_case_symbol(c, "h", 1, 513), n = operator_case_symbol(c, "n", 1, 600);
        qn_dim bound = rows[i].from_end ? qn_dim_sub(c->dims, qn_dim_const(c->dims, 0), n) : n;
        c->types[0].dims[0] = h;
        c->contents[1] = c->contents[2] = &bound;
        ((qn_strided_slice_attrs *)c->attrs)->begin_mask = rows[i].begin_mask;
        ((qn_strided_slice_attrs *)c->attrs)->end_mask = rows[i].end_mask;
        assert_null(operator_case_infer(c));
        assert_int_equal(c->out_type.rank, 1);
        for (int64_t hv = 1; hv <= 513; hv += hv < 8 ? 1 : 101)
            for (int64_t nv = 1; nv <= 600; nv += nv < 9 ? 1 : 97)
                assert_int_equal(value_at(c, c->out_type.dims[0], hv, nv), length_by_counting(i, hv, nv));
        operator_case_destroy(c);
    }
}

/* A bound of unknown sign counts from the end only where it is negative: x[n - 3:] of h elements. */
static void strided_slice_follows_a_bound_of_either_sign(void **state) {
    (void)state;
    static const int32_t zero[1] = {0}, one[1] = {1};
    operator_case *c = strided(DIMS(1), 1, zero, zero, one);
    qn_dim h = operator_case_symbol(c, "h", 0, 20), n = operator_case_symbol(c, "n", 0, 20);
    qn_dim bound = qn_dim_sub(c->dims, n, qn_dim_const(c->dims, 3));
    c->types[0].dims[0] = h;
    c->contents[1] = &bound;
    ((qn_strided_slice_attrs *)c->attrs)->end_mask = 1;
    assert_null(operator_case_infer(c));
    for (int64_t hv = 0; hv <= 20; hv++)
        for (int64_t nv = 0; nv <= 20; nv++) {
            int64_t begin = nv < 3 ? qn_max_i64(hv + nv - 3, 0) : qn_min_i64(nv - 3, hv);
            assert_int_equal(value_at(c, c->out_type.dims[0], hv, nv), hv - begin);
        }
    operator_case_destroy(c);
}

static operator_case *slice_of(int rank, const int64_t *dims, const int32_t *begin, const int32_t *size) {
    operator_case *c = operator_case_create(&qn_op_slice);
    operator_case_input(c, QN_DTYPE_S32, rank, dims, counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(rank), begin);
    operator_case_input(c, QN_DTYPE_S32, DIMS(rank), size);
    return c;
}

static void slice_takes_a_box(void **state) {
    (void)state;
    static const int32_t begin[3] = {0, 1, 2}, size[3] = {1, -1, 2};
    operator_case *c = slice_of(DIMS(2, 3, 4), begin, size);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(1, 2, 2));
    assert_view_ints(out, (int64_t[]){6, 7, 10, 11});
    operator_case_destroy(c);
}

static void slice_says_which_size_is_out_of_range(void **state) {
    (void)state;
    static const int32_t begin[2] = {0, 0}, size[2] = {1, 514}, beyond[2] = {3, 0}, rest[2] = {-1, -1};
    operator_case *c = slice_of(DIMS(2, 513), begin, size);
    assert_infer_fails(c, "expected size[1] in [0, 513], found 514");
    operator_case_destroy(c);
    c = slice_of(DIMS(2, 3), beyond, rest);
    assert_infer_fails(c, "expected begin[0] in [0, 2], found 3");
    c->contents[1] = NULL; /* found out when it runs */
    assert_null(operator_case_infer(c));
    qn_status *status = operator_case_eval(c);
    assert_string_equal(qn_status_message(status), "expected begin[0] in [0, 2], found 3");
    qn_status_free(status);
    operator_case_destroy(c);
}

/* DeepLab crops its 513 x 513 logits to the size of the picture: so the picture has at most 513 rows. */
static void slice_demands_that_a_symbolic_size_fits(void **state) {
    (void)state;
    static const int32_t zero[1] = {0};
    operator_case *c = slice_of(DIMS(1), zero, zero);
    qn_dim h = operator_case_symbol(c, "h", 1, QN_DIM_UNBOUNDED);
    c->types[0].dims[0] = qn_dim_const(c->dims, 513);
    c->contents[2] = &h;
    assert_null(operator_case_infer(c));
    assert_string_equal(qn_buffer_text(&c->demands), "expected size[0] in [0, 513], found h\n");
    assert_true(qn_dim_same(c->out_type.dims[0], h));
    operator_case_destroy(c);
}

static void a_size_that_only_the_run_knows_shrinks_the_result(void **state) {
    (void)state;
    static const int32_t begin[1] = {2}, size[1] = {3};
    operator_case *c = slice_of(DIMS(9), begin, size);
    c->contents[2] = NULL;
    assert_null(operator_case_infer(c));
    int64_t low, high;
    qn_dim_range(c->dims, c->out_type.dims[0], &low, &high);
    assert_int_equal(low, 0);
    assert_int_equal(high, 7);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(3));
    assert_view_ints(out, (int64_t[]){2, 3, 4});
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strided_slice_answers_as_tensorflow_does),
        cmocka_unit_test(strided_slice_refuses_what_has_no_meaning),
        cmocka_unit_test(strided_slice_follows_symbols),
        cmocka_unit_test(strided_slice_follows_a_bound_of_either_sign),
        cmocka_unit_test(slice_takes_a_box),
        cmocka_unit_test(slice_says_which_size_is_out_of_range),
        cmocka_unit_test(slice_demands_that_a_symbolic_size_fits),
        cmocka_unit_test(a_size_that_only_the_run_knows_shrinks_the_result),
    };
    return cmocka_run_group_tests(tests, count_up, NULL);
}
