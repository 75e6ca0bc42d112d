#include "fitter.h"
#include "model_meta.h"

#include <limits.h>

int fitter_set_choice(const cli_option *option, void *field, const char *value) {
    fitter_choice *choice = field;
    qn_status *status = qn_image_fit_mode_from_name(value, &choice->mode);
    int answer = status ? cli_usage("--%s: %s", option->name, qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    choice->is_given = 1;
    return answer;
}

static int to_size(int64_t dim) { return dim == QN_NO_LIMIT ? 0 : dim > INT_MAX ? INT_MAX : (int)dim; }

/* The height and width that the source declares, where the network would run at others too. A choice of how to fit
   speaks of all that the model takes: there the declared size only stands in for an end that the range has not. */
static qn_status *take_declared(const qn_model *model, fitter *f) {
    json_t *meta = cli_load_meta(model);
    qn_image_range *range = &f->range;
    int height = 0, width = 0, has_size = json_object_get(meta, "picture_size") != NULL;
    if (!meta) return cli_out_of_memory();
    json_unpack(meta, "{s:[i,i]}", "picture_size", &height, &width);
    json_decref(meta);
    if (!has_size) return NULL;
    if (height < 1 || width < 1 || height < range->min_height || width < range->min_width ||
        (range->max_height && height > range->max_height) || (range->max_width && width > range->max_width))
        return qn_status_create(QN_INVALID_MODEL, "its picture_size is no [height, width] in the range of its input");
    if (!f->is_chosen) {
        *range = (qn_image_range){.min_width = width, .min_height = height, .max_width = width, .max_height = height};
    } else if (f->mode == QN_IMAGE_FIT_LONGEST || f->mode == QN_IMAGE_FIT_STRETCH) {
        if (!range->max_width) range->max_width = width;
        if (!range->max_height) range->max_height = height;
    }
    return NULL;
}

qn_status *fitter_init(const qn_model *model, fitter_choice choice, fitter *out_fitter) {
    *out_fitter = (fitter){0};
    CLI_TRY(image_block_read(model, &out_fitter->block));
    const image_block *block = &out_fitter->block;
    const qn_value_info *input = qn_model_input(model, block->input);
    const int height = block->height_axis, width = height + 1;
    out_fitter->range = (qn_image_range){.min_width = to_size(input->min_dims[width]),
                                         .min_height = to_size(input->min_dims[height]),
                                         .max_width = to_size(input->max_dims[width]),
                                         .max_height = to_size(input->max_dims[height])};
    out_fitter->mode = choice.is_given ? choice.mode : block->has_fit ? block->fit : QN_IMAGE_FIT_SHRINK;
    out_fitter->possible = out_fitter->range;
    out_fitter->is_chosen = choice.is_given;
    qn_status *status = take_declared(model, out_fitter);
    if (status) fitter_deinit(out_fitter);
    return status;
}

void fitter_deinit(fitter *f) {
    image_block_deinit(&f->block);
    *f = (fitter){0};
}

qn_status *fitter_load(const fitter *f, const char *path, qn_image *out_photo) {
    qn_image_decode_options decode;
    qn_image_decode_options_init(&decode);
    decode.channels = f->block.channels;
    return qn_image_load(path, &decode, NULL, out_photo);
}

qn_status *fitter_plan(const fitter *f, int width, int height, qn_image_fit *out_fit) {
    qn_image_range range = f->range;
    if (f->block.has_pad) range.min_width = range.min_height = 0;
    return qn_image_fit_plan(f->mode, width, height, &range, out_fit);
}

qn_status *fitter_scale(const qn_image *photo, const qn_image_fit *fit, qn_image *out_scaled) {
    *out_scaled = (qn_image){0};
    if (fit->width == photo->width && fit->height == photo->height) return NULL;
    return qn_image_resize(photo, fit->width, fit->height, QN_IMAGE_BILINEAR, NULL, out_scaled);
}

void fitter_make_dims(const fitter *f, int width, int height, int64_t out_dims[4]) {
    if (width < f->range.min_width) width = f->range.min_width;
    if (height < f->range.min_height) height = f->range.min_height;
    fitter_set_dims(f, width, height, out_dims);
}

void fitter_set_dims(const fitter *f, int width, int height, int64_t out_dims[4]) {
    const int axis = f->block.height_axis;
    out_dims[0] = 1; /* the batch, where there is one */
    out_dims[f->block.channel_axis] = f->block.channels;
    out_dims[axis] = height;
    out_dims[axis + 1] = width;
}

qn_dtype fitter_dtype(const fitter *f) { return f->block.is_float ? QN_DTYPE_F32 : QN_DTYPE_U8; }
