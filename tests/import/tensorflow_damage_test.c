/* Damaged files and failing allocators: a sound graph or a status, never a crash or a leak. */
#include "import_fixture.h"

#include <inttypes.h>
#include <stdlib.h>

/* A little of everything that importing touches. */
static qn_bytes small_model(gd_graph *g) {
    gd_init(g);
    gd_function(g, "f", "a", "r");
    gd_node(g, "twice", "Mul", "a a");
    gd_function_result(g, "r", "twice:z:0");
    gd_function_end(g);
    gd_placeholder(g, "x", GD_FLOAT, 4, (int64_t[]){1, -1, -1, 2});
    gd_const_f32(g, "w", 4, (int64_t[]){1, 1, 2, 1}, (float[]){1, 2});
    gd_node(g, "conv", "Conv2D", "x w");
    gd_attr_ints(g, "strides", 4, (int64_t[]){1, 2, 2, 1});
    gd_attr_text(g, "padding", "SAME");
    gd_node(g, "call", "f", "conv");
    gd_node(g, "shape", "Shape", "call");
    gd_const_s32(g, "b", 1, (int64_t[]){1}, (int32_t[]){1});
    gd_const_s32(g, "e", 1, (int64_t[]){1}, (int32_t[]){3});
    gd_const_s32(g, "s", 1, (int64_t[]){1}, (int32_t[]){1});
    gd_node(g, "hw", "StridedSlice", "shape b e s");
    gd_node(g, "big", "ResizeBilinear", "call hw ^check");
    gd_attr_bool(g, "align_corners", 1);
    gd_scalar_s32(g, "limit", 600);
    gd_node(g, "fits", "LessEqual", "hw limit");
    gd_scalar_s32(g, "zero", 0);
    gd_node(g, "all", "All", "fits zero");
    gd_const_text(g, "m", "too large");
    gd_node(g, "check", "Assert", "all m");
    gd_scalar_s32(g, "axis", -1);
    gd_node(g, "parts", "Split", "axis big");
    gd_attr_int(g, "num_split", 1);
    gd_node(g, "out", "Identity", "parts");
    return gd_finish(g);
}

/* Whatever the bytes: a sound graph, or a status; nothing leaks (the sanitizers watch). */
static int import_damaged(qn_bytes bytes) {
    qn_arena arena;
    qn_graph *graph;
    qn_arena_init(&arena, NULL);
    qn_status *status = import_tensorflow(bytes, "m.pb", NULL, &arena, &graph);
    int sound = !status;
    if (sound)
        expect_ok(qn_graph_verify(graph));
    else
        assert_non_null(strstr(qn_status_message(status), "m.pb"));
    if (status && qn_status_code(status) == QN_INTERNAL) fail_msg("%s", qn_status_message(status));
    qn_status_free(status);
    qn_arena_deinit(&arena);
    return sound;
}

static void a_graph_cut_at_any_byte_never_crashes(void **state) {
    (void)state;
    gd_graph g;
    qn_bytes bytes = small_model(&g);
    assert_true(import_damaged(bytes));
    for (size_t size = 0; size < bytes.size; size++) {
        /* A copy of the exact size, so that the sanitizer sees any read behind it. */
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, bytes.data, size);
        import_damaged((qn_bytes){copy, size});
        free(copy);
    }
    gd_deinit(&g);
}

static void ten_thousand_flipped_bits_never_crash(void **state) {
    (void)state;
    const uint64_t seed = 20240612;
    enum { ROUNDS = 10000, FLIPS_MAX = 3 };
    print_message("seed %" PRIu64 "\n", seed);
    gd_graph g;
    qn_rng rng;
    qn_rng_init(&rng, seed);
    qn_bytes bytes = small_model(&g);
    uint8_t *copy = malloc(bytes.size);
    int sound = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(copy, bytes.data, bytes.size);
        for (int64_t flips = qn_rng_range(&rng, 1, FLIPS_MAX); flips > 0; flips--)
            copy[qn_rng_range(&rng, 0, (int64_t)bytes.size - 1)] ^= (uint8_t)(1 << qn_rng_range(&rng, 0, 7));
        sound += import_damaged((qn_bytes){copy, bytes.size});
    }
    print_message("%d of %d still sound\n", sound, ROUNDS);
    free(copy);
    gd_deinit(&g);
}

/* ---- Allocation ---- */

typedef struct failing {
    int64_t left; /* allocations until one fails */
} failing;

static void *failing_alloc(void *self, size_t bytes, size_t align) {
    failing *f = self;
    if (f->left-- <= 0) return NULL;
    return qn_allocator_default()->alloc(NULL, bytes, align);
}
static void failing_free(void *self, void *block) {
    (void)self;
    qn_allocator_default()->free(NULL, block);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    gd_graph g;
    qn_bytes bytes = small_model(&g);
    int64_t nth = 0;
    for (qn_code code = QN_OUT_OF_MEMORY; code != QN_OK; nth++) {
        failing left = {nth};
        const qn_allocator allocator = {&left, failing_alloc, failing_free};
        qn_arena arena;
        qn_graph *graph;
        qn_arena_init(&arena, &allocator);
        qn_status *status = import_tensorflow(bytes, "m.pb", NULL, &arena, &graph);
        code = qn_status_code(status);
        if (code != QN_OK && code != QN_OUT_OF_MEMORY)
            fail_msg("allocation %d: %s", (int)nth, qn_status_message(status));
        qn_status_free(status);
        qn_arena_deinit(&arena);
    }
    assert_true(nth > 2);
    gd_deinit(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_cut_at_any_byte_never_crashes),
        cmocka_unit_test(ten_thousand_flipped_bits_never_crash),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
