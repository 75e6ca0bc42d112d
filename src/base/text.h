/* base/text.h - borrowed bytes and text, spelling help, hashing, random numbers. */
#ifndef QN_BASE_TEXT_H
#define QN_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that someone else owns; `data` may be NULL when size is 0. */
typedef struct qn_bytes {
    const uint8_t *data;
    size_t size;
} qn_bytes;

/* The candidate with the smallest edit distance to `word`, if it is close enough to be a likely misspelling
   (at most a third of the longer length, rounded up), else NULL. `candidates` may hold NULLs, which are skipped. */
const char *qn_text_nearest(const char *word, const char *const *candidates, size_t count);

/* Is no part of this JSON nested deeper than QN_JSON_DEPTH_MAX? Parsers recurse, so this is asked before a parser
   gets a text of unknown origin. The text need not be valid JSON. */
enum { QN_JSON_DEPTH_MAX = 64 };
int qn_json_is_shallow(const char *text, size_t bytes);

/* Appends `text`, of any bytes, as a JSON string with quotes: valid, and harmless on a terminal (quench/text.h). */
struct qn_buffer;
void qn_text_quote_json(const char *text, struct qn_buffer *buffer);

/* 64-bit hash of bytes (XXH3), stable across machines. */
uint64_t qn_hash_bytes(const void *data, size_t bytes, uint64_t seed);

/* splitmix64-seeded xoshiro256**: the only randomness in quench; tests print the seed. */
typedef struct qn_rng {
    uint64_t state[4];
} qn_rng;
void qn_rng_init(qn_rng *rng, uint64_t seed);
uint64_t qn_rng_next(qn_rng *rng);
int64_t qn_rng_range(qn_rng *rng, int64_t low, int64_t high); /* inclusive */
float qn_rng_float(qn_rng *rng, float low, float high);

#endif
