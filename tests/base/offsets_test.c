/* Offsets of blocks with lifetimes: nobody alive shares bytes, and little is wasted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/offsets.h"
#include "base/text.h"

static uint64_t pack(qn_offsets_block *blocks, size_t count) {
    void *scratch = malloc(qn_offsets_scratch_bytes(count) + 1);
    uint64_t total = 0;
    assert_true(qn_offsets_pack(blocks, count, scratch, &total));
    free(scratch);
    return total;
}

/* The most bytes alive in one step: no layout can do with less. */
static uint64_t lower_bound(const qn_offsets_block *blocks, size_t count, uint32_t steps) {
    uint64_t most = 0;
    for (uint32_t s = 0; s < steps; s++) {
        uint64_t live = 0;
        for (size_t i = 0; i < count; i++)
            if (blocks[i].first <= s && s <= blocks[i].last) live += (blocks[i].bytes + 63) / 64 * 64;
        if (live > most) most = live;
    }
    return most;
}

static void check(const qn_offsets_block *blocks, size_t count, uint64_t total) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(blocks[i].offset % QN_OFFSETS_ALIGN, 0);
        assert_true(blocks[i].offset + blocks[i].bytes <= total);
        for (size_t j = 0; j < i; j++) {
            if (blocks[i].last < blocks[j].first || blocks[j].last < blocks[i].first) continue;
            int apart = blocks[i].offset + blocks[i].bytes <= blocks[j].offset ||
                        blocks[j].offset + blocks[j].bytes <= blocks[i].offset;
            if (!apart && blocks[i].bytes && blocks[j].bytes) fail_msg("blocks %zu and %zu overlap", i, j);
        }
    }
}

static void test_random_lifetimes_never_overlap(void **state) {
    (void)state;
    uint64_t seed = 20240611;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 500; round++) {
        size_t count = (size_t)qn_rng_range(&rng, 0, 120);
        uint32_t steps = (uint32_t)qn_rng_range(&rng, 1, 60);
        qn_offsets_block *blocks = calloc(count + 1, sizeof *blocks), *again = calloc(count + 1, sizeof *blocks);
        for (size_t i = 0; i < count; i++) {
            blocks[i].bytes =
                (uint64_t)(qn_rng_range(&rng, 0, 3) ? qn_rng_range(&rng, 0, 5000) : qn_rng_range(&rng, 0, 4) * 64);
            blocks[i].first = (uint32_t)qn_rng_range(&rng, 0, steps - 1);
            blocks[i].last = (uint32_t)qn_rng_range(&rng, blocks[i].first, steps - 1);
        }
        memcpy(again, blocks, count * sizeof *blocks);
        uint64_t total = pack(blocks, count);
        check(blocks, count, total);
        assert_true(total >= lower_bound(blocks, count, steps));
        assert_int_equal(pack(again, count), total);
        assert_memory_equal(blocks, again, count * sizeof *blocks);
        free(blocks);
        free(again);
    }
}

static void test_a_chain_needs_two_blocks_only(void **state) {
    (void)state;
    qn_offsets_block blocks[50];
    for (uint32_t i = 0; i < 50; i++) blocks[i] = (qn_offsets_block){.bytes = 640, .first = i, .last = i + 1};
    assert_int_equal(pack(blocks, 50), 2 * 640);
}

static void test_equal_blocks_keep_their_order(void **state) {
    (void)state;
    qn_offsets_block blocks[3] = {{.bytes = 10, .last = 5}, {.bytes = 10, .last = 5}, {.bytes = 10, .last = 5}};
    assert_int_equal(pack(blocks, 3), 192);
    for (uint64_t i = 0; i < 3; i++) assert_int_equal(blocks[i].offset, 64 * i);
}

static void test_gaps_are_filled_from_below(void **state) {
    (void)state;
    qn_offsets_block blocks[3] = {{.bytes = 1024, .first = 0, .last = 0},
                                  {.bytes = 512, .first = 0, .last = 9},
                                  {.bytes = 256, .first = 1, .last = 9}};
    assert_int_equal(pack(blocks, 3), 1536);
    assert_int_equal(blocks[2].offset, 0); /* where the largest has died */
}

static void check_large(qn_offsets_block *blocks, size_t count, uint32_t steps, uint64_t slack) {
    uint64_t total = pack(blocks, count), needed = lower_bound(blocks, count, steps);
    check(blocks, count, total);
    if (total > needed * slack)
        fail_msg("%zu blocks take %llu bytes, %llu are alive", count, (unsigned long long)total,
                 (unsigned long long)needed);
}

/* Past the limit of the search blocks are stacked: still apart, and without much waste. */
static void test_very_many_blocks_stay_apart(void **state) {
    (void)state;
    enum { COUNT = 16600, STEPS = 64 };
    qn_offsets_block *blocks = calloc(COUNT, sizeof *blocks);
    qn_rng rng;
    qn_rng_init(&rng, 7);
    for (uint32_t i = 0; i < COUNT; i++) {
        blocks[i].bytes = (uint64_t)qn_rng_range(&rng, 0, 5000);
        blocks[i].first = (uint32_t)qn_rng_range(&rng, 0, STEPS - 1);
        blocks[i].last = (uint32_t)qn_rng_range(&rng, blocks[i].first, STEPS - 1);
    }
    check_large(blocks, COUNT, STEPS, 2);
    for (uint32_t i = 0; i < COUNT; i++)
        blocks[i] = (qn_offsets_block){.bytes = 64 + i % 3 * 64, .first = i, .last = i + 1};
    uint64_t total = pack(blocks, COUNT);
    assert_true(total <= 4 * 192);
    for (uint32_t i = 1; i < COUNT; i++)
        assert_true(blocks[i].offset >= blocks[i - 1].offset + blocks[i - 1].bytes ||
                    blocks[i - 1].offset >= blocks[i].offset + blocks[i].bytes);
    free(blocks);
}

static void test_sizes_beyond_memory_are_refused(void **state) {
    (void)state;
    uint64_t total;
    qn_offsets_block blocks[3] = {{.bytes = UINT64_MAX}, {.bytes = 1}, {.bytes = 1}};
    uint64_t scratch[128];
    assert_true(qn_offsets_scratch_bytes(3) <= sizeof scratch);
    assert_false(qn_offsets_pack(blocks, 3, scratch, &total));
    for (int i = 0; i < 3; i++) blocks[i].bytes = INT64_MAX / 2 - 100;
    assert_false(qn_offsets_pack(blocks, 3, scratch, &total));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lifetimes_never_overlap), cmocka_unit_test(test_a_chain_needs_two_blocks_only),
        cmocka_unit_test(test_equal_blocks_keep_their_order),  cmocka_unit_test(test_gaps_are_filled_from_below),
        cmocka_unit_test(test_very_many_blocks_stay_apart),    cmocka_unit_test(test_sizes_beyond_memory_are_refused),
    };
    return cmocka_run_group_tests_name("base/offsets", tests, NULL, NULL);
}
