#include "cli/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double cli_now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

uint64_t cli_peak_rss_bytes(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

const char *cli_print_bytes(uint64_t bytes, char *text) {
    if (bytes < 10000)
        snprintf(text, CLI_BYTES_TEXT, "%llu bytes", (unsigned long long)bytes);
    else if (bytes < 1000000)
        snprintf(text, CLI_BYTES_TEXT, "%.1f kB (%llu bytes)", (double)bytes * 1e-3, (unsigned long long)bytes);
    else
        snprintf(text, CLI_BYTES_TEXT, "%.1f MB (%llu bytes)", (double)bytes * 1e-6, (unsigned long long)bytes);
    return text;
}

json_t *cli_stats_to_json(const qn_bench_stats *stats) {
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "min", stats->min, "max", stats->max, "mean", stats->mean,
                     "median", stats->median, "p90", stats->p90, "p95", stats->p95, "p99", stats->p99);
}

static void *count_alloc(void *self, size_t bytes, size_t align) {
    cli_counter *counter = self;
    atomic_fetch_add_explicit(&counter->allocations, 1, memory_order_relaxed);
    if (align < sizeof(void *)) align = sizeof(void *);
    void *block = NULL;
    return posix_memalign(&block, align, bytes) ? NULL : block;
}

static void count_free(void *self, void *block) {
    (void)self;
    free(block);
}

qn_allocator cli_counting_allocator(cli_counter *counter) { return (qn_allocator){counter, count_alloc, count_free}; }

uint64_t cli_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
