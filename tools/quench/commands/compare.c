/* commands/compare.c - `quench compare`: two models on the same data, value by value. */
#include "score/comparison.h"
#include "build/samples.h"
#include "session/segmenter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_settings {
    const char *json;
    cli_texts inputs, images;
    cli_run_options run;
    int64_t top;
    picture_limits limits;
} compare_settings;

#define FIELD(name) offsetof(compare_settings, name), 0, 0

static const cli_option options[] = {
    {0, "input", "[NAME=]x.npy", "an input: one sample, or several along a leading axis", cli_add_input, FIELD(inputs)},
    {0, "image", "FILE|DIR", "pictures instead, for models that take them; several", cli_add_input, FIELD(images)},
    {0, "top", "N", "show so many values, the worst first; default 20", cli_set_int, offsetof(compare_settings, top), 1,
     1000000},
    FITTER_LIMITS_OPTION(offsetof(compare_settings, limits)),
    CLI_RUN_OPTIONS(compare_settings),
    {0},
};

static const cli_command command = {
    "compare",
    "compare A B | A --precision MODE --input NAME=x.npy ... [options]",
    "Runs two models on the same arrays or pictures and compares, by name, every value that both compute: A is the\n"
    "reference. Integers that stand for floats are compared as these, outputs that hold labels are counted equal or\n"
    "not. Models are compiled files or source models, which are built in memory. Values that optimisation has fused\n"
    "away have no counterpart and are counted.\n"
    "Without B the source model A in float32 is compared with itself as --precision and its kin have it built.",
    options,
    1,
    2,
};

enum { MODELS = 2 };

typedef struct job {
    const compare_settings *settings;
    const char *names[MODELS]; /* as they are shown */
    qn_model *models[MODELS];  /* until a session or segmenter has taken them */
    comparison comparison;
    size_t runs;
} job;

static const qn_observe_fn observers[MODELS] = {comparison_observe_a, comparison_observe_b};

static void job_deinit(job *j) {
    for (int m = 0; m < MODELS; m++) qn_model_destroy(j->models[m]);
    comparison_deinit(&j->comparison);
}

static qn_status *open_models(job *j, char **paths) {
    builder_options source = j->settings->run.source;
    source.calibration.threads = j->settings->run.threads;
    const int is_alone = builder_options_find_given(&source) != NULL;
    const builder_options plain = {.configs = source.configs, .precision = is_alone ? "force_float32" : NULL};
    CLI_TRY(cli_open_model(paths[0], &plain, &j->models[0], NULL));
    CLI_TRY(cli_open_model(paths[is_alone ? 0 : 1], &source, &j->models[1], NULL));
    j->names[0] = paths[0];
    j->names[1] = !is_alone ? paths[1] : source.precision ? source.precision : "as configured";
    return comparison_init(&j->comparison, j->models[0], j->models[1]);
}

/* What a run ended with, where an observer may have ended it. */
static qn_status *explain(const job *j, int model, qn_status *status) {
    if (!j->comparison.failed) return cli_context(status, "%s", j->names[model]);
    qn_status_free(status);
    return cli_out_of_memory();
}

/* ---- Arrays ---- */

/* One of the models, and where its samples come from: both read the files by themselves, for their inputs may stand in
   another order. */
typedef struct array_player {
    cli_session session;
    sample_source source;
    qn_tensor *inputs, *outputs;
} array_player;

static void array_player_deinit(array_player *p) {
    const size_t count = p->outputs ? qn_model_get_info(p->session.model)->output_count : 0;
    for (size_t i = 0; i < count; i++) qn_tensor_deinit(&p->outputs[i], NULL);
    free(p->outputs);
    free(p->inputs);
    sample_source_close(&p->source);
    cli_session_close(&p->session);
}

static qn_status *open_player(job *j, int model, array_player *p) {
    const sample_options samples = {.option = "--input", .texts = &j->settings->inputs};
    const qn_model_info *info = qn_model_get_info(j->models[model]);
    p->session.model = j->models[model];
    j->models[model] = NULL;
    p->inputs = calloc(info->input_count + 1, sizeof *p->inputs);
    p->outputs = calloc(info->output_count + 1, sizeof *p->outputs);
    if (!p->inputs || !p->outputs) return cli_out_of_memory();
    CLI_TRY(cli_session_bind(&j->settings->run, NULL, &p->session));
    CLI_TRY(qn_context_set_observer(p->session.context, observers[model], &j->comparison));
    return sample_source_open(p->session.model, &samples, &p->source);
}

/* Runs the next sample; *out_has is 0 if there is none. */
static qn_status *play(array_player *p, int *out_has) {
    const qn_model_info *info = qn_model_get_info(p->session.model);
    CLI_TRY(p->source.samples.next(p->source.samples.self, p->inputs, info->input_count, out_has));
    if (!*out_has) return NULL;
    CLI_TRY(cli_session_fit(&p->session, p->inputs, p->outputs));
    return qn_context_run(p->session.context, p->inputs, info->input_count, p->outputs, info->output_count);
}

static qn_status *compare_samples(job *j, array_player *players) {
    const int64_t count = players[0].source.samples.count, other = players[1].source.samples.count;
    if (count != other)
        return qn_status_create(QN_INVALID_ARGUMENT, "%lld samples for %s, but %lld for %s: they take other shapes",
                                (long long)count, j->names[0], (long long)other, j->names[1]);
    for (int has = 1;; j->runs++) {
        for (int m = 0; m < MODELS && has; m++) CLI_TRY(explain(j, m, play(&players[m], &has)));
        if (!has) return NULL;
        comparison_end_run(&j->comparison);
        cli_progress("comparing", j->runs + 1, (size_t)count);
    }
}

static qn_status *compare_arrays(job *j) {
    array_player players[MODELS] = {{.inputs = NULL}};
    qn_status *status = NULL;
    for (int m = 0; m < MODELS && !status; m++) status = cli_context(open_player(j, m, &players[m]), "%s", j->names[m]);
    if (!status) status = compare_samples(j, players);
    for (int m = 0; m < MODELS; m++) array_player_deinit(&players[m]);
    return status;
}

/* ---- Pictures ---- */

static qn_status *compare_picture(job *j, segmenter *const *segmenters, const char *path) {
    qn_status *status = NULL;
    for (int m = 0; m < MODELS && !status; m++) {
        qn_image photo, labels = {0};
        CLI_TRY(fitter_load(segmenter_fitter(segmenters[m]), path, &photo));
        status = explain(j, m, segmenter_run(segmenters[m], &photo, photo.width, photo.height, &labels, NULL));
        qn_image_deinit(&labels);
        qn_image_deinit(&photo);
    }
    comparison_end_run(&j->comparison);
    return cli_context(status, "%s", path);
}

static qn_status *compare_pictures(job *j, const picture_list *list) {
    /* One run for each picture, so that both models have seen the same when their values are compared. */
    const fitter_choice fit = {.is_given = 1, .mode = QN_IMAGE_FIT_SHRINK, .limits = j->settings->limits};
    segmenter *segmenters[MODELS] = {NULL};
    qn_status *status = NULL;
    for (int m = 0; m < MODELS && !status; m++) {
        qn_model *model = j->models[m];
        j->models[m] = NULL;
        status = segmenter_open_model(model, j->names[m], &j->settings->run, fit, &segmenters[m]);
        if (!status)
            status = qn_context_set_observer(segmenter_session(segmenters[m])->context, observers[m], &j->comparison);
    }
    for (; j->runs < list->count && !status; j->runs++) {
        status = compare_picture(j, segmenters, list->paths[j->runs]);
        cli_progress("comparing", j->runs + 1, list->count);
    }
    for (int m = 0; m < MODELS; m++) segmenter_close(segmenters[m]);
    return status;
}

static qn_status *run_pictures(job *j) {
    picture_list list = {0};
    qn_status *status = NULL;
    for (size_t i = 0; i < j->settings->images.count && !status; i++)
        status = picture_list_add(&list, j->settings->images.items[i]);
    if (!status) status = compare_pictures(j, &list);
    picture_list_deinit(&list);
    return status;
}

/* ---- Results ---- */

/* Why a value has no measure. */
typedef enum omission { COMPARED, ONLY_A, ONLY_B, NOT_FLOAT, OTHER_SHAPE, OMISSION_COUNT } omission;

static omission omission_of(const compared_value *v) {
    if (v->dtype_b == QN_DTYPE_NONE) return ONLY_A;
    if (v->dtype_a == QN_DTYPE_NONE) return ONLY_B;
    if (v->has_other_shape) return OTHER_SHAPE;
    return compared_value_is_pair(v) || v->is_labels ? COMPARED : NOT_FLOAT;
}

static void count_omissions(const comparison *c, size_t *out_counts) {
    memset(out_counts, 0, OMISSION_COUNT * sizeof *out_counts);
    for (size_t i = 0; i < c->count; i++) out_counts[omission_of(&c->items[i])]++;
}

static void list_omissions(const job *j) {
    for (size_t i = 0; i < j->comparison.count; i++) {
        const compared_value *v = &j->comparison.items[i];
        const char *a = qn_dtype_numpy_name(v->dtype_a), *b = qn_dtype_numpy_name(v->dtype_b);
        switch (omission_of(v)) {
        case ONLY_A: cli_print("  only in %s: %s (%s)\n", j->names[0], v->name, a); break;
        case ONLY_B: cli_print("  only in %s: %s (%s)\n", j->names[1], v->name, b); break;
        case NOT_FLOAT: cli_print("  not floats in both: %s (%s, %s)\n", v->name, a, b); break;
        case OTHER_SHAPE: cli_print("  of different shapes: %s (%s, %s)\n", v->name, a, b); break;
        default: break;
        }
    }
}

static double agreement(const compared_value *v) { return v->elems ? (double)v->equal / (double)v->elems : 1; }

static void print_pair(const compared_value *v) {
    char ratio[24];
    snprintf(ratio, sizeof ratio, "%.2f", compared_value_sqnr_db(v));
    cli_print("  %9s  %9.6f  %10.4g  %s", v->square_error == 0 ? "equal" : ratio, compared_value_cosine(v), v->max_abs,
              v->name);
    if (compared_value_was_integer(v))
        cli_print(" (%s, %s)", qn_dtype_numpy_name(v->dtype_a), qn_dtype_numpy_name(v->dtype_b));
    cli_print("\n");
}

static void print_results(const job *j) {
    const comparison *c = &j->comparison;
    size_t counts[OMISSION_COUNT];
    size_t pairs = 0, integers = 0, top = (size_t)j->settings->top;
    for (; pairs < c->count && compared_value_is_pair(&c->items[pairs]); pairs++)
        integers += (size_t)compared_value_was_integer(&c->items[pairs]);
    count_omissions(c, counts);
    cli_print("%s against %s, %zu run%s: %zu values, %zu of them as integers, the worst first\n", j->names[1],
              j->names[0], j->runs, j->runs == 1 ? "" : "s", pairs, integers);
    cli_print("  %9s  %9s  %10s  %s\n", "SQNR dB", "cosine", "max error", "value");
    for (size_t i = 0; i < pairs && i < top; i++) print_pair(&c->items[i]);
    if (pairs > top) cli_print("  ... %zu more (--top)\n", pairs - top);
    for (size_t i = pairs; i < c->count && c->items[i].is_labels; i++)
        cli_print("output '%s': %.4f %% of %lld elements are equal\n", c->items[i].name, 100 * agreement(&c->items[i]),
                  (long long)c->items[i].elems);
    cli_print("not compared: %zu only in %s, %zu only in %s, %zu not floats in both, %zu of different shapes\n",
              counts[ONLY_A], j->names[0], counts[ONLY_B], j->names[1], counts[NOT_FLOAT], counts[OTHER_SHAPE]);
    if (cli_is_verbose()) list_omissions(j);
}

static json_t *real_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *to_json(const job *j) {
    const comparison *c = &j->comparison;
    size_t counts[OMISSION_COUNT];
    count_omissions(c, counts);
    json_t *values = json_array(), *outputs = json_array();
    for (size_t i = 0; i < c->count; i++) {
        const compared_value *v = &c->items[i];
        if (compared_value_is_pair(v))
            json_array_append_new(values, json_pack("{s:o,s:s,s:s,s:b,s:o,s:o,s:o,s:I}", "name", cli_json_text(v->name),
                                                    "dtype_a", qn_dtype_numpy_name(v->dtype_a), "dtype_b",
                                                    qn_dtype_numpy_name(v->dtype_b), "equal", v->square_error == 0,
                                                    "sqnr_db", real_or_null(compared_value_sqnr_db(v)), "cosine",
                                                    real_or_null(compared_value_cosine(v)), "max_abs_error",
                                                    real_or_null(v->max_abs), "elements", (json_int_t)v->elems));
        else if (v->is_labels)
            json_array_append_new(outputs, json_pack("{s:o,s:f,s:I}", "name", cli_json_text(v->name), "agreement",
                                                     agreement(v), "elements", (json_int_t)v->elems));
    }
    return json_pack("{s:o,s:o,s:I,s:o,s:o,s:I,s:I,s:I,s:I}", "a", cli_json_text(j->names[0]), "b",
                     cli_json_text(j->names[1]), "runs", (json_int_t)j->runs, "values", values, "outputs", outputs,
                     "only_in_a", (json_int_t)counts[ONLY_A], "only_in_b", (json_int_t)counts[ONLY_B], "not_float",
                     (json_int_t)counts[NOT_FLOAT], "other_shape", (json_int_t)counts[OTHER_SHAPE]);
}

static qn_status *check_files(const job *j, char **paths) {
    cli_files files = {0};
    const char *json = j->settings->json;
    if (!json || cli_json_on_stdout(json)) return NULL;
    qn_status *status = cli_files_add_input(&files, paths[0]);
    if (!status && !builder_options_find_given(&j->settings->run.source))
        status = cli_files_add_input(&files, paths[1]);
    if (!status) status = cli_files_add_output(&files, json, "--json");
    if (!status) status = cli_files_check(&files);
    if (!status) status = cli_check_writable(json);
    cli_files_deinit(&files);
    return status;
}

static qn_status *compare(job *j, char **paths) {
    CLI_TRY(check_files(j, paths));
    CLI_TRY(open_models(j, paths));
    CLI_TRY(j->settings->images.count ? run_pictures(j) : compare_arrays(j));
    comparison_sort(&j->comparison);
    if (!cli_json_on_stdout(j->settings->json)) print_results(j);
    return j->settings->json ? cli_write_json(j->settings->json, to_json(j)) : NULL;
}

static int check_usage(const compare_settings *settings, int operands) {
    const char *given = builder_options_find_given(&settings->run.source);
    if (!given && operands == 1) return cli_usage("B is missing: a second model, or --precision MODE");
    if (given && operands == 2) return cli_usage("%s takes the place of B: give one model", given);
    if (settings->images.count && settings->inputs.count) return cli_usage("give --input or --image, not both");
    if (!settings->images.count && !settings->inputs.count)
        return cli_usage("--input NAME=x.npy or --image FILE is missing");
    return CLI_GO_ON;
}

int cli_cmd_compare(int argc, char **argv) {
    compare_settings settings = {.top = 20};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) code = check_usage(&settings, argc - first);
    if (code == CLI_GO_ON) {
        job j = {.settings = &settings};
        code = cli_finish(compare(&j, argv + first));
        job_deinit(&j);
    }
    free(settings.inputs.items);
    free(settings.images.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
