/* What reaches a terminal, of text that anybody may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "quench/text.h"

static void expect_style(const char *text, qn_text_style style, const char *expected) {
    char out[256];
    assert_int_equal(qn_text_escape(text, strlen(text), style, out, sizeof out), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_text_of_any_language_stays(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "conv2d/kernel:0",
                                        "Gr\xc3\xb6\xc3\x9f\145", /* an e that the escape before it cannot take in */
                                        "\xe6\x97\xa5\xe6\x9c\xac",
                                        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", /* a joiner between two emoji */
                                        "C:\\names\\x1b.qn",
                                        "\"quoted\"",
                                        "\xc2\xa0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int style = 0; style < 3; style++) expect_style(texts[i], (qn_text_style)style, texts[i]);
}

static void test_what_terminals_obey_is_spelled_out(void **state) {
    (void)state;
    expect_style("a\x1b[31mb\x07\x7f", QN_TEXT_LINE, "a\\x1b[31mb\\x07\\x7f");
    expect_style("\xc2\x9b"
                 "31m",
                 QN_TEXT_LINE, "\\u009b31m"); /* CSI of C1 */
    expect_style("a\nb\tc\rd", QN_TEXT_LINE, "a\\nb\\tc\\rd");
    expect_style("a\nb\tc\rd", QN_TEXT_LINES, "a\nb\tc\\rd");
    expect_style("\xe2\x80\xae"
                 "cod.exe",
                 QN_TEXT_LINE, "\\u202ecod.exe");
    expect_style("\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8f\xef\xbb\xbf", QN_TEXT_LINES, "\\u2066\\u2028\\u200f\\ufeff");
    expect_style("\xf3\xa0\x81\x81", QN_TEXT_LINE, "\\U000e0041");
}

static void test_what_is_no_utf_8_is_spelled_out_byte_by_byte(void **state) {
    (void)state;
    expect_style("\xff\xfe", QN_TEXT_LINE, "\\xff\\xfe");
    expect_style("\x9b"
                 "31m",
                 QN_TEXT_LINE, "\\x9b31m");
    expect_style("\xc0\x80\xc1\xbf", QN_TEXT_LINE, "\\xc0\\x80\\xc1\\xbf"); /* too long for what they say */
    expect_style("\xe0\x80\x9b", QN_TEXT_LINE, "\\xe0\\x80\\x9b");
    expect_style("\xed\xa0\x80", QN_TEXT_LINE, "\\xed\\xa0\\x80"); /* half of a pair */
    expect_style("\xf4\x90\x80\x80", QN_TEXT_LINE, "\\xf4\\x90\\x80\\x80");
    expect_style("\xe6\x97", QN_TEXT_LINE, "\\xe6\\x97");
    expect_style("\xc3x\xc3", QN_TEXT_LINE, "\\xc3x\\xc3");
}

static void test_json_says_the_same_as_before(void **state) {
    (void)state;
    expect_style("{\n \"a\x7f\": \"\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\"\n}", QN_TEXT_JSON,
                 "{\n \"a\\u007f\": \"\\u009b\\u202e\\udb40\\udc41\"\n}");
    expect_style("\"\xff\"", QN_TEXT_JSON, "\"\\ufffd\"");
}

static void test_any_bytes_become_a_json_text(void **state) {
    (void)state;
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_text_quote_json("\xc3\xa4\"\\\n\x1b\x7f\xff\xe2\x80\xae/", &buffer);
    assert_string_equal(qn_buffer_text(&buffer), "\"\xc3\xa4\\\"\\\\\\u000a\\u001b\\u007f\\ufffd\\u202e/\"");
    qn_buffer_deinit(&buffer);
}

static void test_zeros_within_are_spelled_out(void **state) {
    (void)state;
    char out[32];
    assert_int_equal(qn_text_escape("a\0b", 3, QN_TEXT_LINE, out, sizeof out), 6);
    assert_string_equal(out, "a\\x00b");
    assert_int_equal(qn_text_escape(NULL, 0, QN_TEXT_LINE, NULL, 0), 0);
}

static void test_what_does_not_fit_is_cut_between_characters(void **state) {
    (void)state;
    static const char text[] = "a\xc3\xa4\x1b"
                               "b"; /* 1 + 2 + 4 + 1 bytes */
    static const size_t kept[] = {0, 0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    for (size_t capacity = 0; capacity < sizeof kept / sizeof *kept; capacity++) {
        char out[16] = "###############";
        assert_int_equal(qn_text_escape(text, strlen(text), QN_TEXT_LINE, out, capacity), 8);
        if (capacity) assert_int_equal(strlen(out), kept[capacity]);
        for (size_t i = capacity; i < 15; i++) assert_int_equal(out[i], '#');
    }
}

/* Bytes that a terminal or a reader of UTF-8 may stumble over, found without the code under test. */
static int is_harmless(const char *text, int lines) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (lines && (*at == '\n' || *at == '\t')) continue;
        if (*at < 0x20 || *at == 0x7f) return 0;
        if (*at == 0xc2 && at[1] < 0xa0) return 0;
        if (*at == 0xe2 && at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
            return 0;
        if (*at == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9) return 0;
    }
    return 1;
}

static void expect_harmless(const char *text, size_t bytes, uint64_t seed) {
    char once[1024], twice[1024];
    for (int style = 0; style < 3; style++) {
        const size_t length = qn_text_escape(text, bytes, (qn_text_style)style, once, sizeof once);
        assert_true(length <= 6 * bytes && length == strlen(once));
        if (!is_harmless(once, style > 0)) fail_msg("seed %llu: '%s'", (unsigned long long)seed, once);
        assert_int_equal(qn_text_escape(once, length, (qn_text_style)style, twice, sizeof twice), length);
        assert_string_equal(once, twice);
    }
}

static void test_every_character_is_harmless_afterwards(void **state) {
    (void)state;
    for (uint32_t code = 1; code < 0x110000; code++) {
        char text[5] = {0};
        if (code < 0x80)
            text[0] = (char)code;
        else if (code < 0x800)
            text[0] = (char)(0xC0 | code >> 6), text[1] = (char)(0x80 | (code & 63));
        else if (code < 0x10000)
            text[0] = (char)(0xE0 | code >> 12), text[1] = (char)(0x80 | (code >> 6 & 63)),
            text[2] = (char)(0x80 | (code & 63));
        else
            text[0] = (char)(0xF0 | code >> 18), text[1] = (char)(0x80 | (code >> 12 & 63)),
            text[2] = (char)(0x80 | (code >> 6 & 63)), text[3] = (char)(0x80 | (code & 63));
        expect_harmless(text, strlen(text), 0);
    }
}

static void test_random_bytes_are_harmless_afterwards(void **state) {
    (void)state;
    static const unsigned char often[] = {0xc2, 0x80, 0x9b, 0xe2, 0x81, 0xae, 0xa6,
                                          0x1b, '\n', '\\', 'u',  0xf3, 0xa0, 0xed};
    const uint64_t seed = (uint64_t)time(NULL);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int i = 0; i < 20000; i++) {
        char text[100];
        const size_t bytes = (size_t)qn_rng_range(&rng, 0, sizeof text);
        for (size_t k = 0; k < bytes; k++)
            text[k] = (char)(qn_rng_range(&rng, 0, 1) ? often[qn_rng_range(&rng, 0, sizeof often - 1)]
                                                      : qn_rng_range(&rng, 0, 255));
        expect_harmless(text, bytes, seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_any_language_stays),
        cmocka_unit_test(test_what_terminals_obey_is_spelled_out),
        cmocka_unit_test(test_what_is_no_utf_8_is_spelled_out_byte_by_byte),
        cmocka_unit_test(test_json_says_the_same_as_before),
        cmocka_unit_test(test_any_bytes_become_a_json_text),
        cmocka_unit_test(test_zeros_within_are_spelled_out),
        cmocka_unit_test(test_what_does_not_fit_is_cut_between_characters),
        cmocka_unit_test(test_every_character_is_harmless_afterwards),
        cmocka_unit_test(test_random_bytes_are_harmless_afterwards),
    };
    return cmocka_run_group_tests_name("base/escape", tests, NULL, NULL);
}
