#include "driver/contract/sensitivity.h"

#include "base/checked.h"
#include "driver/picture/image_block.h"
#include "driver/contract/score.h"
#include "driver/compile/trial.h"
#include "pass/precision.h"
#include "pass/quantise.h"
#include "quant/cost.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 6, PROBES_MAX = 8 };

/* ---- The list ---- */

static int is_layer(const qn_node *node) { return qn_op_is_layer(node->op); }

/* Layers that the cost model leaves float whatever speaks for integers. Which these are shows in the fused graph, where
   layers meet; what they read has the same names there. */
typedef struct gainless_layers {
    const qn_node **nodes;
    size_t count;
} gainless_layers;

static int is_not_worth_it(const qn_graph *fused, const qn_node *node) {
    const qn_why why = qn_facts_of(fused, node)->outcome.why;
    return why == QN_WHY_NO_TIME_SAVED || why == QN_WHY_WEIGHTS_SHARED;
}

static qn_status *find_gainless(const qn_graph *graph, const qn_config *config, qn_arena *scratch,
                                gainless_layers *out) {
    qn_graph *fused;
    qn_build_options options;
    qn_progress silent = {0};
    qn_build_options_init(&options);
    options.allocator = scratch->allocator;
    QN_TRY(qn_graph_copy(graph, scratch, &fused));
    QN_TRY(qn_compile_passes(fused, config, &options, &silent, QN_PASS_FUSE, QN_PASS_FUSE));
    QN_TRY(qn_quantise_choose(fused));
    out->nodes = QN_ARENA_ARRAY(scratch, const qn_node *, fused->node_count);
    if (!out->nodes) return qn_status_out_of_memory();
    for (qn_node *node = fused->first; node; node = node->next)
        if (is_layer(node) && is_not_worth_it(fused, node)) out->nodes[out->count++] = node;
    return NULL;
}

static int read_the_same(const qn_node *a, const qn_node *b) {
    return !strcmp(a->inputs[0]->name, b->inputs[0]->name) && !strcmp(a->inputs[1]->name, b->inputs[1]->name);
}

static int is_gainless(const gainless_layers *gainless, const qn_node *node) {
    for (size_t i = 0; i < gainless->count; i++)
        if (read_the_same(gainless->nodes[i], node)) return 1;
    return 0;
}

static void add_form(qn_sensitive_layer *layer, const qn_cost_model *model, const qn_graph *graph, qn_dtype dtype,
                     qn_dtype weights) {
    qn_layer_form form = {dtype, weights, qn_cost_layer(model, graph, layer->node, dtype, weights, 0)};
    size_t at = layer->form_count;
    if (dtype == QN_DTYPE_S16 && layer->asked && layer->asked != weights) return;
    if (at && form.cycles >= layer->forms[at - 1].cycles) return; /* floats, the first, keep more */
    layer->forms[layer->form_count++] = form;
}

/* Floats, and what is cheaper than they are. */
static void find_forms(qn_sensitivity *list, qn_sensitive_layer *layer, const qn_cost_model *model,
                       const qn_graph *graph) {
    add_form(layer, model, graph, list->kept, list->kept);
    if (list->dtype == QN_DTYPE_U8) {
        add_form(layer, model, graph, QN_DTYPE_S16, QN_DTYPE_S16);
        add_form(layer, model, graph, QN_DTYPE_S16, QN_DTYPE_S8);
    }
    for (size_t i = 0; i < layer->form_count / 2; i++) {
        qn_layer_form form = layer->forms[i], *other = &layer->forms[layer->form_count - 1 - i];
        layer->forms[i] = *other;
        *other = form;
    }
}

static void add_layer(qn_sensitivity *list, const qn_cost_model *model, const qn_graph *graph, qn_node *node,
                      double macs) {
    qn_sensitive_layer *layer = &list->layers[list->count++];
    qn_dtype weights = list->dtype == QN_DTYPE_S16 ? graph->integer.weights : QN_DTYPE_S8;
    const qn_dtype asked = qn_facts_of(graph, node)->wish.weights;
    if (list->dtype == QN_DTYPE_S16 && asked) weights = asked;
    double integers = qn_cost_layer(model, graph, node, list->dtype, weights, 0);
    *layer = (qn_sensitive_layer){.node = node, .asked = asked, .macs = macs};
    find_forms(list, layer, model, graph);
    layer->cost = fmax(layer->forms[0].cycles - integers, 0.02 * integers);
}

static qn_status *list_layers(qn_sensitivity *list, qn_graph *graph, const qn_config *config, qn_arena *scratch) {
    const qn_cost_model *model = qn_compile_cost_model(config);
    gainless_layers gainless = {0};
    QN_TRY(find_gainless(graph, config, scratch, &gainless));
    for (qn_node *node = graph->first; node; node = node->next) {
        if (!is_layer(node)) continue;
        double macs = qn_cost_macs(graph, node);
        list->macs += macs;
        if (node->outputs[0]->type.dtype != QN_DTYPE_F32 || qn_quantise_find_obstacle(graph, node).why) continue;
        const qn_dtype asked = qn_facts_of(graph, node)->wish.dtype;
        if (asked) { /* it asks for integers itself */
            list->integer_macs += macs;
            list->byte_macs += asked == QN_DTYPE_U8 ? macs : 0;
        } else if (!is_gainless(&gainless, node)) {
            add_layer(list, model, graph, node, macs);
        }
    }
    return NULL;
}

qn_status *qn_sensitivity_list(qn_sensitivity *list, qn_graph *graph, const qn_config *config, qn_arena *arena) {
    qn_arena scratch;
    *list = (qn_sensitivity){.layers = QN_ARENA_ARRAY(arena, qn_sensitive_layer, graph->node_count),
                             .kept = graph->precision == QN_DTYPE_F16 ? QN_DTYPE_F16 : QN_DTYPE_F32,
                             .dtype = graph->integer.dtype,
                             .arena = arena};
    if (!list->layers) return qn_status_out_of_memory();
    qn_arena_init(&scratch, arena->allocator);
    qn_status *status = list_layers(list, graph, config, &scratch);
    qn_arena_deinit(&scratch);
    return status;
}

/* Wishes a form of a layer; NULL: the integers of the mode. */
static qn_status *wish(qn_graph *graph, const qn_sensitive_layer *layer, const qn_layer_form *form) {
    qn_node *node = layer->node;
    const int is_words = form && form->dtype == QN_DTYPE_S16;
    const qn_who who = {is_words ? QN_ASKER_CONTRACT_WORDS : form ? QN_ASKER_CONTRACT_FLOAT : QN_ASKER_NOBODY, NULL};
    qn_node_facts *facts;
    QN_TRY(qn_facts_ask(graph, node, form ? form->dtype : QN_DTYPE_NONE, who, 0));
    QN_TRY(qn_facts_edit(graph, node, &facts));
    facts->wish.weights = is_words ? form->weights : layer->asked;
    return NULL;
}

static const qn_layer_form *floats_of(const qn_sensitive_layer *layer) { return &layer->forms[layer->form_count - 1]; }

qn_status *qn_sensitivity_apply(const qn_sensitivity *list, qn_graph *graph, size_t kept) {
    for (size_t i = 0; i < list->count; i++)
        QN_TRY(wish(graph, &list->layers[i], i < kept ? list->layers[i].chosen : NULL));
    return NULL;
}

static qn_status *apply_floats(const qn_sensitivity *list, qn_graph *graph) {
    for (size_t i = 0; i < list->count; i++) QN_TRY(wish(graph, &list->layers[i], floats_of(&list->layers[i])));
    return NULL;
}

static qn_status *settle(qn_sensitivity *list, const qn_graph *graph, const qn_config *config, size_t kept,
                         qn_arena *scratch) {
    gainless_layers gainless = {0};
    QN_TRY(find_gainless(graph, config, scratch, &gainless));
    for (size_t i = kept; i < list->count; i++)
        list->layers[i].saves_no_time = is_gainless(&gainless, list->layers[i].node);
    return NULL;
}

qn_status *qn_sensitivity_settle(qn_sensitivity *list, qn_graph *graph, const qn_config *config, size_t kept) {
    qn_arena scratch;
    QN_TRY(qn_sensitivity_apply(list, graph, kept));
    qn_arena_init(&scratch, list->arena->allocator);
    qn_status *status = settle(list, graph, config, kept, &scratch);
    qn_arena_deinit(&scratch);
    return status;
}

qn_sensitivity_mix qn_sensitivity_mix_of(const qn_sensitivity *list, size_t kept) {
    qn_sensitivity_mix mix = {0};
    double integers = list->integer_macs, bytes = list->byte_macs;
    for (size_t i = 0; i < list->count; i++) {
        const qn_sensitive_layer *layer = &list->layers[i];
        qn_dtype dtype = i < kept ? layer->chosen->dtype : layer->saves_no_time ? list->kept : list->dtype;
        mix.floats += qn_dtype_is_float(dtype);
        mix.words += i < kept && dtype == QN_DTYPE_S16;
        integers += qn_dtype_is_float(dtype) ? 0 : layer->macs;
        bytes += dtype == QN_DTYPE_U8 ? layer->macs : 0;
    }
    mix.integer_share = list->macs > 0 ? integers / list->macs : 0;
    mix.byte_share = list->macs > 0 ? bytes / list->macs : 0;
    return mix;
}

/* ---- Probes: the last float values before the outputs ---- */

/* Does the node only give what it reads another place, size, type or scale, or name the greatest, so that what counts is
   in its input already? */
static int is_afterwards(const qn_node *node) {
    const qn_op_def *op = node->op;
    if (node->input_count < 1 || qn_op_data_inputs(op, node->input_count) != 1) return 0;
    return qn_op_moves(op) || op->flags & (QN_OP_FITS | QN_OP_KEEPS_ORDER) || op->values == QN_VALUES_ROUNDED ||
           op->values == QN_VALUES_LABELS;
}

typedef struct probes {
    const char *names[PROBES_MAX];
    size_t count;
    qn_arena *truth_arena;          /* the float network runs, and what it gives is kept there; else NULL */
    const float *truth[PROBES_MAX]; /* of the sample at hand: what the float network gave */
    float *kept[PROBES_MAX];        /* what it gives */
    int64_t elems[PROBES_MAX];      /* of either */
    double error, power;
    int64_t differing, labels; /* of the first output, against the float network */
    const qn_cancel *cancel;   /* asked for every value */
    qn_status *status;         /* why the run was ended; NULL: it was not */
} probes;

static void find_probes(const qn_graph *graph, probes *p) {
    for (size_t i = 0; i < graph->outputs.count && p->count < PROBES_MAX; i++) {
        const qn_value *value = graph->outputs.items[i];
        while (value->producer && is_afterwards(value->producer)) value = value->producer->inputs[0];
        if (value->producer && qn_dtype_is_float(value->type.dtype)) p->names[p->count++] = value->name;
    }
}

static void keep_truth(probes *p, size_t probe, const qn_view *view) {
    const int64_t elems = qn_view_elems(view);
    p->kept[probe] = QN_ARENA_ARRAY(p->truth_arena, float, (size_t)elems);
    p->elems[probe] = p->kept[probe] ? elems : 0;
    if (!p->kept[probe]) p->status = qn_status_out_of_memory();
    for (int64_t e = 0; e < p->elems[probe]; e++) p->kept[probe][e] = (float)qn_view_get(view, e);
}

static void compare_with_truth(probes *p, size_t probe, const qn_view *view) {
    const int64_t elems = qn_min_i64(qn_view_elems(view), p->elems[probe]);
    for (int64_t e = 0; e < elems; e++) {
        const double truth = (double)p->truth[probe][e], error = qn_view_get(view, e) - truth;
        p->error += error * error;
        p->power += truth * truth;
    }
}

static int see(void *self, const char *name, const qn_tensor *tensor) {
    probes *p = self;
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    p->status = qn_cancel_check(p->cancel);
    for (size_t i = 0; i < p->count && !p->status; i++) {
        if (strcmp(name, p->names[i]) || !qn_dtype_is_float(tensor->dtype)) continue;
        if (p->truth_arena)
            keep_truth(p, i, &view);
        else
            compare_with_truth(p, i, &view);
    }
    return p->status != NULL;
}

/* ---- Measuring ---- */

/* A few samples, kept, and what the float network makes of them. */
typedef struct qn_few_samples {
    qn_tensor *inputs; /* [count][input_count] */
    size_t count, input_count;
    float *truth[SAMPLES][PROBES_MAX]; /* the probes of the float network */
    int64_t elems[SAMPLES][PROBES_MAX];
    int32_t *labels[SAMPLES]; /* its labels; NULL: the first output has none */
    int64_t label_count[SAMPLES];
    qn_answer answer; /* how the first output is read, where `has_answer` */
    int has_answer;
    probes probes;
    qn_arena arena;
} few_samples;

static size_t tensor_bytes(const qn_tensor *tensor) {
    size_t bytes = qn_dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) bytes *= (size_t)tensor->dims[i];
    return bytes;
}

static qn_status *take_samples(few_samples *few, const qn_samples *samples, size_t input_count) {
    few->input_count = input_count;
    few->inputs = QN_ARENA_ARRAY(&few->arena, qn_tensor, SAMPLES * input_count);
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
            inputs[i].data = qn_arena_copy(&few->arena, inputs[i].data, tensor_bytes(&inputs[i]));
            if (!inputs[i].data) return qn_status_out_of_memory();
        }
        few->count++;
    }
    return NULL;
}

/* Labels of the float network are kept; those of another are compared with them: *inout_differing, *inout_total. */
static qn_status *take_labels(few_samples *few, size_t sample, const qn_tensor *output, int is_reference,
                              int64_t *inout_differing, int64_t *inout_total) {
    const qn_answer *answer = few->has_answer ? &few->answer : NULL;
    int64_t count = qn_labels_count(output, answer);
    if (count <= 0) return NULL;
    const qn_allocator *allocator = few->arena.allocator;
    int32_t *labels = qn_alloc_zeroed(allocator, (size_t)count, sizeof *labels, 16);
    if (!labels) return qn_status_out_of_memory();
    qn_labels_read(output, answer, labels);
    if (is_reference) {
        few->labels[sample] = qn_arena_copy(&few->arena, labels, (size_t)count * sizeof *labels);
        few->label_count[sample] = count;
    }
    for (int64_t i = 0; few->labels[sample] && i < count && i < few->label_count[sample]; i++)
        *inout_differing += labels[i] != few->labels[sample][i];
    *inout_total += count;
    qn_free(allocator, labels);
    return few->labels[sample] ? NULL : qn_status_out_of_memory();
}

static qn_status *run_few(few_samples *few, qn_trial *trial, int is_reference) {
    probes *p = &few->probes;
    QN_TRY(qn_context_set_observer(trial->context, see, p));
    p->error = p->power = 0;
    p->differing = p->labels = 0;
    p->truth_arena = is_reference ? &few->arena : NULL;
    for (size_t s = 0; s < few->count; s++) {
        for (size_t i = 0; i < p->count; i++) p->truth[i] = few->truth[s][i];
        memcpy(p->elems, few->elems[s], sizeof p->elems); /* zeros while the reference runs */
        if (is_reference) memset(p->kept, 0, sizeof p->kept);
        qn_status *status = qn_trial_run(trial, &few->inputs[s * few->input_count]);
        if (is_reference) memcpy(few->truth[s], p->kept, sizeof p->kept);
        if (is_reference) memcpy(few->elems[s], p->elems, sizeof p->elems);
        if (p->status) { /* says more than that the run was ended */
            qn_status_free(status);
            status = p->status;
        }
        if (!status) status = take_labels(few, s, &trial->outputs[0], is_reference, &p->differing, &p->labels);
        QN_TRY(status);
    }
    return NULL;
}

static qn_status *run_graph(few_samples *few, const qn_graph *graph, const qn_config *config, const qn_executor *pool,
                            int is_reference) {
    qn_trial trial = {0};
    qn_trial_options options = {.allocator = few->arena.allocator,
                                .config = config,
                                .first = QN_PASS_FUSE,
                                .last = QN_PASS_CONVERT,
                                .executor = pool};
    qn_status *status = qn_trial_create(&trial, graph, &options);
    if (!status) status = run_few(few, &trial, is_reference);
    qn_trial_destroy(&trial);
    return status;
}

/* What counts is labels that change; where none do, and for outputs without labels, how far the values before them move. */
static double loss_of(const probes *p) {
    double moved = p->power > 0 ? p->error / p->power : 0;
    return p->labels ? (double)p->differing / (double)p->labels + 1e-3 * moved : moved;
}

/* What a layer loses in a form of its own (NULL: the integers of the mode) where all others are float, as they are now.
 */
static qn_status *measure_form(qn_sensitivity *list, qn_graph *graph, const qn_config *config, const qn_executor *pool,
                               size_t index, const qn_layer_form *form, double *out_loss) {
    const qn_sensitive_layer *layer = &list->layers[index];
    QN_TRY(wish(graph, layer, form));
    QN_TRY(run_graph(list->few, graph, config, pool, 0));
    *out_loss = loss_of(&list->few->probes);
    return wish(graph, layer, floats_of(layer));
}

/* Every layer by itself as integers. */
static qn_status *measure_layers(qn_sensitivity *list, qn_graph *graph, const qn_config *config,
                                 const qn_executor *pool, const qn_progress *progress) {
    find_probes(graph, &list->few->probes);
    QN_TRY(apply_floats(list, graph));
    QN_TRY(run_graph(list->few, graph, config, pool, 1));
    for (size_t i = 0; i < list->count; i++) {
        QN_TRY(qn_progress_step(progress, "contract: layer by layer", i, list->count));
        QN_TRY(measure_form(list, graph, config, pool, i, NULL, &list->layers[i].error));
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
        for (; at > 0 && compare_gains(&list->layers[at - 1], &layer) > 0; at--)
            list->layers[at] = list->layers[at - 1];
        list->layers[at] = layer;
    }
}

qn_status *qn_sensitivity_measure(qn_sensitivity *list, qn_graph *graph, const qn_config *config,
                                  const qn_samples *samples, const qn_executor *pool, const qn_progress *progress) {
    list->few = QN_ARENA_NEW(list->arena, few_samples);
    if (!list->few) return qn_status_out_of_memory();
    qn_arena_init(&list->few->arena, list->arena->allocator);
    list->few->probes.cancel = &graph->cancel;
    if (graph->outputs.count)
        list->few->has_answer = qn_image_block_find_answer(graph, config, graph->outputs.items[0], &list->few->answer);
    QN_TRY(take_samples(list->few, samples, graph->inputs.count));
    QN_TRY(measure_layers(list, graph, config, pool, progress));
    sort_layers(list);
    return qn_sensitivity_apply(list, graph, 0);
}

void qn_sensitivity_deinit(qn_sensitivity *list) {
    if (!list->few) return;
    qn_arena_deinit(&list->few->arena);
    list->few = NULL;
}

/* ---- Choosing a form ---- */

/* So much of what a layer loses as integers of the mode may it lose in another form; floats lose nothing by this
 * measure. */
static const double form_loss_share = 0.25;

static qn_status *choose_form(qn_sensitivity *list, qn_graph *graph, const qn_config *config, const qn_executor *pool,
                              size_t index) {
    qn_sensitive_layer *layer = &list->layers[index];
    const qn_layer_form *form = layer->forms;
    for (double loss; form != floats_of(layer); form++) {
        QN_TRY(measure_form(list, graph, config, pool, index, form, &loss));
        if (loss <= form_loss_share * layer->error) break;
    }
    layer->chosen = form;
    return NULL;
}

qn_status *qn_sensitivity_choose(qn_sensitivity *list, qn_graph *graph, const qn_config *config, size_t kept,
                                 int floats_only, const qn_executor *pool) {
    QN_TRY(apply_floats(list, graph));
    for (size_t i = 0; i < kept; i++) {
        if (floats_only)
            list->layers[i].chosen = floats_of(&list->layers[i]);
        else if (!list->layers[i].chosen)
            QN_TRY(choose_form(list, graph, config, pool, i));
    }
    return NULL;
}
