#include "model/verify.h"

#include <math.h>

#define BAD(...) QN_ERR(QN_INVALID_MODEL, __VA_ARGS__)

/* One channel, or as many as the last axis has. */
static int fits_last_axis(const qn_program *program, const qn_program_value *value, uint32_t channels) {
    if (channels == 1) return 1;
    if (value->rank < 1) return 0;
    const qn_dim_instr *last = &program->dims[value->dims[value->rank - 1]];
    return last->code == QN_DIM_CONST && last->imm == channels;
}

static qn_status *verify_encoding(const qn_program *program, const qn_program_encoding *encoding) {
    const qn_program_value *value = &program->values[encoding->value];
    if (value->dtype != QN_DTYPE_U8 && value->dtype != QN_DTYPE_S16)
        return BAD("its type is %s; expected u8 or s16", qn_dtype_name(value->dtype));
    if (value->place == QN_PLACE_CONSTANT || value->place == QN_PLACE_DIMS)
        return BAD("it is no value that a step computes from data");
    if (!*encoding->of) return BAD("the float that it stands for has no name");
    if (!encoding->channels || !fits_last_axis(program, value, encoding->channels))
        return BAD("%u scales; expected one, or one for each element of the last axis", encoding->channels);
    for (uint32_t c = 0; c < encoding->channels; c++) {
        if (!isnormal(encoding->scale[c]) || encoding->scale[c] < 0)
            return BAD("scale %u is %g; expected a positive normal number", c, (double)encoding->scale[c]);
        if (value->dtype == QN_DTYPE_S16 && encoding->zero_point[c])
            return BAD("zero point %u is %u; expected 0 for s16", c, encoding->zero_point[c]);
    }
    return NULL;
}

qn_status *qn_verify_encodings(const qn_program *program) {
    const qn_program_encoding *encodings = program->encodings;
    for (size_t i = 0; i < program->encoding_count; i++) {
        uint32_t value = encodings[i].value;
        if (value >= program->value_count)
            return BAD("encoding %zu is of value %u of %zu", i, value, program->value_count);
        if (i && value <= encodings[i - 1].value)
            return BAD("encoding %zu is of value %u, which does not come after value %u", i, value,
                       encodings[i - 1].value);
        QN_TRY_CTX(verify_encoding(program, &encodings[i]), "what value %u '%s' stands for", value,
                   program->values[value].name);
    }
    return NULL;
}
