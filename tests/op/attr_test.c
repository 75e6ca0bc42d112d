/* Attributes through text and binary form, with hostile bytes. The round trip of every operator is in op_test.c. */
#include "operator_case.h"
#include "support/skips.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An operator that has one attribute of every kind. */
typedef struct zoo_attrs {
    int64_t number;
    float real;
    int64_t flag, choice, dtype;
    qn_ints pair, list;
    const char *text;
} zoo_attrs;

static const char *const choices[] = {"first", "second", NULL};
static const qn_attr_def zoo_schema[] = {
    {.name = "number",
     .kind = QN_ATTR_INT,
     .offset = offsetof(zoo_attrs, number),
     .low = -5,
     .high = 5,
     .fallback = "1"},
    {.name = "real", .kind = QN_ATTR_FLOAT, .offset = offsetof(zoo_attrs, real), .fallback = "0.5"},
    {.name = "flag", .kind = QN_ATTR_BOOL, .offset = offsetof(zoo_attrs, flag), .fallback = "false"},
    {.name = "choice",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(zoo_attrs, choice),
     .names = choices,
     .fallback = "second"},
    {.name = "dtype", .kind = QN_ATTR_DTYPE, .offset = offsetof(zoo_attrs, dtype), .fallback = "f32"},
    {.name = "pair",
     .kind = QN_ATTR_INTS,
     .offset = offsetof(zoo_attrs, pair),
     .low = 0,
     .high = 9,
     .count = 2,
     .fallback = "[1, 2]"},
    {.name = "list",
     .kind = QN_ATTR_INTS,
     .offset = offsetof(zoo_attrs, list),
     .low = INT64_MIN,
     .high = INT64_MAX,
     .count = -1,
     .fallback = "[]"},
    {.name = "text", .kind = QN_ATTR_TEXT, .offset = offsetof(zoo_attrs, text), .fallback = "none"},
    {.name = NULL},
};
static const qn_op_def zoo = {.name = "zoo", .attrs = zoo_schema, .attrs_bytes = sizeof(zoo_attrs)};

static qn_arena arena;

static int make_arena(void **state) {
    (void)state;
    qn_arena_init(&arena, NULL);
    return 0;
}
static int drop_arena(void **state) {
    (void)state;
    qn_arena_deinit(&arena);
    return 0;
}

static void expect_printed(const zoo_attrs *attrs, int all, const char *text) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_attrs_print(&zoo, attrs, all, &buffer);
    assert_string_equal(qn_buffer_text(&buffer), text);
    qn_buffer_deinit(&buffer);
}

static void expect_refused(const char *name, const char *text, const char *part) {
    zoo_attrs attrs;
    qn_attrs_init(&zoo, &attrs);
    qn_status *status = qn_attrs_parse_one(&zoo, &attrs, name, text, &arena);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    if (!strstr(qn_status_message(status), part)) print_error("\"%s\" lacks \"%s\"\n", qn_status_message(status), part);
    assert_non_null(strstr(qn_status_message(status), part));
    qn_status_free(status);
}

static void defaults_are_filled_in_and_not_printed(void **state) {
    (void)state;
    zoo_attrs attrs;
    qn_attrs_init(&zoo, &attrs);
    assert_null(qn_attrs_verify(&zoo, &attrs));
    expect_printed(&attrs, 0, "");
    expect_printed(&attrs, 1,
                   "number=1, real=0.5, flag=false, choice=second, dtype=f32, pair=[1, 2], list=[], text=\"none\"");
    attrs.pair.values[1] = 9;
    attrs.flag = 1;
    expect_printed(&attrs, 0, "flag=true, pair=[1, 9]");
}

static void text_survives_quoting(void **state) {
    (void)state;
    zoo_attrs attrs, back;
    qn_attrs_init(&zoo, &attrs);
    qn_attrs_init(&zoo, &back);
    attrs.text = "a \"quoted\\ line\"\n\ttab, ünïcode}";
    expect_printed(&attrs, 0, "text=\"a \\\"quoted\\\\ line\\\"\\n\\x09tab, ünïcode}\"");
    assert_null(qn_attrs_parse_one(&zoo, &back, "text", "\"a \\\"quoted\\\\ line\\\"\\n\\x09tab, ünïcode}\"", &arena));
    assert_string_equal(back.text, attrs.text);
    assert_true(qn_attrs_equal(&zoo, &attrs, &back));
    assert_null(qn_attrs_parse_one(&zoo, &back, "text", "bare words", &arena));
    assert_string_equal(back.text, "bare words");
}

static void floats_print_with_as_few_digits_as_bring_them_back(void **state) {
    (void)state;
    static const struct {
        float value;
        const char *text;
    } rows[] = {{0.1f, "real=0.1"},
                {1e-5f, "real=1e-05"},
                {1.0f / 3, "real=0.33333334"},
                {16777216, "real=16777216"},
                {INFINITY, "real=inf"},
                {-0.0f, "real=-0"},
                {1.17549435e-38f, "real=1.1754944e-38"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        zoo_attrs attrs, back;
        qn_attrs_init(&zoo, &attrs);
        qn_attrs_init(&zoo, &back);
        attrs.real = rows[i].value;
        expect_printed(&attrs, 0, rows[i].text);
        assert_null(qn_attrs_parse_one(&zoo, &back, "real", rows[i].text + 5, &arena));
        assert_memory_equal(&back.real, &attrs.real, sizeof attrs.real);
    }
}

static void numbers_keep_their_point_in_every_locale(void **state) {
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        skip_because("needs a locale with a decimal comma, de_DE.UTF-8 or fr_FR.UTF-8");
    zoo_attrs attrs;
    qn_attrs_init(&zoo, &attrs);
    assert_true(attrs.real == 0.5f);
    attrs.real = 0.25f;
    expect_printed(&attrs, 0, "real=0.25");
    setlocale(LC_NUMERIC, "C");
}

static void bad_text_is_refused_with_what_is_allowed(void **state) {
    (void)state;
    expect_refused("number", "6", "expected attribute 'number' in [-5, 5], found 6");
    expect_refused("number", "1.5", "to be an integer, found '1.5'");
    expect_refused("number", "", "to be an integer");
    expect_refused("number", " 1", "to be an integer");
    expect_refused("number", "99999999999999999999", "to be an integer");
    expect_refused("real", "big", "to be a number");
    expect_refused("flag", "2", "true or false");
    expect_refused("choice", "third", "one of first, second");
    expect_refused("dtype", "float", "an element type");
    expect_refused("dtype", "string", "an element type");
    expect_refused("pair", "[1]", "with 2 numbers, found 1");
    expect_refused("pair", "[1, 10]", "in [0, 9], found 10");
    expect_refused("pair", "1, 2", "a list of integers");
    expect_refused("pair", "[1, 2", "a list of integers");
    expect_refused("pair", "[1 2]", "a list of integers");
    expect_refused("pair", "[1,,2]", "a list of integers");
    expect_refused("list", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "a list of integers");
    expect_refused("text", "\"open", "double quotes");
    expect_refused("text", "\"bad \\q\"", "double quotes");
    expect_refused("text", "\"zero \\x00\"", "double quotes");
    expect_refused("text", "\"end\" more", "double quotes");
}

static void an_unknown_attribute_names_the_nearest_or_all(void **state) {
    (void)state;
    expect_refused("chioce", "first", "did you mean 'choice'?");
    expect_refused("wholly_different", "1", "it has number, real, flag, choice, dtype, pair, list, text");
    qn_status *status = qn_attrs_parse_one(&qn_op_relu, NULL, "alpha", "1", &arena);
    assert_string_equal(qn_status_message(status), "relu has no attributes, found 'alpha'");
    qn_status_free(status);
}

static void equal_attributes_hash_alike_and_others_differ(void **state) {
    (void)state;
    zoo_attrs a, b;
    char text[] = "none";
    memset(&b, 0xEE, sizeof b); /* what lies between and behind the fields must not count */
    qn_attrs_init(&zoo, &a);
    qn_attrs_init(&zoo, &b);
    b.text = text;
    b.pair.values[5] = 77;
    assert_true(qn_attrs_equal(&zoo, &a, &b));
    assert_true(qn_attrs_hash(&zoo, &a) == qn_attrs_hash(&zoo, &b));
    b.list = (qn_ints){1, {0}};
    assert_false(qn_attrs_equal(&zoo, &a, &b));
    assert_true(qn_attrs_hash(&zoo, &a) != qn_attrs_hash(&zoo, &b));
}

/* The layout is part of the .qn format: docs/file-format.md. */
static void the_binary_form_is_little_endian_without_gaps(void **state) {
    (void)state;
    static const uint8_t expected[] = {
        0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,                                     /* number -2 */
        0x00, 0x00, 0x00, 0x3F,                                                             /* real 0.5 */
        1,    0,    0,    0,    0,    0,    0,    0,                                        /* flag */
        1,    0,    0,    0,    0,    0,    0,    0,                                        /* choice: second */
        6,    0,    0,    0,    0,    0,    0,    0,                                        /* dtype: u8 */
        2,    0,    0,    0,    1,    0,    0,    0,    0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* pair */
        0,    0,    0,    0,                                                                /* list */
        2,    0,    0,    0,    'o',  'k',                                                  /* text */
    };
    zoo_attrs attrs;
    qn_attrs_init(&zoo, &attrs);
    attrs.number = -2;
    attrs.flag = 1;
    attrs.dtype = QN_DTYPE_U8;
    attrs.text = "ok";
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_attrs_write(&zoo, &attrs, &buffer);
    assert_int_equal(buffer.size, sizeof expected);
    assert_memory_equal(buffer.data, expected, sizeof expected);
    qn_buffer_deinit(&buffer);
}

/* Any byte changed, any length: an error or legal attributes, never more. */
static void damaged_bytes_never_read_as_illegal_attributes(void **state) {
    (void)state;
    zoo_attrs attrs, back;
    qn_attrs_init(&zoo, &attrs);
    attrs.list = (qn_ints){3, {4, 5, -6}};
    attrs.text = "some text";
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_attrs_write(&zoo, &attrs, &buffer);
    assert_false(buffer.failed);
    uint8_t *copy = malloc(buffer.size);
    assert_non_null(copy);
    for (size_t i = 0; i < buffer.size * 256; i++) {
        memcpy(copy, buffer.data, buffer.size);
        copy[i / 256] = (uint8_t)(i % 256);
        qn_status *status = qn_attrs_read(&zoo, (qn_bytes){copy, buffer.size}, &back, &arena);
        if (status)
            assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
        else
            assert_null(qn_attrs_verify(&zoo, &back));
        qn_status_free(status);
    }
    free(copy);
    qn_buffer_zeros(&buffer, 1);
    qn_status *status = qn_attrs_read(&zoo, (qn_bytes){buffer.data, buffer.size}, &back, &arena);
    assert_string_equal(qn_status_message(status), "zoo: expected the attributes to end, found 1 bytes more");
    qn_status_free(status);
    qn_buffer_deinit(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in_and_not_printed),
        cmocka_unit_test(text_survives_quoting),
        cmocka_unit_test(floats_print_with_as_few_digits_as_bring_them_back),
        cmocka_unit_test(numbers_keep_their_point_in_every_locale),
        cmocka_unit_test(bad_text_is_refused_with_what_is_allowed),
        cmocka_unit_test(an_unknown_attribute_names_the_nearest_or_all),
        cmocka_unit_test(equal_attributes_hash_alike_and_others_differ),
        cmocka_unit_test(the_binary_form_is_little_endian_without_gaps),
        cmocka_unit_test(damaged_bytes_never_read_as_illegal_attributes),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
