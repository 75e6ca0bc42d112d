/* Moments of windows against plain sums over all of them. */
#include "quant_case.h"

#include "quant/moments.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 7, CHANNELS_MAX = 13, ROUNDS = 60 };

/* Some pictures, each of a size of its own. */
typedef struct moments_case {
    qn_rng rng;
    qn_window window;
    int is_depthwise;
    int64_t channels;
    float data[2 * SIDE * SIDE * CHANNELS_MAX];
    int64_t dims[4];
} moments_case;

static void draw_case(moments_case *c, uint64_t seed) {
    qn_rng_init(&c->rng, seed);
    c->is_depthwise = (int)qn_rng_range(&c->rng, 0, 1);
    c->channels = qn_rng_range(&c->rng, 1, CHANNELS_MAX);
    c->window = (qn_window){.padding = qn_rng_range(&c->rng, 0, QN_PADDING_VALID)};
    for (int i = 0; i < 4; i++) c->window.pads[i] = qn_rng_range(&c->rng, 0, 2);
    for (int i = 0; i < 2; i++) {
        c->window.kernel[i] = qn_rng_range(&c->rng, 1, 3);
        c->window.stride[i] = qn_rng_range(&c->rng, 1, 2);
        c->window.dilation[i] = qn_rng_range(&c->rng, 1, 3);
    }
}

static void draw_picture(moments_case *c) {
    c->dims[0] = c->is_depthwise ? 1 : qn_rng_range(&c->rng, 1, 2); /* so few windows that all are looked at */
    c->dims[1] = qn_rng_range(&c->rng, 5, SIDE);
    c->dims[2] = qn_rng_range(&c->rng, 5, SIDE);
    c->dims[3] = c->channels;
    for (int64_t i = 0; i < c->dims[0] * c->dims[1] * c->dims[2] * c->dims[3]; i++)
        c->data[i] = 1 + draw_normal(&c->rng);
}

static qn_moments *create(const moments_case *c) {
    qn_moments *moments;
    qn_status *status = qn_moments_create(NULL, &c->window, c->is_depthwise, c->channels, &moments);
    if (status) fail_msg("%s", qn_status_message(status));
    return moments;
}

/* What row `row` of channel `channel` reads in the window at (oy, ox). */
static double read_row(const moments_case *c, const int64_t out[2], int64_t n, int64_t oy, int64_t ox, int64_t channel,
                       int64_t row) {
    int64_t tap = c->is_depthwise ? row : row / c->channels, of = c->is_depthwise ? channel : row % c->channels;
    int64_t y = oy * c->window.stride[0] - qn_window_pad_before(&c->window, 0, c->dims[1], out[0]) +
                tap / c->window.kernel[1] * c->window.dilation[0];
    int64_t x = ox * c->window.stride[1] - qn_window_pad_before(&c->window, 1, c->dims[2], out[1]) +
                tap % c->window.kernel[1] * c->window.dilation[1];
    if (y < 0 || x < 0 || y >= c->dims[1] || x >= c->dims[2]) return 0;
    return (double)c->data[((n * c->dims[1] + y) * c->dims[2] + x) * c->channels + of];
}

/* Adds the picture at hand to sums of one channel and two rows. */
static void add_plainly(const moments_case *c, int64_t channel, int64_t i, int64_t j, double sums[3]) {
    const int64_t out[2] = {qn_window_out_size(&c->window, 0, c->dims[1]),
                            qn_window_out_size(&c->window, 1, c->dims[2])};
    for (int64_t n = 0; n < c->dims[0]; n++)
        for (int64_t oy = 0; oy < out[0]; oy++)
            for (int64_t ox = 0; ox < out[1]; ox++) {
                double a = read_row(c, out, n, oy, ox, channel, i), b = read_row(c, out, n, oy, ox, channel, j);
                sums[0]++, sums[1] += a, sums[2] += a * b;
            }
}

static void moments_of_few_windows_are_plain_means(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        static moments_case c;
        double sums[8][3] = {{0}};
        int64_t channel[8], i[8], j[8];
        draw_case(&c, seed);
        qn_moments *moments = create(&c);
        for (int p = 0; p < 8; p++) {
            channel[p] = c.is_depthwise ? qn_rng_range(&c.rng, 0, c.channels - 1) : 0;
            i[p] = qn_rng_range(&c.rng, 0, moments->rows - 1);
            j[p] = p < 2 ? i[p] : qn_rng_range(&c.rng, 0, moments->rows - 1);
        }
        for (int picture = 0; picture < 3; picture++) {
            draw_picture(&c);
            qn_moments_add(moments, c.data, c.dims);
            for (int p = 0; p < 8; p++) add_plainly(&c, channel[p], i[p], j[p], sums[p]);
        }
        assert_int_equal(moments->samples, 3);
        assert_int_equal(moments->count, (int64_t)sums[0][0]);
        for (int p = 0; p < 8 && moments->count; p++) {
            double mean = qn_moments_mean(moments, channel[p], i[p]);
            double product = qn_moments_product(moments, channel[p], i[p], j[p]);
            if (!(fabs(mean - sums[p][1] / sums[p][0]) < 1e-5) || !(fabs(product - sums[p][2] / sums[p][0]) < 1e-5))
                fail_msg("seed %llu: mean %g, product %g; expected %g and %g", (unsigned long long)seed, mean, product,
                         sums[p][1] / sums[p][0], sums[p][2] / sums[p][0]);
        }
        qn_moments_destroy(moments);
    }
}

static void some_of_many_windows_stand_for_all(void **state) {
    enum { WIDTH = 20000 };
    (void)state;
    const qn_window window = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .padding = QN_PADDING_VALID};
    const int64_t dims[4] = {1, 1, WIDTH, 2};
    float *data = malloc(WIDTH * 2 * sizeof *data);
    double mean = 0, product = 0;
    qn_rng rng;
    qn_moments *moments;
    assert_non_null(data);
    qn_rng_init(&rng, 4);
    for (int i = 0; i < WIDTH; i++) {
        data[2 * i] = draw_normal(&rng);
        data[2 * i + 1] = 0.5f * data[2 * i] + draw_normal(&rng) + 1;
        mean += (double)data[2 * i + 1] / WIDTH;
        product += (double)data[2 * i] * (double)data[2 * i + 1] / WIDTH;
    }
    assert_null(qn_moments_create(NULL, &window, 0, 2, &moments));
    for (int i = 0; i < 16; i++) qn_moments_add(moments, data, dims);
    assert_in_range(moments->count, 16 * QN_MOMENTS_PICK * 9 / 10, 16 * QN_MOMENTS_PICK);
    assert_true(fabs(qn_moments_mean(moments, 0, 1) - mean) < 0.05);
    assert_true(fabs(qn_moments_product(moments, 0, 0, 1) - product) < 0.06);
    qn_moments_destroy(moments);
    free(data);
}

static void copies_go_on_as_the_original_does(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static moments_case c;
        qn_moments *copy;
        draw_case(&c, seed);
        qn_moments *moments = create(&c);
        moments->next = create(&c);
        draw_picture(&c);
        qn_moments_add(moments, c.data, c.dims);
        qn_moments_add(moments->next, c.data, c.dims);
        assert_null(qn_moments_copy(moments, &copy));
        draw_picture(&c);
        qn_moments_add(moments, c.data, c.dims);
        qn_moments_add(copy, c.data, c.dims);
        size_t products = (size_t)(moments->rows * moments->rows * (c.is_depthwise ? c.channels : 1));
        assert_memory_equal(copy->product, moments->product, products * sizeof *copy->product);
        assert_int_equal(copy->count, moments->count);
        assert_int_equal(copy->next->count, moments->next->count);
        assert_null(copy->next->next);
        qn_moments_destroy(copy);
        qn_moments_destroy(moments);
    }
    qn_moments *none = (qn_moments *)state;
    assert_null(qn_moments_copy(NULL, &none));
    assert_null(none);
}

static void windows_are_found_by_what_they_read(void **state) {
    (void)state;
    qn_moments point = {
        .window = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .padding = QN_PADDING_VALID}};
    qn_moments square = {
        .window = {.kernel = {3, 3}, .stride = {1, 1}, .dilation = {2, 2}, .padding = QN_PADDING_SAME_UPPER},
        .next = &point};
    qn_window window = point.window;
    window.padding = QN_PADDING_SAME_LOWER;
    window.dilation[0] = 7;
    assert_ptr_equal(qn_moments_find(&square, &window, 0), &point);
    assert_null(qn_moments_find(&square, &window, 1));
    window.stride[1] = 2;
    assert_null(qn_moments_find(&square, &window, 0));
    window = square.window;
    assert_ptr_equal(qn_moments_find(&square, &window, 0), &square);
    window.dilation[1] = 1;
    assert_null(qn_moments_find(&square, &window, 0));
    window = square.window;
    window.padding = QN_PADDING_EXPLICIT;
    assert_null(qn_moments_find(&square, &window, 0));
    assert_null(qn_moments_find(NULL, &window, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_of_few_windows_are_plain_means),
        cmocka_unit_test(some_of_many_windows_stand_for_all),
        cmocka_unit_test(copies_go_on_as_the_original_does),
        cmocka_unit_test(windows_are_found_by_what_they_read),
    };
    return cmocka_run_group_tests_name("quant/moments", tests, NULL, NULL);
}
