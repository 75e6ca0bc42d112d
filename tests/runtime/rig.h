/* rig.h - a hand-made program loaded, bound to threads and ready for shapes. */
#ifndef TESTS_RUNTIME_RIG_H
#define TESTS_RUNTIME_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/programs.h"
#include "quench/quench.h"

/* The thread sanitizer lets no forked child start threads. */
#if defined(__SANITIZE_THREAD__)
enum { CHILD_STARTS_THREADS = 0 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { CHILD_STARTS_THREADS = 0 };
#else
enum { CHILD_STARTS_THREADS = 1 };
#endif
#else
enum { CHILD_STARTS_THREADS = 1 };
#endif

typedef const qn_program *(*make_fn)(maker *m, int ceiling);

/* The bytes of a compiled file in aligned memory; free() them. */
typedef struct rig_file {
    uint8_t *data;
    size_t size;
} rig_file;
rig_file rig_write(make_fn make, int ceiling);

typedef struct rig {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
} rig;

/* `cpu` NULL: all features; `allocator` NULL: the heap. */
rig rig_open(make_fn make, int ceiling, int threads, const char *cpu, const qn_allocator *allocator);
void rig_close(rig *r);

void assert_ok(qn_status *status);
/* `status` is of that code and its message holds `text`; frees it. */
void assert_status(qn_status *status, qn_code code, const char *text);

/* program_pictures: sets the shape, fills x from `seed`, runs, and returns y [2h * 2w * 20] followed by z, which
   the caller frees. x is h * w * 3. */
float *run_pictures(qn_context *context, int64_t h, int64_t w, const float *x);
float *make_picture(int64_t h, int64_t w, uint64_t seed);
/* Both contexts answer one picture of that size with the same bytes. */
void check_picture(qn_context *context, qn_context *reference, int64_t h, int64_t w);

/* Keeps a queue busy, as a function on it, until it is opened. */
typedef struct gate {
    _Atomic int is_open, is_reached;
} gate;
qn_status *pass_gate(void *gate);
void wait_until(_Atomic int *flag);

/* `name` may be NULL. */
qn_queue *new_queue(const rig *r, const char *name, size_t length, qn_queue_full full);

/* A context over `bytes` of `block`. */
qn_context *rig_borrow(qn_engine *engine, void *block, size_t bytes);

#endif
