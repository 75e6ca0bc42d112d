/* check.c - checks and measures every kernel of kernels.def.
 *
 * For each family it draws legal cases, biased towards corners, into buffers that end or begin at an unreadable page,
 * and runs every row that this CPU can execute. The portable row must agree with a naive computation, every other row
 * with the portable one bit by bit, in whatever pieces and order the tasks are run. A failure prints the case and the
 * command that replays it.
 */
#include "check/check.h"
#include "cpu/features.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const check_family check_families[] = {
    {"conv_f32", check_conv_f32},
    {"depthwise_f32", check_depthwise_f32},
    {"elementwise", check_elementwise},
    {"pool_f32", check_pool_f32},
    {"resize_f32", check_resize_f32},
    {"argmax_f32", check_argmax_f32},
    {"conv_f16", check_conv_f16},
    {"depthwise_f16", check_depthwise_f16},
    {"convert_f16", check_convert_f16},
    {"convert_u8", check_convert_u8},
    {"convert_s16", check_convert_s16},
    {"pool_int", check_pool_int},
    {"quantize", check_quantize},
    {"add_int", check_add_int},
    {"copy", check_copy},
    {"conv_u8", check_conv_u8},
    {"depthwise_u8", check_depthwise_u8},
    {"conv_s16", check_conv_s16},
    {"conv_s16s8", check_conv_s16s8},
    {"depthwise_s16", check_depthwise_s16},
};
const size_t check_family_count = sizeof check_families / sizeof *check_families;

typedef struct options {
    uint64_t seed;
    const char *family; /* only this one, or NULL */
    const char *isa;    /* only rows whose name ends so, beside the portable ones, or NULL */
    const char *cpu;    /* level that masks the features, or NULL */
    int64_t time_ms;
    uint64_t cases; /* of each family, at least */
    int list, bench;
} options;

static const char usage[] = "usage: check [--seed N] [--family NAME] [--isa portable|avx2|avx512] [--cpu LEVEL]\n"
                            "             [--time-ms N] [--cases N] [--list] [--bench]\n"
                            "Checks every kernel for N milliseconds (default 2000; 0: one case per family) and until\n"
                            "each family had the number of cases, lists them, or measures them.\n";

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

/* 0: usage was printed. */
static int parse_options(int argc, char **argv, options *out) {
    enum { SEED = 1, FAMILY, ISA, CPU, TIME, CASES, LIST, BENCH };
    static const struct option table[] = {
        {"seed", required_argument, NULL, SEED},
        {"family", required_argument, NULL, FAMILY},
        {"isa", required_argument, NULL, ISA},
        {"cpu", required_argument, NULL, CPU},
        {"time-ms", required_argument, NULL, TIME},
        {"cases", required_argument, NULL, CASES},
        {"list", no_argument, NULL, LIST},
        {"bench", no_argument, NULL, BENCH},
        {NULL, 0, NULL, 0},
    };
    *out = (options){.seed = (uint64_t)time(NULL), .time_ms = 2000};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (option) {
        case SEED: out->seed = strtoull(optarg, NULL, 0); break;
        case FAMILY: out->family = optarg; break;
        case ISA: out->isa = optarg; break;
        case CPU: out->cpu = optarg; break;
        case TIME: out->time_ms = strtoll(optarg, NULL, 0); break;
        case CASES: out->cases = strtoull(optarg, NULL, 0); break;
        case LIST: out->list = 1; break;
        case BENCH: out->bench = 1; break;
        default: fputs(usage, stderr); return 0;
        }
    }
    if (optind < argc) fputs(usage, stderr);
    return optind == argc;
}

static int is_portable(const qn_kernel_row *row) { return row->needs == 0; }

static int ends_with(const char *text, const char *end) {
    const size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* "avx512f avx512bw": what a row needs and the mask lacks. */
static void print_missing(const qn_kernel_row *row, qn_cpu_features features) {
    qn_buffer names;
    qn_buffer_init(&names, NULL);
    qn_cpu_features_print(row->needs & ~features, &names);
    printf("skipped: %s needs %s\n", row->name, row->kernel ? qn_buffer_text(&names) : "another architecture");
    qn_buffer_deinit(&names);
}

static void list_rows(qn_cpu_features features) {
    for (size_t i = 0; i < qn_kernel_row_count(); i++) {
        const qn_kernel_row *row = qn_kernel_row_at(i);
        if (!row->kernel || (row->needs & ~features)) {
            print_missing(row, features);
        } else {
            printf("%-14s %s\n", row->family, row->name);
        }
    }
}

static int collect_rows(const char *family, const options *o, qn_cpu_features features,
                        const qn_kernel_row **out_rows) {
    int count = 0;
    for (size_t i = 0; i < qn_kernel_row_count(); i++) {
        const qn_kernel_row *row = qn_kernel_row_at(i);
        if (strcmp(row->family, family) != 0 || !row->kernel || (row->needs & ~features)) continue;
        if (o->isa && !is_portable(row) && !ends_with(row->name, o->isa)) continue;
        out_rows[count++] = row;
    }
    if (strcmp(check_amx_row.family, family) == 0 && !o->isa) out_rows[count++] = &check_amx_row;
    return count;
}

static int run_case(const check_family *family, uint64_t seed, const options *o, qn_cpu_features features) {
    check_context context = {.seed = seed, .family = family->name};
    qn_rng_init(&context.rng, seed);
    context.row_count = collect_rows(family->name, o, features, context.rows);
    check_buffers_reset();
    family->run_case(&context);
    if (!context.failed) return 1;
    fprintf(stderr, "  replay: check --seed %llu --family %s --time-ms 0%s%s\n", (unsigned long long)seed, family->name,
            o->cpu ? " --cpu " : "", o->cpu ? o->cpu : "");
    return 0;
}

/* Case i of every family has seed + i, so that one case can be replayed alone. */
static int run_checks(const options *o, qn_cpu_features features) {
    const int64_t end = now_ms() + o->time_ms;
    uint64_t cases = 0;
    printf("seed %llu\n", (unsigned long long)o->seed);
    do {
        for (size_t i = 0; i < check_family_count; i++) {
            if (o->family && strcmp(o->family, check_families[i].name) != 0) continue;
            if (!run_case(&check_families[i], o->seed + cases, o, features)) return 0;
        }
        cases++;
    } while (now_ms() < end || cases < o->cases);
    printf("%llu cases of each family passed\n", (unsigned long long)cases);
    return 1;
}

static int known_family(const char *name) {
    for (size_t i = 0; i < check_family_count; i++) {
        if (strcmp(check_families[i].name, name) == 0) return 1;
    }
    fprintf(stderr, "check: no family '%s'\n", name);
    return 0;
}

int main(int argc, char **argv) {
    options o;
    qn_cpu_features features;
    if (!parse_options(argc, argv, &o)) return 2;
    if (o.family && !known_family(o.family)) return 2;
    qn_status *status = qn_cpu_features_choose(o.cpu, &features);
    if (!status) features = qn_cpu_features_permitted(features);
    if (status) {
        fprintf(stderr, "check: %s\n", qn_status_message(status));
        qn_status_free(status);
        return 2;
    }
    list_rows(features);
    if (o.list) return 0;
    if (o.bench) {
        check_bench(features, o.family, o.isa, o.time_ms);
        return 0;
    }
    return run_checks(&o, features) ? 0 : 1;
}
