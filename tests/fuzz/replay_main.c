/* replay_main.c FILE|FOLDER ... - a fuzz target without a fuzzer: every file (of a folder) as it is, then damaged at
 * random. QN_SEED and QN_CASES change which damage and how much of it. */
#include "fuzz.h"

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_DEFAULT = 20, FLIPS_MAX = 3, CUT_EVERY = 16, NEAR_TEXT = 24, TEXT_MIN = 5 };

static uint64_t from_environment(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : fallback;
}

/* Positions worth changing; freed by the caller. */
static uint32_t *list_positions(qn_bytes file, size_t *out_count) {
    size_t run = 0, head = fuzz_head(file.data, file.size);
    uint8_t *wanted = calloc(file.size + 1, 1);
    uint32_t *positions = malloc((file.size + 1) * sizeof *positions);
    if (!wanted || !positions) abort();
    memset(wanted, 1, head);
    for (size_t i = 0; i < file.size; i++) {
        run = isprint(file.data[i]) ? run + 1 : 0;
        if (run < TEXT_MIN) continue;
        size_t begin = i > NEAR_TEXT ? i - NEAR_TEXT : 0, end = i + NEAR_TEXT < file.size ? i + NEAR_TEXT : file.size;
        memset(wanted + begin, 1, end - begin);
    }
    *out_count = 0;
    for (size_t i = 0; i < file.size; i++)
        if (wanted[i]) positions[(*out_count)++] = (uint32_t)i;
    free(wanted);
    return positions;
}

/* A copy of the file with some bits changed, now and then cut short. Returns its size. */
static size_t damage(qn_bytes file, const uint32_t *positions, size_t count, uint64_t seed, uint8_t *out) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    memcpy(out, file.data, file.size);
    for (int64_t flips = qn_rng_range(&rng, 1, FLIPS_MAX); flips-- > 0;)
        out[positions[qn_rng_range(&rng, 0, (int64_t)count - 1)]] ^= (uint8_t)(1u << qn_rng_range(&rng, 0, 7));
    return qn_rng_range(&rng, 1, CUT_EVERY) > 1 ? file.size : (size_t)qn_rng_range(&rng, 0, (int64_t)file.size);
}

static qn_status *replay(const char *path) {
    uint64_t seed = from_environment("QN_SEED", 20), cases = from_environment("QN_CASES", CASES_DEFAULT);
    qn_file_map map;
    size_t count;
    qn_status *status = qn_file_map_open(path, &map);
    if (status) return status;
    uint8_t *copy = malloc(map.bytes.size + 1);
    uint32_t *positions = list_positions(map.bytes, &count);
    if (!copy) abort();
    puts(path); /* the one that is at fault, should the target abort */
    fflush(stdout);
    LLVMFuzzerTestOneInput(map.bytes.data, map.bytes.size);
    for (uint64_t i = 0; count && i < cases; i++) {
        size_t bytes = damage(map.bytes, positions, count, seed * 1000003 + i, copy);
        LLVMFuzzerTestOneInput(copy, bytes);
    }
    free(copy);
    free(positions);
    qn_file_map_close(&map);
    return NULL;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* The files of a folder in the order of their names, or the file itself. NOT_FOUND: there is none. */
static qn_status *replay_all(const char *path) {
    char inside[4096];
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) return replay(path);
    qn_status *status = count ? NULL : qn_status_create(QN_NOT_FOUND, "the folder is empty");
    for (int i = 0; i < count; i++) {
        snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
        if (!status) status = replay(inside);
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: %s FILE|FOLDER ...\n", argv[0]), 2;
    for (int i = 1; i < argc; i++) {
        qn_status *status = replay_all(argv[i]);
        if (!status) continue;
        fprintf(stderr, "%s: %s\n", argv[i], qn_status_message(status));
        qn_status_free(status);
        return 1;
    }
    return 0;
}
