#include "fuzz.h"

#include "base/memory.h"
#include "base/text.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MESSAGE_MIN = 10 };

static const size_t budget = (size_t)64 << 20;

/* What the targets' own allocator does not see, JSON for one, must be refused too rather than end the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

/* ---- Statuses ---- */

static void expect_message(qn_status *status, size_t length) {
    const char *message = qn_status_message(status);
    if (getenv("QN_SHOW")) fprintf(stderr, "%s %s\n", qn_code_name(qn_status_code(status)), message);
    if (status && (qn_status_code(status) == QN_INTERNAL || strlen(message) < length)) {
        fprintf(stderr, "no answer to any input: %s '%s'\n", qn_code_name(qn_status_code(status)), message);
        abort();
    }
    qn_status_free(status);
}

void expect_fair(qn_status *status) { expect_message(status, MESSAGE_MIN); }

void expect_no_defect(qn_status *status) { expect_message(status, 1); }

/* ---- Memory ---- */

static _Atomic size_t in_use;

static void *budget_alloc(void *self, size_t bytes, size_t align) {
    const size_t least = align < 16 ? 16 : align;
    (void)self;
    if (bytes > budget || atomic_load(&in_use) + bytes > budget) return NULL;
    void *block = NULL;
    if (posix_memalign(&block, least, bytes)) return NULL; /* of exactly that size, so that what goes past it is seen */
    atomic_fetch_add(&in_use, malloc_usable_size(block));
    return block;
}

static void budget_free(void *self, void *block) {
    (void)self;
    if (block) atomic_fetch_sub(&in_use, malloc_usable_size(block));
    free(block);
}

const qn_allocator *fuzz_allocator(void) {
    static const qn_allocator allocator = {NULL, budget_alloc, budget_free};
    return &allocator;
}

/* ---- Bytes ---- */

uint64_t fuzz_choice(const uint8_t *data, size_t bytes) { return qn_hash_bytes(data, bytes, 5); }

char *as_text(const uint8_t *data, size_t bytes) {
    char *text = malloc(bytes + 1);
    if (!text) abort();
    if (bytes) memcpy(text, data, bytes);
    text[bytes] = 0;
    return text;
}

const char *as_file(const uint8_t *data, size_t bytes) {
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) || pwrite(file, data, bytes, 0) != (ssize_t)bytes) abort();
    return path;
}
