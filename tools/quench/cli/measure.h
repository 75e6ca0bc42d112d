/* cli/measure.h - time, memory and random numbers. */
#ifndef QUENCH_CLI_MEASURE_H
#define QUENCH_CLI_MEASURE_H

#include "cli/cli.h"
#include "quench/allocator.h"
#include "quench/bench.h"

#include <stdatomic.h>

/* A clock that only goes forward. */
double cli_now_ms(void);

/* The most memory this process has had, in bytes. */
uint64_t cli_peak_rss_bytes(void);

/* "45.1 MB (45094912 bytes)"; `text` has room for CLI_BYTES_TEXT. Returns `text`. MB are 10^6 bytes. */
enum { CLI_BYTES_TEXT = 64 };
const char *cli_print_bytes(uint64_t bytes, char *text);

json_t *cli_stats_to_json(const qn_bench_stats *stats);

/* An allocator over the heap that counts. Make `allocator` after the counter has its final address. */
typedef struct cli_counter {
    _Atomic uint64_t allocations;
} cli_counter;
qn_allocator cli_counting_allocator(cli_counter *counter);

/* The next of a fixed sequence of random numbers (splitmix64); `state` is the seed first. */
uint64_t cli_random(uint64_t *state);

#endif
