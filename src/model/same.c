/* Are two programs the same but for their constants? */
#include "model/program.h"

#include <string.h>

static qn_status *differs(const char *what, const char *name) {
    return QN_ERR(QN_INVALID_ARGUMENT, "the programs differ beyond their constants: %s%s%s%s", what, name ? " '" : "",
                  name ? name : "", name ? "'" : "");
}

static int same_indices(const uint32_t *a, const uint32_t *b, size_t count) {
    return !count || !memcmp(a, b, count * sizeof *a);
}

static int same_counts(const qn_program *a, const qn_program *b) {
    return a->symbol_count == b->symbol_count && a->dim_count == b->dim_count && a->value_count == b->value_count &&
           a->operand_count == b->operand_count && a->step_count == b->step_count &&
           a->data_symbol_count == b->data_symbol_count && a->check_count == b->check_count &&
           a->content_count == b->content_count && a->input_count == b->input_count &&
           a->output_count == b->output_count && a->arena_bytes == b->arena_bytes &&
           a->constants.size == b->constants.size;
}

static int same_symbols(const qn_program *a, const qn_program *b) {
    for (size_t i = 0; i < a->symbol_count; i++) {
        const qn_program_symbol *x = &a->symbols[i], *y = &b->symbols[i];
        if (strcmp(x->name, y->name) || x->low != y->low || x->high != y->high || x->input != y->input ||
            x->axis != y->axis)
            return 0;
    }
    return 1;
}

static int same_dims(const qn_program *a, const qn_program *b) {
    for (size_t i = 0; i < a->dim_count; i++) {
        const qn_dim_instr *x = &a->dims[i], *y = &b->dims[i];
        if (x->code != y->code || x->a != y->a || x->b != y->b || x->imm != y->imm) return 0;
    }
    for (size_t i = 0; i < a->check_count; i++)
        if (a->checks[i].condition != b->checks[i].condition) return 0;
    for (size_t i = 0; i < a->data_symbol_count; i++) {
        const qn_program_data_symbol *x = &a->data_symbols[i], *y = &b->data_symbols[i];
        if (x->symbol != y->symbol || x->output != y->output || x->axis != y->axis) return 0;
    }
    return same_indices(a->contents, b->contents, a->content_count);
}

static int same_value(const qn_program_value *a, const qn_program_value *b) {
    return !strcmp(a->name, b->name) && a->dtype == b->dtype && a->place == b->place && a->rank == b->rank &&
           same_indices(a->dims, b->dims, (size_t)a->rank) && a->offset == b->offset && a->bytes == b->bytes &&
           a->packing == b->packing && a->first_content == b->first_content && a->content_count == b->content_count &&
           a->first_step == b->first_step && a->last_step == b->last_step && a->alias == b->alias;
}

static int same_step(const qn_program_step *a, const qn_program_step *b) {
    return a->op == b->op && !strcmp(a->name, b->name) && a->first_input == b->first_input &&
           a->input_count == b->input_count && a->first_output == b->first_output &&
           a->output_count == b->output_count && a->first_data_symbol == b->first_data_symbol &&
           a->data_symbol_count == b->data_symbol_count && (!a->op->attrs || qn_attrs_equal(a->op, a->attrs, b->attrs));
}

qn_status *qn_program_check_same(const qn_program *a, const qn_program *b) {
    if (!same_counts(a, b)) return differs("numbers of steps, values, bytes", NULL);
    if (!same_symbols(a, b)) return differs("ranges of inputs", NULL);
    if (!same_dims(a, b)) return differs("shapes", NULL);
    for (size_t i = 0; i < a->step_count; i++)
        if (!same_step(&a->steps[i], &b->steps[i])) return differs("step", a->steps[i].name);
    for (size_t i = 0; i < a->value_count; i++)
        if (!same_value(&a->values[i], &b->values[i])) return differs("value", a->values[i].name);
    if (!same_indices(a->operands, b->operands, a->operand_count) ||
        !same_indices(a->inputs, b->inputs, a->input_count) || !same_indices(a->outputs, b->outputs, a->output_count))
        return differs("what goes where", NULL);
    return NULL;
}
