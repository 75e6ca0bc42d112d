/* min_cut: the cheapest cut of small networks is that which trying every cut finds, with the fewest on the source's side. */
#include "pass_case.h"

#include "pass/min_cut.h"

enum { VERTICES_MAX = 8, ARCS_MAX = 24, NETWORKS = 500 };

typedef struct arcs {
    int count, from[ARCS_MAX], to[ARCS_MAX];
    int64_t capacity[ARCS_MAX];
} arcs;

/* `sides`: bit v says that vertex v is on the source's side. */
static int64_t price_of(const arcs *a, unsigned sides) {
    int64_t price = 0;
    for (int i = 0; i < a->count; i++)
        if (sides >> a->from[i] & 1 && !(sides >> a->to[i] & 1)) price += a->capacity[i];
    return price;
}

static int count_bits(unsigned sides) {
    int count = 0;
    for (; sides; sides &= sides - 1) count++;
    return count;
}

static unsigned try_all(const arcs *a, int vertices) {
    unsigned best = 1u << QN_CUT_SOURCE;
    for (unsigned sides = 0; sides < 1u << vertices; sides++) {
        if (!(sides >> QN_CUT_SOURCE & 1) || sides >> QN_CUT_SINK & 1) continue;
        const int64_t price = price_of(a, sides), least = price_of(a, best);
        if (price < least || (price == least && count_bits(sides) < count_bits(best))) best = sides;
    }
    return best;
}

static unsigned find(qn_arena *arena, const arcs *a, int vertices, int64_t effort, int *out_done) {
    qn_cut cut = {.arena = arena};
    uint8_t side[VERTICES_MAX];
    unsigned sides = 0;
    int vertex;
    for (int i = 0; i < vertices; i++) expect_ok(qn_cut_add_vertex(&cut, &vertex));
    for (int i = 0; i < a->count; i++) expect_ok(qn_cut_add_arc(&cut, a->from[i], a->to[i], a->capacity[i]));
    expect_ok(qn_cut_find(&cut, &effort, side, out_done));
    for (int i = 0; i < vertices; i++) sides |= (unsigned)side[i] << i;
    return sides;
}

static void test_cheapest_cuts_are_those_that_trying_all_finds(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, 3);
    for (int n = 0; n < NETWORKS; n++) {
        qn_arena arena;
        arcs a = {.count = (int)qn_rng_range(&rng, 0, ARCS_MAX)};
        const int vertices = (int)qn_rng_range(&rng, 2, VERTICES_MAX);
        int is_done;
        qn_arena_init(&arena, NULL);
        for (int i = 0; i < a.count; i++) {
            a.from[i] = (int)qn_rng_range(&rng, 0, vertices - 1);
            a.to[i] = (int)qn_rng_range(&rng, 0, vertices - 1);
            a.capacity[i] = qn_rng_range(&rng, 0, 9) ? qn_rng_range(&rng, 0, 5) : QN_CUT_NEVER / ARCS_MAX;
        }
        assert_int_equal(find(&arena, &a, vertices, INT64_MAX, &is_done), try_all(&a, vertices));
        assert_true(is_done);
        qn_arena_deinit(&arena);
    }
}

static void test_too_little_effort_finds_nothing(void **state) {
    (void)state;
    qn_arena arena;
    arcs a = {.count = 2, .from = {QN_CUT_SOURCE, 2}, .to = {2, QN_CUT_SINK}, .capacity = {3, 2}};
    int is_done;
    qn_arena_init(&arena, NULL);
    assert_int_equal(find(&arena, &a, 3, 1, &is_done), 0);
    assert_false(is_done);
    assert_int_equal(find(&arena, &a, 3, 1000, &is_done), 1u << QN_CUT_SOURCE | 1u << 2);
    assert_true(is_done);
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cheapest_cuts_are_those_that_trying_all_finds),
        cmocka_unit_test(test_too_little_effort_finds_nothing),
    };
    return cmocka_run_group_tests_name("pass/min_cut", tests, NULL, NULL);
}
