/* fake_quant - values rounded to the grid that an integer type would offer over [min, max], in TensorFlow's float32
 * arithmetic, operation by operation:
 *
 *   out[i] = floor((clamp(x[i], low, high) - low) / scale - zero + 1/2) * scale      zero: the steps from low to 0
 *
 * The grid has 2^bits values, without the lowest one with narrow_range; [low, high] is [min, max] moved by less than a
 * step so that 0 is one of them. min and max are scalars or have one element per channel of the last axis. Example: 8
 * bits over [-0.1, 1]: scale 1.1 / 255, 0 is the value of number 23, and [low, high] is [-0.0992, 1.0008]. */
#include "op/grid.h"
#include "op/operand.h"

enum { X = 0, MIN = 1, MAX = 2 };

static const qn_attr_def attr_defs[] = {
    {.name = "bits",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_fake_quant_attrs, bits),
     .low = 2,
     .high = 16,
     .fallback = "8",
     .doc = "Width of the integers."},
    {.name = "narrow_range",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_fake_quant_attrs, narrow_range),
     .fallback = "false",
     .doc = "Leave out the lowest integer."},
    {0},
};

static qn_status *infer_range(qn_infer *infer, int input, const char *name) {
    const qn_type *x = &infer->inputs[X], *range = &infer->inputs[input];
    QN_TRY(qn_infer_expect_dtypes(infer, input, QN_DTYPES_OF(QN_DTYPE_F32), name));
    if (range->rank == 0) return NULL;
    QN_TRY(qn_infer_expect_rank(infer, input, 1, name));
    if (x->rank < 1) return QN_ERR(QN_INVALID_MODEL, "%s has rank 1, but x is a scalar", name);
    return qn_infer_expect_dim(infer, input, 0, x->dims[x->rank - 1], name, "elements", "the last axis of x has");
}

static qn_status *infer_fake_quant(qn_infer *infer) {
    const qn_type *x = &infer->inputs[X];
    QN_TRY(qn_infer_expect_dtypes(infer, X, QN_DTYPES_OF(QN_DTYPE_F32), "x"));
    QN_TRY(infer_range(infer, MIN, "min"));
    QN_TRY(infer_range(infer, MAX, "max"));
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

/* The grid: value(q) = (q - zero_point) * scale for q in [lowest, highest]. */
typedef struct grid {
    float min, max; /* the nudged range */
    float scale;
    float inverse; /* ranges per channel multiply by it where the range of a tensor divides by scale; 0: divide */
    float zero_point;
    int all_zero;
} grid;

static grid make_grid(float min, float max, float lowest, float highest, int per_channel) {
    grid made = {.all_zero = min == 0.0f && max == 0.0f};
    if (made.all_zero) return made;
    made.scale = (max - min) / (highest - lowest);
    made.inverse = per_channel ? (highest - lowest) / (max - min) : 0.0f;
    float zero_point = lowest - min / made.scale;
    zero_point = zero_point < lowest ? lowest : zero_point > highest ? highest : roundf(zero_point);
    made.zero_point = zero_point;
    made.min = (lowest - zero_point) * made.scale;
    made.max = (highest - zero_point) * made.scale;
    return made;
}

static float lowest_of(const qn_fake_quant_attrs *attrs) { return attrs->narrow_range ? 1.0f : 0.0f; }
static float highest_of(const qn_fake_quant_attrs *attrs) { return (float)((1 << attrs->bits) - 1); }

static int is_plain_grid(const void *attrs, int rank) {
    (void)rank; /* ranges are those of the last axis */
    return ((const qn_fake_quant_attrs *)attrs)->bits <= 8;
}

/* In the operator's own arithmetic. */
static int find_grid(const void *attrs, qn_dtype dtype, float min, float max, qn_grid *out) {
    (void)dtype; /* x is no integer */
    const float lowest = lowest_of(attrs), highest = highest_of(attrs);
    if (!(min < max) || !isfinite(max - min)) return 0;
    const grid made = make_grid(min, max, lowest, highest, 0);
    *out = (qn_grid){made.scale, (int32_t)made.zero_point, (int32_t)lowest, (int32_t)highest, made.min, made.max};
    return isnormal(made.scale) && isfinite(made.max - made.min);
}

static float count_steps(const grid *on, float distance) {
    return on->inverse != 0.0f ? distance * on->inverse : distance / on->scale;
}

static float round_to_grid(const grid *on, float x) {
    if (on->all_zero) return 0.0f;
    float clamped = x > on->max ? on->max : x; /* NaN passes */
    clamped = clamped < on->min ? on->min : clamped;
    float zero = floorf(count_steps(on, -on->min) + 0.5f);
    float steps = count_steps(on, clamped - on->min);
    return floorf(steps - zero + 0.5f) * on->scale;
}

static qn_status *eval_fake_quant(const qn_eval *eval) {
    const qn_fake_quant_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *min = &eval->inputs[MIN], *max = &eval->inputs[MAX];
    const float lowest = lowest_of(attrs), highest = highest_of(attrs);
    int64_t elems = qn_view_elems(x), channels = x->rank ? x->dims[x->rank - 1] : 1;
    for (int64_t i = 0; i < elems; i++) {
        float low = (float)qn_view_get(min, min->rank ? i % channels : 0);
        float high = (float)qn_view_get(max, max->rank ? i % channels : 0);
        grid on = make_grid(low, high, lowest, highest, min->rank);
        qn_view_set(&eval->outputs[0], i, (double)round_to_grid(&on, (float)qn_view_get(x, i)));
    }
    return NULL;
}

/* Bounds where min and max are one number each: rounding to the grid keeps the order of numbers, so that the ends of x
   give those of the result. Grids of vectors are computed a little differently from those of scalars, and bounds do not
   know which of both min and max are: they hold for either. */
static qn_interval bounds_on_grid(const qn_fake_quant_attrs *attrs, float min, float max, qn_interval x) {
    qn_interval all = {INFINITY, -INFINITY};
    for (int per_channel = 0; per_channel < 2; per_channel++) {
        const grid on = make_grid(min, max, lowest_of(attrs), highest_of(attrs), per_channel);
        all = qn_interval_join(
            all, (qn_interval){(double)round_to_grid(&on, (float)x.low), (double)round_to_grid(&on, (float)x.high)});
    }
    return all;
}

/* Results are at most half a step beside x, or beside the end of the range that x is outside of, and the range itself
   is nudged by at most half a step: more than a step altogether is never lost. Nothing is said where x is not known:
   [min, max] tells where values lay in training, not where they have to lie. */
static qn_interval bounds_fake_quant(const qn_bounds *of) {
    const qn_fake_quant_attrs *attrs = of->attrs;
    const qn_interval x = of->inputs[X], min = of->inputs[MIN], max = of->inputs[MAX];
    const double step = (max.high - min.low) / (double)(highest_of(attrs) - lowest_of(attrs));
    if (!isfinite(x.low) || !isfinite(x.high) || !isfinite(step)) return qn_bounds_unknown();
    if (min.high > 0 || max.low < 0 || min.high >= max.low) return qn_bounds_unknown();
    if (min.low == min.high && max.low == max.high) return bounds_on_grid(attrs, (float)min.low, (float)max.low, x);
    return (qn_interval){fmin(x.low, max.low - step) - step, fmax(x.high, min.high + step) + step};
}

static void sample_fake_quant(qn_sample *sample) {
    qn_fake_quant_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t dims[3] = {qn_rng_range(rng, 1, 5), qn_rng_range(rng, 1, 5), qn_rng_range(rng, 1, 5)};
    int per_channel = (int)qn_rng_range(rng, 0, 1);
    attrs->bits = qn_rng_range(rng, 2, 16);
    attrs->narrow_range = qn_rng_range(rng, 0, 1);
    qn_sample_input(sample, QN_DTYPE_F32, 3, dims);
    for (int side = 0; side < 2; side++) {
        int input = qn_sample_input(sample, QN_DTYPE_F32, per_channel, &dims[2]);
        int64_t count = per_channel ? dims[2] : 1;
        float *values = QN_ARENA_ARRAY(sample->arena, float, (size_t)count);
        for (int64_t i = 0; values && i < count; i++)
            values[i] = side ? qn_rng_float(rng, 0.1f, 3.0f) : qn_rng_float(rng, -3.0f, 0.0f);
        sample->inputs[input].data = values;
    }
}

static const qn_grid_card grid_card = {.low = MIN, .high = MAX, .is_plain = is_plain_grid, .find = find_grid};

const qn_op_def qn_op_fake_quant = {
    .name = "fake_quant",
    .doc = "Rounds to the values that integers over [min, max] can stand for; min and max per tensor or per channel.",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_fake_quant_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .has_channels = 1},
    .values = QN_VALUES_ROUNDED,
    .grid = &grid_card,
    .bounds = bounds_fake_quant,
    .infer = infer_fake_quant,
    .eval = eval_fake_quant,
    .sample = sample_fake_quant,
};
