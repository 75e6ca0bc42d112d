#include "pictures/tensors.h"
#include "pictures/model_meta.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For what nothing says how large it is. */
enum { GUESSED_SIZE = 224, GUESSED_ELEMS_MAX = 1 << 24 };

json_t *cli_dims_to_json(int rank, const int64_t *dims) {
    json_t *array = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(array, dims[i] == QN_NO_LIMIT ? json_null() : json_integer(dims[i]));
    return array;
}

size_t cli_tensor_elems(const qn_tensor *tensor) {
    size_t size = qn_dtype_size(tensor->dtype);
    return size ? qn_tensor_bytes(tensor) / size : 0;
}

/* IEEE binary16: 5 bits of exponent, 10 of fraction. */
static double half_to_double(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return half >> 15 ? -value : value;
}

static double bfloat_to_double(uint16_t bfloat) {
    uint32_t bits = (uint32_t)bfloat << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double cli_tensor_get(const qn_tensor *tensor, size_t index) {
    switch (tensor->dtype) {
    case QN_DTYPE_F32: return ((const float *)tensor->data)[index];
    case QN_DTYPE_F64: return ((const double *)tensor->data)[index];
    case QN_DTYPE_F16: return half_to_double(((const uint16_t *)tensor->data)[index]);
    case QN_DTYPE_BF16: return bfloat_to_double(((const uint16_t *)tensor->data)[index]);
    case QN_DTYPE_S8: return ((const int8_t *)tensor->data)[index];
    case QN_DTYPE_S16: return ((const int16_t *)tensor->data)[index];
    case QN_DTYPE_U16: return ((const uint16_t *)tensor->data)[index];
    case QN_DTYPE_S32: return ((const int32_t *)tensor->data)[index];
    case QN_DTYPE_U32: return ((const uint32_t *)tensor->data)[index];
    case QN_DTYPE_S64: return (double)((const int64_t *)tensor->data)[index];
    case QN_DTYPE_U64: return (double)((const uint64_t *)tensor->data)[index];
    default: return ((const uint8_t *)tensor->data)[index]; /* u8, bool */
    }
}

int64_t cli_tensor_integer(const qn_tensor *tensor, size_t index) {
    const double value = cli_tensor_get(tensor, index);
    return value >= 0 && value < 0x1p53 ? (int64_t)value : -1;
}

qn_status *cli_tensor_decode(const qn_tensor *tensor, const qn_encoding_info *encoding, qn_tensor *out_floats) {
    CLI_TRY(qn_tensor_init(QN_DTYPE_F32, tensor->rank, tensor->dims, NULL, out_floats));
    const size_t elems = cli_tensor_elems(tensor);
    float *floats = out_floats->data;
    for (size_t i = 0; i < elems; i++) {
        const size_t c = i % encoding->channels;
        floats[i] = (float)(cli_tensor_get(tensor, i) - encoding->zero_point[c]) * encoding->scale[c];
    }
    return NULL;
}

qn_status *cli_set_input_shapes(qn_context *context, const qn_tensor *tensors, size_t count) {
    qn_shape *shapes = calloc(count + 1, sizeof *shapes);
    if (!shapes) return cli_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        shapes[i].rank = tensors[i].rank;
        memcpy(shapes[i].dims, tensors[i].dims, sizeof shapes[i].dims);
    }
    qn_status *status = qn_context_set_input_shapes(context, shapes, count);
    free(shapes);
    return status;
}

/* ---- --shape ---- */

static qn_status *take_shape(const qn_model *model, const char *text, qn_shape *shapes) {
    char *name;
    const char *dims;
    size_t index = 0, count = qn_model_get_info(model)->input_count;
    CLI_TRY(cli_split_name(text, &name, &dims));
    qn_status *status = NULL;
    if (*name)
        status = qn_model_find_input(model, name, &index);
    else if (count != 1)
        status = qn_status_create(QN_INVALID_ARGUMENT, "--shape %s: the model has %zu inputs: write NAME=%s", text,
                                  count, text);
    free(name);
    if (status) return cli_context(status, "--shape %s", text);
    if (shapes[index].rank >= 0)
        return qn_status_create(QN_INVALID_ARGUMENT, "--shape %s: input '%s' has a shape already", text,
                                qn_model_input(model, index)->name);
    shapes[index].rank = cli_parse_dims(dims, 0, shapes[index].dims);
    if (shapes[index].rank < 0)
        return qn_status_create(QN_INVALID_ARGUMENT, "--shape %s: expected at most %d sizes, as in 1,513,513,3", text,
                                QN_MAX_RANK);
    return NULL;
}

/* The size for a dim without an upper end: what the source declares, and one sample of a batch; -1: nothing tells. */
static int64_t told_size(const qn_model *model, const json_t *meta, size_t index, int axis) {
    const qn_value_info *input = qn_model_input(model, index);
    const int64_t declared = cli_declared_size(meta, index, axis);
    if (declared >= input->min_dims[axis]) return declared;
    if (axis || !cli_has_free_batch(model, meta, index) || input->rank < 2) return -1;
    return input->min_dims[0] > 1 ? input->min_dims[0] : 1;
}

/* Are there more elements than are guessed with `size` for each dim of -1? */
static int is_much(const qn_shape *shape, int64_t size) {
    int64_t elems = 1;
    for (int i = 0; i < shape->rank; i++)
        if (__builtin_mul_overflow(elems, shape->dims[i] < 0 ? size : shape->dims[i], &elems)) return 1;
    return elems > GUESSED_ELEMS_MAX;
}

/* Sizes for dims of -1: one for the first if it is the only one, which is a batch more often than not; else such as
   pictures have, or less where that would be very much. */
static void guess_sizes(const qn_value_info *input, qn_shape *inout_shape) {
    int64_t size = GUESSED_SIZE;
    int others = input->rank < 2;
    for (int i = 1; i < input->rank; i++) others |= inout_shape->dims[i] < 0;
    if (!others) size = 1;
    while (size > 1 && is_much(inout_shape, size)) size /= 2;
    for (int i = 0; i < input->rank; i++)
        if (inout_shape->dims[i] < 0) inout_shape->dims[i] = input->min_dims[i] > size ? input->min_dims[i] : size;
}

/* The upper end of the range, or what is told where there is none. */
static qn_status *default_shape(const qn_model *model, const json_t *meta, size_t index, int guess,
                                qn_shape *out_shape) {
    char text[QN_DIMS_TEXT], shape[QN_DIMS_TEXT];
    const qn_value_info *input = qn_model_input(model, index);
    int is_untold = 0;
    out_shape->rank = input->rank;
    for (int i = 0; i < input->rank; i++) {
        const int has_end = input->max_dims[i] != QN_NO_LIMIT;
        out_shape->dims[i] = has_end ? input->max_dims[i] : told_size(model, meta, index, i);
        is_untold |= out_shape->dims[i] < 0;
    }
    if (!is_untold) return NULL;
    if (!guess)
        return qn_status_create(QN_INVALID_ARGUMENT, "input '%s' (%s) has no largest shape: give one with --shape",
                                input->name, qn_value_info_print_dims(input, text));
    guess_sizes(input, out_shape);
    cli_note("input '%s' (%s) has no largest shape: %s is taken (--shape gives another)", input->name,
             qn_value_info_print_dims(input, text), qn_dims_print(out_shape->rank, out_shape->dims, shape));
    return NULL;
}

qn_status *cli_make_shapes(const qn_model *model, const cli_texts *texts, int guess, qn_shape *out_shapes) {
    size_t count = qn_model_get_info(model)->input_count;
    for (size_t i = 0; i < count; i++) out_shapes[i].rank = -1;
    for (size_t i = 0; i < texts->count; i++) CLI_TRY(take_shape(model, texts->items[i], out_shapes));
    json_t *meta = cli_load_meta(model);
    if (!meta) return cli_out_of_memory();
    qn_status *status = NULL;
    for (size_t i = 0; i < count && !status; i++)
        if (out_shapes[i].rank < 0) status = default_shape(model, meta, i, guess, &out_shapes[i]);
    json_decref(meta);
    return status;
}
