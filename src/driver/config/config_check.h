/* driver/config/config_check.h - the table of configuration keys, and checking JSON against it. Only src/driver/config*.c and
 * its tests include this file. */
#ifndef QN_DRIVER_CONFIG_CONFIG_CHECK_H
#define QN_DRIVER_CONFIG_CONFIG_CHECK_H

#include "base/status.h"

#include <jansson.h>

typedef enum qn_config_kind {
    QN_CONFIG_OBJECT, /* its members have rows of their own */
    QN_CONFIG_ANY,
    QN_CONFIG_BOOL,
    QN_CONFIG_TEXT,         /* one of `allowed` */
    QN_CONFIG_NAME,         /* any text */
    QN_CONFIG_LEVEL,        /* 0, 1 or 2 */
    QN_CONFIG_COUNT,        /* an integer from 0 to 1000000 */
    QN_CONFIG_POSITIVE,     /* a number above 0 */
    QN_CONFIG_NUMBERS,      /* a number, or an array of 1, 3 or 4 */
    QN_CONFIG_POSITIVES,    /* the same, above 0 */
    QN_CONFIG_PIXEL,        /* the same, from 0 to 255 */
    QN_CONFIG_PASSES,       /* an array of names of passes */
    QN_CONFIG_ARCHS,        /* an array of names or {name: [cluster numbers]} */
    QN_CONFIG_RANGES,       /* {"0": {"min": [..], "max": [..]}} */
    QN_CONFIG_VALUE_RANGES, /* {"NAME": {"min": [..], "max": [..]}} */
    QN_CONFIG_NORMS,        /* {"0": {"mean": [..], "var": [..]}} */
    QN_CONFIG_NODES,   /* {"IConvNode": {"precision": "int8", "input": {"0": {"quant_granularity": "per_axis"}}}} */
    QN_CONFIG_LAYOUTS, /* {"0": {"src": "NHWC", "dst": "NCHW"}} */
    QN_CONFIG_DECODE,  /* "labels", "logits" or {"logits": axis} */
    QN_CONFIG_CLASSES, /* one of `allowed`, or an array of names */
    QN_CONFIG_PALETTE  /* one of `allowed`, or an array of [r, g, b] */
} qn_config_kind;

typedef enum qn_config_fate { QN_CONFIG_WORKS, QN_CONFIG_IGNORED, QN_CONFIG_REFUSED } qn_config_fate;

typedef struct qn_config_key {
    const char *path; /* "debug_config.fusion_enable" */
    qn_config_kind kind;
    qn_config_fate fate;
    const char *allowed, *fallback, *reason; /* config_keys.def; NULL where there is none */
} qn_config_key;

size_t qn_config_key_count(void);
const qn_config_key *qn_config_key_at(size_t index);

/* The key of that path, or INVALID_ARGUMENT with the nearest spelling. */
qn_status *qn_config_key_find(const char *path, const char *origin, const qn_config_key **out_key) QN_MUST_USE;

/* Checks an object and everything in it against the table. INVALID_ARGUMENT: an unknown key, a wrong type or value;
   UNSUPPORTED: what this version refuses, with the reason. */
qn_status *qn_config_check(const json_t *object, const char *origin) QN_MUST_USE;

/* Is this a name of that vendor's chips ("mtp_372"), which says nothing on a CPU? */
int qn_config_is_vendor_arch(const char *name);

#endif
