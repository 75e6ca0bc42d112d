#include "session/arrays.h"

#include "quench/npy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Which input "NAME=x.npy" or "x.npy" is for. A path may hold a '='. */
static qn_status *find_input(const qn_model *model, const char *text, size_t *out_index, const char **out_path) {
    size_t count = qn_model_get_info(model)->input_count;
    char *name;
    CLI_TRY(cli_split_name(text, &name, out_path));
    *out_index = 0;
    qn_status *status = *name ? qn_model_find_input(model, name, out_index) : NULL;
    free(name);
    if (status && count == 1 && !access(text, F_OK)) {
        qn_status_free(status);
        *out_path = text;
        return NULL;
    }
    if (!status && *out_path == text && count != 1)
        status = qn_status_create(QN_INVALID_ARGUMENT, "the model has %zu inputs: write NAME=%s", count, text);
    return status;
}

static qn_status *take_input(const qn_model *model, const char *text, input_arrays *arrays) {
    size_t index;
    const char *path;
    CLI_TRY(cli_context(find_input(model, text, &index, &path), "--input %s", text));
    if (arrays->paths[index])
        return qn_status_create(QN_INVALID_ARGUMENT, "--input %s: input '%s' is given twice", text,
                                qn_model_input(model, index)->name);
    arrays->paths[index] = strdup(path);
    return arrays->paths[index] ? NULL : cli_out_of_memory();
}

static qn_status *load_input(const qn_model *model, size_t index, input_arrays *arrays) {
    char text[QN_DIMS_TEXT];
    const qn_value_info *input = qn_model_input(model, index);
    const char *path = arrays->paths[index];
    if (!path)
        return qn_status_create(QN_INVALID_ARGUMENT, "input '%s' (%s %s) is not given: --input %s=x.npy", input->name,
                                qn_dtype_numpy_name(input->dtype), qn_value_info_print_dims(input, text), input->name);
    CLI_TRY(qn_npy_load(path, NULL, &arrays->tensors[index]));
    if (arrays->tensors[index].dtype == input->dtype) return NULL;
    return qn_status_create(QN_INVALID_ARGUMENT, "%s: %s elements, but input '%s' takes %s: save it with .astype('%s')",
                            path, qn_dtype_numpy_name(arrays->tensors[index].dtype), input->name,
                            qn_dtype_numpy_name(input->dtype), qn_dtype_numpy_name(input->dtype));
}

qn_status *input_arrays_load(const qn_model *model, const cli_texts *texts, input_arrays *out) {
    size_t count = qn_model_get_info(model)->input_count;
    *out = (input_arrays){.tensors = calloc(count + 1, sizeof *out->tensors),
                          .paths = calloc(count + 1, sizeof *out->paths)};
    if (!out->tensors || !out->paths) return cli_out_of_memory();
    out->count = count;
    for (size_t i = 0; i < texts->count; i++) CLI_TRY(take_input(model, texts->items[i], out));
    for (size_t i = 0; i < count; i++) CLI_TRY(load_input(model, i, out));
    return NULL;
}

void input_arrays_deinit(input_arrays *arrays) {
    for (size_t i = 0; i < arrays->count; i++) qn_npy_free(&arrays->tensors[i], NULL), free(arrays->paths[i]);
    free(arrays->tensors);
    free(arrays->paths);
    *arrays = (input_arrays){0};
}
