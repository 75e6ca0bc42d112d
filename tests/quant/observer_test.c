/* Observers: extremes, means and histograms of values that come sample by sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/meter.h"
#include "base/text.h"
#include "quant/observer.h"

static qn_observer *observer_of(int64_t channels) {
    qn_observer *observer;
    assert_null(qn_observer_create(NULL, channels, &observer));
    return observer;
}

/* A float of any magnitude, now and then a special one. */
static float draw(qn_rng *rng, int special) {
    static const float specials[] = {0, -0.0f, NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -1e-40f};
    if (special && qn_rng_range(rng, 0, 40) == 0) return specials[qn_rng_range(rng, 0, 8)];
    return qn_rng_float(rng, -1, 1) * ldexpf(1, (int)qn_rng_range(rng, -6, 6));
}

/* What one channel should have seen, told the plain way. */
typedef struct seen {
    float min, max;
    double sum, square_sum;
    uint64_t count, bad;
} seen;

static void see(seen *s, float x) {
    if (!isfinite(x)) {
        s->bad++;
        return;
    }
    if (!s->count || x < s->min) s->min = x;
    if (!s->count || x > s->max) s->max = x;
    s->sum += x;
    s->square_sum += (double)x * x;
    s->count++;
}

static void expect_near(double found, double expected, double scale) {
    if (fabs(found - expected) > 1e-12 * scale) fail_msg("found %.17g, expected %.17g", found, expected);
}

static void expect_channel(const qn_observer *observer, int64_t c, const seen *s) {
    assert_int_equal(observer->channel_count[c], s->count);
    if (!s->count) {
        assert_true(observer->channel_min[c] > observer->channel_max[c]);
        assert_true(qn_observer_channel_mean(observer, c) == 0 && qn_observer_channel_square(observer, c) == 0);
        return;
    }
    double rms = sqrt(s->square_sum / (double)s->count) + 1e-300;
    assert_true(observer->channel_min[c] == s->min && observer->channel_max[c] == s->max);
    expect_near(qn_observer_channel_mean(observer, c), s->sum / (double)s->count, rms * 10);
    expect_near(qn_observer_channel_square(observer, c), s->square_sum / (double)s->count, rms * rms * 10);
}

/* Every channel against plain loops: few and many channels, odd rows, special values or none. */
static void extremes_and_means_are_those_of_all_elements(void **state) {
    (void)state;
    static const int64_t widths[] = {1, 2, 3, 7, 31, 63, 64, 65, 100, 255};
    uint64_t seed = 41;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 60; round++) {
        const int64_t channels = widths[qn_rng_range(&rng, 0, 9)];
        const int special = (int)qn_rng_range(&rng, 0, 1);
        qn_observer *observer = observer_of(channels);
        seen channel[255] = {{0}}, all = {0};
        int samples = (int)qn_rng_range(&rng, 1, 4);
        for (int s = 0; s < samples; s++) {
            const int64_t rows = qn_rng_range(&rng, 0, 90);
            float *data = malloc((size_t)(rows * channels + !rows) * sizeof *data);
            for (int64_t i = 0; i < rows * channels; i++) {
                data[i] = draw(&rng, special);
                see(&channel[i % channels], data[i]);
                see(&all, data[i]);
            }
            qn_observer_add(observer, data, rows);
            free(data);
        }
        assert_int_equal(observer->samples, samples);
        assert_int_equal(observer->elements, all.count + all.bad);
        assert_int_equal(observer->non_finite, all.bad);
        if (all.count) assert_true(observer->min == all.min && observer->max == all.max);
        for (int64_t c = 0; c < channels; c++) expect_channel(observer, c, &channel[c]);
        assert_int_equal(qn_histogram_total(&observer->histogram), all.count); /* small samples enter whole */
        for (int64_t c = 0; c < channels && channels > 1; c++)
            assert_int_equal(qn_histogram_total(&observer->channel_histograms[c]), channel[c].count);
        qn_observer_destroy(observer);
    }
}

static void moving_averages_follow_the_samples(void **state) {
    (void)state;
    qn_observer *observer = observer_of(2);
    qn_observer_add(observer, (float[]){NAN, NAN}, 1); /* nothing to start from */
    assert_true(observer->average_max == 0 && observer->min > observer->max);
    qn_observer_add(observer, (float[]){-1, 4}, 1);
    assert_true(observer->average_min == -1 && observer->average_max == 4);
    qn_observer_add(observer, (float[]){0, 1, 1, 14}, 2);
    assert_true(fabs(observer->average_min - -0.9) < 1e-15 && fabs(observer->average_max - 5) < 1e-15);
    qn_observer_add(observer, NULL, 0);
    assert_true(fabs(observer->average_max - 5) < 1e-15);
    assert_int_equal(observer->samples, 4);
    qn_observer_destroy(observer);
}

/* Each bin against a count of the values between its edges. */
static void expect_histogram(const qn_histogram *h, const float *values, int count) {
    int outliers = 0;
    uint64_t zeros = 0;
    assert_int_equal(h->negative + h->positive, h->bins);
    assert_true(qn_histogram_edge(h, h->negative) == 0); /* 0 is an edge */
    uint64_t *expected = calloc((size_t)h->bins, sizeof *expected);
    for (int i = 0; i < count; i++) {
        int bin = 0;
        if (values[i] == 0)
            zeros++;
        else if (values[i] < qn_histogram_edge(h, 0) || values[i] >= qn_histogram_edge(h, h->bins))
            outliers++;
        else {
            while (values[i] >= qn_histogram_edge(h, bin + 1)) bin++;
            expected[bin]++;
        }
    }
    assert_int_equal(h->zeros, zeros);
    assert_int_equal(h->outlier_count, outliers);
    for (int i = 0; i < h->bins; i++) assert_int_equal(h->counts[i], expected[i]);
    free(expected);
}

static void histograms_widen_and_slide_without_losing_anything(void **state) {
    (void)state;
    uint64_t seed = 43;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 300; round++) {
        enum { COUNT = 700 };
        static const int bins[] = {2, 16, 128, 2048}, capacities[] = {2, 8, 256};
        uint32_t counts[2048] = {0};
        float outliers[256] = {0}, values[COUNT], sign = (float)qn_rng_range(&rng, -1, 1);
        qn_histogram h;
        qn_histogram_init(&h, counts, bins[qn_rng_range(&rng, 0, 3)], outliers, capacities[qn_rng_range(&rng, 0, 2)]);
        const int spread = (int)qn_rng_range(&rng, 0, 140);
        for (int i = 0; i < COUNT; i++) {
            values[i] = qn_rng_float(&rng, -1, 1) * ldexpf(1, (int)qn_rng_range(&rng, -spread, spread * 127 / 140));
            if (sign != 0) values[i] = sign * fabsf(values[i]);
            if (qn_rng_range(&rng, 0, 30) == 0) values[i] = 0;
            qn_histogram_add(&h, values[i]);
        }
        if (!h.positive && !h.negative) continue;
        expect_histogram(&h, values, COUNT);
        if (sign > 0) assert_int_equal(h.negative, 0);
        if (sign < 0) assert_int_equal(h.positive, 0);
        qn_histogram_copy settled;
        qn_histogram_settle(&h, &settled);
        assert_int_equal(settled.histogram.outlier_count, 0); /* 700 values are too few for any */
        expect_histogram(&settled.histogram, values, COUNT);
    }
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void ranks_are_within_a_bin_of_the_sorted_values(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    uint64_t seed = 44;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 20; round++) {
        uint32_t counts[2048] = {0};
        float outliers[256] = {0}, values[COUNT];
        qn_histogram h;
        qn_histogram_init(&h, counts, 2048, outliers, 256);
        for (int i = 0; i < COUNT; i++) {
            float u = qn_rng_float(&rng, -1, 1);
            values[i] = qn_rng_range(&rng, 0, 4) ? u * u * u * (float)(round + 1) : 0;
            if (!qn_rng_range(&rng, 0, 200)) values[i] *= 1e5f;
            qn_histogram_add(&h, values[i]);
        }
        qsort(values, COUNT, sizeof *values, ascending);
        const double width = ldexp(1, h.exponent);
        for (int i = 0; i < COUNT; i++) {
            assert_true(fabs(qn_histogram_rank(&h, (uint64_t)i, 0) - values[i]) <= width);
            assert_true(fabs(qn_histogram_rank(&h, (uint64_t)i, 1) - values[COUNT - 1 - i]) <= width);
        }
    }
}

static void an_outlier_costs_no_resolution(void **state) {
    (void)state;
    qn_observer *observer = observer_of(1);
    float data[1000];
    for (int s = 0; s < 20; s++) {
        for (int i = 0; i < 1000; i++) data[i] = (float)(i % 100) / 100;
        if (s == 7) data[500] = 1e6f;
        qn_observer_add(observer, data, 1000);
    }
    assert_true(observer->max == 1e6f);
    assert_true(qn_histogram_edge(&observer->histogram, 2048) <= 2);
    assert_int_equal(observer->histogram.outlier_count, 1);
    qn_observer_destroy(observer);
}

static void full_counts_are_halved(void **state) {
    (void)state;
    uint32_t counts[16] = {0};
    float outliers[2];
    qn_histogram h;
    qn_histogram_init(&h, counts, 16, outliers, 2);
    qn_histogram_add(&h, 1), qn_histogram_add(&h, 2); /* widths are chosen when the list is full */
    qn_histogram_add(&h, 1), qn_histogram_add(&h, 1);
    int bin = 0;
    while (!counts[bin]) bin++;
    counts[bin] = UINT32_MAX;
    h.zeros = 7;
    qn_histogram_add(&h, 1);
    assert_int_equal(counts[bin], (UINT32_MAX >> 1) + UINT32_C(2));
    assert_int_equal(h.zeros, 4);
}

/* Rows of a big sample are picked; extremes are found all the same. */
static void big_samples_enter_histograms_in_part(void **state) {
    (void)state;
    enum { ROWS = 300000, CHANNELS = 3 };
    float *data = malloc(ROWS * CHANNELS * sizeof *data);
    for (int i = 0; i < ROWS * CHANNELS; i++) data[i] = (float)((i / CHANNELS) % 64) + 1; /* a picture 64 wide */
    data[ROWS * CHANNELS - 1] = 1000;
    data[1] = -5;
    qn_observer *observer = observer_of(CHANNELS);
    qn_observer_add(observer, data, ROWS);
    assert_true(observer->min == -5 && observer->max == 1000);
    const uint64_t total = qn_histogram_total(&observer->histogram);
    assert_in_range(total, QN_OBSERVER_PICK / 2, QN_OBSERVER_PICK);
    assert_int_equal(qn_histogram_total(&observer->channel_histograms[1]), total / 3);
    for (int column = 0; column < 63; column++) { /* every column gets its share */
        double share = 0, edge;
        for (int i = 0; i < 2048; i++) {
            edge = qn_histogram_edge(&observer->histogram, i);
            if (edge >= column + 1 && edge < column + 2) share += observer->histogram.counts[i];
        }
        assert_true(share > 0.8 * (double)total / 64 && share < 1.2 * (double)total / 64);
    }
    qn_observer_destroy(observer);
    free(data);
}

/* Four values below zero, each with one chance in eight per sample: equal samples do not bring in equal rows. */
static void every_sample_brings_other_rows_in(void **state) {
    (void)state;
    enum { ROWS = 8 * QN_OBSERVER_PICK, SAMPLES = 24 };
    float *data = malloc(ROWS * sizeof *data);
    uint64_t below = 0;
    for (int i = 0; i < ROWS; i++) data[i] = (float)(i / 256) + 1;
    data[1000] = data[2003] = data[3005] = data[300006] = -1;
    qn_observer *observer = observer_of(1);
    for (int s = 0; s < SAMPLES; s++) qn_observer_add(observer, data, ROWS);
    while (qn_histogram_rank(&observer->histogram, below, 0) < 0) below++;
    assert_in_range(below, 2, SAMPLES - 1); /* the same rows always: 0, or a multiple of SAMPLES */
    qn_observer_destroy(observer);
    free(data);
}

static void values_of_very_many_channels_are_seen_as_a_whole(void **state) {
    (void)state;
    const int64_t channels = QN_OBSERVER_CHANNELS_MAX + 1;
    float *data = calloc((size_t)channels * 2, sizeof *data);
    data[0] = -3, data[channels] = 5, data[7] = NAN;
    qn_observer *observer = observer_of(channels);
    qn_observer_add(observer, data, 2);
    assert_int_equal(observer->channels, 1);
    assert_int_equal(observer->elements, channels * 2);
    assert_int_equal(observer->channel_count[0], channels * 2 - 1);
    assert_true(observer->min == -3 && observer->channel_max[0] == 5);
    assert_null(observer->channel_histograms);
    qn_observer_destroy(observer);
    free(data);
}

static void the_same_samples_give_the_same_bits(void **state) {
    (void)state;
    enum { ROWS = 500, CHANNELS = 5 };
    qn_rng rng;
    qn_rng_init(&rng, 45);
    qn_observer *a = observer_of(CHANNELS), *b = observer_of(CHANNELS);
    float *data = malloc((ROWS * CHANNELS + 1) * sizeof *data);
    for (int s = 0; s < 5; s++) {
        for (int i = 0; i < ROWS * CHANNELS; i++) data[i] = draw(&rng, 1);
        qn_observer_add(a, data, ROWS);
        memmove(data + 1, data, ROWS * CHANNELS * sizeof *data); /* wherever they lie */
        qn_observer_add(b, data + 1, ROWS);
    }
    assert_memory_equal(a->channel_sum, b->channel_sum, CHANNELS * sizeof(double));
    assert_memory_equal(a->channel_square_sum, b->channel_square_sum, CHANNELS * sizeof(double));
    assert_memory_equal(&a->average_min, &b->average_min, sizeof(double));
    assert_memory_equal(a->counts, b->counts, (QN_OBSERVER_BINS + CHANNELS * QN_OBSERVER_CHANNEL_BINS) * 4);
    qn_observer_destroy(a), qn_observer_destroy(b);
    free(data);
}

static void expect_same_sight(const qn_observer *a, const qn_observer *b) {
    const size_t channels = (size_t)a->channels;
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->elements, b->elements);
    assert_int_equal(a->non_finite, b->non_finite);
    assert_true(a->min == b->min && a->max == b->max);
    assert_true(a->average_min == b->average_min && a->average_max == b->average_max);
    assert_memory_equal(a->channel_min, b->channel_min, channels * sizeof(float));
    assert_memory_equal(a->channel_max, b->channel_max, channels * sizeof(float));
    assert_memory_equal(a->channel_sum, b->channel_sum, channels * sizeof(double));
    assert_memory_equal(a->channel_square_sum, b->channel_square_sum, channels * sizeof(double));
    assert_memory_equal(a->channel_count, b->channel_count, channels * sizeof(uint64_t));
    assert_int_equal(qn_histogram_total(&a->histogram), qn_histogram_total(&b->histogram));
    for (size_t c = 0; c <= channels; c++) {
        if (c < channels && !a->channel_histograms) continue;
        const qn_histogram *x = c < channels ? &a->channel_histograms[c] : &a->histogram;
        const qn_histogram *y = c < channels ? &b->channel_histograms[c] : &b->histogram;
        uint64_t total = qn_histogram_total(x);
        assert_true(x->counts != y->counts);
        for (uint64_t rank = 0; rank < total; rank += 1 + total / 50)
            assert_true(qn_histogram_rank(x, rank, 1) == qn_histogram_rank(y, rank, 1));
    }
}

static void a_copy_has_seen_the_same_and_goes_on_alone(void **state) {
    static const int64_t channels[] = {1, 3, 70};
    (void)state;
    for (int i = 0; i < 3; i++) {
        float data[5][140];
        qn_rng rng;
        qn_rng_init(&rng, (uint64_t)i + 50);
        for (int s = 0; s < 5; s++)
            for (int e = 0; e < 140; e++) data[s][e] = draw(&rng, 1);
        qn_observer *first = observer_of(channels[i]), *twin = observer_of(channels[i]), *copy;
        int64_t rows = 140 / channels[i];
        for (int s = 0; s < 3; s++) qn_observer_add(first, data[s], rows), qn_observer_add(twin, data[s], rows);
        assert_null(qn_observer_copy(first, &copy));
        expect_same_sight(copy, twin);
        for (int s = 3; s < 5; s++) qn_observer_add(first, data[s], rows);
        expect_same_sight(copy, twin); /* what the original sees is its own */
        for (int s = 3; s < 5; s++) qn_observer_add(copy, data[s], rows);
        expect_same_sight(copy, first);
        qn_observer_destroy(first), qn_observer_destroy(twin), qn_observer_destroy(copy);
    }
}

static void memory_is_taken_when_created_only_and_given_back(void **state) {
    (void)state;
    meter m;
    qn_observer *observer;
    qn_allocator allocator;
    size_t budget = 0;
    for (;; budget++) {
        allocator = meter_allocator(&m, budget);
        qn_status *status = qn_observer_create(&allocator, 40, &observer);
        if (!status) break;
        assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        assert_null(observer);
        assert_int_equal(m.live, 0);
        qn_status_free(status);
    }
    assert_true(budget > 3);
    qn_observer_destroy(observer);
    assert_int_equal(m.live, 0);
    allocator = meter_allocator(&m, 100);
    assert_null(qn_observer_create(&allocator, 40, &observer));
    const size_t allocations = m.allocations;
    float data[400];
    for (int i = 0; i < 400; i++) data[i] = (float)i * i;
    for (int s = 0; s < 50; s++) qn_observer_add(observer, data, 10);
    assert_int_equal(m.allocations, allocations);
    qn_observer_destroy(observer);
    assert_int_equal(m.live, 0);
    qn_observer_destroy(NULL);
    qn_status *status = qn_observer_create(NULL, 0, &observer);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    qn_status_free(status);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_and_means_are_those_of_all_elements),
        cmocka_unit_test(moving_averages_follow_the_samples),
        cmocka_unit_test(histograms_widen_and_slide_without_losing_anything),
        cmocka_unit_test(ranks_are_within_a_bin_of_the_sorted_values),
        cmocka_unit_test(an_outlier_costs_no_resolution),
        cmocka_unit_test(full_counts_are_halved),
        cmocka_unit_test(big_samples_enter_histograms_in_part),
        cmocka_unit_test(every_sample_brings_other_rows_in),
        cmocka_unit_test(values_of_very_many_channels_are_seen_as_a_whole),
        cmocka_unit_test(the_same_samples_give_the_same_bits),
        cmocka_unit_test(a_copy_has_seen_the_same_and_goes_on_alone),
        cmocka_unit_test(memory_is_taken_when_created_only_and_given_back),
    };
    return cmocka_run_group_tests_name("quant/observer", tests, NULL, NULL);
}
