/* import/common/names.h - names to indices: a hash table in an arena, which hostile names make no slower. */
#ifndef QN_IMPORT_COMMON_NAMES_H
#define QN_IMPORT_COMMON_NAMES_H

#include "base/memory.h"

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

#endif
