#include "expect.h"
#include "graphdef_builder.h"
#include "import/wire.h"

#include <inttypes.h>

static qn_wire open_text(const char *data, size_t size) {
    return qn_wire_open((qn_bytes){(const uint8_t *)data, size});
}
#define OPEN(literal) open_text(literal, sizeof(literal) - 1)

static void every_wire_type_is_read_with_its_offset(void **state) {
    (void)state;
    qn_wire wire = OPEN("\x08\x96\x01"
                        "\x12\x03"
                        "abc"
                        "\x1d\x00\x00\x80\x3f"
                        "\x21\x08\x07\x06\x05\x04\x03\x02\x01");
    qn_wire_field field;
    int64_t number;
    float real;
    qn_bytes bytes;
    assert_null(qn_wire_next(&wire, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.offset, 0);
    assert_null(qn_wire_read_int(&field, &number));
    assert_int_equal(number, 150);
    assert_null(qn_wire_next(&wire, &field));
    assert_int_equal(field.offset, 3);
    assert_null(qn_wire_read_bytes(&field, &bytes));
    assert_int_equal(bytes.size, 3);
    assert_memory_equal(bytes.data, "abc", 3);
    assert_null(qn_wire_next(&wire, &field));
    assert_null(qn_wire_read_float(&field, &real));
    assert_true(real == 1.0f);
    assert_null(qn_wire_next(&wire, &field));
    assert_int_equal(field.number, 4);
    assert_true(field.value == 0x0102030405060708u);
    assert_false(qn_wire_has_more(&wire));
}

static void a_negative_number_takes_ten_bytes(void **state) {
    (void)state;
    qn_wire wire = OPEN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    qn_wire_field field;
    int64_t number;
    assert_null(qn_wire_next(&wire, &field));
    assert_null(qn_wire_read_int(&field, &number));
    assert_true(number == -1);
}

static void broken_fields_are_named_by_their_offset(void **state) {
    (void)state;
    qn_wire_field field;
    qn_wire wire = OPEN("\x08\x01\x08\xff");
    assert_null(qn_wire_next(&wire, &field));
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "byte 3");
    wire = OPEN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "longer than 64 bits");
    wire = OPEN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "longer than 64 bits");
    wire = OPEN("\x0a\x05xyz");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "5 bytes where 3 are left");
    wire = OPEN("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "18446744073709551615 bytes where 0 are left");
    wire = OPEN("\x0d\x01\x02");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "4 bytes expected, 2 left");
    wire = OPEN("\x00\x01");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "number 0");
    wire = OPEN("\x0b\x0c");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "wire type 3");
    wire = OPEN("\x80\x80\x80\x80\x80\x01\x00");
    expect_failure(qn_wire_next(&wire, &field), QN_INVALID_MODEL, "no field has number");
}

static void a_field_of_another_type_is_refused(void **state) {
    (void)state;
    qn_wire wire = OPEN("\x08\x01"), inner;
    qn_wire_field field;
    qn_bytes bytes;
    float real;
    assert_null(qn_wire_next(&wire, &field));
    expect_failure(qn_wire_enter(&wire, &field, &inner), QN_INVALID_MODEL, "stored as varint");
    expect_failure(qn_wire_read_bytes(&field, &bytes), QN_INVALID_MODEL, "length and bytes");
    expect_failure(qn_wire_read_float(&field, &real), QN_INVALID_MODEL, "4 bytes");
}

static void nesting_is_bounded(void **state) {
    (void)state;
    uint8_t data[2 * QN_WIRE_DEPTH_MAX + 2];
    for (int i = 0; i <= QN_WIRE_DEPTH_MAX; i++) {
        data[2 * i] = 0x0a;
        data[2 * i + 1] = (uint8_t)(2 * (QN_WIRE_DEPTH_MAX - i));
    }
    qn_wire wire = qn_wire_open((qn_bytes){data, sizeof data});
    qn_wire_field field;
    for (int i = 0; i < QN_WIRE_DEPTH_MAX; i++) {
        assert_null(qn_wire_next(&wire, &field));
        assert_null(qn_wire_enter(&wire, &field, &wire));
        assert_int_equal(qn_wire_offset(&wire), 2 * i + 2);
    }
    assert_null(qn_wire_next(&wire, &field));
    expect_failure(qn_wire_enter(&wire, &field, &wire), QN_LIMIT, "nested deeper");
}

static void repeated_numbers_are_read_packed_and_single(void **state) {
    (void)state;
    qn_wire wire = OPEN("\x0a\x04\x01\x02\xac\x02"
                        "\x08\x05"
                        "\x12\x08\x00\x00\x80\x3f\x00\x00\x00\x40"
                        "\x0a\x00");
    const uint64_t want[] = {1, 2, 300, 5, 0x3f800000, 0x40000000};
    size_t at = 0;
    while (qn_wire_has_more(&wire)) {
        qn_wire_field field;
        qn_wire_numbers numbers;
        uint64_t bits;
        assert_null(qn_wire_next(&wire, &field));
        assert_null(
            qn_wire_open_numbers(&wire, &field, field.number == 1 ? QN_WIRE_VARINT : QN_WIRE_FIXED32, &numbers));
        while (qn_wire_numbers_has_more(&numbers)) {
            assert_null(qn_wire_numbers_next(&numbers, &bits));
            assert_true(at < sizeof want / sizeof *want);
            assert_true(bits == want[at++]);
        }
    }
    assert_int_equal(at, sizeof want / sizeof *want);
}

static void packed_numbers_that_end_early_are_refused(void **state) {
    (void)state;
    qn_wire wire = OPEN("\x0a\x03\x01\x02\x03");
    qn_wire_field field;
    qn_wire_numbers numbers;
    uint64_t bits;
    assert_null(qn_wire_next(&wire, &field));
    assert_null(qn_wire_open_numbers(&wire, &field, QN_WIRE_FIXED32, &numbers));
    expect_failure(qn_wire_numbers_next(&numbers, &bits), QN_INVALID_MODEL, "4 bytes expected, 3 left");
    wire = OPEN("\x08\x03");
    assert_null(qn_wire_next(&wire, &field));
    expect_failure(qn_wire_open_numbers(&wire, &field, QN_WIRE_FIXED32, &numbers), QN_INVALID_MODEL,
                   "stored as varint");
}

static void no_bytes_are_an_empty_message(void **state) {
    (void)state;
    qn_wire wire = qn_wire_open((qn_bytes){NULL, 0});
    assert_false(qn_wire_has_more(&wire));
    assert_int_equal(qn_wire_offset(&wire), 0);
}

static void random_bytes_are_read_to_an_end_or_a_failure(void **state) {
    (void)state;
    const uint64_t seed = 20240611;
    print_message("seed %" PRIu64 "\n", seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 20000; round++) {
        uint8_t data[24];
        size_t size = (size_t)qn_rng_range(&rng, 0, sizeof data);
        for (size_t i = 0; i < size; i++) data[i] = (uint8_t)qn_rng_range(&rng, 0, 255);
        qn_wire wire = qn_wire_open((qn_bytes){data, size});
        qn_status *status = NULL;
        while (!status && qn_wire_has_more(&wire)) {
            qn_wire_field field;
            const uint8_t *before = wire.next;
            status = qn_wire_next(&wire, &field);
            assert_true(wire.next > before && wire.next <= data + size);
        }
        qn_status_free(status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wire_type_is_read_with_its_offset),
        cmocka_unit_test(a_negative_number_takes_ten_bytes),
        cmocka_unit_test(broken_fields_are_named_by_their_offset),
        cmocka_unit_test(a_field_of_another_type_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(repeated_numbers_are_read_packed_and_single),
        cmocka_unit_test(packed_numbers_that_end_early_are_refused),
        cmocka_unit_test(no_bytes_are_an_empty_message),
        cmocka_unit_test(random_bytes_are_read_to_an_end_or_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
