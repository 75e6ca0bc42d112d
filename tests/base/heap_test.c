/* Heaps: what comes out first, and sorting by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum { ITEMS_MAX = 300 };

/* Larger than what is swapped at a time. */
typedef struct item {
    int key;
    char text[150];
} item;

static int by_key(const void *self, const void *a, const void *b) {
    const item *p = a, *q = b;
    ++*(int *)(uintptr_t)self;
    return p->key < q->key;
}

static int ascending(const void *self, const void *a, const void *b) {
    (void)self;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

/* Of indices into `self`. */
static int by_score(const void *self, const void *a, const void *b) {
    const float *scores = self;
    const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    return scores[i] > scores[j] || (scores[i] == scores[j] && i < j);
}

static int compare_keys(const void *a, const void *b) {
    const item *p = a, *q = b;
    return (p->key > q->key) - (p->key < q->key);
}

static void fill(item *items, int count, uint32_t seed, int keys) {
    for (int i = 0; i < count; i++) {
        seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
        items[i].key = (int)(seed >> 8) % keys;
        memset(items[i].text, 'a' + items[i].key % 26, sizeof items[i].text);
    }
}

static void test_sorting_does_what_the_c_library_does(void **state) {
    (void)state;
    static item items[ITEMS_MAX], wanted[ITEMS_MAX];
    static const int counts[] = {0, 1, 2, 3, 4, 7, 8, 9, 100, ITEMS_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (uint32_t seed = 0; seed < 20; seed++) {
            int calls = 0;
            fill(items, counts[c], seed, seed % 2 ? 10 : 100000);
            memcpy(wanted, items, sizeof items);
            qsort(wanted, (size_t)counts[c], sizeof *wanted, compare_keys);
            qn_heap_sort(items, (size_t)counts[c], sizeof *items, by_key, &calls);
            assert_memory_equal(items, wanted, sizeof items); /* and what is behind the end stays */
            assert_true(calls <= 2 * counts[c] * 10);         /* 10: more than the depth of the tree */
        }
    }
}

static void test_what_is_sorted_already_or_backwards_comes_out_the_same(void **state) {
    (void)state;
    uint32_t up[50], down[50], wanted[50];
    for (uint32_t i = 0; i < 50; i++) up[i] = wanted[i] = i + (UINT32_MAX - 60), down[49 - i] = up[i];
    qn_heap_sort(up, 50, sizeof *up, ascending, NULL);
    qn_heap_sort(down, 50, sizeof *down, ascending, NULL);
    assert_memory_equal(up, wanted, sizeof wanted);
    assert_memory_equal(down, wanted, sizeof wanted);
}

static void test_the_best_comes_out_first_and_waits_behind_the_others(void **state) {
    (void)state;
    static const float scores[] = {0.5f, 0.9f, 0.1f, 0.9f, 0.7f};
    static const int32_t order[] = {1, 3, 4, 0, 2};
    int32_t indices[] = {2, 4, 0, 3, 1};
    qn_heap heap = {indices, 5, sizeof *indices, by_score, scores};
    qn_heap_init(&heap);
    for (size_t i = 0; i < 5; i++) {
        const int32_t *popped = qn_heap_pop(&heap);
        assert_int_equal(heap.count, 4 - i);
        assert_ptr_equal(popped, &indices[heap.count]);
        assert_int_equal(*popped, order[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorting_does_what_the_c_library_does),
        cmocka_unit_test(test_what_is_sorted_already_or_backwards_comes_out_the_same),
        cmocka_unit_test(test_the_best_comes_out_first_and_waits_behind_the_others),
    };
    return cmocka_run_group_tests_name("base/heap", tests, NULL, NULL);
}
