/* import/common/names.h - names as a file gives them, and a hash table from names to indices. */
#ifndef QN_IMPORT_COMMON_NAMES_H
#define QN_IMPORT_COMMON_NAMES_H

#include "base/memory.h"
#include "import/wire.h"

/* Zeroed: empty. Open addressing; the names themselves are borrowed. */
typedef struct qn_import_names {
    struct qn_import_name_slot {
        const char *name;
        uint32_t index;
    } * slots;
    size_t capacity, count;
} qn_import_names;

/* 1 when added, 0 when the name was there already (*out_index is its index), -1 on exhaustion. */
int qn_import_names_add(qn_import_names *names, qn_arena *arena, const char *name, uint32_t index, uint32_t *out_index);
/* The index of `name`, or -1. */
int64_t qn_import_names_find(const qn_import_names *names, const char *name);

/* A field as a NUL-terminated name: not empty, no control characters, at most QN_IMPORT_NAME_BYTES_MAX. `what` names it
   in messages ("node name"). */
qn_status *qn_import_read_name(qn_arena *arena, const qn_wire_field *field, const char *what,
                               const char **out_name) QN_MUST_USE;

#endif
