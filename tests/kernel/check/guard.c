/* check/guard.c - buffers between unreadable pages. */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = 32, PAGE = 4096, SLOT_BYTES = 1024 * PAGE, CANARY_BYTES = 2 * PAGE, CANARY = 0xA5 };

typedef struct slot {
    uint8_t *start; /* SLOT_BYTES readable bytes between two pages that are not */
    const char *name;
    uint8_t *data;
    size_t bytes;
} slot;

static slot slots[SLOTS];
static int used;

static void map_slot(slot *s) {
    uint8_t *whole = mmap(NULL, SLOT_BYTES + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED || mprotect(whole + PAGE, SLOT_BYTES, PROT_READ | PROT_WRITE) != 0) {
        perror("check: mmap");
        exit(2);
    }
    s->start = whole + PAGE;
}

static void *take(check_context *context, const char *name, size_t bytes) {
    if (used == SLOTS || bytes > SLOT_BYTES) {
        fprintf(stderr, "check: buffer '%s' of %zu bytes is too large for the harness\n", name, bytes);
        exit(2);
    }
    slot *s = &slots[used++];
    if (!s->start) map_slot(s);
    s->name = name;
    s->bytes = bytes;
    const int at_end = check_chance(context, 70);
    s->data = at_end ? s->start + SLOT_BYTES - bytes : s->start;
    uint8_t *low = at_end ? s->data : s->start, *high = s->data + bytes;
    const size_t before = (size_t)(s->data - s->start), after = (size_t)(s->start + SLOT_BYTES - high);
    memset(low - (before < CANARY_BYTES ? before : CANARY_BYTES), CANARY,
           before < CANARY_BYTES ? before : CANARY_BYTES);
    memset(s->data, CANARY, bytes);
    memset(high, CANARY, after < CANARY_BYTES ? after : CANARY_BYTES);
    return s->data;
}

void *check_buffer(check_context *context, const char *name, size_t bytes) { return take(context, name, bytes); }

void *check_buffer_aligned(check_context *context, const char *name, size_t bytes) {
    return take(context, name, (bytes + 63) / 64 * 64);
}

void check_buffers_reset(void) { used = 0; }

static int all_canaries(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != CANARY) return 0;
    }
    return 1;
}

void check_buffers_verify(check_context *context, const char *kernel) {
    for (int i = 0; i < used; i++) {
        const slot *s = &slots[i];
        const uint8_t *high = s->data + s->bytes;
        const size_t before = (size_t)(s->data - s->start), after = (size_t)(s->start + SLOT_BYTES - high);
        const size_t low_count = before < CANARY_BYTES ? before : CANARY_BYTES;
        const size_t high_count = after < CANARY_BYTES ? after : CANARY_BYTES;
        if (!all_canaries(s->data - low_count, low_count)) check_fail(context, kernel, "wrote before '%s'", s->name);
        if (!all_canaries(high, high_count)) check_fail(context, kernel, "wrote after '%s'", s->name);
    }
}

const char *check_buffers_locate(const void *address) {
    static char text[128];
    const uint8_t *at = address;
    for (int i = 0; i < used; i++) {
        const slot *s = &slots[i];
        if (at < s->start - PAGE || at >= s->start + SLOT_BYTES + PAGE) continue;
        if (at < s->data) {
            snprintf(text, sizeof text, "%td bytes before buffer '%s'", s->data - at, s->name);
        } else {
            snprintf(text, sizeof text, "byte %td of buffer '%s', which has %zu", at - s->data, s->name, s->bytes);
        }
        return text;
    }
    return "no buffer of the case";
}
