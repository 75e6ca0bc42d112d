#include "pictures/fitter.h"
#include "pictures/model_meta.h"
#include "cli/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
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

qn_status *fitter_advise(qn_status *status, const char *advice) {
    if (!status) return NULL;
    qn_status *longer = qn_status_create(qn_status_code(status), "%s; %s", qn_status_message(status), advice);
    qn_status_free(status);
    return longer;
}

qn_status *fitter_init(const qn_model *model, fitter_choice choice, fitter *out_fitter) {
    qn_vision_options options;
    *out_fitter = (fitter){.limits = choice.limits};
    json_decref(cli_load_meta(model)); /* warns of what cannot be used */
    qn_vision_options_init(&options);
    options.has_fit = choice.is_given;
    options.fit = choice.mode;
    qn_status *status = qn_vision_create(model, &options, &out_fitter->vision);
    if (qn_status_code(status) == QN_UNSUPPORTED)
        return fitter_advise(status, "`quench build --config FILE` gives an image block, `quench run` takes arrays");
    CLI_TRY(status);
    out_fitter->info = qn_vision_get_info(out_fitter->vision);
    return NULL;
}

void fitter_deinit(fitter *f) {
    qn_vision_destroy(f->vision);
    *f = (fitter){0};
}

static qn_image_decode_options make_options(const picture_limits *limits, int channels) {
    qn_image_decode_options decode;
    qn_image_decode_options_init(&decode);
    decode.channels = channels;
    decode.cancel = cli_watch_is_cancelled;
    if (limits->pixels) decode.pixels_max = limits->pixels;
    if (limits->scans) decode.scans_max = (int)limits->scans;
    if (limits->memory) decode.memory_max = (uint64_t)limits->memory;
    if (limits->bytes) decode.file_bytes_max = (size_t)limits->bytes;
    return decode;
}

/* What --picture-limits calls the limit that was too small, if it can be raised; else NULL. Without the option the pixels and
   the bytes of the file are at their greatest. */
static const char *find_limit(const picture_limits *limits, const qn_status *status) {
    const struct {
        const char *option, *name;
        int is_at_end;
    } rows[] = {{"pixels_max", "pixels", !limits->pixels},
                {"scans_max", "scans", 0},
                {"memory_max", "memory", 0},
                {"file_bytes_max", "bytes", !limits->bytes}};
    const char *option = qn_status_option(status);
    for (size_t i = 0; option && qn_status_code(status) == QN_LIMIT && i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].option, option)) return rows[i].is_at_end ? NULL : rows[i].name;
    return NULL;
}

/* Says how to raise the limit that was too small, and which picture memory was short for. */
static qn_status *explain(const picture_limits *limits, const char *path, qn_status *status) {
    if (qn_status_code(status) == QN_OUT_OF_MEMORY) return cli_context(status, "%s", path);
    const char *limit = find_limit(limits, status);
    if (!limit) return status;
    char advice[64];
    snprintf(advice, sizeof advice, "--picture-limits %s=N raises the limit", limit);
    return fitter_advise(status, advice);
}

qn_status *picture_load(const picture_limits *limits, const char *path, int channels, qn_image *out_photo) {
    const qn_image_decode_options decode = make_options(limits, channels);
    return explain(limits, path, qn_image_load(path, &decode, NULL, out_photo));
}

qn_status *picture_load_mask(const picture_limits *limits, const char *path, qn_image *out_labels) {
    const qn_image_decode_options decode = make_options(limits, 1);
    return explain(limits, path, qn_image_load_mask(path, &decode, NULL, out_labels));
}

qn_status *fitter_load(const fitter *f, const char *path, qn_image *out_photo) {
    return picture_load(&f->limits, path, f->info->channels, out_photo);
}

qn_status *fitter_load_mask(const fitter *f, const char *path, qn_image *out_labels) {
    return picture_load_mask(&f->limits, path, out_labels);
}

void fitter_set_dims(const fitter *f, int width, int height, int64_t out_dims[4]) {
    out_dims[0] = 1; /* the batch, where there is one */
    out_dims[f->info->channel_axis] = f->info->channels;
    out_dims[f->info->height_axis] = height;
    out_dims[f->info->height_axis + 1] = width;
}

qn_status *fitter_load_palette(const qn_vision *vision, const char *name, int class_count,
                               qn_image_palette *out_palette) {
    qn_status *status = qn_vision_load_palette(vision, name, class_count, out_palette);
    if (status && !name && qn_status_code(status) != QN_OUT_OF_MEMORY)
        return fitter_advise(status, "--palette gives another");
    CLI_TRY(status);
    if (name && class_count && out_palette->class_count && class_count != out_palette->class_count)
        cli_warn("palette %s names %d classes, the model has %d", name, out_palette->class_count, class_count);
    return NULL;
}
