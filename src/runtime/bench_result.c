#include "runtime/bench_result.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- Samples ---- */

int qn_bench_samples_add(qn_bench_samples *samples, qn_bench_sample sample) {
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity ? 2 * samples->capacity : 1024;
        qn_bench_sample *items = realloc(samples->items, capacity * sizeof *items);
        if (!items) return 0;
        samples->items = items;
        samples->capacity = capacity;
    }
    samples->items[samples->count++] = sample;
    return 1;
}

void qn_bench_samples_deinit(qn_bench_samples *samples) {
    free(samples->items);
    *samples = (qn_bench_samples){0};
}

/* ---- Groups ---- */

typedef struct set {
    const qn_tensor *inputs;
    size_t input_count, index;
} set;

static int compare_shapes(const set *a, const set *b) {
    for (size_t i = 0; i < a->input_count; i++) {
        const qn_tensor *x = &a->inputs[i], *y = &b->inputs[i];
        if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
        for (int d = 0; d < x->rank; d++)
            if (x->dims[d] != y->dims[d]) return x->dims[d] < y->dims[d] ? -1 : 1;
    }
    return 0;
}

/* Of the same shapes the earlier set comes first, so that it stands for the group. */
static int compare_sets(const void *a, const void *b) {
    const set *x = a, *y = b;
    int order = compare_shapes(x, y);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Leads every set to the first one of the same shapes. */
static int find_leaders(const qn_tensor *inputs, size_t set_count, size_t input_count, size_t *out_leaders) {
    set *sets = qn_alloc_zeroed(qn_allocator_default(), set_count, sizeof *sets, _Alignof(set));
    if (!sets) return 0;
    for (size_t i = 0; i < set_count; i++) sets[i] = (set){&inputs[i * input_count], input_count, i};
    qsort(sets, set_count, sizeof *sets, compare_sets);
    for (size_t i = 0, leader = 0; i < set_count; i++) {
        if (!i || compare_shapes(&sets[i - 1], &sets[i])) leader = sets[i].index;
        out_leaders[sets[i].index] = leader;
    }
    free(sets);
    return 1;
}

static qn_bench *new_bench(size_t group_count, size_t input_count) {
    const qn_allocator *heap = qn_allocator_default();
    qn_bench *bench = qn_alloc_zeroed(heap, 1, sizeof *bench, _Alignof(qn_bench));
    if (!bench) return NULL;
    bench->info.group_count = group_count;
    bench->groups = qn_alloc_zeroed(heap, group_count, sizeof *bench->groups, _Alignof(qn_bench_group));
    bench->shapes = qn_alloc_zeroed(heap, group_count * input_count, sizeof *bench->shapes, _Alignof(qn_shape));
    if (bench->groups && bench->shapes) return bench;
    qn_bench_destroy(bench);
    return NULL;
}

qn_status *qn_bench_group_sets(const qn_tensor *inputs, size_t set_count, size_t input_count, size_t *out_groups,
                               qn_bench **out_bench) {
    *out_bench = NULL;
    if (!find_leaders(inputs, set_count, input_count, out_groups)) return qn_status_out_of_memory();
    size_t group_count = 0;
    for (size_t i = 0; i < set_count; i++) group_count += out_groups[i] == i;
    qn_bench *bench = new_bench(group_count, input_count);
    if (!bench) return qn_status_out_of_memory();
    size_t groups = 0;
    for (size_t i = 0; i < set_count; i++) {
        /* A leader comes before the sets that it leads, so its place holds its group's number already. */
        const int is_leader = out_groups[i] == i;
        out_groups[i] = is_leader ? groups : out_groups[out_groups[i]];
        qn_bench_group *group = &bench->groups[out_groups[i]];
        group->sets++;
        if (!is_leader) continue;
        qn_shape *shapes = &bench->shapes[groups++ * input_count];
        group->shapes = shapes;
        for (size_t k = 0; k < input_count; k++) {
            const qn_tensor *input = &inputs[i * input_count + k];
            shapes[k].rank = input->rank;
            memcpy(shapes[k].dims, input->dims, (size_t)input->rank * sizeof *input->dims);
        }
    }
    *out_bench = bench;
    return NULL;
}

void qn_bench_destroy(qn_bench *bench) {
    if (!bench) return;
    free(bench->groups);
    free(bench->shapes);
    free(bench);
}

const qn_bench_info *qn_bench_get_info(const qn_bench *bench) { return bench ? &bench->info : NULL; }

const qn_bench_group *qn_bench_get_group(const qn_bench *bench, size_t index) {
    return bench && index < bench->info.group_count ? &bench->groups[index] : NULL;
}

/* ---- Statistics ---- */

static int compare_ms(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of 4 samples 1, 2, 4, 8 the median lies at 1.5, between 2 and 4: it is 3. */
static double percentile(const double *sorted, size_t count, double share) {
    const double at = share * (double)(count - 1);
    const size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

/* Sorts the samples. */
static qn_bench_stats summarise(double *ms, size_t count) {
    if (!count) return (qn_bench_stats){0};
    double sum = 0;
    qsort(ms, count, sizeof *ms, compare_ms);
    for (size_t i = 0; i < count; i++) sum += ms[i];
    return (qn_bench_stats){.min = ms[0],
                            .max = ms[count - 1],
                            .mean = sum / (double)count,
                            .median = percentile(ms, count, 0.5),
                            .p90 = percentile(ms, count, 0.9),
                            .p95 = percentile(ms, count, 0.95),
                            .p99 = percentile(ms, count, 0.99)};
}

qn_status *qn_bench_summarise(qn_bench *bench, const qn_bench_samples *samples, size_t contexts) {
    const qn_allocator *heap = qn_allocator_default();
    const size_t group_count = bench->info.group_count;
    size_t total = 0;
    for (size_t c = 0; c < contexts; c++) {
        for (size_t i = 0; i < samples[c].count; i++) bench->groups[samples[c].items[i].group].runs++;
        total += samples[c].count;
    }
    double *ms = qn_alloc_zeroed(heap, total, sizeof *ms, _Alignof(double));
    size_t *next = qn_alloc_zeroed(heap, group_count, sizeof *next, _Alignof(size_t));
    if (ms && next) {
        for (size_t g = 1; g < group_count; g++) next[g] = next[g - 1] + bench->groups[g - 1].runs;
        for (size_t c = 0; c < contexts; c++)
            for (size_t i = 0; i < samples[c].count; i++)
                ms[next[samples[c].items[i].group]++] = samples[c].items[i].ms;
        for (size_t g = 0; g < group_count; g++)
            bench->groups[g].latency = summarise(ms + next[g] - bench->groups[g].runs, bench->groups[g].runs);
        bench->info.runs = total;
        bench->info.latency = summarise(ms, total);
    }
    const int is_done = ms && next;
    free(ms);
    free(next);
    return is_done ? NULL : qn_status_out_of_memory();
}
