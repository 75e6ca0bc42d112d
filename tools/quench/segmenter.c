#include "segmenter.h"
#include "measure.h"

#include <limits.h>
#include <stdlib.h>

struct segmenter {
    cli_session session;
    image_block block;
    qn_image_fit_mode fit;
    qn_image_range range;
    qn_tensor input;    /* at the shape that is set; data NULL: none is */
    qn_tensor *outputs; /* one per output, likewise */
    size_t output_count;
};

/* ---- Life ---- */

static int to_size(int64_t dim) { return dim == QN_NO_LIMIT ? 0 : dim > INT_MAX ? INT_MAX : (int)dim; }

static qn_status *open_parts(const char *path, const cli_run_options *run, segmenter *s) {
    CLI_TRY(cli_session_bind(run, NULL, &s->session));
    CLI_TRY(cli_context(image_block_read(s->session.model, &s->block), "%s", path));
    const qn_value_info *input = qn_model_input(s->session.model, s->block.input);
    const int height = s->block.height_axis, width = height + 1;
    s->range = (qn_image_range){.min_width = to_size(input->min_dims[width]),
                                .min_height = to_size(input->min_dims[height]),
                                .max_width = to_size(input->max_dims[width]),
                                .max_height = to_size(input->max_dims[height])};
    s->output_count = qn_model_get_info(s->session.model)->output_count;
    s->outputs = calloc(s->output_count + 1, sizeof *s->outputs);
    return s->outputs ? NULL : cli_out_of_memory();
}

qn_status *segmenter_open_model(qn_model *model, const char *path, const cli_run_options *run, segmenter_fit fit,
                                segmenter **out_segmenter) {
    *out_segmenter = NULL;
    segmenter *s = calloc(1, sizeof *s);
    if (!s) return qn_model_destroy(model), cli_out_of_memory();
    s->session.model = model;
    qn_status *status = open_parts(path, run, s);
    if (!status) s->fit = fit.is_given ? fit.mode : s->block.has_fit ? s->block.fit : QN_IMAGE_FIT_SHRINK;
    if (status)
        segmenter_close(s);
    else
        *out_segmenter = s;
    return status;
}

qn_status *segmenter_open(const char *path, const cli_run_options *run, segmenter_fit fit, segmenter **out_segmenter) {
    qn_model *model;
    *out_segmenter = NULL;
    CLI_TRY(cli_open_model(path, &model, NULL));
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
    image_block_deinit(&s->block);
    cli_session_close(&s->session);
    free(s);
}

const cli_session *segmenter_session(const segmenter *s) { return &s->session; }

const image_block *segmenter_block(const segmenter *s) { return &s->block; }

int segmenter_set_fit(const cli_option *option, void *field, const char *value) {
    segmenter_fit *fit = field;
    qn_status *status = qn_image_fit_mode_from_name(value, &fit->mode);
    int answer = status ? cli_usage("--%s: %s", option->name, qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    fit->is_given = 1;
    return answer;
}

/* ---- One run of the network ---- */

static qn_status *set_size(segmenter *s, int width, int height) {
    const int axis = s->block.height_axis;
    if (s->input.data && s->input.dims[axis] == height && s->input.dims[axis + 1] == width) return NULL;
    free_tensors(s);
    const int64_t dims[2][4] = {{1, height, width, s->block.channels}, {1, s->block.channels, height, width}};
    CLI_TRY(qn_context_set_input_shape(s->session.context, s->block.input, 4, dims[axis - 1]));
    CLI_TRY(cli_session_make_outputs(&s->session, s->outputs));
    return cli_tensor_init(s->block.is_float ? QN_DTYPE_F32 : QN_DTYPE_U8, 4, dims[axis - 1], &s->input);
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
    const int width = tile->width > s->range.min_width ? tile->width : s->range.min_width;
    const int height = tile->height > s->range.min_height ? tile->height : s->range.min_height;
    CLI_TRY(set_size(s, width, height));
    image_block_fill(&s->block, tile, &s->input);
    double start = cli_now_ms();
    CLI_TRY(qn_context_run(s->session.context, &s->input, 1, s->outputs, s->output_count));
    *inout_ms += cli_now_ms() - start;
    CLI_TRY(image_block_take(&s->block, &s->outputs[s->block.output], width, height, out_labels));
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
    qn_image_range range = s->range;
    double ms = 0;
    *out_labels = (qn_image){0};
    if (s->block.has_pad) range.min_width = range.min_height = 0;
    CLI_TRY(qn_image_fit_plan(s->fit, photo->width, photo->height, &range, &fit));
    int is_scaled = fit.width != photo->width || fit.height != photo->height;
    if (is_scaled) CLI_TRY(qn_image_resize(photo, fit.width, fit.height, QN_IMAGE_BILINEAR, NULL, &scaled));
    qn_status *status = run_tiles(s, is_scaled ? &scaled : photo, &fit, out_labels, &ms);
    qn_image_deinit(&scaled);
    if (!status && (out_labels->width != width || out_labels->height != height)) {
        status = qn_image_resize(out_labels, width, height, QN_IMAGE_NEAREST, NULL, &resized);
        qn_image_deinit(out_labels);
        *out_labels = resized;
    }
    if (out_info) *out_info = (segmenter_info){ms, fit.tile_width, fit.tile_height, fit.columns * fit.rows};
    return status;
}
