#include "show/describe.h"
#include "cli/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Operators ---- */

void op_counts_add(op_counts *counts, const char *op) {
    for (size_t i = 0; i < counts->count; i++)
        if (!strcmp(counts->items[i].op, op)) {
            counts->items[i].count++;
            return;
        }
    if (counts->count == counts->capacity) {
        size_t capacity = counts->capacity ? 2 * counts->capacity : 32;
        struct op_count *items = realloc(counts->items, capacity * sizeof *items);
        if (!items) {
            counts->failed = 1;
            return;
        }
        counts->items = items;
        counts->capacity = capacity;
    }
    counts->items[counts->count++] = (struct op_count){op, 1};
}

static int compare(const void *a, const void *b) {
    const struct op_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->op, y->op);
}

void op_counts_sort(op_counts *counts) {
    if (counts->count) qsort(counts->items, counts->count, sizeof *counts->items, compare);
}

void op_counts_print(const op_counts *counts) {
    cli_print("%-10s", "operators");
    for (size_t i = 0; i < counts->count; i++)
        cli_print("%s %zu %s", i ? "," : "", counts->items[i].count, counts->items[i].op);
    cli_print("\n");
}

json_t *op_counts_to_json(const op_counts *counts) {
    json_t *object = json_object();
    for (size_t i = 0; i < counts->count; i++)
        json_object_set_new(object, counts->items[i].op, json_integer((json_int_t)counts->items[i].count));
    return object;
}

void op_counts_deinit(op_counts *counts) {
    free(counts->items);
    *counts = (op_counts){0};
}

/* ---- Values ---- */

void describe_value(const char *what, const qn_value_info *value) {
    char text[QN_DIMS_TEXT];
    cli_print("%-10s %s: %s %s\n", what, value->name, qn_dtype_numpy_name(value->dtype),
              qn_value_info_print_dims(value, text));
    for (int i = 0; i < value->rank; i++)
        if (value->reasons[i] && *value->reasons[i]) cli_print("%-10s   dim %d: %s\n", "", i, value->reasons[i]);
}

json_t *value_to_json(const qn_value_info *value) {
    json_t *reasons = json_array();
    for (int i = 0; i < value->rank; i++)
        json_array_append_new(reasons, cli_json_text(value->reasons[i] ? value->reasons[i] : ""));
    return json_pack("{s:o,s:s,s:o,s:o,s:o}", "name", cli_json_text(value->name), "dtype",
                     qn_dtype_numpy_name(value->dtype), "min", cli_dims_to_json(value->rank, value->min_dims), "max",
                     cli_dims_to_json(value->rank, value->max_dims), "reasons", reasons);
}

/* ---- Steps ---- */

char *step_attributes(const qn_model *model, size_t step) {
    size_t length = 0;
    char *text = NULL;
    qn_status *status = qn_model_step_attributes(model, step, NULL, 0, &length);
    if (!status && !(text = malloc(length + 1))) status = cli_out_of_memory();
    if (!status) status = qn_model_step_attributes(model, step, text, length + 1, NULL);
    if (!status) return text;
    free(text);
    qn_status_free(status);
    return NULL;
}

/* The kernel of a step, "" where there are no shapes. */
static const char *step_kernel(qn_context *context, size_t step) {
    qn_step_profile profile;
    qn_status *status = context ? qn_context_get_step_profile(context, step, &profile) : NULL;
    const char *kernel = context && !status ? profile.kernel : "";
    qn_status_free(status);
    return kernel;
}

static const char *value_name(const qn_model *model, uint32_t index) {
    return index == UINT32_MAX ? "-" : qn_model_value(model, index)->name;
}

/* The ends of what integers are multiplied by, and of what they are counted from. */
typedef struct encoding_ends {
    float scale_low, scale_high;
    int zero_low, zero_high;
} encoding_ends;

static encoding_ends find_ends(const qn_encoding_info *encoding) {
    encoding_ends e = {encoding->scale[0], encoding->scale[0], encoding->zero_point[0], encoding->zero_point[0]};
    for (size_t c = 1; c < encoding->channels; c++) {
        const float scale = encoding->scale[c];
        const int zero = encoding->zero_point[c];
        if (scale < e.scale_low) e.scale_low = scale;
        if (scale > e.scale_high) e.scale_high = scale;
        if (zero < e.zero_low) e.zero_low = zero;
        if (zero > e.zero_high) e.zero_high = zero;
    }
    return e;
}

static void print_encoding(const qn_encoding_info *encoding) {
    const encoding_ends e = find_ends(encoding);
    cli_print(", scale %.4g", (double)e.scale_low);
    if (e.scale_low < e.scale_high) cli_print("..%.4g", (double)e.scale_high);
    cli_print(", zero point %d", e.zero_low);
    if (e.zero_low < e.zero_high) cli_print("..%d", e.zero_high);
}

static json_t *encoding_to_json(const qn_encoding_info *encoding) {
    if (!encoding) return json_null();
    const encoding_ends e = find_ends(encoding);
    return json_pack("{s:o,s:I,s:[ff],s:[ii]}", "of", cli_json_text(encoding->of), "channels",
                     (json_int_t)encoding->channels, "scale", (double)e.scale_low, (double)e.scale_high, "zero_point",
                     e.zero_low, e.zero_high);
}

/* What integers stand for is said where they are made. */
static void print_operands(const qn_model *model, int is_output, const uint32_t *values, size_t count) {
    char text[QN_DIMS_TEXT];
    cli_print("      %s", is_output ? "to  " : "from");
    for (size_t i = 0; i < count; i++) {
        cli_print("%s %s", i ? "," : "", value_name(model, values[i]));
        if (values[i] == UINT32_MAX) continue;
        const qn_value_info *value = qn_model_value(model, values[i]);
        cli_print(" (%s %s%s", qn_dtype_numpy_name(value->dtype), qn_value_info_print_dims(value, text),
                  value->location == QN_LOCATION_CONSTANT ? ", constant" : "");
        if (is_output && value->encoding) print_encoding(value->encoding);
        cli_print(")");
    }
    cli_print("\n");
}

qn_status *describe_steps(const qn_model *model, qn_context *context) {
    const qn_step_info *step;
    cli_print("\nsteps\n");
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        char *attributes = step_attributes(model, i);
        if (!attributes) return cli_out_of_memory();
        const char *kernel = step_kernel(context, i);
        cli_print("%4zu  %s: %s%s%s%s; %s%s%s\n", i, step->name, step->op, *attributes ? " {" : "", attributes,
                  *attributes ? "}" : "", step->precision, *kernel ? "; kernel " : "", kernel);
        free(attributes);
        print_operands(model, 0, step->inputs, step->input_count);
        print_operands(model, 1, step->outputs, step->output_count);
    }
    return NULL;
}

static json_t *operands_to_json(const qn_model *model, const uint32_t *values, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array,
                              values[i] == UINT32_MAX ? json_null() : cli_json_text(value_name(model, values[i])));
    return array;
}

json_t *steps_to_json(const qn_model *model, qn_context *context) {
    json_t *steps = json_array();
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        char *attributes = step_attributes(model, i);
        const char *kernel = step_kernel(context, i);
        json_array_append_new(
            steps, json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "name", cli_json_text(step->name), "operator", step->op,
                             "attributes", cli_json_text(attributes ? attributes : ""), "precision",
                             cli_json_text(step->precision), "kernel", *kernel ? json_string(kernel) : json_null(),
                             "inputs", operands_to_json(model, step->inputs, step->input_count), "outputs",
                             operands_to_json(model, step->outputs, step->output_count)));
        free(attributes);
    }
    return steps;
}

/* ---- Memory ---- */

static const char *location_name(qn_location location) {
    static const char *const names[] = {"arena", "constants", "input", "output", "dims"};
    return (unsigned)location < sizeof names / sizeof *names ? names[location] : "?";
}

void describe_memory(const qn_model *model) {
    char text[QN_DIMS_TEXT];
    const qn_value_info *value;
    cli_print("\nmemory\n  %-9s %12s %12s  %-9s  %s\n", "where", "offset", "bytes", "steps", "value");
    for (size_t i = 0; (value = qn_model_value(model, i)); i++) {
        cli_print("  %-9s %12llu %12llu  %4u..%-4u %s: %s %s", location_name(value->location),
                  (unsigned long long)value->offset, (unsigned long long)value->bytes, value->first_step,
                  value->last_step, value->name, qn_dtype_numpy_name(value->dtype),
                  qn_value_info_print_dims(value, text));
        if (value->alias >= 0) cli_print(", shares the bytes of %s", value_name(model, (uint32_t)value->alias));
        cli_print("\n");
    }
}

json_t *memory_to_json(const qn_model *model) {
    json_t *values = json_array();
    const qn_value_info *value;
    for (size_t i = 0; (value = qn_model_value(model, i)); i++)
        json_array_append_new(
            values,
            json_pack("{s:o,s:s,s:o,s:o,s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "name", cli_json_text(value->name), "dtype",
                      qn_dtype_numpy_name(value->dtype), "min", cli_dims_to_json(value->rank, value->min_dims), "max",
                      cli_dims_to_json(value->rank, value->max_dims), "location", location_name(value->location),
                      "offset", (json_int_t)value->offset, "bytes", (json_int_t)value->bytes, "first_step",
                      (json_int_t)value->first_step, "last_step", (json_int_t)value->last_step, "alias",
                      value->alias >= 0 ? cli_json_text(value_name(model, (uint32_t)value->alias)) : json_null(),
                      "encoding", encoding_to_json(value->encoding)));
    return values;
}

/* ---- Graph ---- */

/* A name between double quotes, for Graphviz. */
static void print_quoted(const char *name) {
    char *safe = cli_escape(name, QN_TEXT_LINE);
    cli_print("\"");
    for (const char *at = safe ? safe : ""; *at;) {
        const size_t plain = strcspn(at, "\"\\");
        cli_print("%.*s", (int)plain, at);
        at += plain;
        if (*at) cli_print("\\%c", *at++);
    }
    cli_print("\"");
    free(safe);
}

static void print_text_graph(const qn_model *model) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        char *attributes = step_attributes(model, i);
        for (size_t k = 0; k < step->output_count; k++)
            cli_print("%s%s", k ? ", " : "", value_name(model, step->outputs[k]));
        cli_print(" = %s(", step->op);
        for (size_t k = 0; k < step->input_count; k++)
            cli_print("%s%s", k ? ", " : "", value_name(model, step->inputs[k]));
        cli_print(attributes && *attributes ? ") {%s}\n" : ")\n", attributes);
        free(attributes);
    }
}

static void print_dot_edges(const qn_model *model, const uint32_t *producers) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        for (size_t k = 0; k < step->input_count; k++) {
            uint32_t value = step->inputs[k];
            if (value == UINT32_MAX) continue;
            if (producers[value] != UINT32_MAX)
                cli_print("  s%u -> s%zu;\n", producers[value], i);
            else if (qn_model_value(model, value)->location == QN_LOCATION_INPUT)
                cli_print("  i%llu -> s%zu;\n", (unsigned long long)qn_model_value(model, value)->offset, i);
        }
    for (size_t o = 0; o < qn_model_get_info(model)->output_count; o++) {
        size_t value;
        const char *name = qn_model_output(model, o)->name;
        qn_status *status = qn_model_find_value(model, name, &value);
        cli_print("  o%zu [shape=oval, label=", o);
        print_quoted(name);
        cli_print("];\n");
        if (!status && producers[value] != UINT32_MAX) cli_print("  s%u -> o%zu;\n", producers[value], o);
        qn_status_free(status);
    }
}

static qn_status *print_dot_graph(const qn_model *model) {
    size_t values = qn_model_get_info(model)->value_count;
    uint32_t *producers = malloc((values + 1) * sizeof *producers);
    if (!producers) return cli_out_of_memory();
    for (size_t i = 0; i < values; i++) producers[i] = UINT32_MAX;
    cli_print("digraph model {\n  node [shape=box];\n");
    for (size_t i = 0; i < qn_model_get_info(model)->input_count; i++) {
        cli_print("  i%zu [shape=oval, label=", i);
        print_quoted(qn_model_input(model, i)->name);
        cli_print("];\n");
    }
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        char *label = cli_format("%s: %s", step->op, step->name);
        cli_print("  s%zu [label=", i);
        print_quoted(label ? label : step->op);
        cli_print("];\n");
        free(label);
        for (size_t k = 0; k < step->output_count; k++) producers[step->outputs[k]] = (uint32_t)i;
    }
    print_dot_edges(model, producers);
    cli_print("}\n");
    free(producers);
    return NULL;
}

qn_status *print_step_graph(const qn_model *model, qn_graph_format format) {
    if (format == QN_GRAPH_DOT) return print_dot_graph(model);
    if (format == QN_GRAPH_JSON)
        return cli_write_json(
            "-", json_pack("{s:o,s:o}", "steps", steps_to_json(model, NULL), "values", memory_to_json(model)));
    print_text_graph(model);
    return NULL;
}
