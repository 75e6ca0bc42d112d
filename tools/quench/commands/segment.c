/* commands/segment.c - `quench segment`: pictures in, label maps and coloured pictures out. */
#include "pictures/pictures.h"
#include "session/segmenter.h"
#include "cli/streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct segment_settings {
    const char *out, *palette, *json;
    cli_run_options run;
    fitter_choice fit;
    cli_texts saves; /* --save, as given */
    unsigned save;   /* what it says, a bit per artifact; 0: none chosen */
    int legend;
    double alpha;
} segment_settings;

/* One text of --save. */
static int add_saved(const char *text, unsigned *inout_save) {
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        int found = -1;
        for (int i = 0; i < PICTURE_LEGEND; i++) /* which has an option of its own */
            if (length == strlen(picture_result_names[i]) && !strncmp(at, picture_result_names[i], length)) found = i;
        if (found < 0) return cli_usage("--save: '%.*s' is none of indexed, rgb, overlay, gray", (int)length, at);
        *inout_save |= 1u << found;
        at += length;
        if (!*at) return CLI_GO_ON;
    }
}

static int choose_saved(segment_settings *settings) {
    int code = CLI_GO_ON;
    for (size_t i = 0; i < settings->saves.count && code == CLI_GO_ON; i++)
        code = add_saved(settings->saves.items[i], &settings->save);
    return code;
}

static int set_alpha(const cli_option *option, void *field, const char *value) {
    char *end;
    double alpha = strtod(value, &end);
    if (end == value || *end || !(alpha >= 0 && alpha <= 1))
        return cli_usage("--%s: expected a number from 0 to 1, found '%s'", option->name, value);
    *(double *)field = alpha;
    return CLI_GO_ON;
}

#define FIELD(name) offsetof(segment_settings, name), 0, 0

static const cli_option options[] = {
    {'o', "output-dir", "DIR", "where the results go; made if it is not there; -: standard output, of one",
     cli_set_output, FIELD(out)},
    {0, "save", "WHAT", "indexed, rgb, overlay, gray; several, with commas; default: indexed,overlay", cli_add_text,
     FIELD(saves)},
    {0, "palette", "NAME|FILE", "voc, ade20k, cityscapes, or a file with `name r g b` lines", cli_set_input,
     FIELD(palette)},
    {0, "legend", NULL, "also save the overlay with names and areas of the classes beside it", cli_set_flag,
     FIELD(legend)},
    {0, "alpha", "A", "how much of an overlay is colour, 0 to 1; default 0.5", set_alpha, FIELD(alpha)},
    {0, "fit", "HOW", "shrink (usual), longest, stretch, tile: see above", fitter_set_choice, FIELD(fit)},
    {0, "smooth", NULL, "enlarge scores rather than labels: smooth edges, for models that give scores", cli_set_flag,
     FIELD(fit.is_smooth)},
    FITTER_LIMITS_OPTION(offsetof(segment_settings, fit.limits)),
    CLI_RUN_OPTIONS(segment_settings),
    {0},
};

static const cli_command command = {
    "segment",
    "segment MODEL IMAGE|DIR ... -o DIR [options]",
    "Labels every pixel of pictures (JPEG, PNG, PPM, PGM; in a folder: all of them) and saves for NAME.jpg\n"
    "  NAME.png          indexed: the value is the class, the palette its colour\n"
    "  NAME.overlay.png  the picture with the colours over it\n"
    "  NAME.rgb.png      the colours alone\n"
    "  NAME.gray.png     the class as gray\n"
    "  NAME.legend.png   the overlay with a legend\n"
    "all at the picture's own size. MODEL is a compiled file, or a source model, which is built in memory first.\n"
    "--fit says what happens to a picture outside the model's range: shrink scales larger ones down, longest scales\n"
    "every one until a side meets the range's end, stretch makes exactly the largest size, tile covers it in pieces.\n"
    "Outputs that would overwrite an input or each other are refused before anything runs. A picture that cannot be "
    "read\n"
    "is reported, the others are still done, and the exit status is 1.",
    options,
    2,
    -1,
};

/* ---- Jobs ---- */

/* One picture and the files that come of it. */
typedef struct job {
    const char *picture;            /* the list's */
    char *outputs[PICTURE_RESULTS]; /* NULL: not asked for */
} job;

typedef struct batch {
    const segment_settings *settings;
    picture_list pictures;
    job *jobs; /* one per picture */
    segmenter *segmenter;
    qn_image_palette palette;
    json_t *results; /* NULL: nobody asked */
    size_t failed;
} batch;

static void batch_deinit(batch *b) {
    for (size_t i = 0; b->jobs && i < b->pictures.count; i++)
        for (int a = 0; a < PICTURE_RESULTS; a++) free(b->jobs[i].outputs[a]);
    free(b->jobs);
    picture_list_deinit(&b->pictures);
    segmenter_close(b->segmenter);
    qn_image_palette_deinit(&b->palette);
    json_decref(b->results);
}

/* A bit for each artifact that is wanted. */
static unsigned chosen(const segment_settings *settings) {
    unsigned usual =
        cli_is_stream(settings->out) ? 1u << PICTURE_INDEXED : 1u << PICTURE_INDEXED | 1u << PICTURE_OVERLAY;
    if (settings->legend)
        return settings->save | (cli_is_stream(settings->out) ? 0 : settings->save ? 0 : usual) | 1u << PICTURE_LEGEND;
    return settings->save ? settings->save : usual;
}

/* One picture of one kind can go to a pipe; a folder is no file. */
static qn_status *check_out(const batch *b) {
    const char *out = b->settings->out;
    unsigned save = chosen(b->settings);
    if (cli_is_stream(out)) {
        if (b->pictures.count == 1 && !(save & (save - 1))) return NULL;
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: one picture can go there, of one kind (--save indexed): -o DIR takes more",
                                cli_given_name(out));
    }
    CLI_TRY(cli_check_folder(out));
    if (!picture_has_ending(out) || !access(out, F_OK)) return NULL;
    return qn_status_create(
        QN_INVALID_ARGUMENT,
        "%s: is no folder by its name: -o names the folder that the results go to, each as NAME.png", out);
}

static qn_status *name_outputs(const segment_settings *settings, job *j) {
    unsigned save = chosen(settings);
    char *stem = picture_stem(cli_given_name(j->picture));
    int failed = !stem, is_stream = cli_is_stream(settings->out);
    for (int a = 0; a < PICTURE_RESULTS && !failed; a++) {
        if (!(save >> a & 1)) continue;
        if (is_stream) {
            failed = !(j->outputs[a] = strdup(settings->out));
            continue;
        }
        char *name = cli_format("%s%s", stem, picture_result_endings[a]);
        j->outputs[a] = name ? cli_join_path(settings->out, name) : NULL;
        failed = !j->outputs[a];
        free(name);
    }
    free(stem);
    return failed ? cli_out_of_memory() : NULL;
}

static qn_status *check_jobs(const batch *b, const char *model, cli_files *files) {
    const segment_settings *settings = b->settings;
    CLI_TRY(cli_files_add_input(files, model));
    if (settings->palette) CLI_TRY(cli_files_add_input(files, settings->palette));
    if (settings->json && !cli_json_on_stdout(settings->json))
        CLI_TRY(cli_files_add_output(files, settings->json, "--json"));
    for (size_t i = 0; i < b->pictures.count; i++) {
        CLI_TRY(cli_files_add_input(files, b->jobs[i].picture));
        for (int a = 0; a < PICTURE_RESULTS; a++)
            if (b->jobs[i].outputs[a]) CLI_TRY(cli_files_add_output(files, b->jobs[i].outputs[a], b->jobs[i].picture));
    }
    return cli_files_check(files);
}

/* Everything that can be refused before the model is opened. */
static qn_status *plan(batch *b, const char *model, char **operands, int count) {
    cli_files files = {0};
    for (int i = 0; i < count; i++) CLI_TRY(picture_list_add(&b->pictures, operands[i]));
    CLI_TRY(check_out(b));
    b->jobs = calloc(b->pictures.count + 1, sizeof *b->jobs);
    if (!b->jobs) return cli_out_of_memory();
    for (size_t i = 0; i < b->pictures.count; i++) {
        b->jobs[i].picture = b->pictures.paths[i];
        CLI_TRY(name_outputs(b->settings, &b->jobs[i]));
    }
    qn_status *status = check_jobs(b, model, &files);
    cli_files_deinit(&files);
    if (!status && !cli_is_in_folder(b->settings->json, b->settings->out))
        status = cli_check_writable(b->settings->json);
    return status;
}

/* ---- One picture ---- */

static qn_status *save_artifact(const batch *b, picture_result what, const char *path, const qn_image *photo,
                                const qn_image *labels, const int64_t *areas) {
    qn_image colors = {0}, legend = {0}, joined = {0};
    qn_status *status = NULL;
    if (what == PICTURE_RGB) status = qn_image_colorize(labels, &b->palette, NULL, &colors);
    if (what == PICTURE_OVERLAY || what == PICTURE_LEGEND)
        status = qn_image_overlay(photo, labels, &b->palette, (float)b->settings->alpha, NULL, &colors);
    if (!status && what == PICTURE_LEGEND)
        status = qn_image_legend(areas, &b->palette, 0, photo->height, NULL, &legend);
    if (!status && what == PICTURE_LEGEND) status = qn_image_join(&colors, &legend, NULL, &joined);
    const qn_image *image = what == PICTURE_LEGEND                           ? &joined
                            : what == PICTURE_RGB || what == PICTURE_OVERLAY ? &colors
                                                                             : labels;
    if (!status) status = picture_save_result(path, image, what == PICTURE_INDEXED ? &b->palette : NULL);
    qn_image_deinit(&joined);
    qn_image_deinit(&legend);
    qn_image_deinit(&colors);
    return status;
}

typedef struct class_area {
    int class;
    int64_t pixels;
    const char *name; /* NULL: the palette has none */
} class_area;

static int compare_areas(const void *a, const void *b) {
    const class_area *x = a, *y = b;
    return x->pixels != y->pixels ? (x->pixels < y->pixels) - (x->pixels > y->pixels) : x->class - y->class;
}

/* The classes that appear, largest first; returns how many. */
static int order_classes(const batch *b, const int64_t *areas, class_area *out_classes) {
    int count = 0;
    for (int c = 0; c < QN_IMAGE_CLASSES_MAX; c++)
        if (areas[c]) out_classes[count++] = (class_area){c, areas[c], b->palette.names[c]};
    qsort(out_classes, (size_t)count, sizeof *out_classes, compare_areas);
    return count;
}

static void print_result(const batch *b, const job *j, const qn_image *photo, const qn_segmenter_info *info) {
    enum { SHOWN = 5 };
    class_area classes[QN_IMAGE_CLASSES_MAX];
    int count = order_classes(b, info->areas, classes);
    cli_print("%s: %dx%d, %.1f ms", cli_given_name(j->picture), photo->width, photo->height, info->ms);
    if (info->runs > 1)
        cli_print(" in %d tiles of %dx%d", info->runs, info->net_width, info->net_height);
    else if (info->net_width != photo->width || info->net_height != photo->height)
        cli_print(" at %dx%d", info->net_width, info->net_height);
    for (int i = 0; i < count && i < SHOWN; i++) {
        double percent = 100 * (double)classes[i].pixels / ((double)photo->width * photo->height);
        if (classes[i].name)
            cli_print("%s %s %.1f %%", i ? "," : ":", classes[i].name, percent);
        else
            cli_print("%s class %d %.1f %%", i ? "," : ":", classes[i].class, percent);
    }
    cli_print(count > SHOWN ? ", %d more\n" : "\n", count - SHOWN);
}

static json_t *classes_to_json(const batch *b, const int64_t *areas, double pixels) {
    class_area classes[QN_IMAGE_CLASSES_MAX];
    int count = order_classes(b, areas, classes);
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array,
                              json_pack("{s:i,s:o,s:I,s:f}", "class", classes[i].class, "name",
                                        classes[i].name ? cli_json_text(classes[i].name) : json_null(), "pixels",
                                        (json_int_t)classes[i].pixels, "share", (double)classes[i].pixels / pixels));
    return array;
}

static void add_result(const batch *b, const job *j, const qn_image *photo, const qn_segmenter_info *info) {
    json_t *outputs = json_array();
    for (int a = 0; a < PICTURE_RESULTS; a++)
        if (j->outputs[a]) json_array_append_new(outputs, cli_json_text(j->outputs[a]));
    json_array_append_new(b->results,
                          json_pack("{s:o,s:i,s:i,s:i,s:i,s:i,s:f,s:o,s:o}", "file", cli_json_text(j->picture), "width",
                                    photo->width, "height", photo->height, "net_width", info->net_width, "net_height",
                                    info->net_height, "runs", info->runs, "ms", info->ms, "classes",
                                    classes_to_json(b, info->areas, (double)photo->width * photo->height), "outputs",
                                    outputs));
}

/* Saves what was asked for; another failure than of the disk is this picture's own. */
static qn_status *save_artifacts(const batch *b, const job *j, const qn_image *photo, const qn_image *labels,
                                 const int64_t *areas) {
    for (int a = 0; a < PICTURE_RESULTS; a++) {
        if (!j->outputs[a]) continue;
        CLI_TRY(cli_watch_check());
        qn_status *status = save_artifact(b, (picture_result)a, j->outputs[a], photo, labels, areas);
        if (status && qn_status_code(status) != QN_IO)
            return cli_context(status, "%s: %s", j->picture, picture_result_names[a]);
        CLI_TRY(status);
    }
    return NULL;
}

/* @param out_is_final  the failure is not the picture's: the following ones would fail too */
static qn_status *segment_one(const batch *b, const job *j, int *out_is_final) {
    qn_image photo = {0}, labels = {0};
    qn_segmenter_info info;
    qn_status *status = fitter_load(segmenter_fitter(b->segmenter), j->picture, &photo);
    if (!status)
        status = cli_context(segmenter_run(b->segmenter, &photo, photo.width, photo.height, &labels, &info), "%s",
                             j->picture);
    const int has_labels = !status;
    if (!status && !cli_is_stream(b->settings->out)) status = cli_make_folder(b->settings->out);
    if (!status) status = save_artifacts(b, j, &photo, &labels, info.areas);
    *out_is_final = has_labels && qn_status_code(status) == QN_IO;
    if (!status && !cli_json_on_stdout(b->settings->json)) print_result(b, j, &photo, &info);
    if (!status && b->results) add_result(b, j, &photo, &info);
    qn_image_deinit(&labels);
    qn_image_deinit(&photo);
    return status;
}

/* ---- All of them ---- */

static qn_status *write_results(batch *b, const char *model) {
    const cli_session *session = segmenter_session(b->segmenter);
    json_t *results = b->results;
    b->results = NULL;
    return cli_write_json(b->settings->json,
                          json_pack("{s:o,s:i,s:s,s:I,s:o}", "model", cli_json_text(model), "threads",
                                    qn_engine_threads(session->engine), "cpu", qn_engine_cpu(session->engine), "failed",
                                    (json_int_t)b->failed, "images", results));
}

static qn_status *run_all(batch *b) {
    /* Lines of results on a terminal show the progress already. */
    int show_progress = !cli_is_terminal(1) || cli_json_on_stdout(b->settings->json);
    for (size_t i = 0; i < b->pictures.count; i++) {
        int is_final = 0;
        qn_status *status = segment_one(b, &b->jobs[i], &is_final);
        if (status && (is_final || qn_status_code(status) == QN_CANCELLED)) return status;
        if (status && b->results)
            json_array_append_new(b->results, json_pack("{s:o,s:o}", "file", cli_json_text(b->jobs[i].picture), "error",
                                                        cli_json_text(qn_status_message(status))));
        if (status) cli_fail(status), b->failed++;
        if (show_progress) cli_progress("segmenting", i + 1, b->pictures.count);
    }
    return NULL;
}

static qn_status *segment(batch *b, char **operands, int count) {
    const segment_settings *settings = b->settings;
    cli_watch watch;
    CLI_TRY(plan(b, operands[0], operands + 1, count - 1));
    CLI_TRY(segmenter_open(operands[0], &settings->run, settings->fit, &b->segmenter));
    const fitter *f = segmenter_fitter(b->segmenter);
    CLI_TRY(fitter_load_palette(f->vision, settings->palette, f->info->class_count, &b->palette));
    if (cli_is_in_folder(settings->json, settings->out)) CLI_TRY(cli_make_folder(settings->out));
    if (settings->json && !(b->results = json_array())) return cli_out_of_memory();
    cli_watch_begin(&watch);
    qn_status *status = run_all(b);
    if (!status && settings->json) status = write_results(b, operands[0]);
    cli_watch_end(&watch);
    if (!status && b->failed)
        return qn_status_create(QN_INVALID_ARGUMENT, "%zu of %zu pictures failed", b->failed, b->pictures.count);
    return status;
}

int cli_cmd_segment(int argc, char **argv) {
    segment_settings settings = {.alpha = 0.5};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON) code = choose_saved(&settings);
    if (code == CLI_GO_ON && !settings.out) code = cli_usage("-o DIR is missing");
    if (code == CLI_GO_ON) {
        batch b = {.settings = &settings};
        code = cli_finish(segment(&b, argv + first, argc - first));
        batch_deinit(&b);
    }
    free(settings.saves.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
