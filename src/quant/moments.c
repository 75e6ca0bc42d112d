#include "quant/moments.h"

#include "op/layer.h"

#include "base/checked.h"
#include "quant/pick.h"

#include <assert.h>
#include <string.h>

/* Windows that enter the sums together, and the tile of the matrix that is summed at once. */
enum { PANEL = 128, PANEL_DEPTHWISE = 8, TILE_ROWS = 4, TILE_COLUMNS = 8 };

static int64_t panel_lines(const qn_moments *m) { return m->is_depthwise ? PANEL_DEPTHWISE : PANEL; }

/* ---- Layers ---- */

int qn_moments_describe(const qn_node *node, qn_window *out_window, int *out_is_depthwise) {
    *out_window = (qn_window){.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .padding = QN_PADDING_VALID};
    *out_is_depthwise = 0;
    if (!qn_op_is_layer(node->op) || !node->inputs[0]) return 0;
    const qn_value *weights = node->inputs[node->op->layer->weights];
    if (!weights || !qn_value_is_constant(weights)) return 0;
    const qn_view view = qn_value_view(weights);
    const qn_layer_shape shape = qn_layer_describe(node->op, node->attrs, view.rank, view.dims);
    *out_window = shape.window;
    *out_is_depthwise = shape.groups > 1;
    return shape.is_plain;
}

/* ---- Life ---- */

int64_t qn_moments_rows(const qn_window *window, int is_depthwise, int64_t channels) {
    int64_t rows;
    if (!qn_checked_mul_i64(window->kernel[0], window->kernel[1], &rows)) return INT64_MAX;
    if (!is_depthwise && !qn_checked_mul_i64(rows, channels, &rows)) return INT64_MAX;
    return rows;
}

static size_t product_count(const qn_moments *m) {
    return (size_t)(m->rows * m->rows * (m->is_depthwise ? m->channels : 1));
}

qn_status *qn_moments_create(const qn_allocator *allocator, const qn_window *window, int is_depthwise, int64_t channels,
                             qn_moments **out_moments) {
    *out_moments = NULL;
    allocator = qn_allocator_or_default(allocator);
    qn_moments *m = qn_alloc_zeroed(allocator, 1, sizeof *m, _Alignof(qn_moments));
    if (!m) return qn_status_out_of_memory();
    m->allocator = allocator;
    m->window = *window;
    m->is_depthwise = is_depthwise;
    m->channels = channels;
    m->taps = window->kernel[0] * window->kernel[1];
    m->rows = qn_moments_rows(window, is_depthwise, channels);
    assert(channels > 0 && m->rows <= QN_MOMENTS_ROWS_MAX);
    m->stride = (m->taps * channels + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
    m->sum = qn_alloc_zeroed(allocator, (size_t)(m->taps * channels), sizeof *m->sum, 64);
    m->product = qn_alloc_zeroed(allocator, product_count(m), sizeof *m->product, 64);
    m->panel = qn_alloc_zeroed(allocator, (size_t)(panel_lines(m) * m->stride), sizeof *m->panel, 64);
    *out_moments = m;
    if (m->sum && m->product && m->panel) return NULL;
    qn_moments_destroy(m);
    *out_moments = NULL;
    return qn_status_out_of_memory();
}

void qn_moments_destroy(qn_moments *m) {
    while (m) {
        qn_moments *next = m->next;
        qn_free(m->allocator, m->sum);
        qn_free(m->allocator, m->product);
        qn_free(m->allocator, m->panel);
        qn_free(m->allocator, m);
        m = next;
    }
}

qn_status *qn_moments_copy(const qn_moments *moments, qn_moments **out_copy) {
    qn_moments **end = out_copy;
    *out_copy = NULL;
    for (const qn_moments *m = moments; m; m = m->next, end = &(*end)->next) {
        qn_status *status = qn_moments_create(m->allocator, &m->window, m->is_depthwise, m->channels, end);
        if (status) {
            qn_moments_destroy(*out_copy);
            *out_copy = NULL;
            return status;
        }
        (*end)->samples = m->samples;
        (*end)->count = m->count;
        memcpy((*end)->sum, m->sum, (size_t)(m->taps * m->channels) * sizeof *m->sum);
        memcpy((*end)->product, m->product, product_count(m) * sizeof *m->product);
    }
    return NULL;
}

/* ---- Windows ---- */

/* Do both read the same? What does not matter for them may differ. */
static int are_same(const qn_window *a, const qn_window *b) {
    int pads = 0;
    for (int axis = 0; axis < 2; axis++) {
        if (a->kernel[axis] != b->kernel[axis] || a->stride[axis] != b->stride[axis]) return 0;
        if (a->kernel[axis] > 1 && a->dilation[axis] != b->dilation[axis]) return 0;
        pads |= a->kernel[axis] > 1;
    }
    for (int i = 0; i < 4; i++) {
        pads |= a->padding == QN_PADDING_EXPLICIT && a->pads[i];
        pads |= b->padding == QN_PADDING_EXPLICIT && b->pads[i];
    }
    if (!pads) return 1;
    return a->padding == b->padding && (a->padding != QN_PADDING_EXPLICIT || !memcmp(a->pads, b->pads, sizeof a->pads));
}

const qn_moments *qn_moments_find(const qn_moments *list, const qn_window *window, int is_depthwise) {
    for (; list; list = list->next)
        if (list->is_depthwise == is_depthwise && are_same(&list->window, window)) return list;
    return NULL;
}

/* What the window at output position (y, x) of picture n reads, as one line of the panel. */
static void gather(const qn_moments *m, const float *data, const int64_t dims[4], int64_t n, const int64_t corner[2],
                   float *line) {
    const size_t bytes = (size_t)m->channels * sizeof *line;
    for (int64_t ky = 0; ky < m->window.kernel[0]; ky++)
        for (int64_t kx = 0; kx < m->window.kernel[1]; kx++, line += m->channels) {
            int64_t y = corner[0] + ky * m->window.dilation[0], x = corner[1] + kx * m->window.dilation[1];
            if (y < 0 || y >= dims[1] || x < 0 || x >= dims[2])
                memset(line, 0, bytes);
            else
                memcpy(line, data + ((n * dims[1] + y) * dims[2] + x) * m->channels, bytes);
        }
}

/* ---- Sums ---- */

/* Products of TILE_ROWS numbers of each line, from `a` on, with TILE_COLUMNS, from `b` on. */
static void sum_tile(const float *restrict a, const float *restrict b, int64_t stride, int64_t lines,
                     float out[TILE_ROWS][TILE_COLUMNS]) {
    float c0[TILE_COLUMNS] = {0}, c1[TILE_COLUMNS] = {0}, c2[TILE_COLUMNS] = {0}, c3[TILE_COLUMNS] = {0};
    for (int64_t line = 0; line < lines; line++, a += stride, b += stride)
        for (int j = 0; j < TILE_COLUMNS; j++) {
            c0[j] += a[0] * b[j];
            c1[j] += a[1] * b[j];
            c2[j] += a[2] * b[j];
            c3[j] += a[3] * b[j];
        }
    memcpy(out[0], c0, sizeof c0);
    memcpy(out[1], c1, sizeof c1);
    memcpy(out[2], c2, sizeof c2);
    memcpy(out[3], c3, sizeof c3);
}

static void add_products(qn_moments *m) {
    float tile[TILE_ROWS][TILE_COLUMNS];
    for (int64_t i = 0; i < m->rows; i += TILE_ROWS)
        for (int64_t j = i / TILE_COLUMNS * TILE_COLUMNS; j < m->rows; j += TILE_COLUMNS) {
            sum_tile(m->panel + i, m->panel + j, m->stride, m->filled, tile);
            for (int64_t r = 0; r < TILE_ROWS && i + r < m->rows; r++)
                for (int64_t c = 0; c < TILE_COLUMNS && j + c < m->rows; c++)
                    m->product[(i + r) * m->rows + j + c] += (double)tile[r][c];
        }
}

/* Each channel by itself. */
static void add_channel_products(qn_moments *m) {
    for (int64_t line = 0; line < m->filled; line++)
        for (int64_t i = 0; i < m->taps; i++)
            for (int64_t j = i; j < m->taps; j++) {
                const float *restrict a = m->panel + line * m->stride + i * m->channels;
                const float *restrict b = m->panel + line * m->stride + j * m->channels;
                double *restrict out = m->product + (i * m->taps + j) * m->channels;
                for (int64_t c = 0; c < m->channels; c++) out[c] += (double)(a[c] * b[c]);
            }
}

static void flush(qn_moments *m) {
    for (int64_t line = 0; line < m->filled; line++)
        for (int64_t i = 0; i < m->taps * m->channels; i++) m->sum[i] += (double)m->panel[line * m->stride + i];
    if (m->is_depthwise)
        add_channel_products(m);
    else
        add_products(m);
    m->count += (uint64_t)m->filled;
    m->filled = 0;
}

void qn_moments_add(qn_moments *m, const float *data, const int64_t dims[4]) {
    const int64_t out[2] = {qn_window_out_size(&m->window, 0, dims[1]), qn_window_out_size(&m->window, 1, dims[2])};
    const int64_t before[2] = {qn_window_pad_before(&m->window, 0, dims[1], out[0]),
                               qn_window_pad_before(&m->window, 1, dims[2], out[1])};
    const int64_t windows = dims[0] * out[0] * out[1];
    const int64_t step = (windows - 1) / (m->is_depthwise ? QN_MOMENTS_PICK_DEPTHWISE : QN_MOMENTS_PICK) + 1;
    uint64_t turn = 0;
    assert(dims[3] == m->channels);
    for (int64_t start = 0; start < windows; start += step) {
        const int64_t window = start + qn_pick(turn++, m->samples, step);
        if (window >= windows) break;
        const int64_t position = window % (out[0] * out[1]);
        const int64_t corner[2] = {position / out[1] * m->window.stride[0] - before[0],
                                   position % out[1] * m->window.stride[1] - before[1]};
        gather(m, data, dims, window / (out[0] * out[1]), corner, m->panel + m->filled++ * m->stride);
        if (m->filled == panel_lines(m)) flush(m);
    }
    flush(m);
    m->samples++;
}

/* ---- Reading ---- */

double qn_moments_mean(const qn_moments *m, int64_t channel, int64_t i) {
    return m->sum[m->is_depthwise ? i * m->channels + channel : i] / (double)m->count;
}

double qn_moments_product(const qn_moments *m, int64_t channel, int64_t i, int64_t j) {
    int64_t low = i < j ? i : j, high = i < j ? j : i, index = low * m->rows + high;
    return m->product[m->is_depthwise ? index * m->channels + channel : index] / (double)m->count;
}
