#include "score/eval_saved.h"

#include "cli/watch.h"
#include "score/class_scores.h"
#include "score/eval_pairs.h"

typedef struct evaluation {
    const eval_saved_options *options;
    eval_pairs pairs;
    qn_image_palette palette;
    qn_image_confusion *confusion;
} evaluation;

/* A map of numbers as it is; one of colours by the palette. */
static qn_status *load_saved(const evaluation *e, const char *path, qn_image *out_labels) {
    const picture_limits *limits = &e->options->limits;
    qn_status *status = picture_load_mask(limits, path, out_labels);
    if (qn_status_code(status) != QN_UNSUPPORTED) return status;
    qn_status_free(status);
    qn_image picture;
    CLI_TRY(picture_load(limits, path, 3, &picture));
    status = cli_context(qn_image_from_colors(&picture, &e->palette, NULL, out_labels), "%s", path);
    qn_image_deinit(&picture);
    return status;
}

/* Maps are compared at the mask's size, as those of models are. */
static qn_status *fit(const qn_image *mask, qn_image *inout_labels) {
    qn_image scaled;
    if (inout_labels->width == mask->width && inout_labels->height == mask->height) return NULL;
    CLI_TRY(qn_image_resize(inout_labels, mask->width, mask->height, QN_IMAGE_NEAREST, NULL, &scaled));
    qn_image_deinit(inout_labels);
    *inout_labels = scaled;
    return NULL;
}

static qn_status *judge(evaluation *e, const eval_pair *pair) {
    qn_image mask, labels = {0};
    CLI_TRY(picture_load_mask(&e->options->limits, pair->mask, &mask));
    qn_status *status = load_saved(e, pair->picture, &labels);
    if (!status) status = fit(&mask, &labels);
    if (!status) status = cli_context(qn_image_confusion_add(e->confusion, &mask, &labels), "%s", pair->picture);
    qn_image_deinit(&labels);
    qn_image_deinit(&mask);
    return status;
}

static json_t *to_json(const evaluation *e) {
    json_t *object =
        json_pack("{s:o,s:I}", "saved", cli_json_text(e->options->saved), "images", (json_int_t)e->pairs.count);
    if (object) class_scores_to_json(e->confusion, &e->palette, object);
    return object;
}

static qn_status *run(evaluation *e) {
    const eval_saved_options *options = e->options;
    const char *reads[] = {options->list};
    CLI_TRY(eval_pairs_find(options->saved, options->masks, options->list, EVAL_SAVED, &e->pairs));
    CLI_TRY(eval_pairs_check(&e->pairs, reads, 1, options->json));
    CLI_TRY(qn_image_palette_load(options->palette ? options->palette : "voc", NULL, &e->palette));
    const int classes = options->classes ? (int)options->classes : e->palette.class_count;
    CLI_TRY(qn_image_confusion_create(classes, NULL, &e->confusion));
    for (size_t i = 0; i < e->pairs.count; i++) {
        CLI_TRY(cli_watch_check());
        CLI_TRY(judge(e, &e->pairs.items[i]));
        cli_progress("evaluating", i + 1, e->pairs.count);
    }
    if (!cli_json_on_stdout(options->json)) {
        class_scores_print(e->confusion, &e->palette);
        cli_print("%-24s %8zu\n", "pictures", e->pairs.count);
    }
    return options->json ? cli_write_json(options->json, to_json(e)) : NULL;
}

qn_status *eval_saved(const eval_saved_options *options) {
    evaluation e = {.options = options};
    cli_watch watch;
    cli_watch_begin(&watch);
    qn_status *status = run(&e);
    cli_watch_end(&watch);
    eval_pairs_deinit(&e.pairs);
    qn_image_palette_deinit(&e.palette);
    qn_image_confusion_destroy(e.confusion);
    return status;
}
