/* many_threads - one engine, a context for each thread.
 *
 *     many_threads MODEL.qn SHAPE [THREADS]        (a shape: 1,96,128,3; default 4 threads)
 *
 * An engine holds what all threads share: the weights, mapped once, and the kernels chosen for this CPU. A context
 * holds what belongs to one thread: the arena. Every thread runs the same noise through the model several times; that
 * all answers are the same, byte for byte, is checked, and the program fails if they are not.
 *
 * The model has one input, of uint8, and one output. Make MODEL.qn with `quench build GRAPH.pb -o MODEL.qn`.
 *
 * Uses: libquench, POSIX threads.
 */
#include <quench/quench.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64, RUNS = 3 };

typedef struct worker {
    pthread_t thread;
    qn_engine *engine;      /* shared */
    const qn_tensor *input; /* shared, only read */
    qn_dtype output_dtype;
    qn_tensor output;  /* this thread's answer */
    qn_status *status; /* what went wrong in this thread */
} worker;

/* Sets the shape and makes room for the output. */
static qn_status *prepare(worker *self, qn_context *context) {
    int rank;
    int64_t dims[QN_MAX_RANK];
    qn_status *status = qn_context_set_input_shape(context, 0, self->input->rank, self->input->dims);
    if (!status) status = qn_context_get_output_shape(context, 0, &rank, dims);
    if (!status) status = qn_tensor_init(self->output_dtype, rank, dims, NULL, &self->output);
    return status;
}

static void *work(void *arg) {
    worker *self = arg;
    qn_context *context = NULL;
    self->status = qn_context_create(self->engine, &context);
    if (!self->status) self->status = prepare(self, context);
    for (int i = 0; i < RUNS && !self->status; i++)
        self->status = qn_context_run(context, self->input, 1, &self->output, 1);
    qn_context_destroy(context);
    return NULL;
}

/* The first failure among the threads, else a complaint if their answers differ. */
static qn_status *judge(worker *workers, int count) {
    qn_status *first = NULL;
    for (int i = 0; i < count; i++) {
        if (!first)
            first = workers[i].status;
        else
            qn_status_free(workers[i].status);
    }
    for (int i = 1; i < count && !first; i++)
        if (memcmp(workers[0].output.data, workers[i].output.data, qn_tensor_bytes(&workers[0].output)))
            first = qn_status_create(QN_INTERNAL, "thread %d answers differently from thread 0", i);
    return first;
}

static qn_status *run_threads(qn_engine *engine, const qn_tensor *input, qn_dtype output_dtype, int count) {
    worker workers[THREADS_MAX] = {0};
    int started = 0;
    for (; started < count; started++) {
        workers[started].engine = engine;
        workers[started].input = input;
        workers[started].output_dtype = output_dtype;
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started])) break;
    }
    for (int i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
    qn_status *status = judge(workers, started);
    for (int i = 0; i < started; i++) qn_tensor_deinit(&workers[i].output, NULL);
    if (!status && started < count)
        status = qn_status_create(QN_LIMIT, "the system grants only %d of %d threads", started, count);
    return status;
}

/* Reads "1,96,128,3" and fills a uint8 tensor of that shape with noise. */
static qn_status *make_input(const char *shape, qn_tensor *out_input) {
    int64_t dims[QN_MAX_RANK] = {0};
    int rank = 0;
    for (const char *at = shape; at && rank < QN_MAX_RANK; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        dims[rank++] = atoll(at);
    qn_status *status = qn_tensor_init(QN_DTYPE_U8, rank, dims, NULL, out_input);
    unsigned noise = 1;
    for (size_t i = 0; i < qn_tensor_bytes(out_input); i++) {
        noise = noise * 1664525u + 1013904223u;
        ((uint8_t *)out_input->data)[i] = (uint8_t)(noise >> 24);
    }
    return status;
}

static qn_status *run(const char *path, const char *shape, int count) {
    qn_model *model = NULL;
    qn_engine *engine = NULL;
    qn_tensor input = {0};
    qn_dtype output_dtype = QN_DTYPE_NONE;
    /* With as many callers as CPUs, helpers for each of them would only be in the way. */
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = 1;
    qn_status *status = qn_model_load_file(path, NULL, &model);
    if (!status && (qn_model_get_info(model)->input_count != 1 || qn_model_get_info(model)->output_count != 1))
        status = qn_status_create(QN_UNSUPPORTED, "%s: expected one input and one output", path);
    if (!status) status = qn_engine_create(model, &options, &engine);
    if (!status) output_dtype = qn_model_output(model, 0)->dtype;
    qn_model_destroy(model); /* the engine keeps what it needs */
    if (!status) status = make_input(shape, &input);
    if (!status) status = run_threads(engine, &input, output_dtype, count);
    qn_tensor_deinit(&input, NULL);
    qn_engine_destroy(engine);
    return status;
}

int main(int argc, char **argv) {
    int count = argc == 4 ? atoi(argv[3]) : 4;
    if (argc < 3 || argc > 4 || count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "usage: many_threads MODEL.qn SHAPE [THREADS 1..%d]\n", THREADS_MAX);
        return 2;
    }
    qn_status *status = run(argv[1], argv[2], count);
    if (!status) {
        printf("%d threads, %d runs each: identical answers\n", count, RUNS);
        return 0;
    }
    fprintf(stderr, "many_threads: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
