/* Arenas, growing lists and growing buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/text.h"
#include "meter.h"

enum { PLENTY = 1 << 30 };

static int is_zero(const uint8_t *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i]) return 0;
    return 1;
}

/* ---- Allocators ---- */

static void test_the_default_allocator_aligns_up_to_4096(void **state) {
    (void)state;
    const qn_allocator *heap = qn_allocator_default();
    assert_ptr_equal(qn_allocator_or_default(NULL), heap);
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t bytes = 1; bytes < 300; bytes += 37) {
            uint8_t *block = heap->alloc(heap->self, bytes, align);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % align, 0);
            memset(block, 1, bytes);
            heap->free(heap->self, block);
        }
    assert_null(heap->alloc(heap->self, SIZE_MAX - 10, 64));
    heap->free(heap->self, NULL);
}

static void test_zeroed_blocks_are_zero_and_refuse_overflow(void **state) {
    (void)state;
    uint8_t *block = qn_alloc_zeroed(NULL, 17, 3, 64);
    assert_non_null(block);
    assert_true(is_zero(block, 51));
    qn_free(NULL, block);
    assert_null(qn_alloc_zeroed(NULL, SIZE_MAX / 2, 3, 16));
    uint8_t *empty = qn_alloc_zeroed(NULL, 0, 8, 16);
    assert_non_null(empty);
    assert_int_equal(*empty, 0);
    qn_free(NULL, empty);
    qn_free(NULL, NULL);
}

static void test_zeroed_blocks_come_from_the_allocator_given(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, 1);
    void *block = qn_alloc_zeroed(&allocator, 4, 4, 16);
    assert_non_null(block);
    assert_null(qn_alloc_zeroed(&allocator, 4, 4, 16));
    qn_free(&allocator, block);
    assert_int_equal(m.live, 0);
}

/* ---- Arenas ---- */

static void test_arena_blocks_are_aligned_zeroed_and_apart(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    static struct {
        uint8_t *start;
        size_t bytes;
    } blocks[COUNT];
    uint64_t seed = 4711;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    qn_arena arena;
    meter m;
    qn_allocator allocator = meter_allocator(&m, PLENTY);
    qn_arena_init(&arena, &allocator);
    assert_int_equal(m.allocations, 0);
    for (int i = 0; i < COUNT; i++) {
        size_t align = (size_t)1 << qn_rng_range(&rng, 0, 12);
        size_t bytes = (size_t)qn_rng_range(&rng, 0, qn_rng_range(&rng, 0, 30) ? 400 : 100000);
        blocks[i].bytes = bytes;
        blocks[i].start = qn_arena_alloc_aligned(&arena, bytes, align);
        assert_non_null(blocks[i].start);
        assert_int_equal((uintptr_t)blocks[i].start % (align < 16 ? 16 : align), 0);
        assert_true(is_zero(blocks[i].start, bytes));
        memset(blocks[i].start, i % 255 + 1, bytes);
    }
    for (int i = 0; i < COUNT; i++) /* nobody wrote over anybody */
        for (size_t b = 0; b < blocks[i].bytes; b++) assert_int_equal(blocks[i].start[b], i % 255 + 1);
    qn_arena_deinit(&arena);
    assert_int_equal(m.live, 0);
}

static void test_a_large_block_does_not_end_the_current_chunk(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, PLENTY);
    qn_arena arena;
    qn_arena_init(&arena, &allocator);
    uint8_t *small = qn_arena_alloc(&arena, 1, 32), *large = qn_arena_alloc(&arena, 1, 10 << 20);
    uint8_t *next = qn_arena_alloc(&arena, 1, 32);
    assert_non_null(large);
    assert_ptr_equal(next, small + 32);
    assert_int_equal(m.allocations, 2);
    assert_int_equal(arena.used_bytes, 64 + (10 << 20));
    qn_arena_deinit(&arena);
    assert_int_equal(m.live, 0);
}

static void test_an_arena_is_usable_again_after_deinit(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    assert_non_null(qn_arena_alloc(&arena, 3, 5));
    qn_arena_deinit(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(qn_arena_alloc(&arena, 3, 5));
    qn_arena_deinit(&arena);
    qn_arena_deinit(&arena);
    qn_arena zeroed = {0};
    qn_arena_deinit(&zeroed);
}

static void test_arena_sizes_that_overflow_are_refused(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, PLENTY);
    qn_arena arena;
    qn_arena_init(&arena, &allocator);
    assert_null(qn_arena_alloc(&arena, SIZE_MAX, 2));
    assert_null(qn_arena_alloc(&arena, SIZE_MAX / 16 + 2, 16));
    assert_null(qn_arena_alloc_aligned(&arena, SIZE_MAX, 16));
    assert_null(qn_arena_alloc_aligned(&arena, SIZE_MAX / 2, 4096));
    assert_null(qn_arena_copy_string(&arena, "x", SIZE_MAX));
    assert_int_equal(m.live, 0);
    assert_non_null(qn_arena_alloc(&arena, 1, 1));
    qn_arena_deinit(&arena);
    assert_int_equal(m.live, 0);
}

static void test_an_exhausted_arena_answers_null_and_recovers(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, 1);
    qn_arena arena;
    qn_arena_init(&arena, &allocator);
    uint8_t *first = qn_arena_alloc(&arena, 1, 100);
    assert_non_null(first);
    assert_null(qn_arena_alloc(&arena, 1, 1 << 20));
    assert_non_null(qn_arena_alloc(&arena, 1, 100)); /* the chunk at hand still serves */
    m.budget = 2;
    assert_non_null(qn_arena_alloc(&arena, 1, 1 << 20));
    qn_arena_deinit(&arena);
    assert_int_equal(m.live, 0);
}

static void test_texts_and_bytes_are_copied(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    char word[] = "image tensor";
    char *copy = qn_arena_copy_string(&arena, word, 5), *empty = qn_arena_copy_string(&arena, NULL, 0);
    char *bytes = qn_arena_copy(&arena, word, sizeof word), *text = qn_arena_printf(&arena, "%s.%d", word, 7);
    word[0] = 'X';
    assert_string_equal(copy, "image");
    assert_string_equal(empty, "");
    assert_string_equal(bytes, "image tensor");
    assert_string_equal(text, "image tensor.7");
    assert_non_null(qn_arena_copy(&arena, NULL, 0));
    qn_arena_deinit(&arena);
}

/* ---- Lists ---- */

static void test_lists_keep_what_is_pushed(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    QN_LIST(uint64_t) list = {0};
    for (uint64_t i = 0; i < 5000; i++) assert_null(QN_LIST_PUSH(&arena, &list, i * i));
    assert_int_equal(list.count, 5000);
    for (uint64_t i = 0; i < 5000; i++) assert_int_equal(list.items[i], i * i);
    qn_arena_deinit(&arena);
}

static void test_a_push_without_memory_leaves_the_list_as_it_was(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, 0);
    qn_arena arena;
    qn_arena_init(&arena, &allocator);
    QN_LIST(int) list = {0};
    qn_status *status = QN_LIST_PUSH(&arena, &list, 1);
    assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
    assert_int_equal(list.count, 0);
    m.budget = 1;
    assert_null(QN_LIST_PUSH(&arena, &list, 1));
    assert_int_equal(list.items[0], 1);
    qn_arena_deinit(&arena);
}

static void test_a_reserve_that_overflows_is_refused(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    void *items = NULL;
    size_t capacity = 0;
    assert_false(qn_list_reserve(&arena, &items, &capacity, SIZE_MAX / 4, 16));
    assert_null(items);
    assert_int_equal(capacity, 0);
    assert_true(qn_list_reserve(&arena, &items, &capacity, 9, 16));
    assert_true(capacity >= 9);
    qn_arena_deinit(&arena);
}

/* ---- Buffers ---- */

static void test_buffers_append_zero_align_and_print(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, PLENTY);
    qn_buffer buffer;
    qn_buffer_init(&buffer, &allocator);
    assert_int_equal(m.allocations, 0);
    qn_buffer_append(&buffer, "abc", 3);
    qn_buffer_zeros(&buffer, 2);
    qn_buffer_align(&buffer, 8);
    assert_int_equal(buffer.size, 8);
    qn_buffer_align(&buffer, 8);
    assert_int_equal(buffer.size, 8);
    qn_buffer_printf(&buffer, "%d-%s", 12, "x");
    assert_int_equal(buffer.size, 12);
    assert_memory_equal(buffer.data, "abc\0\0\0\0\00012-x", 12);
    assert_string_equal(qn_buffer_text(&buffer) + 8, "12-x");
    assert_int_equal(buffer.size, 12);
    qn_buffer_append(&buffer, NULL, 0);
    qn_buffer_zeros(&buffer, 0);
    assert_int_equal(buffer.size, 12);
    assert_false(buffer.failed);
    qn_buffer_deinit(&buffer);
    assert_int_equal(m.live, 0);
    assert_int_equal(buffer.size, 0);
}

static void test_a_buffer_grows_past_every_power_of_two(void **state) {
    (void)state;
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        qn_buffer_append(&buffer, &byte, 1);
    }
    assert_int_equal(buffer.size, 100000);
    for (unsigned i = 0; i < 100000; i++) assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
    assert_int_equal((uintptr_t)buffer.data % 64, 0);
    qn_buffer_deinit(&buffer);
}

static void test_printed_text_ends_exactly_at_the_capacity(void **state) {
    (void)state;
    for (int length = 250; length < 260; length++) {
        qn_buffer buffer;
        qn_buffer_init(&buffer, NULL);
        qn_buffer_printf(&buffer, "%*d", length, 5);
        assert_int_equal(buffer.size, length);
        assert_int_equal(strlen(qn_buffer_text(&buffer)), length);
        qn_buffer_deinit(&buffer);
    }
}

static void test_the_text_of_an_empty_buffer_is_empty(void **state) {
    (void)state;
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_string_equal(qn_buffer_text(&buffer), "");
    qn_buffer_deinit(&buffer);
}

static void test_failure_of_a_buffer_is_sticky(void **state) {
    (void)state;
    meter m;
    qn_allocator allocator = meter_allocator(&m, 1);
    qn_buffer buffer;
    qn_buffer_init(&buffer, &allocator);
    qn_buffer_append(&buffer, "keep", 4);
    qn_buffer_zeros(&buffer, 1 << 20);
    assert_true(buffer.failed);
    m.budget = 100;
    qn_buffer_append(&buffer, "more", 4);
    qn_buffer_printf(&buffer, "%d", 1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 4);
    assert_string_equal(qn_buffer_text(&buffer), "");
    qn_buffer_deinit(&buffer);
    assert_int_equal(m.live, 0);
}

static void test_a_buffer_refuses_sizes_that_overflow(void **state) {
    (void)state;
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_buffer_append(&buffer, "x", 1);
    qn_buffer_zeros(&buffer, SIZE_MAX);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 1);
    qn_buffer_deinit(&buffer);
}

/* ---- Checked arithmetic ---- */

static void test_checked_arithmetic_says_when_it_overflows(void **state) {
    (void)state;
    size_t size;
    int64_t number;
    assert_true(qn_checked_mul_size(SIZE_MAX / 3, 3, &size));
    assert_false(qn_checked_mul_size(SIZE_MAX / 2 + 1, 2, &size));
    assert_true(qn_checked_add_size(SIZE_MAX - 1, 1, &size));
    assert_false(qn_checked_add_size(SIZE_MAX, 1, &size));
    assert_true(qn_checked_mul_i64(INT64_MIN, 1, &number));
    assert_false(qn_checked_mul_i64(INT64_MIN, -1, &number));
    assert_true(qn_checked_add_i64(INT64_MAX, INT64_MIN, &number));
    assert_int_equal(number, -1);
    assert_false(qn_checked_add_i64(INT64_MAX, 1, &number));
    assert_false(qn_checked_sub_i64(INT64_MIN, 1, &number));
    assert_true(qn_checked_sub_i64(-1, INT64_MAX, &number));
    assert_int_equal(number, INT64_MIN);
}

static void test_divisions_round_down_and_up(void **state) {
    (void)state;
    for (int64_t a = -40; a <= 40; a++)
        for (int64_t b = 1; b <= 7; b++) {
            int64_t floor = qn_floor_div_i64(a, b), ceil = qn_ceil_div_i64(a, b);
            assert_true(floor * b <= a && (floor + 1) * b > a);
            assert_true(ceil * b >= a && (ceil - 1) * b < a);
        }
    assert_int_equal(qn_floor_div_i64(INT64_MIN, 1), INT64_MIN);
    assert_int_equal(qn_ceil_div_i64(INT64_MAX, 2), INT64_MAX / 2 + 1);
    assert_int_equal(qn_align_up(0, 64), 0);
    assert_int_equal(qn_align_up(1, 64), 64);
    assert_int_equal(qn_align_up(64, 64), 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_allocator_aligns_up_to_4096),
        cmocka_unit_test(test_zeroed_blocks_are_zero_and_refuse_overflow),
        cmocka_unit_test(test_zeroed_blocks_come_from_the_allocator_given),
        cmocka_unit_test(test_arena_blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_a_large_block_does_not_end_the_current_chunk),
        cmocka_unit_test(test_an_arena_is_usable_again_after_deinit),
        cmocka_unit_test(test_arena_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_an_exhausted_arena_answers_null_and_recovers),
        cmocka_unit_test(test_texts_and_bytes_are_copied),
        cmocka_unit_test(test_lists_keep_what_is_pushed),
        cmocka_unit_test(test_a_push_without_memory_leaves_the_list_as_it_was),
        cmocka_unit_test(test_a_reserve_that_overflows_is_refused),
        cmocka_unit_test(test_buffers_append_zero_align_and_print),
        cmocka_unit_test(test_a_buffer_grows_past_every_power_of_two),
        cmocka_unit_test(test_printed_text_ends_exactly_at_the_capacity),
        cmocka_unit_test(test_the_text_of_an_empty_buffer_is_empty),
        cmocka_unit_test(test_failure_of_a_buffer_is_sticky),
        cmocka_unit_test(test_a_buffer_refuses_sizes_that_overflow),
        cmocka_unit_test(test_checked_arithmetic_says_when_it_overflows),
        cmocka_unit_test(test_divisions_round_down_and_up),
    };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
