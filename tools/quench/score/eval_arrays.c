#include "score/eval_arrays.h"
#include "score/map_scores.h"
#include "cli/measure.h"

#include "quench/npy.h"
#include "quench/vision.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A model and what it answered last. */
typedef struct player {
    const char *path;
    cli_session session;
    qn_vision *vision;          /* says how the first output is read; NULL: nothing does */
    const qn_vision_info *info; /* of `vision` */
    qn_tensor *outputs;         /* as many as it has, at the shapes of the last sample */
    int64_t *answers;           /* of the first output: labels, or the number of the largest score along an axis */
    size_t answer_count;
} player;

typedef struct array_eval {
    const eval_array_options *options;
    player first, other; /* other: without path if there is none */
    sample_source source;
    qn_tensor *inputs;
    size_t input_count;
    qn_npy_file *labels;            /* NULL: there are none */
    int64_t label_count, at;        /* at: the first label of the sample */
    qn_tensor sample_labels;        /* those of the sample; without data before the first */
    int64_t samples, judged, right; /* against the labels */
    int64_t compared, equal;        /* against the other model */
    map_scores maps;                /* where the labels are maps */
    int are_maps;
    int classes; /* how many the labels of maps may have; 0: nobody says */
    double ms;
} array_eval;

static void player_deinit(player *p) {
    const size_t count = p->outputs ? qn_model_get_info(p->session.model)->output_count : 0;
    for (size_t i = 0; i < count; i++) qn_tensor_deinit(&p->outputs[i], NULL);
    free(p->outputs);
    free(p->answers);
    qn_vision_destroy(p->vision);
    cli_session_close(&p->session);
}

static qn_status *player_open(const char *path, const cli_run_options *run, player *p) {
    p->path = path;
    CLI_TRY(cli_session_open(path, run, NULL, &p->session));
    const size_t count = qn_model_get_info(p->session.model)->output_count;
    qn_status_free(qn_vision_create(p->session.model, NULL, &p->vision)); /* without it the model takes arrays, too */
    p->info = qn_vision_get_info(p->vision);
    p->outputs = calloc(count + 1, sizeof *p->outputs);
    if (!p->outputs) return cli_out_of_memory();
    return count ? NULL : qn_status_create(QN_UNSUPPORTED, "%s: the model has no output to judge", path);
}

/* ---- One sample ---- */

static int is_float(const qn_tensor *output) {
    return output->dtype == QN_DTYPE_F32 || output->dtype == QN_DTYPE_F64 || output->dtype == QN_DTYPE_F16 ||
           output->dtype == QN_DTYPE_BF16;
}

/* Does the image block say how the first output is read? */
static int is_told(const player *p) { return p->info && p->info->output == 0 && p->info->answer != QN_VISION_SCORES; }

/* The axis along which scores compete; -1: every element is or parts a label. */
static int find_score_axis(const player *p) {
    const qn_tensor *output = &p->outputs[0];
    if (is_told(p)) return p->info->answer == QN_VISION_LOGITS ? p->info->class_axis : -1;
    return is_float(output) && output->rank ? output->rank - 1 : -1;
}

static int64_t find_greatest(const qn_tensor *output, size_t at, size_t classes, size_t step) {
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (cli_tensor_get(output, at + c * step) > cli_tensor_get(output, at + best * step)) best = c;
    return (int64_t)best;
}

static qn_status *read_answers(player *p) {
    const qn_tensor *output = &p->outputs[0];
    const int axis = find_score_axis(p), is_parted = is_told(p) && p->info->answer == QN_VISION_FOREGROUND;
    const size_t classes = axis >= 0 ? (size_t)output->dims[axis] : 1;
    size_t step = 1;
    for (int i = axis + 1; axis >= 0 && i < output->rank; i++) step *= (size_t)output->dims[i];
    if (!classes) return qn_status_create(QN_INVALID_ARGUMENT, "%s: its first output is empty", p->path);
    if (axis >= 0 && classes == 1)
        return qn_status_create(
            QN_UNSUPPORTED,
            "%s: its first output has one score where it could tell classes apart: for a network on "
            "pictures, build it with an image block in --config, as {\"image\": {}}, which makes two "
            "classes of it",
            p->path);
    p->answer_count = cli_tensor_elems(output) / classes;
    free(p->answers);
    p->answers = calloc(p->answer_count + 1, sizeof *p->answers);
    if (!p->answers) return cli_out_of_memory();
    for (size_t i = 0; i < p->answer_count; i++) {
        if (axis >= 0)
            p->answers[i] = find_greatest(output, i / step * step * classes + i % step, classes, step);
        else
            p->answers[i] = is_parted ? cli_tensor_get(output, i) > p->info->threshold : cli_tensor_integer(output, i);
    }
    return NULL;
}

static qn_status *play(player *p, const qn_tensor *inputs, size_t count, double *inout_ms) {
    CLI_TRY(cli_watch_check());
    CLI_TRY(cli_session_fit(&p->session, inputs, p->outputs));
    double start = cli_now_ms();
    CLI_TRY(qn_context_run(p->session.context, inputs, count, p->outputs,
                           qn_model_get_info(p->session.model)->output_count));
    if (inout_ms) *inout_ms += cli_now_ms() - start;
    return read_answers(p);
}

static qn_status *read_labels(array_eval *e, int64_t count) {
    if (count > e->label_count - e->at)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: %lld labels are fewer than the samples have: expected %lld, if those that follow "
                                "are like sample %lld of %lld",
                                e->options->labels, (long long)e->label_count,
                                (long long)(e->at + count * (e->source.samples.count - e->samples)),
                                (long long)e->samples + 1, (long long)e->source.samples.count);
    if (!e->sample_labels.data || e->sample_labels.dims[0] != count) {
        qn_tensor_deinit(&e->sample_labels, NULL);
        CLI_TRY(qn_tensor_init(qn_npy_info(e->labels)->dtype, 1, &count, NULL, &e->sample_labels));
    }
    CLI_TRY(qn_npy_read(e->labels, e->at, count, e->sample_labels.data));
    e->at += count;
    return NULL;
}

static int is_map(const player *p) { return is_told(p) || (!is_float(&p->outputs[0]) && p->outputs[0].rank >= 3); }

/* How many labels there may be: as many as there are scores, else what the model or the user says; 0: nobody does. */
static int64_t count_labels(const array_eval *e) {
    const int axis = find_score_axis(&e->first);
    return axis >= 0 ? e->first.outputs[0].dims[axis] : e->classes;
}

/* 255 in label maps, and where it is no class; what is below 0 everywhere. */
static int may_be_ignored(const array_eval *e) {
    return e->are_maps || (count_labels(e) && count_labels(e) <= QN_IMAGE_IGNORE_LABEL);
}

static int is_ignored(const array_eval *e, double label) {
    return label < 0 || (label == QN_IMAGE_IGNORE_LABEL && may_be_ignored(e));
}

static qn_status *check_labels(const array_eval *e) {
    char wanted[80] = "a whole number";
    const int64_t classes = count_labels(e);
    if (classes)
        snprintf(wanted, sizeof wanted, "a whole number below %lld, or %s where it is not judged", (long long)classes,
                 may_be_ignored(e) ? "255" : "-1");
    for (size_t i = 0; i < e->first.answer_count; i++) {
        const double label = cli_tensor_get(&e->sample_labels, i);
        if (label == floor(label) && (is_ignored(e, label) || !classes || label < (double)classes)) continue;
        return qn_status_create(QN_INVALID_ARGUMENT, "%s: label %zu of sample %lld: expected %s, found %.9g",
                                e->options->labels, i + 1, (long long)e->samples + 1, wanted, label);
    }
    return NULL;
}

static qn_status *judge(array_eval *e) {
    const player *p = &e->first;
    e->are_maps = is_map(p);
    CLI_TRY(read_labels(e, (int64_t)p->answer_count));
    CLI_TRY(check_labels(e));
    for (size_t i = 0; i < p->answer_count; i++) {
        const int64_t label = cli_tensor_integer(&e->sample_labels, i);
        if (is_ignored(e, (double)label)) continue;
        e->judged++;
        e->right += label == p->answers[i];
    }
    return NULL;
}

static qn_status *compare(array_eval *e) {
    if (e->first.answer_count != e->other.answer_count)
        return qn_status_create(QN_INVALID_ARGUMENT, "%s answers with %zu labels where %s has %zu", e->other.path,
                                e->other.answer_count, e->first.path, e->first.answer_count);
    e->compared += (int64_t)e->first.answer_count;
    for (size_t i = 0; i < e->first.answer_count; i++) e->equal += e->first.answers[i] == e->other.answers[i];
    return NULL;
}

static qn_status *judge_maps(array_eval *e) {
    if (!e->labels || !e->are_maps) return NULL;
    return cli_context(map_scores_add(&e->maps, &e->sample_labels, e->first.answers,
                                      e->other.path ? e->other.answers : NULL, e->first.answer_count),
                       "sample %lld of %s", (long long)e->samples + 1, e->options->labels);
}

static qn_status *run_all(array_eval *e) {
    const qn_samples *samples = &e->source.samples;
    for (int has = 1;; e->samples++) {
        CLI_TRY(samples->next(samples->self, e->inputs, e->input_count, &has));
        if (!has) break;
        CLI_TRY(play(&e->first, e->inputs, e->input_count, &e->ms));
        if (e->labels) CLI_TRY(judge(e));
        if (e->other.path) CLI_TRY(play(&e->other, e->inputs, e->input_count, NULL));
        if (e->other.path) CLI_TRY(compare(e));
        CLI_TRY(judge_maps(e));
        cli_progress("evaluating", (size_t)e->samples + 1, (size_t)samples->count);
    }
    if (!e->labels || e->at == e->label_count) return map_scores_finish(&e->maps);
    return qn_status_create(QN_INVALID_ARGUMENT, "%s: %lld labels, but the samples have %lld", e->options->labels,
                            (long long)e->label_count, (long long)e->at);
}

/* ---- All of it ---- */

static int64_t count_elems(const qn_tensor *info) {
    int64_t count = 1;
    for (int i = 0; i < info->rank; i++) count *= info->dims[i];
    return count;
}

static int count_classes(const array_eval *e) {
    if (e->options->classes) return (int)e->options->classes;
    return e->first.info ? e->first.info->class_count : 0;
}

static qn_status *open_parts(array_eval *e, const char *model) {
    const eval_array_options *options = e->options;
    const cli_run_options plain = cli_run_options_plain(options->run);
    const sample_options samples = {.option = "--inputs", .texts = &options->inputs};
    CLI_TRY(player_open(model, options->run, &e->first));
    if (options->against) CLI_TRY(player_open(options->against, &plain, &e->other));
    e->input_count = qn_model_get_info(e->first.session.model)->input_count;
    e->inputs = calloc(e->input_count + 1, sizeof *e->inputs);
    if (!e->inputs) return cli_out_of_memory();
    if (options->labels) CLI_TRY(qn_npy_open(options->labels, NULL, &e->labels));
    if (options->labels) e->label_count = count_elems(qn_npy_info(e->labels));
    e->classes = count_classes(e);
    CLI_TRY(map_scores_init(&e->maps, e->classes));
    return sample_source_open(e->first.session.model, &samples, &e->source);
}

static double share(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : NAN; }

/* Are there label maps that have a mIoU? */
static int has_maps(const array_eval *e) { return e->labels && e->are_maps && !e->maps.is_off; }

static void print_results(const array_eval *e) {
    if (e->labels) cli_print("%-24s %8.4f of %lld labels\n", "right", share(e->right, e->judged), (long long)e->judged);
    if (has_maps(e)) cli_print("%-24s %8.4f\n", "mIoU", qn_image_confusion_get_miou(e->maps.first));
    if (e->other.path) cli_print("%-24s %8.6f with %s\n", "agreement", share(e->equal, e->compared), e->other.path);
    if (has_maps(e) && e->other.path) paired_difference_print(&e->maps.difference, (size_t)e->samples);
    cli_print("%-24s %8lld\n%-24s %8.1f\n", "samples", (long long)e->samples, "ms per sample",
              e->ms / (double)e->samples);
}

static json_t *share_or_null(double share) { return isnan(share) ? json_null() : json_real(share); }

static json_t *share_to_json(int64_t part, int64_t whole) { return share_or_null(share(part, whole)); }

static json_t *to_json(const array_eval *e) {
    const qn_engine *engine = e->first.session.engine;
    json_t *object = json_pack("{s:o,s:I,s:f,s:i,s:s}", "model", cli_json_text(e->first.path), "samples",
                               (json_int_t)e->samples, "ms_per_sample", e->ms / (double)e->samples, "threads",
                               qn_engine_threads(engine), "cpu", qn_engine_cpu(engine));
    if (object && e->labels) json_object_set_new(object, "accuracy", share_to_json(e->right, e->judged));
    if (object && has_maps(e))
        json_object_set_new(object, "miou", share_or_null(qn_image_confusion_get_miou(e->maps.first)));
    if (object && has_maps(e) && e->other.path) {
        json_object_set_new(object, "against_miou", share_or_null(qn_image_confusion_get_miou(e->maps.second)));
        json_object_set_new(object, "miou_difference",
                            paired_difference_to_json(&e->maps.difference, (size_t)e->samples));
    }
    if (object && e->other.path) {
        json_object_set_new(object, "against", cli_json_text(e->other.path));
        json_object_set_new(object, "agreement", share_to_json(e->equal, e->compared));
    }
    return object;
}

static qn_status *check_files(const eval_array_options *options, const char *model) {
    cli_files files = {0};
    if (!options->json || cli_json_on_stdout(options->json)) return NULL;
    qn_status *status = cli_files_add_input(&files, model);
    if (!status) status = cli_files_add_output(&files, options->json, "--json");
    for (size_t i = 0; i < options->inputs.count && !status; i++) {
        const char *text = options->inputs.items[i], *equal = strchr(text, '=');
        status = cli_files_add_input(&files, text);
        if (!status && equal) status = cli_files_add_input(&files, equal + 1);
    }
    if (!status && options->labels) status = cli_files_add_input(&files, options->labels);
    if (!status && options->against) status = cli_files_add_input(&files, options->against);
    if (!status) status = cli_files_check(&files);
    if (!status) status = cli_check_writable(options->json);
    cli_files_deinit(&files);
    return status;
}

static qn_status *run_and_write(array_eval *e) {
    CLI_TRY(run_all(e));
    if (!cli_json_on_stdout(e->options->json)) print_results(e);
    return e->options->json ? cli_write_json(e->options->json, to_json(e)) : NULL;
}

static qn_status *evaluate(array_eval *e, const char *model) {
    cli_watch watch;
    CLI_TRY(check_files(e->options, model));
    CLI_TRY(open_parts(e, model));
    cli_watch_begin(&watch);
    qn_status *status = run_and_write(e);
    cli_watch_end(&watch);
    return status;
}

qn_status *eval_arrays(const char *model, const eval_array_options *options) {
    array_eval e = {.options = options};
    qn_status *status = evaluate(&e, model);
    sample_source_close(&e.source);
    player_deinit(&e.first);
    player_deinit(&e.other);
    map_scores_deinit(&e.maps);
    qn_npy_close(e.labels);
    qn_tensor_deinit(&e.sample_labels, NULL);
    free(e.inputs);
    return status;
}
