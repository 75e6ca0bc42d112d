/* Scores and their bounds: labels as tensors give them, hand-worked totals, and a bootstrap held against exact
 * distributions and against a plain one of its own. */
#include "driver_case.h"

#include "base/text.h"
#include "driver/contract/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static qn_arena arena;

static int setup(void **state) {
    (void)state;
    qn_arena_init(&arena, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    qn_arena_deinit(&arena);
    return 0;
}

static void add(qn_scores *scores, const int32_t *labels, const int32_t *truth, int64_t count) {
    expect_ok(qn_scores_add(scores, labels, truth, count));
}

/* One row in which `equal` of `total` labels agree. */
static void add_share(qn_scores *scores, int64_t equal, int64_t total) {
    int32_t *labels = calloc((size_t)total, sizeof *labels), *truth = calloc((size_t)total, sizeof *truth);
    assert_true(labels && truth);
    for (int64_t i = equal; i < total; i++) truth[i] = 1;
    add(scores, labels, truth, total);
    free(labels), free(truth);
}

static double bound_of(const qn_scores *before, const qn_scores *after, double confidence) {
    double bound;
    expect_ok(qn_scores_loss_bound(before, after, confidence, &bound));
    return bound;
}

/* ---- Labels ---- */

static void labels_are_integers_or_the_first_greatest_float(void **state) {
    (void)state;
    int32_t labels[4];
    const qn_tensor bytes = {QN_DTYPE_U8, 2, {1, 3}, (uint8_t[]){0, 255, 7}};
    assert_int_equal(qn_labels_count(&bytes, NULL), 3);
    qn_labels_read(&bytes, NULL, labels);
    assert_memory_equal(labels, ((int32_t[]){0, 255, 7}), 12);
    const qn_tensor wide = {QN_DTYPE_S64, 1, {2}, (int64_t[]){-1, 70000}};
    qn_labels_read(&wide, NULL, labels);
    assert_memory_equal(labels, ((int32_t[]){-1, 70000}), 8);
    const qn_tensor words = {QN_DTYPE_S32, 1, {2}, (int32_t[]){5, -9}};
    qn_labels_read(&words, NULL, labels);
    assert_memory_equal(labels, ((int32_t[]){5, -9}), 8);
    const qn_tensor floats = {QN_DTYPE_F32, 3, {2, 2, 3}, (float[]){1, 2, 2, 3, 1, 3, -1, -2, -1.5f, 0, 0, 0.5f}};
    assert_int_equal(qn_labels_count(&floats, NULL), 4);
    qn_labels_read(&floats, NULL, labels);
    assert_memory_equal(labels, ((int32_t[]){1, 0, 0, 2}), 16);
    const qn_tensor halves = {QN_DTYPE_F16, 1, {2}, (uint16_t[]){0x3c00, 0x4000}};
    qn_labels_read(&halves, NULL, labels);
    assert_int_equal(labels[0], 1);
}

static void scalars_and_single_floats_are_no_labels(void **state) {
    (void)state;
    float one = 1;
    assert_int_equal(qn_labels_count(&(qn_tensor){QN_DTYPE_F32, 0, {0}, &one}, NULL), -1);
    assert_int_equal(qn_labels_count(&(qn_tensor){QN_DTYPE_F32, 2, {1, 1}, &one}, NULL), -1);
    assert_int_equal(qn_labels_count(&(qn_tensor){QN_DTYPE_S32, 0, {0}, &one}, NULL), 1);
}

static void answers_say_how_scores_become_labels(void **state) {
    (void)state;
    int32_t labels[6];
    float scores[6] = {0.4f, 0.6f, 0.5f, 0.9f, 0.1f, 0.2f};
    const qn_answer part = {.kind = QN_ANSWER_FOREGROUND, .axis = 3, .class_count = 2, .threshold = 0.5};
    const qn_tensor one = {QN_DTYPE_F32, 4, {1, 2, 3, 1}, scores};
    assert_int_equal(qn_labels_count(&one, &part), 6);
    qn_labels_read(&one, &part, labels);
    assert_memory_equal(labels, ((int32_t[]){0, 1, 0, 1, 0, 0}), 24);
    const qn_answer first = {.kind = QN_ANSWER_LOGITS, .axis = 1, .class_count = 3};
    const qn_tensor planes = {QN_DTYPE_F32, 4, {1, 3, 1, 2}, scores};
    assert_int_equal(qn_labels_count(&planes, &first), 2);
    qn_labels_read(&planes, &first, labels);
    assert_memory_equal(labels, ((int32_t[]){1, 1}), 8);
    const qn_answer as_they_are = {.kind = QN_ANSWER_LABELS, .axis = -1};
    const qn_tensor floats = {QN_DTYPE_F32, 3, {1, 1, 2}, (float[]){7, 0}};
    assert_int_equal(qn_labels_count(&floats, &as_they_are), 2);
    qn_labels_read(&floats, &as_they_are, labels);
    assert_memory_equal(labels, ((int32_t[]){7, 0}), 8);
    const qn_tensor bools = {QN_DTYPE_BOOL, 2, {1, 2}, (uint8_t[]){1, 0}};
    assert_int_equal(qn_labels_count(&bools, NULL), 2);
    qn_labels_read(&bools, NULL, labels);
    assert_memory_equal(labels, ((int32_t[]){1, 0}), 8);
}

/* ---- Totals ---- */

static void agreement_is_the_share_of_all_labels(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_AGREEMENT, 0, &arena));
    add(&scores, (int32_t[]){1, 2, 3}, (int32_t[]){1, 2, 4}, 3);
    add(&scores, (int32_t[]){255}, (int32_t[]){255}, 1); /* nothing is ignored */
    assert_true(qn_scores_total(&scores) == 0.75);
}

/* Class 0: 1 of 3; class 1: 2 of 3; class 2: 0 of 1, claimed only; class 3 does not occur. */
static void miou_is_the_mean_over_the_classes_that_occur(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_MIOU, 4, &arena));
    add(&scores, (int32_t[]){0, 1, 0, 2}, (int32_t[]){0, 1, 1, 0}, 4);
    add(&scores, (int32_t[]){1, 3, 9}, (int32_t[]){1, 255, 255}, 3); /* 255 is not judged, whatever is claimed */
    assert_true(fabs(qn_scores_total(&scores) - (1.0 / 3 + 2.0 / 3 + 0) / 3) < 1e-15);
}

static void labels_outside_the_classes_are_refused(void **state) {
    (void)state;
    static const int32_t rows[][2] = {{4, 0}, {0, 4}, {-1, 0}, {0, -1}, {0, 254}};
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_MIOU, 4, &arena));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(qn_scores_add(&scores, &rows[i][0], &rows[i][1], 1), QN_INVALID_ARGUMENT, "expected 0 to 3");
    assert_int_equal(scores.rows.count, 0);
}

static void nothing_judged_is_no_loss(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_MIOU, 4, &arena));
    add(&scores, (int32_t[]){1, 2}, (int32_t[]){255, 255}, 2);
    assert_true(qn_scores_total(&scores) == 1.0);
}

/* ---- Bounds ---- */

static void equal_samples_have_no_spread(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_AGREEMENT, 0, &arena));
    for (int i = 0; i < 12; i++) add_share(&scores, 95, 100);
    assert_true(fabs(bound_of(NULL, &scores, 0.95) - 0.05) < 1e-12);
    assert_true(fabs(bound_of(NULL, &scores, 0.5) - 0.05) < 1e-12);
}

/* Two samples that lose 0.1 and 0.3: a draw of two loses 0.1, 0.2 or 0.3, with chances 1, 2, 1 of 4. */
static void two_samples_have_the_distribution_of_two_coins(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_AGREEMENT, 0, &arena));
    add_share(&scores, 90, 100);
    add_share(&scores, 70, 100);
    assert_true(fabs(bound_of(NULL, &scores, 0.95) - 0.3) < 1e-12);
    assert_true(fabs(bound_of(NULL, &scores, 0.80) - 0.3) < 1e-12);
    assert_true(fabs(bound_of(NULL, &scores, 0.70) - 0.2) < 1e-12);
    assert_true(fabs(bound_of(NULL, &scores, 0.50) - 0.2) < 1e-12);
}

/* Samples of 10 and of 1000 labels weigh by their labels, not alike: (1 + 0) / (10 + 1000) and the like. */
static void samples_weigh_by_their_size(void **state) {
    (void)state;
    qn_scores scores;
    expect_ok(qn_scores_init(&scores, QN_METRIC_AGREEMENT, 0, &arena));
    add_share(&scores, 5, 10);
    add_share(&scores, 1000, 1000);
    assert_true(fabs(bound_of(NULL, &scores, 0.5) - 5.0 / 1010) < 1e-12);
    assert_true(fabs(bound_of(NULL, &scores, 0.95) - 0.5) < 1e-12);
}

/* Both lose the same on the same samples: paired, there is nothing to lose, however much samples differ. */
static void a_paired_bootstrap_compares_sample_by_sample(void **state) {
    (void)state;
    qn_scores before, after;
    expect_ok(qn_scores_init(&before, QN_METRIC_MIOU, 2, &arena));
    expect_ok(qn_scores_init(&after, QN_METRIC_MIOU, 2, &arena));
    for (int i = 0; i < 20; i++) {
        const int32_t truth[4] = {0, 1, 0, 1}, labels[4] = {0, 1, i % 2, (i / 2) % 2};
        add(&before, labels, truth, 4);
        add(&after, labels, truth, 4);
    }
    assert_true(bound_of(&before, &after, 0.99) == 0);
    assert_true(bound_of(NULL, &after, 0.99) > 0.1);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { SAMPLES = 30, PLAIN_DRAWS = 20000, CLASSES = 3, PIXELS = 40 };

static double miou_of(int32_t (*labels)[PIXELS], int32_t (*truth)[PIXELS], const int *picked) {
    double both[CLASSES] = {0}, either[CLASSES] = {0}, sum = 0;
    int present = 0;
    for (int i = 0; i < SAMPLES; i++)
        for (int p = 0; p < PIXELS; p++)
            for (int c = 0; c < CLASSES; c++) {
                int32_t t = truth[picked[i]][p], l = labels[picked[i]][p];
                both[c] += t == c && l == c;
                either[c] += t == c || l == c;
            }
    for (int c = 0; c < CLASSES; c++) {
        if (either[c] > 0) sum += both[c] / either[c], present++;
    }
    return sum / present;
}

/* The quantile of losses by C's own random numbers. */
static double plain_bound(int32_t (*before)[PIXELS], int32_t (*after)[PIXELS], int32_t (*truth)[PIXELS],
                          double confidence) {
    static double losses[PLAIN_DRAWS];
    srand(1);
    for (int draw = 0; draw < PLAIN_DRAWS; draw++) {
        int picked[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) picked[i] = rand() % SAMPLES;
        losses[draw] = miou_of(before, truth, picked) - miou_of(after, truth, picked);
    }
    qsort(losses, PLAIN_DRAWS, sizeof *losses, compare);
    return losses[(int)(confidence * PLAIN_DRAWS)];
}

static void the_bound_is_that_of_a_plain_bootstrap(void **state) {
    (void)state;
    static int32_t truth[SAMPLES][PIXELS], before[SAMPLES][PIXELS], after[SAMPLES][PIXELS];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        qn_rng rng;
        qn_scores a, b;
        qn_rng_init(&rng, seed);
        expect_ok(qn_scores_init(&a, QN_METRIC_MIOU, CLASSES, &arena));
        expect_ok(qn_scores_init(&b, QN_METRIC_MIOU, CLASSES, &arena));
        for (int i = 0; i < SAMPLES; i++) {
            int64_t noise = qn_rng_range(&rng, 2, 20); /* pictures are hard to different degrees */
            for (int p = 0; p < PIXELS; p++) {
                truth[i][p] = (int32_t)qn_rng_range(&rng, 0, CLASSES - 1);
                before[i][p] = qn_rng_range(&rng, 0, noise) ? truth[i][p] : (int32_t)qn_rng_range(&rng, 0, CLASSES - 1);
                after[i][p] = qn_rng_range(&rng, 0, 15) ? before[i][p] : (int32_t)qn_rng_range(&rng, 0, CLASSES - 1);
            }
            add(&a, before[i], truth[i], PIXELS);
            add(&b, after[i], truth[i], PIXELS);
        }
        int once[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) once[i] = i;
        assert_true(fabs(qn_scores_total(&a) - miou_of(before, truth, once)) < 1e-12);
        double spread = plain_bound(before, after, truth, 0.975) - plain_bound(before, after, truth, 0.025);
        double last = -1;
        static const double levels[] = {0.5, 0.8, 0.9, 0.95, 0.99};
        for (int i = 0; i < 5; i++) {
            double bound = bound_of(&a, &b, levels[i]), plain = plain_bound(before, after, truth, levels[i]);
            if (fabs(bound - plain) > 0.06 * spread)
                fail_msg("seed %llu, confidence %g: %g, a plain bootstrap gives %g", (unsigned long long)seed,
                         levels[i], bound, plain);
            assert_true(bound >= last && bound == bound_of(&a, &b, levels[i]));
            last = bound;
        }
        assert_true(bound_of(&a, &b, 0.95) >= qn_scores_total(&a) - qn_scores_total(&b));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_integers_or_the_first_greatest_float),
        cmocka_unit_test(answers_say_how_scores_become_labels),
        cmocka_unit_test(scalars_and_single_floats_are_no_labels),
        cmocka_unit_test_setup_teardown(agreement_is_the_share_of_all_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(miou_is_the_mean_over_the_classes_that_occur, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_outside_the_classes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_judged_is_no_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_samples_have_no_spread, setup, teardown),
        cmocka_unit_test_setup_teardown(two_samples_have_the_distribution_of_two_coins, setup, teardown),
        cmocka_unit_test_setup_teardown(samples_weigh_by_their_size, setup, teardown),
        cmocka_unit_test_setup_teardown(a_paired_bootstrap_compares_sample_by_sample, setup, teardown),
        cmocka_unit_test_setup_teardown(the_bound_is_that_of_a_plain_bootstrap, setup, teardown),
    };
    return cmocka_run_group_tests_name("driver/score", tests, NULL, NULL);
}
