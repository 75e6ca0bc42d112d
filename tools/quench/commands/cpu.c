/* commands/cpu.c - `quench cpu`: what this CPU offers, what quench uses of it, which kernels that selects. */
#include "cli/cli.h"
#include "quench/cpu.h"

#include <stdio.h>
#include <string.h>

typedef struct cpu_settings {
    const char *cpu, *json;
} cpu_settings;

static const cli_option options[] = {
    {0, "cpu", "NAME", "as if no features above this level were there; default: QUENCH_CPU, else all", cli_set_cpu,
     offsetof(cpu_settings, cpu), 0, 0},
    {0, "json", "FILE|-", "the same as JSON; - for standard output", cli_set_json, offsetof(cpu_settings, json), 0, 0},
    {0},
};

static const cli_command command = {
    "cpu",
    "cpu [options]",
    "Shows what this CPU offers, what quench uses of it, how many threads it starts and why, and which kernels are\n"
    "selected.",
    options,
    0,
    0,
};

static void print_threads(const qn_cpu_thread_info *threads) {
    cli_print("threads   %d: %d CPU%s in the affinity mask, ", threads->asked ? threads->asked : threads->usable,
              threads->affinity, threads->affinity == 1 ? "" : "s");
    if (threads->quota > 0)
        cli_print("the control group grants the time of %.3g", threads->quota);
    else
        cli_print("no limit from the control group");
    cli_print(threads->asked ? ", QUENCH_THREADS asks for %d\n" : "\n", threads->asked);
}

static void print_kernels(const qn_cpu_info *info) {
    cli_print("\nkernels\n");
    for (size_t i = 0; i < info->kernel_count; i++) {
        const qn_cpu_kernel_info *kernel = &info->kernels[i];
        const char *state = kernel->is_selected    ? "selected"
                            : kernel->is_available ? "available"
                            : kernel->is_compiled  ? "-"
                                                   : "other CPU";
        cli_print("  %-14s %-26s %s", kernel->family, kernel->name, state);
        cli_print(*kernel->needs ? "%*s needs %s\n" : "\n", (int)(10 - strlen(state)), "", kernel->needs);
    }
}

static void print_info(const qn_cpu_info *info) {
    cli_print("CPU       %s\nmask      %s\nlevel     %s\n", info->model_name, info->mask, info->level);
    print_threads(&info->threads);
    cli_print("\nlevels (for --cpu and QUENCH_CPU)\n");
    for (size_t i = 0; i < info->level_count; i++)
        cli_print("  %-12s %-8s %s\n", info->levels[i].name, info->levels[i].is_present ? "present" : "-",
                  info->levels[i].description);
    cli_print("\nfeatures\n");
    for (size_t i = 0; i < info->feature_count; i++) {
        const qn_cpu_feature_info *feature = &info->features[i];
        const char *state = feature->is_used ? "used" : feature->is_present ? "masked" : "-";
        cli_print("  %-12s %-8s %s\n", feature->name, state, feature->description);
    }
    print_kernels(info);
}

static json_t *to_json(const qn_cpu_info *info) {
    json_t *levels = json_array(), *features = json_array(), *kernels = json_array();
    for (size_t i = 0; i < info->level_count; i++)
        json_array_append_new(
            levels, json_pack("{s:s,s:b}", "name", info->levels[i].name, "present", info->levels[i].is_present));
    for (size_t i = 0; i < info->feature_count; i++)
        json_array_append_new(features, json_pack("{s:s,s:b,s:b}", "name", info->features[i].name, "present",
                                                  info->features[i].is_present, "used", info->features[i].is_used));
    for (size_t i = 0; i < info->kernel_count; i++) {
        const qn_cpu_kernel_info *kernel = &info->kernels[i];
        json_array_append_new(kernels, json_pack("{s:s,s:s,s:s,s:b,s:b,s:b}", "family", kernel->family, "name",
                                                 kernel->name, "needs", kernel->needs, "compiled", kernel->is_compiled,
                                                 "available", kernel->is_available, "selected", kernel->is_selected));
    }
    const qn_cpu_thread_info *threads = &info->threads;
    return json_pack("{s:s,s:s,s:s,s:{s:i,s:i,s:o,s:o},s:o,s:o,s:o}", "cpu", info->model_name, "mask", info->mask,
                     "level", info->level, "threads", "usable", threads->usable, "affinity", threads->affinity, "quota",
                     threads->quota > 0 ? json_real(threads->quota) : json_null(), "asked",
                     threads->asked ? json_integer(threads->asked) : json_null(), "levels", levels, "features",
                     features, "kernels", kernels);
}

int cli_cmd_cpu(int argc, char **argv) {
    cpu_settings settings = {0};
    int first, code = cli_parse(&command, argc, argv, &settings, &first);
    if (code != CLI_GO_ON) return code;
    qn_cpu_info *info = NULL;
    qn_status *status = qn_cpu_info_create(settings.cpu, NULL, &info);
    if (!status && !cli_json_on_stdout(settings.json)) print_info(info);
    if (!status && settings.json) status = cli_write_json(settings.json, to_json(info));
    qn_cpu_info_destroy(info);
    return cli_finish(status);
}
