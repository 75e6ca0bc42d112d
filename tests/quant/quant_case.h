/* What the tests of quantisation share. */
#ifndef QN_TESTS_QUANT_QUANT_CASE_H
#define QN_TESTS_QUANT_QUANT_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "quant/scale.h"

static inline void expect_refused(qn_status *status, qn_code code, const char *words) {
    assert_non_null(status);
    assert_int_equal(qn_status_code(status), code);
    if (!strstr(qn_status_message(status), words)) fail_msg("'%s' lacks '%s'", qn_status_message(status), words);
    qn_status_free(status);
}

/* About normal: the sum of twelve uniform numbers, mean 0, variance 1. */
static inline float draw_normal(qn_rng *rng) {
    float sum = 0;
    for (int i = 0; i < 12; i++) sum += qn_rng_float(rng, -0.5f, 0.5f);
    return sum;
}

#endif
