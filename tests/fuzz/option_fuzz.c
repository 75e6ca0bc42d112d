/* option_fuzz.c - texts of the command line that say more than a name: one a line, its first letter saying which option
 * it is of. They steer the import of a tiny model and its build; the program's functions do the reading. */
#include "fuzz.h"

#include "build/builder.h"
#include "import/graphdef_builder.h"
#include "quench/cpu.h"
#include "quench/image.h"
#include "quench/nodes.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 4 };

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

/* ---- Each option ---- */

static void add(cli_texts *texts, const char *text) {
    if (texts->count < TEXTS_MAX) texts->items[texts->count++] = text;
}

static qn_status *try_cpu(const char *text) {
    qn_cpu_info *info = NULL;
    qn_status *status = qn_cpu_info_create(text, fuzz_allocator(), &info);
    qn_cpu_info_destroy(info);
    return status;
}

static qn_status *try_key(const char *text) {
    qn_config *config = NULL;
    char *key;
    const char *value;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = cli_split_name(text, &key, &value);
    if (!status) {
        status = qn_config_set(config, key, value);
        free(key);
    }
    qn_config_destroy(config);
    return status;
}

/* "conv2d stride=[2, 2]": attributes of a node as callers write them. */
static qn_status *try_attributes(char *text) {
    qn_network *network = NULL;
    qn_value *x = NULL, *w = NULL;
    qn_node *node;
    static float zeros[4];
    const qn_tensor weights = {QN_DTYPE_F32, 4, {1, 1, 2, 2}, zeros};
    char *attributes = strchr(text, ' ');
    if (attributes) *attributes++ = 0;
    qn_status *status = qn_network_create("n", fuzz_allocator(), &network);
    if (!status) status = qn_network_add_input(network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, -1, 4, 2}, &x);
    if (!status) status = qn_network_add_constant(network, "w", &weights, &w);
    qn_value *inputs[2] = {x, w};
    for (size_t count = 1; !status && count <= 2; count++)
        expect_fair(qn_network_add_node(network, text, "y", attributes, inputs, count, &node));
    qn_network_destroy(network);
    return status;
}

static qn_status *try_fit(const char *text) {
    qn_image_fit_mode mode;
    return qn_image_fit_mode_from_name(text, &mode);
}

/* ---- All together ---- */

/* The file of a frozen graph: x [-1, 2] -> Relu, called y. */
static const char *model_file(void) {
    gd_graph graph;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 2, (int64_t[]){-1, 2});
    gd_node(&graph, "y", "Relu", "x");
    gd_attr_type(&graph, "T", GD_FLOAT);
    qn_bytes bytes = gd_finish(&graph);
    const char *path = as_file(bytes.data, bytes.size);
    gd_deinit(&graph);
    return path;
}

static qn_status *build(const builder_options *options) {
    builder b;
    qn_build_options build_options;
    qn_model *made = NULL;
    qn_build_options_init(&build_options);
    qn_status *status = builder_open(&b, model_file(), options, NULL);
    if (!status) status = builder_build(&b, &build_options, &made);
    builder_close(&b);
    if (made) run_model(made, 1);
    qn_model_destroy(made);
    return status;
}

static void take_line(char *line, builder_options *options) {
    switch (*line) {
    case 'i': add(&options->inputs, line + 1); break;
    case 'o': add(&options->outputs, line + 1); break;
    case 'r': add(&options->ranges, line + 1); break;
    case 'p': options->precision = line + 1; break;
    case 'q': options->rounding = line + 1; break;
    case 'f': options->format = line + 1; break;
    case 'c': expect_fair(try_cpu(line + 1)); break;
    case 'k': expect_fair(try_key(line + 1)); break;
    case 'a': expect_fair(try_attributes(line + 1)); break;
    case 't': expect_fair(try_fit(line + 1)); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    const char *inputs[TEXTS_MAX], *outputs[TEXTS_MAX], *ranges[TEXTS_MAX];
    builder_options options = {.inputs = {inputs, 0}, .outputs = {outputs, 0}, .ranges = {ranges, 0}};
    char *text = as_text(data, bytes), *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) take_line(line, &options);
    if (options.inputs.count || options.outputs.count || options.ranges.count || options.precision || options.rounding)
        expect_fair(build(&options));
    free(text);
    return 0;
}
