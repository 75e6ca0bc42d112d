/* Spelling help, hashing and random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_a_misspelling_finds_its_nearest_word(void **state) {
    (void)state;
    static const char *const words[] = {"graph_shape_mutable", "dim_range", NULL, "archs",
                                        "SemanticPredictions", "logits"};
    static const char *const pairs[][2] = {{"graph_shape_mutabel", "graph_shape_mutable"},
                                           {"dim_ranges", "dim_range"},
                                           {"dimrange", "dim_range"},
                                           {"arch", "archs"},
                                           {"ARCHS", "archs"},
                                           {"semanticpredictions", "SemanticPredictions"},
                                           {"logist", "logits"},
                                           {"logits", "logits"}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const char *found = qn_text_nearest(pairs[i][0], words, COUNT(words));
        assert_non_null(found);
        assert_string_equal(found, pairs[i][1]);
    }
    assert_null(qn_text_nearest("completely_different", words, COUNT(words)));
    assert_null(qn_text_nearest("", words, COUNT(words)));
    assert_null(qn_text_nearest("logits", words, 0));
}

static void test_the_first_of_equally_near_words_wins(void **state) {
    (void)state;
    static const char *const words[] = {"conv2", "conv3"};
    assert_ptr_equal(qn_text_nearest("conv1", words, 2), words[0]);
}

static void test_words_may_differ_in_a_third_of_their_letters(void **state) {
    (void)state;
    static const char *const six[] = {"abcdef"}, *const seven[] = {"abcdefg"};
    assert_non_null(qn_text_nearest("abcdxy", six, 1));
    assert_null(qn_text_nearest("abcxyz", six, 1));
    assert_non_null(qn_text_nearest("abcdxyz", seven, 1)); /* 7 / 3, rounded up */
    assert_null(qn_text_nearest("abcwxyz", seven, 1));
}

static void test_very_long_words_have_no_nearest(void **state) {
    (void)state;
    char word[400];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = 0;
    const char *same[] = {word}, *shorter[] = {"aaaa"};
    assert_null(qn_text_nearest(word, same, 1));
    assert_null(qn_text_nearest(word, shorter, 1));
    assert_null(qn_text_nearest("aaaa", same, 1));
    word[127] = 0;
    assert_non_null(qn_text_nearest(word, same, 1));
}

/* Levenshtein's recursion as it is defined, for short words. */
static size_t distance(const char *a, const char *b) {
    if (!*a || !*b) return strlen(a) + strlen(b);
    size_t change = distance(a + 1, b + 1) + (*a != *b), drop = distance(a + 1, b) + 1, add = distance(a, b + 1) + 1;
    size_t best = change < drop ? change : drop;
    return best < add ? best : add;
}

static void test_nearness_is_the_edit_distance(void **state) {
    (void)state;
    uint64_t seed = 314;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 1500; round++) {
        char words[4][8] = {{0}};
        const char *candidates[3] = {words[1], words[2], words[3]}, *expected = NULL;
        size_t best = SIZE_MAX;
        for (int w = 0; w < 4; w++) {
            int64_t length = qn_rng_range(&rng, 1, 5);
            for (int64_t c = 0; c < length; c++) words[w][c] = (char)('a' + qn_rng_range(&rng, 0, 2));
        }
        for (int w = 1; w < 4; w++) {
            size_t d = distance(words[0], words[w]), a = strlen(words[0]), b = strlen(words[w]);
            if (d > ((a > b ? a : b) + 2) / 3 || d >= best) continue;
            best = d;
            expected = words[w];
        }
        assert_ptr_equal(qn_text_nearest(words[0], candidates, 3), expected);
    }
}

static void test_hashes_are_the_same_on_every_machine(void **state) {
    (void)state;
    /* published test values of XXH3-64 */
    assert_int_equal(qn_hash_bytes(NULL, 0, 0), UINT64_C(0x2D06800538D394C2));
    assert_int_equal(qn_hash_bytes("", 0, 0), UINT64_C(0x2D06800538D394C2));
    assert_int_not_equal(qn_hash_bytes("a", 1, 0), qn_hash_bytes("a", 1, 1));
    assert_int_not_equal(qn_hash_bytes("a", 1, 0), qn_hash_bytes("b", 1, 0));
}

static void test_hashes_do_not_depend_on_alignment(void **state) {
    (void)state;
    char *block = malloc(3000);
    for (int i = 0; i < 3000; i++) block[i] = (char)(i * 31 % 127);
    for (size_t length = 0; length < 1200; length += 13) {
        uint64_t hash = qn_hash_bytes(block, length, 5);
        char *moved = malloc(length + 3);
        memcpy(moved + 3, block, length);
        assert_int_equal(qn_hash_bytes(moved + 3, length, 5), hash);
        free(moved);
    }
    free(block);
}

static void test_one_seed_gives_one_sequence(void **state) {
    (void)state;
    qn_rng a, b, c;
    qn_rng_init(&a, 7);
    qn_rng_init(&b, 7);
    qn_rng_init(&c, 8);
    int differ = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = qn_rng_next(&a);
        assert_int_equal(x, qn_rng_next(&b));
        differ += x != qn_rng_next(&c);
    }
    assert_true(differ > 90);
}

static void test_the_generator_is_xoshiro_seeded_by_splitmix(void **state) {
    (void)state;
    /* splitmix64 from seed 0 is published: e220a839 7b1dcdaf, 6e789e6a a1b965f4, 06c45d18 8009454f, f88bb8a8 724c81ec
     */
    qn_rng rng;
    qn_rng_init(&rng, 0);
    assert_int_equal(rng.state[0], UINT64_C(0xE220A8397B1DCDAF));
    assert_int_equal(rng.state[1], UINT64_C(0x6E789E6AA1B965F4));
    assert_int_equal(rng.state[2], UINT64_C(0x06C45D188009454F));
    assert_int_equal(rng.state[3], UINT64_C(0xF88BB8A8724C81EC));
    qn_rng known = {{1, 2, 3, 4}}; /* the reference implementation's first outputs from this state */
    assert_int_equal(qn_rng_next(&known), 11520);
    assert_int_equal(qn_rng_next(&known), 0);
    assert_int_equal(qn_rng_next(&known), 1509978240);
    assert_int_equal(qn_rng_next(&known), UINT64_C(1215971899390074240));
}

static void test_ranges_are_inclusive_and_reach_both_ends(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, 99);
    int seen[7] = {0};
    for (int i = 0; i < 2000; i++) {
        int64_t x = qn_rng_range(&rng, -3, 3);
        assert_in_range(x + 3, 0, 6);
        seen[x + 3]++;
    }
    for (int i = 0; i < 7; i++) assert_true(seen[i] > 150);
    assert_int_equal(qn_rng_range(&rng, 5, 5), 5);
    int negative = 0;
    for (int i = 0; i < 100; i++) negative += qn_rng_range(&rng, INT64_MIN, INT64_MAX) < 0;
    assert_in_range(negative, 20, 80);
}

static void test_floats_lie_between_the_bounds(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, 100);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        float x = qn_rng_float(&rng, -2, 6);
        assert_true(x >= -2 && x <= 6);
        sum += x;
    }
    assert_true(sum / 10000 > 1.8 && sum / 10000 < 2.2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_misspelling_finds_its_nearest_word),
        cmocka_unit_test(test_the_first_of_equally_near_words_wins),
        cmocka_unit_test(test_words_may_differ_in_a_third_of_their_letters),
        cmocka_unit_test(test_very_long_words_have_no_nearest),
        cmocka_unit_test(test_nearness_is_the_edit_distance),
        cmocka_unit_test(test_hashes_are_the_same_on_every_machine),
        cmocka_unit_test(test_hashes_do_not_depend_on_alignment),
        cmocka_unit_test(test_one_seed_gives_one_sequence),
        cmocka_unit_test(test_the_generator_is_xoshiro_seeded_by_splitmix),
        cmocka_unit_test(test_ranges_are_inclusive_and_reach_both_ends),
        cmocka_unit_test(test_floats_lie_between_the_bounds),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
