/* Ranges of values: the table, and the file, which may be anything. */
#include "driver_case.h"

#include "base/file.h"
#include "driver/calibrate/value_ranges.h"

#include "../base/meter.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static float draw(qn_rng *rng, float low, float high) {
    switch (qn_rng_range(rng, 0, 9)) {
    case 0: return low;
    case 1: return fmaxf(low, fminf(high, 1e-44f));
    default: return fmaxf(low, fminf(high, qn_rng_float(rng, -1, 1) * ldexpf(1, (int)qn_rng_range(rng, -140, 120))));
    }
}

/* Each from `low` on, which has a number for each, or is NULL: from `least` on. */
static float *draw_floats(qn_rng *rng, qn_arena *arena, int64_t count, const float *low, float least, float most) {
    float *floats = QN_ARENA_ARRAY(arena, float, (size_t)count);
    for (int64_t i = 0; i < count; i++) floats[i] = draw(rng, low ? low[i] : least, most);
    return floats;
}

static qn_value_range draw_range(qn_rng *rng, qn_arena *arena, int index) {
    static const char *const forms[] = {"node_%d", "scope/Conv2D_%d:0", "\"%d\"\\\n", "größe %d", "%%s %d"};
    qn_value_range range = {.name = qn_arena_printf(arena, forms[qn_rng_range(rng, 0, 4)], index)};
    range.low = draw(rng, -FLT_MAX, FLT_MAX);
    range.high = draw(rng, range.low, FLT_MAX);
    if (qn_rng_range(rng, 0, 1)) {
        range.channels = qn_rng_range(rng, 1, 9);
        if (qn_rng_range(rng, 0, 3)) {
            range.channel_low = draw_floats(rng, arena, range.channels, NULL, range.low, range.high);
            range.channel_high = draw_floats(rng, arena, range.channels, range.channel_low, 0, range.high);
        }
        if (qn_rng_range(rng, 0, 1)) range.channel_square = draw_floats(rng, arena, range.channels, NULL, 0, FLT_MAX);
        if (!range.channel_square)
            range.channel_mean = range.channel_low ? range.channel_low
                                                   : draw_floats(rng, arena, range.channels, NULL, -FLT_MAX, FLT_MAX);
    }
    return range;
}

static void expect_same_floats(const float *a, const float *b, int64_t count) {
    assert_int_equal(!a, !b);
    if (a) assert_memory_equal(a, b, (size_t)count * sizeof *a);
}

static void expect_same(const qn_value_range *a, const qn_value_range *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->channels, b->channels);
    assert_memory_equal(&a->low, &b->low, sizeof a->low);
    assert_memory_equal(&a->high, &b->high, sizeof a->high);
    expect_same_floats(a->channel_low, b->channel_low, a->channels);
    expect_same_floats(a->channel_high, b->channel_high, a->channels);
    expect_same_floats(a->channel_mean, b->channel_mean, a->channels);
    expect_same_floats(a->channel_square, b->channel_square, a->channels);
}

/* What is written is read back bit by bit, finds its values, and is written the same again. */
static void tables_survive_writing_and_reading(void **state) {
    (void)state;
    uint64_t seed = 71;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 40; round++) {
        qn_arena arena;
        qn_buffer first, second;
        qn_value_ranges made, read;
        qn_arena_init(&arena, NULL);
        qn_buffer_init(&first, NULL), qn_buffer_init(&second, NULL);
        qn_value_ranges_init(&made, &arena);
        made.network = "net \"1\"", made.algorithm = "eqnm", made.samples = qn_rng_range(&rng, 0, 1000);
        made.has_source = round % 2;
        made.source_bytes = made.has_source ? qn_rng_next(&rng) >> 1 : 0;
        made.source_hash = made.has_source ? qn_rng_next(&rng) : 0;
        const int count = (int)qn_rng_range(&rng, 0, 200);
        for (int i = 0; i < count; i++) {
            const qn_value_range range = draw_range(&rng, &arena, i);
            expect_ok(qn_value_ranges_add(&made, &range));
            expect_same(&made.list.items[i], &range);
        }
        expect_ok(qn_value_ranges_write(&made, &first));
        expect_ok(qn_value_ranges_parse((const char *)first.data, first.size, "x.json", &arena, &read));
        assert_int_equal(read.list.count, count);
        for (int i = 0; i < count; i++) {
            expect_same(&read.list.items[i], &made.list.items[i]);
            assert_ptr_equal(qn_value_ranges_find(&read, made.list.items[i].name), &read.list.items[i]);
        }
        assert_null(qn_value_ranges_find(&read, "absent"));
        assert_string_equal(read.network, made.network);
        assert_string_equal(read.algorithm, "eqnm");
        assert_int_equal(read.samples, made.samples);
        assert_int_equal(read.has_source, made.has_source);
        assert_true(read.source_bytes == made.source_bytes && read.source_hash == made.source_hash);
        expect_ok(qn_value_ranges_write(&read, &second));
        assert_string_equal(qn_buffer_text(&first), qn_buffer_text(&second));
        qn_buffer_deinit(&first), qn_buffer_deinit(&second);
        qn_arena_deinit(&arena);
    }
}

static void the_file_looks_like_this(void **state) {
    (void)state;
    static const float low[] = {-1, 0}, high[] = {0.1f, 6}, mean[] = {0, 2.5f};
    const qn_value_range a = {"b", 0, -1, 6, 1000, NULL, NULL, NULL, NULL},
                         b = {"a", 2, -1, 6, 0, low, high, mean, NULL};
    qn_arena arena;
    qn_buffer buffer;
    qn_value_ranges ranges;
    qn_arena_init(&arena, NULL);
    qn_buffer_init(&buffer, NULL);
    qn_value_ranges_init(&ranges, &arena);
    expect_ok(qn_value_ranges_write(&ranges, &buffer));
    assert_string_equal(qn_buffer_text(&buffer), "{\n  \"format\": \"quench ranges 1\",\n  \"network\": \"\",\n  "
                                                 "\"algorithm\": \"\",\n  \"samples\": 0,\n  \"values\": {}\n}\n");
    qn_buffer_deinit(&buffer);
    qn_buffer_init(&buffer, NULL);
    ranges.network = "net", ranges.algorithm = "linear", ranges.samples = 3;
    ranges.has_source = 1, ranges.source_bytes = 77, ranges.source_hash = 0xabc;
    expect_ok(qn_value_ranges_add(&ranges, &a));
    expect_ok(qn_value_ranges_add(&ranges, &b));
    expect_ok(qn_value_ranges_write(&ranges, &buffer));
    assert_string_equal(qn_buffer_text(&buffer),
                        "{\n  \"format\": \"quench ranges 1\",\n  \"network\": \"net\",\n  \"algorithm\": \"linear\",\n"
                        "  \"samples\": 3,\n  \"source\": {\"bytes\": 77, \"hash\": \"0000000000000abc\"},\n"
                        "  \"values\": {\n    \"b\": {\"min\": -1.0, \"max\": 6.0, \"elements\": 1000},\n"
                        "    \"a\": {\"min\": -1.0, \"max\": 6.0,\n      \"channel_min\": [-1.0, 0.0],\n"
                        "      \"channel_max\": [0.100000001, 6.0],\n      \"channel_mean\": [0.0, 2.5]}\n  }\n}\n");
    qn_buffer_deinit(&buffer);
    qn_arena_deinit(&arena);
}

/* Single quotes stand for double ones. */
static qn_status *parse(qn_arena *arena, const char *json, qn_value_ranges *out) {
    char *text = strdup(json);
    for (char *c = text; *c; c++)
        if (*c == '\'') *c = '"';
    qn_status *status = qn_value_ranges_parse(text, strlen(text), "r.json", arena, out);
    free(text);
    return status;
}

#define HEAD "{'format': 'quench ranges 1', 'network': 'n', 'algorithm': 'a', 'samples': 1, "

static void refuse(const char *json, qn_code code, const char *words) {
    qn_arena arena;
    qn_value_ranges ranges;
    qn_arena_init(&arena, NULL);
    qn_status *status = parse(&arena, json, &ranges);
    assert_non_null(status);
    assert_true(!strncmp(qn_status_message(status), "r.json: ", 8));
    expect_refused(status, code, words);
    qn_arena_deinit(&arena);
}

static void refuse_value(const char *value, const char *words) {
    char json[600];
    snprintf(json, sizeof json, HEAD "'values': {'good': {'min': 0, 'max': 1}, 'conv': %s}}", value);
    refuse(json, QN_INVALID_ARGUMENT, words);
    refuse(json, QN_INVALID_ARGUMENT, "value 'conv'");
}

static void wrong_values_are_named_with_their_key(void **state) {
    (void)state;
    refuse_value("3", "expected an object, found an integer");
    refuse_value("{}", "key 'min': expected a number, found nothing");
    refuse_value("{'min': 1}", "key 'max': expected a number");
    refuse_value("{'min': '1', 'max': 2}", "key 'min': expected a number, found a text");
    refuse_value("{'min': 1, 'max': [2]}", "key 'max': expected a number, found an array");
    refuse_value("{'min': 1, 'max': null}", "found null");
    refuse_value("{'min': 2, 'max': 1.5}", "min 2 is above max 1.5");
    refuse_value("{'min': 2, 'max': 1e39}", "key 'max': 1e+39 is beyond");
    refuse_value("{'min': 0, 'max': 1, 'mean': 3}", "key 'mean' is unknown");
    refuse_value("{'min': 0, 'max': 1, 'channel_meann': [3]}", "did you mean 'channel_mean'?");
    refuse_value("{'min': 0, 'max': 1, 'channel_mean': 3}",
                 "key 'channel_mean': expected an array of numbers, found an int");
    refuse_value("{'min': 0, 'max': 1, 'channel_mean': []}", "key 'channel_mean': the array is empty");
    refuse_value("{'min': 0, 'max': 1, 'channel_mean': [1, 'x']}", "channel 1: key 'channel_mean': expected a number");
    refuse_value("{'min': 0, 'max': 1, 'channel_mean': [1e300]}", "key 'channel_mean': 1e+300 is beyond");
    refuse_value("{'min': 0, 'max': 1, 'channel_mean': [1], 'channel_square': [-1]}", "squares is negative");
    refuse_value("{'min': 0, 'max': 1, 'channel_min': [1]}", "come together");
    refuse_value("{'min': 0, 'max': 1, 'channel_min': [1, 2], 'channel_max': [3]}",
                 "key 'channel_max': 1 numbers, but an array before has 2");
    refuse_value("{'min': 0, 'max': 9, 'channel_min': [1, 2], 'channel_max': [3, 1]}",
                 "channel 1: min 2 is above max 1");
}

static void contradictions_are_refused_with_their_key(void **state) {
    (void)state;
    refuse_value("{'min': 0, 'max': 4, 'channel_min': [0, -1], 'channel_max': [3, 3]}",
                 "channel 1: key 'channel_min': -1 is outside the value's range, 0 to 4");
    refuse_value("{'min': 0, 'max': 4, 'channel_min': [0], 'channel_max': [5]}",
                 "channel 0: key 'channel_max': 5 is outside the value's range, 0 to 4");
    refuse_value("{'min': 0, 'max': 4, 'channel_min': [0], 'channel_max': [3], 'channel_mean': [3.5]}",
                 "channel 0: key 'channel_mean': 3.5 is outside the channel's range, 0 to 3");
    refuse_value("{'min': 0, 'max': 4, 'channel_min': [1], 'channel_max': [3], 'channel_mean': [0.5]}",
                 "key 'channel_mean': 0.5 is outside");
    refuse_value("{'min': -9, 'max': 9, 'channel_mean': [0, -3], 'channel_square': [0, 8.9]}",
                 "channel 1: key 'channel_square': 8.89999962 is below the square of the mean -3");
    refuse_value("{'min': 0, 'max': 4, 'elements': 0}", "key 'elements': 0 were seen; expected 1 or more");
    refuse_value("{'min': 0, 'max': 4, 'elements': -1}", "key 'elements': -1 is negative");
}

/* The square of a mean as a float may lie below the double's; beyond the ends of floats it is FLT_MAX or 0. */
static void what_only_rounding_contradicts_is_read(void **state) {
    (void)state;
    qn_arena arena;
    qn_value_ranges ranges;
    qn_arena_init(&arena, NULL);
    expect_ok(parse(&arena,
                    HEAD
                    "'values': {'a': {'min': 0, 'max': 3e38, 'channel_min': [0, 0, 0], 'channel_max': [1, 3e38, 1], "
                    "'channel_mean': [0.100000001, 2e38, 1e-30], 'channel_square': [0.00999999978, "
                    "3.40282347e38, 0]}}}",
                    &ranges));
    qn_arena_deinit(&arena);
}

static void wrong_files_are_refused(void **state) {
    (void)state;
    refuse("", QN_INVALID_ARGUMENT, "no JSON");
    refuse("[]", QN_INVALID_ARGUMENT, "expected a JSON object, found an array");
    refuse("{}", QN_INVALID_ARGUMENT, "key 'format': expected a text, found nothing");
    refuse("{'format': 'quench ranges 2'}", QN_INCOMPATIBLE, "reads 'quench ranges 1'");
    refuse("{'format': 'other'}", QN_INVALID_ARGUMENT, "'other'");
    refuse(HEAD "'values': []}", QN_INVALID_ARGUMENT, "key 'values': expected an object");
    refuse(HEAD "'value': {}}", QN_INVALID_ARGUMENT, "did you mean 'values'?");
    refuse("{'format': 'quench ranges 1', 'network': 1, 'values': {}}", QN_INVALID_ARGUMENT, "key 'network'");
    refuse("{'format': 'quench ranges 1', 'network': '', 'algorithm': '', 'samples': -1, 'values': {}}",
           QN_INVALID_ARGUMENT, "key 'samples': -1 is negative");
    refuse("{'format': 'quench ranges 1', 'network': '', 'algorithm': '', 'samples': 1.5, 'values': {}}",
           QN_INVALID_ARGUMENT, "key 'samples': expected an integer");
    refuse(HEAD "'source': 3, 'values': {}}", QN_INVALID_ARGUMENT, "key 'source'");
    refuse(HEAD "'source': {'bytes': 3, 'hash': '12'}, 'values': {}}", QN_INVALID_ARGUMENT, "16 hexadecimal digits");
    refuse(HEAD "'source': {'bytes': 3, 'hash': '0123456789abcdeg'}, 'values': {}}", QN_INVALID_ARGUMENT, "key 'hash'");
    refuse(HEAD "'source': {'bytes': 3, 'name': 'x'}, 'values': {}}", QN_INVALID_ARGUMENT, "key 'name'");
    refuse(HEAD "'values': {'a': {'min': NaN, 'max': 1}}}", QN_INVALID_ARGUMENT, "no JSON");
    refuse(HEAD "'values': {'a': {'min': 0, 'max': 1e999}}}", QN_INVALID_ARGUMENT, "overflow");
    refuse(HEAD "'values': {'a': {'min': 0, 'max': 1}, 'a': {'min': 0, 'max': 1}}}", QN_INVALID_ARGUMENT,
           "line 1: duplicate key 'a'");
    refuse(HEAD "'values': {'a': {'min': 0,\n'max': 1, 'min': 0}}}", QN_INVALID_ARGUMENT,
           "line 2: duplicate key 'min'");
    refuse(HEAD "'values': {'caf\u00e9/of/more/than/20/letters\\'': 1, 'caf\u00e9/of/more/than/20/letters\\'': 1}}",
           QN_INVALID_ARGUMENT, "duplicate key 'caf\u00e9/of/more/than/20/letters\\\"'");
}

static void huge_and_deep_files_are_refused(void **state) {
    (void)state;
    enum { DEEP = 100000, LARGE = (16 << 20) + 1, WIDE = QN_VALUE_CHANNELS_MAX + 1 };
    char *text = malloc(LARGE + 1);
    memset(text, '[', DEEP);
    text[DEEP] = 0;
    refuse(text, QN_LIMIT, "nested deeper");
    memset(text, ' ', LARGE);
    text[LARGE] = 0;
    refuse(text, QN_LIMIT, "16 MiB");
    size_t at = (size_t)sprintf(text, HEAD "'values': {'a': {'min': 0, 'max': 1, 'channel_mean': [0");
    for (int i = 1; i < WIDE; i++) at += (size_t)sprintf(text + at, ",0");
    strcpy(text + at, "]}}}");
    refuse(text, QN_LIMIT, "more than 65536 channels");
    free(text);
}

/* Any cut or changed byte is read or refused, nothing else. */
static void damaged_files_do_no_harm(void **state) {
    (void)state;
    static const char sound[] = HEAD
        "'source': {'bytes': 9, 'hash': '00000000000000ff'}, 'values': {'a': {'min': -1e3, 'max': 9, 'channel_min': "
        "[-1, 2], 'channel_max': [3, 4.5], 'channel_square': [1, 2]}, 'b\\u00e9': {'min': 0, 'max': 0.5}}}";
    uint64_t seed = 72;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    qn_arena arena;
    qn_value_ranges ranges;
    int read = 0;
    for (int round = 0; round < 6000; round++) {
        char text[sizeof sound];
        memcpy(text, sound, sizeof sound);
        qn_arena_init(&arena, NULL);
        if (round % 3 == 0) text[qn_rng_range(&rng, 0, sizeof sound - 2)] = 0;
        for (int i = 0; i < round % 3; i++)
            text[qn_rng_range(&rng, 0, sizeof sound - 2)] =
                round % 2 ? (char)qn_rng_range(&rng, 1, 255) : "{}[]',:0-e9."[qn_rng_range(&rng, 0, 11)];
        qn_status *status = parse(&arena, text, &ranges);
        read += !status;
        for (size_t i = 0; !status && i < ranges.list.count; i++)
            assert_true(ranges.list.items[i].low <= ranges.list.items[i].high);
        qn_status_free(status);
        qn_arena_deinit(&arena);
    }
    assert_true(read > 100);
}

static void lookups_tell_ranges_of_another_model(void **state) {
    (void)state;
    qn_arena arena;
    qn_value_ranges ranges;
    const qn_value_range *range;
    qn_arena_init(&arena, NULL);
    expect_ok(parse(&arena,
                    HEAD "'values': {'a': {'min': 0, 'max': 1, 'channel_mean': [1, 2]}, 'b': {'min': 0, 'max': 0}}}",
                    &ranges));
    expect_ok(qn_value_ranges_get(&ranges, "a", 2, &range));
    assert_true(range->channel_mean[1] == 2);
    expect_ok(qn_value_ranges_get(&ranges, "a", -1, &range));
    expect_ok(qn_value_ranges_get(&ranges, "b", 5, &range));
    assert_int_equal(range->channels, 0);
    expect_refused(qn_value_ranges_get(&ranges, "a", 3, &range), QN_INVALID_ARGUMENT,
                   "r.json: value 'a' has 3 channels, but its range is of 2: these are the ranges of another model");
    assert_null(range);
    expect_refused(qn_value_ranges_get(&ranges, "c", 3, &range), QN_NOT_FOUND, "'c'");
    assert_null(range);
    qn_arena_deinit(&arena);
}

static void additions_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const float one[] = {1}, nan[] = {NAN};
    static const qn_value_range wrong[] = {{.name = "v", .low = NAN, .high = 1},
                                           {.name = "v", .low = 0, .high = INFINITY},
                                           {.name = "v", .low = 1, .high = 0},
                                           {.name = "v", .channels = 1},
                                           {.name = "v", .channels = -1, .channel_mean = one},
                                           {.name = "v", .channel_mean = one},
                                           {.name = "v", .channels = 1, .channel_low = one},
                                           {.name = "v", .low = -1, .high = 1, .elements = -1},
                                           {.name = "v", .channels = 1, .channel_low = one, .channel_high = one},
                                           {.name = "v", .channels = 1, .channel_mean = nan},
                                           {.name = "v", .channels = 1, .channel_square = nan},
                                           {.name = "v", .channels = 1, .channel_low = nan, .channel_high = one}};
    qn_arena arena;
    qn_value_ranges ranges;
    qn_buffer buffer;
    qn_arena_init(&arena, NULL);
    qn_buffer_init(&buffer, NULL);
    qn_value_ranges_init(&ranges, &arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refused(qn_value_ranges_add(&ranges, &wrong[i]), QN_INVALID_ARGUMENT, "value 'v'");
    expect_ok(qn_value_ranges_add(&ranges, &(qn_value_range){.name = "\xff\xfe"}));
    expect_refused(qn_value_ranges_add(&ranges, &(qn_value_range){.name = "\xff\xfe"}), QN_INVALID_ARGUMENT, "already");
    expect_refused(qn_value_ranges_write(&ranges, &buffer), QN_INVALID_ARGUMENT, "UTF-8");
    qn_buffer_deinit(&buffer);
    qn_arena_deinit(&arena);
}

static void files_are_read(void **state) {
    (void)state;
    char path[] = "/tmp/quench-ranges-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    qn_arena arena;
    qn_buffer buffer;
    qn_value_ranges ranges, read;
    qn_arena_init(&arena, NULL);
    qn_buffer_init(&buffer, NULL);
    qn_value_ranges_init(&ranges, &arena);
    expect_ok(qn_value_ranges_add(&ranges, &(qn_value_range){.name = "v", .low = -0.1f, .high = 0.3f}));
    expect_ok(qn_value_ranges_write(&ranges, &buffer));
    expect_ok(qn_file_write_atomic(path, buffer.data, buffer.size));
    expect_ok(qn_value_ranges_read_file(path, &arena, &read));
    expect_same(qn_value_ranges_find(&read, "v"), &ranges.list.items[0]);
    assert_int_equal(truncate(path, 0), 0);
    expect_refused(qn_value_ranges_read_file(path, &arena, &read), QN_INVALID_ARGUMENT, path);
    unlink(path);
    expect_refused(qn_value_ranges_read_file(path, &arena, &read), QN_NOT_FOUND, path);
    assert_null(qn_value_ranges_find(&read, "v"));
    qn_buffer_deinit(&buffer);
    qn_arena_deinit(&arena);
}

static void short_memory_is_reported(void **state) {
    (void)state;
    meter m;
    size_t budget = 0;
    for (int done = 0; !done; budget++) {
        qn_allocator allocator = meter_allocator(&m, budget);
        qn_arena arena;
        qn_value_ranges ranges;
        qn_arena_init(&arena, &allocator);
        qn_status *status =
            parse(&arena, HEAD "'values': {'a': {'min': 0, 'max': 1, 'channel_mean': [1, 2]}}}", &ranges);
        done = !status;
        if (status) assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        qn_status_free(status);
        qn_arena_deinit(&arena);
        assert_int_equal(m.live, 0);
    }
    assert_true(budget > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_survive_writing_and_reading),
        cmocka_unit_test(the_file_looks_like_this),
        cmocka_unit_test(wrong_values_are_named_with_their_key),
        cmocka_unit_test(contradictions_are_refused_with_their_key),
        cmocka_unit_test(what_only_rounding_contradicts_is_read),
        cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(huge_and_deep_files_are_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(lookups_tell_ranges_of_another_model),
        cmocka_unit_test(additions_that_make_no_sense_are_refused),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(short_memory_is_reported),
    };
    return cmocka_run_group_tests_name("driver/value_ranges", tests, NULL, NULL);
}
