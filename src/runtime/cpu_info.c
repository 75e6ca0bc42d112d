/* cpu_info.c - what this machine offers, as a report. */
#include "quench/cpu.h"

#include "base/entry.h"
#include "base/memory.h"
#include "cpu/features.h"
#include "cpu/threads.h"
#include "kernel/kernel.h"
#include "runtime/threads.h"

#include <stdlib.h>
#include <string.h>

/* The report and what owns it; `info` is first, so that a pointer to one is a pointer to the other. */
typedef struct cpu_report {
    qn_cpu_info info;
    qn_allocator allocator;
    qn_arena arena;
} cpu_report;

enum { MODEL_NAME_BYTES = 128 };

qn_cpu_thread_info qn_cpu_get_threads(void) {
    QN_ENTER();
    qn_cpu_threads found = qn_cpu_threads_find();
    int asked;
    qn_status_free(qn_threads_read_environment(&asked)); /* whoever starts threads reports it */
    return (qn_cpu_thread_info){found.affinity, found.quota, found.usable, asked};
}

static int fill_features(cpu_report *report, qn_cpu_features present, qn_cpu_features used) {
    size_t count = qn_cpu_feature_count();
    qn_cpu_feature_info *features = QN_ARENA_ARRAY(&report->arena, qn_cpu_feature_info, count);
    for (size_t i = 0; features && i < count; i++) {
        const qn_cpu_feature *feature = qn_cpu_feature_at(i);
        features[i] = (qn_cpu_feature_info){feature->name, feature->doc, (present & feature->bit) != 0,
                                            (used & feature->bit) != 0};
    }
    report->info.features = features;
    report->info.feature_count = count;
    return features != NULL;
}

static int fill_levels(cpu_report *report, qn_cpu_features present) {
    size_t count = qn_cpu_level_count();
    qn_cpu_level_info *levels = QN_ARENA_ARRAY(&report->arena, qn_cpu_level_info, count);
    for (size_t i = 0; levels && i < count; i++) {
        const qn_cpu_level *level = qn_cpu_level_at(i);
        levels[i] = (qn_cpu_level_info){level->name, level->doc, (level->features & ~present) == 0};
    }
    report->info.levels = levels;
    report->info.level_count = count;
    return levels != NULL;
}

static const char *print_features(cpu_report *report, qn_cpu_features features) {
    qn_buffer names;
    qn_buffer_init(&names, &report->allocator);
    qn_cpu_features_print(features, &names);
    const char *text = names.failed ? NULL : qn_arena_printf(&report->arena, "%s", qn_buffer_text(&names));
    qn_buffer_deinit(&names);
    return text;
}

/* Selection as qn_kernel_select does it: the last available row of a family. */
static int fill_kernels(cpu_report *report, qn_cpu_features used) {
    size_t count = qn_kernel_row_count();
    qn_cpu_kernel_info *kernels = QN_ARENA_ARRAY(&report->arena, qn_cpu_kernel_info, count);
    if (!kernels) return 0;
    for (size_t i = 0; i < count; i++) {
        const qn_kernel_row *row = qn_kernel_row_at(i);
        qn_cpu_kernel_info *kernel = &kernels[i];
        kernel->family = row->family;
        kernel->name = row->name;
        kernel->needs = print_features(report, row->needs);
        if (!kernel->needs) return 0;
        kernel->is_compiled = row->kernel != NULL;
        kernel->is_available = kernel->is_selected = row->kernel && !(row->needs & ~used);
        for (size_t k = 0; k < i && kernel->is_selected; k++)
            if (!strcmp(kernels[k].family, kernel->family)) kernels[k].is_selected = 0;
    }
    report->info.kernels = kernels;
    report->info.kernel_count = count;
    return 1;
}

static int fill(cpu_report *report, const char *mask, qn_cpu_features used) {
    const char *environment = getenv("QUENCH_CPU");
    if (!mask) mask = environment && *environment ? environment : "native";
    char *model_name = qn_arena_alloc(&report->arena, MODEL_NAME_BYTES, 1);
    if (!model_name) return 0;
    qn_cpu_model_name(model_name, MODEL_NAME_BYTES);
    report->info.model_name = model_name;
    report->info.mask = qn_arena_printf(&report->arena, "%s", mask);
    report->info.level = qn_cpu_level_name(used);
    report->info.threads = qn_cpu_get_threads();
    qn_cpu_features present = qn_cpu_features_detect();
    return report->info.mask && fill_features(report, present, used) && fill_levels(report, present) &&
           fill_kernels(report, used);
}

qn_status *qn_cpu_info_create(const char *mask, const qn_allocator *allocator, qn_cpu_info **out_info) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_info);
    *out_info = NULL;
    qn_cpu_features used;
    QN_TRY(qn_cpu_features_choose(mask, &used));
    allocator = qn_allocator_or_default(allocator);
    cpu_report *report = qn_alloc_zeroed(allocator, 1, sizeof *report, _Alignof(cpu_report));
    if (!report) return qn_status_out_of_memory();
    report->allocator = *allocator;
    qn_arena_init(&report->arena, &report->allocator);
    if (!fill(report, mask, used)) {
        qn_cpu_info_destroy(&report->info);
        return qn_status_out_of_memory();
    }
    *out_info = &report->info;
    return NULL;
}

void qn_cpu_info_destroy(qn_cpu_info *info) {
    cpu_report *report = (cpu_report *)info;
    if (!report) return;
    qn_allocator allocator = report->allocator;
    qn_arena_deinit(&report->arena);
    qn_free(&allocator, report);
}
