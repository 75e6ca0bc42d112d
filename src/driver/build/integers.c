#include "driver/build/integers.h"

#include "driver/calibrate/calibrator.h"
#include "driver/contract/contract.h"
#include "driver/config/custom_nodes.h"
#include "pass/addition.h"
#include "quant/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Ranges on values ---- */

typedef struct ranging {
    qn_graph *graph;
    const qn_calibrator *calibrator;     /* NULL: none */
    qn_value_ranges ranges, byte_ranges; /* for the integers of the mode; for 8 bits, where single nodes ask for them */
    const json_t *custom;                /* custom_ranges; NULL: none */
    size_t wanted, found;
    const char *missing; /* a value that has no range */
    size_t with_moments;
} ranging;

static int is_from_file(const ranging *r) { return r->calibrator && r->calibrator->has_loaded; }

static int64_t channels_of(const qn_graph *graph, const qn_value *value) {
    int64_t channels;
    return qn_dim_is_const(graph->dims, value->type.dims[value->type.rank - 1], &channels) ? channels : -1;
}

static qn_status *add_stats(qn_graph *graph, qn_value *value, const qn_value_stats *stats) {
    qn_value_stats *copy = qn_arena_copy(graph->arena, stats, sizeof *stats);
    if (!copy) return qn_status_out_of_memory();
    copy->low = fminf(copy->low, 0.0f);
    copy->high = fmaxf(copy->high, 0.0f);
    if ((double)copy->high - (double)copy->low < QN_RANGE_SPAN_MIN) copy->high = 1.0f; /* nothing but zeros, or noise */
    value->stats = copy;
    return NULL;
}

static const float *copy_floats(qn_arena *arena, const float *from, int64_t count) {
    return from ? qn_arena_copy(arena, from, (size_t)count * sizeof *from) : NULL;
}

static qn_status *take_range(ranging *r, qn_value *value, const qn_value_range *range) {
    qn_arena *arena = r->graph->arena;
    qn_value_stats stats = {.low = range->low, .high = range->high, .elements = range->elements};
    if (r->graph->integer.rounding_iterations && r->calibrator)
        stats.moments = qn_calibrator_find_moments(r->calibrator, value->name);
    r->with_moments += stats.moments != NULL;
    if (range->channel_low && range->channel_high) {
        stats.channels = range->channels;
        stats.channel_low = copy_floats(arena, range->channel_low, range->channels);
        stats.channel_high = copy_floats(arena, range->channel_high, range->channels);
        stats.channel_mean = copy_floats(arena, range->channel_mean, range->channels);
        stats.channel_square = copy_floats(arena, range->channel_square, range->channels);
        if (!stats.channel_low || !stats.channel_high) return qn_status_out_of_memory();
    }
    return add_stats(r->graph, value, &stats);
}

/* custom_ranges: {"NAME": {"min": [..], "max": [..]}}, one number or one per channel; "" stands for every value. */
static qn_status *take_custom(ranging *r, qn_value *value, const json_t *row) {
    const json_t *min = json_object_get(row, "min"), *max = json_object_get(row, "max");
    size_t count = json_array_size(min);
    qn_value_stats stats = {.low = 0, .high = 0};
    if (count != 1 && (int64_t)count != channels_of(r->graph, value))
        return QN_ERR(QN_INVALID_ARGUMENT, "custom_ranges.%s: %zu numbers, expected one or %lld, the value's channels",
                      value->name, count, (long long)channels_of(r->graph, value));
    float *low = QN_ARENA_ARRAY(r->graph->arena, float, count), *high = QN_ARENA_ARRAY(r->graph->arena, float, count);
    if (!low || !high) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        low[i] = (float)json_number_value(json_array_get(min, i));
        high[i] = (float)json_number_value(json_array_get(max, i));
        stats.low = fminf(stats.low, low[i]);
        stats.high = fmaxf(stats.high, high[i]);
    }
    if (count > 1) {
        stats.channels = (int64_t)count;
        stats.channel_low = low;
        stats.channel_high = high;
    }
    return add_stats(r->graph, value, &stats);
}

/* Does somebody ask to read it as bytes? Whoever reads words then makes do with the same range. */
static int is_asked_as_bytes(const qn_graph *graph, const qn_value *value) {
    for (size_t i = 0; i < value->uses.count; i++)
        if (qn_facts_of(graph, value->uses.items[i].node)->wish.dtype == QN_DTYPE_U8) return 1;
    return 0;
}

static qn_status *find_range(ranging *r, qn_value *value) {
    const json_t *custom = json_object_get(r->custom, value->name);
    const qn_value_ranges *ranges = is_asked_as_bytes(r->graph, value) ? &r->byte_ranges : &r->ranges;
    const qn_value_range *range = qn_value_ranges_find(ranges, value->name);
    r->wanted++;
    if (custom) return r->found++, take_custom(r, value, custom);
    if (value->stats) return r->found++, NULL; /* the graph itself says it */
    if (range) {
        QN_TRY(qn_value_ranges_get(ranges, value->name, channels_of(r->graph, value), &range));
        return r->found++, take_range(r, value, range);
    }
    custom = json_object_get(r->custom, "");
    if (custom) return r->found++, take_custom(r, value, custom);
    if (r->calibrator && r->calibrator->fixed_low < r->calibrator->fixed_high) {
        qn_value_stats fixed = {.low = r->calibrator->fixed_low, .high = r->calibrator->fixed_high};
        return r->found++, add_stats(r->graph, value, &fixed);
    }
    r->missing = value->name;
    return NULL;
}

/* Ranges that come from elsewhere say nothing of how values move together. Nobody who gives none from a file expects a
   default to need it. */
static void warn_of_rounding(const ranging *r, const qn_config *config, const qn_log *log) {
    int is_asked_for = qn_config_int(config, "precision_config.rounding_iterations", 0) > 0;
    if (!log || !r->graph->integer.rounding_iterations || r->with_moments) return;
    if (!is_asked_for && !is_from_file(r)) return;
    log->write(
        log->self, is_asked_for ? QN_LOG_WARNING : QN_LOG_NOTICE,
        "rounding_iterations: weights are rounded to the nearest, which costs some accuracy, for what is needed beyond "
        "ranges comes only from calibrating on samples with this configuration");
}

static qn_status *check_found(const ranging *r, const qn_log *log) {
    char text[512];
    const char *mode = qn_who_text(r->graph->integer.who);
    if (r->found == r->wanted) return NULL;
    if (!r->found && r->ranges.list.count)
        return QN_ERR(
            QN_INVALID_ARGUMENT,
            "%s%sthe ranges are those of another network ('%s'): they have none for '%s' or any other of %zu values",
            r->ranges.origin, is_from_file(r) ? ": " : "", r->ranges.network, r->missing, r->wanted);
    if (!r->found && is_from_file(r))
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "%s holds no ranges, but precision_mode %s needs those of the network's values", r->ranges.origin,
                      mode);
    if (!r->found)
        return qn_status_of_option(
            QN_ERR(QN_INVALID_ARGUMENT,
                   "precision_mode %s needs the ranges of the network's values: calibrate on samples, load a ranges "
                   "file, or give custom_ranges in the configuration",
                   mode),
            "calibrator");
    snprintf(text, sizeof text, "%s: %zu of %zu values have no range and stay float, '%s' among them", mode,
             r->wanted - r->found, r->wanted, r->missing);
    if (log) log->write(log->self, QN_LOG_WARNING, text);
    return NULL;
}

/* The nearest name of a value that integers read; NULL where none is near. */
static qn_status *find_nearest(const ranging *r, const char *name, const char **out_nearest) {
    const char **names = QN_ARENA_ARRAY(r->graph->arena, const char *, r->graph->values.count);
    size_t count = 0;
    if (!names) return qn_status_out_of_memory();
    for (size_t i = 0; i < r->graph->values.count; i++)
        if (qn_calibrator_watches(r->graph, r->graph->values.items[i]))
            names[count++] = r->graph->values.items[i]->name;
    *out_nearest = qn_text_nearest(name, names, count);
    return NULL;
}

/* custom_ranges may name any value of the network; one it does not have is a mistake. */
static qn_status *check_custom_names(const ranging *r) {
    const char *name, *nearest;
    json_t *row;
    json_object_foreach((json_t *)(uintptr_t)r->custom, name, row) {
        if (!*name || qn_graph_find_value(r->graph, name)) continue;
        QN_TRY(find_nearest(r, name, &nearest));
        return QN_ERR(QN_INVALID_ARGUMENT, "custom_ranges: the simplified network has no value '%s'%s%s", name,
                      nearest ? "; nearest: " : "", nearest ? nearest : "");
    }
    return NULL;
}

/* Those of words are symmetric, which would waste half of what bytes hold. */
static qn_status *gather_ranges(ranging *r, const qn_calibrator *calibrator) {
    const qn_integer_wish *wish = &r->graph->integer;
    qn_value_ranges_init(&r->ranges, r->graph->arena);
    qn_value_ranges_init(&r->byte_ranges, r->graph->arena);
    if (!calibrator) return NULL;
    QN_TRY(qn_calibrator_ranges(calibrator, 8, wish->symmetric, r->graph->arena, &r->byte_ranges));
    if (wish->dtype == QN_DTYPE_S16)
        return qn_calibrator_ranges(calibrator, 16, wish->symmetric, r->graph->arena, &r->ranges);
    r->ranges = r->byte_ranges;
    return NULL;
}

/* A file may be of a network that was simplified otherwise, so this is no error. */
static qn_status *warn_of_strays(const ranging *r, const qn_log *log) {
    enum { SHOWN = 3 };
    char text[1024], more[40] = "";
    size_t strays = 0,
           at = (size_t)snprintf(text, sizeof text, "%.200s: the simplified network has no value ", r->ranges.origin);
    if (!log || !is_from_file(r)) return NULL;
    for (size_t i = 0; i < r->ranges.list.count; i++) {
        const char *name = r->ranges.list.items[i].name, *nearest;
        if (qn_graph_find_value(r->graph, name) || strays++ >= SHOWN) continue;
        QN_TRY(find_nearest(r, name, &nearest));
        at += (size_t)snprintf(text + at, sizeof text - at, "%s'%.100s'", strays > 1 ? ", " : "", name);
        if (nearest) at += (size_t)snprintf(text + at, sizeof text - at, " (nearest: '%.100s')", nearest);
    }
    if (!strays) return NULL;
    if (strays > SHOWN) snprintf(more, sizeof more, " and %zu more", strays - SHOWN);
    snprintf(text + at, sizeof text - at, "%s: such ranges are not used", more);
    log->write(log->self, QN_LOG_WARNING, text);
    return NULL;
}

static qn_status *put_ranges(qn_graph *graph, const qn_config *config, const qn_build_options *options) {
    ranging r = {.graph = graph, .calibrator = options->calibrator, .custom = qn_config_find(config, "custom_ranges")};
    QN_TRY(check_custom_names(&r));
    QN_TRY(gather_ranges(&r, options->calibrator));
    for (size_t i = 0; i < graph->values.count; i++)
        if (qn_calibrator_watches(graph, graph->values.items[i])) QN_TRY(find_range(&r, graph->values.items[i]));
    QN_TRY(check_found(&r, options->log));
    QN_TRY(warn_of_strays(&r, options->log));
    warn_of_rounding(&r, config, options->log);
    return NULL;
}

static qn_scales scales_of(qn_granularity wish) {
    if (wish == QN_GRANULARITY_PER_TENSOR) return QN_SCALES_ONE;
    return wish == QN_GRANULARITY_PER_AXIS ? QN_SCALES_PER_CHANNEL : QN_SCALES_ANY;
}

/* custom_nodes: how many scales what a layer reads is to have, and what type its weights. */
static qn_status *put_wishes(qn_graph *graph, const qn_config *config) {
    for (qn_node *node = graph->first; node; node = node->next) {
        qn_node_facts *facts;
        if (!qn_op_is_layer(node->op)) continue;
        QN_TRY(qn_facts_edit(graph, node, &facts));
        for (int i = 0; i < 2; i++) facts->wish.scales[i] = scales_of(qn_custom_nodes_granularity(config, node, i));
        facts->wish.weights = qn_custom_nodes_weights(config, node);
        qn_dtype dtype = facts->wish.dtype ? facts->wish.dtype : graph->integer.dtype;
        if (dtype == QN_DTYPE_U8 && facts->wish.weights == QN_DTYPE_S16)
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "custom_nodes: '%s' cannot have int16 weights: it computes with activations of 8 "
                          "bits; ask for \"precision\": \"int16\" too",
                          node->name);
    }
    return NULL;
}

qn_status *qn_integers_prepare(qn_graph *graph, const qn_norms *norms, const qn_config *config,
                               const qn_build_options *options, const qn_progress *progress) {
    if (!graph->integer.dtype) {
        if (!options->contract) return NULL;
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "a contract needs a precision_mode of integers, such as qint8_mixed_float16");
    }
    QN_TRY(qn_grids_mark(graph));
    QN_TRY(put_ranges(graph, config, options));
    QN_TRY(qn_norms_complete_stats(norms, graph));
    QN_TRY(put_wishes(graph, config));
    return options->contract ? qn_contract_keep(graph, config, options, progress) : NULL;
}

void qn_integers_warn_of_source(const qn_network *network, const qn_build_options *options) {
    const qn_calibrator *c = options->calibrator;
    char text[512];
    if (!c || !options->log || !network->graph->integer.dtype) return;
    const char *name = c->has_loaded ? c->loaded.network : c->network;
    const uint64_t bytes = c->has_loaded ? c->loaded.source_bytes : c->source_bytes;
    const uint64_t hash = c->has_loaded ? c->loaded.source_hash : c->source_hash;
    if (!bytes || !network->source_bytes) return; /* one of the two was made by hand */
    if (bytes == network->source_bytes && hash == network->source_hash) return;
    snprintf(text, sizeof text,
             "the ranges were measured on another file: '%.100s' of %llu bytes, hash %016llx; this is '%.100s' of %llu "
             "bytes, hash %016llx: values of the same names may hold something else",
             name, (unsigned long long)bytes, (unsigned long long)hash, network->graph->name,
             (unsigned long long)network->source_bytes, (unsigned long long)network->source_hash);
    options->log->write(options->log->self, QN_LOG_WARNING, text);
}
