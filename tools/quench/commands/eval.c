/* commands/eval.c - `quench eval`: scores a segmentation model on pictures and masks. */
#include "score/bootstrap.h"
#include "score/eval_arrays.h"
#include "pictures/pictures.h"
#include "session/segmenter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct eval_settings {
    const char *images, *masks, *list, *against, *palette, *json, *labels;
    cli_texts inputs;
    cli_run_options run;
    fitter_choice fit;
    int64_t classes;
} eval_settings;

#define FIELD(name) offsetof(eval_settings, name), 0, 0

static const cli_option options[] = {
    {0, "images", "DIR", "the pictures", cli_set_text, FIELD(images)},
    {0, "masks", "DIR", "the true masks: NAME.png for NAME.jpg, indexed or gray, the value is the class", cli_set_text,
     FIELD(masks)},
    {0, "inputs", "[NAME=]x.npy", "instead of pictures: arrays, one sample each or along a leading axis", cli_add_input,
     FIELD(inputs)},
    {0, "labels", "y.npy", "of --inputs: the true classes, or label maps", cli_set_input, FIELD(labels)},
    {0, "list", "FILE", "names of the pictures to use, one a line; default: all in --images", cli_set_input,
     FIELD(list)},
    {0, "classes", "N", "how many classes are judged; default: as many as the model has", cli_set_int,
     offsetof(eval_settings, classes), 1, QN_IMAGE_CLASSES_MAX},
    {0, "palette", "NAME|FILE", "where the names of the classes come from, as for segment", cli_set_input,
     FIELD(palette)},
    {0, "against", "MODEL2", "also the share of pixels that a second model labels alike", cli_set_input,
     FIELD(against)},
    {0, "fit", "HOW", "shrink (usual), longest, stretch, tile: as for segment", fitter_set_choice, FIELD(fit)},
    FITTER_LIMITS_OPTION(offsetof(eval_settings, fit.limits)),
    CLI_RUN_OPTIONS(eval_settings),
    {0},
};

static const cli_command command = {
    "eval",
    "eval MODEL --images DIR --masks DIR [--list FILE] | --inputs x.npy --labels y.npy [options]",
    "Labels the pictures and compares with their masks: intersection over union of each class and their mean, from "
    "totals\n"
    "over all pictures, and the share of pixels that are right. Mask value 255 is not judged. Labels are compared at "
    "the\n"
    "mask's size. A picture or mask that is missing is reported before anything runs.\n"
    "With --inputs any model is scored on arrays: the share of labels that are right, where scores stand for the "
    "largest\n"
    "along their last axis, and of label maps the mIoU; without --labels only what --against has to say.",
    options,
    1,
    1,
};

typedef struct item {
    char *picture, *mask;
} item;

typedef struct evaluation {
    const eval_settings *settings;
    item *items;
    size_t count;
    segmenter *segmenter, *other; /* other: NULL without --against */
    qn_image_palette palette;
    qn_image_confusion *confusion, *other_confusion;
    paired_scores scores;
    paired_difference difference; /* of mIoU */
    int64_t equal, pixels;        /* between the two models */
    double ms;                    /* of the first model's runs */
} evaluation;

static void evaluation_deinit(evaluation *e) {
    for (size_t i = 0; e->items && i < e->count; i++) free(e->items[i].picture), free(e->items[i].mask);
    free(e->items);
    segmenter_close(e->segmenter);
    segmenter_close(e->other);
    qn_image_palette_deinit(&e->palette);
    qn_image_confusion_destroy(e->confusion);
    qn_image_confusion_destroy(e->other_confusion);
    paired_scores_deinit(&e->scores);
}

/* ---- What is to be done ---- */

/* The first few names that `missing` finds nothing for, in one message. */
static qn_status *report_missing(const evaluation *e, const picture_list *names, const char *what, const char *folder,
                                 int is_mask) {
    enum { SHOWN = 5 };
    char list[512] = "";
    size_t missing = 0, length = 0;
    for (size_t i = 0; i < e->count; i++) {
        if (is_mask ? e->items[i].mask != NULL : e->items[i].picture != NULL) continue;
        if (missing++ < SHOWN && length < sizeof list)
            length +=
                (size_t)snprintf(list + length, sizeof list - length, "%s%s", length ? ", " : "", names->paths[i]);
    }
    if (!missing) return NULL;
    return qn_status_create(QN_NOT_FOUND, "%s: %zu of %zu %s are missing there: %s%s", folder, missing, e->count, what,
                            list, missing > SHOWN ? ", ..." : "");
}

static qn_status *find_files(evaluation *e, const picture_list *names) {
    e->items = calloc(names->count, sizeof *e->items);
    if (!e->items) return cli_out_of_memory();
    e->count = names->count;
    for (size_t i = 0; i < e->count; i++) {
        /* A name is a stem, or a file of either folder. */
        char *stem = picture_stem(names->paths[i]);
        if (!stem) return cli_out_of_memory();
        e->items[i].picture =
            e->settings->list ? picture_find(e->settings->images, names->paths[i]) : strdup(names->paths[i]);
        if (!e->items[i].picture) e->items[i].picture = picture_find(e->settings->images, stem);
        e->items[i].mask = picture_find_mask(e->settings->masks, names->paths[i]);
        free(stem);
    }
    CLI_TRY(report_missing(e, names, "pictures (jpg, jpeg, png, ppm, pgm)", e->settings->images, 0));
    return report_missing(e, names, "masks (png)", e->settings->masks, 1);
}

static qn_status *plan(evaluation *e) {
    picture_list names = {0};
    qn_status *status = e->settings->list ? picture_list_read(&names, e->settings->list)
                                          : picture_list_add(&names, e->settings->images);
    if (!status) status = find_files(e, &names);
    picture_list_deinit(&names);
    return status;
}

static qn_status *check_files(const evaluation *e, const char *model) {
    cli_files files = {0};
    const char *json = e->settings->json;
    if (!json || cli_json_on_stdout(json)) return NULL;
    qn_status *status = cli_files_add_input(&files, model);
    if (!status) status = cli_files_add_output(&files, json, "--json");
    for (size_t i = 0; i < e->count && !status; i++) {
        status = cli_files_add_input(&files, e->items[i].picture);
        if (!status) status = cli_files_add_input(&files, e->items[i].mask);
    }
    if (!status && e->settings->list) status = cli_files_add_input(&files, e->settings->list);
    if (!status && e->settings->against) status = cli_files_add_input(&files, e->settings->against);
    if (!status) status = cli_files_check(&files);
    if (!status) status = cli_check_writable(json);
    cli_files_deinit(&files);
    return status;
}

static qn_status *open_models(evaluation *e, const char *model) {
    const eval_settings *settings = e->settings;
    CLI_TRY(segmenter_open(model, &settings->run, settings->fit, &e->segmenter));
    const cli_run_options plain = cli_run_options_plain(&settings->run);
    if (settings->against) CLI_TRY(segmenter_open(settings->against, &plain, settings->fit, &e->other));
    int classes = settings->classes ? (int)settings->classes : segmenter_fitter(e->segmenter)->info->class_count;
    if (!classes)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: the model does not say how many classes it has: give --classes", model);
    CLI_TRY(fitter_load_palette(segmenter_fitter(e->segmenter)->vision, settings->palette, classes, &e->palette));
    e->scores.classes = classes;
    if (e->other) CLI_TRY(qn_image_confusion_create(classes, NULL, &e->other_confusion));
    return qn_image_confusion_create(classes, NULL, &e->confusion);
}

/* ---- One picture ---- */

static qn_status *label(segmenter *s, const char *picture, const qn_image *mask, qn_image *out_labels,
                        double *inout_ms) {
    qn_image photo;
    qn_segmenter_info info;
    *out_labels = (qn_image){0};
    CLI_TRY(fitter_load(segmenter_fitter(s), picture, &photo));
    qn_status *status =
        cli_context(segmenter_run(s, &photo, mask->width, mask->height, out_labels, &info), "%s", picture);
    qn_image_deinit(&photo);
    if (!status && inout_ms) *inout_ms += info.ms;
    return status;
}

/* The second model on the same picture. */
static qn_status *judge_other(evaluation *e, const item *one, const qn_image *mask, const qn_image *labels) {
    qn_image others;
    CLI_TRY(label(e->other, one->picture, mask, &others, NULL));
    qn_status *status = cli_context(qn_image_confusion_add(e->other_confusion, mask, &others), "%s", one->mask);
    if (!status) status = qn_image_count_equal(labels, &others, &e->equal, &e->pixels);
    if (!status) status = paired_scores_add(&e->scores, mask, labels, &others);
    qn_image_deinit(&others);
    return status;
}

static qn_status *judge(evaluation *e, const item *one) {
    qn_image mask, labels = {0};
    CLI_TRY(fitter_load_mask(segmenter_fitter(e->segmenter), one->mask, &mask));
    qn_status *status = label(e->segmenter, one->picture, &mask, &labels, &e->ms);
    if (!status) status = cli_context(qn_image_confusion_add(e->confusion, &mask, &labels), "%s", one->mask);
    if (!status && e->other) status = judge_other(e, one, &mask, &labels);
    qn_image_deinit(&labels);
    qn_image_deinit(&mask);
    return status;
}

/* ---- Results ---- */

/* The class's name; with its number where it has none or shares it with an earlier class. `text` has 96 bytes. */
static const char *class_title(const evaluation *e, int class, char *text) {
    const char *name = e->palette.names[class];
    int is_shared = 0;
    for (int c = 0; c < class && name; c++) is_shared |= e->palette.names[c] && !strcmp(e->palette.names[c], name);
    if (name && !is_shared) return name;
    snprintf(text, 96, "%.60s%s%d", name ? name : "class", " ", class);
    return text;
}

static double agreement(const evaluation *e) { return e->pixels ? (double)e->equal / (double)e->pixels : NAN; }

static void print_results(const evaluation *e) {
    char title[96];
    int classes = qn_image_confusion_get_class_count(e->confusion);
    cli_print("%-24s %8s\n", "class", "IoU");
    for (int c = 0; c < classes; c++) {
        double iou = qn_image_confusion_get_iou(e->confusion, c);
        if (isnan(iou))
            cli_print("%-24s %8s\n", class_title(e, c, title), "absent");
        else
            cli_print("%-24s %8.4f\n", class_title(e, c, title), iou);
    }
    cli_print("%-24s %8.4f\n", "mIoU", qn_image_confusion_get_miou(e->confusion));
    cli_print("%-24s %8.4f\n", "pixel accuracy", qn_image_confusion_get_pixel_accuracy(e->confusion));
    if (e->other) {
        cli_print("%-24s %8.6f with %s\n", "agreement", agreement(e), e->settings->against);
        paired_difference_print(&e->difference, e->count);
    }
    cli_print("%-24s %8zu\n%-24s %8.1f\n", "pictures", e->count, "ms per picture", e->ms / (double)e->count);
}

static json_t *share_to_json(double share) { return isnan(share) ? json_null() : json_real(share); }

static json_t *to_json(const evaluation *e, const char *model) {
    char title[96];
    json_t *iou = json_object();
    for (int c = 0; c < qn_image_confusion_get_class_count(e->confusion); c++) {
        json_t *key = cli_json_text(class_title(e, c, title));
        json_object_set_new(iou, json_string_value(key), share_to_json(qn_image_confusion_get_iou(e->confusion, c)));
        json_decref(key);
    }
    const cli_session *session = segmenter_session(e->segmenter);
    json_t *object = json_pack("{s:o,s:I,s:o,s:o,s:o,s:f,s:i,s:s}", "model", cli_json_text(model), "images",
                               (json_int_t)e->count, "miou", share_to_json(qn_image_confusion_get_miou(e->confusion)),
                               "pixel_accuracy", share_to_json(qn_image_confusion_get_pixel_accuracy(e->confusion)),
                               "iou", iou, "ms_per_image", e->ms / (double)e->count, "threads",
                               qn_engine_threads(session->engine), "cpu", qn_engine_cpu(session->engine));
    if (object && e->other) {
        json_object_set_new(object, "against", cli_json_text(e->settings->against));
        json_object_set_new(object, "agreement", share_to_json(agreement(e)));
        json_object_set_new(object, "against_miou", share_to_json(qn_image_confusion_get_miou(e->other_confusion)));
        json_object_set_new(object, "miou_difference", paired_difference_to_json(&e->difference, e->count));
    }
    return object;
}

static qn_status *run_and_write(evaluation *e, const char *model) {
    for (size_t i = 0; i < e->count; i++) {
        CLI_TRY(judge(e, &e->items[i]));
        cli_progress("evaluating", i + 1, e->count);
    }
    if (e->other) CLI_TRY(paired_scores_compare(&e->scores, &e->difference));
    if (!cli_json_on_stdout(e->settings->json)) print_results(e);
    return e->settings->json ? cli_write_json(e->settings->json, to_json(e, model)) : NULL;
}

static qn_status *evaluate(evaluation *e, const char *model) {
    cli_watch watch;
    CLI_TRY(plan(e));
    CLI_TRY(check_files(e, model));
    CLI_TRY(open_models(e, model));
    cli_watch_begin(&watch);
    qn_status *status = run_and_write(e, model);
    cli_watch_end(&watch);
    return status;
}

static int check_options(const eval_settings *settings) {
    const int has_arrays = settings->inputs.count > 0;
    if (has_arrays && (settings->images || settings->masks || settings->list))
        return cli_usage("--inputs and %s exclude each other", settings->images  ? "--images"
                                                               : settings->masks ? "--masks"
                                                                                 : "--list");
    if (settings->labels && !has_arrays) return cli_usage("--labels go with --inputs x.npy; --masks go with pictures");
    if (has_arrays && !settings->labels && !settings->against)
        return cli_usage("--labels y.npy or --against MODEL2 is missing");
    if (!has_arrays && (!settings->images || !settings->masks))
        return cli_usage("%s DIR is missing", settings->images ? "--masks" : "--images");
    return CLI_GO_ON;
}

static qn_status *eval_pictures(const eval_settings *settings, const char *model) {
    evaluation e = {.settings = settings};
    qn_status *status = evaluate(&e, model);
    evaluation_deinit(&e);
    return status;
}

int cli_cmd_eval(int argc, char **argv) {
    eval_settings settings = {0};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) code = check_options(&settings);
    if (code == CLI_GO_ON) {
        const eval_array_options arrays = {settings.inputs, settings.labels,  settings.against,
                                           settings.json,   settings.classes, &settings.run};
        code = cli_finish(settings.inputs.count ? eval_arrays(argv[first], &arrays)
                                                : eval_pictures(&settings, argv[first]));
    }
    free(settings.inputs.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
