#include "image/apart.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { ASK_EVERY_NS = 20 * 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

/* Shared by the two threads; the last one to leave frees it. */
typedef struct errand {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_done, is_dropped;
    void (*work)(void *self), (*drop)(void *self);
    void *self;
} errand;

static errand *errand_create(void (*work)(void *self), void (*drop)(void *self), void *self) {
    errand *e = calloc(1, sizeof *e);
    pthread_condattr_t monotonic;
    if (!e) return NULL;
    *e = (errand){.work = work, .drop = drop, .self = self};
    pthread_mutex_init(&e->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return e;
}

static void errand_destroy(errand *e) {
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->mutex);
    free(e);
}

static void *run(void *argument) {
    errand *e = argument;
    e->work(e->self);
    pthread_mutex_lock(&e->mutex);
    const int is_dropped = e->is_dropped;
    e->is_done = 1;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->mutex);
    if (!is_dropped) return NULL; /* it is the waiting thread's from here on */
    e->drop(e->self);
    errand_destroy(e);
    return NULL;
}

/* Signals are for the threads of the caller. */
static int start(errand *e, pthread_t *out_thread) {
    sigset_t all, former;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &former)) return 0;
    const int failed = pthread_create(out_thread, NULL, run, e);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return !failed;
}

static struct timespec soon(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += ASK_EVERY_NS;
    if (time.tv_nsec >= NS_PER_S) time.tv_sec++, time.tv_nsec -= NS_PER_S;
    return time;
}

/* Returns whether the work was done; else it is dropped. */
static int wait(errand *e, const qn_cancel *cancel) {
    pthread_mutex_lock(&e->mutex);
    while (!e->is_done && !e->is_dropped) {
        const struct timespec deadline = soon();
        pthread_cond_timedwait(&e->changed, &e->mutex, &deadline);
        if (e->is_done) break;
        pthread_mutex_unlock(&e->mutex); /* the caller's function may take its time */
        const int is_asked = qn_cancel_is_asked(cancel);
        pthread_mutex_lock(&e->mutex);
        e->is_dropped = is_asked && !e->is_done;
    }
    const int is_done = e->is_done;
    pthread_mutex_unlock(&e->mutex);
    return is_done;
}

qn_status *qn_image_run_apart(void (*work)(void *self), void (*drop)(void *self), void *self, const qn_cancel *cancel) {
    pthread_t thread;
    errand *e = errand_create(work, drop, self);
    if (!e || !start(e, &thread)) {
        if (e) errand_destroy(e);
        work(self);
        return NULL;
    }
    if (!wait(e, cancel)) {
        pthread_detach(thread);
        return QN_ERR(QN_CANCELLED, "cancelled");
    }
    pthread_join(thread, NULL);
    errand_destroy(e);
    return NULL;
}
