#include "pictures/fitter.h"
#include "pictures/model_meta.h"
#include "cli/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int fitter_set_choice(const cli_option *option, void *field, const char *value) {
    fitter_choice *choice = field;
    qn_status *status = qn_image_fit_mode_from_name(value, &choice->mode);
    int answer = status ? cli_usage("--%s: %s", option->name, qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    choice->is_given = 1;
    return answer;
}

/* A number with or without K, M or G; 0 if it is none. */
static int64_t read_amount(const char *text, const char **out_end) {
    static const char letters[] = "KMG";
    char *end;
    errno = 0;
    int64_t amount = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    if (!amount || errno) return 0;
    const char *letter = *end ? strchr(letters, *end) : NULL;
    for (const char *at = letters; letter && at <= letter; at++)
        if (__builtin_mul_overflow(amount, (int64_t)1024, &amount)) return 0;
    *out_end = end + (letter != NULL);
    return amount;
}

int fitter_set_limits(const cli_option *option, void *field, const char *value) {
    picture_limits *limits = field;
    const struct {
        const char *name;
        int64_t *amount, most;
    } kinds[] = {{"pixels=", &limits->pixels, QN_IMAGE_PIXELS_MAX},
                 {"scans=", &limits->scans, INT_MAX},
                 {"memory=", &limits->memory, INT64_MAX},
                 {"bytes=", &limits->bytes, QN_IMAGE_FILE_BYTES_MAX}};
    for (const char *at = value;; at++) {
        size_t kind = 0;
        const size_t count = sizeof kinds / sizeof *kinds;
        while (kind < count && strncmp(at, kinds[kind].name, strlen(kinds[kind].name))) kind++;
        const char *end = at;
        const int64_t amount = kind < count ? read_amount(at + strlen(kinds[kind].name), &end) : 0;
        if (!amount || (*end && *end != ','))
            return cli_usage(
                "--%s: expected pixels=N, scans=N, memory=N or bytes=N, several with commas, N from 1, found "
                "'%s'",
                option->name, at);
        if (amount > kinds[kind].most)
            return cli_usage("--%s: %.*s: at most %lld", option->name, (int)(end - at), at,
                             (long long)kinds[kind].most);
        *kinds[kind].amount = amount;
        at = end;
        if (!*at) return CLI_GO_ON;
    }
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
    out_fitter->limits = choice.limits;
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

static qn_image_decode_options make_options(const fitter *f) {
    const picture_limits *limits = &f->limits;
    qn_image_decode_options decode;
    qn_image_decode_options_init(&decode);
    decode.channels = f->block.channels;
    decode.cancel = cli_watch_is_cancelled;
    if (limits->pixels) decode.pixels_max = limits->pixels;
    if (limits->scans) decode.scans_max = (int)limits->scans;
    if (limits->memory) decode.memory_max = (uint64_t)limits->memory;
    if (limits->bytes) decode.file_bytes_max = (size_t)limits->bytes;
    return decode;
}

/* Says how to raise the limit that the library names by its option, and which picture memory was short for. */
static qn_status *explain(const fitter *f, const char *path, qn_status *status) {
    static const char *const names[][2] = {
        {"(pixels_max", "pixels"}, {"(scans_max", "scans"}, {"(memory_max", "memory"}, {"(file_bytes_max", "bytes"}};
    if (qn_status_code(status) == QN_OUT_OF_MEMORY) return cli_context(status, "%s", path);
    for (size_t i = 0; i < 4 && qn_status_code(status) == QN_LIMIT; i++) {
        /* These two cannot be raised beyond what they are without the option. */
        const int is_at_end = (i == 0 && !f->limits.pixels) || (i == 3 && !f->limits.bytes);
        if (is_at_end || !strstr(qn_status_message(status), names[i][0])) continue;
        qn_status *longer = qn_status_create(QN_LIMIT, "%s; --picture-limits %s=N raises the limit",
                                             qn_status_message(status), names[i][1]);
        qn_status_free(status);
        return longer;
    }
    return status;
}

qn_status *fitter_load(const fitter *f, const char *path, qn_image *out_photo) {
    const qn_image_decode_options decode = make_options(f);
    return explain(f, path, qn_image_load(path, &decode, NULL, out_photo));
}

qn_status *fitter_load_mask(const fitter *f, const char *path, qn_image *out_labels) {
    const qn_image_decode_options decode = make_options(f);
    return explain(f, path, qn_image_load_mask(path, &decode, NULL, out_labels));
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
