#include "driver/sensitivity.h"

#include "driver/score.h"
#include "driver/trial.h"
#include "pass/precision.h"
#include "pass/quantise.h"
#include "quant/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 6, PROBES_MAX = 8 };

/* ---- The list ---- */

static int is_layer(const qn_node *node) { return node->op == &qn_op_conv2d || node->op == &qn_op_matmul; }

qn_status *qn_sensitivity_list(qn_sensitivity *list, qn_graph *graph, const qn_config *config, qn_arena *arena) {
    const qn_cost_model *model = qn_compile_cost_model(config);
    *list = (qn_sensitivity){.layers = QN_ARENA_ARRAY(arena, qn_sensitive_layer, graph->node_count),
                             .kept = graph->precision == QN_DTYPE_F16 ? QN_DTYPE_F16 : QN_DTYPE_F32};
    if (!list->layers) return qn_status_out_of_memory();
    for (qn_node *node = graph->first; node; node = node->next) {
        if (!is_layer(node)) continue;
        double macs = qn_cost_macs(graph, node);
        list->macs += macs;
        if (node->outputs[0]->type.dtype != QN_DTYPE_F32 || qn_quantise_find_obstacle(graph, node)) continue;
        if (node->precision) { /* it asks for integers itself */
            list->integer_macs += macs;
            continue;
        }
        double floats = qn_cost_layer(model, graph, node, list->kept, list->kept, 0);
        qn_dtype weights = graph->integer.dtype == QN_DTYPE_U8 ? QN_DTYPE_S8 : graph->integer.weights;
        double integers = qn_cost_layer(model, graph, node, graph->integer.dtype, weights, 0);
        list->layers[list->count++] =
            (qn_sensitive_layer){.node = node, .macs = macs, .cost = fmax(floats - integers, 0.02 * integers)};
    }
    return NULL;
}

static qn_status *wish(const qn_sensitivity *list, qn_graph *graph, size_t index, int is_float) {
    qn_node *node = list->layers[index].node;
    node->precision = QN_DTYPE_NONE;
    node->precision_reason = NULL;
    return is_float ? qn_precision_set_node(graph, node, list->kept, "kept float by the contract") : NULL;
}

qn_status *qn_sensitivity_apply(const qn_sensitivity *list, qn_graph *graph, size_t kept) {
    for (size_t i = 0; i < list->count; i++) QN_TRY(wish(list, graph, i, i < kept));
    return NULL;
}

double qn_sensitivity_integer_share(const qn_sensitivity *list, size_t kept) {
    double macs = list->integer_macs;
    for (size_t i = kept; i < list->count; i++) macs += list->layers[i].macs;
    return list->macs > 0 ? macs / list->macs : 0;
}

/* ---- Probes: the last float values before the outputs ---- */

/* Operators behind which what counts stands already. */
static int is_afterwards(const qn_node *node) {
    static const qn_op_def *const ops[] = {
        &qn_op_argmax,  &qn_op_cast,  &qn_op_expand_dims, &qn_op_identity,        &qn_op_pad,           &qn_op_reshape,
        &qn_op_resize_bilinear, &qn_op_resize_nearest, &qn_op_slice, &qn_op_squeeze, &qn_op_strided_slice, &qn_op_transpose,
        &qn_op_softmax, &qn_op_sigmoid, &qn_op_argmin,
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (node->op == ops[i]) return 1;
    return 0;
}

typedef struct probes {
    const char *names[PROBES_MAX];
    size_t count;
    int is_reference;               /* the float network runs */
    const float *truth[PROBES_MAX]; /* of the sample at hand: what the float network gave */
    float *kept[PROBES_MAX];        /* what it gives */
    int64_t elems[PROBES_MAX];      /* of either */
    double error, power;
    int64_t differing, labels; /* of the first output, against the float network */
} probes;

static void find_probes(const qn_graph *graph, probes *p) {
    for (size_t i = 0; i < graph->outputs.count && p->count < PROBES_MAX; i++) {
        const qn_value *value = graph->outputs.items[i];
        while (value->producer && is_afterwards(value->producer)) value = value->producer->inputs[0];
        if (value->producer && qn_dtype_is_float(value->type.dtype)) p->names[p->count++] = value->name;
    }
}

static int see(void *self, const char *name, const qn_tensor *tensor) {
    probes *p = self;
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(name, p->names[i]) || !qn_dtype_is_float(tensor->dtype)) continue;
        int64_t elems = qn_view_elems(&view);
        if (p->is_reference) {
            free(p->kept[i]);
            p->kept[i] = malloc((size_t)elems * sizeof(float) + 1);
            p->elems[i] = p->kept[i] ? elems : 0;
        }
        for (int64_t e = 0; e < elems && e < p->elems[i]; e++) {
            double value = qn_view_get(&view, e);
            if (p->is_reference) {
                p->kept[i][e] = (float)value;
                continue;
            }
            double truth = (double)p->truth[i][e];
            p->error += (value - truth) * (value - truth);
            p->power += truth * truth;
        }
    }
    return 0;
}

/* ---- Measuring ---- */

/* A few samples, kept. */
typedef struct few_samples {
    qn_tensor *inputs; /* [count][input_count] */
    size_t count, input_count;
    float *truth[SAMPLES][PROBES_MAX]; /* the probes of the float network */
    int64_t elems[SAMPLES][PROBES_MAX];
    int32_t *labels[SAMPLES];          /* its labels; NULL: the first output has none */
    int64_t label_count[SAMPLES];
    qn_arena *arena;
} few_samples;

static size_t tensor_bytes(const qn_tensor *tensor) {
    size_t bytes = qn_dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) bytes *= (size_t)tensor->dims[i];
    return bytes;
}

static qn_status *take_samples(few_samples *few, const qn_samples *samples, size_t input_count, qn_arena *arena) {
    few->input_count = input_count;
    few->arena = arena;
    few->inputs = QN_ARENA_ARRAY(arena, qn_tensor, SAMPLES * input_count);
    if (!few->inputs) return qn_status_out_of_memory();
    int64_t count = samples->count; /* evenly spread where it is known; else the first */
    QN_TRY(samples->rewind(samples->self));
    for (int64_t number = 0; few->count < SAMPLES; number++) {
        int has = 0;
        qn_tensor *inputs = &few->inputs[few->count * input_count];
        QN_TRY(samples->next(samples->self, inputs, input_count, &has));
        if (!has) break;
        if (count > SAMPLES && number < (int64_t)few->count * count / SAMPLES) continue;
        for (size_t i = 0; i < input_count; i++) {
            inputs[i].data = qn_arena_copy(arena, inputs[i].data, tensor_bytes(&inputs[i]));
            if (!inputs[i].data) return qn_status_out_of_memory();
        }
        few->count++;
    }
    return NULL;
}

/* Labels of the float network are kept; those of another are compared with them: *inout_differing, *inout_total. */
static qn_status *take_labels(few_samples *few, size_t sample, const qn_tensor *output, int is_reference,
                              int64_t *inout_differing, int64_t *inout_total) {
    int64_t count = qn_labels_count(output);
    if (count <= 0) return NULL;
    int32_t *labels = qn_alloc_zeroed(qn_allocator_default(), (size_t)count, sizeof *labels, 16);
    if (!labels) return qn_status_out_of_memory();
    qn_labels_read(output, labels);
    if (is_reference) {
        few->labels[sample] = qn_arena_copy(few->arena, labels, (size_t)count * sizeof *labels);
        few->label_count[sample] = count;
    }
    for (int64_t i = 0; few->labels[sample] && i < count && i < few->label_count[sample]; i++)
        *inout_differing += labels[i] != few->labels[sample][i];
    *inout_total += count;
    qn_free(qn_allocator_default(), labels);
    return few->labels[sample] ? NULL : qn_status_out_of_memory();
}

static qn_status *run_few(few_samples *few, qn_trial *trial, probes *p, int is_reference) {
    QN_TRY(qn_context_set_observer(trial->context, see, p));
    p->error = p->power = 0;
    p->differing = p->labels = 0;
    p->is_reference = is_reference;
    for (size_t s = 0; s < few->count; s++) {
        for (size_t i = 0; i < p->count; i++) p->truth[i] = few->truth[s][i];
        memcpy(p->elems, few->elems[s], sizeof p->elems); /* zeros while the reference runs */
        if (is_reference) memset(p->kept, 0, sizeof p->kept);
        qn_status *status = qn_trial_run(trial, &few->inputs[s * few->input_count]);
        if (is_reference) memcpy(few->truth[s], p->kept, sizeof p->kept);
        if (is_reference) memcpy(few->elems[s], p->elems, sizeof p->elems);
        if (!status)
            status = take_labels(few, s, &trial->outputs[0], is_reference, &p->differing, &p->labels);
        QN_TRY(status);
    }
    return NULL;
}

static qn_status *run_graph(few_samples *few, const qn_graph *graph, const qn_config *config, const qn_executor *pool,
                            probes *p, int is_reference) {
    qn_trial trial = {0};
    qn_trial_options options = {
        .config = config, .first = QN_PASS_FUSE, .last = QN_PASS_CONVERT, .executor = pool};
    qn_status *status = qn_trial_create(&trial, graph, &options);
    if (!status) status = run_few(few, &trial, p, is_reference);
    qn_trial_destroy(&trial);
    return status;
}

/* What counts is labels that change; where none do, and for outputs without labels, how far the values before them move. */
static double loss_of(const probes *p) {
    double moved = p->power > 0 ? p->error / p->power : 0;
    return p->labels ? (double)p->differing / (double)p->labels + 1e-3 * moved : moved;
}

/* Every layer by itself as integers. */
static qn_status *measure_layers(qn_sensitivity *list, qn_graph *graph, const qn_config *config, few_samples *few,
                                 const qn_executor *pool, const qn_progress *progress) {
    probes p = {0};
    find_probes(graph, &p);
    QN_TRY(qn_sensitivity_apply(list, graph, list->count));
    QN_TRY(run_graph(few, graph, config, pool, &p, 1));
    for (size_t i = 0; i < list->count; i++) {
        QN_TRY(qn_progress_step(progress, "contract: layer by layer", i, list->count));
        QN_TRY(wish(list, graph, i, 0));
        QN_TRY(run_graph(few, graph, config, pool, &p, 0));
        QN_TRY(wish(list, graph, i, 1));
        list->layers[i].error = loss_of(&p);
    }
    return NULL;
}

static int compare_gains(const void *a, const void *b) {
    const qn_sensitive_layer *x = a, *y = b;
    double gain_x = x->error / x->cost, gain_y = y->error / y->cost;
    return (gain_x < gain_y) - (gain_x > gain_y);
}

/* An insertion sort: equal gains keep their order whatever the C library does. */
static void sort_layers(qn_sensitivity *list) {
    for (size_t i = 1; i < list->count; i++) {
        qn_sensitive_layer layer = list->layers[i];
        size_t at = i;
        for (; at > 0 && compare_gains(&list->layers[at - 1], &layer) > 0; at--) list->layers[at] = list->layers[at - 1];
        list->layers[at] = layer;
    }
}

qn_status *qn_sensitivity_measure(qn_sensitivity *list, qn_graph *graph, const qn_config *config, const qn_samples *samples,
                                  const qn_executor *pool, const qn_progress *progress) {
    few_samples few = {0};
    qn_arena arena;
    const int64_t iterations = graph->integer.rounding_iterations;
    graph->integer.rounding_iterations = 0; /* which layers lose most shows without, and much sooner */
    qn_arena_init(&arena, NULL);
    qn_status *status = take_samples(&few, samples, graph->inputs.count, &arena);
    if (!status) status = measure_layers(list, graph, config, &few, pool, progress);
    for (size_t s = 0; s < SAMPLES; s++)
        for (size_t i = 0; i < PROBES_MAX; i++) free(few.truth[s][i]);
    qn_arena_deinit(&arena);
    graph->integer.rounding_iterations = iterations;
    QN_TRY(status);
    sort_layers(list);
    return qn_sensitivity_apply(list, graph, 0);
}
