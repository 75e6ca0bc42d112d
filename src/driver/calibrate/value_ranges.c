#include "driver/calibrate/value_ranges.h"

#include "base/text.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SLOTS_MIN = 64 };

/* What the mean of squares may lose to rounding, in parts. */
#define SQUARE_ROUNDING 1e-5

void qn_value_ranges_init(qn_value_ranges *ranges, qn_arena *arena) {
    *ranges = (qn_value_ranges){.origin = "", .network = "", .algorithm = "", .arena = arena};
}

/* ---- Finding ---- */

/* The slot of `name`, or the empty one where it belongs. */
static uint32_t *slot_of(const qn_value_ranges *ranges, const char *name) {
    size_t at = (size_t)qn_hash_bytes(name, strlen(name), 0);
    for (;; at++) {
        uint32_t *slot = &ranges->slots[at & (ranges->slot_count - 1)];
        if (!*slot || !strcmp(ranges->list.items[*slot - 1].name, name)) return slot;
    }
}

/* At least half of the slots stay empty. */
static qn_status *grow(qn_value_ranges *ranges) {
    const size_t count = ranges->list.count;
    if (count >= UINT32_MAX / 4) return QN_ERR(QN_LIMIT, "more than %zu ranges", count);
    if (2 * (count + 1) <= ranges->slot_count) return NULL;
    const size_t slot_count = ranges->slot_count ? 2 * ranges->slot_count : SLOTS_MIN;
    uint32_t *slots = QN_ARENA_ARRAY(ranges->arena, uint32_t, slot_count);
    if (!slots) return qn_status_out_of_memory();
    ranges->slots = slots;
    ranges->slot_count = slot_count;
    for (size_t i = 0; i < count; i++) *slot_of(ranges, ranges->list.items[i].name) = (uint32_t)i + 1;
    return NULL;
}

const qn_value_range *qn_value_ranges_find(const qn_value_ranges *ranges, const char *name) {
    const uint32_t *slot = ranges->slot_count ? slot_of(ranges, name) : NULL;
    return slot && *slot ? &ranges->list.items[*slot - 1] : NULL;
}

qn_status *qn_value_ranges_get(const qn_value_ranges *ranges, const char *name, int64_t channels,
                               const qn_value_range **out_range) {
    *out_range = qn_value_ranges_find(ranges, name);
    if (!*out_range) return QN_ERR(QN_NOT_FOUND, "no range of value '%.200s' is known", name);
    const int64_t known = (*out_range)->channels;
    if (!known || channels < 0 || known == channels) return NULL;
    *out_range = NULL;
    return QN_ERR(
        QN_INVALID_ARGUMENT,
        "%s%svalue '%.200s' has %lld channels, but its range is of %lld: these are the ranges of another model",
        ranges->origin, *ranges->origin ? ": " : "", name, (long long)channels, (long long)known);
}

/* ---- Adding ---- */

static qn_status *check_bounds(float low, float high) {
    if (!isfinite(low) || !isfinite(high)) return QN_ERR(QN_INVALID_ARGUMENT, "a bound is no finite number");
    if (low > high) return QN_ERR(QN_INVALID_ARGUMENT, "min %.9g is above max %.9g", (double)low, (double)high);
    return NULL;
}

static qn_status *outside(const char *key, float number, const char *what, float low, float high) {
    return QN_ERR(QN_INVALID_ARGUMENT, "key '%s': %.9g is outside %s, %.9g to %.9g", key, (double)number, what,
                  (double)low, (double)high);
}

static int is_within(float number, float low, float high) { return number >= low && number <= high; }

static qn_status *check_channel_bounds(const qn_value_range *range, int64_t c) {
    const float low = range->channel_low[c], high = range->channel_high[c];
    QN_TRY(check_bounds(low, high));
    if (!is_within(low, range->low, range->high))
        return outside("channel_min", low, "the value's range", range->low, range->high);
    if (!is_within(high, range->low, range->high))
        return outside("channel_max", high, "the value's range", range->low, range->high);
    return NULL;
}

/* No numbers have a mean of squares below the square of their mean, roundings and the ends of floats aside. */
static int is_possible(float mean, float square) {
    const double least = fmin((double)mean * (double)mean, (double)FLT_MAX);
    return (double)square >= least * (1 - SQUARE_ROUNDING) - (double)FLT_MIN;
}

static qn_status *check_channel(const qn_value_range *range, int64_t c) {
    const float mean = range->channel_mean ? range->channel_mean[c] : 0;
    const float square = range->channel_square ? range->channel_square[c] : 0;
    if (range->channel_low) QN_TRY(check_channel_bounds(range, c));
    if (!isfinite(mean)) return QN_ERR(QN_INVALID_ARGUMENT, "key 'channel_mean': the mean is no finite number");
    if (range->channel_mean && range->channel_low && !is_within(mean, range->channel_low[c], range->channel_high[c]))
        return outside("channel_mean", mean, "the channel's range", range->channel_low[c], range->channel_high[c]);
    if (!(isfinite(square) && square >= 0))
        return QN_ERR(QN_INVALID_ARGUMENT, "key 'channel_square': the mean of squares is negative or no finite number");
    if (range->channel_square && !is_possible(mean, square))
        return QN_ERR(QN_INVALID_ARGUMENT, "key 'channel_square': %.9g is below the square of the mean %.9g",
                      (double)square, (double)mean);
    return NULL;
}

static qn_status *check(const qn_value_range *range) {
    const int has_arrays = range->channel_low || range->channel_high || range->channel_mean || range->channel_square;
    QN_TRY_CTX(check_bounds(range->low, range->high), "whole value");
    if (range->elements < 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "key 'elements': %lld is negative", (long long)range->elements);
    if (!range->channel_low != !range->channel_high)
        return QN_ERR(QN_INVALID_ARGUMENT, "channel_min and channel_max come together");
    if (range->channels < 0 || (range->channels > 0) != has_arrays)
        return QN_ERR(QN_INVALID_ARGUMENT, "arrays of %lld channels", (long long)range->channels);
    if (range->channels > QN_VALUE_CHANNELS_MAX)
        return QN_ERR(QN_LIMIT, "more than %d channels", QN_VALUE_CHANNELS_MAX);
    for (int64_t c = 0; c < range->channels; c++) QN_TRY_CTX(check_channel(range, c), "channel %lld", (long long)c);
    return NULL;
}

/* Replaces a borrowed array by a copy; 0 when memory is short. */
static int own(qn_arena *arena, int64_t channels, const float **inout_array) {
    if (!*inout_array) return 1;
    *inout_array = qn_arena_copy(arena, *inout_array, (size_t)channels * sizeof **inout_array);
    return *inout_array != NULL;
}

qn_status *qn_value_ranges_add(qn_value_ranges *ranges, const qn_value_range *range) {
    qn_arena *arena = ranges->arena;
    qn_value_range copy = *range;
    QN_TRY_CTX(check(range), "value '%.200s'", range->name);
    QN_TRY(grow(ranges));
    if (*slot_of(ranges, range->name))
        return QN_ERR(QN_INVALID_ARGUMENT, "value '%.200s' has a range already", range->name);
    copy.name = qn_arena_copy_string(arena, range->name, strlen(range->name));
    if (!copy.name || !own(arena, copy.channels, &copy.channel_low) || !own(arena, copy.channels, &copy.channel_high) ||
        !own(arena, copy.channels, &copy.channel_mean) || !own(arena, copy.channels, &copy.channel_square))
        return qn_status_out_of_memory();
    QN_TRY(QN_LIST_PUSH(arena, &ranges->list, copy));
    *slot_of(ranges, copy.name) = (uint32_t)ranges->list.count;
    return NULL;
}
