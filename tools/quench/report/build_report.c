#include "report/build_report.h"
#include "session/session.h"

#include "quench/vision.h"

#include <stdlib.h>
#include <string.h>

/* ---- The library's report ---- */

static void take(void *self, const char *json) {
    build_report *report = self;
    json_decref(report->quantisation);
    report->quantisation = json_loads(json, 0, NULL);
    if (!report->quantisation && !report->status) report->status = cli_out_of_memory();
}

qn_status *build_report_begin(build_report *report, const builder *b, qn_build_options *build) {
    *report = (build_report){0};
    build->report = take;
    build->report_self = report;
    if (!b->float_model) return NULL;
    CLI_TRY(calibration_open_report(&b->options->calibration, b->float_model, &report->source));
    build->report_samples = &report->source.samples;
    return NULL;
}

qn_status *build_report_end(build_report *report) {
    qn_status *status = report->status;
    report->status = NULL;
    return status;
}

void build_report_deinit(build_report *report) {
    sample_source_close(&report->source);
    json_decref(report->quantisation);
    qn_status_free(report->status);
    *report = (build_report){0};
}

/* ---- Before and after ---- */

enum { SHOWN_SIZE = 320 };

/* A model that labels pictures; it stays its owner's. */
typedef struct seer {
    cli_session session;
    qn_tensor *outputs;
    size_t output_count;
} seer;

static qn_status *seer_open(seer *s, qn_model *model) {
    *s = (seer){.session.model = model, .output_count = qn_model_get_info(model)->output_count};
    s->outputs = calloc(s->output_count + 1, sizeof *s->outputs);
    if (!s->outputs) return cli_out_of_memory();
    CLI_TRY(qn_engine_create(model, NULL, &s->session.engine));
    return qn_context_create(s->session.engine, &s->session.context);
}

static void drop_outputs(seer *s) {
    for (size_t i = 0; s->outputs && i < s->output_count; i++) qn_tensor_deinit(&s->outputs[i], NULL);
}

static void seer_close(seer *s) {
    drop_outputs(s);
    free(s->outputs);
    qn_context_destroy(s->session.context);
    qn_engine_destroy(s->session.engine);
}

/* Labels of a sample at the size of the tensor. */
static qn_status *seer_run(seer *s, const qn_vision *vision, const qn_tensor *input, qn_image *out_labels) {
    drop_outputs(s);
    CLI_TRY(qn_context_set_input_shape(s->session.context, 0, input->rank, input->dims));
    CLI_TRY(cli_session_make_outputs(&s->session, s->outputs));
    CLI_TRY(qn_context_run(s->session.context, input, 1, s->outputs, s->output_count));
    const qn_vision_info *info = qn_vision_get_info(vision);
    return qn_vision_take(vision, &s->outputs[info->output], (int)input->dims[info->height_axis + 1],
                          (int)input->dims[info->height_axis], out_labels);
}

static qn_status *paint(const qn_image *photo, const qn_image *labels, const qn_image_palette *palette,
                        qn_image_buffer *out_png) {
    qn_image overlay = {0};
    qn_status *status = qn_image_overlay(photo, labels, palette, 0.5f, NULL, &overlay);
    if (!status) status = qn_image_encode_png(&overlay, NULL, NULL, out_png);
    qn_image_deinit(&overlay);
    return status;
}

/* Labels that differ become 255 on black, in `labels`; the share of equal ones is returned. */
static double mark_differences(qn_image *labels, const qn_image *other) {
    int64_t equal = 0;
    for (int y = 0; y < labels->height; y++) {
        uint8_t *row = labels->data + (size_t)y * labels->stride_bytes;
        const uint8_t *with = other->data + (size_t)y * other->stride_bytes;
        for (int x = 0; x < labels->width; x++) {
            equal += row[x] == with[x];
            row[x] = row[x] == with[x] ? 0 : 255;
        }
    }
    return (double)equal / ((double)labels->width * labels->height);
}

/* A picture no larger than is shown. */
static qn_status *shrink(qn_image *image, qn_image_filter filter) {
    const int longer = image->width > image->height ? image->width : image->height;
    qn_image smaller;
    if (longer <= SHOWN_SIZE) return NULL;
    const int width = image->width * SHOWN_SIZE / longer, height = image->height * SHOWN_SIZE / longer;
    CLI_TRY(qn_image_resize(image, width ? width : 1, height ? height : 1, filter, NULL, &smaller));
    qn_image_deinit(image);
    *image = smaller;
    return NULL;
}

static qn_status *make_picture(qn_image *photo, qn_image labels[2], const qn_image_palette *palette,
                               report_picture *out) {
    qn_image difference = {0};
    CLI_TRY(qn_image_crop(&labels[0], (qn_image_rect){0, 0, labels[0].width, labels[0].height}, NULL, &difference));
    out->agreement = mark_differences(&difference, &labels[1]);
    qn_status *status = shrink(photo, QN_IMAGE_AREA);
    for (int i = 0; i < 2 && !status; i++) status = shrink(&labels[i], QN_IMAGE_NEAREST);
    if (!status) status = shrink(&difference, QN_IMAGE_AREA);
    if (!status) status = paint(photo, &labels[0], palette, &out->before);
    if (!status) status = paint(photo, &labels[1], palette, &out->after);
    if (!status) status = qn_image_encode_png(&difference, NULL, NULL, &out->difference);
    qn_image_deinit(&difference);
    return status;
}

static qn_status *see_sample(seer seers[2], const qn_vision *vision, const qn_image_palette *palette,
                             const qn_tensor *input, report_picture *out) {
    qn_image photo = {0}, labels[2] = {{0}};
    qn_status *status = qn_vision_show(vision, input, &photo);
    for (int i = 0; i < 2 && !status; i++) status = seer_run(&seers[i], vision, input, &labels[i]);
    if (!status) status = make_picture(&photo, labels, palette, out);
    for (int i = 0; i < 2; i++) qn_image_deinit(&labels[i]);
    qn_image_deinit(&photo);
    return status;
}

static qn_status *see_samples(const qn_samples *samples, seer seers[2], const qn_vision *vision,
                              report_pictures *out_pictures) {
    qn_image_palette palette;
    qn_status *status = qn_vision_load_palette(vision, NULL, 0, &palette);
    int has = 1;
    if (!status) status = samples->rewind(samples->self);
    while (!status && out_pictures->count < REPORT_PICTURES_MAX) {
        qn_tensor input = {0};
        status = samples->next(samples->self, &input, 1, &has);
        if (status || !has) break;
        if (input.rank == 4 && input.dims[0] == 1)
            status = see_sample(seers, vision, &palette, &input, &out_pictures->items[out_pictures->count++]);
    }
    qn_image_palette_deinit(&palette);
    return status;
}

/* What the model says of pictures, if it takes one and labels it. What cannot be followed is no failure here. */
static qn_vision *read_vision(const qn_model *model) {
    qn_vision *vision = NULL;
    if (qn_model_get_info(model)->input_count == 1) qn_status_free(qn_vision_create(model, NULL, &vision));
    if (!vision || qn_vision_get_info(vision)->answer != QN_VISION_SCORES) return vision;
    qn_vision_destroy(vision); /* its pictures have no after */
    return NULL;
}

qn_status *build_report_see(const build_report *report, qn_model *before, qn_model *after,
                            report_pictures *out_pictures) {
    seer seers[2] = {{.outputs = NULL}};
    qn_vision *vision;
    *out_pictures = (report_pictures){0};
    if (!report->source.samples.next || !report->source.samples.rewind || !before || !(vision = read_vision(after)))
        return NULL;
    qn_status *status = seer_open(&seers[0], before);
    if (!status) status = seer_open(&seers[1], after);
    if (!status) status = see_samples(&report->source.samples, seers, vision, out_pictures);
    if (status && qn_status_code(status) == QN_UNSUPPORTED) { /* its output is no label map */
        qn_status_free(status);
        status = NULL;
        report_pictures_deinit(out_pictures);
    }
    for (int i = 0; i < 2; i++) seer_close(&seers[i]);
    qn_vision_destroy(vision);
    return status;
}
