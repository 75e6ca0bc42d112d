/* Damaged models through the whole way: import, build, load, bind, run. Whatever happens, it is a status or an answer.
 * QUENCH_SEED and QUENCH_CASES change which damage and how much of it. */
#include "e2e.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_DEFAULT = 400, NEAR_TEXT = 24, TEXT_MIN = 5 };

static uint64_t from_environment(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : fallback;
}

/* Positions near readable text: names, operators and attributes rather than weights. */
static size_t list_positions(const uint8_t *data, size_t bytes, uint32_t *out_positions) {
    size_t count = 0, run = 0;
    uint8_t *wanted = calloc(bytes, 1);
    assert_non_null(wanted);
    for (size_t i = 0; i < bytes; i++) {
        run = isprint(data[i]) ? run + 1 : 0;
        if (run < TEXT_MIN) continue;
        size_t begin = i > NEAR_TEXT ? i - NEAR_TEXT : 0, end = i + NEAR_TEXT < bytes ? i + NEAR_TEXT : bytes;
        memset(wanted + begin, 1, end - begin);
    }
    for (size_t i = 0; i < bytes; i++)
        if (wanted[i]) out_positions[count++] = (uint32_t)i;
    free(wanted);
    return count;
}

/* Runs a model at the smallest shape it takes; sizes that would be slow are left out. */
static qn_status *run_once(qn_model *model) {
    enum { ELEMS_MAX = 1 << 16, PORTS_MAX = 4 };
    const qn_model_info *info = qn_model_get_info(model);
    qn_tensor inputs[PORTS_MAX] = {{0}}, outputs[PORTS_MAX] = {{0}};
    qn_engine_options options;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_engine_options_init(&options);
    options.threads = 1;
    qn_status *status = info->input_count > PORTS_MAX || info->output_count > PORTS_MAX ? qn_status_create(QN_LIMIT, "too many ports for this test") : NULL;
    if (!status) status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    for (size_t i = 0; !status && i < info->input_count; i++) {
        const qn_value_info *value = qn_model_input(model, i);
        inputs[i].dtype = value->dtype;
        inputs[i].rank = value->rank;
        for (int d = 0; d < value->rank; d++) inputs[i].dims[d] = value->min_dims[d] == value->max_dims[d] ? value->min_dims[d] : qn_max_i64(value->min_dims[d], 1);
        if (tensor_elems(&inputs[i]) > ELEMS_MAX) status = qn_status_create(QN_LIMIT, "too large for this test");
        else inputs[i].data = calloc(tensor_elems(&inputs[i]) + 1, 8);
        if (!status) status = qn_context_set_input_shape(context, i, inputs[i].rank, inputs[i].dims);
    }
    for (size_t i = 0; !status && i < info->output_count; i++) {
        outputs[i].dtype = qn_model_output(model, i)->dtype;
        status = qn_context_get_output_shape(context, i, &outputs[i].rank, outputs[i].dims);
        if (qn_status_code(status) == QN_UNAVAILABLE) qn_status_free(status), status = NULL;
        if (!status && tensor_elems(&outputs[i]) > ELEMS_MAX * 16) status = qn_status_create(QN_LIMIT, "too large for this test");
        if (!status) outputs[i].data = calloc(tensor_elems(&outputs[i]) + 1, 8);
    }
    if (!status) status = qn_context_run(context, inputs, info->input_count, outputs, info->output_count);
    for (size_t i = 0; i < PORTS_MAX; i++) free(inputs[i].data), free(outputs[i].data);
    qn_context_destroy(context), qn_engine_destroy(engine);
    return status;
}

static qn_status *whole_way(const uint8_t *data, size_t bytes) {
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_status *status = qn_network_import_memory(data, bytes, "damaged.pb", NULL, &network);
    if (!status) status = qn_build(network, NULL, NULL, &model);
    if (!status) status = run_once(model);
    qn_model_destroy(model);
    qn_network_destroy(network);
    return status;
}

static void damage(const char *model) {
    qn_file_map map;
    qn_rng rng;
    uint64_t seed = from_environment("QUENCH_SEED", 20), cases = from_environment("QUENCH_CASES", CASES_DEFAULT);
    size_t survived = 0;
    expect_ok(qn_file_map_open(source_path("%s", model), &map));
    uint8_t *copy = malloc(map.bytes.size);
    uint32_t *positions = malloc(map.bytes.size * sizeof *positions);
    assert_true(copy && positions);
    size_t count = list_positions(map.bytes.data, map.bytes.size, positions);
    print_message("seed %llu, %llu cases, %zu positions\n", (unsigned long long)seed, (unsigned long long)cases, count);
    for (uint64_t i = 0; i < cases; i++) {
        qn_rng_init(&rng, seed * 1000003 + i);
        memcpy(copy, map.bytes.data, map.bytes.size);
        for (int64_t flips = qn_rng_range(&rng, 1, 3); flips-- > 0;)
            copy[positions[qn_rng_range(&rng, 0, (int64_t)count - 1)]] ^= (uint8_t)(1u << qn_rng_range(&rng, 0, 7));
        qn_status *status = whole_way(copy, map.bytes.size);
        survived += status == NULL;
        if (qn_status_code(status) == QN_INTERNAL) fail_msg("case %llu: %s", (unsigned long long)i, qn_status_message(status));
        if (status) assert_true(strlen(qn_status_message(status)) > 10);
        qn_status_free(status);
    }
    print_message("%zu of %llu still ran\n", survived, (unsigned long long)cases);
    free(copy), free(positions);
    qn_file_map_close(&map);
}

static void damaged_static_graphs_end_in_a_status_or_an_answer(void **state) {
    (void)state;
    damage("models/scenes/scenes.pb");
}

static void damaged_dynamic_graphs_end_in_a_status_or_an_answer(void **state) {
    (void)state;
    damage("models/scenes/scenes_dynamic.pb");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_static_graphs_end_in_a_status_or_an_answer),
        cmocka_unit_test(damaged_dynamic_graphs_end_in_a_status_or_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
