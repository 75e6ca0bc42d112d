/* driver/config/config.h - the private side of quench/config.h: typed look-ups for the build. */
#ifndef QN_DRIVER_CONFIG_CONFIG_H
#define QN_DRIVER_CONFIG_CONFIG_H

#include "quench/config.h"

#include <jansson.h>

struct qn_config {
    json_t *root;    /* what was given, merged and checked */
    char *text;      /* what qn_config_text last returned */
    char *effective; /* what qn_config_effective_text last returned */
    qn_log log;
    int has_log;
};

/* The member at a dotted path ("debug_config.fusion_enable"), or NULL. Borrowed. `config` may be NULL. */
const json_t *qn_config_find(const qn_config *config, const char *path);
/* The boolean at `path`, or `fallback`. */
int qn_config_bool(const qn_config *config, const char *path, int fallback);
/* The integer at `path`, or `fallback`. */
int64_t qn_config_int(const qn_config *config, const char *path, int64_t fallback);

/* What was given with every default filled in, sorted; freed with free(). NULL when memory is short. `config` may be
 * NULL. */
char *qn_config_make_effective(const qn_config *config);

#endif
