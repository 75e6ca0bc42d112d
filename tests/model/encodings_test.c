/* What integers stand for: read where it lies, and refused where it cannot be. */
#include "files.h"

#include <stdlib.h>

static void test_encodings_are_read_in_place(void **state) {
    (void)state;
    file f = write_made(program_integers, 1);
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    assert_ok(qn_program_read((qn_bytes){f.data, f.size}, &arena, &program));
    assert_int_equal(program->encoding_count, 2);
    const qn_program_encoding *bytes = &program->encodings[0], *words = &program->encodings[1];
    assert_string_equal(program->values[bytes->value].name, "x/u8");
    assert_string_equal(program->values[words->value].name, "x/s16");
    assert_string_equal(bytes->of, "x");
    assert_int_equal(bytes->channels, 3);
    assert_int_equal(words->channels, 1);
    assert_ptr_equal(bytes->scale, section(f, QN_SECTION_SCALES));
    assert_ptr_equal(words->zero_point, section(f, QN_SECTION_ZERO_POINTS) + 3);
    assert_true(bytes->scale[1] == 0.25f && bytes->zero_point[1] == 128 && words->scale[0] == 0.125f);
    qn_arena_deinit(&arena);
    free(f.data);
}

/* `at`: of a u32 in the section, or of a byte among the zero points. */
static const struct {
    qn_section section;
    size_t at;
    uint32_t value;
    const char *text;
} encoding_forgeries[] = {
    {QN_SECTION_ENCODINGS, 0, 4000, "encoding 0 is of value 4000 of "},
    {QN_SECTION_ENCODINGS, 0, 0, "what value 0 'x' stands for: its type is f32; expected u8 or s16"},
    {QN_SECTION_ENCODINGS, 12, 0, "does not come after value"},
    {QN_SECTION_ENCODINGS, 4, 1 << 20, "outside the text section"},
    {QN_SECTION_ENCODINGS, 4, 0, "has no name"},
    {QN_SECTION_ENCODINGS, 8, 5, "5 channels, but there are 4 scales left"},
    {QN_SECTION_ENCODINGS, 8, UINT32_MAX, "but there are 4 scales left"},
    {QN_SECTION_ENCODINGS, 8, 2, "3 channels in encodings, but 4 scales and 4 zero points"},
    {QN_SECTION_ENCODINGS, 20, 0, "3 channels in encodings, but 4 scales"},
    {QN_SECTION_SCALES, 4, 0x00000000, "what value 4 'x/u8' stands for: scale 1 is 0; expected a positive normal"},
    {QN_SECTION_SCALES, 4, 0xbf800000, "scale 1 is -1"},
    {QN_SECTION_SCALES, 4, 0x7f800000, "scale 1 is inf"},
    {QN_SECTION_SCALES, 4, 0x7fc00000, "scale 1 is nan"},
    {QN_SECTION_SCALES, 4, 0x00000001, "scale 1 is 1.4013e-45"},
    {QN_SECTION_ZERO_POINTS, 3, 1, "zero point 0 is 1; expected 0 for s16"},
};

static void test_forged_encodings_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof encoding_forgeries / sizeof *encoding_forgeries; i++) {
        file f = write_made(program_integers, 1);
        uint8_t *at = section(f, encoding_forgeries[i].section) + encoding_forgeries[i].at;
        if (encoding_forgeries[i].section == QN_SECTION_ZERO_POINTS)
            *at = (uint8_t)encoding_forgeries[i].value;
        else
            qn_store_u32(at, encoding_forgeries[i].value);
        sign(f);
        expect_refused(f, encoding_forgeries[i].text);
        free(f.data);
    }
}

static void expect_encoding_refused(uint32_t value, uint32_t channels, const char *text) {
    static const float scale[4] = {1, 1, 1, 1};
    static const uint8_t zero_point[4] = {0};
    maker *m = maker_create();
    qn_program program = *program_integers(m, 1);
    const qn_program_encoding encoding = {value, "x", channels, scale, zero_point};
    program.encodings = &encoding;
    program.encoding_count = 1;
    file f = write_program(&program);
    expect_refused(f, text);
    free(f.data);
    maker_destroy(m);
}

static void test_encodings_fit_their_values(void **state) {
    (void)state;
    maker *m = maker_create();
    const qn_program *program = program_integers(m, 1);
    uint32_t bytes = program->encodings[0].value;
    maker_destroy(m);
    expect_encoding_refused(bytes, 2, "2 scales; expected one, or one for each element of the last axis");
    expect_encoding_refused(bytes, 4, "4 scales; expected one");
    expect_encoding_refused(bytes, 0, "0 scales; expected one");
    expect_encoding_refused(bytes - 1, 1, "its type is s32");
}

/* A constant is known, and stands for itself. */
static void test_constants_have_no_encoding(void **state) {
    static const float scale = 1;
    static const uint8_t zero = 0, bytes[3] = {1, 2, 3};
    (void)state;
    maker *m = maker_create();
    qn_dim n = maker_const(m, 3);
    uint32_t k = maker_constant(m, "k", QN_DTYPE_U8, 1, (int64_t[]){3}, bytes, 0),
             x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &n));
    maker_encoding(m, k, "k", 1, &scale, &zero);
    file f = write_program(maker_finish(m, 1));
    expect_refused(f, "what value 0 'k' stands for: it is no value that a step computes from data");
    free(f.data);
    maker_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings_are_read_in_place),
        cmocka_unit_test(test_forged_encodings_are_refused_with_a_reason),
        cmocka_unit_test(test_encodings_fit_their_values),
        cmocka_unit_test(test_constants_have_no_encoding),
    };
    return cmocka_run_group_tests_name("model/encodings", tests, NULL, NULL);
}
