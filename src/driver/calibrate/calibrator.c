#include "driver/calibrate/calibrator.h"

#include "pass/addition.h"

#include "base/entry.h"
#include "base/file.h"
#include "driver/compile/compile.h"
#include "driver/network/network.h"
#include "driver/compile/trial.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int qn_calibrator_watches(const qn_graph *graph, const qn_value *value) {
    if (value->type.dtype != QN_DTYPE_F32 || !value->type.rank || qn_value_is_constant(value)) return 0;
    for (size_t i = 0; i < value->uses.count; i++) {
        const qn_use *use = &value->uses.items[i];
        if (use->index == 0 && qn_op_is_layer(use->node->op)) return 1;
        if (qn_addition_is_asked(graph, use->node)) return 1;
    }
    return 0;
}

/* Numbers in the second moments of one layer: 8 bytes each. */
enum { MOMENTS_MAX = 8 << 20 };

enum { DUPLICATES_MAX = 4096, FEW_SAMPLES = 8 };

/* A range so many times as far as all but one element in OUTLIER_SHARE reach leaves these 4 of 256 steps. */
enum { OUTLIER_RATIO = 64, OUTLIER_SHARE = 8192, OUTLIER_ELEMENTS_MIN = 64 };

/* The one that measured best on held-out calibration pictures (docs/quantisation.md). */
static const char default_algorithm[] = "linear";

/* ---- Life ---- */

void qn_calibrator_options_init(qn_calibrator_options *options) {
    if (!options) return;
    *options = (qn_calibrator_options){.size = sizeof *options};
}

qn_status *qn_calibrator_create(const qn_calibrator_options *options, qn_calibrator **out_calibrator) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_calibrator);
    *out_calibrator = NULL;
    qn_calibrator_options defaults;
    const qn_range_algorithm *algorithm;
    qn_calibrator_options_init(&defaults);
    if (!options) options = &defaults;
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "calibrator options of size %zu, expected %zu: call qn_calibrator_options_init() first",
                      options->size, sizeof *options);
    QN_TRY(qn_range_algorithm_find(options->algorithm ? options->algorithm : default_algorithm, &algorithm));
    const qn_allocator *allocator = qn_allocator_or_default(options->allocator);
    qn_calibrator *c = qn_alloc_zeroed(allocator, 1, sizeof *c, _Alignof(qn_calibrator));
    if (!c) return qn_status_out_of_memory();
    c->allocator = *allocator;
    c->algorithm = algorithm;
    c->threads = options->threads;
    c->progress = (qn_progress){options->progress, options->progress_self, {options->cancel, options->cancel_self}};
    c->has_log = options->log && options->log->write;
    if (c->has_log) c->log = *options->log;
    qn_arena_init(&c->arena, &c->allocator);
    qn_buffer_init(&c->text, &c->allocator);
    *out_calibrator = c;
    return NULL;
}

static void forget_watched(qn_watched *watched) {
    qn_observer_destroy(watched->observer);
    qn_moments_destroy(watched->moments);
    watched->observer = NULL;
    watched->moments = NULL;
}

void qn_calibrator_destroy(qn_calibrator *c) {
    if (!c) return;
    for (size_t i = 0; i < c->watched.count; i++) forget_watched(&c->watched.items[i]);
    qn_buffer_deinit(&c->text);
    qn_arena_deinit(&c->arena);
    qn_allocator allocator = c->allocator;
    qn_free(&allocator, c);
}

int64_t qn_calibrator_sample_count(const qn_calibrator *c) { return c ? c->samples : 0; }

static void warn(const qn_calibrator *c, const char *text) {
    if (c->has_log) c->log.write(c->log.self, QN_LOG_WARNING, text);
}

/* ---- Watching ---- */

/* One calibration under way. */
typedef struct watch {
    qn_calibrator *calibrator;
    const qn_graph *graph;
    int64_t sample;    /* number of the one that runs */
    qn_status *status; /* why the run was ended */
} watch;

static qn_watched *find_watched(const qn_calibrator *c, const char *name) {
    for (size_t i = 0; i < c->watched.count; i++)
        if (!strcmp(c->watched.items[i].name, name)) return &c->watched.items[i];
    return NULL;
}

static qn_status *watch_value(qn_calibrator *c, const qn_graph *graph, const qn_value *value) {
    int64_t channels;
    const qn_watched *known = find_watched(c, value->name);
    qn_watched watched = {.name = qn_arena_copy_string(&c->arena, value->name, strlen(value->name))};
    if (!watched.name) return qn_status_out_of_memory();
    if (!qn_dim_is_const(graph->dims, value->type.dims[value->type.rank - 1], &channels) || channels < 1) channels = 0;
    if (known && known->observer->row_elems != channels)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "value '%s' has %lld channels, and had %lld in '%s': this is another network", value->name,
                      (long long)channels, (long long)known->observer->row_elems, c->network);
    if (known || !channels) return NULL;
    QN_TRY(qn_observer_create(&c->allocator, channels, &watched.observer));
    qn_status *status = QN_LIST_PUSH(&c->arena, &c->watched, watched);
    if (status) qn_observer_destroy(watched.observer);
    return status;
}

static qn_status *watch_graph(qn_calibrator *c, const qn_graph *graph) {
    for (size_t i = 0; i < graph->values.count; i++)
        if (qn_calibrator_watches(graph, graph->values.items[i])) QN_TRY(watch_value(c, graph, graph->values.items[i]));
    if (c->watched.count) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "network '%s' has no convolution or product that could be integer", graph->name);
}

/* A layer's moments, unless they are watched already or would be too large: then *inout_skipped counts it. */
static qn_status *watch_layer(qn_calibrator *c, const qn_node *node, int64_t *inout_skipped) {
    qn_window window;
    qn_moments *moments;
    int is_depthwise;
    if (!qn_moments_describe(node, &window, &is_depthwise)) return NULL;
    qn_watched *watched = find_watched(c, node->inputs[0]->name);
    if (!watched || qn_moments_find(watched->moments, &window, is_depthwise)) return NULL;
    const int64_t channels = watched->observer->row_elems;
    const int64_t rows = qn_moments_rows(&window, is_depthwise, channels);
    if (rows > QN_MOMENTS_ROWS_MAX || rows * rows * (is_depthwise ? channels : 1) > MOMENTS_MAX)
        return ++*inout_skipped, NULL;
    QN_TRY(qn_moments_create(&c->allocator, &window, is_depthwise, channels, &moments));
    moments->next = watched->moments;
    watched->moments = moments;
    return NULL;
}

/* Learned rounding needs more than ranges. */
static qn_status *watch_layers(qn_calibrator *c, const qn_graph *graph, const qn_config *config) {
    char text[160];
    int64_t skipped = 0;
    if (!qn_compile_rounding_iterations(config)) return NULL;
    for (const qn_node *node = graph->first; node; node = node->next) QN_TRY(watch_layer(c, node, &skipped));
    if (!skipped) return NULL;
    snprintf(
        text, sizeof text,
        "rounding_iterations: %lld layer%s more than %d weights per output, or windows too large: these are rounded to the "
        "nearest",
        (long long)skipped, skipped == 1 ? " has" : "s have", QN_MOMENTS_ROWS_MAX);
    warn(c, text);
    return NULL;
}

static void add_moments(qn_watched *watched, const qn_tensor *tensor, int64_t rows) {
    const int64_t *dims = tensor->dims, flat[4] = {1, 1, rows, watched->observer->row_elems};
    for (qn_moments *m = watched->moments; m; m = m->next)
        qn_moments_add(m, tensor->data, tensor->rank == 4 ? dims : flat);
}

/* A constant that no sample is to blame for; NULL if there is none. */
static const char *find_strange_constant(const qn_graph *graph) {
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (!qn_value_is_constant(value) || !value->uses.count || !qn_dtype_is_float(value->type.dtype)) continue;
        const qn_view view = qn_value_view(value);
        for (int64_t e = 0; e < qn_view_elems(&view); e++)
            if (!isfinite(qn_view_get(&view, e))) return value->name;
    }
    return NULL;
}

static qn_status *refuse_strange(const watch *w, const char *name, uint64_t count) {
    const char *constant = find_strange_constant(w->graph);
    if (constant)
        return QN_ERR(
            QN_INVALID_MODEL,
            "constant '%s' has elements that are not finite, and so has value '%s': the network cannot be calibrated",
            constant, name);
    qn_status *status = QN_ERR(QN_INVALID_ARGUMENT,
                               "%llu element%s of value '%s' %s not finite: the network cannot be calibrated on it",
                               (unsigned long long)count, count == 1 ? "" : "s", name, count == 1 ? "is" : "are");
    return qn_status_of_sample(status, w->sample);
}

/* Called for every value of a run. */
static int see(void *self, const char *name, const qn_tensor *tensor) {
    watch *w = self;
    qn_watched *watched = find_watched(w->calibrator, name);
    w->status = qn_cancel_check(&w->calibrator->progress.cancel);
    if (w->status) return 1;
    if (!watched || tensor->dtype != QN_DTYPE_F32) return 0;
    uint64_t strange = watched->observer->non_finite;
    int64_t rows = 1;
    for (int i = 0; i < tensor->rank - 1; i++) rows *= tensor->dims[i];
    qn_observer_add(watched->observer, tensor->data, rows);
    if (watched->observer->non_finite == strange) return add_moments(watched, tensor, rows), 0;
    w->status = refuse_strange(w, name, watched->observer->non_finite - strange);
    return 1;
}

/* ---- Samples ---- */

static qn_status *note_duplicate(qn_calibrator *c, const qn_tensor *inputs, size_t count) {
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = qn_dtype_size(inputs[i].dtype);
        for (int axis = 0; axis < inputs[i].rank; axis++) bytes *= (size_t)inputs[i].dims[axis];
        hash = qn_hash_bytes(inputs[i].dims, (size_t)inputs[i].rank * sizeof inputs[i].dims[0], hash);
        hash = qn_hash_bytes(inputs[i].data, bytes, hash);
    }
    for (size_t i = 0; i < c->seen.count; i++)
        if (c->seen.items[i] == hash) return c->duplicates++, NULL;
    return c->seen.count < DUPLICATES_MAX ? QN_LIST_PUSH(&c->arena, &c->seen, hash) : NULL;
}

static qn_status *run_sample(watch *w, qn_trial *trial, const qn_tensor *inputs) {
    qn_status *status = qn_trial_run(trial, inputs);
    if (w->status) { /* what ended the run says more than that it was ended */
        qn_status_free(status);
        return w->status;
    }
    if (status) return qn_status_of_sample(status, w->sample);
    return note_duplicate(w->calibrator, inputs, trial->input_count);
}

static qn_status *run_samples(qn_calibrator *c, const qn_graph *graph, qn_trial *trial, const qn_samples *samples) {
    watch w = {.calibrator = c, .graph = graph};
    qn_tensor *inputs = QN_ARENA_ARRAY(&c->arena, qn_tensor, trial->input_count);
    size_t total = samples->count > 0 ? (size_t)samples->count : 0;
    if (!inputs) return qn_status_out_of_memory();
    QN_TRY(qn_context_set_observer(trial->context, see, &w));
    for (;; w.sample++) {
        int has = 0;
        size_t done = (size_t)w.sample;
        QN_TRY(total ? qn_progress_step(&c->progress, "calibrate", done < total ? done : total, total)
                     : qn_progress_pulse(&c->progress, "calibrate"));
        memset(inputs, 0, trial->input_count * sizeof *inputs);
        QN_TRY(samples->next(samples->self, inputs, trial->input_count, &has));
        if (!has) break;
        QN_TRY(run_sample(&w, trial, inputs));
    }
    if (!w.sample) return QN_ERR(QN_INVALID_ARGUMENT, "there are no samples to calibrate on");
    c->samples += w.sample;
    return qn_progress_step(&c->progress, "calibrate", 1, 1);
}

static void remark_on_samples(const qn_calibrator *c) {
    char text[160];
    if (c->samples < FEW_SAMPLES) {
        snprintf(text, sizeof text, "calibrated on %lld sample%s only: ranges of rare values will be off",
                 (long long)c->samples, c->samples == 1 ? "" : "s");
        warn(c, text);
    }
    if (!c->duplicates) return;
    snprintf(text, sizeof text, "%lld of %lld samples are duplicates of others", (long long)c->duplicates,
             (long long)c->samples);
    warn(c, text);
}

/* How far all but very few elements reach; 0 where that cannot be told. */
static double usual_reach(const qn_histogram *histogram) {
    const uint64_t total = qn_histogram_total(histogram), beyond = total / OUTLIER_SHARE;
    if (total < OUTLIER_ELEMENTS_MIN) return 0;
    return fmax(-qn_histogram_rank(histogram, beyond ? beyond : 1, 0),
                qn_histogram_rank(histogram, beyond ? beyond : 1, 1));
}

/* Ranges that a few elements decide: those of a broken sample, more often than not. */
static void remark_on_outliers(const qn_calibrator *c) {
    const qn_range_request request = {.bits = 8};
    char text[400];
    const char *name = NULL;
    double worst = OUTLIER_RATIO, worst_reach = 0, worst_usual = 0;
    for (size_t i = 0; i < c->watched.count; i++) {
        const qn_observer *observer = c->watched.items[i].observer;
        qn_range range = {0, 0};
        /* what fails is told when it is needed */
        qn_status_free(qn_range_estimate(c->algorithm, observer, &request, &range));
        const double usual = usual_reach(&observer->histogram), reach = fmax(-range.low, range.high);
        if (!(usual > 0) || reach / usual < worst) continue;
        worst = reach / usual;
        worst_reach = reach, worst_usual = usual;
        name = c->watched.items[i].name;
    }
    if (!name) return;
    snprintf(
        text, sizeof text,
        "value '%.200s' is given a range up to %.3g for very few elements, where all others stay below %.3g and get hardly a "
        "step: look for a broken sample, or try another algorithm than %s",
        name, worst_reach, worst_usual, c->algorithm->name);
    warn(c, text);
}

/* ---- Calibrating ---- */

/* What the build will quantise: prepared and simplified, not yet fused. */
static qn_status *simplify(const qn_network *network, const qn_config *config, const qn_cancel *cancel, qn_arena *arena,
                           qn_graph **out_graph) {
    qn_pins pins;
    qn_meta_facts facts;
    qn_build_options options;
    qn_progress silent = {0};
    qn_build_options_init(&options);
    QN_TRY(qn_graph_copy(network->graph, arena, out_graph));
    (*out_graph)->cancel = *cancel;
    QN_TRY(qn_compile_prepare(*out_graph, config, NULL, &pins, &facts));
    return qn_compile_passes(*out_graph, config, &options, &silent, QN_PASS_CLEAN, QN_PASS_SIMPLIFY);
}

static qn_status *calibrate(qn_calibrator *c, const qn_network *network, const qn_config *config,
                            const qn_samples *samples, qn_arena *arena, qn_executor *pool, qn_trial *trial) {
    qn_graph *graph;
    qn_pool_options threads;
    qn_pool_options_init(&threads);
    threads.threads = c->threads;
    threads.allocator = &c->allocator;
    QN_TRY(simplify(network, config, &c->progress.cancel, arena, &graph));
    QN_TRY(watch_graph(c, graph));
    QN_TRY(watch_layers(c, graph, config));
    QN_TRY(qn_executor_create_pool(&threads, pool));
    QN_TRY(qn_trial_create(trial, graph,
                           &(qn_trial_options){.allocator = &c->allocator,
                                               .config = config,
                                               .first = QN_PASS_QUANTISE,
                                               .last = QN_PASS_CLEAN,
                                               .executor = pool}));
    return run_samples(c, graph, trial, samples);
}

/* What a calibrator has, to be put back where a calibration fails. */
typedef struct snapshot {
    size_t watched, seen;
    int64_t samples, duplicates;
    qn_watched *copies; /* [watched] */
} snapshot;

static void forget(snapshot *s) {
    for (size_t i = 0; s->copies && i < s->watched; i++) forget_watched(&s->copies[i]);
}

static qn_status *take_snapshot(const qn_calibrator *c, qn_arena *arena, snapshot *out) {
    *out = (snapshot){c->watched.count, c->seen.count, c->samples, c->duplicates,
                      QN_ARENA_ARRAY(arena, qn_watched, c->watched.count)};
    if (!out->copies) return qn_status_out_of_memory();
    for (size_t i = 0; i < out->watched; i++) {
        out->copies[i].name = c->watched.items[i].name;
        QN_TRY(qn_observer_copy(c->watched.items[i].observer, &out->copies[i].observer));
        QN_TRY(qn_moments_copy(c->watched.items[i].moments, &out->copies[i].moments));
    }
    return NULL;
}

/* The copies change hands. */
static void put_back(qn_calibrator *c, snapshot *s) {
    for (size_t i = 0; i < c->watched.count; i++) {
        forget_watched(&c->watched.items[i]);
        if (i >= s->watched) continue;
        c->watched.items[i] = s->copies[i];
        s->copies[i] = (qn_watched){0};
    }
    c->watched.count = s->watched;
    c->seen.count = s->seen;
    c->samples = s->samples;
    c->duplicates = s->duplicates;
}

/* Calibrates; what the calibrator has changes only if all goes well. */
static qn_status *calibrate_or_put_back(qn_calibrator *c, const qn_network *network, const qn_config *config,
                                        const qn_samples *samples, qn_arena *arena) {
    snapshot before;
    qn_trial trial = {0};
    qn_executor pool = {0};
    const char *name = qn_arena_copy_string(&c->arena, network->graph->name, strlen(network->graph->name));
    qn_status *status = take_snapshot(c, arena, &before);
    if (!status) {
        status = name ? calibrate(c, network, config, samples, arena, &pool, &trial) : qn_status_out_of_memory();
        qn_trial_destroy(&trial);
        qn_executor_destroy_pool(&pool);
        if (status) put_back(c, &before);
    }
    forget(&before);
    if (!status) c->network = name;
    return status;
}

qn_status *qn_calibrate(qn_calibrator *c, const qn_network *network, const qn_config *config,
                        const qn_samples *samples) {
    QN_ENTER();
    QN_REQUIRE_NAMED(c, "calibrator");
    QN_REQUIRE_ARG(network);
    QN_REQUIRE_ARG(samples);
    qn_arena arena;
    if (!samples->next) return QN_ERR(QN_INVALID_ARGUMENT, "the samples have no function `next` (NULL)");
    if (network->consumed)
        return QN_ERR(QN_INVALID_ARGUMENT, "this network has been built already: calibrate before the build");
    qn_arena_init(&arena, &c->allocator);
    qn_status *status = calibrate_or_put_back(c, network, config, samples, &arena);
    qn_arena_deinit(&arena);
    if (status) return status;
    c->source_bytes = network->source_bytes;
    c->source_hash = network->source_hash;
    c->has_loaded = 0;
    remark_on_samples(c);
    if (c->has_log) remark_on_outliers(c);
    return NULL;
}

/* ---- Ranges ---- */

const qn_moments *qn_calibrator_find_moments(const qn_calibrator *c, const char *value) {
    const qn_watched *watched = c->has_loaded ? NULL : find_watched(c, value);
    return watched ? watched->moments : NULL;
}

/* Per channel, into `out`, within the range of the whole value that it has already: beyond that range, where an
   algorithm clips the whole more than a channel, nothing is used. `columns` has room for four numbers of each. */
static qn_status *measure_channels(const qn_calibrator *c, const qn_observer *observer, const qn_range_request *request,
                                   qn_arena *arena, float *columns, qn_value_range *out) {
    int64_t channels = observer->channels;
    float *low = columns, *high = low + channels, *mean = high + channels, *square = mean + channels;
    qn_range *ranges = QN_ARENA_ARRAY(arena, qn_range, (size_t)channels);
    if (!ranges) return qn_status_out_of_memory();
    QN_TRY(qn_range_estimate_channels(c->algorithm, observer, request, ranges));
    for (int64_t i = 0; i < channels; i++) {
        low[i] = fmaxf((float)ranges[i].low, out->low);
        high[i] = fminf((float)ranges[i].high, out->high);
        mean[i] = fminf(fmaxf((float)qn_observer_channel_mean(observer, i), low[i]), high[i]);
        square[i] = fminf((float)qn_observer_channel_square(observer, i), FLT_MAX);
    }
    out->channels = channels;
    out->channel_low = low;
    out->channel_high = high;
    out->channel_mean = mean;
    out->channel_square = square;
    return NULL;
}

static qn_status *measure(const qn_calibrator *c, const qn_watched *watched, const qn_range_request *request,
                          qn_arena *arena, qn_value_range *out) {
    const qn_observer *observer = watched->observer;
    qn_range range;
    QN_TRY(qn_range_estimate(c->algorithm, observer, request, &range));
    *out = (qn_value_range){.name = watched->name, .low = (float)range.low, .high = (float)range.high};
    out->elements = (int64_t)(observer->elements / (uint64_t)observer->row_elems);
    if (observer->channels != observer->row_elems) return NULL; /* too many channels to be watched one by one */
    float *columns = QN_ARENA_ARRAY(arena, float, (size_t)(4 * observer->channels));
    return columns ? measure_channels(c, observer, request, arena, columns, out) : qn_status_out_of_memory();
}

qn_status *qn_calibrator_ranges(const qn_calibrator *c, int bits, int symmetric, qn_arena *arena,
                                qn_value_ranges *out_ranges) {
    const qn_range_request request = {.bits = bits, .symmetric = symmetric};
    qn_value_ranges_init(out_ranges, arena);
    if (c->has_loaded) {
        *out_ranges = c->loaded;
        return NULL;
    }
    out_ranges->network = c->network ? c->network : "";
    out_ranges->algorithm = c->algorithm->name;
    out_ranges->samples = c->samples;
    out_ranges->has_source = c->source_bytes != 0;
    out_ranges->source_bytes = c->source_bytes;
    out_ranges->source_hash = c->source_hash;
    for (size_t i = 0; i < c->watched.count; i++) {
        qn_value_range range;
        if (!c->watched.items[i].observer->elements) continue;
        QN_TRY_CTX(measure(c, &c->watched.items[i], &request, arena, &range), "value '%s'", c->watched.items[i].name);
        QN_TRY(qn_value_ranges_add(out_ranges, &range));
    }
    return NULL;
}

qn_status *qn_calibrator_set_fixed_range(qn_calibrator *c, float low, float high) {
    QN_ENTER();
    QN_REQUIRE_NAMED(c, "calibrator");
    if (!isfinite(low) || !isfinite(high) || low > 0 || high < 0 || !(low < high))
        return QN_ERR(QN_INVALID_ARGUMENT, "a range from %g to %g; expected finite ends with 0 between them",
                      (double)low, (double)high);
    c->fixed_low = low;
    c->fixed_high = high;
    return NULL;
}

/* ---- As text ---- */

qn_status *qn_calibrator_ranges_text(qn_calibrator *c, const char **out_text) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_text);
    *out_text = "";
    QN_REQUIRE_NAMED(c, "calibrator");
    qn_arena arena;
    qn_value_ranges ranges;
    qn_arena_init(&arena, &c->allocator);
    qn_buffer_deinit(&c->text);
    qn_buffer_init(&c->text, &c->allocator);
    qn_status *status = qn_calibrator_ranges(c, 8, 0, &arena, &ranges);
    if (!status && !ranges.list.count)
        status = QN_ERR(QN_INVALID_ARGUMENT, "there are no ranges yet: calibrate first, or load some");
    if (!status) status = qn_value_ranges_write(&ranges, &c->text);
    qn_arena_deinit(&arena);
    *out_text = status ? "" : qn_buffer_text(&c->text);
    return status;
}

qn_status *qn_calibrator_save_ranges_file(qn_calibrator *c, const char *path) {
    QN_ENTER();
    QN_REQUIRE_NAMED(c, "calibrator");
    QN_REQUIRE_ARG(path);
    const char *text;
    QN_TRY(qn_calibrator_ranges_text(c, &text));
    return qn_file_write_atomic(path, text, strlen(text));
}

static qn_status *take_loaded(qn_calibrator *c, qn_status *status, const qn_value_ranges *ranges) {
    if (status) return status;
    c->loaded = *ranges;
    c->has_loaded = 1;
    return NULL;
}

qn_status *qn_calibrator_load_ranges_text(qn_calibrator *c, const char *text, const char *origin) {
    QN_ENTER();
    QN_REQUIRE_NAMED(c, "calibrator");
    QN_REQUIRE_ARG(text);
    QN_REQUIRE_ARG(origin);
    qn_value_ranges ranges;
    return take_loaded(c, qn_value_ranges_parse(text, strlen(text), origin, &c->arena, &ranges), &ranges);
}

qn_status *qn_calibrator_load_ranges_file(qn_calibrator *c, const char *path) {
    QN_ENTER();
    QN_REQUIRE_NAMED(c, "calibrator");
    QN_REQUIRE_ARG(path);
    qn_value_ranges ranges;
    return take_loaded(c, qn_value_ranges_read_file(path, &c->arena, &ranges), &ranges);
}
