#include "import/common/names.h"

#include "base/text.h"
#include "import/import.h"

#include <string.h>

static size_t hash_name(const char *name) { return (size_t)qn_hash_bytes(name, strlen(name), 0); }

/* The slot that holds `name`, or the empty one where it belongs. */
static struct qn_import_name_slot *find_slot(struct qn_import_name_slot *slots, size_t capacity, const char *name) {
    size_t mask = capacity - 1, at = hash_name(name) & mask;
    while (slots[at].name && strcmp(slots[at].name, name) != 0) at = (at + 1) & mask;
    return &slots[at];
}

static int grow_names(qn_import_names *names, qn_arena *arena) {
    size_t capacity = names->capacity ? 2 * names->capacity : 8; /* small: a function call may have one of its own */
    struct qn_import_name_slot *slots = QN_ARENA_ARRAY(arena, struct qn_import_name_slot, capacity);
    if (!slots) return 0;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].name) *find_slot(slots, capacity, names->slots[i].name) = names->slots[i];
    names->slots = slots;
    names->capacity = capacity;
    return 1;
}

int qn_import_names_add(qn_import_names *names, qn_arena *arena, const char *name, uint32_t index,
                        uint32_t *out_index) {
    if (2 * (names->count + 1) > names->capacity && !grow_names(names, arena)) return -1;
    struct qn_import_name_slot *slot = find_slot(names->slots, names->capacity, name);
    if (slot->name) {
        *out_index = slot->index;
        return 0;
    }
    slot->name = name;
    slot->index = index;
    names->count++;
    return 1;
}

int64_t qn_import_names_find(const qn_import_names *names, const char *name) {
    if (!names->capacity) return -1;
    const struct qn_import_name_slot *slot = find_slot(names->slots, names->capacity, name);
    return slot->name ? (int64_t)slot->index : -1;
}

qn_status *qn_import_read_name(qn_arena *arena, const qn_wire_field *field, const char *what, const char **out_name) {
    qn_bytes bytes;
    QN_TRY_CTX(qn_wire_read_bytes(field, &bytes), "%s", what);
    if (!bytes.size) return QN_ERR(QN_INVALID_MODEL, "byte %zu: empty %s", field->offset, what);
    if (bytes.size > QN_IMPORT_NAME_BYTES_MAX)
        return QN_ERR(QN_LIMIT, "byte %zu: %s of %zu bytes; the limit is %d", field->offset, what, bytes.size,
                      QN_IMPORT_NAME_BYTES_MAX);
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f)
            return QN_ERR(QN_INVALID_MODEL, "byte %zu: %s holds the control character 0x%02x; the file is damaged",
                          field->offset, what, bytes.data[i]);
    *out_name = qn_arena_copy_string(arena, (const char *)bytes.data, bytes.size);
    return *out_name ? NULL : qn_status_out_of_memory();
}
