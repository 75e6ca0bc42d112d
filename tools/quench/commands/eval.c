/* commands/eval.c - `quench eval`: scores a segmentation model on pictures and masks. */
#include "score/bootstrap.h"
#include "score/class_scores.h"
#include "score/eval_arrays.h"
#include "score/eval_pairs.h"
#include "score/eval_saved.h"
#include "pictures/pictures.h"
#include "session/segmenter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct eval_settings {
    const char *images, *masks, *saved, *list, *against, *palette, *json, *labels;
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
    {0, "saved", "DIR",
     "instead of MODEL and pictures: label maps saved before, gray, indexed or in the palette's colours", cli_set_text,
     FIELD(saved)},
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
    {0, "smooth", NULL, "enlarge scores rather than labels, as for segment; not those of MODEL2", cli_set_flag,
     FIELD(fit.is_smooth)},
    FITTER_LIMITS_OPTION(offsetof(eval_settings, fit.limits)),
    CLI_RUN_OPTIONS(eval_settings),
    {0},
};

static const cli_command command = {
    "eval",
    "eval MODEL --images DIR --masks DIR [--list FILE] | --inputs x.npy --labels y.npy [options]\n"
    "       quench eval --saved DIR --masks DIR [--list FILE] [--palette NAME|FILE] [options]",
    "Labels the pictures and compares with their masks: intersection over union of each class and their mean, from "
    "totals\n"
    "over all pictures, and the share of pixels that are right. Mask value 255 is not judged. Labels are compared at "
    "the\n"
    "mask's size. A picture or mask that is missing is reported before anything runs.\n"
    "With --inputs any model is scored on arrays: the share of labels that are right, where scores stand for the "
    "largest\n"
    "along their last axis, and of label maps the mIoU; without --labels only what --against has to say.\n"
    "With --saved no model runs: label maps that any program has saved are scored, in colours by --palette, default voc.",
    options,
    0,
    1,
};

typedef struct evaluation {
    const eval_settings *settings;
    eval_pairs pairs;
    segmenter *segmenter, *other; /* other: NULL without --against */
    qn_image_palette palette;
    qn_image_confusion *confusion, *other_confusion;
    paired_scores scores;
    paired_difference difference; /* of mIoU */
    int64_t equal, pixels;        /* between the two models */
    double ms;                    /* of the first model's runs */
} evaluation;

static void evaluation_deinit(evaluation *e) {
    eval_pairs_deinit(&e->pairs);
    segmenter_close(e->segmenter);
    segmenter_close(e->other);
    qn_image_palette_deinit(&e->palette);
    qn_image_confusion_destroy(e->confusion);
    qn_image_confusion_destroy(e->other_confusion);
    paired_scores_deinit(&e->scores);
}

/* ---- What is to be done ---- */

static qn_status *open_models(evaluation *e, const char *model) {
    const eval_settings *settings = e->settings;
    CLI_TRY(segmenter_open(model, &settings->run, settings->fit, &e->segmenter));
    const cli_run_options plain = cli_run_options_plain(&settings->run);
    fitter_choice other_fit = settings->fit;
    other_fit.is_smooth = 0; /* so that a model against itself tells what smooth edges gain */
    if (settings->against) CLI_TRY(segmenter_open(settings->against, &plain, other_fit, &e->other));
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
static qn_status *judge_other(evaluation *e, const eval_pair *one, const qn_image *mask, const qn_image *labels) {
    qn_image others;
    CLI_TRY(label(e->other, one->picture, mask, &others, NULL));
    qn_status *status = cli_context(qn_image_confusion_add(e->other_confusion, mask, &others), "%s", one->mask);
    if (!status) status = qn_image_count_equal(labels, &others, &e->equal, &e->pixels);
    if (!status) status = paired_scores_add(&e->scores, mask, labels, &others);
    qn_image_deinit(&others);
    return status;
}

static qn_status *judge(evaluation *e, const eval_pair *one) {
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

static double agreement(const evaluation *e) { return e->pixels ? (double)e->equal / (double)e->pixels : NAN; }

static void print_results(const evaluation *e) {
    class_scores_print(e->confusion, &e->palette);
    if (e->other) {
        cli_print("%-24s %8.6f with %s\n", "agreement", agreement(e), e->settings->against);
        paired_difference_print(&e->difference, e->pairs.count);
    }
    cli_print("%-24s %8zu\n%-24s %8.1f\n", "pictures", e->pairs.count, "ms per picture",
              e->ms / (double)e->pairs.count);
}

static json_t *to_json(const evaluation *e, const char *model) {
    const cli_session *session = segmenter_session(e->segmenter);
    json_t *object = json_pack("{s:o,s:I,s:f,s:i,s:s}", "model", cli_json_text(model), "images",
                               (json_int_t)e->pairs.count, "ms_per_image", e->ms / (double)e->pairs.count, "threads",
                               qn_engine_threads(session->engine), "cpu", qn_engine_cpu(session->engine));
    if (object) class_scores_to_json(e->confusion, &e->palette, object);
    if (object && e->other) {
        json_object_set_new(object, "against", cli_json_text(e->settings->against));
        json_object_set_new(object, "agreement", class_share_to_json(agreement(e)));
        json_object_set_new(object, "against_miou",
                            class_share_to_json(qn_image_confusion_get_miou(e->other_confusion)));
        json_object_set_new(object, "miou_difference", paired_difference_to_json(&e->difference, e->pairs.count));
    }
    return object;
}

static qn_status *run_and_write(evaluation *e, const char *model) {
    for (size_t i = 0; i < e->pairs.count; i++) {
        CLI_TRY(judge(e, &e->pairs.items[i]));
        cli_progress("evaluating", i + 1, e->pairs.count);
    }
    if (e->other) CLI_TRY(paired_scores_compare(&e->scores, &e->difference));
    if (!cli_json_on_stdout(e->settings->json)) print_results(e);
    return e->settings->json ? cli_write_json(e->settings->json, to_json(e, model)) : NULL;
}

static qn_status *evaluate(evaluation *e, const char *model) {
    cli_watch watch;
    const eval_settings *settings = e->settings;
    const char *reads[] = {model, settings->list, settings->against};
    CLI_TRY(eval_pairs_find(settings->images, settings->masks, settings->list, EVAL_PICTURES, &e->pairs));
    CLI_TRY(eval_pairs_check(&e->pairs, reads, 3, settings->json));
    CLI_TRY(open_models(e, model));
    cli_watch_begin(&watch);
    qn_status *status = run_and_write(e, model);
    cli_watch_end(&watch);
    return status;
}

/* Without a model, maps are saved ones and nothing runs. */
static int check_saved(const eval_settings *settings, int has_model) {
    const cli_run_options *run = &settings->run;
    const char *other = has_model                 ? "MODEL"
                        : settings->images        ? "--images"
                        : settings->inputs.count  ? "--inputs"
                        : settings->labels        ? "--labels"
                        : settings->against       ? "--against"
                        : settings->fit.is_given  ? "--fit"
                        : settings->fit.is_smooth ? "--smooth"
                        : run->threads            ? "--threads"
                        : run->cpu                ? "--cpu"
                                                  : builder_options_find_given(&run->source);
    if (other) return cli_usage("--saved and %s exclude each other: no model runs", other);
    if (!settings->masks) return cli_usage("--masks DIR is missing");
    return CLI_GO_ON;
}

static int check_options(const eval_settings *settings, int has_model) {
    if (settings->saved) return check_saved(settings, has_model);
    if (!has_model) return cli_usage("MODEL is missing; --saved DIR scores label maps without one");
    const int has_arrays = settings->inputs.count > 0;
    if (has_arrays && (settings->images || settings->masks || settings->list))
        return cli_usage("--inputs and %s exclude each other", settings->images  ? "--images"
                                                               : settings->masks ? "--masks"
                                                                                 : "--list");
    if (settings->labels && !has_arrays) return cli_usage("--labels go with --inputs x.npy; --masks go with pictures");
    if (has_arrays && settings->fit.is_smooth) return cli_usage("--inputs and --smooth exclude each other");
    if (has_arrays && !settings->labels && !settings->against)
        return cli_usage("--labels y.npy or --against MODEL2 is missing");
    if (!has_arrays && (!settings->images || !settings->masks))
        return cli_usage("%s DIR is missing", settings->images ? "--masks" : "--images");
    return CLI_GO_ON;
}

static qn_status *eval_masks(const eval_settings *settings) {
    const eval_saved_options saved = {.saved = settings->saved,
                                      .masks = settings->masks,
                                      .list = settings->list,
                                      .palette = settings->palette,
                                      .json = settings->json,
                                      .classes = settings->classes,
                                      .limits = settings->fit.limits};
    return eval_saved(&saved);
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
    if (code == CLI_GO_ON) code = check_options(&settings, first < argc);
    if (code == CLI_GO_ON) {
        const eval_array_options arrays = {settings.inputs, settings.labels,  settings.against,
                                           settings.json,   settings.classes, &settings.run};
        code = cli_finish(settings.saved          ? eval_masks(&settings)
                          : settings.inputs.count ? eval_arrays(argv[first], &arrays)
                                                  : eval_pictures(&settings, argv[first]));
    }
    free(settings.inputs.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
