/* Values that share memory: none is written over while it is needed, and packed weights fill their panels. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

static void test_overlapping_values_are_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    qn_program_value values[64];
    memcpy(values, program.values, program.value_count * sizeof *values);
    program.values = values;
    uint32_t conv = 0, sum = 0;
    for (uint32_t i = 0; i < program.value_count; i++) {
        if (!strcmp(values[i].name, "conv")) conv = i;
        if (!strcmp(values[i].name, "sum")) sum = i;
    }
    for (uint32_t i = 0; i < program.value_count; i++)
        if (i == sum || values[i].alias == (int32_t)sum) values[i].offset = values[conv].offset;
    file f = write_program(&program);
    expect_refused(f, "overlap in the arena");
    free(f.data);
    maker_destroy(m);
}

static void test_overwriting_what_is_needed_is_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, 8);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    uint32_t a = maker_step(m, &qn_op_relu, NULL, 1, &x, "a", QN_DTYPE_F32, 1, &n);
    uint32_t b = maker_step(m, &qn_op_neg, NULL, 1, &a, "b", QN_DTYPE_F32, 1, &n);
    maker_alias(m, b, a);
    maker_output(m, maker_step(m, &qn_op_add, NULL, 2, (uint32_t[]){a, b}, "c", QN_DTYPE_F32, 1, &n));
    file f = write_program(maker_finish(m, 1));
    expect_refused(f, "writes 'b' over 'a'");
    free(f.data);
    maker_destroy(m);
}

static void test_writing_into_an_input_or_constant_is_refused(void **state) {
    (void)state;
    for (int constant = 0; constant < 2; constant++) {
        maker *m = maker_create();
        qn_dim n = maker_const(m, 8);
        float data[8] = {0};
        uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n),
                 c = maker_constant(m, "c", QN_DTYPE_F32, 1, (int64_t[]){8}, data, 0);
        uint32_t a = maker_step(m, &qn_op_neg, NULL, 1, constant ? &c : &x, "a", QN_DTYPE_F32, 1, &n);
        maker_alias(m, a, constant ? c : x);
        maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &a, "y", QN_DTYPE_F32, 1, &n));
        file f = write_program(maker_finish(m, 1));
        expect_refused(f, "not its to write");
        free(f.data);
        maker_destroy(m);
    }
}

static void test_packed_weights_need_their_whole_panels(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    qn_program_value values[64];
    memcpy(values, program.values, program.value_count * sizeof *values);
    program.values = values;
    for (uint32_t i = 0; i < program.value_count; i++)
        if (!strcmp(values[i].name, "weights")) values[i].bytes = 9 * 3 * 20 * sizeof(float);
    file f = write_program(&program);
    expect_refused(f, "packed");
    free(f.data);
    maker_destroy(m);
}

/* Groups are filled up too: 30 products take 32 bytes of each of 16 outputs in fours, 30 in pairs, 5 rows take 8. */
static void test_packed_bytes_need_their_whole_groups(void **state) {
    static const struct {
        qn_dtype dtype;
        int groups;
        uint64_t need;
    } rows[] = {{QN_DTYPE_U8, 1, 32 * 16}, {QN_DTYPE_U8, 6, 8 * 16}, {QN_DTYPE_S16, 1, 30 * 16}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (uint64_t missing = 0; missing <= 1; missing++) {
            maker *m = maker_create();
            qn_program program = *program_bytes(m, rows[r].dtype, rows[r].groups);
            qn_program_value values[64];
            memcpy(values, program.values, program.value_count * sizeof *values);
            program.values = values;
            for (uint32_t i = 0; i < program.value_count; i++)
                if (!strcmp(values[i].name, "weights")) values[i].bytes = rows[r].need - missing;
            file f = write_program(&program);
            if (missing)
                expect_refused(f, "packed");
            else
                assert_int_equal(try_read(f), QN_OK);
            free(f.data);
            maker_destroy(m);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlapping_values_are_refused),
        cmocka_unit_test(test_overwriting_what_is_needed_is_refused),
        cmocka_unit_test(test_writing_into_an_input_or_constant_is_refused),
        cmocka_unit_test(test_packed_weights_need_their_whole_panels),
        cmocka_unit_test(test_packed_bytes_need_their_whole_groups),
    };
    return cmocka_run_group_tests_name("model/verify_memory", tests, NULL, NULL);
}
