/* Status values: what a failure carries, and how callers add to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/status.h"

static void test_success_has_code_ok_and_empty_texts(void **state) {
    (void)state;
    assert_int_equal(qn_status_code(NULL), QN_OK);
    assert_string_equal(qn_status_message(NULL), "");
    assert_string_equal(qn_status_where(NULL), "");
    qn_status_free(NULL);
}

static void test_a_failure_carries_code_message_and_place(void **state) {
    (void)state;
    qn_status *status = QN_ERR(QN_LIMIT, "rank %d is above the limit of %d", 9, 8);
    int line = __LINE__ - 1;
    char where[64];
    snprintf(where, sizeof where, "status_test.c:%d", line);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    assert_string_equal(qn_status_message(status), "rank 9 is above the limit of 8");
    assert_string_equal(qn_status_where(status), where);
    qn_status_free(status);
}

static void test_a_long_path_leaves_the_place_terminated(void **state) {
    (void)state;
    char file[400];
    memset(file, 'a', sizeof file - 1);
    file[sizeof file - 1] = 0;
    qn_status *status = qn_status_make(QN_IO, file, 12, "text");
    assert_true(strlen(qn_status_where(status)) < 100);
    qn_status_free(status);
}

static void test_handles_on_one_failure_are_given_up_apart(void **state) {
    (void)state;
    qn_status *first = QN_ERR(QN_LIMIT, "too wide");
    qn_status *second = qn_status_share(first), *third = qn_status_share(second);
    second = qn_status_context(second, "queue 'a'"); /* the others keep their message */
    assert_string_equal(qn_status_message(first), "too wide");
    assert_string_equal(qn_status_message(second), "queue 'a': too wide");
    assert_string_equal(qn_status_where(second), qn_status_where(first));
    assert_int_equal(qn_status_code(second), QN_LIMIT);
    qn_status_free(first);
    third = qn_status_context(third, "last");
    assert_string_equal(qn_status_message(third), "last: too wide");
    qn_status_free(third);
    assert_string_equal(qn_status_message(second), "queue 'a': too wide");
    qn_status_free(second);
    assert_null(qn_status_share(NULL));
    assert_ptr_equal(qn_status_share(qn_status_out_of_memory()), qn_status_out_of_memory());
}

static void test_a_failure_tells_programs_what_it_speaks_of(void **state) {
    (void)state;
    assert_null(qn_status_option(NULL));
    assert_null(qn_status_node(NULL));
    assert_int_equal(qn_status_sample(NULL), -1);
    qn_status *status = QN_ERR(QN_LIMIT, "too wide");
    assert_null(qn_status_option(status));
    assert_null(qn_status_node(status));
    assert_int_equal(qn_status_sample(status), -1);
    char name[] = "conv";
    status = qn_status_of_option(status, "pixels_max");
    status = qn_status_of_node(status, name);
    status = qn_status_of_sample(status, 3);
    name[0] = 'C'; /* it was copied */
    assert_string_equal(qn_status_option(status), "pixels_max");
    assert_string_equal(qn_status_node(status), "conv");
    assert_int_equal(qn_status_sample(status), 3);
    assert_string_equal(qn_status_message(status), "sample 4: too wide");
    qn_status_free(status);
}

static void test_what_a_failure_speaks_of_was_said_first_and_stays(void **state) {
    (void)state;
    qn_status *status = qn_status_of_node(qn_status_of_option(QN_ERR(QN_IO, "cut"), "scans_max"), "inner");
    status = qn_status_of_sample(qn_status_of_node(qn_status_of_option(status, "memory_max"), "outer"), 0);
    status = qn_status_context(qn_status_of_sample(status, 8), "file 'a'");
    assert_string_equal(qn_status_option(status), "scans_max");
    assert_string_equal(qn_status_node(status), "inner");
    assert_int_equal(qn_status_sample(status), 0);
    qn_status_free(status);
}

static void test_handles_on_one_failure_do_not_see_what_others_say_of_it(void **state) {
    (void)state;
    qn_status *first = qn_status_of_node(QN_ERR(QN_IO, "cut"), "conv"), *second = qn_status_share(first);
    second = qn_status_of_sample(qn_status_of_option(second, "scans_max"), 1);
    assert_null(qn_status_option(first));
    assert_int_equal(qn_status_sample(first), -1);
    assert_string_equal(qn_status_message(first), "cut");
    assert_string_equal(qn_status_node(second), "conv");
    assert_string_equal(qn_status_where(second), qn_status_where(first));
    qn_status_free(first);
    assert_string_equal(qn_status_message(second), "sample 2: cut");
    qn_status_free(second);
}

static void test_success_exhaustion_and_cancelling_speak_of_nothing(void **state) {
    (void)state;
    assert_null(qn_status_of_node(qn_status_of_option(qn_status_of_sample(NULL, 1), "pixels_max"), "x"));
    qn_status *status[] = {qn_status_out_of_memory(), QN_ERR(QN_CANCELLED, "cancelled")};
    for (int i = 0; i < 2; i++) {
        status[i] = qn_status_of_node(qn_status_of_option(qn_status_of_sample(status[i], 1), "pixels_max"), "x");
        assert_null(qn_status_option(status[i]));
        assert_null(qn_status_node(status[i]));
        assert_int_equal(qn_status_sample(status[i]), -1);
        qn_status_free(status[i]);
    }
}

static void test_messages_of_any_length_are_kept_whole(void **state) {
    (void)state;
    char text[20001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    qn_status *status = qn_status_context(QN_ERR(QN_IO, "%s", text), "%s", text);
    assert_int_equal(strlen(qn_status_message(status)), 2 * (sizeof text - 1) + 2);
    qn_status_free(status);
}

static void test_contexts_stand_outermost_first(void **state) {
    (void)state;
    qn_status *status = QN_ERR(QN_INVALID_MODEL, "dim 2 is -1");
    status = qn_status_context(status, "input %d '%s'", 1, "w");
    status = qn_status_context(status, "tensorflow: node 'Conv' (Conv2D)");
    assert_string_equal(qn_status_message(status), "tensorflow: node 'Conv' (Conv2D): input 1 'w': dim 2 is -1");
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    qn_status_free(status);
}

static void test_context_on_success_stays_success(void **state) {
    (void)state;
    assert_null(qn_status_context(NULL, "node '%s'", "x"));
}

static void test_cancelling_takes_no_context(void **state) {
    (void)state;
    qn_status *status = qn_status_context(QN_ERR(QN_CANCELLED, "cancelled"), "node '%s'", "x");
    assert_string_equal(qn_status_message(status), "cancelled");
    assert_int_equal(qn_status_code(status), QN_CANCELLED);
    qn_status_free(status);
}

static qn_status *answer(qn_status *status, int *steps) {
    QN_TRY(status);
    ++*steps;
    return NULL;
}

static qn_status *answer_in_context(qn_status *status, int *steps) {
    QN_TRY_CTX(status, "step %d", *steps);
    ++*steps;
    return NULL;
}

static void test_try_goes_on_after_success_and_returns_a_failure(void **state) {
    (void)state;
    int steps = 0;
    assert_null(answer(NULL, &steps));
    assert_null(answer_in_context(NULL, &steps));
    assert_int_equal(steps, 2);
    qn_status *made = QN_ERR(QN_BUSY, "in use"), *got = answer(made, &steps);
    assert_ptr_equal(got, made);
    got = answer_in_context(got, &steps);
    assert_ptr_equal(got, made);
    assert_string_equal(qn_status_message(got), "step 2: in use");
    assert_int_equal(steps, 2);
    qn_status_free(got);
}

static void test_out_of_memory_is_one_static_status(void **state) {
    (void)state;
    qn_status *status = qn_status_out_of_memory();
    assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
    assert_string_equal(qn_status_message(status), "out of memory");
    assert_ptr_equal(qn_status_context(status, "node '%s'", "x"), status);
    assert_string_equal(qn_status_message(status), "out of memory");
    qn_status_free(status);
    assert_ptr_equal(qn_status_out_of_memory(), status);
    assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
}

static void test_join_keeps_the_first_failure(void **state) {
    (void)state;
    qn_status *first = QN_ERR(QN_IO, "first"), *second = QN_ERR(QN_LIMIT, "second");
    assert_null(qn_status_join(NULL, NULL));
    assert_ptr_equal(qn_status_join(NULL, second), second);
    assert_ptr_equal(qn_status_join(first, NULL), first);
    assert_ptr_equal(qn_status_join(first, second), first); /* frees the second */
    assert_ptr_equal(qn_status_join(first, qn_status_out_of_memory()), first);
    assert_string_equal(qn_status_message(first), "first");
    qn_status_free(first);
}

static void test_callers_make_a_status_without_a_place(void **state) {
    (void)state;
    qn_status *status = qn_status_create(QN_CANCELLED, "stopped at %d%%", 40);
    assert_int_equal(qn_status_code(status), QN_CANCELLED);
    assert_string_equal(qn_status_message(status), "stopped at 40%");
    assert_string_equal(qn_status_where(status), "");
    qn_status_free(status);
}

static void test_every_code_has_its_own_name(void **state) {
    (void)state;
    for (int a = QN_OK; a <= QN_INTERNAL; a++) {
        assert_string_not_equal(qn_code_name((qn_code)a), "UNKNOWN");
        for (int b = QN_OK; b < a; b++) assert_string_not_equal(qn_code_name((qn_code)a), qn_code_name((qn_code)b));
    }
    assert_string_equal(qn_code_name(QN_OK), "OK");
    assert_string_equal(qn_code_name(QN_INVALID_MODEL), "INVALID_MODEL");
    assert_string_equal(qn_code_name(QN_INVALID_ARGUMENT), "INVALID_ARGUMENT");
    assert_string_equal(qn_code_name(QN_UNSUPPORTED), "UNSUPPORTED");
    assert_string_equal(qn_code_name(QN_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(qn_code_name(QN_IO), "IO");
    assert_string_equal(qn_code_name(QN_OUT_OF_MEMORY), "OUT_OF_MEMORY");
    assert_string_equal(qn_code_name(QN_INCOMPATIBLE), "INCOMPATIBLE");
    assert_string_equal(qn_code_name(QN_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(qn_code_name(QN_CANCELLED), "CANCELLED");
    assert_string_equal(qn_code_name(QN_BUSY), "BUSY");
    assert_string_equal(qn_code_name(QN_LIMIT), "LIMIT");
    assert_string_equal(qn_code_name(QN_INTERNAL), "INTERNAL");
    assert_string_equal(qn_code_name((qn_code)1000), "UNKNOWN");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success_has_code_ok_and_empty_texts),
        cmocka_unit_test(test_a_failure_carries_code_message_and_place),
        cmocka_unit_test(test_a_long_path_leaves_the_place_terminated),
        cmocka_unit_test(test_handles_on_one_failure_are_given_up_apart),
        cmocka_unit_test(test_a_failure_tells_programs_what_it_speaks_of),
        cmocka_unit_test(test_what_a_failure_speaks_of_was_said_first_and_stays),
        cmocka_unit_test(test_handles_on_one_failure_do_not_see_what_others_say_of_it),
        cmocka_unit_test(test_success_exhaustion_and_cancelling_speak_of_nothing),
        cmocka_unit_test(test_messages_of_any_length_are_kept_whole),
        cmocka_unit_test(test_contexts_stand_outermost_first),
        cmocka_unit_test(test_context_on_success_stays_success),
        cmocka_unit_test(test_cancelling_takes_no_context),
        cmocka_unit_test(test_try_goes_on_after_success_and_returns_a_failure),
        cmocka_unit_test(test_out_of_memory_is_one_static_status),
        cmocka_unit_test(test_join_keeps_the_first_failure),
        cmocka_unit_test(test_callers_make_a_status_without_a_place),
        cmocka_unit_test(test_every_code_has_its_own_name),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
