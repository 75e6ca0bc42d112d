/* The words of outcomes. Nothing but people reads them. */
#include "ir/facts.h"

const char *qn_who_text(qn_who who) {
    switch (who.asker) {
    case QN_ASKER_NOBODY: return "asked for";
    case QN_ASKER_MODE:
    case QN_ASKER_NAMED: return who.name;
    case QN_ASKER_CUSTOM_NODES: return "custom_nodes";
    case QN_ASKER_NETWORK: return "set in the network";
    case QN_ASKER_CONTRACT_FLOAT: return "kept float by the contract";
    case QN_ASKER_CONTRACT_WORDS: return "made int16 by the contract";
    case QN_ASKER_SOURCE: return "the grids of the source";
    }
    return "";
}

/* By reason; %s stands for the name it speaks of. ASKED and CAST, which say more, have rows of no text. */
static const struct {
    enum { PLAIN, OF_NAME } kind;
    const char *before, *after; /* OF_NAME: with the name between */
} words[QN_WHY_COUNT] = {
    [QN_WHY_RANGE_MISSING] = {OF_NAME, "no integers: there is no range for '", "'"},
    [QN_WHY_NO_TIME_SAVED] = {PLAIN, "no integers: they would save no time here", ""},
    [QN_WHY_WEIGHTS_NOT_CONSTANT] = {PLAIN, "no integers: its weights are no constants", ""},
    [QN_WHY_WEIGHTS_EMPTY] = {PLAIN, "no integers: it has no weights", ""},
    [QN_WHY_WEIGHTS_SHARED] = {PLAIN, "no integers: its weights are shared by too many layers", ""},
    [QN_WHY_BIAS_NOT_CONSTANT] = {PLAIN, "no integers: its bias is no constant", ""},
    [QN_WHY_DATA_NOT_FLOAT] = {PLAIN, "no integers: what it reads is no float value", ""},
    [QN_WHY_GROUPS] = {PLAIN, "no integers: groups of several channels", ""},
    [QN_WHY_TOO_MANY_PRODUCTS] = {PLAIN, "no integers: its sums are too long", ""},
    [QN_WHY_PRODUCT_FORM] = {PLAIN, "no integers: a product of this form", ""},
    [QN_WHY_ADDITION_FORM] = {PLAIN, "no integers: an addition of this form", ""},
    [QN_WHY_CHANNELS_VARY] = {PLAIN, "no integers: its channels are no fixed number", ""},
    [QN_WHY_FROM_INTEGERS] = {PLAIN, "computed from integers", ""},
    [QN_WHY_INTEGERS_TOO_LARGE] = {PLAIN, "its integers may be too large for f16", ""},
    [QN_WHY_CONSTANT_TOO_LARGE] = {OF_NAME, "constant '", "' is too large for f16"},
    [QN_WHY_NEVER_HALF] = {PLAIN, "its results are f32 by definition", ""},
    [QN_WHY_OPERATOR_REFUSES] = {OF_NAME, "", " does not take f16"},
};

static void print_layer(const qn_outcome *outcome, qn_buffer *buffer) {
    if (outcome->has_byte_weights) qn_buffer_printf(buffer, ", weights of 8 bits");
    if (outcome->outputs) qn_buffer_printf(buffer, ", weights as the source has them");
    if (outcome->kept_grids < outcome->outputs)
        qn_buffer_printf(buffer, " in %lld of %lld outputs", (long long)outcome->kept_grids,
                         (long long)outcome->outputs);
    if (outcome->unranged_addend)
        qn_buffer_printf(buffer, ", its addend float: there is no range for '%s'", outcome->unranged_addend);
    else if (outcome->addend)
        qn_buffer_printf(buffer, ", its addend %s", qn_dtype_name(outcome->addend));
}

static void print_why(const qn_outcome *outcome, qn_buffer *buffer) {
    if (outcome->why == QN_WHY_ASKED) {
        qn_buffer_printf(buffer, "%s", qn_who_text(outcome->who));
        print_layer(outcome, buffer);
    } else if (outcome->why == QN_WHY_CAST) {
        qn_buffer_printf(buffer, "from %s", qn_dtype_name(outcome->from));
    } else {
        qn_buffer_printf(buffer, "%s%s%s", words[outcome->why].before,
                         words[outcome->why].kind == OF_NAME ? outcome->name : "", words[outcome->why].after);
    }
}

static const char *make_text(const qn_outcome *outcome, int has_type, qn_arena *arena) {
    qn_buffer buffer;
    if (!outcome->why) return NULL;
    qn_buffer_init(&buffer, arena->allocator);
    if (has_type && outcome->dtype) qn_buffer_printf(&buffer, "%s: ", qn_dtype_name(outcome->dtype));
    if (outcome->is_unmet) qn_buffer_printf(&buffer, "not in integers as asked for (");
    print_why(outcome, &buffer);
    if (outcome->is_unmet) qn_buffer_printf(&buffer, ")");
    const char *text = buffer.failed ? NULL : qn_arena_copy_string(arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text;
}

const char *qn_outcome_text(const qn_outcome *outcome, qn_arena *arena) { return make_text(outcome, 1, arena); }
const char *qn_outcome_text_untyped(const qn_outcome *outcome, qn_arena *arena) { return make_text(outcome, 0, arena); }
