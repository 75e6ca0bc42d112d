#include "base/memory.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_CHUNK_BYTES = 64 * 1024 };

static void *heap_alloc(void *self, size_t bytes, size_t align) {
    (void)self;
    if (align <= _Alignof(max_align_t)) return malloc(bytes);
    size_t rounded;
    if (!qn_checked_add_size(bytes, align - 1, &rounded)) return NULL;
    return aligned_alloc(align, rounded & ~(align - 1));
}

static void heap_free(void *self, void *block) {
    (void)self;
    free(block);
}

const qn_allocator *qn_allocator_default(void) {
    static const qn_allocator heap = {NULL, heap_alloc, heap_free};
    return &heap;
}

const qn_allocator *qn_allocator_or_default(const qn_allocator *allocator) {
    return allocator ? allocator : qn_allocator_default();
}

void *qn_alloc_zeroed(const qn_allocator *allocator, size_t count, size_t size, size_t align) {
    size_t bytes;
    if (!qn_checked_mul_size(count, size, &bytes)) return NULL;
    if (bytes == 0) bytes = 1;
    allocator = qn_allocator_or_default(allocator);
    void *block = allocator->alloc(allocator->self, bytes, align);
    if (block) memset(block, 0, bytes);
    return block;
}

void qn_free(const qn_allocator *allocator, void *block) {
    allocator = qn_allocator_or_default(allocator);
    if (block) allocator->free(allocator->self, block);
}

/* ---- Arena ---- */

struct qn_arena_chunk {
    struct qn_arena_chunk *older;
};

void qn_arena_init(qn_arena *arena, const qn_allocator *allocator) {
    *arena = (qn_arena){.allocator = qn_allocator_or_default(allocator)};
}

void qn_arena_deinit(qn_arena *arena) {
    for (struct qn_arena_chunk *chunk = arena->chunks; chunk;) {
        struct qn_arena_chunk *older = chunk->older;
        qn_free(arena->allocator, chunk);
        chunk = older;
    }
    *arena = (qn_arena){.allocator = arena->allocator};
}

/* A chunk of its own for `bytes`; large blocks do not replace the current small-object chunk. */
static uint8_t *add_chunk(qn_arena *arena, size_t bytes, size_t align) {
    size_t total;
    if (!qn_checked_add_size(bytes, sizeof(struct qn_arena_chunk) + align, &total)) return NULL;
    struct qn_arena_chunk *chunk = arena->allocator->alloc(arena->allocator->self, total, ARENA_ALIGN);
    if (!chunk) return NULL;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    return (uint8_t *)qn_align_up((size_t)(chunk + 1), align);
}

void *qn_arena_alloc_aligned(qn_arena *arena, size_t bytes, size_t align) {
    if (align < ARENA_ALIGN) align = ARENA_ALIGN;
    if (bytes > SIZE_MAX / 2) return NULL;
    if (bytes == 0) bytes = 1;
    uint8_t *block;
    size_t start = qn_align_up((size_t)arena->next, align);
    if (arena->next && start <= (size_t)arena->end && (size_t)arena->end - start >= bytes) {
        block = (uint8_t *)start;
        arena->next = block + bytes;
    } else if (bytes >= ARENA_CHUNK_BYTES / 4) {
        block = add_chunk(arena, bytes, align);
    } else {
        block = add_chunk(arena, ARENA_CHUNK_BYTES, align);
        if (block) {
            arena->next = block + bytes;
            arena->end = block + ARENA_CHUNK_BYTES;
        }
    }
    if (!block) return NULL;
    arena->used_bytes += bytes;
    memset(block, 0, bytes);
    return block;
}

void *qn_arena_alloc(qn_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!qn_checked_mul_size(count, size, &bytes)) return NULL;
    return qn_arena_alloc_aligned(arena, bytes, ARENA_ALIGN);
}

char *qn_arena_copy_string(qn_arena *arena, const char *text, size_t length) {
    char *copy = length == SIZE_MAX ? NULL : qn_arena_alloc(arena, length + 1, 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *qn_arena_printf(qn_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : qn_arena_alloc(arena, (size_t)length + 1, 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void *qn_arena_copy(qn_arena *arena, const void *data, size_t bytes) {
    void *copy = qn_arena_alloc(arena, bytes, 1);
    if (copy && bytes) memcpy(copy, data, bytes);
    return copy;
}

int qn_list_reserve(qn_arena *arena, void **items, size_t *capacity, size_t need, size_t item_bytes) {
    if (need <= *capacity) return 1;
    size_t wanted = *capacity ? *capacity * 2 : 4;
    if (wanted < need) wanted = need;
    void *grown = qn_arena_alloc(arena, wanted, item_bytes);
    if (!grown) return 0;
    if (*capacity) memcpy(grown, *items, *capacity * item_bytes);
    *items = grown;
    *capacity = wanted;
    return 1;
}

/* ---- Buffer ---- */

void qn_buffer_init(qn_buffer *buffer, const qn_allocator *allocator) {
    *buffer = (qn_buffer){.allocator = qn_allocator_or_default(allocator)};
}

void qn_buffer_deinit(qn_buffer *buffer) {
    qn_free(buffer->allocator, buffer->data);
    *buffer = (qn_buffer){.allocator = buffer->allocator};
}

/* Room for `bytes` more; 0 and `failed` on exhaustion. */
static int buffer_reserve(qn_buffer *buffer, size_t bytes) {
    size_t need;
    if (buffer->failed || !qn_checked_add_size(buffer->size, bytes, &need)) return !(buffer->failed = 1);
    if (need <= buffer->capacity) return 1;
    size_t wanted = buffer->capacity < 128 ? 256 : buffer->capacity;
    while (wanted < need)
        if (!qn_checked_mul_size(wanted, 2, &wanted)) return !(buffer->failed = 1);
    uint8_t *grown = buffer->allocator->alloc(buffer->allocator->self, wanted, 64);
    if (!grown) return !(buffer->failed = 1);
    if (buffer->size) memcpy(grown, buffer->data, buffer->size);
    qn_free(buffer->allocator, buffer->data);
    buffer->data = grown;
    buffer->capacity = wanted;
    return 1;
}

void qn_buffer_append(qn_buffer *buffer, const void *data, size_t bytes) {
    if (!bytes || !buffer_reserve(buffer, bytes)) return;
    memcpy(buffer->data + buffer->size, data, bytes);
    buffer->size += bytes;
}

void qn_buffer_zeros(qn_buffer *buffer, size_t bytes) {
    if (!bytes || !buffer_reserve(buffer, bytes)) return;
    memset(buffer->data + buffer->size, 0, bytes);
    buffer->size += bytes;
}

void qn_buffer_align(qn_buffer *buffer, size_t align) {
    qn_buffer_zeros(buffer, qn_align_up(buffer->size, align) - buffer->size);
}

void qn_buffer_vprintf(qn_buffer *buffer, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length >= 0 && buffer_reserve(buffer, (size_t)length + 1)) {
        vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
}

void qn_buffer_printf(qn_buffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    qn_buffer_vprintf(buffer, format, args);
    va_end(args);
}

const char *qn_buffer_text(qn_buffer *buffer) {
    if (!buffer_reserve(buffer, 1)) return "";
    buffer->data[buffer->size] = 0;
    return (const char *)buffer->data;
}
