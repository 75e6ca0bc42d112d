/* DeepLab gives the same bits whatever computes them: each picture of voc-dev on a reference path and on two others, which
 * change from picture to picture, so that every instruction set meets every number of threads. Compared are all values
 * that a run computes. QN_SOAK_PICTURES sets how many pictures, evenly spread (3; scripts/soak: all). */
#include "quantised.h"

#include "base/dtype.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALIBRATION_SAMPLES = 8, PICTURES = 3 };

typedef struct path {
    const char *cpu;
    int threads;
} path;

static const char *const cpus[] = {"avx2", "avx512", "avx512vnni"};
static const int threads[] = {1, 2, 3, 8};
enum { CPU_COUNT = sizeof cpus / sizeof *cpus, THREADS_COUNT = sizeof threads / sizeof *threads };

/* What one run computed. */
typedef struct trace {
    uint64_t labels, values;
    size_t count; /* of values */
} trace;

static uint64_t hash_tensor(const qn_tensor *tensor, uint64_t seed) {
    return qn_hash_bytes(tensor->data, tensor_elems(tensor) * qn_dtype_size(tensor->dtype), seed);
}

static int see(void *self, const char *name, const qn_tensor *tensor) {
    trace *t = self;
    t->values = hash_tensor(tensor, qn_hash_bytes(name, strlen(name), t->values));
    t->count++;
    return 0;
}

static trace run_on(qn_model *model, path way, const qn_tensor *picture) {
    runner r;
    trace t = {0};
    runner_open(&r, model, way.cpu, way.threads);
    expect_ok(qn_context_set_observer(r.context, see, &t));
    qn_tensor output = runner_run(&r, picture, 1);
    t.labels = hash_tensor(&output, 0);
    qn_npy_free(&output, NULL);
    r.model = NULL; /* the caller's */
    runner_close(&r);
    return t;
}

static void expect_same(const trace *t, const trace *reference, path way, path first, const char *picture) {
    if (t->labels == reference->labels && t->values == reference->values && t->count == reference->count) return;
    fail_msg("%s: %s with %s and %d threads are not those with %s and %d", picture,
             t->labels == reference->labels ? "values" : "labels", way.cpu, way.threads, first.cpu, first.threads);
}

static long pictures_wanted(void) {
    const char *text = getenv("QN_SOAK_PICTURES");
    const long wanted = text ? strtol(text, NULL, 10) : PICTURES;
    assert_true(wanted > 0);
    return wanted;
}

/* Takes the model over. Portable code is the reference for one picture in `portable_every`, the last of each such row;
   AVX2 is for the others. */
static void try_pictures(qn_model *model, const char *what, long portable_every) {
    static file_feed feed;
    feed_open(&feed, shared_path("voc-dev/JPEGImages"), ".jpg", 0);
    const long count = pictures_wanted() < feed.count ? pictures_wanted() : feed.count;
    const time_t start = time(NULL);
    long portable = 0;
    for (long i = 0; i < count; i++) {
        qn_tensor picture;
        int has;
        const int is_portable = i % portable_every == portable_every - 1;
        const path first = {is_portable ? "generic" : "avx2", threads[i / 2 % THREADS_COUNT]};
        feed.at = i * feed.count / count;
        expect_ok(feed.samples.next(&feed, &picture, 1, &has));
        const trace reference = run_on(model, first, &picture);
        assert_true(reference.count > 50);
        for (long other = 0; other < 2; other++) {
            const path way = {cpus[is_portable ? (i + other) % CPU_COUNT : 1 + other],
                              threads[(i + 1 + 2 * other) % THREADS_COUNT]};
            const trace t = run_on(model, way, &picture);
            expect_same(&t, &reference, way, first, feed.paths[feed.at - 1]);
        }
        portable += is_portable;
    }
    figure(what, "the same bits on %ld pictures, each by 3 paths, %ld of them by portable code, in %ld s", count,
           portable, (long)(time(NULL) - start));
    feed_close(&feed);
    qn_model_destroy(model);
}

static void integers_have_the_same_bits_by_every_path(void **state) {
    static file_feed feed;
    (void)state;
    need_shared();
    feed_open(&feed, shared_path("calibration"), ".jpg", 0);
    feed.count = feed.samples.count = CALIBRATION_SAMPLES;
    qn_model *model =
        build_calibrated(shared_path("models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"), INT8, &feed.samples);
    feed_close(&feed);
    try_pictures(model, "DeepLab in int8", 1);
}

/* Portable code adds fused products without the instruction for them: a minute for each picture. */
static void halves_have_the_same_bits_by_every_path(void **state) {
    (void)state;
    need_shared();
    try_pictures(build_model(shared_path("models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"),
                             "{\"precision_config\": {\"precision_mode\": \"force_float16\"}}"),
                 "DeepLab in float16", 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_the_same_bits_by_every_path),
        cmocka_unit_test(halves_have_the_same_bits_by_every_path),
    };
    return cmocka_run_group_tests_name("e2e/bits", tests, NULL, NULL);
}
