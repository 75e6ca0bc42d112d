#include "session/bench_inputs.h"

#include "build/samples.h"
#include "cli/measure.h"

#include "quench/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_inputs_options_deinit(bench_inputs_options *options) {
    free(options->shapes.items);
    free(options->files.items);
    free(options->images.items);
}

void bench_inputs_deinit(bench_inputs *inputs) {
    for (size_t i = 0; inputs->tensors && i < inputs->set_count * inputs->input_count; i++)
        qn_tensor_deinit(&inputs->tensors[i], NULL);
    free(inputs->tensors);
    *inputs = (bench_inputs){0};
}

static qn_status *make_room(bench_inputs *in, size_t set_count) {
    qn_tensor *tensors = realloc(in->tensors, (set_count * in->input_count + 1) * sizeof *tensors);
    if (!tensors) return cli_out_of_memory();
    const size_t old = in->set_count * in->input_count;
    memset(tensors + old, 0, ((set_count - in->set_count) * in->input_count + 1) * sizeof *tensors);
    in->tensors = tensors;
    in->set_count = set_count;
    return NULL;
}

/* ---- Random values ---- */

static void fill_random(qn_tensor *input, uint64_t seed) {
    const size_t elems = cli_tensor_elems(input);
    for (size_t i = 0; i < elems; i++) {
        const uint64_t random = cli_random(&seed);
        const double value = (double)(random >> 40) / (1 << 23) - 1;
        switch (input->dtype) {
        case QN_DTYPE_F32: ((float *)input->data)[i] = (float)value; break;
        case QN_DTYPE_F64: ((double *)input->data)[i] = value; break;
        case QN_DTYPE_F16:
            ((uint16_t *)input->data)[i] = (uint16_t)(0x3800 | (random & 0x83ff));
            break; /* 0.5 <= |x| < 1 */
        case QN_DTYPE_BF16: ((uint16_t *)input->data)[i] = (uint16_t)(0x3f00 | (random & 0x807f)); break;
        case QN_DTYPE_U8:
        case QN_DTYPE_S8: ((uint8_t *)input->data)[i] = (uint8_t)random; break;
        case QN_DTYPE_BOOL: ((uint8_t *)input->data)[i] = random & 1; break;
        case QN_DTYPE_S16:
        case QN_DTYPE_U16: ((uint16_t *)input->data)[i] = 1; break;
        case QN_DTYPE_S32:
        case QN_DTYPE_U32: ((uint32_t *)input->data)[i] = 1; break;
        default: ((uint64_t *)input->data)[i] = 1; break;
        }
    }
}

/* ---- Texts of options, by input ---- */

/* What was given for each input, in its order. */
typedef struct given {
    cli_texts *lists; /* one per input; items borrowed from the options, the arrays freed */
    size_t count, most;
} given;

static void given_deinit(given *g) {
    for (size_t i = 0; g->lists && i < g->count; i++) free(g->lists[i].items);
    free(g->lists);
}

static qn_status *find_input(const qn_model *model, const char *text, size_t *out_index) {
    char *name;
    const char *value;
    const size_t count = qn_model_get_info(model)->input_count;
    *out_index = 0;
    CLI_TRY(cli_split_name(text, &name, &value));
    qn_status *status = NULL;
    if (*name)
        status = qn_model_find_input(model, name, out_index);
    else if (count != 1)
        status = qn_status_create(QN_INVALID_ARGUMENT, "the model has %zu inputs: write NAME=%s", count, text);
    free(name);
    return status;
}

static qn_status *sort_texts(const qn_model *model, const char *option, const cli_texts *texts, given *out) {
    out->count = qn_model_get_info(model)->input_count;
    out->lists = calloc(out->count + 1, sizeof *out->lists);
    if (!out->lists) return cli_out_of_memory();
    for (size_t i = 0; i < texts->count; i++) {
        size_t index;
        CLI_TRY(cli_context(find_input(model, texts->items[i], &index), "%s %s", option, texts->items[i]));
        cli_texts *list = &out->lists[index];
        const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
        if (!items) return cli_out_of_memory();
        list->items = items;
        items[list->count++] = texts->items[i];
        if (list->count > out->most) out->most = list->count;
    }
    return NULL;
}

/* The text of an input for one set; NULL: none was given. */
static const char *text_of(const given *g, size_t input, size_t set) {
    const cli_texts *list = &g->lists[input];
    return list->count ? list->items[set < list->count ? set : list->count - 1] : NULL;
}

/* ---- Shapes ---- */

static qn_status *make_shapes(const qn_model *model, const given *shapes, size_t set, int64_t batch,
                              qn_shape *out_shapes) {
    cli_texts texts = {.items = calloc(shapes->count + 1, sizeof *texts.items)};
    if (!texts.items) return cli_out_of_memory();
    for (size_t i = 0; i < shapes->count; i++) {
        const char *text = text_of(shapes, i, set);
        if (text) texts.items[texts.count++] = text;
    }
    qn_status *status = cli_make_shapes(model, &texts, 1, out_shapes);
    free(texts.items);
    for (size_t i = 0; batch && !status && i < shapes->count; i++)
        if (out_shapes[i].rank) out_shapes[i].dims[0] = batch;
    return status;
}

/* ---- Files ---- */

static int is_npy(const char *path) {
    static const char magic[6] = "\x93NUMPY";
    char start[sizeof magic];
    FILE *file = fopen(path, "rb");
    const int is = file && fread(start, 1, sizeof start, file) == sizeof start && !memcmp(start, magic, sizeof magic);
    if (file) fclose(file);
    return is;
}

static qn_status *read_npy(const char *path, const qn_value_info *input, qn_tensor *out) {
    qn_tensor array;
    CLI_TRY(qn_npy_load(path, NULL, &array));
    qn_status *status = NULL;
    if (array.dtype != input->dtype)
        status = qn_status_create(QN_INVALID_ARGUMENT, "%s: %s elements, but input '%s' takes %s", path,
                                  qn_dtype_numpy_name(array.dtype), input->name, qn_dtype_numpy_name(input->dtype));
    if (!status) status = qn_tensor_init(array.dtype, array.rank, array.dims, NULL, out);
    if (!status) memcpy(out->data, array.data, qn_tensor_bytes(out));
    qn_npy_free(&array, NULL);
    return status;
}

/* The bytes of an array and nothing else, as mm_run reads and writes them. */
static qn_status *read_raw(const char *path, const qn_value_info *input, const qn_shape *shape, qn_tensor *out) {
    char text[QN_DIMS_TEXT];
    CLI_TRY(qn_tensor_init(input->dtype, shape->rank, shape->dims, NULL, out));
    const size_t bytes = qn_tensor_bytes(out);
    FILE *file = fopen(path, "rb");
    if (!file) return qn_status_create(QN_NOT_FOUND, "%s: cannot be opened", path);
    const size_t got = fread(out->data, 1, bytes, file);
    const int has_more = got == bytes && fgetc(file) != EOF;
    fclose(file);
    if (got == bytes && !has_more) return NULL;
    return qn_status_create(QN_INVALID_ARGUMENT,
                            "%s: no .npy file, so the bytes of an array, but input '%s' takes %zu bytes (%s %s) and it "
                            "holds %s: --shape gives another shape",
                            path, input->name, bytes, qn_dtype_numpy_name(input->dtype),
                            qn_dims_print(shape->rank, shape->dims, text), has_more ? "more" : "fewer");
}

static qn_status *read_file(const char *text, const qn_value_info *input, const qn_shape *shape, qn_tensor *out) {
    char *name;
    const char *path;
    CLI_TRY(cli_split_name(text, &name, &path));
    free(name);
    if (!cli_is_regular_file(path)) return qn_status_create(QN_NOT_FOUND, "--input %s: there is no such file", text);
    return is_npy(path) ? read_npy(path, input, out) : read_raw(path, input, shape, out);
}

/* An array tells its own shape: --shape and --batch may only agree with it. */
static qn_status *check_array(const qn_tensor *array, const qn_shape *shape, int has_shape, int64_t batch,
                              const char *text) {
    char found[QN_DIMS_TEXT], wanted[QN_DIMS_TEXT];
    const size_t bytes = (size_t)array->rank * sizeof *array->dims;
    if (has_shape && (array->rank != shape->rank || memcmp(array->dims, shape->dims, bytes)))
        return qn_status_create(QN_INVALID_ARGUMENT, "--input %s: the array is %s, but --shape says %s", text,
                                qn_dims_print(array->rank, array->dims, found),
                                qn_dims_print(shape->rank, shape->dims, wanted));
    if (batch && array->rank && array->dims[0] != batch)
        return qn_status_create(QN_INVALID_ARGUMENT, "--input %s: the array is %s, but --batch says %lld", text,
                                qn_dims_print(array->rank, array->dims, found), (long long)batch);
    return NULL;
}

static qn_status *make_set(const qn_model *model, const given *shape_texts, const given *files, const qn_shape *shapes,
                           size_t set, int64_t batch, qn_tensor *out_inputs) {
    for (size_t i = 0; i < files->count; i++) {
        const qn_value_info *input = qn_model_input(model, i);
        const char *text = text_of(files, i, set);
        if (text) {
            CLI_TRY(read_file(text, input, &shapes[i], &out_inputs[i]));
            CLI_TRY(check_array(&out_inputs[i], &shapes[i], text_of(shape_texts, i, set) != NULL, batch, text));
            continue;
        }
        CLI_TRY(cli_context(qn_tensor_init(input->dtype, shapes[i].rank, shapes[i].dims, NULL, &out_inputs[i]),
                            "input '%s'", input->name));
        fill_random(&out_inputs[i], i + 1);
    }
    return NULL;
}

static qn_status *make_sets(const qn_model *model, const given *shapes, const given *files, int64_t batch,
                            bench_inputs *out) {
    const size_t sets = shapes->most > files->most ? shapes->most : files->most;
    CLI_TRY(make_room(out, sets ? sets : 1));
    qn_shape *dims = calloc(out->input_count + 1, sizeof *dims);
    if (!dims) return cli_out_of_memory();
    qn_status *status = NULL;
    for (size_t set = 0; set < out->set_count && !status; set++) {
        status = make_shapes(model, shapes, set, batch, dims);
        if (!status) status = make_set(model, shapes, files, dims, set, batch, &out->tensors[set * out->input_count]);
    }
    free(dims);
    return status;
}

/* ---- Pictures ---- */

static int has_dims(const qn_tensor *tensor, const qn_tensor *other, int first) {
    return tensor->rank == other->rank &&
           !memcmp(tensor->dims + first, other->dims + first, (size_t)(tensor->rank - first) * sizeof *tensor->dims);
}

/* Puts one sample into place `at` of a batch; the first of them makes the tensor. */
static qn_status *put_sample(const qn_tensor *sample, int64_t at, int64_t batch, qn_tensor *inout_input) {
    char one[QN_DIMS_TEXT], other[QN_DIMS_TEXT];
    if (!at) {
        int64_t dims[QN_MAX_RANK];
        memcpy(dims, sample->dims, sizeof dims);
        if (batch > 1) dims[0] = batch;
        CLI_TRY(qn_tensor_init(sample->dtype, sample->rank, dims, NULL, inout_input));
    } else if (!has_dims(sample, inout_input, 1)) {
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "--batch: pictures of one batch are of one size, but after %s comes %s: --fit stretch "
                                "makes them so where the model has one size",
                                qn_dims_print(inout_input->rank - 1, inout_input->dims + 1, one),
                                qn_dims_print(sample->rank - 1, sample->dims + 1, other));
    }
    const size_t bytes = qn_tensor_bytes(sample);
    memcpy((char *)inout_input->data + (size_t)at * bytes, sample->data, bytes);
    return NULL;
}

static qn_status *check_batch(const qn_model *model, const qn_tensor *sample, size_t input_count) {
    if (input_count == 1 && sample->rank == qn_model_input(model, 0)->rank && sample->rank && sample->dims[0] == 1)
        return NULL;
    return qn_status_create(QN_INVALID_ARGUMENT, "--batch: input '%s' takes no batch of pictures",
                            qn_model_input(model, 0)->name);
}

/* @param samples  room for one tensor per input */
static qn_status *take_samples(const qn_model *model, const sample_source *source, int64_t batch, qn_tensor *samples,
                               bench_inputs *out) {
    int64_t taken = 0;
    for (int has;; taken++) {
        CLI_TRY(source->samples.next(source->samples.self, samples, out->input_count, &has));
        if (!has) break;
        const int64_t at = taken % batch;
        if (batch > 1) CLI_TRY(check_batch(model, samples, out->input_count));
        if (!at) CLI_TRY(make_room(out, out->set_count + 1));
        qn_tensor *inputs = &out->tensors[(out->set_count - 1) * out->input_count];
        for (size_t i = 0; i < out->input_count; i++) CLI_TRY(put_sample(&samples[i], at, batch, &inputs[i]));
    }
    /* The last batch is not full: it goes, unless it is the only one. */
    if (taken % batch == 0) return NULL;
    if (out->set_count == 1)
        return qn_status_create(QN_INVALID_ARGUMENT, "--batch %lld: the pictures are %lld only", (long long)batch,
                                (long long)taken);
    qn_tensor_deinit(&out->tensors[--out->set_count], NULL);
    return NULL;
}

static qn_status *read_pictures(qn_model *model, const bench_inputs_options *options, bench_inputs *out) {
    const sample_options samples = {.option = "--images",
                                    .texts = &options->images,
                                    .fit = options->fit,
                                    .limit = options->limit ? options->limit : BENCH_IMAGES_MAX,
                                    .skips_unreadable = 0};
    sample_source source;
    if (options->shapes.count || options->files.count)
        return qn_status_create(QN_INVALID_ARGUMENT, "--images tells shapes and inputs: leave --shape and --input out");
    CLI_TRY(sample_source_open(model, &samples, &source));
    qn_tensor *tensors = calloc(out->input_count + 1, sizeof *tensors);
    qn_status *status =
        tensors ? take_samples(model, &source, options->batch ? options->batch : 1, tensors, out) : cli_out_of_memory();
    free(tensors);
    sample_source_close(&source);
    return status;
}

/* ---- All ---- */

qn_status *bench_inputs_make(qn_model *model, const bench_inputs_options *options, bench_inputs *out) {
    *out = (bench_inputs){.input_count = qn_model_get_info(model)->input_count};
    if (options->images.count) return read_pictures(model, options, out);
    given shapes = {0}, files = {0};
    qn_status *status = sort_texts(model, "--shape", &options->shapes, &shapes);
    if (!status) status = sort_texts(model, "--input", &options->files, &files);
    if (!status) status = make_sets(model, &shapes, &files, options->batch, out);
    given_deinit(&shapes);
    given_deinit(&files);
    return status;
}
