/* quench/config.h - how a network is to be built: MagicMind's JSON keys, with their meaning.
 *
 *     status = qn_config_create(NULL, &config);
 *     status = qn_config_merge_text(config, "{\"debug_config\": {\"fusion_enable\": false}}", "command line");
 *
 * Several texts merge, later keys win; objects merge key by key. An unknown key, a wrong type or a value out of range
 * is an error that names the key, what is allowed and the nearest valid spelling. docs/configuration.md lists the keys.
 * Threads: one at a time per configuration.
 */
#ifndef QUENCH_CONFIG_H
#define QUENCH_CONFIG_H

#include "quench/log.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_config qn_config;

/* An empty configuration: every default. `log` (NULL: none) hears of keys that mean nothing on a CPU; copied. OUT_OF_MEMORY. */
QN_API qn_status *qn_config_create(const qn_log *log, qn_config **out_config) QN_MUST_USE;
QN_API void qn_config_destroy(qn_config *config); /* accepts NULL */

/* Merges a JSON object. `origin` stands for it in messages. On failure the configuration is as it was.
   INVALID_ARGUMENT: no JSON object, an unknown key, a wrong value; UNSUPPORTED: a key or value this version refuses, with the reason. */
QN_API qn_status *qn_config_merge_text(qn_config *config, const char *text, const char *origin) QN_MUST_USE;
/* The same from a file. Also NOT_FOUND, IO. */
QN_API qn_status *qn_config_merge_file(qn_config *config, const char *path) QN_MUST_USE;

/* Sets one key, under the same checks as merging.
 * @param key    a dotted path: "debug_config.fusion_enable"
 * @param value  JSON ("false", "[0, 127.5]", "{\"0\": ...}"); where the key takes a word, the word itself will do
 * On failure the configuration is as it was. INVALID_ARGUMENT, UNSUPPORTED, LIMIT, OUT_OF_MEMORY as qn_config_merge_text. */
QN_API qn_status *qn_config_set(qn_config *config, const char *key, const char *value) QN_MUST_USE;

/* The effective configuration: what was given with every default filled in, as JSON with sorted keys. This is what a compiled
   file carries. Owned by `config`, valid until the next call of this function; "{}" when memory is short. */
QN_API const char *qn_config_effective_text(qn_config *config);

/* The configuration as JSON with sorted keys, only what was given. Owned by `config`, valid until the next call of this function; "{}" when
   nothing was given or memory is short. */
QN_API const char *qn_config_text(qn_config *config);

#ifdef __cplusplus
}
#endif
#endif
