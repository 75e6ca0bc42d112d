#include "show/cost.h"

#include "cli/measure.h"
#include "pictures/model_meta.h"

#include "quench/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Shapes ---- */

/* The size of one dim in a row; 0: there is none. `declared` -1: free. */
static int64_t smallest(int64_t low, int64_t high, int64_t declared) {
    (void)high, (void)declared;
    return low > 0 ? low : high > 0;
}

static int64_t typical(int64_t low, int64_t high, int64_t declared) {
    if (declared >= low && declared <= high) return declared;
    return high == QN_NO_LIMIT ? 0 : low + (high - low) / 2;
}

static int64_t largest(int64_t low, int64_t high, int64_t declared) {
    (void)low, (void)declared;
    return high == QN_NO_LIMIT ? 0 : high;
}

static const struct {
    const char *name;
    int64_t (*size)(int64_t low, int64_t high, int64_t declared);
} kinds[COST_ROWS] = {{"smallest", smallest}, {"typical", typical}, {"largest", largest}};

/* Gives the row its shapes; leaves it without where a dim has no bound. */
static qn_status *make_shapes(cost_row *row, int kind, const qn_model *model, const json_t *meta) {
    size_t count = qn_model_get_info(model)->input_count;
    row->shapes = calloc(count + 1, sizeof *row->shapes);
    if (!row->shapes) return cli_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        const qn_value_info *input = qn_model_input(model, i);
        row->shapes[i].rank = input->rank;
        for (int axis = 0; axis < input->rank; axis++) {
            int64_t low = input->min_dims[axis], high = input->max_dims[axis];
            int64_t size = kinds[kind].size(low, high, cli_declared_size(meta, i, axis));
            row->shapes[i].dims[axis] = size;
            if (size || !high) continue;
            free(row->shapes);
            row->shapes = NULL;
            return NULL;
        }
    }
    return NULL;
}

/* ---- Costs ---- */

static qn_status *measure_row(cost_row *row, qn_engine *engine, size_t count) {
    qn_status *status = qn_engine_measure_cost(engine, row->shapes, count, &row->cost);
    if (!status || qn_status_code(status) == QN_OUT_OF_MEMORY) return status;
    cli_remark("no cost at the %s shape: %s", row->name, qn_status_message(status));
    qn_status_free(status);
    free(row->shapes);
    row->shapes = NULL;
    return NULL;
}

static qn_status *find_ceiling(cost_table *table, qn_engine *engine) {
    qn_status *status = qn_engine_measure_arena(engine, NULL, 0, &table->ceiling);
    if (!status || qn_status_code(status) == QN_OUT_OF_MEMORY) return status;
    qn_status_free(status); /* no upper bound, or nothing that can run */
    return NULL;
}

static int are_same(const cost_table *table, const cost_row *a, const cost_row *b) {
    return a->shapes && b->shapes && !memcmp(a->shapes, b->shapes, table->input_count * sizeof *a->shapes);
}

/* ---- Why sizes cost the same ---- */

/* What a step does that takes any size and always gives the same; NULL: something else. */
static const char *settling_verb(qn_step_role role) {
    switch (role) {
    case QN_ROLE_PAD: return "pads";
    case QN_ROLE_SCALE: return "scales";
    case QN_ROLE_CROP: return "crops";
    default: return NULL;
    }
}

/* The dims that vary in `from` and do not in `to`, as "513x513"; 0 where a dim of `to` varies still. */
static int print_settled(const qn_value_info *from, const qn_value_info *to, char *text) {
    int64_t dims[QN_MAX_RANK];
    int count = 0;
    if (from->rank != to->rank) return 0;
    for (int i = 0; i < to->rank; i++) {
        if (to->min_dims[i] != to->max_dims[i]) return 0;
        if (from->min_dims[i] != from->max_dims[i]) dims[count++] = to->min_dims[i];
    }
    if (count) qn_dims_print(count, dims, text);
    return count;
}

/* Finds the first step after which all sizes are one. */
static void explain(cost_table *table, const qn_model *model) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) {
        char text[QN_DIMS_TEXT];
        const char *verb = settling_verb(step->role);
        if (!verb || !step->input_count || !step->output_count || step->inputs[0] == UINT32_MAX) continue;
        if (!print_settled(qn_model_value(model, step->inputs[0]), qn_model_value(model, step->outputs[0]), text))
            continue;
        snprintf(table->settled, sizeof table->settled, "the graph %s what it is given to %.60s (%.160s)", verb, text,
                 step->name);
        return;
    }
}

/* Do the ends of the range differ, and take as many multiply-adds? */
static int ends_cost_the_same(const cost_table *table) {
    const cost_row *low = &table->rows[0], *high = &table->rows[COST_ROWS - 1];
    return low->shapes && high->shapes && !are_same(table, low, high) && low->cost.macs &&
           low->cost.macs == high->cost.macs;
}

qn_status *cost_table_init(cost_table *table, qn_engine *engine, const qn_model *model) {
    *table = (cost_table){.input_count = qn_model_get_info(model)->input_count, .threads = qn_engine_threads(engine)};
    json_t *meta = cli_load_meta(model);
    qn_status *status = meta ? find_ceiling(table, engine) : cli_out_of_memory();
    for (int kind = 0; kind < COST_ROWS && !status; kind++) {
        cost_row *row = &table->rows[kind];
        row->name = kinds[kind].name;
        status = make_shapes(row, kind, model, meta);
        if (!status && row->shapes) status = measure_row(row, engine, table->input_count);
    }
    json_decref(meta);
    if (!status && ends_cost_the_same(table)) explain(table, model);
    return status;
}

qn_status *cost_table_init_alone(cost_table *table, qn_model *model) {
    const qn_cpu_thread_info threads = qn_cpu_get_threads();
    qn_engine_options options;
    qn_engine *engine;
    *table = (cost_table){0};
    qn_engine_options_init(&options);
    options.threads = threads.asked ? threads.asked : threads.usable;
    CLI_TRY(qn_engine_create(model, &options, &engine));
    qn_status *status = cost_table_init(table, engine, model);
    qn_engine_destroy(engine);
    return status;
}

void cost_table_deinit(cost_table *table) {
    for (int kind = 0; kind < COST_ROWS; kind++) free(table->rows[kind].shapes);
    *table = (cost_table){0};
}

/* ---- Showing ---- */

static uint64_t arena_bytes(const cost_row *row) { return row->cost.value_bytes + row->cost.scratch_bytes; }

/* Rows for a range; a single line for a fixed shape. */
void cost_table_print(const cost_table *table) {
    int is_fixed = are_same(table, &table->rows[0], &table->rows[COST_ROWS - 1]);
    for (int kind = 0; kind < (is_fixed ? 1 : COST_ROWS); kind++) {
        const cost_row *row = &table->rows[kind];
        char text[QN_DIMS_TEXT];
        if (!row->shapes) continue;
        cli_print("%-10s", "cost");
        if (!is_fixed) cli_print(" %s", row->name);
        for (size_t i = 0; i < table->input_count; i++)
            cli_print("%s %s", i ? "," : "", qn_dims_print(row->shapes[i].rank, row->shapes[i].dims, text));
        cli_print(": %.4g million multiply-adds, %.4g MB moved, arena %.4g MB\n", 1e-6 * (double)row->cost.macs,
                  1e-6 * (double)row->cost.moved_bytes, 1e-6 * (double)arena_bytes(row));
    }
    if (*table->settled) cli_print("%-10s the smallest costs as much as the largest: %s\n", "cost", table->settled);
}

static json_t *row_to_json(const cost_table *table, const cost_row *row) {
    if (!row->shapes) return json_null();
    json_t *shapes = json_array();
    for (size_t i = 0; i < table->input_count; i++)
        json_array_append_new(shapes, cli_dims_to_json(row->shapes[i].rank, row->shapes[i].dims));
    return json_pack("{s:o,s:I,s:I,s:I}", "shapes", shapes, "macs", (json_int_t)row->cost.macs, "moved_bytes",
                     (json_int_t)row->cost.moved_bytes, "arena_bytes", (json_int_t)arena_bytes(row));
}

json_t *cost_table_to_json(const cost_table *table) {
    json_t *object = json_object();
    for (int kind = 0; kind < COST_ROWS; kind++)
        json_object_set_new(object, kinds[kind].name, row_to_json(table, &table->rows[kind]));
    return object;
}
