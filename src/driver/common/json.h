/* driver/common/json.h - JSON that others wrote: limits before parsing, and words for messages. */
#ifndef QN_DRIVER_COMMON_JSON_H
#define QN_DRIVER_COMMON_JSON_H

#include "base/status.h"

#include <jansson.h>
#include <stddef.h>

enum { QN_JSON_BYTES_MAX = 16 << 20 };

/* Parses text of any origin; duplicate members are refused. `flags` are jansson's (JSON_DECODE_ANY). `origin`, a path
   for instance, begins every message. The caller releases *out_value with json_decref; it is NULL after a failure.
   LIMIT: larger than QN_JSON_BYTES_MAX or nested deeper than QN_JSON_DEPTH_MAX (base/text.h); INVALID_ARGUMENT: no
   JSON. */
qn_status *qn_json_parse(const char *text, size_t bytes, size_t flags, const char *origin,
                         json_t **out_value) QN_MUST_USE;

/* The same for what a compiled file says of itself: INVALID_MODEL, and messages begin with "meta". */
qn_status *qn_json_parse_meta(const char *text, json_t **out_value) QN_MUST_USE;

/* "an object", "a text" ...; "nothing" for NULL. */
const char *qn_json_type_name(const json_t *value);

#endif
