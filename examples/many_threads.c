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
    qn_tensor output; /* this thread's answer */
    size_t output_bytes;
    qn_status *status; /* what went wrong in this thread */
} worker;

/* Sets the shape and makes room for the output. */
static qn_status *prepare(worker *self, qn_context *context) {
    qn_status *status = qn_context_set_input_shape(context, 0, self->input->rank, self->input->dims);
    if (!status) status = qn_context_get_output_shape(context, 0, &self->output.rank, self->output.dims);
    if (status) return status;
    self->output.dtype = self->output_dtype;
    self->output_bytes = 8; /* no element is larger */
    for (int i = 0; i < self->output.rank; i++) self->output_bytes *= (size_t)self->output.dims[i];
    self->output.data = calloc(1, self->output_bytes ? self->output_bytes : 1);
    return self->output.data ? NULL : qn_status_create(QN_OUT_OF_MEMORY, "no memory for the output");
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
        if (memcmp(workers[0].output.data, workers[i].output.data, workers[0].output_bytes))
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
    for (int i = 0; i < started; i++) free(workers[i].output.data);
    if (!status && started < count)
        status = qn_status_create(QN_LIMIT, "the system grants only %d of %d threads", started, count);
    return status;
}

/* Reads "1,96,128,3" and fills a uint8 tensor of that shape with noise. */
static qn_status *make_input(const char *shape, qn_tensor *out_input) {
    size_t bytes = 1;
    const char *rest = shape;
    char *end = NULL;
    *out_input = (qn_tensor){.dtype = QN_DTYPE_U8};
    do {
        long long dim = strtoll(rest, &end, 10);
        if (out_input->rank == QN_MAX_RANK || end == rest || (*end && *end != ',') || dim < 1 || dim > 65536)
            return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no shape, expected for example 1,96,128,3", shape);
        out_input->dims[out_input->rank++] = dim;
        if (bytes > SIZE_MAX / (size_t)dim) return qn_status_create(QN_LIMIT, "shape '%s' is too large", shape);
        bytes *= (size_t)dim;
        rest = end + 1;
    } while (*end);
    unsigned char *data = malloc(bytes);
    if (!data) return qn_status_create(QN_OUT_OF_MEMORY, "no memory for the input");
    unsigned noise = 1;
    for (size_t i = 0; i < bytes; i++) {
        noise = noise * 1664525u + 1013904223u;
        data[i] = (unsigned char)(noise >> 24);
    }
    out_input->data = data;
    return NULL;
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
    free(input.data);
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
