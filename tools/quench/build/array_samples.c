/* array_samples.c - samples from .npy files, one stream per input of the model; all advance together. One sample of
 * each is in memory at a time. */
#include "pictures/model_meta.h"
#include "build/samples.h"

#include "quench/npy.h"

#include <stdlib.h>
#include <string.h>

/* What one file holds: `count` samples of the same shape, one after the other. */
typedef struct layout {
    int64_t count;
    int rank;
    int64_t dims[QN_MAX_RANK];
} layout;

typedef struct stream {
    const qn_value_info *input;
    int has_batch;   /* its first dim is free, and a number of samples */
    int is_repeated; /* its only sample goes into every run */
    sample_list files;
    layout *layouts;   /* per file */
    int64_t count;     /* samples of all files */
    qn_npy_file *file; /* the open one; NULL: none */
    size_t opened;     /* which it is */
    void *sample;      /* what was given last */
    size_t sample_room;
} stream;

typedef struct array_samples {
    stream *streams; /* one per input */
    size_t stream_count;
    int64_t count, used, at; /* used: as many of the count as the limit grants */
} array_samples;

static void close_arrays(void *self) {
    array_samples *s = self;
    for (size_t i = 0; s->streams && i < s->stream_count; i++) {
        qn_npy_close(s->streams[i].file);
        free(s->streams[i].sample);
        sample_list_deinit(&s->streams[i].files);
        free(s->streams[i].layouts);
    }
    free(s->streams);
    free(s);
}

/* ---- What is in a file ---- */

static int64_t count_elems(int rank, const int64_t *dims) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(count, dims[i], &count)) return -1;
    return count;
}

/* Rows are samples where the first dim is a free batch; else more of them than the model takes at once are as many
   samples of the fewest that it takes. */
static void split_batch(const stream *s, layout *inout_layout) {
    const qn_value_info *input = s->input;
    const int64_t rows = inout_layout->dims[0], step = input->min_dims[0] > 1 ? input->min_dims[0] : 1;
    if (rows % step || (!s->has_batch && rows <= input->max_dims[0])) return;
    inout_layout->count = rows / step;
    inout_layout->dims[0] = step;
}

static int is_in_range(const qn_value_info *input, const layout *l) {
    for (int i = 0; i < l->rank; i++)
        if (l->dims[i] < input->min_dims[i] || l->dims[i] > input->max_dims[i]) return 0;
    return l->rank == input->rank;
}

/* Rows that do not come out even, or something else that does not fit. */
static qn_status *refuse_array(const qn_value_info *input, const sample_item *file, const qn_tensor *array) {
    char found[QN_DIMS_TEXT], wanted[QN_DIMS_TEXT];
    int is_uneven = array->rank == input->rank && input->rank && input->min_dims[0] > 1 && array->dims[0] > 0;
    for (int i = 1; i < array->rank && is_uneven; i++)
        is_uneven = array->dims[i] >= input->min_dims[i] && array->dims[i] <= input->max_dims[i];
    if (is_uneven)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: its %lld rows are no multiple of the %lld that input '%s' (%s) takes at once",
                                file->path, (long long)array->dims[0], (long long)input->min_dims[0], input->name,
                                qn_value_info_print_dims(input, wanted));
    return qn_status_create(
        QN_INVALID_ARGUMENT,
        "%s: an array of %s is no sample for input '%s', which takes %s, nor several along one more "
        "axis in front",
        file->path, qn_dims_print(array->rank, array->dims, found), input->name,
        qn_value_info_print_dims(input, wanted));
}

static qn_status *find_layout(const stream *s, const sample_item *file, const qn_tensor *array, layout *out_layout) {
    char found[QN_DIMS_TEXT], wanted[QN_DIMS_TEXT];
    const qn_value_info *input = s->input;
    *out_layout = (layout){.count = 1, .rank = array->rank};
    memcpy(out_layout->dims, array->dims, sizeof out_layout->dims);
    if (array->dtype != input->dtype)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: %s elements, but input '%s' takes %s: save it with .astype('%s')", file->path,
                                qn_dtype_numpy_name(array->dtype), input->name, qn_dtype_numpy_name(input->dtype),
                                qn_dtype_numpy_name(input->dtype));
    if (file->rank >= 0) {
        if (count_elems(file->rank, file->dims) != count_elems(array->rank, array->dims))
            return qn_status_create(QN_INVALID_ARGUMENT, "%s: an array of %s cannot have the shape %s", file->origin,
                                    qn_dims_print(array->rank, array->dims, found),
                                    qn_dims_print(file->rank, file->dims, wanted));
        out_layout->rank = file->rank;
        memcpy(out_layout->dims, file->dims, sizeof out_layout->dims);
    } else if (array->rank == input->rank + 1) {
        *out_layout = (layout){.count = array->dims[0], .rank = input->rank};
        memcpy(out_layout->dims, array->dims + 1, (size_t)input->rank * sizeof *array->dims);
    } else if (array->rank + 1 == input->rank && (s->has_batch || input->max_dims[0] == 1)) {
        out_layout->rank = input->rank; /* one sample without a batch in front */
        out_layout->dims[0] = 1;
        memcpy(out_layout->dims + 1, array->dims, (size_t)array->rank * sizeof *array->dims);
    } else if (array->rank == input->rank && input->rank) {
        split_batch(s, out_layout);
    }
    return is_in_range(input, out_layout) ? NULL : refuse_array(input, file, array);
}

static qn_status *open_file(stream *s, size_t file) {
    if (s->file && s->opened == file) return NULL;
    qn_npy_close(s->file);
    s->opened = file;
    return qn_npy_open(s->files.items[file].path, NULL, &s->file);
}

/* Looks into every file of an input, so that what does not fit is said before anything runs. */
static qn_status *look(stream *s) {
    char element[16];
    s->layouts = calloc(s->files.count + 1, sizeof *s->layouts);
    if (!s->layouts) return cli_out_of_memory();
    for (size_t i = 0; i < s->files.count; i++) {
        CLI_TRY(open_file(s, i));
        CLI_TRY(find_layout(s, &s->files.items[i], qn_npy_info(s->file), &s->layouts[i]));
        if (s->layouts[i].count > 1) CLI_TRY(qn_npy_read(s->file, 0, 1, element)); /* can parts of it be read? */
        if (__builtin_add_overflow(s->count, s->layouts[i].count, &s->count))
            return qn_status_create(QN_LIMIT, "%s: more samples than can be counted", s->files.items[i].path);
    }
    return NULL;
}

/* ---- Giving them ---- */

static qn_status *make_room(stream *s, size_t bytes) {
    if (bytes <= s->sample_room) return NULL;
    free(s->sample);
    s->sample = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    s->sample_room = s->sample ? bytes : 0;
    return s->sample ? NULL : cli_out_of_memory();
}

static qn_status *give(stream *s, int64_t index, qn_tensor *out_tensor) {
    size_t file = 0;
    if (s->is_repeated) index = 0;
    while (index >= s->layouts[file].count) index -= s->layouts[file++].count;
    CLI_TRY(open_file(s, file));
    const layout *l = &s->layouts[file];
    const qn_tensor *info = qn_npy_info(s->file);
    const int64_t elems = count_elems(l->rank, l->dims);
    *out_tensor = (qn_tensor){.dtype = info->dtype, .rank = l->rank};
    memcpy(out_tensor->dims, l->dims, sizeof l->dims);
    if (info->dtype != s->input->dtype || count_elems(info->rank, info->dims) != l->count * elems)
        return qn_status_create(QN_IO, "%s: has changed while it was in use", s->files.items[file].path);
    CLI_TRY(make_room(s, qn_tensor_bytes(out_tensor)));
    out_tensor->data = s->sample;
    return qn_npy_read(s->file, index * elems, elems, s->sample);
}

static qn_status *next_arrays(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    array_samples *s = self;
    (void)input_count;
    *out_has = s->at < s->used;
    if (!*out_has) return NULL;
    int64_t index = sample_pick(s->at++, s->count, s->used);
    for (size_t i = 0; i < s->stream_count; i++) CLI_TRY(give(&s->streams[i], index, &inputs[i]));
    return NULL;
}

/* That of the first input which has as many as there are. */
static char *name_arrays(const void *self) {
    const array_samples *s = self;
    const stream *first = &s->streams[0];
    size_t file = 0;
    while (first->is_repeated) first++;
    if (!s->at) return NULL;
    int64_t index = sample_pick(s->at - 1, s->count, s->used);
    while (index >= first->layouts[file].count) index -= first->layouts[file++].count;
    if (first->layouts[file].count == 1) return strdup(first->files.items[file].path);
    return cli_format("%s, %lld of %lld", first->files.items[file].path, (long long)index + 1,
                      (long long)first->layouts[file].count);
}

static qn_status *rewind_arrays(void *self) {
    array_samples *s = self;
    s->at = 0;
    return NULL;
}

/* ---- Opening ---- */

/* All inputs have as many samples; one that takes no batch may have a single one for all runs. */
static qn_status *count_samples(array_samples *s) {
    const stream *most = s->streams;
    for (size_t i = 1; i < s->stream_count; i++)
        if (s->streams[i].count > most->count) most = &s->streams[i];
    s->count = s->stream_count ? most->count : 0;
    for (size_t i = 0; i < s->stream_count; i++) {
        stream *one = &s->streams[i];
        if (one->count == s->count) continue;
        one->is_repeated = one->count == 1 && !one->has_batch;
        if (!one->is_repeated)
            return qn_status_create(QN_INVALID_ARGUMENT, "%lld samples for input '%s', but %lld for input '%s'",
                                    (long long)s->count, most->input->name, (long long)one->count, one->input->name);
    }
    return s->count ? NULL : qn_status_create(QN_INVALID_ARGUMENT, "the arrays hold no sample at all");
}

static qn_status *open_streams(array_samples *s, const qn_model *model, const json_t *meta, sample_list *lists) {
    s->stream_count = qn_model_get_info(model)->input_count;
    s->streams = calloc(s->stream_count + 1, sizeof *s->streams);
    if (!s->streams) return cli_out_of_memory();
    for (size_t i = 0; i < s->stream_count; i++) {
        stream *one = &s->streams[i];
        *one = (stream){
            .input = qn_model_input(model, i), .has_batch = cli_has_free_batch(model, meta, i), .files = lists[i]};
        lists[i] = (sample_list){0};
        if (!one->files.count)
            return qn_status_create(QN_INVALID_ARGUMENT, "input '%s' is given no samples: NAME=x.npy for each input",
                                    one->input->name);
        CLI_TRY(look(one));
    }
    return count_samples(s);
}

qn_status *array_samples_open(qn_model *model, const sample_options *options, sample_list *lists,
                              sample_source *out_source) {
    if (options->masks) return qn_status_create(QN_INVALID_ARGUMENT, "--masks are for pictures; arrays have none");
    array_samples *s = calloc(1, sizeof *s);
    if (!s) return cli_out_of_memory();
    json_t *meta = cli_load_meta(model);
    qn_status *status = meta ? open_streams(s, model, meta, lists) : cli_out_of_memory();
    json_decref(meta);
    if (status) return close_arrays(s), status;
    s->used = sample_pick_count(s->count, options->limit);
    out_source->close = close_arrays;
    out_source->name = name_arrays;
    out_source->samples = (qn_samples){.self = s, .count = s->used, .next = next_arrays, .rewind = rewind_arrays};
    return NULL;
}
