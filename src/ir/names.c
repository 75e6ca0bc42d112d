#include "ir/names.h"

#include <assert.h>
#include <string.h>

typedef struct entry {
    const char *name; /* NULL: free slot */
    void *object;     /* NULL: the name was released */
    uint32_t kind;
    uint32_t last_suffix; /* of the names that were made from this one: 2 after "x_1" and "x_2" */
} entry;

struct qn_name_table {
    qn_arena *arena;
    entry *entries; /* open addressing, at most half full; size is a power of two */
    size_t size, used;
};

struct qn_name_table *qn_names_create(qn_arena *arena) {
    struct qn_name_table *table = QN_ARENA_NEW(arena, struct qn_name_table);
    if (!table) return NULL;
    table->arena = arena;
    table->size = 64;
    table->entries = QN_ARENA_ARRAY(arena, entry, table->size);
    return table->entries ? table : NULL;
}

/* The entry of a name, or the free slot where it belongs. */
static entry *find_entry(const struct qn_name_table *table, qn_name_kind kind, const char *name) {
    size_t mask = table->size - 1, slot = qn_hash_bytes(name, strlen(name), kind) & mask;
    for (; table->entries[slot].name; slot = (slot + 1) & mask)
        if (table->entries[slot].kind == kind && strcmp(table->entries[slot].name, name) == 0) break;
    return &table->entries[slot];
}

static int grow(struct qn_name_table *table) {
    if ((table->used + 1) * 2 <= table->size) return 1;
    entry *old = table->entries;
    size_t old_size = table->size;
    entry *entries = QN_ARENA_ARRAY(table->arena, entry, old_size * 2);
    if (!entries) return 0;
    table->entries = entries;
    table->size = old_size * 2;
    assert((table->size & (table->size - 1)) == 0 && table->used * 2 <= table->size);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].name) *find_entry(table, (qn_name_kind)old[i].kind, old[i].name) = old[i];
    return 1;
}

void *qn_names_find(const struct qn_name_table *table, qn_name_kind kind, const char *name) {
    return find_entry(table, kind, name)->object;
}

/* Puts `object` under a name that nobody holds. */
static qn_status *hold(struct qn_name_table *table, qn_name_kind kind, const char *name, void *object,
                       const char **out_name) {
    if (!grow(table)) return qn_status_out_of_memory();
    entry *at = find_entry(table, kind, name);
    assert(!at->object);
    if (!at->name) {
        const char *copy = qn_arena_copy_string(table->arena, name, strlen(name));
        if (!copy) return qn_status_out_of_memory();
        *at = (entry){.name = copy, .kind = kind};
        table->used++;
    }
    at->object = object;
    *out_name = at->name;
    return NULL;
}

qn_status *qn_names_take(struct qn_name_table *table, qn_name_kind kind, const char *wanted, void *object,
                         const char **out_name) {
    entry *taken = find_entry(table, kind, wanted);
    while (qn_names_find(table, kind, wanted)) {
        wanted = qn_arena_printf(table->arena, "%s_%u", taken->name, ++taken->last_suffix);
        if (!wanted) return qn_status_out_of_memory();
    }
    return hold(table, kind, wanted, object, out_name);
}

void qn_names_release(struct qn_name_table *table, qn_name_kind kind, const char *name, const void *object) {
    entry *at = find_entry(table, kind, name);
    if (at->object == object) at->object = NULL;
}

void qn_names_move(struct qn_name_table *table, qn_name_kind kind, const char *name, void *object) {
    entry *at = find_entry(table, kind, name);
    assert(at->object);
    at->object = object;
}
