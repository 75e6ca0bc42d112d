/* base/memory.h - allocators, arenas and growing arrays.
 *
 * Compiler data lives in arenas tied to a graph or a pass: early return needs no clean-up and there is no free per
 * node. An allocation that fails returns NULL; callers answer with qn_status_out_of_memory().
 */
#ifndef QN_BASE_MEMORY_H
#define QN_BASE_MEMORY_H

#include "quench/allocator.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The C library's heap as an allocator; also what `NULL` stands for. */
const qn_allocator *qn_allocator_default(void);

/* `allocator`, or the default for NULL. */
const qn_allocator *qn_allocator_or_default(const qn_allocator *allocator);

/* `count` * `size` zeroed bytes aligned to `align`; NULL on overflow or exhaustion. A product of 0 gives 1 byte. */
void *qn_alloc_zeroed(const qn_allocator *allocator, size_t count, size_t size, size_t align);
void qn_free(const qn_allocator *allocator, void *block);

/* A bump allocator: freed as a whole. */
typedef struct qn_arena {
    const qn_allocator *allocator;
    struct qn_arena_chunk *chunks; /* newest first */
    uint8_t *next, *end;
    size_t used_bytes; /* handed out since init */
} qn_arena;

void qn_arena_init(qn_arena *arena, const qn_allocator *allocator); /* allocates nothing */
void qn_arena_deinit(qn_arena *arena);                              /* accepts a zeroed struct */
/* Zeroed memory aligned to 16, or NULL. */
void *qn_arena_alloc(qn_arena *arena, size_t count, size_t size);
/* Same with a wider alignment (power of two). */
void *qn_arena_alloc_aligned(qn_arena *arena, size_t bytes, size_t align);
/* A NUL-terminated copy; NULL on exhaustion. */
char *qn_arena_copy_string(qn_arena *arena, const char *text, size_t length);
char *qn_arena_printf(qn_arena *arena, const char *format, ...) QN_PRINTF(2, 3);
void *qn_arena_copy(qn_arena *arena, const void *data, size_t bytes);

#define QN_ARENA_NEW(arena, type)          ((type *)qn_arena_alloc((arena), 1, sizeof(type)))
#define QN_ARENA_ARRAY(arena, type, count) ((type *)qn_arena_alloc((arena), (count), sizeof(type)))

/* Growing array inside an arena: QN_LIST(qn_node *) nodes; QN_LIST_PUSH(arena, &nodes, node) -> qn_status *.
   `items` is stable only until the next push; old storage stays in the arena. */
#define QN_LIST(type)                                                                                                  \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, capacity;                                                                                        \
    }
#define QN_LIST_PUSH(arena, list, value)                                                                               \
    (qn_list_reserve((arena), (void **)&(list)->items, &(list)->capacity, (list)->count + 1, sizeof *(list)->items)    \
         ? ((list)->items[(list)->count++] = (value), (qn_status *)NULL)                                               \
         : qn_status_out_of_memory())
/* Makes room for `need` items; 0 on exhaustion. */
int qn_list_reserve(qn_arena *arena, void **items, size_t *capacity, size_t need, size_t item_bytes);

/* Growing byte buffer on an allocator. Failure is sticky: check `failed` once at the end. */
typedef struct qn_buffer {
    const qn_allocator *allocator;
    uint8_t *data;
    size_t size, capacity;
    int failed;
} qn_buffer;

void qn_buffer_init(qn_buffer *buffer, const qn_allocator *allocator);
void qn_buffer_deinit(qn_buffer *buffer);
void qn_buffer_append(qn_buffer *buffer, const void *data, size_t bytes);
void qn_buffer_zeros(qn_buffer *buffer, size_t bytes);
void qn_buffer_align(qn_buffer *buffer, size_t align); /* pads with zeros up to a multiple of align */
void qn_buffer_printf(qn_buffer *buffer, const char *format, ...) QN_PRINTF(2, 3); /* no NUL is kept in size */
void qn_buffer_vprintf(qn_buffer *buffer, const char *format, va_list args);
/* The text with a final NUL (not counted in size); "" if nothing or failed. */
const char *qn_buffer_text(qn_buffer *buffer);

#endif
