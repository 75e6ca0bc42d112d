/* Weights replaced in a running engine: whole, for every context, without allocating while running. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

enum { CHANNELS = 20, HEIGHT = 12, WIDTH = 9, ELEMS = 2 * 4 * HEIGHT * WIDTH * CHANNELS, RUNNERS = 4, CHANGES = 200 };

/* program_pictures with other weights. */
static const qn_program *program_halved(maker *m, int ceiling) {
    const qn_program *program = program_pictures(m, ceiling);
    float *weights = (float *)(uintptr_t)program->constants.data;
    for (size_t i = 0; i < program->constants.size / sizeof *weights; i++) weights[i] *= 0.5f;
    return program;
}

static qn_model *open_model(make_fn make, int ceiling) {
    qn_model *model;
    rig_file file = rig_write(make, ceiling);
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, NULL, &model));
    free(file.data);
    return model;
}

/* What an engine of that program answers to `x`. */
static float *answer(make_fn make, int ceiling, const float *x) {
    rig r = rig_open(make, ceiling, 1, NULL, NULL);
    float *y = run_pictures(r.context, HEIGHT, WIDTH, x);
    rig_close(&r);
    return y;
}

static _Atomic long allocations;

static void *counted_alloc(void *self, size_t bytes, size_t align) {
    atomic_fetch_add(&allocations, 1);
    return qn_allocator_default()->alloc(self, bytes, align);
}

static void test_the_next_run_of_every_context_has_the_new_weights(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++) {
        rig r = rig_open(program_pictures, ceiling, 2, NULL, NULL);
        qn_context *second;
        float *x = make_picture(HEIGHT, WIDTH, 3), *first = run_pictures(r.context, HEIGHT, WIDTH, x);
        float *expected = answer(program_halved, ceiling, x);
        assert_memory_not_equal(first, expected, ELEMS * sizeof *x);
        qn_model *other = open_model(program_halved, ceiling);
        assert_ok(qn_context_create(r.engine, &second));
        float *unbound = run_pictures(second, 3, 3, x); /* at another shape */
        assert_ok(qn_engine_replace_weights(r.engine, other));
        qn_model *shared = qn_engine_share_model(r.engine);
        assert_ptr_equal(shared, other);
        qn_model_destroy(shared);
        qn_model_destroy(other); /* the engine keeps it */
        float *y = run_pictures(r.context, HEIGHT, WIDTH, x), *z = run_pictures(second, HEIGHT, WIDTH, x);
        assert_memory_equal(y, expected, ELEMS * sizeof *x);
        assert_memory_equal(z, expected, ELEMS * sizeof *x);
        assert_ok(qn_engine_replace_weights(r.engine, r.model)); /* and back */
        free(y);
        y = run_pictures(r.context, HEIGHT, WIDTH, x);
        assert_memory_equal(y, first, ELEMS * sizeof *x);
        free(x), free(first), free(expected), free(unbound), free(y), free(z);
        qn_context_destroy(second);
        rig_close(&r);
    }
}

static void test_a_run_with_new_weights_allocates_nothing(void **state) {
    (void)state;
    const qn_allocator allocator = {NULL, counted_alloc, qn_allocator_default()->free};
    rig r = rig_open(program_pictures, 1, 2, NULL, &allocator);
    qn_model *other = open_model(program_halved, 1);
    float *x = make_picture(HEIGHT, WIDTH, 3), *y = run_pictures(r.context, HEIGHT, WIDTH, x);
    long before = atomic_load(&allocations);
    assert_ok(qn_engine_replace_weights(r.engine, other));
    free(y);
    y = run_pictures(r.context, HEIGHT, WIDTH, x);
    assert_int_equal(atomic_load(&allocations), before);
    free(x), free(y);
    qn_model_destroy(other);
    rig_close(&r);
}

static void test_another_program_is_refused(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_model *picks = open_model(program_picks, 1), *laid_out = open_model(program_pictures, 0);
    assert_status(qn_engine_replace_weights(r.engine, picks), QN_INVALID_ARGUMENT, "differ beyond their constants");
    assert_status(qn_engine_replace_weights(r.engine, laid_out), QN_INVALID_ARGUMENT, "differ beyond their constants");
    assert_status(qn_engine_replace_weights(r.engine, NULL), QN_INVALID_ARGUMENT, "no model");
    assert_status(qn_engine_replace_weights(NULL, picks), QN_INVALID_ARGUMENT, "no engine");
    qn_model_destroy(picks), qn_model_destroy(laid_out);
    rig_close(&r);
}

/* ---- Many contexts ---- */

typedef struct crowd {
    qn_engine *engine;
    const float *x, *old, *new;
    _Atomic int is_over, seen_old, seen_new, seen_mixture;
} crowd;

static void *run_on(void *self) {
    crowd *c = self;
    qn_context *context;
    assert_ok(qn_context_create(c->engine, &context));
    while (!atomic_load(&c->is_over)) {
        float *y = run_pictures(context, HEIGHT, WIDTH, c->x);
        if (!memcmp(y, c->old, ELEMS * sizeof *y))
            atomic_fetch_add(&c->seen_old, 1);
        else if (!memcmp(y, c->new, ELEMS * sizeof *y))
            atomic_fetch_add(&c->seen_new, 1);
        else
            atomic_fetch_add(&c->seen_mixture, 1);
        free(y);
    }
    qn_context_destroy(context);
    return NULL;
}

static void test_running_contexts_see_one_set_of_weights_or_the_other(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    float *x = make_picture(HEIGHT, WIDTH, 5), *old = answer(program_pictures, 1, x),
          *new = answer(program_halved, 1, x);
    crowd c = {.engine = r.engine, .x = x, .old = old, .new = new};
    pthread_t threads[RUNNERS];
    for (int i = 0; i < RUNNERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_on, &c), 0);
    for (int i = 0; i < CHANGES; i++) {
        qn_model *model = open_model(i % 2 ? program_pictures : program_halved, 1);
        assert_ok(qn_engine_replace_weights(r.engine, model));
        qn_model_destroy(model); /* gone with its last run */
    }
    while (!atomic_load(&c.seen_old) || !atomic_load(&c.seen_new)) {
        qn_model *model = open_model(atomic_load(&c.seen_old) ? program_halved : program_pictures, 1);
        assert_ok(qn_engine_replace_weights(r.engine, model));
        qn_model_destroy(model);
    }
    atomic_store(&c.is_over, 1);
    for (int i = 0; i < RUNNERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.seen_mixture), 0);
    free(x), free(old), free(new);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_run_of_every_context_has_the_new_weights),
        cmocka_unit_test(test_a_run_with_new_weights_allocates_nothing),
        cmocka_unit_test(test_another_program_is_refused),
        cmocka_unit_test(test_running_contexts_see_one_set_of_weights_or_the_other),
    };
    return cmocka_run_group_tests_name("runtime/weights", tests, NULL, NULL);
}
