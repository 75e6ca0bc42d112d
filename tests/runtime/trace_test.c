/* Traces: what is recorded, in sound JSON, in bounded room. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 12 };

static qn_trace *new_trace(size_t events) {
    qn_trace *trace;
    qn_trace_options options;
    qn_trace_options_init(&options);
    if (events) options.events = events;
    assert_ok(qn_trace_create(&options, &trace));
    return trace;
}

static char *write_and_read(const qn_trace *trace) {
    char path[] = "/tmp/quench-trace-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_ok(qn_trace_write_file(trace, path));
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    char *text = calloc(1, 1 << 20);
    size_t bytes = fread(text, 1, (1 << 20) - 1, stream);
    assert_true(bytes < (1 << 20) - 1);
    fclose(stream);
    unlink(path);
    return text;
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

/* ---- Is it JSON? A reader of its own: values nest, texts are escaped, nothing follows. ---- */

static const char *skip_value(const char *c);

static const char *skip_blanks(const char *c) {
    while (*c == ' ' || *c == '\n') c++;
    return c;
}

static const char *skip_text(const char *c) {
    assert_int_equal(*c, '"');
    for (c++; *c != '"'; c++) {
        assert_true((unsigned char)*c >= 0x20);
        if (*c == '\\') {
            c++;
            assert_non_null(strchr("\"\\u", *c));
        }
    }
    return c + 1;
}

static const char *skip_list(const char *c, char end, int is_object) {
    c = skip_blanks(c + 1);
    while (*c != end) {
        if (is_object) {
            c = skip_blanks(skip_text(c));
            assert_int_equal(*c, ':');
            c = skip_blanks(c + 1);
        }
        c = skip_blanks(skip_value(c));
        if (*c == end) break;
        assert_int_equal(*c, ',');
        c = skip_blanks(c + 1);
    }
    return c + 1;
}

static const char *skip_value(const char *c) {
    if (*c == '{') return skip_list(c, '}', 1);
    if (*c == '[') return skip_list(c, ']', 0);
    if (*c == '"') return skip_text(c);
    size_t digits = strspn(c, "-0123456789.");
    assert_true(digits > 0);
    return c + digits;
}

static void check_json(const char *text) { assert_int_equal(*skip_blanks(skip_value(text)), 0); }

/* ---- What is recorded ---- */

static void test_runs_steps_and_tasks_are_recorded(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_trace *trace = new_trace(0);
    float *x = make_picture(SIDE, SIDE, 1);
    assert_ok(qn_context_set_trace(r.context, trace));
    free(run_pictures(r.context, SIDE, SIDE, x));
    free(run_pictures(r.context, SIDE, SIDE, x));
    assert_ok(qn_context_set_trace(r.context, NULL));
    free(run_pictures(r.context, SIDE, SIDE, x)); /* not recorded */
    const qn_step_info *conv = qn_model_step(r.model, 0);
    char name[64];
    snprintf(name, sizeof name, "\"name\":\"%s\"", conv->name);
    rig_close(&r); /* the trace keeps the names */
    char *text = write_and_read(trace);
    check_json(text);
    assert_int_equal(count(text, "\"cat\":\"run\""), 2);
    assert_true(count(text, "\"cat\":\"step\"") >= 2 * 3);
    assert_int_equal(count(text, "\"op\":\"conv2d\""), 2);
    assert_true(count(text, "\"cat\":\"tasks\"") >= 2 * 3);
    assert_true(count(text, name) >= 4); /* step and tasks */
    assert_int_equal(count(text, "\"lost_events\":0"), 1);
    free(text);
    free(x);
    qn_trace_destroy(trace);
}

static void test_spans_and_texts_of_the_caller_are_escaped(void **state) {
    (void)state;
    qn_trace *trace = new_trace(10);
    int64_t now = qn_trace_now_ns();
    qn_trace_add_span(trace, "decode \"a\\b\"\n", now, now + 1500);
    qn_trace_add_span(trace, "0123456789012345678901234567890123456789012345\xC3\xA4", now, now);
    char *text = write_and_read(trace);
    check_json(text);
    assert_non_null(strstr(text, "\"decode \\\"a\\\\b\\\"\\u000a\""));
    assert_non_null(strstr(text, "\"dur\":1.500"));
    assert_non_null(strstr(text, "\"0123456789012345678901234567890123456789012345\"")); /* no half of a character */
    free(text);
    qn_trace_clear(trace);
    assert_int_equal(qn_trace_count(trace), 0);
    text = write_and_read(trace);
    check_json(text);
    assert_int_equal(count(text, "\"ph\":\"X\""), 0);
    free(text);
    qn_trace_destroy(trace);
}

static void test_room_is_bounded_and_what_is_lost_is_counted(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_trace *trace = new_trace(5);
    float *x = make_picture(SIDE, SIDE, 1);
    assert_ok(qn_context_set_trace(r.context, trace));
    free(run_pictures(r.context, SIDE, SIDE, x));
    assert_int_equal(qn_trace_count(trace), 5);
    assert_true(qn_trace_lost(trace) > 0);
    char *text = write_and_read(trace), lost[64];
    check_json(text);
    assert_int_equal(count(text, "\"ph\":\"X\""), 5);
    snprintf(lost, sizeof lost, "\"lost_events\":%zu", qn_trace_lost(trace));
    assert_non_null(strstr(text, lost));
    free(text);
    free(x);
    qn_trace_destroy(trace);
    rig_close(&r);
}

static qn_status *do_nothing(void *arg) {
    (void)arg;
    return NULL;
}

static void test_queues_have_named_tracks(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_trace *trace = new_trace(100);
    qn_queue *queue;
    qn_queue_options options;
    qn_queue_options_init(&options);
    options.name = "decoding";
    options.trace = trace;
    assert_ok(qn_queue_create(r.engine, &options, &queue));
    assert_ok(qn_queue_enqueue_host(queue, do_nothing, NULL));
    assert_ok(qn_queue_sync(queue));
    qn_queue_destroy(queue);
    char *text = write_and_read(trace);
    check_json(text);
    assert_non_null(strstr(text, "\"thread_name\""));
    assert_non_null(strstr(text, "{\"name\":\"decoding\"}"));
    assert_int_equal(count(text, "\"name\":\"host\",\"cat\":\"span\""), 1);
    free(text);
    qn_trace_destroy(trace);
    rig_close(&r);
}

static void *record_spans(void *arg) {
    for (int i = 0; i < 1000; i++) qn_trace_add_span(arg, "span", i, i + 1);
    return NULL;
}

static void test_many_threads_record_at_once(void **state) {
    (void)state;
    qn_trace *trace = new_trace(3000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, record_spans, trace), 0);
    char *text = write_and_read(trace); /* meanwhile */
    check_json(text);
    free(text);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(qn_trace_count(trace), 3000);
    assert_int_equal(qn_trace_lost(trace), 1000);
    text = write_and_read(trace);
    assert_int_equal(count(text, "\"ph\":\"X\""), 3000);
    free(text);
    qn_trace_destroy(trace);
}

static void test_wrong_arguments_are_refused(void **state) {
    (void)state;
    qn_trace *trace;
    qn_trace_options options;
    qn_trace_options_init(&options);
    options.events = 0;
    assert_status(qn_trace_create(&options, &trace), QN_INVALID_ARGUMENT, "0 events");
    assert_null(trace);
    options.size = 0;
    assert_status(qn_trace_create(&options, &trace), QN_INVALID_ARGUMENT, "qn_trace_options_init");
    trace = new_trace(1);
    assert_status(qn_trace_write_file(trace, NULL), QN_INVALID_ARGUMENT, "no path");
    assert_status(qn_trace_write_file(NULL, "x"), QN_INVALID_ARGUMENT, "no trace");
    qn_status *status = qn_trace_write_file(trace, "/no/such/folder/trace.json");
    assert_non_null(status);
    qn_status_free(status);
    qn_trace_destroy(trace);
    qn_trace_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_steps_and_tasks_are_recorded),
        cmocka_unit_test(test_spans_and_texts_of_the_caller_are_escaped),
        cmocka_unit_test(test_room_is_bounded_and_what_is_lost_is_counted),
        cmocka_unit_test(test_queues_have_named_tracks),
        cmocka_unit_test(test_many_threads_record_at_once),
        cmocka_unit_test(test_wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("runtime/trace", tests, NULL, NULL);
}
