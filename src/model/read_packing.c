/* In versions 1 and 2 the step said how its weights, input 1, were packed: by an enumeration, PLAIN, PANEL or CHANNEL,
 * which was the last attribute of the operator. Which layout PANEL meant followed from the types of input 0 and of the
 * weights: beside u8 it was panel16x4, beside s16 panel16x2. Since version 3 the constant names its layout. */
#include "model/read_packing.h"

#include "kernel/packing.h"
#include "model/format.h"

#define ANY QN_DTYPE_NONE

enum { PLAIN, PANEL, CHANNEL, KIND_COUNT, FIELD_BYTES = 8 };

static const struct {
    int64_t kind;
    qn_dtype x, weights;
    const qn_packing *packing;
} rows[] = {
    {PANEL, ANY, QN_DTYPE_F32, &qn_packing_panel16},
    {PANEL, ANY, QN_DTYPE_F16, &qn_packing_panel16},
    {PANEL, QN_DTYPE_U8, QN_DTYPE_S8, &qn_packing_panel16x4},
    {PANEL, QN_DTYPE_S16, QN_DTYPE_S8, &qn_packing_panel16x2},
    {PANEL, QN_DTYPE_S16, QN_DTYPE_S16, &qn_packing_panel16x2},
    {CHANNEL, ANY, QN_DTYPE_F32, &qn_packing_channel16},
    {CHANNEL, ANY, QN_DTYPE_F16, &qn_packing_channel16},
    {CHANNEL, QN_DTYPE_U8, QN_DTYPE_S8, &qn_packing_channel16x4},
    {CHANNEL, QN_DTYPE_S16, QN_DTYPE_S16, &qn_packing_channel16},
};

qn_status *qn_read_old_packing(const qn_op_def *op, qn_bytes *attributes, int64_t *out_kind) {
    *out_kind = PLAIN;
    if (!op->pack) return NULL;
    if (attributes->size < FIELD_BYTES)
        return QN_ERR(QN_INVALID_MODEL, "%s: attribute 'packing' is damaged or cut short", op->name);
    attributes->size -= FIELD_BYTES;
    *out_kind = (int64_t)qn_load_u64(attributes->data + attributes->size);
    if (*out_kind < 0 || *out_kind >= KIND_COUNT)
        return QN_ERR(QN_INVALID_MODEL, "%s: expected attribute 'packing' in [0, %d], found %lld", op->name,
                      KIND_COUNT - 1, (long long)*out_kind);
    return NULL;
}

/* Input `input` of a step, and its index; NULL: the indices lead nowhere. */
static const qn_program_value *input_of(const qn_program *program, const qn_program_step *step, uint32_t input,
                                        uint32_t *out_index) {
    if (input >= step->input_count || step->first_input > program->operand_count ||
        input >= program->operand_count - step->first_input)
        return NULL;
    *out_index = program->operands[step->first_input + input];
    return *out_index < program->value_count ? &program->values[*out_index] : NULL;
}

static qn_status *adopt(const qn_program *program, const qn_program_step *step, int64_t kind,
                        qn_program_value *values) {
    uint32_t index = 0;
    const qn_program_value *x = input_of(program, step, 0, &index), *weights = input_of(program, step, 1, &index);
    if (!x || !weights) return NULL; /* the verifier says so */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].kind != kind || rows[i].weights != weights->dtype) continue;
        if (rows[i].x != ANY && rows[i].x != x->dtype) continue;
        if (weights->packing && weights->packing != rows[i].packing)
            return QN_ERR(QN_INVALID_MODEL, "weights '%s' are packed as %s, by another step as %s", weights->name,
                          rows[i].packing->name, weights->packing->name);
        values[index].packing = rows[i].packing;
        return NULL;
    }
    return QN_ERR(QN_INVALID_MODEL, "weights '%s' are packed as %s, which no kernel reads as %s beside %s",
                  weights->name, kind == PANEL ? "panel16" : "channel16", qn_dtype_name(weights->dtype),
                  qn_dtype_name(x->dtype));
}

qn_status *qn_adopt_old_packings(const qn_program *program, const int64_t *kinds, qn_program_value *values) {
    for (size_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        if (kinds[s] != PLAIN)
            QN_TRY_CTX(adopt(program, step, kinds[s], values), "step %zu '%s' (%s)", s, step->name, step->op->name);
    }
    return NULL;
}
