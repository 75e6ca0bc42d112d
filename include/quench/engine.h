/* quench/engine.h - a model bound to this machine: kernels chosen, threads started.
 *
 *     qn_engine_options options;
 *     qn_engine_options_init(&options);
 *     options.threads = 2;
 *     status = qn_engine_create(model, &options, &engine);
 *
 * An engine is immutable and may be shared: make one per model and process, and one context (quench/context.h) per
 * thread that runs. It keeps its model alive; the model's handle may be destroyed first.
 *
 * After fork() a child goes on with the engines and contexts of its parent that were not in use at that moment; runs
 * use its one thread then, whatever qn_engine_threads() says. Engines that the child makes have threads of their own.
 */
#ifndef QUENCH_ENGINE_H
#define QUENCH_ENGINE_H

#include "quench/allocator.h"
#include "quench/executor.h"
#include "quench/log.h"
#include "quench/model.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_engine qn_engine;

typedef struct qn_engine_options {
    size_t size; /* sizeof(qn_engine_options), set by qn_engine_options_init */
    /* Threads that work on one run, the calling one included; 1 .. 1024. Default 0: the environment variable
       QUENCH_THREADS if set, else as many as this process may use (affinity mask and cgroup quota, version 1 or 2).
       Which of these it was is said in the log. Ignored when `executor` is given. */
    int threads;
    /* CPU features to use, as `quench --cpu` takes them ("generic", "avx2", ...). Default NULL: the environment
       variable QUENCH_CPU if set, else all this CPU has. Features it lacks are never used. */
    const char *cpu;
    /* Default NULL: the C library's heap. Copied; `self` must outlive the engine and its contexts. */
    const qn_allocator *allocator;
    /* Default NULL: a thread pool of the engine's own. Engines of one process may share one: qn_executor_create_pool()
       makes it. Copied; `self` must outlive the engine and its contexts. */
    const qn_executor *executor;
    /* Default NULL: remarks are dropped. Copied. */
    const qn_log *log;
    /* Not 0: bind each thread of the engine's own pool to a CPU of the affinity mask, the calling thread excepted.
       Default 0: the operating system decides. Ignored when `executor` is given. */
    int pin;
} qn_engine_options;

/* Sets every option to its default. */
QN_API void qn_engine_options_init(qn_engine_options *options);

/* Chooses kernels for this CPU and starts the threads.
 * @param options     NULL for the defaults
 * @param out_engine  on success the engine, freed by qn_engine_destroy(); else NULL
 * returns    INVALID_ARGUMENT: an option or QUENCH_THREADS out of range, or a CPU name that does not exist (the nearest
 *            is suggested); OUT_OF_MEMORY. Threads that cannot be created are no error: the engine runs on those it got
 *            and says so in the log
 * threads    any thread
 */
QN_API qn_status *qn_engine_create(qn_model *model, const qn_engine_options *options,
                                   qn_engine **out_engine) QN_MUST_USE;

/* Gives the engine up. Its contexts keep working; its threads end with the last of them. Accepts NULL. Any thread. */
QN_API void qn_engine_destroy(qn_engine *engine);

/* Another handle on the same engine, for a part of the program that needs it as long as itself; given up with
   qn_engine_destroy() like the first. Any thread. */
QN_API qn_engine *qn_engine_share(qn_engine *engine);

/* How many threads a run uses. Any thread. */
QN_API int qn_engine_threads(const qn_engine *engine);

/* The CPU features in use, space-separated ("avx2 fma"); "generic" if none. Owned by the engine. Any thread. */
QN_API const char *qn_engine_cpu(const qn_engine *engine);

/* Puts the constants of another model in force: every run that begins after the call computes with them, on contexts that
 * exist too; runs that are under way finish with the old ones. quench/refit.h makes such models from named weights.
 * @param model  the same program as the engine's but for the bytes of its constants, as two builds of one network with
 *               other weights are. The engine keeps what it needs of it alive
 * returns    INVALID_ARGUMENT: the programs differ further; the message says in what. Nothing has changed then
 * threads    any thread
 * cost       compares two programs; each context binds its shapes again at its next run (microseconds, no allocation)
 */
QN_API qn_status *qn_engine_replace_weights(qn_engine *engine, qn_model *model) QN_MUST_USE;

/* The model whose constants are in force: the one the engine was made from, or the last that replaced it. Given up with
 * qn_model_destroy(). Any thread. */
QN_API qn_model *qn_engine_share_model(qn_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
