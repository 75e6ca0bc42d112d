#include "build/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Options ---- */

void builder_options_deinit(builder_options *options) {
    free(options->configs.items);
    free(options->inputs.items);
    free(options->outputs.items);
    free(options->ranges.items);
    calibration_options_deinit(&options->calibration);
    *options = (builder_options){0};
}

const char *builder_options_find_given(const builder_options *options) {
    return options->configs.count               ? "--config"
           : options->precision                 ? "--precision"
           : options->calibration.samples.count ? "--calibrate"
           : options->calibration.ranges        ? "--ranges"
                                                : NULL;
}

/* ---- Configuration ---- */

/* What other tools call a precision, as the configuration does. */
static const char *precision_mode(const char *name) {
    static const struct {
        const char *names[6], *mode;
    } rows[] = {{{"fp32", "float32", "f32", "float"}, "force_float32"},
                {{"fp16", "float16", "f16", "half"}, "force_float16"},
                {{"int8", "qint8", "i8", "s8"}, "qint8_mixed_float16"},
                {{"int16", "qint16", "i16", "s16"}, "qint16_mixed_float16"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; rows[i].names[k]; k++)
            if (!strcasecmp(rows[i].names[k], name)) return rows[i].mode;
    return name;
}

/* What an option sets. */
static qn_status *set_key(qn_config *config, const char *option, const char *value) {
    if (!strcmp(option, "precision")) value = precision_mode(value);
    const char *key =
        strcmp(option, "rounding") ? "precision_config.precision_mode" : "precision_config.rounding_iterations";
    return cli_context(qn_config_set(config, key, value), "--%s", option);
}

int builder_set_key(const cli_option *option, void *field, const char *value) {
    qn_config *config = NULL;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = set_key(config, option->name, value);
    qn_config_destroy(config);
    const char *more = strcmp(option->name, "precision") ? "" : "; in short fp32, fp16, int8, int16";
    int answer = status ? cli_usage("%s%s", qn_status_message(status), more) : CLI_GO_ON;
    qn_status_free(status);
    *(const char **)field = value;
    return answer;
}

static qn_status *make_config(const builder_options *options, const qn_log *log, qn_config **out_config) {
    CLI_TRY(qn_config_create(log, out_config));
    for (size_t i = 0; i < options->configs.count; i++)
        CLI_TRY(qn_config_merge_file(*out_config, options->configs.items[i]));
    if (options->precision) CLI_TRY(set_key(*out_config, "precision", options->precision));
    return options->rounding ? set_key(*out_config, "rounding", options->rounding) : NULL;
}

/* The number of the input that a range is for. */
static qn_status *find_input(const qn_network *network, const char *name, size_t *out_index) {
    size_t count = qn_network_get_info(network).input_count, length = 0;
    char list[512] = "";
    qn_value_info input;
    for (size_t i = 0; qn_network_get_input(network, i, &input); i++) {
        *out_index = i;
        if (!strcmp(input.name, name) || (!*name && count == 1)) return NULL;
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", input.name);
    }
    if (!*name)
        return qn_status_create(QN_INVALID_ARGUMENT, "the model has %zu inputs (%s): write NAME=MIN:MAX", count, list);
    return qn_status_create(QN_NOT_FOUND, "there is no input '%s'; there is %s", name, list);
}

static qn_status *parse_range(const char *text, size_t index, json_t **out_object) {
    int64_t min[QN_MAX_RANK], max[QN_MAX_RANK];
    char number[24];
    const char *colon = strchr(text, ':');
    char *low = colon ? strndup(text, (size_t)(colon - text)) : NULL;
    int rank = low ? cli_parse_dims(low, 0, min) : -1;
    int max_rank = colon ? cli_parse_dims(colon + 1, 0, max) : -1;
    free(low);
    if (rank < 0 || rank != max_rank)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "expected two shapes of one rank, as in 1,1,1,3:1,513,513,3, found '%s'", text);
    snprintf(number, sizeof number, "%zu", index);
    *out_object = json_pack("{s:{s:{s:o,s:o}}}", "dim_range", number, "min", cli_dims_to_json(rank, min), "max",
                            cli_dims_to_json(rank, max));
    return *out_object ? NULL : cli_out_of_memory();
}

/* Ranges name inputs, so they join the configuration once the network is there. */
static qn_status *merge_range(const qn_network *network, const char *range, qn_config *config) {
    char *name;
    const char *dims;
    size_t index = 0;
    json_t *object = NULL;
    CLI_TRY(cli_split_name(range, &name, &dims));
    qn_status *status = find_input(network, name, &index);
    free(name);
    if (!status) status = parse_range(dims, index, &object);
    char *text = object ? json_dumps(object, 0) : NULL;
    if (!status) status = text ? qn_config_merge_text(config, text, "--range") : cli_out_of_memory();
    free(text);
    json_decref(object);
    return cli_context(status, "--range %s", range);
}

/* ---- Import ---- */

/* "NAME" or "NAME=1,-1,-1,3"; *out_name is freed with free(). */
static qn_status *parse_input(const char *text, qn_network_input *out_input, char **out_name) {
    const char *equal = strchr(text, '=');
    *out_name = strndup(text, equal ? (size_t)(equal - text) : strlen(text));
    if (!*out_name) return cli_out_of_memory();
    *out_input = (qn_network_input){.name = *out_name, .rank = -1};
    if (equal && (out_input->rank = cli_parse_dims(equal + 1, -1, out_input->dims)) < 0)
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "--input %s: expected at most %d sizes (-1: free), as in NAME=1,-1,-1,3", text,
                                QN_MAX_RANK);
    return NULL;
}

static qn_status *import(const char *path, const builder_options *options, const qn_log *log,
                         qn_network **out_network) {
    qn_network_options import_options;
    qn_network_options_init(&import_options);
    size_t count = options->inputs.count;
    qn_network_input *inputs = calloc(count + 1, sizeof *inputs);
    char **names = calloc(count + 1, sizeof *names);
    qn_status *status = inputs && names ? NULL : cli_out_of_memory();
    for (size_t i = 0; i < count && !status; i++) status = parse_input(options->inputs.items[i], &inputs[i], &names[i]);
    import_options.inputs = inputs;
    import_options.input_count = count;
    import_options.outputs = options->outputs.items;
    import_options.output_count = options->outputs.count;
    import_options.format = options->format;
    import_options.log = log;
    status = cli_context(status, "%s", path);
    if (!status) status = cli_name_file(qn_network_import_file(path, &import_options, out_network), path);
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
    free(inputs);
    return status;
}

/* ---- Building ---- */

qn_status *builder_open(builder *b, const char *path, const builder_options *options, const qn_log *log) {
    *b = (builder){.path = path, .options = options};
    CLI_TRY(cli_context(make_config(options, log, &b->config), "%s", path));
    CLI_TRY(import(path, options, log, &b->network));
    for (size_t i = 0; i < options->ranges.count; i++)
        CLI_TRY(cli_context(merge_range(b->network, options->ranges.items[i], b->config), "%s", path));
    return NULL;
}

void builder_close(builder *b) {
    calibration_deinit(&b->calibration);
    qn_model_destroy(b->float_model);
    qn_network_destroy(b->network);
    qn_config_destroy(b->config);
    *b = (builder){0};
}

/* The mode that the configuration asks for; `size` bytes of room. */
static void print_mode(const builder *b, char *text, size_t size) {
    const char *mode = NULL;
    json_t *config = json_loads(qn_config_effective_text(b->config), 0, NULL);
    json_unpack(config, "{s:{s:s}}", "precision_config", "precision_mode", &mode);
    snprintf(text, size, "%s", mode ? mode : "force_float32");
    json_decref(config);
}

static int is_integer(const builder *b) {
    char mode[40];
    print_mode(b, mode, sizeof mode);
    return !strncmp(mode, "qint", 4);
}

/* The same network in float32, which tells how samples have to look. */
static qn_status *build_float(builder *b) {
    builder_options options = *b->options;
    qn_build_options build;
    builder plain;
    qn_build_options_init(&build);
    options.precision = "force_float32";
    options.calibration = (calibration_options){0};
    qn_status *status = builder_open(&plain, b->path, &options, NULL);
    if (!status) status = builder_build(&plain, &build, &b->float_model);
    builder_close(&plain);
    return status;
}

qn_status *builder_calibrate(builder *b, cli_watch *watch) {
    char mode[40];
    const calibration_options *options = &b->options->calibration;
    const int has_ranges = calibration_is_wanted(options);
    print_mode(b, mode, sizeof mode);
    if (b->options->rounding && !is_integer(b))
        return qn_status_create(QN_INVALID_ARGUMENT,
                                "%s: the precision is %s: --rounding is of weights that become integers", b->path,
                                mode);
    if (!has_ranges && !calibration_needs_model(options)) return NULL;
    if (!is_integer(b) && !options->save_ranges)
        return qn_status_create(
            QN_INVALID_ARGUMENT,
            "%s: the precision is %s, which needs no calibration and keeps no contract; integer is for "
            "example --precision qint8_mixed_float16",
            b->path, mode);
    if (calibration_needs_model(options)) CLI_TRY(build_float(b));
    qn_status *status = calibration_run(options, b->float_model, b->network, b->config, watch, &b->calibration);
    return cli_context(status, "%s", b->path);
}

/* Says how the program is told what the library misses. */
static qn_status *advise(const builder *b, qn_status *status) {
    const char *option = qn_status_option(status);
    if (!option || strcmp(option, "calibrator") != 0 || b->calibration.calibrator) return status;
    qn_status *longer =
        qn_status_create(QN_INVALID_ARGUMENT,
                         "%s (--calibrate DIR measures them on pictures or arrays, --ranges FILE takes those "
                         "that --save-ranges kept, --fixed-range -6,6 will do to measure speed)",
                         qn_status_message(status));
    qn_status_free(status);
    return longer;
}

qn_status *builder_build(builder *b, qn_build_options *build, qn_model **out_model) {
    build->calibrator = b->calibration.calibrator;
    build->contract = b->calibration.contract.samples.next ? &b->calibration.contract : NULL;
    build->contract_result = &b->contract_result;
    qn_contract_result_init(&b->contract_result);
    qn_status *status = qn_build(b->network, b->config, build, out_model);
    status = sample_source_blame(&b->calibration.contract_source, status);
    return cli_context(advise(b, status), "%s", b->path);
}
