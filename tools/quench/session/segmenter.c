#include "session/segmenter.h"
#include "cli/measure.h"

#include <stdlib.h>
#include <string.h>

struct segmenter {
    cli_session session;
    fitter fitter;
    qn_tensor input;    /* at the shape that is set; data NULL: none is */
    qn_tensor *outputs; /* one per output, likewise */
    size_t output_count;
};

/* ---- Life ---- */

static qn_status *open_parts(const char *path, const cli_run_options *run, fitter_choice fit, segmenter *s) {
    CLI_TRY(cli_session_bind(run, NULL, &s->session));
    CLI_TRY(cli_context(fitter_init(s->session.model, fit, &s->fitter), "%s", path));
    CLI_TRY(cli_context(image_block_expect_labels(s->session.model, &s->fitter.block), "%s", path));
    s->output_count = qn_model_get_info(s->session.model)->output_count;
    s->outputs = calloc(s->output_count + 1, sizeof *s->outputs);
    return s->outputs ? NULL : cli_out_of_memory();
}

qn_status *segmenter_open_model(qn_model *model, const char *path, const cli_run_options *run, fitter_choice fit,
                                segmenter **out_segmenter) {
    *out_segmenter = NULL;
    segmenter *s = calloc(1, sizeof *s);
    if (!s) return qn_model_destroy(model), cli_out_of_memory();
    s->session.model = model;
    qn_status *status = open_parts(path, run, fit, s);
    if (status)
        segmenter_close(s);
    else
        *out_segmenter = s;
    return status;
}

qn_status *segmenter_open(const char *path, const cli_run_options *run, fitter_choice fit, segmenter **out_segmenter) {
    qn_model *model;
    builder_options source = run->source;
    source.calibration.threads = run->threads;
    source.calibration.fit = fit;
    *out_segmenter = NULL;
    CLI_TRY(cli_open_model(path, &source, &model, NULL));
    return segmenter_open_model(model, path, run, fit, out_segmenter);
}

static void free_tensors(segmenter *s) {
    cli_tensor_free(&s->input);
    for (size_t i = 0; s->outputs && i < s->output_count; i++) cli_tensor_free(&s->outputs[i]);
}

void segmenter_close(segmenter *s) {
    if (!s) return;
    free_tensors(s);
    free(s->outputs);
    fitter_deinit(&s->fitter);
    cli_session_close(&s->session);
    free(s);
}

const cli_session *segmenter_session(const segmenter *s) { return &s->session; }

const fitter *segmenter_fitter(const segmenter *s) { return &s->fitter; }

const image_block *segmenter_block(const segmenter *s) { return &s->fitter.block; }

/* ---- One run of the network ---- */

static qn_status *set_dims(segmenter *s, const int64_t dims[4]) {
    const int rank = s->fitter.block.input_rank;
    if (s->input.data && !memcmp(s->input.dims, dims, (size_t)rank * sizeof *dims)) return NULL;
    free_tensors(s);
    CLI_TRY(qn_context_set_input_shape(s->session.context, s->fitter.block.input, rank, dims));
    CLI_TRY(cli_session_make_outputs(&s->session, s->outputs));
    return cli_tensor_init(fitter_dtype(&s->fitter), rank, dims, &s->input);
}

static qn_status *crop_labels(qn_image *labels, int width, int height) {
    qn_image part;
    if (labels->width == width && labels->height == height) return NULL;
    CLI_TRY(qn_image_crop(labels, (qn_image_rect){0, 0, width, height}, NULL, &part));
    qn_image_deinit(labels);
    *labels = part;
    return NULL;
}

/* Labels of one tile, which is the size of the tile; a tile below the range's lower end is padded to it. */
static qn_status *run_tile(segmenter *s, const qn_image *tile, qn_image *out_labels, double *inout_ms) {
    const image_block *block = &s->fitter.block;
    int64_t dims[4];
    CLI_TRY(cli_watch_check());
    fitter_make_dims(&s->fitter, tile->width, tile->height, dims);
    CLI_TRY(set_dims(s, dims));
    image_block_fill(block, tile, &s->input);
    double start = cli_now_ms();
    CLI_TRY(qn_context_run(s->session.context, &s->input, 1, s->outputs, s->output_count));
    *inout_ms += cli_now_ms() - start;
    CLI_TRY(image_block_take(block, &s->outputs[block->output], (int)dims[block->height_axis + 1],
                             (int)dims[block->height_axis], out_labels));
    qn_status *status = crop_labels(out_labels, tile->width, tile->height);
    if (status) qn_image_deinit(out_labels);
    return status;
}

/* ---- One picture ---- */

static qn_status *run_tiles(segmenter *s, const qn_image *scaled, const qn_image_fit *fit, qn_image *out_labels,
                            double *inout_ms) {
    if (fit->columns * fit->rows == 1) return run_tile(s, scaled, out_labels, inout_ms);
    CLI_TRY(qn_image_init(fit->width, fit->height, 1, NULL, out_labels));
    qn_status *status = NULL;
    for (int i = 0; i < fit->columns * fit->rows && !status; i++) {
        qn_image tile = {0}, labels = {0};
        status = qn_image_crop(scaled, qn_image_fit_tile(fit, i), NULL, &tile);
        if (!status) status = run_tile(s, &tile, &labels, inout_ms);
        if (!status) status = qn_image_fit_stitch(fit, i, &labels, out_labels);
        qn_image_deinit(&labels);
        qn_image_deinit(&tile);
    }
    if (status) qn_image_deinit(out_labels);
    return status;
}

qn_status *segmenter_run(segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                         segmenter_info *out_info) {
    qn_image_fit fit;
    qn_image scaled = {0}, resized = {0};
    double ms = 0;
    *out_labels = (qn_image){0};
    CLI_TRY(fitter_plan(&s->fitter, photo->width, photo->height, &fit));
    CLI_TRY(fitter_scale(photo, &fit, &scaled));
    qn_status *status = run_tiles(s, scaled.data ? &scaled : photo, &fit, out_labels, &ms);
    qn_image_deinit(&scaled);
    if (!status && (out_labels->width != width || out_labels->height != height)) {
        status = qn_image_resize(out_labels, width, height, QN_IMAGE_NEAREST, NULL, &resized);
        qn_image_deinit(out_labels);
        *out_labels = resized;
    }
    if (out_info) *out_info = (segmenter_info){ms, fit.tile_width, fit.tile_height, fit.columns * fit.rows};
    return status;
}
