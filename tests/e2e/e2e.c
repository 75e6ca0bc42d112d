#include "e2e.h"

#include "base/dtype.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void need_shared(void) { need_path(shared_path("refs")); }

const char *source_path(const char *format, ...) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    int length = snprintf(path, sizeof paths[0], "%s/", QN_SOURCE_DIR);
    va_list args;
    va_start(args, format);
    vsnprintf(path + length, sizeof paths[0] - (size_t)length, format, args);
    va_end(args);
    return path;
}

void expect_ok(qn_status *status) {
    if (!status) return;
    print_error("%s (%s)\n", qn_status_message(status), qn_status_where(status));
    qn_status_free(status);
    fail();
}

qn_model *build_model(const char *path, const char *config_text) {
    qn_network *network;
    qn_config *config;
    qn_model *model;
    expect_ok(qn_network_import_file(path, NULL, &network));
    expect_ok(qn_config_create(NULL, &config));
    if (config_text) expect_ok(qn_config_merge_text(config, config_text, "test"));
    expect_ok(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

void runner_open(runner *r, qn_model *model, const char *cpu, int threads) {
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.cpu = cpu;
    options.threads = threads;
    r->model = model;
    expect_ok(qn_engine_create(model, &options, &r->engine));
    expect_ok(qn_context_create(r->engine, &r->context));
}

void runner_close(runner *r) {
    qn_context_destroy(r->context);
    qn_engine_destroy(r->engine);
    qn_model_destroy(r->model);
    *r = (runner){0};
}

static size_t elems_of(int rank, const int64_t *dims) {
    size_t elems = 1;
    for (int i = 0; i < rank; i++) elems *= (size_t)dims[i];
    return elems;
}

static qn_tensor new_tensor(qn_dtype dtype, int rank, const int64_t *dims) {
    qn_tensor tensor = {.dtype = dtype, .rank = rank};
    memcpy(tensor.dims, dims, (size_t)rank * sizeof *dims);
    tensor.data = malloc(elems_of(rank, dims) * qn_dtype_size(dtype) + 1);
    assert_non_null(tensor.data);
    return tensor;
}

enum { PORTS_MAX = 8 };

qn_tensor runner_run(runner *r, const qn_tensor *inputs, size_t count) {
    const qn_model_info *info = qn_model_get_info(r->model);
    qn_shape shapes[PORTS_MAX];
    qn_tensor outputs[PORTS_MAX];
    assert_true(count == info->input_count && count <= PORTS_MAX && info->output_count <= PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        shapes[i].rank = inputs[i].rank;
        memcpy(shapes[i].dims, inputs[i].dims, sizeof shapes[i].dims);
    }
    expect_ok(qn_context_set_input_shapes(r->context, shapes, count));
    for (size_t i = 0; i < info->output_count; i++) {
        int rank;
        int64_t dims[QN_MAX_RANK];
        qn_status *status = qn_context_get_output_shape(r->context, i, &rank, dims);
        if (qn_status_code(status) == QN_UNAVAILABLE)
            qn_status_free(status);
        else
            expect_ok(status);
        outputs[i] = new_tensor(qn_model_output(r->model, i)->dtype, rank, dims);
    }
    expect_ok(qn_context_run(r->context, inputs, count, outputs, info->output_count));
    for (size_t i = 1; i < info->output_count; i++) qn_npy_free(&outputs[i], NULL);
    return outputs[0];
}

qn_tensor runner_run_file(runner *r, const char *npy) {
    qn_tensor input = load_npy(npy), output = runner_run(r, &input, 1);
    qn_npy_free(&input, NULL);
    return output;
}

typedef struct watch {
    const char *const *names;
    size_t count;
    qn_tensor *values;
} watch;

static int observe(void *self, const char *name, const qn_tensor *tensor) {
    watch *w = self;
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->names[i], name) || w->values[i].data) continue;
        w->values[i] = new_tensor(tensor->dtype, tensor->rank, tensor->dims);
        memcpy(w->values[i].data, tensor->data, tensor_elems(tensor) * qn_dtype_size(tensor->dtype));
    }
    return 0;
}

void runner_watch(runner *r, const qn_tensor *inputs, size_t count, const char *const *names, size_t name_count,
                  qn_tensor *out_values) {
    watch w = {names, name_count, out_values};
    memset(out_values, 0, name_count * sizeof *out_values);
    expect_ok(qn_context_set_observer(r->context, observe, &w));
    qn_tensor output = runner_run(r, inputs, count);
    qn_npy_free(&output, NULL);
    expect_ok(qn_context_set_observer(r->context, NULL, NULL));
    for (size_t i = 0; i < name_count; i++)
        if (!out_values[i].data) fail_msg("no value is called '%s'", names[i]);
}

qn_tensor load_npy(const char *path) {
    qn_tensor tensor;
    expect_ok(qn_npy_load(path, NULL, &tensor));
    return tensor;
}

size_t tensor_elems(const qn_tensor *tensor) { return elems_of(tensor->rank, tensor->dims); }

double tensor_at(const qn_tensor *tensor, size_t index) {
    qn_view view = {.dtype = tensor->dtype, .rank = 0, .data = tensor->data};
    return qn_view_get(&view, (int64_t)index);
}

void expect_same_shape(const qn_tensor *a, const qn_tensor *b) {
    int skip_a = 0, skip_b = 0;
    while (skip_a < a->rank && a->dims[skip_a] == 1) skip_a++;
    while (skip_b < b->rank && b->dims[skip_b] == 1) skip_b++;
    assert_int_equal(a->rank - skip_a, b->rank - skip_b);
    for (int i = 0; i < a->rank - skip_a; i++) assert_int_equal(a->dims[skip_a + i], b->dims[skip_b + i]);
}

void count_equal(const qn_tensor *a, const qn_tensor *b, int64_t *inout_equal, int64_t *inout_total) {
    expect_same_shape(a, b);
    size_t elems = tensor_elems(a);
    for (size_t i = 0; i < elems; i++) *inout_equal += tensor_at(a, i) == tensor_at(b, i);
    *inout_total += (int64_t)elems;
}

double max_difference(const qn_tensor *a, const qn_tensor *b) {
    expect_same_shape(a, b);
    double worst = 0;
    for (size_t i = 0; i < tensor_elems(a); i++) {
        double difference = fabs(tensor_at(a, i) - tensor_at(b, i));
        if (!(difference <= worst)) worst = difference; /* a NaN sticks */
    }
    return worst;
}

void figure(const char *what, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_message("figure: %s: %s\n", what, text);
}
