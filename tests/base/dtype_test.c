/* Element types and their conversions, against formulas of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "base/text.h"

enum { HALF_INFINITY = 0x7C00, BFLOAT_INFINITY = 0x7F80 };

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The definition: sign, exponent and fraction of a format, as a number. Infinity counts as the power of two after the
   largest number, which is what rounding compares with. */
static double decode(uint32_t bits, int fraction_bits, int bias, int infinity) {
    int exponent = (int)(bits >> fraction_bits), fraction = (int)(bits & ((1u << fraction_bits) - 1));
    if (bits == (uint32_t)infinity) return ldexp(1.0, (infinity >> fraction_bits) - bias);
    if (exponent == 0) return ldexp(fraction, 1 - bias - fraction_bits);
    return ldexp(1.0 + ldexp(fraction, -fraction_bits), exponent - bias);
}
static double half_value(uint32_t bits) { return decode(bits, 10, 15, HALF_INFINITY); }
static double bfloat_value(uint32_t bits) { return decode(bits, 7, 127, BFLOAT_INFINITY); }

/* The nearest non-negative number of the format, by search; of two equally near ones the even. */
static uint32_t nearest(double magnitude, double (*value_of)(uint32_t), uint32_t infinity) {
    uint32_t low = 0, high = infinity;
    if (magnitude >= value_of(infinity)) return infinity;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (value_of(middle) <= magnitude)
            low = middle;
        else
            high = middle;
    }
    double below = magnitude - value_of(low), above = value_of(high) - magnitude;
    if (below != above) return below < above ? low : high;
    return low % 2 ? high : low;
}

static void check_rounding(float value) {
    uint32_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value)) {
        uint16_t half = qn_float_to_half(value), bfloat = qn_float_to_bfloat(value);
        assert_true((half & 0x7E00) == 0x7E00 && (half & 0x8000) == sign);
        assert_true((bfloat & 0x7FC0) == 0x7FC0 && (bfloat & 0x8000) == sign);
        return;
    }
    uint32_t half = sign | nearest(fabs((double)value), half_value, HALF_INFINITY);
    uint32_t bfloat = sign | nearest(fabs((double)value), bfloat_value, BFLOAT_INFINITY);
    if (qn_float_to_half(value) != half)
        fail_msg("%a becomes half 0x%04x, expected 0x%04x", (double)value, qn_float_to_half(value), half);
    if (qn_float_to_bfloat(value) != bfloat)
        fail_msg("%a becomes bfloat 0x%04x, expected 0x%04x", (double)value, qn_float_to_bfloat(value), bfloat);
}

static void test_every_half_has_its_value_and_comes_back(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits <= 0xFFFF; bits++) {
        float value = qn_half_to_float((uint16_t)bits);
        uint32_t magnitude = bits & 0x7FFF;
        assert_int_equal(signbit(value) != 0, bits >> 15);
        if (magnitude > HALF_INFINITY) {
            assert_true(isnan(value));
            assert_true(bits_of(value) & 0x400000); /* quiet */
            assert_int_equal(qn_float_to_half(value), bits | 0x200);
            continue;
        }
        if (magnitude == HALF_INFINITY)
            assert_true(isinf(value));
        else
            assert_true(fabs((double)value) == half_value(magnitude));
        assert_int_equal(qn_float_to_half(value), bits);
    }
}

static void test_every_bfloat_has_its_value_and_comes_back(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits <= 0xFFFF; bits++) {
        float value = qn_bfloat_to_float((uint16_t)bits);
        uint32_t magnitude = bits & 0x7FFF;
        assert_int_equal(bits_of(value), bits << 16);
        if (magnitude > BFLOAT_INFINITY)
            assert_int_equal(qn_float_to_bfloat(value), bits | 0x40);
        else
            assert_int_equal(qn_float_to_bfloat(value), bits);
        if (magnitude < BFLOAT_INFINITY) assert_true(fabs((double)value) == bfloat_value(magnitude));
    }
}

/* Halfway between each two neighbours, and the floats on both sides of that. */
static void check_ties(double (*value_of)(uint32_t), uint32_t infinity) {
    for (uint32_t bits = 0; bits < infinity; bits++) {
        double tie = (value_of(bits) + value_of(bits + 1)) / 2;
        float middle = (float)tie;
        check_rounding(middle);
        check_rounding(-middle);
        check_rounding(nextafterf(middle, 0));
        check_rounding(nextafterf(middle, INFINITY));
        check_rounding(-nextafterf(middle, INFINITY));
        check_rounding(nextafterf((float)value_of(bits), INFINITY));
    }
}

static void test_floats_round_to_the_nearest_half_and_bfloat(void **state) {
    (void)state;
    check_ties(half_value, HALF_INFINITY);
    check_ties(bfloat_value, BFLOAT_INFINITY);
    uint64_t seed = 90125;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int i = 0; i < 200000; i++) check_rounding(float_of((uint32_t)qn_rng_next(&rng)));
    const uint32_t corners[] = {0,          0x80000000, 1,          0x80000001, 0x7F7FFFFF, 0xFF7FFFFF,
                                0x7F800000, 0xFF800000, 0x7F800001, 0xFFFFFFFF, 0x7FC00000};
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) check_rounding(float_of(corners[i]));
}

static void test_doubles_round_once_when_written_as_half_and_bfloat(void **state) {
    (void)state;
    uint16_t word;
    qn_view half = {QN_DTYPE_F16, 1, {1}, &word}, bfloat = {QN_DTYPE_BF16, 1, {1}, &word};
    for (uint32_t bits = 0; bits < HALF_INFINITY; bits++) { /* so near a tie that float cannot tell */
        double tie = (half_value(bits) + half_value(bits + 1)) / 2;
        const double near[] = {nextafter(tie, 0), tie, nextafter(tie, INFINITY), -nextafter(tie, INFINITY)};
        for (int i = 0; i < 4; i++) {
            qn_view_set(&half, 0, near[i]);
            assert_int_equal(word, nearest(fabs(near[i]), half_value, HALF_INFINITY) | (near[i] < 0 ? 0x8000 : 0));
        }
    }
    for (uint32_t bits = 0; bits < BFLOAT_INFINITY; bits++) {
        double tie = (bfloat_value(bits) + bfloat_value(bits + 1)) / 2;
        const double near[] = {nextafter(tie, 0), tie, nextafter(tie, INFINITY), -nextafter(tie, INFINITY)};
        for (int i = 0; i < 4; i++) {
            qn_view_set(&bfloat, 0, near[i]);
            assert_int_equal(word, nearest(fabs(near[i]), bfloat_value, BFLOAT_INFINITY) | (near[i] < 0 ? 0x8000 : 0));
        }
    }
    const double corners[] = {0.0, -0.0, 1e300, -1e300, 1e-300, INFINITY, -INFINITY};
    const uint16_t halves[] = {0, 0x8000, 0x7C00, 0xFC00, 0, 0x7C00, 0xFC00},
                   bfloats[] = {0, 0x8000, 0x7F80, 0xFF80, 0, 0x7F80, 0xFF80};
    for (int i = 0; i < 7; i++) {
        qn_view_set(&half, 0, corners[i]);
        assert_int_equal(word, halves[i]);
        qn_view_set(&bfloat, 0, corners[i]);
        assert_int_equal(word, bfloats[i]);
    }
    qn_view_set(&half, 0, (double)NAN);
    assert_true((word & 0x7FFF) > HALF_INFINITY);
    qn_view_set(&bfloat, 0, (double)NAN);
    assert_true((word & 0x7FFF) > BFLOAT_INFINITY);
}

static void test_names_and_sizes_of_element_types(void **state) {
    (void)state;
    static const struct {
        qn_dtype dtype;
        const char *name;
        size_t size;
        int is_float, is_integer, is_signed;
    } rows[] = {
        {QN_DTYPE_F32, "f32", 4, 1, 0, 1},   {QN_DTYPE_F64, "f64", 8, 1, 0, 1},      {QN_DTYPE_F16, "f16", 2, 1, 0, 1},
        {QN_DTYPE_BF16, "bf16", 2, 1, 0, 1}, {QN_DTYPE_S8, "s8", 1, 0, 1, 1},        {QN_DTYPE_U8, "u8", 1, 0, 1, 0},
        {QN_DTYPE_S16, "s16", 2, 0, 1, 1},   {QN_DTYPE_U16, "u16", 2, 0, 1, 0},      {QN_DTYPE_S32, "s32", 4, 0, 1, 1},
        {QN_DTYPE_U32, "u32", 4, 0, 1, 0},   {QN_DTYPE_S64, "s64", 8, 0, 1, 1},      {QN_DTYPE_U64, "u64", 8, 0, 1, 0},
        {QN_DTYPE_BOOL, "bool", 1, 0, 0, 0}, {QN_DTYPE_STRING, "string", 0, 0, 0, 0}};
    assert_int_equal(sizeof rows / sizeof *rows, QN_DTYPE_COUNT - 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(qn_dtype_name(rows[i].dtype), rows[i].name);
        assert_int_equal(qn_dtype_from_name(rows[i].name), rows[i].dtype);
        assert_int_equal(qn_dtype_size(rows[i].dtype), rows[i].size);
        assert_int_equal(qn_dtype_is_float(rows[i].dtype), rows[i].is_float);
        assert_int_equal(qn_dtype_is_integer(rows[i].dtype), rows[i].is_integer);
        assert_int_equal(qn_dtype_is_signed(rows[i].dtype), rows[i].is_signed);
    }
    assert_int_equal(qn_dtype_from_name("float"), QN_DTYPE_NONE);
    assert_int_equal(qn_dtype_from_name(""), QN_DTYPE_NONE);
    const qn_dtype wrong[] = {QN_DTYPE_NONE, QN_DTYPE_COUNT, (qn_dtype)-1, (qn_dtype)1000};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(qn_dtype_size(wrong[i]), 0);
        assert_false(qn_dtype_is_float(wrong[i]) || qn_dtype_is_integer(wrong[i]) || qn_dtype_is_signed(wrong[i]));
        assert_non_null(qn_dtype_name(wrong[i]));
    }
}

static void test_views_count_elements_bytes_and_strides(void **state) {
    (void)state;
    qn_view view = {QN_DTYPE_S16, 3, {2, 3, 5}, NULL}, scalar = {QN_DTYPE_F64, 0, {0}, NULL};
    int64_t strides[QN_MAX_RANK];
    assert_int_equal(qn_view_elems(&view), 30);
    assert_int_equal(qn_view_bytes(&view), 60);
    qn_view_strides(&view, strides);
    assert_int_equal(strides[0], 15);
    assert_int_equal(strides[1], 5);
    assert_int_equal(strides[2], 1);
    assert_int_equal(qn_view_elems(&scalar), 1);
    assert_int_equal(qn_view_bytes(&scalar), 8);
    view.dims[1] = 0;
    assert_int_equal(qn_view_elems(&view), 0);
}

static void test_elements_of_every_type_are_written_and_read_back(void **state) {
    (void)state;
    static const struct {
        qn_dtype dtype;
        int64_t low, high;
    } rows[] = {{QN_DTYPE_S8, INT8_MIN, INT8_MAX},
                {QN_DTYPE_U8, 0, UINT8_MAX},
                {QN_DTYPE_S16, INT16_MIN, INT16_MAX},
                {QN_DTYPE_U16, 0, UINT16_MAX},
                {QN_DTYPE_S32, INT32_MIN, INT32_MAX},
                {QN_DTYPE_U32, 0, UINT32_MAX},
                {QN_DTYPE_S64, INT64_MIN, INT64_MAX},
                {QN_DTYPE_U64, 0, INT64_MAX},
                {QN_DTYPE_F32, -(1 << 24), 1 << 24},
                {QN_DTYPE_F64, -(1ll << 53), 1ll << 53},
                {QN_DTYPE_F16, -2048, 2048},
                {QN_DTYPE_BF16, -256, 256},
                {QN_DTYPE_BOOL, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t words[3];
        const int64_t values[] = {rows[i].low, rows[i].high, 1};
        qn_view view = {rows[i].dtype, 1, {3}, words};
        memset(words, 0xA5, sizeof words);
        for (int e = 0; e < 3; e++) qn_view_set_int(&view, e, values[e]);
        for (int e = 0; e < 3; e++) {
            assert_int_equal(qn_view_get_int(&view, e), values[e]);
            assert_true(qn_view_get(&view, e) == (double)values[e]);
        }
        size_t used = 3 * qn_dtype_size(rows[i].dtype);
        for (size_t b = used; b < sizeof words; b++) assert_int_equal(((uint8_t *)words)[b], 0xA5);
    }
}

static void test_integers_wrap_and_floats_truncate_when_converted(void **state) {
    (void)state;
    uint64_t word = 0;
    qn_view u8 = {QN_DTYPE_U8, 0, {0}, &word}, s8 = {QN_DTYPE_S8, 0, {0}, &word}, f64 = {QN_DTYPE_F64, 0, {0}, &word};
    qn_view u64 = {QN_DTYPE_U64, 0, {0}, &word}, boolean = {QN_DTYPE_BOOL, 0, {0}, &word};
    qn_view_set_int(&u8, 0, 300);
    assert_int_equal(qn_view_get_int(&u8, 0), 44);
    qn_view_set(&s8, 0, 200.9);
    assert_int_equal(qn_view_get_int(&s8, 0), -56);
    qn_view_set(&f64, 0, -2.9);
    assert_int_equal(qn_view_get_int(&f64, 0), -2);
    const double outside[] = {
        1e30, -1e30, (double)INFINITY, -(double)INFINITY, (double)NAN, 9223372036854775808.0, -9223372036854775808.0};
    const int64_t becomes[] = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 7; i++) {
        qn_view_set(&f64, 0, outside[i]);
        assert_int_equal(qn_view_get_int(&f64, 0), becomes[i]);
    }
    word = UINT64_MAX;
    assert_true(qn_view_get(&u64, 0) == 18446744073709551616.0);
    assert_int_equal(qn_view_get_int(&u64, 0), -1);
    qn_view_set(&boolean, 0, 0.25);
    assert_int_equal(qn_view_get_int(&boolean, 0), 1);
    qn_view_set_int(&boolean, 0, 256);
    assert_int_equal(qn_view_get_int(&boolean, 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_has_its_value_and_comes_back),
        cmocka_unit_test(test_every_bfloat_has_its_value_and_comes_back),
        cmocka_unit_test(test_floats_round_to_the_nearest_half_and_bfloat),
        cmocka_unit_test(test_doubles_round_once_when_written_as_half_and_bfloat),
        cmocka_unit_test(test_names_and_sizes_of_element_types),
        cmocka_unit_test(test_views_count_elements_bytes_and_strides),
        cmocka_unit_test(test_elements_of_every_type_are_written_and_read_back),
        cmocka_unit_test(test_integers_wrap_and_floats_truncate_when_converted),
    };
    return cmocka_run_group_tests_name("base/dtype", tests, NULL, NULL);
}
