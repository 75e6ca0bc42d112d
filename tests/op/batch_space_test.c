/* space_to_batch, batch_to_space and the depth operators against TensorFlow's answers. */
#include "operator_case.h"

static operator_case *create(const qn_op_def *op, int rank, const int64_t *dims, const int32_t *x,
                             const int32_t block[2], const int32_t edges[4]) {
    operator_case *c = operator_case_create(op);
    operator_case_input(c, QN_DTYPE_S32, rank, dims, x);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), block);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 2), edges);
    return c;
}

static void space_to_batch_pads_and_deals_out(void **state) {
    (void)state;
    const int32_t x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    operator_case *c = create(&qn_op_space_to_batch, DIMS(1, 2, 5, 1), x, (int32_t[]){2, 3}, (int32_t[]){1, 1, 0, 1});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(6, 2, 2, 1));
    assert_view_ints(out, (int64_t[]){0, 0, 6, 9, 0, 0, 7, 10, 0, 0, 8, 0, 1, 4, 0, 0, 2, 5, 0, 0, 3, 0, 0, 0});
    operator_case_destroy(c);
}

static void batch_to_space_puts_together_and_crops(void **state) {
    (void)state;
    int32_t x[12];
    for (int i = 0; i < 12; i++) x[i] = i;
    operator_case *c = create(&qn_op_batch_to_space, DIMS(6, 1, 2, 1), x, (int32_t[]){2, 3}, (int32_t[]){0, 1, 1, 2});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(1, 1, 3, 1));
    assert_view_ints(out, (int64_t[]){2, 4, 1});
    operator_case_destroy(c);
}

static void one_spatial_axis_is_enough(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_space_to_batch);
    operator_case_input(c, QN_DTYPE_U8, DIMS(2, 4), (uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8});
    operator_case_input(c, QN_DTYPE_S64, DIMS(1), (int64_t[]){2});
    operator_case_input(c, QN_DTYPE_S64, DIMS(1, 2), (int64_t[]){0, 0});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_U8, DIMS(4, 2));
    assert_view_ints(out, (int64_t[]){1, 3, 5, 7, 2, 4, 6, 8});
    operator_case_destroy(c);
}

static void symbolic_paddings_round_a_height_up_and_crops_bring_it_back(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_space_to_batch, DIMS(1, 9, 8, 3), NULL, (int32_t[]){2, 2}, NULL);
    qn_dim h = operator_case_symbol(c, "h", 1, 65), two = qn_dim_const(c->dims, 2), zero = qn_dim_const(c->dims, 0);
    qn_dim half = qn_dim_ceil_div(c->dims, h, two), extra = qn_dim_sub(c->dims, qn_dim_mul(c->dims, half, two), h);
    qn_dim edges[4] = {zero, extra, zero, zero};
    c->types[0].dims[1] = h;
    c->contents[2] = edges;
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "4");
    assert_true(qn_dim_same(c->out_type.dims[1], half));
    qn_type batched = c->out_type;

    c->op = &qn_op_batch_to_space;
    c->types[0] = batched;
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "1");
    assert_dim_text(c, c->out_type.dims[1], "h");
    assert_dim_text(c, c->out_type.dims[2], "8");
    operator_case_destroy(c);
}

static void dims_that_blocks_do_not_divide_are_refused(void **state) {
    (void)state;
    operator_case *c =
        create(&qn_op_space_to_batch, DIMS(1, 3, 4, 1), NULL, (int32_t[]){2, 2}, (int32_t[]){0, 0, 0, 0});
    assert_infer_fails(c, "a padded dim of x is 3, which 2 does not divide");
    operator_case_destroy(c);
    c = create(&qn_op_batch_to_space, DIMS(6, 3, 4, 1), NULL, (int32_t[]){2, 2}, (int32_t[]){0, 0, 0, 0});
    assert_infer_fails(c, "the batch of x is 6, which 4 does not divide");
    operator_case_destroy(c);
}

static void hostile_blocks_and_edges_are_refused(void **state) {
    (void)state;
    operator_case *c =
        create(&qn_op_batch_to_space, DIMS(4, 3, 4, 1), NULL, (int32_t[]){2, 0}, (int32_t[]){0, 0, 0, 0});
    assert_infer_fails(c, "block[1] is 0; expected at least 1");
    operator_case_destroy(c);
    c = create(&qn_op_batch_to_space, DIMS(4, 3, 4, 1), NULL, (int32_t[]){2, 2}, (int32_t[]){4, 3, 0, 0});
    assert_infer_fails(c, "crops take 7 of 6 positions of axis 1");
    operator_case_destroy(c);
    c = create(&qn_op_space_to_batch, DIMS(4, 3, 4, 1), NULL, (int32_t[]){2, 2}, (int32_t[]){-1, 0, 0, 0});
    assert_infer_fails(c, "paddings[0, 0] is -1; expected at least 0");
    operator_case_destroy(c);
    c = create(&qn_op_space_to_batch, DIMS(4, 3), NULL, (int32_t[]){2, 2}, (int32_t[]){0, 0, 0, 0});
    assert_infer_fails(c, "block has 2 elements; expected 1 to 1");
    operator_case_destroy(c);
    c = create(&qn_op_space_to_batch, DIMS(1, 1, 1), NULL, (int32_t[]){65536, 65536}, (int32_t[]){65535, 0, 0, 65535});
    assert_infer_fails(c, "the product of block is above");
    operator_case_destroy(c);
}

static void expect_depth(const qn_op_def *op, int rank, const int64_t *dims, const int64_t out_dims[4]) {
    uint8_t x[16];
    for (int i = 0; i < 16; i++) x[i] = (uint8_t)i;
    operator_case *c = operator_case_create(op);
    ((qn_block_attrs *)c->attrs)->block = 2;
    operator_case_input(c, QN_DTYPE_U8, rank, dims, x);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_U8, 4, out_dims);
    assert_view_ints(out, (int64_t[]){0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15});
    operator_case_destroy(c);
}

static void channels_become_blocks_of_pixels_and_back(void **state) {
    (void)state;
    expect_depth(&qn_op_depth_to_space, DIMS(1, 1, 2, 8), (int64_t[]){1, 2, 4, 2});
    expect_depth(&qn_op_space_to_depth, DIMS(1, 2, 4, 2), (int64_t[]){1, 1, 2, 8});
}

static void depth_operators_name_what_does_not_divide(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_depth_to_space);
    ((qn_block_attrs *)c->attrs)->block = 2;
    operator_case_input(c, QN_DTYPE_U8, DIMS(1, 3, 4, 6), NULL);
    assert_infer_fails(c, "the number of channels is 6, which 4 does not divide");
    c->op = &qn_op_space_to_depth;
    assert_infer_fails(c, "the number of rows is 3, which 2 does not divide");
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_to_batch_pads_and_deals_out),
        cmocka_unit_test(batch_to_space_puts_together_and_crops),
        cmocka_unit_test(one_spatial_axis_is_enough),
        cmocka_unit_test(symbolic_paddings_round_a_height_up_and_crops_bring_it_back),
        cmocka_unit_test(dims_that_blocks_do_not_divide_are_refused),
        cmocka_unit_test(hostile_blocks_and_edges_are_refused),
        cmocka_unit_test(channels_become_blocks_of_pixels_and_back),
        cmocka_unit_test(depth_operators_name_what_does_not_divide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
