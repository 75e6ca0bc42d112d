/* The float network and the finished one run whole, so what is measured at a layer is what all layers before it lose
 * too. Of the float network's values some elements are kept until the other network has run on the same sample. */
#include "driver/calibrate/calibrator.h"
#include "driver/report/report.h"

#include "driver/compile/trial.h"
#include "quench/executor.h"

#include <math.h>
#include <string.h>

enum { CHANNELS_MAX = 4096, STRIDE_MAX = 8 };

typedef struct measuring {
    qn_report *report;
    qn_trial floats, finished, first;
    qn_executor pool;
    qn_tensor *inputs; /* of the sample at hand */
    int is_short_of_memory;
} measuring;

/* ---- Sums ---- */

static void add_pair(qn_report_sums *sums, double a, double b) {
    sums->signal += a * a;
    sums->other += b * b;
    sums->product += a * b;
    sums->error += (a - b) * (a - b);
    sums->equal += a == b;
    sums->count++;
}

double qn_report_sqnr(const qn_report_sums *sums) {
    if (!sums->count) return NAN;
    return sums->error > 0 ? 10 * log10(sums->signal / sums->error) : INFINITY;
}

double qn_report_cosine(const qn_report_sums *sums) {
    if (!sums->count) return NAN;
    if (sums->error == 0) return 1;
    return sums->product / sqrt(sums->signal * sums->other);
}

static qn_view view_of(const qn_tensor *tensor) {
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    return view;
}

/* ---- Values of the float network ---- */

static int64_t greatest_divisor(int64_t a, int64_t b) { return b ? greatest_divisor(b, a % b) : a; }

/* Steps over elements such that few enough are met, of all channels alike. */
static int64_t choose_step(int64_t elems, int64_t channels) {
    int64_t step = qn_ceil_div_i64(elems, QN_REPORT_PICKS);
    while (step > 1 && channels > 1 && greatest_divisor(step, channels) != 1) step++;
    return step > 0 ? step : 1;
}

static void observe(measuring *m, qn_report_value *value, const qn_tensor *tensor, int64_t elems, int64_t channels) {
    int64_t observed = channels <= CHANNELS_MAX ? channels : 1;
    if (!value->observer) {
        qn_status *status = qn_observer_create(m->report->options->allocator, observed, &value->observer);
        m->is_short_of_memory |= status != NULL;
        qn_status_free(status);
    }
    if (value->observer && value->observer->row_elems == observed)
        qn_observer_add(value->observer, tensor->data, elems / observed);
}

static void pick(measuring *m, qn_report_value *value, const float *data, int64_t elems, int64_t channels) {
    if (!value->picks)
        value->picks = qn_alloc_zeroed(m->report->options->allocator, QN_REPORT_PICKS, sizeof *value->picks, 16);
    m->is_short_of_memory |= !value->picks;
    value->elems = value->picks ? elems : 0;
    value->step = choose_step(elems, channels);
    for (int64_t i = 0, at = 0; at < value->elems; i++, at += value->step) value->picks[i] = data[at];
}

static int see_floats(void *self, const char *name, const qn_tensor *tensor) {
    measuring *m = self;
    const qn_view view = view_of(tensor);
    const int64_t elems = qn_view_elems(&view), channels = tensor->rank ? tensor->dims[tensor->rank - 1] : 1;
    if (qn_trial_ask(&m->floats)) return 1;
    if (tensor->dtype != QN_DTYPE_F32 || elems < 1) return 0;
    for (size_t i = 0; i < m->report->values.count; i++) {
        qn_report_value *value = &m->report->values.items[i];
        if (strcmp(value->name, name)) continue;
        observe(m, value, tensor, elems, channels);
        if (value->final_name) pick(m, value, tensor->data, elems, channels);
        return m->is_short_of_memory;
    }
    return 0;
}

/* ---- Those of the finished one ---- */

/* An integer as the float that it stands for; counts what is at the ends of its type. */
static double decode(qn_report_value *value, int64_t q, int64_t channel, double truth) {
    const qn_value_encoding *encoding = value->encoding;
    const int64_t c = encoding->channels == 1 ? 0 : channel, zero_point = encoding->zero_point[c];
    const int64_t low = value->dtype == QN_DTYPE_U8 ? 0 : -32767, high = value->dtype == QN_DTYPE_U8 ? 255 : 32767;
    const double scale = (double)encoding->scale[c], decoded = scale * (double)(q - zero_point);
    if ((q == low || q == high) && q != zero_point) value->at_ends++;
    value->clipped += (q == low && truth < decoded - scale / 2) || (q == high && truth > decoded + scale / 2);
    return decoded;
}

static void compare(qn_report_value *value, const qn_tensor *tensor) {
    const qn_view view = view_of(tensor);
    const int64_t elems = qn_view_elems(&view), channels = tensor->rank ? tensor->dims[tensor->rank - 1] : 1;
    if (elems != value->elems || tensor->dtype != value->dtype) return;
    if (value->encoding && value->encoding->channels != 1 && value->encoding->channels != channels) return;
    for (int64_t i = 0, at = 0; at < elems; i++, at += value->step) {
        const double truth = (double)value->picks[i];
        const double other =
            value->encoding ? decode(value, qn_view_get_int(&view, at), at % channels, truth) : qn_view_get(&view, at);
        add_pair(&value->sums, truth, other);
    }
}

static int see_finished(void *self, const char *name, const qn_tensor *tensor) {
    measuring *m = self;
    if (qn_trial_ask(&m->finished)) return 1;
    for (size_t i = 0; i < m->report->values.count; i++) {
        qn_report_value *value = &m->report->values.items[i];
        if (value->final_name && !strcmp(value->final_name, name)) compare(value, tensor);
    }
    return 0;
}

/* ---- Inputs and outputs ---- */

/* The axis along which an input has as few channels as a picture, or -1. */
static int picture_axis(const qn_tensor *tensor) {
    const int last = tensor->rank - 1;
    if (tensor->rank < 3) return -1;
    if (tensor->dims[last] >= 1 && tensor->dims[last] <= 4) return last;
    return tensor->rank == 4 && tensor->dims[1] >= 1 && tensor->dims[1] <= 4 ? 1 : -1;
}

static void see_input(qn_report_tensor *input, const qn_tensor *tensor) {
    const qn_view view = view_of(tensor);
    const int axis = picture_axis(tensor);
    const int64_t elems = qn_view_elems(&view), channels = axis < 0 ? 1 : tensor->dims[axis];
    int64_t inner = 1;
    for (int i = axis < 0 ? tensor->rank : axis + 1; i < tensor->rank; i++) inner *= tensor->dims[i];
    if (tensor->dtype == QN_DTYPE_STRING || (input->channels && input->channels != channels)) return;
    input->channels = channels;
    for (int64_t i = 0; i < elems; i++) {
        const int64_t c = i / inner % channels;
        const double value = qn_view_get(&view, i);
        if (!input->counts[c]) input->low[c] = input->high[c] = value;
        input->low[c] = fmin(input->low[c], value);
        input->high[c] = fmax(input->high[c], value);
        input->sum[c] += value;
        input->counts[c]++;
    }
}

static void compare_outputs(qn_report *report, const qn_trial *floats, const qn_trial *finished) {
    for (size_t i = 0; i < report->output_count; i++) {
        const qn_view a = view_of(&floats->outputs[i]), b = view_of(&finished->outputs[i]);
        const int64_t elems = qn_view_elems(&a);
        if (a.dtype == QN_DTYPE_STRING || a.dtype != b.dtype || elems != qn_view_elems(&b)) continue;
        for (int64_t at = 0; at < elems; at++)
            add_pair(&report->outputs[i].sums, qn_view_get(&a, at), qn_view_get(&b, at));
    }
}

/* ---- The first layer ---- */

static void see_first(qn_report_first_layer *first, const qn_tensor *made, int turned) {
    qn_report_moments *moments = &first->last[turned];
    const qn_view view = view_of(made);
    const int64_t elems = qn_view_elems(&view);
    if (!made->rank || made->dims[made->rank - 1] != first->channels || made->dtype != QN_DTYPE_F32) return;
    for (int64_t i = 0; i < elems; i++) {
        const double value = qn_view_get(&view, i);
        moments->sums[i % first->channels] += value;
        moments->squares[i % first->channels] += value * value;
    }
    moments->rows += elems / first->channels;
}

/* Elements of the last axis, of three, in opposite order. */
static void turn_channels(qn_tensor *tensor) {
    const qn_view view = view_of(tensor);
    const int64_t pixels = qn_view_elems(&view) / 3;
    for (int64_t i = 0; i < pixels; i++) {
        const double first = qn_view_get(&view, 3 * i), last = qn_view_get(&view, 3 * i + 2);
        qn_view_set((qn_view *)(uintptr_t)&view, 3 * i, last);
        qn_view_set((qn_view *)(uintptr_t)&view, 3 * i + 2, first);
    }
}

static qn_status *run_turned(measuring *m, const qn_tensor *picture) {
    const qn_view view = view_of(picture);
    qn_tensor turned = *picture;
    turned.data = qn_alloc_zeroed(m->report->options->allocator, qn_view_bytes(&view), 1, 16);
    if (!turned.data) return qn_status_out_of_memory();
    memcpy(turned.data, picture->data, qn_view_bytes(&view));
    turn_channels(&turned);
    qn_status *status = qn_trial_run(&m->first, &turned);
    if (!status) see_first(&m->report->first, &m->first.outputs[0], 1);
    qn_free(m->report->options->allocator, turned.data);
    return status;
}

static qn_status *run_first(measuring *m) {
    qn_report_first_layer *first = &m->report->first;
    const qn_tensor *picture = &m->inputs[0];
    if (!first->graph) return NULL;
    QN_TRY(qn_trial_run(&m->first, m->inputs));
    see_first(first, &m->first.outputs[0], 0);
    if (m->report->input_count == 1 && picture->rank == 4 && picture->dims[3] == 3) QN_TRY(run_turned(m, picture));
    qn_report_add_first(first);
    return NULL;
}

/* ---- Samples ---- */

static qn_status *run_sample(measuring *m) {
    qn_report *report = m->report;
    qn_status *status = qn_trial_run(&m->floats, m->inputs);
    if (m->is_short_of_memory) {
        qn_status_free(status);
        return qn_status_out_of_memory();
    }
    QN_TRY(status);
    QN_TRY(qn_trial_run(&m->finished, m->inputs));
    compare_outputs(report, &m->floats, &m->finished);
    for (size_t i = 0; i < report->input_count; i++) see_input(&report->inputs[i], &m->inputs[i]);
    QN_TRY(run_first(m));
    report->samples++;
    return NULL;
}

/* Some of the samples, spread over the first of them. */
static qn_status *run_samples(measuring *m) {
    const qn_samples *samples = m->report->options->report_samples;
    int64_t stride = samples->count / QN_REPORT_SAMPLES;
    stride = stride < 1 ? 1 : stride > STRIDE_MAX ? STRIDE_MAX : stride;
    for (int64_t number = 0; m->report->samples < QN_REPORT_SAMPLES; number++) {
        int has = 0;
        QN_TRY(qn_progress_step(m->report->progress, "report", (size_t)m->report->samples, QN_REPORT_SAMPLES));
        memset(m->inputs, 0, m->report->input_count * sizeof *m->inputs);
        QN_TRY(samples->next(samples->self, m->inputs, m->report->input_count, &has));
        if (!has) break;
        if (number % stride == 0) QN_TRY_CTX(run_sample(m), "report, sample %lld", (long long)number + 1);
    }
    return qn_progress_step(m->report->progress, "report", 1, 1);
}

static qn_status *make_tables(measuring *m, const qn_graph *graph) {
    qn_report *report = m->report;
    report->input_count = graph->inputs.count;
    report->output_count = graph->outputs.count;
    m->inputs = QN_ARENA_ARRAY(report->arena, qn_tensor, report->input_count);
    report->inputs = QN_ARENA_ARRAY(report->arena, qn_report_tensor, report->input_count);
    report->outputs = QN_ARENA_ARRAY(report->arena, qn_report_tensor, report->output_count);
    if (!m->inputs || !report->inputs || !report->outputs) return qn_status_out_of_memory();
    for (size_t i = 0; i < report->input_count; i++) {
        report->inputs[i].name = graph->inputs.items[i]->name;
        report->inputs[i].dtype = graph->inputs.items[i]->type.dtype;
    }
    for (size_t i = 0; i < report->output_count; i++) {
        report->outputs[i].name = graph->outputs.items[i]->name;
        report->outputs[i].dtype = graph->outputs.items[i]->type.dtype;
    }
    return NULL;
}

static qn_status *measure(measuring *m, const qn_graph *graph) {
    QN_TRY(make_tables(m, graph));
    qn_pool_options threads;
    qn_pool_options_init(&threads);
    threads.allocator = m->report->options->allocator;
    if (m->report->options->calibrator) threads.threads = m->report->options->calibrator->threads;
    QN_TRY(qn_executor_create_pool(&threads, &m->pool));
    /* No stage runs again: the graphs are as they are. */
    const qn_trial_options options = {.allocator = m->report->options->allocator,
                                      .config = m->report->config,
                                      .first = QN_PASS_CONVERT,
                                      .last = QN_PASS_CLEAN,
                                      .executor = &m->pool};
    QN_TRY(qn_trial_create(&m->floats, m->report->floats, &options));
    QN_TRY(qn_trial_create(&m->finished, graph, &options));
    qn_trial_options cleaned = options; /* the source as it was: its shape arithmetic goes */
    cleaned.first = cleaned.last = QN_PASS_CLEAN;
    if (m->report->first.graph) QN_TRY(qn_trial_create(&m->first, m->report->first.graph, &cleaned));
    QN_TRY(qn_context_set_observer(m->floats.context, see_floats, m));
    QN_TRY(qn_context_set_observer(m->finished.context, see_finished, m));
    return run_samples(m);
}

qn_status *qn_report_measure(qn_report *report, const qn_graph *graph) {
    measuring m = {.report = report};
    qn_status *status = measure(&m, graph);
    qn_trial_destroy(&m.first);
    qn_trial_destroy(&m.finished);
    qn_trial_destroy(&m.floats);
    qn_executor_destroy_pool(&m.pool);
    return status;
}

void qn_report_forget(qn_report *report) {
    for (size_t i = 0; i < report->values.count; i++) {
        qn_free(report->options->allocator, report->values.items[i].picks);
        qn_observer_destroy(report->values.items[i].observer);
    }
    report->values.count = 0;
}
