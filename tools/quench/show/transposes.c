#include "show/transposes.h"

#include <string.h>

typedef const qn_value_info *(*port_fn)(const qn_model *model, size_t index);

/* Is one of `count` values an input, or output, of the model? */
static int is_port(const qn_model *model, port_fn port, const uint32_t *values, size_t count) {
    const qn_value_info *at;
    for (size_t i = 0; (at = port(model, i)); i++)
        for (size_t k = 0; k < count; k++)
            if (values[k] != UINT32_MAX && !strcmp(qn_model_value(model, values[k])->name, at->name)) return 1;
    return 0;
}

transpose_count transpose_count_find(const qn_model *model) {
    transpose_count count = {0};
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        if (step->role != QN_ROLE_TRANSPOSE) continue;
        if (is_port(model, qn_model_input, step->inputs, step->input_count))
            count.inputs++;
        else if (is_port(model, qn_model_output, step->outputs, step->output_count))
            count.outputs++;
        else
            count.inside++;
    }
    return count;
}

void transpose_count_print(const transpose_count *count) {
    if (count->inputs + count->outputs + count->inside)
        cli_print("%-10s %zu of inputs, %zu of outputs, %zu inside\n", "transposes", count->inputs, count->outputs,
                  count->inside);
}

json_t *transpose_count_to_json(const transpose_count *count) {
    return json_pack("{s:I,s:I,s:I}", "inputs", (json_int_t)count->inputs, "outputs", (json_int_t)count->outputs,
                     "inside", (json_int_t)count->inside);
}
