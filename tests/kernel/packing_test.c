/* The table of packings: what each takes, how large it gets, and that it writes just that, with padding of zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/packing.h"

static void packings_are_found_by_names_of_their_own(void **state) {
    (void)state;
    assert_true(qn_packing_count() >= 5);
    for (size_t i = 0; i < qn_packing_count(); i++) {
        const qn_packing *packing = qn_packing_at(i);
        assert_ptr_equal(qn_packing_find(packing->name), packing);
        assert_true(*packing->families && packing->dtypes && packing->min_rank >= 2 && packing->min_rank <= 4);
    }
    assert_null(qn_packing_find("plain"));
    assert_null(qn_packing_find(""));
}

typedef struct taken_case {
    const qn_packing *packing;
    qn_dtype dtype;
    int rank;
    int64_t dims[5];
    size_t bytes; /* 0: not taken */
} taken_case;

/* The sizes of docs/file-format.md, by hand. */
static void packings_take_what_their_kernels_read(void **state) {
    static const taken_case cases[] = {
        {&qn_packing_panel16, QN_DTYPE_F32, 4, {2, 2, 3, 21}, 2 * 12 * 16 * 4},
        {&qn_packing_panel16, QN_DTYPE_F16, 2, {7, 16}, 7 * 16 * 2},
        {&qn_packing_panel16, QN_DTYPE_F64, 2, {7, 16}, 0},
        {&qn_packing_panel16, QN_DTYPE_S8, 2, {7, 16}, 0},
        {&qn_packing_panel16, QN_DTYPE_F32, 1, {16}, 0},
        {&qn_packing_panel16, QN_DTYPE_F32, 5, {1, 1, 1, 1, 16}, 0},
        {&qn_packing_panel16x2, QN_DTYPE_S16, 2, {7, 17}, 2 * 4 * 16 * 2 * 2},
        {&qn_packing_panel16x2, QN_DTYPE_S8, 4, {1, 1, 8, 1}, 4 * 16 * 2},
        {&qn_packing_panel16x2, QN_DTYPE_F32, 2, {7, 17}, 0},
        {&qn_packing_panel16x4, QN_DTYPE_S8, 4, {5, 1, 2, 2}, 3 * 16 * 4},
        {&qn_packing_panel16x4, QN_DTYPE_S16, 2, {7, 17}, 0},
        {&qn_packing_channel16, QN_DTYPE_F32, 4, {3, 3, 1, 18}, 2 * 9 * 16 * 4},
        {&qn_packing_channel16, QN_DTYPE_S16, 4, {3, 1, 1, 2}, 3 * 16 * 2},
        {&qn_packing_channel16, QN_DTYPE_F32, 4, {3, 3, 2, 18}, 0},
        {&qn_packing_channel16, QN_DTYPE_F32, 2, {9, 18}, 0},
        {&qn_packing_channel16, QN_DTYPE_S8, 4, {3, 1, 1, 2}, 0},
        {&qn_packing_channel16x4, QN_DTYPE_S8, 4, {5, 2, 1, 17}, 2 * 2 * 2 * 16 * 4},
        {&qn_packing_channel16x4, QN_DTYPE_U8, 4, {5, 2, 1, 17}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const taken_case *c = &cases[i];
        const qn_weights weights = {c->dtype, c->rank, c->dims, NULL};
        size_t bytes = 0;
        assert_int_equal(qn_packing_takes(c->packing, &weights), c->bytes != 0);
        if (!c->bytes) continue;
        assert_int_equal(qn_packing_measure(c->packing, &weights, &bytes), 1);
        assert_int_equal(bytes, c->bytes);
    }
}

static void sizes_that_leave_memory_are_refused(void **state) {
    static const int64_t dims[][4] = {{INT64_MAX, 1, 1, 1},
                                      {1, 1, 1, INT64_MAX},
                                      {1, 1, 1, INT64_MAX - 14},
                                      {INT64_C(1) << 31, INT64_C(1) << 31, 1, 1},
                                      {0, INT64_C(1) << 40, 1, INT64_C(1) << 40}};
    (void)state;
    for (size_t p = 0; p < qn_packing_count(); p++)
        for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
            size_t bytes;
            assert_int_equal(qn_packing_measure(qn_packing_at(p), &(qn_weights){QN_DTYPE_S8, 4, dims[i], NULL}, &bytes),
                             0);
        }
}

static size_t size_of(qn_dtype dtype) {
    return dtype == QN_DTYPE_F32 ? 4 : dtype == QN_DTYPE_F16 || dtype == QN_DTYPE_S16 ? 2 : 1;
}

/* Packing moves bytes, whatever they mean: element i has the value i % 100 + 1 in its first byte. Every element of the
   weights is there once, the rest is zeros, and nothing is written beyond. */
static void packing_writes_every_element_once_and_zeros_between(void **state) {
    enum { MARGIN = 64, ELEMS = 5 * 2 * 1 * 19 };
    static const int64_t dims[4] = {5, 2, 1, 19};
    (void)state;
    for (size_t p = 0; p < qn_packing_count(); p++)
        for (int dtype = 1; dtype < QN_DTYPE_COUNT; dtype++) {
            const qn_packing *packing = qn_packing_at(p);
            uint8_t _Alignas(8) data[ELEMS * 4] = {0};
            const qn_weights weights = {(qn_dtype)dtype, 4, dims, data};
            const size_t size = size_of((qn_dtype)dtype);
            size_t bytes, counts[101] = {0};
            if (!qn_packing_takes(packing, &weights)) continue;
            assert_int_equal(qn_packing_measure(packing, &weights, &bytes), 1);
            for (size_t i = 0; i < ELEMS; i++) data[i * size] = (uint8_t)(i % 100 + 1);
            uint8_t *packed = aligned_alloc(64, (bytes + MARGIN + 63) / 64 * 64);
            memset(packed, 0xA5, bytes + MARGIN);
            packing->pack(&weights, packed);
            for (size_t i = 0; i < bytes; i++) {
                assert_true(packed[i] <= (i % size ? 0 : 100));
                if (i % size == 0) counts[packed[i]]++;
            }
            assert_int_equal(counts[0], bytes / size - ELEMS);
            for (size_t v = 1; v <= 100; v++) assert_int_equal(counts[v], ELEMS / 100 + (v <= ELEMS % 100));
            for (size_t i = bytes; i < bytes + MARGIN; i++) assert_int_equal(packed[i], 0xA5);
            free(packed);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packings_are_found_by_names_of_their_own),
        cmocka_unit_test(packings_take_what_their_kernels_read),
        cmocka_unit_test(sizes_that_leave_memory_are_refused),
        cmocka_unit_test(packing_writes_every_element_once_and_zeros_between),
    };
    return cmocka_run_group_tests_name("kernel/packing", tests, NULL, NULL);
}
