/* commands/run.c - `quench run`: any model on .npy arrays. */
#include "session/arrays.h"
#include "cli/measure.h"
#include "cli/streams.h"

#include "quench/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct run_settings {
    const char *out, *json, *trace;
    cli_texts inputs, dumps;
    cli_run_options run;
} run_settings;

#define FIELD(name) offsetof(run_settings, name), 0, 0

static const cli_option options[] = {
    {0, "input", "NAME=x.npy", "an input; a single one need not be named", cli_add_input, FIELD(inputs)},
    {'o', "output-dir", "DIR",
     "where the outputs go, one NAME.npy each; made if it is not there; -: standard output, of one", cli_set_output,
     FIELD(out)},
    {0, "dump", "NODE", "also save this intermediate value, as floats where integers stand for them; several",
     cli_add_text, FIELD(dumps)},
    {0, "trace", "FILE", "also write the run as a trace for Chrome or Perfetto", cli_set_output, FIELD(trace)},
    CLI_RUN_OPTIONS(run_settings),
    {0},
};

static const cli_command command = {
    "run",
    "run MODEL --input NAME=x.npy ... --output-dir DIR [options]",
    "Runs a model once and saves every output as DIR/NAME.npy. In file names, what is no letter, digit, '.', '-' or "
    "'_'\n"
    "becomes '_'. MODEL is a compiled file, or a source model, which is built in memory first. Values that "
    "optimisation\n"
    "has fused away cannot be dumped; a model built with debug_config.fusion_enable false keeps them all.",
    options,
    1,
    1,
};

/* A value that is to be saved, and where. */
typedef struct artifact {
    const char *name;                 /* as it was asked for */
    const char *value;                /* the model's */
    const qn_encoding_info *encoding; /* what the integers are to be saved as; NULL: the value as it is */
    char *path;
    int is_dump, is_saved;
    json_t *summary; /* NULL until saved */
} artifact;

typedef struct job {
    const run_settings *settings;
    cli_session session;
    input_arrays inputs;
    qn_tensor *outputs;  /* as many as the model has */
    artifact *artifacts; /* the outputs in order, then dumps */
    size_t output_count, artifact_count;
    double ms;
    qn_status *dump_status;
} job;

static void job_deinit(job *j) {
    input_arrays_deinit(&j->inputs);
    for (size_t i = 0; j->outputs && i < j->output_count; i++) qn_tensor_deinit(&j->outputs[i], NULL);
    for (size_t i = 0; j->artifacts && i < j->artifact_count; i++)
        free(j->artifacts[i].path), json_decref(j->artifacts[i].summary);
    free(j->outputs);
    free(j->artifacts);
    qn_status_free(j->dump_status);
    cli_session_close(&j->session);
}

static qn_status *allocate(job *j) {
    const qn_model_info *info = qn_model_get_info(j->session.model);
    j->output_count = info->output_count;
    j->outputs = calloc(j->output_count + 1, sizeof *j->outputs);
    j->artifacts = calloc(j->output_count + j->settings->dumps.count + 1, sizeof *j->artifacts);
    return j->outputs && j->artifacts ? NULL : cli_out_of_memory();
}

/* ---- Outputs ---- */

/* A name of the model as a file name: it stays in its folder, whatever the name. */
static char *make_path(const char *folder, const char *name) {
    char *file = cli_format("%s.npy", *name ? name : "_"), *path = NULL;
    for (char *at = file; at && *at; at++) {
        int is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                       strchr("._-", *at);
        if (!is_plain || (at == file && *at == '.')) *at = '_';
    }
    if (file) path = cli_join_path(folder, file);
    free(file);
    return path;
}

static artifact *find_artifact(job *j, const char *name) {
    for (size_t i = 0; i < j->artifact_count; i++)
        if (!strcmp(j->artifacts[i].name, name)) return &j->artifacts[i];
    return NULL;
}

static qn_status *add_artifact(job *j, artifact one) {
    int is_stream = cli_is_stream(j->settings->out);
    if (is_stream && j->output_count + j->settings->dumps.count > 1)
        return qn_status_create(QN_INVALID_ARGUMENT, "%s: one array can go there, not the %zu of this run: -o DIR",
                                cli_given_name(j->settings->out), j->output_count + j->settings->dumps.count);
    one.path = is_stream ? strdup(j->settings->out) : make_path(j->settings->out, one.name);
    if (!one.path) return cli_out_of_memory();
    j->artifacts[j->artifact_count++] = one;
    return NULL;
}

/* The first integer value that stands for the float of that name, or NULL. */
static const qn_value_info *find_integers(const qn_model *model, const char *name) {
    const qn_value_info *value;
    for (size_t i = 0; (value = qn_model_value(model, i)); i++)
        if (value->encoding && !strcmp(value->encoding->of, name)) break;
    return value;
}

/* A value by its name, as it is; else a float by its name, from the integers that stand for it. */
static qn_status *add_dump(job *j, const char *name) {
    size_t index;
    if (find_artifact(j, name)) return NULL;
    qn_status *status = qn_model_find_value(j->session.model, name, &index);
    const qn_value_info *value =
        status ? find_integers(j->session.model, name) : qn_model_value(j->session.model, index);
    if (!value) {
        qn_status *longer = qn_status_create(qn_status_code(status),
                                             "--dump: %s (values inside fused steps are gone; a model built with "
                                             "debug_config.fusion_enable false keeps them)",
                                             qn_status_message(status));
        qn_status_free(status);
        return longer;
    }
    const qn_encoding_info *encoding = status ? value->encoding : NULL;
    qn_status_free(status);
    if (value->location == QN_LOCATION_CONSTANT)
        return qn_status_create(QN_INVALID_ARGUMENT, "--dump %s: it is a constant, not computed while running", name);
    return add_artifact(j, (artifact){.name = name, .value = value->name, .encoding = encoding, .is_dump = 1});
}

static qn_status *name_artifacts(job *j, const char *model) {
    cli_files files = {0};
    for (size_t i = 0; i < j->output_count; i++)
        CLI_TRY(add_artifact(j, (artifact){.name = qn_model_output(j->session.model, i)->name}));
    for (size_t i = 0; i < j->settings->dumps.count; i++) CLI_TRY(add_dump(j, j->settings->dumps.items[i]));
    qn_status *status = cli_files_add_input(&files, model);
    for (size_t i = 0; i < j->inputs.count && !status; i++) status = cli_files_add_input(&files, j->inputs.paths[i]);
    for (size_t i = 0; i < j->artifact_count && !status; i++)
        status = cli_files_add_output(&files, j->artifacts[i].path, j->artifacts[i].name);
    if (!status && j->settings->json && !cli_json_on_stdout(j->settings->json))
        status = cli_files_add_output(&files, j->settings->json, "--json");
    if (!status && j->settings->trace) status = cli_files_add_output(&files, j->settings->trace, "--trace");
    if (!status) status = cli_files_check(&files);
    cli_files_deinit(&files);
    return status;
}

static qn_status *save(job *j, artifact *one, const qn_tensor *tensor) {
    char text[QN_DIMS_TEXT];
    CLI_TRY(qn_npy_save(one->path, tensor));
    one->is_saved = 1;
    if (!cli_json_on_stdout(j->settings->json))
        cli_print("%s: %s %s, %s '%s'\n", cli_given_name(one->path), qn_dtype_numpy_name(tensor->dtype),
                  qn_dims_print(tensor->rank, tensor->dims, text), one->is_dump ? "value" : "output", one->name);
    one->summary =
        json_pack("{s:o,s:s,s:o,s:o}", "name", cli_json_text(one->name), "dtype", qn_dtype_numpy_name(tensor->dtype),
                  "shape", cli_dims_to_json(tensor->rank, tensor->dims), "file", cli_json_text(one->path));
    return NULL;
}

static qn_status *save_dump(job *j, artifact *one, const qn_tensor *tensor) {
    qn_tensor floats = {0};
    if (!one->encoding) return save(j, one, tensor);
    qn_status *status = cli_tensor_decode(tensor, one->encoding, &floats);
    if (!status) status = save(j, one, &floats);
    qn_tensor_deinit(&floats, NULL);
    return status;
}

/* Saves values as they appear; a failure to do so ends the run. */
static int observe(void *self, const char *name, const qn_tensor *tensor) {
    job *j = self;
    for (size_t i = j->output_count; i < j->artifact_count && !j->dump_status; i++)
        if (!strcmp(j->artifacts[i].value, name)) j->dump_status = save_dump(j, &j->artifacts[i], tensor);
    return j->dump_status != NULL;
}

static qn_status *run_once(job *j) {
    if (j->artifact_count > j->output_count) CLI_TRY(qn_context_set_observer(j->session.context, observe, j));
    double start = cli_now_ms();
    qn_status *status =
        qn_context_run(j->session.context, j->inputs.tensors, j->inputs.count, j->outputs, j->output_count);
    j->ms = cli_now_ms() - start;
    if (!j->dump_status) return status;
    qn_status_free(status);
    status = j->dump_status;
    j->dump_status = NULL;
    return status;
}

static qn_status *run_traced(job *j) {
    qn_trace *trace;
    if (!j->settings->trace) return run_once(j);
    CLI_TRY(cli_session_begin_trace(&j->session, &trace));
    return cli_session_end_trace(&j->session, trace, j->settings->trace, run_once(j));
}

static qn_status *check_dumps(const job *j) {
    for (size_t i = j->output_count; i < j->artifact_count; i++)
        if (!j->artifacts[i].is_saved)
            return qn_status_create(QN_UNAVAILABLE, "--dump %s: this run did not compute it apart from its neighbours",
                                    j->artifacts[i].name);
    return NULL;
}

static json_t *take_summaries(job *j, int is_dump) {
    json_t *array = json_array();
    for (size_t i = 0; i < j->artifact_count; i++)
        if (j->artifacts[i].is_dump == is_dump && j->artifacts[i].summary)
            json_array_append(array, j->artifacts[i].summary);
    return array;
}

static json_t *to_json(job *j, const char *model) {
    return json_pack("{s:o,s:i,s:s,s:f,s:o,s:o}", "model", cli_json_text(model), "threads",
                     qn_engine_threads(j->session.engine), "cpu", qn_engine_cpu(j->session.engine), "ms", j->ms,
                     "outputs", take_summaries(j, 0), "dumps", take_summaries(j, 1));
}

static qn_status *check_outputs(const run_settings *settings) {
    const char *paths[] = {settings->json, settings->trace};
    if (!cli_is_stream(settings->out)) CLI_TRY(cli_check_folder(settings->out));
    for (int i = 0; i < 2; i++)
        if (!cli_is_in_folder(paths[i], settings->out)) CLI_TRY(cli_check_writable(paths[i]));
    return NULL;
}

static qn_status *save_all(job *j, const char *model) {
    for (size_t i = 0; i < j->output_count; i++) {
        CLI_TRY(cli_watch_check());
        CLI_TRY(save(j, &j->artifacts[i], &j->outputs[i]));
    }
    CLI_TRY(check_dumps(j));
    cli_remark("one run took %.2f ms", j->ms);
    return j->settings->json ? cli_write_json(j->settings->json, to_json(j, model)) : NULL;
}

static qn_status *run(job *j, const char *model) {
    cli_watch watch;
    CLI_TRY(check_outputs(j->settings));
    CLI_TRY(cli_session_open(model, &j->settings->run, NULL, &j->session));
    CLI_TRY(allocate(j));
    CLI_TRY(cli_context(input_arrays_load(j->session.model, &j->settings->inputs, &j->inputs), "%s", model));
    CLI_TRY(cli_context(cli_set_input_shapes(j->session.context, j->inputs.tensors, j->inputs.count), "%s", model));
    CLI_TRY(name_artifacts(j, model));
    if (!cli_is_stream(j->settings->out)) CLI_TRY(cli_make_folder(j->settings->out));
    CLI_TRY(cli_session_make_outputs(&j->session, j->outputs));
    CLI_TRY(cli_context(run_traced(j), "%s", model));
    cli_watch_begin(&watch);
    qn_status *status = save_all(j, model);
    cli_watch_end(&watch);
    return status;
}

int cli_cmd_run(int argc, char **argv) {
    run_settings settings = {0};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code == CLI_GO_ON && !settings.out) code = cli_usage("--output-dir DIR is missing");
    if (code == CLI_GO_ON) {
        job j = {.settings = &settings};
        code = cli_finish(run(&j, argv[first]));
        job_deinit(&j);
    }
    free(settings.inputs.items);
    free(settings.dumps.items);
    cli_run_options_deinit(&settings.run);
    return code;
}
