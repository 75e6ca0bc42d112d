/* What the tests of this folder assert about failures. */
#ifndef QN_TESTS_IMPORT_EXPECT_H
#define QN_TESTS_IMPORT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* `status` is a failure of this code whose message holds `part`; it is freed. */
static inline void expect_failure(qn_status *status, qn_code code, const char *part) {
    assert_non_null(status);
    if (!strstr(qn_status_message(status), part))
        fail_msg("the message '%s' does not hold '%s'", qn_status_message(status), part);
    if (qn_status_code(status) != code)
        fail_msg("code %s, expected %s: %s", qn_code_name(qn_status_code(status)), qn_code_name(code),
                 qn_status_message(status));
    qn_status_free(status);
}

/* `status` is a success. */
static inline void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

#endif
