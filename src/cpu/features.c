/* cpu/features.c - names, levels and masks of CPU features. */
#include "cpu/features.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const qn_cpu_feature features_table[] = {
#define QN_CPU_FEATURE(bit, id, name, doc) {UINT64_C(1) << bit, name, doc},
#include "kernel/features.def"
#undef QN_CPU_FEATURE
};

static const qn_cpu_level levels[] = {
#define QN_CPU_LEVEL(name, set, doc) {name, (set), doc},
#include "cpu/levels.def"
#undef QN_CPU_LEVEL
};

enum { LEVEL_COUNT = sizeof levels / sizeof *levels };

static const char native[] = "native";

size_t qn_cpu_feature_count(void) { return sizeof features_table / sizeof *features_table; }

const qn_cpu_feature *qn_cpu_feature_at(size_t index) { return &features_table[index]; }

size_t qn_cpu_level_count(void) { return LEVEL_COUNT; }

const qn_cpu_level *qn_cpu_level_at(size_t index) { return &levels[index]; }

void qn_cpu_features_print(qn_cpu_features features, qn_buffer *buffer) {
    const char *separator = "";
    for (size_t i = 0; i < qn_cpu_feature_count(); i++) {
        if (!(features & features_table[i].bit)) continue;
        qn_buffer_printf(buffer, "%s%s", separator, features_table[i].name);
        separator = " ";
    }
}

const char *qn_cpu_level_name(qn_cpu_features features) {
    const char *name = levels[0].name;
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if ((levels[i].features & ~features) == 0) name = levels[i].name;
    }
    return name;
}

static qn_status *unknown_level(const char *text) {
    const char *names[LEVEL_COUNT + 1];
    char list[256] = "";
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        names[i] = levels[i].name;
        strncat(list, levels[i].name, sizeof list - strlen(list) - 1);
        strncat(list, ", ", sizeof list - strlen(list) - 1);
    }
    names[LEVEL_COUNT] = native;
    strncat(list, native, sizeof list - strlen(list) - 1);
    const char *nearest = qn_text_nearest(text, names, LEVEL_COUNT + 1);
    if (nearest) {
        return QN_ERR(QN_INVALID_ARGUMENT, "unknown CPU level '%.60s': did you mean '%s'? Known are %s", text, nearest,
                      list);
    }
    return QN_ERR(QN_INVALID_ARGUMENT, "unknown CPU level '%.60s': known are %s", text, list);
}

qn_status *qn_cpu_mask_parse(const char *text, qn_cpu_features *out_mask) {
    *out_mask = ~UINT64_C(0);
    if (strcmp(text, native) == 0) return NULL;
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(text, levels[i].name) != 0) continue;
        *out_mask = levels[i].features;
        return NULL;
    }
    return unknown_level(text);
}

qn_status *qn_cpu_features_choose(const char *text, qn_cpu_features *out_features) {
    qn_cpu_features mask = ~UINT64_C(0);
    const char *environment = getenv("QUENCH_CPU");
    *out_features = 0;
    if (text) {
        QN_TRY(qn_cpu_mask_parse(text, &mask));
    } else if (environment && *environment) {
        QN_TRY_CTX(qn_cpu_mask_parse(environment, &mask), "environment variable QUENCH_CPU");
    }
    *out_features = qn_cpu_features_detect() & mask;
    return NULL;
}
