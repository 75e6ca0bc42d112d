/* check/run.c - drawing, running and comparing. */
#include "check/check.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

int64_t check_draw(check_context *context, int64_t low, int64_t high) { return qn_rng_range(&context->rng, low, high); }

int check_chance(check_context *context, int percent) { return check_draw(context, 1, 100) <= percent; }

int64_t check_draw_size(check_context *context, int64_t multiple, int64_t high) {
    static const int64_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47};
    int64_t size = 1;
    switch (check_draw(context, 0, 5)) {
    case 0: size = 1; break;
    case 1: size = multiple * check_draw(context, 1, 3) + check_draw(context, -1, 1); break;
    case 2: size = multiple; break;
    case 3: size = primes[check_draw(context, 0, sizeof primes / sizeof *primes - 1)]; break;
    default: size = check_draw(context, 1, high); break;
    }
    return size < 1 ? 1 : size > high ? high : size;
}

check_data check_draw_data(check_context *context) {
    const int64_t die = check_draw(context, 0, 9); /* the four kinds that are not plain: 10 % each */
    return die < 6 ? CHECK_DATA_PLAIN : (check_data)(die - 5);
}

void check_fill(check_context *context, check_data data, float *values, int64_t count) {
    static const float special[] = {0.0f,     -0.0f,      1e-40f, -1e-45f, 1.17549435e-38f, 3.0e38f, -3.0e38f,
                                    INFINITY, -INFINITY,  NAN,    1e20f,   -1e-20f,         1.0f,    -1.0f,
                                    6.0f,     16777216.f, 0.5f};
    const float equal = qn_rng_float(&context->rng, -2.0f, 2.0f);
    const float off = ldexpf(1, -4 * (int)check_draw(context, 3, 5));
    const int scale = data != CHECK_DATA_TINY ? 0 : check_chance(context, 70) ? -64 : -125;
    for (int64_t i = 0; i < count; i++) {
        values[i] = data == CHECK_DATA_EQUAL ? equal : qn_rng_float(&context->rng, -2.0f, 2.0f);
        if (data == CHECK_DATA_POWERS || data == CHECK_DATA_TINY) {
            const float value = check_chance(context, 50) ? 1 + off : 1 - off;
            values[i] = ldexpf(check_chance(context, 50) ? value : -value, scale - (int)check_draw(context, 0, 14));
        }
        if (data == CHECK_DATA_SPECIAL && check_chance(context, 10)) {
            values[i] = special[check_draw(context, 0, sizeof special / sizeof *special - 1)];
        }
    }
}

void check_draw_activation(check_context *context, float *out_min, float *out_max) {
    const int64_t die = check_draw(context, 0, 3);
    *out_min = die == 0 ? -INFINITY : die == 3 ? qn_rng_float(&context->rng, -3.0f, 0.0f) : 0.0f;
    *out_max = die <= 1 ? INFINITY : die == 3 ? qn_rng_float(&context->rng, 0.0f, 3.0f) : 6.0f;
}

double check_activate(double value, float low, float high) {
    if (value < (double)low) value = (double)low;
    return value > (double)high ? (double)high : value;
}

void check_describe(check_context *context, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(context->description, sizeof context->description, format, args);
    va_end(args);
}

void check_fail(check_context *context, const char *kernel, const char *format, ...) {
    va_list args;
    context->failed = 1;
    fprintf(stderr, "FAILED %s: ", kernel);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  case: %s\n", context->description);
}

/* ---- Running ---- */

static sigjmp_buf fault_return;
static volatile sig_atomic_t fault_signal, watching;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *unused) {
    (void)unused;
    if (!watching) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    fault_signal = number;
    fault_address = info->si_addr;
    siglongjmp(fault_return, 1);
}

static void watch_faults(void) {
    static int installed;
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction action;
    if (installed) return;
    installed = 1;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

/* Rounding, masks and denormal handling, without the flags that arithmetic sets. */
static unsigned control_state(void) {
#if defined(__x86_64__)
    return _mm_getcsr() & ~0x3fu;
#else
    return 0;
#endif
}

static const char *signal_name(int number) {
    switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL (an instruction this CPU lacks)";
    default: return "SIGFPE";
    }
}

static void run_piece(const qn_work *work, int64_t begin, int64_t end, float *scratch) {
    for (size_t i = 0; i < work->scratch_bytes / sizeof *scratch; i++) scratch[i] = NAN;
    work->run(work->params, begin, end, scratch);
}

enum { MAX_PIECES = 6 };

static void run_pieces(check_context *context, const qn_work *work, int split, void *scratch) {
    int64_t cuts[MAX_PIECES + 1] = {0};
    int order[MAX_PIECES];
    const int pieces = split ? (int)check_draw(context, 1, MAX_PIECES) : 1;
    for (int i = 1; i < pieces; i++) cuts[i] = check_draw(context, cuts[i - 1], work->tasks);
    cuts[pieces] = work->tasks;
    for (int i = 0; i < pieces; i++) order[i] = i;
    for (int i = pieces - 1; i > 0; i--) {
        const int other = (int)check_draw(context, 0, i), held = order[i];
        order[i] = order[other];
        order[other] = held;
    }
    for (int i = 0; i < pieces; i++) run_piece(work, cuts[order[i]], cuts[order[i] + 1], scratch);
}

int check_run_work(check_context *context, const char *kernel, const qn_work *work, int split) {
    void *scratch = check_buffer_aligned(context, "scratch", work->scratch_bytes);
    const unsigned control = control_state();
    watch_faults();
    if (sigsetjmp(fault_return, 1) == 0) {
        watching = 1;
        run_pieces(context, work, split, scratch);
        watching = 0;
    } else {
        watching = 0;
        check_fail(context, kernel, "%s at %s", signal_name(fault_signal), check_buffers_locate(fault_address));
    }
    if (control_state() != control) check_fail(context, kernel, "changed the rounding or denormal state");
    check_buffers_verify(context, kernel);
    return !context->failed;
}

/* ---- Comparing ---- */

static int same_float(float a, float b) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return memcmp(&a, &b, sizeof a) == 0;
}

int check_same_floats(check_context *context, const char *kernel, const float *got, const float *want, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (same_float(got[i], want[i])) continue;
        check_fail(context, kernel, "element %lld is %a, the portable kernel gives %a", (long long)i, (double)got[i],
                   (double)want[i]);
        return 0;
    }
    return 1;
}

int check_same_bytes(check_context *context, const char *kernel, const void *got, const void *want, size_t bytes) {
    const uint8_t *a = got, *b = want;
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] == b[i]) continue;
        check_fail(context, kernel, "byte %zu is %d, expected %d", i, a[i], b[i]);
        return 0;
    }
    return 1;
}

int check_near(check_context *context, const char *kernel, const float *got, const double *want, const double *bound,
               int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (isnan(want[i]) && !isnan(got[i])) {
            check_fail(context, kernel, "element %lld is %a, should be nan", (long long)i, (double)got[i]);
            return 0;
        }
        if (!isfinite(want[i]) || !isfinite(bound[i]) || fabs(want[i]) > 1e30 || bound[i] > 1e30) continue;
        if (fabs((double)got[i] - want[i]) <= bound[i]) continue;
        check_fail(context, kernel, "element %lld is %.9g, the naive reference gives %.9g within %.3g", (long long)i,
                   (double)got[i], want[i], bound[i]);
        return 0;
    }
    return 1;
}
