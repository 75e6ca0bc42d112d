/* commands/verify.c - `quench verify`: checks compiled files without running them. */
#include "session/session.h"
#include "cli/streams.h"

#include <stdio.h>

static const cli_option options[] = {{0}};

static const cli_command command = {
    "verify",
    "verify FILE.qn ...",
    "Checks every byte of compiled files and what their JSON says, without running them. A file that passes loads and "
    "runs;\n"
    "one with any byte changed, missing or added is refused.",
    options,
    1,
    -1,
};

static void print_facts(const char *path, const qn_model_info *info) {
    cli_print("%s: sound, %zu steps, %zu input%s, %zu output%s, %llu bytes of constants in %llu\n",
              cli_given_name(path), info->step_count, info->input_count, info->input_count == 1 ? "" : "s",
              info->output_count, info->output_count == 1 ? "" : "s", (unsigned long long)info->const_bytes,
              (unsigned long long)info->file_bytes);
}

static qn_status *verify(const char *path) {
    qn_model *model = NULL;
    qn_model_options load;
    qn_model_options_init(&load);
    load.memory = QN_MEMORY_COPY; /* sound is what was read, whatever becomes of the file meanwhile */
    CLI_TRY(qn_model_load_file(path, &load, &model));
    qn_status *status = cli_context(qn_model_check_meta(model), "%s", path);
    if (!status) print_facts(path, qn_model_get_info(model));
    qn_model_destroy(model);
    return status;
}

int cli_cmd_verify(int argc, char **argv) {
    int first, code = cli_parse(&command, argc, argv, NULL, &first);
    if (code != CLI_GO_ON) return code;
    code = CLI_OK;
    for (int i = first; i < argc; i++)
        if (cli_finish(verify(argv[i]))) code = CLI_FAILED;
    return code;
}
