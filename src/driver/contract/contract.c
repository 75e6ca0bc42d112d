/* The layers that leave the integers of the mode are a beginning of one list: all integer layers, those first that gain
 * most for what they cost. What a layer gains is the error that it alone, as integers, makes in the values just before
 * the outputs; what it costs comes from the static model. It becomes the cheapest that loses little by the same
 * measure: words or floats. How long the beginning must be is found by halving, with all samples. */
#include "driver/contract/contract.h"

#include "base/checked.h"
#include "driver/calibrate/calibrator.h"
#include "driver/picture/image_block.h"
#include "driver/contract/score.h"
#include "driver/contract/sensitivity.h"
#include "driver/compile/trial.h"
#include "pass/precision.h"
#include "quant/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qn_contract_init(qn_contract *contract) {
    if (!contract) return;
    *contract = (qn_contract){.size = sizeof *contract, .confidence = 0.95};
}

/* ---- Checks ---- */

static qn_status *check(const qn_contract *contract) {
    int is_miou = contract->metric == QN_METRIC_MIOU;
    if (contract->size != sizeof *contract)
        return QN_ERR(QN_INVALID_ARGUMENT, "a contract of size %zu, expected %zu: call qn_contract_init() first",
                      contract->size, sizeof *contract);
    if (contract->metric != QN_METRIC_AGREEMENT && !is_miou)
        return QN_ERR(QN_INVALID_ARGUMENT, "there is no metric %d", (int)contract->metric);
    if (!contract->samples.next || !contract->samples.rewind)
        return QN_ERR(QN_INVALID_ARGUMENT, "a contract needs samples that can be seen again: give next and rewind");
    if (is_miou && !contract->samples.labels)
        return QN_ERR(QN_INVALID_ARGUMENT, "a contract on mIoU needs the true labels of its samples");
    double bound = is_miou ? contract->max_drop : contract->min_agreement;
    if (!(bound >= 0 && bound <= 1))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s is %g; expected 0 to 1", is_miou ? "max_drop" : "min_agreement", bound);
    if (!(contract->confidence >= 0.5 && contract->confidence < 1))
        return QN_ERR(QN_INVALID_ARGUMENT, "confidence is %g; expected 0.5 to below 1", contract->confidence);
    if (contract->classes < 0 || contract->classes > QN_SCORE_CLASSES_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "%lld classes; expected at most %d", (long long)contract->classes,
                      QN_SCORE_CLASSES_MAX);
    return NULL;
}

/* Takes away what an earlier build may have put there. */
static qn_status *empty_result(qn_contract_result *result) {
    if (!result) return NULL;
    if (result->size == sizeof *result) return qn_contract_result_init(result), NULL;
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "a contract's result of size %zu, expected %zu: call qn_contract_result_init() first", result->size,
                  sizeof *result);
}

/* ---- Scoring a network ---- */

typedef struct label_run {
    int32_t label, length;
} label_run;

/* Labels of the float network, kept small: runs of equal ones, for neighbours in pictures mostly are, or a byte each. */
typedef struct kept_labels {
    int64_t count, run_count;
    label_run *runs;
    uint8_t *bytes; /* instead of `runs` */
} kept_labels;

typedef struct keeper {
    qn_graph *graph;
    const qn_config *config;
    const qn_contract *contract;
    const qn_allocator *allocator;
    const qn_progress *progress;
    qn_executor pool;
    qn_arena arena;             /* everything below */
    QN_LIST(kept_labels) truth; /* AGREEMENT: what the float network says */
    qn_scores reference;        /* MIOU: the float network against the true labels */
    qn_answer answer;           /* how the first output is read, where `has_answer` */
    int has_answer;
    int32_t *labels, *other; /* of the sample at hand */
    int64_t room;
    qn_tensor *inputs;
    qn_sensitivity list;
    int floats_only; /* no layer becomes words */
    char phase[64];
} keeper;

static qn_status *make_room(keeper *k, int64_t count) {
    if (count <= k->room) return NULL;
    k->room = qn_max_i64(count, 2 * k->room); /* what is left behind in the arena is less than the last piece */
    k->labels = QN_ARENA_ARRAY(&k->arena, int32_t, (size_t)k->room);
    k->other = QN_ARENA_ARRAY(&k->arena, int32_t, (size_t)k->room);
    if (!k->labels || !k->other) k->room = 0;
    return k->room ? NULL : qn_status_out_of_memory();
}

static qn_status *read_labels(keeper *k, const qn_tensor *tensor, int64_t *out_count) {
    const qn_answer *answer = k->has_answer ? &k->answer : NULL;
    *out_count = qn_labels_count(tensor, answer);
    if (*out_count < 0)
        return QN_ERR(QN_UNSUPPORTED, "a contract compares labels; the first output has none: it gives %s of rank %d",
                      qn_dtype_name(tensor->dtype), tensor->rank);
    QN_TRY(make_room(k, *out_count));
    qn_labels_read(tensor, answer, k->labels);
    return NULL;
}

/* Counts runs, and writes them where `runs` is not NULL. */
static int64_t find_runs(const int32_t *labels, int64_t count, label_run *runs) {
    int64_t found = 0;
    for (int64_t i = 0, start = 0; i < count; i++) {
        if (i + 1 < count && labels[i + 1] == labels[i] && i - start < INT32_MAX - 1) continue;
        if (runs) runs[found] = (label_run){labels[i], (int32_t)(i + 1 - start)};
        start = i + 1;
        found++;
    }
    return found;
}

static qn_status *keep_labels(keeper *k, int64_t count) {
    kept_labels kept = {.count = count, .run_count = find_runs(k->labels, count, NULL)};
    int fit = kept.run_count * (int64_t)sizeof(label_run) > count;
    for (int64_t i = 0; i < count; i++) fit &= k->labels[i] >= 0 && k->labels[i] <= 255;
    if (fit)
        kept.bytes = QN_ARENA_ARRAY(&k->arena, uint8_t, (size_t)count);
    else
        kept.runs = QN_ARENA_ARRAY(&k->arena, label_run, (size_t)kept.run_count);
    if (!kept.bytes && !kept.runs) return qn_status_out_of_memory();
    if (kept.runs) find_runs(k->labels, count, kept.runs);
    for (int64_t i = 0; kept.bytes && i < count; i++) kept.bytes[i] = (uint8_t)k->labels[i];
    return QN_LIST_PUSH(&k->arena, &k->truth, kept);
}

static void unpack_labels(const kept_labels *kept, int32_t *out_labels) {
    for (int64_t i = 0; kept->bytes && i < kept->count; i++) out_labels[i] = kept->bytes[i];
    for (int64_t r = 0; kept->runs && r < kept->run_count; r++)
        for (int32_t i = 0; i < kept->runs[r].length; i++) *out_labels++ = kept->runs[r].label;
}

/* The true labels of a sample into k->other. */
static qn_status *read_truth(keeper *k, int64_t sample, int64_t count) {
    if (k->contract->metric == QN_METRIC_AGREEMENT) {
        const kept_labels *kept = &k->truth.items[sample];
        if (kept->count != count) return qn_status_of_sample(QN_ERR(QN_INTERNAL, "its size changed"), sample);
        unpack_labels(kept, k->other);
        return NULL;
    }
    qn_tensor truth = {0};
    QN_TRY(k->contract->samples.labels(k->contract->samples.self, &truth));
    if (!qn_dtype_is_integer(truth.dtype) || qn_labels_count(&truth, NULL) != count)
        return qn_status_of_sample(QN_ERR(QN_INVALID_ARGUMENT, "%lld true labels, the network gives %lld",
                                          (long long)qn_labels_count(&truth, NULL), (long long)count),
                                   sample);
    qn_labels_read(&truth, NULL, k->other);
    return NULL;
}

static int64_t classes_of(const keeper *k) {
    return k->contract->metric != QN_METRIC_MIOU ? 0 : k->contract->classes ? k->contract->classes : 256;
}

/* How many samples the float network has seen. */
static size_t reference_count(const keeper *k) {
    return k->contract->metric == QN_METRIC_AGREEMENT ? k->truth.count : k->reference.rows.count;
}

static qn_status *expect_samples(const keeper *k, int is_fine) {
    if (is_fine) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "the contract's samples changed: there were %zu before they were rewound",
                  reference_count(k));
}

/* Runs every sample. `is_reference`: this is the float network. The scores live in `arena`. */
static qn_status *score(keeper *k, qn_trial *trial, int is_reference, qn_arena *arena, qn_scores *scores) {
    const qn_samples *samples = &k->contract->samples;
    size_t total = samples->count > 0 ? (size_t)samples->count : 0;
    QN_TRY(qn_scores_init(scores, k->contract->metric, classes_of(k), arena));
    QN_TRY(samples->rewind(samples->self));
    for (int64_t sample = 0;; sample++) {
        int has = 0;
        int64_t count;
        size_t done = (size_t)sample < total ? (size_t)sample : total;
        QN_TRY(qn_progress_step(k->progress, k->phase, done, total ? total : 1));
        memset(k->inputs, 0, trial->input_count * sizeof *k->inputs);
        QN_TRY(samples->next(samples->self, k->inputs, trial->input_count, &has));
        if (!has) return expect_samples(k, is_reference || (size_t)sample == reference_count(k));
        QN_TRY(expect_samples(k, is_reference || (size_t)sample < reference_count(k)));
        QN_TRY(qn_status_of_sample(qn_trial_run(trial, k->inputs), sample));
        QN_TRY(read_labels(k, &trial->outputs[0], &count));
        if (is_reference && k->contract->metric == QN_METRIC_AGREEMENT) {
            QN_TRY(keep_labels(k, count));
            continue;
        }
        QN_TRY(read_truth(k, sample, count));
        QN_TRY(qn_status_of_sample(qn_scores_add(scores, k->labels, k->other, count), sample));
    }
}

static qn_status *score_graph(keeper *k, int is_reference, qn_arena *arena, qn_scores *scores) {
    qn_trial trial = {0};
    qn_trial_options options = {.allocator = k->allocator,
                                .config = k->config,
                                .first = QN_PASS_FUSE,
                                .last = QN_PASS_CONVERT,
                                .executor = &k->pool};
    qn_status *status = qn_trial_create(&trial, k->graph, &options);
    if (!status) status = score(k, &trial, is_reference, arena, scores);
    qn_trial_destroy(&trial);
    return status;
}

static qn_status *score_reference(keeper *k) {
    qn_integer_wish wish = k->graph->integer;
    snprintf(k->phase, sizeof k->phase, "contract: float");
    k->graph->integer = (qn_integer_wish){0};
    qn_status *status = score_graph(k, 1, &k->arena, &k->reference);
    k->graph->integer = wish;
    QN_TRY(status);
    size_t count = reference_count(k);
    if (count >= 2) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "a contract on %zu sample%s says nothing: give at least 2, better 50", count,
                  count == 1 ? "" : "s");
}

/* ---- Trying ---- */

/* What came of taking the first `kept` layers of the list from the integers of the mode. */
typedef struct attempt {
    size_t kept;
    double score, loss, bound; /* total; loss against the float network; its upper end */
    int is_enough;
} attempt;

static qn_status *judge_prefix(keeper *k, size_t kept, qn_arena *arena, attempt *out) {
    qn_scores scores;
    int is_miou = k->contract->metric == QN_METRIC_MIOU;
    snprintf(k->phase, sizeof k->phase, "contract: %zu of %zu layers not %s", kept, k->list.count,
             k->list.dtype == QN_DTYPE_U8 ? "int8" : "int16");
    QN_TRY(qn_progress_step(k->progress, k->phase, 0, 1));
    QN_TRY(qn_sensitivity_choose(&k->list, k->graph, k->config, kept, k->floats_only, &k->pool));
    QN_TRY(qn_sensitivity_apply(&k->list, k->graph, kept));
    QN_TRY(score_graph(k, 0, arena, &scores));
    *out = (attempt){.kept = kept, .score = qn_scores_total(&scores)};
    out->loss = (is_miou ? qn_scores_total(&k->reference) : 1.0) - out->score;
    QN_TRY(qn_scores_loss_bound(is_miou ? &k->reference : NULL, &scores, k->contract->confidence, &out->bound));
    out->is_enough = out->bound <= (is_miou ? k->contract->max_drop : 1.0 - k->contract->min_agreement);
    return NULL;
}

static qn_status *try_prefix(keeper *k, size_t kept, attempt *out) {
    qn_arena arena;
    qn_arena_init(&arena, k->arena.allocator);
    qn_status *status = judge_prefix(k, kept, &arena, out);
    qn_arena_deinit(&arena);
    return status;
}

/* Lengths double until one is enough. *out_low: the last that was not. */
static qn_status *lengthen(keeper *k, attempt *out, size_t *out_low) {
    size_t step = 1;
    *out_low = 0;
    while (*out_low < k->list.count) {
        size_t next = *out_low + step < k->list.count ? *out_low + step : k->list.count;
        QN_TRY(try_prefix(k, next, out));
        if (out->is_enough) return NULL;
        *out_low = next;
        step *= 2;
    }
    return NULL;
}

/* The shortest beginning that keeps the contract, or the best there is: the last step of doubling is halved. Where
   words for all that may be words are not enough, floats may be. */
static qn_status *search(keeper *k, attempt *out) {
    size_t low;
    QN_TRY(try_prefix(k, 0, out));
    if (out->is_enough) return NULL;
    QN_TRY(qn_sensitivity_measure(&k->list, k->graph, k->config, &k->contract->samples, &k->pool, k->progress));
    QN_TRY(lengthen(k, out, &low));
    if (!out->is_enough && qn_sensitivity_mix_of(&k->list, k->list.count).words) {
        k->floats_only = 1;
        QN_TRY(lengthen(k, out, &low));
    }
    while (out->is_enough && out->kept - low > 1) {
        attempt middle;
        QN_TRY(try_prefix(k, low + (out->kept - low) / 2, &middle));
        if (middle.is_enough)
            *out = middle;
        else
            low = middle.kept;
    }
    return qn_sensitivity_settle(&k->list, k->graph, k->config, out->kept);
}

/* ---- Telling ---- */

void qn_contract_result_init(qn_contract_result *result) {
    if (result) *result = (qn_contract_result){.size = sizeof *result};
}

static void fill_result(const keeper *k, const attempt *a, qn_contract_result *out) {
    const qn_sensitivity_mix mix = qn_sensitivity_mix_of(&k->list, a->kept);
    *out = (qn_contract_result){.size = sizeof *out,
                                .is_kept = a->is_enough,
                                .is_measured = 1,
                                .metric = k->contract->metric,
                                .confidence = k->contract->confidence,
                                .score = a->score,
                                .loss = a->loss,
                                .bound = a->bound,
                                .samples = (int64_t)reference_count(k),
                                .layer_count = k->list.count,
                                .float_layers = mix.floats,
                                .word_layers = mix.words,
                                .integer_share = mix.integer_share,
                                .byte_share = mix.byte_share};
}

/* "3 of 55 layers stay float, 2 became int16, 98.1 % of multiply-adds are integer, 93.0 % int8" */
static void print_mix(const qn_contract_result *r, char *text, size_t bytes) {
    char floats[80] = "", words[40] = "", share[40] = "";
    if (r->word_layers) snprintf(words, sizeof words, "%zu became int16, ", r->word_layers);
    if (r->word_layers) snprintf(share, sizeof share, ", %.1f %% int8", 100.0 * r->byte_share);
    if (r->layer_count)
        snprintf(floats, sizeof floats, "%zu of %zu layers stay float, ", r->float_layers, r->layer_count);
    snprintf(text, bytes, "%s%s%.1f %% of multiply-adds are integer%s", floats, words, 100.0 * r->integer_share, share);
}

void qn_contract_result_print(const qn_contract_result *result, char *out_text, size_t room) {
    if (!out_text || !room) return;
    *out_text = 0;
    if (!result || result->size != sizeof *result || !result->is_measured) return;
    const double sure = 100.0 * result->confidence;
    char mix[200];
    print_mix(result, mix, sizeof mix);
    if (result->metric == QN_METRIC_AGREEMENT)
        snprintf(out_text, room, "agreement %.3f %%, at least %.3f %% with %g %% confidence over %lld samples; %s",
                 100.0 * result->score, 100.0 * (1.0 - result->bound), sure, (long long)result->samples, mix);
    else
        snprintf(out_text, room,
                 "mIoU %.4f, %.3f points %s float, at most %.3f below with %g %% confidence over %lld samples; %s",
                 result->score, 100.0 * fabs(result->loss), result->loss < 0 ? "above" : "below", 100.0 * result->bound,
                 sure, (long long)result->samples, mix);
}

/* Nodes that ask for integers get them whatever the contract. */
static qn_status *refuse(const keeper *k, const char *text) {
    const int is_asked = k->list.integer_macs > 0;
    if (is_asked && !k->list.count)
        return QN_ERR(
            QN_UNSUPPORTED,
            "the contract cannot be kept: custom_nodes or the network itself wants every layer integer, so none may "
            "become float, and there is %s. Ask for less, or take wishes out of custom_nodes",
            text);
    return QN_ERR(QN_UNSUPPORTED, "the contract cannot be kept: with every layer float%s there is still %s. %s",
                  is_asked ? ", but for those that custom_nodes or the network itself wants integer," : "", text,
                  "Ask for less, give more samples (the bound narrows with their number), or store floats in float32");
}

static qn_status *report(const keeper *k, const attempt *a, const qn_log *log, qn_contract_result *out_result) {
    char text[512], line[600];
    fill_result(k, a, out_result);
    qn_contract_result_print(out_result, text, sizeof text);
    if (!out_result->is_kept) return refuse(k, text);
    snprintf(line, sizeof line, "contract kept: %s", text);
    if (log) log->write(log->self, QN_LOG_INFO, line);
    if (log && !(out_result->integer_share > 0))
        log->write(log->self, QN_LOG_WARNING,
                   "the contract leaves no layer integer: ask for less, or build in a float mode");
    return NULL;
}

static qn_status *keep(keeper *k, const qn_log *log, qn_contract_result *out_result) {
    attempt best;
    k->inputs = QN_ARENA_ARRAY(&k->arena, qn_tensor, k->graph->inputs.count);
    if (!k->inputs) return qn_status_out_of_memory();
    if (k->graph->outputs.count)
        k->has_answer = qn_image_block_find_answer(k->graph, k->config, k->graph->outputs.items[0], &k->answer);
    QN_TRY(qn_sensitivity_list(&k->list, k->graph, k->config, &k->arena));
    QN_TRY(score_reference(k));
    QN_TRY(search(k, &best));
    return report(k, &best, log, out_result);
}

qn_status *qn_contract_keep(qn_graph *graph, const qn_config *config, const qn_build_options *options,
                            const qn_progress *progress) {
    keeper k = {.graph = graph,
                .config = config,
                .contract = options->contract,
                .allocator = options->allocator,
                .progress = progress};
    qn_contract_result unasked, *result = options->contract_result ? options->contract_result : &unasked;
    QN_TRY(check(options->contract));
    QN_TRY(empty_result(options->contract_result));
    qn_pool_options threads;
    qn_pool_options_init(&threads);
    threads.allocator = options->allocator;
    if (options->calibrator) threads.threads = options->calibrator->threads;
    QN_TRY(qn_executor_create_pool(&threads, &k.pool));
    qn_arena_init(&k.arena, qn_allocator_or_default(options->allocator));
    qn_status *status = keep(&k, options->log, result);
    qn_sensitivity_deinit(&k.list);
    qn_arena_deinit(&k.arena);
    qn_executor_destroy_pool(&k.pool);
    return status;
}
