/* Encodings of values: what they can hold, how zero and the readers' wishes are respected, and that the scales chosen
 * lose no more than others would. */
#include "layer_case.h"

#include "quant/encoding.h"

enum { CHANNELS = 6, ROUNDS = 40, HEADROOM = 4 /* of 16 bits, beyond what calibration saw */ };

/* A value with statistics, and one layer that reads it. */
typedef struct encoding_case {
    layer_case reader;
    float low[CHANNELS], high[CHANNELS], mean[CHANNELS], square[CHANNELS];
    qn_value_stats stats;
    qn_integer_wish wish;
    qn_encoding_request request;
} encoding_case;

/* Call again after changes to channels: the whole value spans what its channels span. */
static void span_channels(encoding_case *c) {
    c->stats.low = c->stats.high = 0;
    for (int i = 0; i < CHANNELS; i++) {
        c->stats.low = fminf(c->stats.low, c->low[i]);
        c->stats.high = fmaxf(c->stats.high, c->high[i]);
    }
}

static void encoding_case_init(encoding_case *c, uint64_t seed, qn_dtype dtype, int is_depthwise) {
    memset(c, 0, sizeof *c);
    layer_case_init(&c->reader, seed, dtype, is_depthwise ? 9 : 9 * CHANNELS, CHANNELS, is_depthwise ? CHANNELS : 4,
                    is_depthwise);
    for (int i = 0; i < CHANNELS; i++) {
        c->high[i] = exp2f(qn_rng_float(&c->reader.rng, -3, 4));
        c->low[i] = -exp2f(qn_rng_float(&c->reader.rng, -3, 4));
        c->mean[i] = 0.25f * (c->low[i] + c->high[i]);
        c->square[i] = c->mean[i] * c->mean[i] + 0.1f * c->high[i] * c->high[i];
    }
    c->stats = (qn_value_stats){.channels = CHANNELS,
                                .channel_low = c->low,
                                .channel_high = c->high,
                                .channel_mean = c->mean,
                                .channel_square = c->square};
    span_channels(c);
    c->wish = (qn_integer_wish){.dtype = dtype, .who = {QN_ASKER_NAMED, "test"}, .equalise = 1, .correct_bias = 1};
    c->request = (qn_encoding_request){.stats = &c->stats,
                                       .channels = CHANNELS,
                                       .wish = &c->wish,
                                       .dtype = dtype,
                                       .equalise = 1,
                                       .layers = &c->reader.layer,
                                       .layer_count = 1};
}

static void encoding_case_deinit(encoding_case *c) { layer_case_deinit(&c->reader); }

static qn_encoding choose(encoding_case *c) {
    qn_encoding encoding;
    qn_status *status = qn_encoding_choose(&c->request, &c->reader.arena, &encoding);
    if (status) fail_msg("%s", qn_status_message(status));
    assert_int_equal(encoding.dtype, c->request.dtype);
    assert_int_equal(encoding.channels, c->request.channels);
    for (int64_t i = 0; i < encoding.channels; i++) {
        int is_bytes = encoding.dtype == QN_DTYPE_U8;
        assert_true(isnormal(encoding.scale[i]) && encoding.scale[i] > 0 && isfinite(1.0f / encoding.scale[i]));
        assert_true(encoding.zero_point[i] >= 0 && encoding.zero_point[i] <= (is_bytes ? 255 : 0));
    }
    return encoding;
}

/* Every channel's range within what its integers stand for, up to half a step, or what one rounding to float leaves. */
static void expect_holds(const encoding_case *c, const qn_encoding *encoding, uint64_t seed) {
    int is_bytes = encoding->dtype == QN_DTYPE_U8;
    for (int64_t i = 0; i < CHANNELS; i++) {
        double scale = (double)encoding->scale[i], zero_point = encoding->zero_point[i];
        double low = scale * ((is_bytes ? 0 : -32767) - zero_point),
               high = scale * ((is_bytes ? 255 : 32767) - zero_point);
        if (low > (double)c->low[i] + 0.5001 * scale || high < (double)c->high[i] - 0.5001 * scale)
            fail_msg("seed %llu, channel %lld: %g to %g in %g to %g", (unsigned long long)seed, (long long)i,
                     (double)c->low[i], (double)c->high[i], low, high);
    }
}

static int has_one_scale(const qn_encoding *encoding) {
    for (int64_t i = 1; i < encoding->channels; i++)
        if (encoding->scale[i] != encoding->scale[0] || encoding->zero_point[i] != encoding->zero_point[0]) return 0;
    return 1;
}

/* ---- Ranges ---- */

static void every_channel_is_held_whatever_is_asked_for(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        encoding_case c;
        encoding_case_init(&c, seed, seed % 2 ? QN_DTYPE_U8 : QN_DTYPE_S16, seed / 2 % 2);
        c.wish.symmetric = seed / 4 % 2;
        c.request.one_zero_point = seed / 8 % 2;
        c.request.equalise = seed / 16 % 2;
        qn_encoding encoding = choose(&c);
        expect_holds(&c, &encoding, seed);
        encoding_case_deinit(&c);
    }
}

static void ranges_that_do_not_cross_zero_are_held_from_zero_on(void **state) {
    (void)state;
    for (int is_depthwise = 0; is_depthwise < 2; is_depthwise++)
        for (int one = 0; one < 2; one++) {
            encoding_case c;
            encoding_case_init(&c, 2, QN_DTYPE_U8, is_depthwise);
            for (int i = 0; i < CHANNELS; i++) {
                c.low[i] = i % 2 ? -9.0f : 3.0f + (float)i;
                c.high[i] = i % 2 ? -4.0f : 9.0f;
            }
            span_channels(&c);
            c.request.one_zero_point = one;
            qn_encoding encoding = choose(&c);
            expect_holds(&c, &encoding, (uint64_t)one);
            /* finest scales: zero is an end of the integers */
            for (int i = 0; i < CHANNELS && is_depthwise && !one; i++)
                assert_int_equal(encoding.zero_point[i], i % 2 ? 255 : 0);
            encoding_case_deinit(&c);
        }
}

static void channels_of_zeros_and_of_next_to_nothing_get_sound_scales(void **state) {
    (void)state;
    for (int variant = 0; variant < 16; variant++) {
        encoding_case c;
        encoding_case_init(&c, 3, variant & 1 ? QN_DTYPE_U8 : QN_DTYPE_S16, variant >> 1 & 1);
        c.request.one_zero_point = variant >> 2 & 1;
        c.low[0] = c.high[0] = 0;
        c.low[1] = 0, c.high[1] = 0x1p-140f;
        c.low[2] = -0x1p-149f, c.high[2] = 0;
        if (variant >> 3) { /* nothing at all was seen: whoever makes statistics says [0, 1] then */
            memset(c.low, 0, sizeof c.low), memset(c.high, 0, sizeof c.high);
            memset(c.mean, 0, sizeof c.mean), memset(c.square, 0, sizeof c.square);
            c.stats.low = 0, c.stats.high = 1;
        }
        qn_encoding encoding = choose(&c);
        expect_holds(&c, &encoding, (uint64_t)variant);
        encoding_case_deinit(&c);
    }
}

static void one_outlier_leaves_the_other_channels_a_share(void **state) {
    (void)state;
    encoding_case c;
    encoding_case_init(&c, 4, QN_DTYPE_U8, 1);
    c.high[3] = 1e6f;
    span_channels(&c);
    qn_encoding encoding = choose(&c);
    expect_holds(&c, &encoding, 4);
    for (int i = 0; i < CHANNELS; i++) {
        assert_true(encoding.scale[i] >= encoding.scale[3] * 0x1p-8f * 0.999f);
        if (i != 3) assert_true(encoding.scale[i] < encoding.scale[3] * 0.01f);
    }
    encoding_case_deinit(&c);
}

/* ---- Wishes ---- */

static void zero_is_one_number_for_all_channels_where_somebody_pads(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        encoding_case c;
        encoding_case_init(&c, seed, QN_DTYPE_U8, seed % 2 == 0);
        c.request.one_zero_point = 1;
        qn_encoding encoding = choose(&c);
        for (int i = 1; i < CHANNELS; i++) assert_int_equal(encoding.zero_point[i], encoding.zero_point[0]);
        expect_holds(&c, &encoding, seed);
        encoding_case_deinit(&c);
    }
}

static void symmetric_integers_have_their_zero_in_the_middle(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        encoding_case c;
        encoding_case_init(&c, seed, QN_DTYPE_U8, seed % 2 == 0);
        c.wish.symmetric = 1;
        qn_encoding encoding = choose(&c);
        for (int i = 0; i < CHANNELS; i++) assert_int_equal(encoding.zero_point[i], 128);
        encoding_case_deinit(&c);
    }
}

static void depthwise_readers_get_the_finest_scale_of_each_channel(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        encoding_case c;
        encoding_case_init(&c, seed, seed % 2 ? QN_DTYPE_U8 : QN_DTYPE_S16, 1);
        qn_encoding encoding = choose(&c);
        for (int i = 0; i < CHANNELS; i++) {
            double low = (double)c.low[i], high = (double)c.high[i];
            double finest = seed % 2 ? (high - low) / 255 : HEADROOM * fmax(-low, high) / 32767;
            if (fabs((double)encoding.scale[i] - finest) > 1e-6 * finest)
                fail_msg("seed %llu, channel %d: scale %g, expected %g", (unsigned long long)seed, i,
                         (double)encoding.scale[i], finest);
        }
        encoding_case_deinit(&c);
    }
}

static void the_grid_of_the_source_stays(void **state) {
    (void)state;
    static const float scale[CHANNELS] = {0.5f, 3, 1, 1, 0.25f, 2};
    static const int32_t zero_point[CHANNELS] = {51, 7, 0, 255, 128, 51};
    for (int variant = 0; variant < 8; variant++) {
        encoding_case c;
        encoding_case_init(&c, 5, QN_DTYPE_U8, variant % 2);
        const qn_value_encoding grid = {"x", variant / 4 ? CHANNELS : 1, scale, zero_point};
        c.stats.grid = &grid;
        c.wish.symmetric = variant / 2 % 2;
        qn_encoding encoding = choose(&c);
        for (int i = 0; i < CHANNELS; i++) {
            assert_true(encoding.scale[i] == scale[variant / 4 ? i : 0]);
            assert_int_equal(encoding.zero_point[i], zero_point[variant / 4 ? i : 0]);
        }
        encoding_case_deinit(&c);
    }
}

/* Zero must be one number where somebody pads, and words have a zero of their own. */
static void a_grid_that_cannot_be_kept_is_a_range(void **state) {
    (void)state;
    static const float scale[CHANNELS] = {0.5f, 3, 1, 1, 0.25f, 2};
    static const int32_t zero_point[CHANNELS] = {51, 7, 0, 255, 128, 51};
    for (int variant = 0; variant < 2; variant++) {
        encoding_case c;
        encoding_case_init(&c, 5, variant ? QN_DTYPE_S16 : QN_DTYPE_U8, 0);
        const qn_value_encoding grid = {"x", CHANNELS, scale, zero_point};
        c.stats.grid = &grid;
        c.request.one_zero_point = !variant;
        qn_encoding encoding = choose(&c);
        for (int i = 0; i < CHANNELS; i++)
            assert_true(encoding.zero_point[i] == (variant ? 0 : encoding.zero_point[0]));
        encoding_case_deinit(&c);
    }
}

static void without_equalising_or_channels_there_is_one_scale(void **state) {
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        encoding_case c;
        encoding_case_init(&c, 6, variant % 2 ? QN_DTYPE_U8 : QN_DTYPE_S16, 1);
        c.stats.low = -8, c.stats.high = 16;
        if (variant / 2)
            c.request.equalise = 0;
        else
            c.stats.channels = 0;
        qn_encoding encoding = choose(&c);
        assert_true(has_one_scale(&encoding));
        assert_true(encoding.scale[0] == (variant % 2 ? 24.0f / 255 : HEADROOM * (16.0f / 32767)));
        assert_int_equal(encoding.zero_point[0], variant % 2 ? 85 : 0);
        assert_true(variant / 2 ? encoding.mean == c.mean : !encoding.mean); /* the bias can still be corrected */
        encoding_case_deinit(&c);
    }
}

/* ---- Loss ---- */

/* Squared error of the readers in parts of their signal, from the weights and steps themselves. */
static double loss_of(const encoding_case *c, const qn_encoding *encoding) {
    qn_arena arena;
    qn_layer_integers integers;
    const qn_layer_options options = {.correct_bias = 1};
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_layer_quantise(&c->reader.layer, encoding, &options, &arena, &integers);
    if (status) fail_msg("%s", qn_status_message(status));
    double loss = 0, power = 0;
    for (int64_t k = 0; k < c->reader.layer.rows; k++)
        for (int64_t o = 0; o < c->reader.layer.outputs; o++) {
            int64_t channel = k % CHANNELS;
            double weight = (double)c->reader.weights[k * c->reader.layer.outputs + o],
                   scale = (double)encoding->scale[channel];
            double variance = (double)c->square[channel] - (double)c->mean[channel] * (double)c->mean[channel];
            double rounded = (double)integers.weight_scale[o] *
                             (double)((const int8_t *)integers.weights)[k * c->reader.layer.outputs + o] / scale;
            loss += (weight - rounded) * (weight - rounded) * variance + weight * weight * scale * scale / 12;
            power += weight * weight * variance;
        }
    qn_arena_deinit(&arena);
    return loss / power;
}

static void scales_between_lose_no_more_than_the_finest_or_one_for_all(void **state) {
    (void)state;
    int better = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        encoding_case c;
        encoding_case_init(&c, seed, QN_DTYPE_U8, 0);
        qn_encoding chosen = choose(&c), other = chosen;
        float scale[CHANNELS];
        double loss = loss_of(&c, &chosen), coarsest = 0;
        other.scale = scale;
        for (int i = 0; i < CHANNELS; i++) {
            scale[i] = (c.high[i] - c.low[i]) / 255;
            coarsest = fmax(coarsest, (double)scale[i]);
        }
        double finest = loss_of(&c, &other);
        for (int i = 0; i < CHANNELS; i++) scale[i] = (float)coarsest;
        double one = loss_of(&c, &other);
        if (!(loss <= finest * (1 + 1e-4) && loss <= one * (1 + 1e-4)))
            fail_msg("seed %llu: loss %g, finest scales %g, one scale %g", (unsigned long long)seed, loss, finest, one);
        better += loss < 0.9 * one;
        encoding_case_deinit(&c);
    }
    assert_true(better > ROUNDS / 2);
}

static void a_reader_with_a_weight_that_is_not_finite_is_refused(void **state) {
    (void)state;
    encoding_case c;
    qn_encoding encoding;
    encoding_case_init(&c, 7, QN_DTYPE_U8, 0);
    c.reader.weights[5] = NAN;
    expect_refused(qn_encoding_choose(&c.request, &c.reader.arena, &encoding), QN_INVALID_MODEL, "weight 5 is");
    encoding_case_deinit(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_channel_is_held_whatever_is_asked_for),
        cmocka_unit_test(ranges_that_do_not_cross_zero_are_held_from_zero_on),
        cmocka_unit_test(channels_of_zeros_and_of_next_to_nothing_get_sound_scales),
        cmocka_unit_test(one_outlier_leaves_the_other_channels_a_share),
        cmocka_unit_test(zero_is_one_number_for_all_channels_where_somebody_pads),
        cmocka_unit_test(symmetric_integers_have_their_zero_in_the_middle),
        cmocka_unit_test(depthwise_readers_get_the_finest_scale_of_each_channel),
        cmocka_unit_test(the_grid_of_the_source_stays),
        cmocka_unit_test(a_grid_that_cannot_be_kept_is_a_range),
        cmocka_unit_test(without_equalising_or_channels_there_is_one_scale),
        cmocka_unit_test(scales_between_lose_no_more_than_the_finest_or_one_for_all),
        cmocka_unit_test(a_reader_with_a_weight_that_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests_name("quant/encoding", tests, NULL, NULL);
}
