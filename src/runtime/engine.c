#include "runtime/internal.h"

#include "base/entry.h"
#include "cpu/features.h"
#include "runtime/threads.h"

#include <assert.h>
#include <string.h>

void qn_engine_options_init(qn_engine_options *options) {
    if (!options) return;
    *options = (qn_engine_options){.size = sizeof *options};
}

void qn_engine_retain(qn_engine *engine) {
    const int before = atomic_fetch_add_explicit(&engine->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void qn_engine_release(qn_engine *engine) {
    if (!engine || atomic_fetch_sub_explicit(&engine->references, 1, memory_order_acq_rel) != 1) return;
    qn_allocator allocator = engine->allocator;
    qn_pool_destroy(engine->pool);
    qn_model_release(engine->weights);
    qn_model_release(engine->model);
    pthread_mutex_destroy(&engine->weights_mutex);
    qn_free(&allocator, engine->cpu);
    qn_free(&allocator, engine);
}

void qn_engine_destroy(qn_engine *engine) { qn_engine_release(engine); }

qn_engine *qn_engine_share(qn_engine *engine) {
    if (engine) qn_engine_retain(engine);
    return engine;
}

static qn_status *choose_kernels(qn_engine *engine, const char *cpu) {
    qn_cpu_features features;
    QN_TRY(qn_cpu_features_choose(cpu, &features));
    features = qn_cpu_features_permitted(features);
    qn_kernel_select(features, &engine->kernels);
    qn_buffer names;
    qn_buffer_init(&names, &engine->allocator);
    if (features)
        qn_cpu_features_print(features, &names);
    else
        qn_buffer_printf(&names, "generic");
    const char *text = qn_buffer_text(&names);
    if (!names.failed) engine->cpu = qn_alloc_zeroed(&engine->allocator, names.size + 1, 1, 1);
    if (engine->cpu) memcpy(engine->cpu, text, names.size);
    qn_buffer_deinit(&names);
    return engine->cpu ? NULL : qn_status_out_of_memory();
}

static qn_status *start_threads(qn_engine *engine, const qn_engine_options *options) {
    QN_TRY(qn_pool_start(&engine->allocator, options->threads, options->pin, options->log, &engine->pool));
    engine->executor = qn_pool_executor(engine->pool);
    return NULL;
}

static qn_status *check_options(const qn_engine_options *options) {
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "engine options of size %zu, expected %zu: call qn_engine_options_init() first", options->size,
                      sizeof *options);
    const qn_executor *executor = options->executor;
    if (executor && (executor->thread_count < 1 || executor->thread_count > QN_THREADS_MAX || !executor->parallel_for))
        return QN_ERR(QN_INVALID_ARGUMENT, "an executor with %d threads, expected 1 to %d, and a parallel_for function",
                      executor->thread_count, QN_THREADS_MAX);
    return NULL;
}

qn_status *qn_engine_create(qn_model *model, const qn_engine_options *options, qn_engine **out_engine) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_engine);
    *out_engine = NULL;
    QN_REQUIRE_ARG(model);
    qn_engine_options defaults;
    qn_engine_options_init(&defaults);
    if (!options) options = &defaults;
    QN_TRY(check_options(options));
    const qn_allocator *allocator = qn_allocator_or_default(options->allocator);
    qn_engine *engine = qn_alloc_zeroed(allocator, 1, sizeof *engine, _Alignof(qn_engine));
    if (!engine) return qn_status_out_of_memory();
    engine->allocator = *allocator;
    atomic_init(&engine->references, 1);
    pthread_mutex_init(&engine->weights_mutex, NULL); /* a plain one cannot fail */
    qn_model_retain(model);
    qn_model_retain(model);
    engine->model = engine->weights = model;
    qn_status *status = choose_kernels(engine, options->cpu);
    if (!status && options->executor)
        engine->executor = *options->executor;
    else if (!status)
        status = start_threads(engine, options);
    if (status)
        qn_engine_release(engine);
    else
        *out_engine = engine;
    return status;
}

int qn_engine_threads(const qn_engine *engine) { return engine ? engine->executor.thread_count : 0; }

const char *qn_engine_cpu(const qn_engine *engine) { return engine ? engine->cpu : NULL; }

/* ---- Weights ---- */

qn_model *qn_engine_take_weights(qn_engine *engine, uint64_t *out_version) {
    pthread_mutex_lock(&engine->weights_mutex);
    qn_model *weights = engine->weights;
    qn_model_retain(weights);
    *out_version = atomic_load_explicit(&engine->weights_version, memory_order_relaxed);
    pthread_mutex_unlock(&engine->weights_mutex);
    return weights;
}

qn_status *qn_engine_replace_weights(qn_engine *engine, qn_model *model) {
    QN_ENTER();
    QN_REQUIRE_ARG(engine);
    QN_REQUIRE_ARG(model);
    QN_TRY(qn_program_check_same(engine->model->program, model->program));
    qn_model_retain(model);
    pthread_mutex_lock(&engine->weights_mutex);
    qn_model *old = engine->weights;
    engine->weights = model;
    atomic_fetch_add_explicit(&engine->weights_version, 1, memory_order_release);
    pthread_mutex_unlock(&engine->weights_mutex);
    qn_model_release(old);
    return NULL;
}

qn_model *qn_engine_share_model(qn_engine *engine) {
    if (!engine) return NULL;
    uint64_t version;
    return qn_engine_take_weights(engine, &version);
}
