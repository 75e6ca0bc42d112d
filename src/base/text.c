#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/text.h"

#include <string.h>

enum { WORD_MAX = 128 };

/* Levenshtein distance, case-insensitive for ASCII letters, of words shorter than WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            size_t best = diagonal + ((a[i - 1] | 32) != (b[j - 1] | 32));
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b_length];
}

const char *qn_text_nearest(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word), best_distance = SIZE_MAX;
    const char *best = NULL;
    if (length >= WORD_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i]) continue;
        size_t other = strlen(candidates[i]);
        if (other >= WORD_MAX) continue;
        size_t longer = length > other ? length : other, allowed = (longer + 2) / 3;
        size_t distance = edit_distance(word, length, candidates[i], other);
        if (distance <= allowed && distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

uint64_t qn_hash_bytes(const void *data, size_t bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(data ? data : "", bytes, seed);
}

void qn_rng_init(qn_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        rng->state[i] = z ^ z >> 31;
    }
}

static uint64_t rotate_left(uint64_t x, int k) { return x << k | x >> (64 - k); }

uint64_t qn_rng_next(qn_rng *rng) { /* xoshiro256** */
    uint64_t *s = rng->state, result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

int64_t qn_rng_range(qn_rng *rng, int64_t low, int64_t high) {
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    uint64_t draw = qn_rng_next(rng);
    return (int64_t)((uint64_t)low + (span ? draw % span : draw));
}

float qn_rng_float(qn_rng *rng, float low, float high) {
    return low + (high - low) * ((float)(qn_rng_next(rng) >> 40) * 0x1p-24f);
}

int qn_json_is_shallow(const char *text, size_t bytes) {
    int depth = 0, in_text = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (in_text) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_text = 0;
        } else if (text[i] == '"') {
            in_text = 1;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > QN_JSON_DEPTH_MAX) return 0;
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return 1;
}
