/* One tiny frozen graph per TensorFlow operator, imported, evaluated, and compared with what TensorFlow answered
 * (tensorflow_cases.bin, written by make_cases.py). */
#include "base/file.h"
#include "expect.h"
#include "memory.h"
#include "graph_eval.h"
#include "import/import.h"
#include "import/tensorflow/importer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARRAYS_MAX = 8 };

typedef struct array {
    char name[128];
    qn_view view;
} array;

typedef struct op_case {
    char name[128];
    qn_bytes proto;
    array inputs[ARRAYS_MAX], outputs[ARRAYS_MAX];
    uint32_t input_count, output_count;
} op_case;

typedef struct reader {
    const uint8_t *next, *end;
} reader;

static const uint8_t *take(reader *in, size_t bytes) {
    assert_true((size_t)(in->end - in->next) >= bytes);
    in->next += bytes;
    return in->next - bytes;
}

static uint32_t take_u32(reader *in) {
    uint32_t value;
    memcpy(&value, take(in, sizeof value), sizeof value);
    return value;
}

static void take_text(reader *in, char text[128]) {
    uint32_t length = take_u32(in);
    assert_true(length < 128);
    memcpy(text, take(in, length), length);
    text[length] = 0;
}

static void take_array(reader *in, qn_arena *arena, array *out) {
    take_text(in, out->name);
    out->view.dtype = (qn_dtype)take_u32(in);
    out->view.rank = (int)take_u32(in);
    memcpy(out->view.dims, take(in, (size_t)out->view.rank * 8), (size_t)out->view.rank * 8);
    uint32_t bytes = take_u32(in);
    out->view.data = qn_arena_copy(arena, take(in, bytes), bytes);
    assert_int_equal(qn_view_bytes(&out->view), bytes);
}

static void take_case(reader *in, qn_arena *arena, op_case *out) {
    memset(out, 0, sizeof *out);
    take_text(in, out->name);
    uint32_t bytes = take_u32(in);
    out->proto = (qn_bytes){take(in, bytes), bytes};
    out->input_count = take_u32(in);
    assert_true(out->input_count <= ARRAYS_MAX);
    for (uint32_t i = 0; i < out->input_count; i++) take_array(in, arena, &out->inputs[i]);
    out->output_count = take_u32(in);
    assert_true(out->output_count <= ARRAYS_MAX);
    for (uint32_t i = 0; i < out->output_count; i++) take_array(in, arena, &out->outputs[i]);
}

static void fail_on_warning(void *self, const char *message) {
    fail_msg("%s: warning: %s", (const char *)self, message);
}

static qn_status *import_case(op_case *c, qn_arena *arena, qn_graph **out_graph) {
    const char *outputs[ARRAYS_MAX];
    for (uint32_t i = 0; i < c->output_count; i++) outputs[i] = c->outputs[i].name;
    const qn_import_options options = {
        .outputs = outputs, .output_count = c->output_count, .warn = fail_on_warning, .warn_self = c->name};
    return import_tensorflow(c->proto, c->name, &options, arena, out_graph);
}

static void expect_same(const op_case *c, const array *want, const qn_view *got) {
    const char *name = c->name;
    if (got->dtype != want->view.dtype || got->rank != want->view.rank)
        fail_msg("%s: %s of rank %d, expected %s of rank %d", name, qn_dtype_name(got->dtype), got->rank,
                 qn_dtype_name(want->view.dtype), want->view.rank);
    for (int i = 0; i < got->rank; i++)
        if (got->dims[i] != want->view.dims[i])
            fail_msg("%s: dim %d is %lld, expected %lld", name, i, (long long)got->dims[i],
                     (long long)want->view.dims[i]);
    int64_t count = qn_view_elems(got);
    for (int64_t i = 0; i < count; i++) {
        double a = qn_view_get(got, i), b = qn_view_get(&want->view, i);
        double bound = qn_dtype_is_float(got->dtype) ? 1e-6 + 2e-6 * fabs(b) : 0.0;
        if (!(fabs(a - b) <= bound) && !(isnan(a) && isnan(b)))
            fail_msg("%s: element %lld is %.9g, expected %.9g", name, (long long)i, a, b);
    }
}

static void run_case(op_case *c, qn_arena *arena) {
    qn_graph *graph;
    qn_status *status = import_case(c, arena, &graph);
    if (status) fail_msg("%s", qn_status_message(status));
    expect_ok(qn_graph_verify(graph));
    qn_view *values = QN_ARENA_ARRAY(arena, qn_view, graph->next_id);
    assert_int_equal(graph->inputs.count, c->input_count);
    for (size_t i = 0; i < c->input_count; i++) {
        const qn_value *value = qn_graph_find_value(graph, c->inputs[i].name);
        if (!value) fail_msg("%s: no value '%s'", c->name, c->inputs[i].name);
        values[value->id] = c->inputs[i].view;
    }
    status = graph_eval(graph, arena, values);
    if (status) fail_msg("%s: %s", c->name, qn_status_message(status));
    assert_int_equal(graph->outputs.count, c->output_count);
    for (size_t i = 0; i < c->output_count; i++) {
        size_t length = strlen(c->outputs[i].name) - (strstr(c->outputs[i].name, ":0") ? 2 : 0);
        const qn_value *value = graph->outputs.items[i];
        if (strncmp(value->name, c->outputs[i].name, length) != 0 || value->name[length])
            fail_msg("%s: output %zu is named '%s', expected '%s'", c->name, i, value->name, c->outputs[i].name);
        expect_same(c, &c->outputs[i], &values[value->id]);
    }
}

typedef struct cases {
    qn_file_map map;
    reader in;
    uint32_t count;
} cases;

static cases open_cases(void) {
    cases all;
    expect_ok(qn_file_map_open(QN_SOURCE_DIR "/tests/import/tensorflow_cases.bin", &all.map));
    all.in = (reader){all.map.bytes.data, all.map.bytes.data + all.map.bytes.size};
    assert_memory_equal(take(&all.in, 4), "QNTC", 4);
    all.count = take_u32(&all.in);
    return all;
}

static void every_operator_answers_as_tensorflow_does(void **state) {
    (void)state;
    cases all = open_cases();
    for (uint32_t i = 0; i < all.count; i++) {
        op_case c;
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        take_case(&all.in, &arena, &c);
        if (getenv("QN_TEST_VERBOSE")) print_message("%s\n", c.name);
        run_case(&c, &arena);
        qn_arena_deinit(&arena);
    }
    print_message("%u cases\n", all.count);
    qn_file_map_close(&all.map);
}

/* Damage anywhere in any of the graphs gives a sound graph or a status. */
static void flipped_bits_in_any_graph_never_crash(void **state) {
    (void)state;
    enum { ROUNDS = 60, FLIPS_MAX = 3 };
    const char *given = getenv("QN_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : 20240613;
    print_message("seed %" PRIu64 "\n", seed);
    cases all = open_cases();
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (uint32_t i = 0; i < all.count; i++) {
        op_case c;
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        take_case(&all.in, &arena, &c);
        for (int round = 0; round < ROUNDS; round++) {
            qn_arena inner;
            qn_graph *graph;
            qn_arena_init(&inner, NULL);
            uint8_t *copy = malloc(c.proto.size);
            memcpy(copy, c.proto.data, c.proto.size);
            for (int64_t flips = qn_rng_range(&rng, 1, FLIPS_MAX); flips > 0; flips--)
                copy[qn_rng_range(&rng, 0, (int64_t)c.proto.size - 1)] ^= (uint8_t)(1 << qn_rng_range(&rng, 0, 7));
            qn_status *status = import_tensorflow((qn_bytes){copy, c.proto.size}, c.name, NULL, &inner, &graph);
            if (!status) expect_ok(qn_graph_verify(graph));
            if (qn_status_code(status) == QN_INTERNAL) fail_msg("%s: %s", c.name, qn_status_message(status));
            qn_status_free(status);
            qn_arena_deinit(&inner);
            free(copy);
        }
        qn_arena_deinit(&arena);
    }
    qn_file_map_close(&all.map);
}

static const qn_import_row *row_at(size_t index) { return index < qn_tf_table.count ? &qn_tf_table.rows[index] : NULL; }

/* A case's first word is the operator it is about. */
static void every_row_of_the_map_has_a_case(void **state) {
    static const char *const covered_elsewhere[] = {"Const", "Placeholder", "NoOp"};
    (void)state;
    cases all = open_cases();
    const qn_import_row *row;
    for (size_t r = 0; (row = row_at(r)); r++) {
        int found = 0;
        reader in = all.in;
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        for (uint32_t i = 0; i < all.count; i++) {
            op_case c;
            take_case(&in, &arena, &c);
            c.name[strcspn(c.name, " ")] = 0;
            found |= strcmp(c.name, row->source) == 0;
        }
        for (size_t i = 0; i < sizeof covered_elsewhere / sizeof *covered_elsewhere; i++)
            found |= strcmp(covered_elsewhere[i], row->source) == 0;
        qn_arena_deinit(&arena);
        if (!found) fail_msg("%s has no case in make_cases.py", row->source);
    }
    qn_file_map_close(&all.map);
}

static void every_row_of_the_map_is_documented(void **state) {
    (void)state;
    qn_file_map map;
    const qn_import_row *row;
    expect_ok(qn_file_map_open(QN_SOURCE_DIR "/docs/importing-tensorflow.md", &map));
    for (size_t r = 0; (row = row_at(r)); r++) {
        char quoted[128];
        int length = snprintf(quoted, sizeof quoted, "`%s`", row->source);
        if (!memmem(map.bytes.data, map.bytes.size, quoted, (size_t)length))
            fail_msg("docs/importing-tensorflow.md does not name %s", row->source);
    }
    qn_file_map_close(&map);
}

static void the_map_is_sorted_and_finds_every_row(void **state) {
    (void)state;
    const qn_import_row *row;
    for (size_t r = 0; (row = row_at(r)); r++) {
        if (r) assert_true(strcmp(row_at(r - 1)->source, row->source) < 0);
        assert_ptr_equal(qn_import_table_find(&qn_tf_table, row->source, 0), row);
    }
    assert_true(qn_import_table_is_sound(&qn_tf_table));
    assert_null(qn_import_table_find(&qn_tf_table, "Nothing", 0));
    assert_null(qn_import_table_find(&qn_tf_table, "", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_answers_as_tensorflow_does),
        cmocka_unit_test(flipped_bits_in_any_graph_never_crash),
        cmocka_unit_test(every_row_of_the_map_has_a_case),
        cmocka_unit_test(every_row_of_the_map_is_documented),
        cmocka_unit_test(the_map_is_sorted_and_finds_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
