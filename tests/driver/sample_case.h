/* What the tests of integer precision share: a small network, samples made up as they go, builds with a calibrator. */
#ifndef QN_TESTS_DRIVER_SAMPLE_CASE_H
#define QN_TESTS_DRIVER_SAMPLE_CASE_H

#include "driver_case.h"

/* x [1, h, w, 2] -> conv -> relu (r, [1, h, w, 3]) -> conv (y, [1, h, w, 4]); h and w up to 9. */
extern const char sample_network[];
/* The same, with labels y [1, h, w]. */
extern const char sample_labels_network[];
#define INT8 "{'precision_config': {'precision_mode': 'qint8_mixed_float16'}}"

enum { SAMPLE_SIDE_MAX = 9, SAMPLE_CHANNELS = 2 };

/* What is wrong with sample `spoil_at`. */
typedef enum spoil {
    SPOIL_NOTHING,
    SPOIL_NAN,
    SPOIL_INFINITY,
    SPOIL_RANK,
    SPOIL_CHANNELS,
    SPOIL_DTYPE,
    SPOIL_SIZE,
    SPOIL_ERROR
} spoil;

/* Random pictures of random size; sample i is the same whenever it is asked for. */
typedef struct feed {
    qn_samples samples; /* what the API is given */
    int64_t at, count;
    uint64_t seed;
    int is_same;     /* every sample is the first */
    int is_reversed; /* the last comes first */
    int64_t side;    /* 0: random */
    spoil spoil;
    int64_t spoil_at;
    int64_t shrinks_by; /* after the first rewind there are so many samples fewer (or more) */
    int rewinds;
    float data[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * SAMPLE_CHANNELS];
    int64_t height, width; /* of the sample at hand */
} feed;

/* `count` samples. */
void feed_init(feed *f, uint64_t seed, int64_t count);

/* A calibrator on `statements` and `count` samples, with default options. */
qn_calibrator *calibrated(const char *statements, const char *json, uint64_t seed, int64_t count);
qn_status *try_calibrate(qn_calibrator *calibrator, const char *statements, const char *json, feed *f);

/* Builds; any of the last four may be NULL. */
qn_status *try_build_with(const char *statements, const char *json, const qn_calibrator *calibrator,
                          const qn_contract *contract, case_log *log, qn_model **out_model);
qn_model *build_with(const char *statements, const char *json, const qn_calibrator *calibrator);

void expect_same_bytes(const qn_model *a, const qn_model *b);
/* The precision of a step, as inspect shows it; fails if there is none of that name. */
const char *precision_of(const qn_model *model, const char *step);

#endif
