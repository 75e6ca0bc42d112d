/* A model's rules for pictures: their sizes, and how those come about. */
#include "vision/vision.h"

#include <limits.h>
#include <stdlib.h>

void qn_vision_options_init(qn_vision_options *out_options) {
    if (out_options) *out_options = (qn_vision_options){.size = sizeof *out_options};
}

static int to_size(int64_t dim) { return dim == QN_NO_LIMIT ? 0 : dim > INT_MAX ? INT_MAX : (int)dim; }

/* The height and width that the source declares, where the network would run at others too. A choice of how to fit
   speaks of all that the model takes: there the declared size only stands in for an end that the range has not. */
static qn_status *take_declared(json_t *meta, int is_chosen, qn_vision_info *info) {
    qn_image_range *range = &info->range;
    int height = 0, width = 0;
    if (!json_object_get(meta, "picture_size")) return NULL;
    json_unpack(meta, "{s:[i,i]}", "picture_size", &height, &width);
    if (height < 1 || width < 1 || height < range->min_height || width < range->min_width ||
        (range->max_height && height > range->max_height) || (range->max_width && width > range->max_width))
        return QN_ERR(QN_INVALID_MODEL, "its picture_size is no [height, width] in the range of its input");
    if (!is_chosen) {
        *range = (qn_image_range){.min_width = width, .min_height = height, .max_width = width, .max_height = height};
    } else if (info->fit == QN_IMAGE_FIT_LONGEST || info->fit == QN_IMAGE_FIT_STRETCH) {
        if (!range->max_width) range->max_width = width;
        if (!range->max_height) range->max_height = height;
    }
    return NULL;
}

static qn_status *read(const qn_model *model, json_t *meta, const qn_vision_options *options, qn_vision *v) {
    QN_TRY(qn_vision_read_block(model, meta, v));
    qn_vision_info *info = &v->info;
    const qn_value_info *input = qn_model_input(model, info->input);
    const int height = info->height_axis, width = height + 1, is_chosen = options && options->has_fit;
    info->range = info->possible = (qn_image_range){.min_width = to_size(input->min_dims[width]),
                                                    .min_height = to_size(input->min_dims[height]),
                                                    .max_width = to_size(input->max_dims[width]),
                                                    .max_height = to_size(input->max_dims[height])};
    if (is_chosen)
        info->fit = options->fit;
    else if (!v->has_fit)
        info->fit = QN_IMAGE_FIT_SHRINK;
    return take_declared(meta, is_chosen, info);
}

qn_status *qn_vision_create(const qn_model *model, const qn_vision_options *options, qn_vision **out_vision) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_vision);
    *out_vision = NULL;
    QN_REQUIRE_ARG(model);
    if (options && options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT, "options: size is %zu, expected %zu: qn_vision_options_init() sets it",
                      options->size, sizeof *options);
    qn_vision *vision = calloc(1, sizeof *vision);
    if (!vision) return qn_status_out_of_memory();
    /* How deep it is nested was bounded when the model was loaded. What is no JSON says nothing. */
    json_t *meta = json_loads(qn_model_get_info(model)->meta, JSON_REJECT_DUPLICATES, NULL);
    qn_status *status = read(model, meta, options, vision);
    json_decref(meta);
    if (status)
        qn_vision_destroy(vision);
    else
        *out_vision = vision;
    return status;
}

void qn_vision_destroy(qn_vision *vision) {
    if (!vision) return;
    json_decref(vision->block);
    free(vision);
}

const qn_vision_info *qn_vision_get_info(const qn_vision *vision) { return vision ? &vision->info : NULL; }

qn_status *qn_vision_plan(const qn_vision *vision, int width, int height, qn_image_fit *out_fit) {
    QN_ENTER();
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(out_fit);
    qn_image_range range = vision->info.range;
    if (vision->has_pad) range.min_width = range.min_height = 0;
    return qn_image_fit_plan(vision->info.fit, width, height, &range, out_fit);
}

qn_status *qn_vision_make_dims(const qn_vision *vision, int width, int height, int64_t out_dims[QN_MAX_RANK]) {
    QN_ENTER();
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(out_dims);
    if (width < 1 || height < 1) return QN_ERR(QN_INVALID_ARGUMENT, "a picture of %dx%d", width, height);
    const qn_vision_info *info = &vision->info;
    out_dims[0] = 1; /* the batch, where there is one */
    out_dims[info->channel_axis] = info->channels;
    out_dims[info->height_axis] = height < info->range.min_height ? info->range.min_height : height;
    out_dims[info->height_axis + 1] = width < info->range.min_width ? info->range.min_width : width;
    return NULL;
}
