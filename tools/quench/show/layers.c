#include "show/layers.h"

#include "show/mix.h"

#include "quench/cpu.h"

#include <stdio.h>
#include <stdlib.h>

qn_status *layer_table_init(layer_table *table, const cli_session *session) {
    *table = (layer_table){.count = qn_model_get_info(session->model)->step_count};
    table->items = calloc(table->count + 1, sizeof *table->items);
    if (!table->items) return cli_out_of_memory();
    for (size_t i = 0; i < table->count; i++)
        table->items[i].has_integers = integer_mix_has_step(session->model, qn_model_step(session->model, i));
    return NULL;
}

void layer_table_deinit(layer_table *table) {
    free(table->items);
    *table = (layer_table){0};
}

qn_status *layer_table_add(layer_table *table, qn_context *context) {
    for (size_t i = 0; i < table->count; i++) {
        int64_t before = table->items[i].profile.ns;
        CLI_TRY(qn_context_get_step_profile(context, i, &table->items[i].profile));
        table->items[i].profile.ns += before;
    }
    table->runs++;
    return NULL;
}

qn_status *layer_table_finish(layer_table *table, const char *cpu, int threads) {
    CLI_TRY(qn_cpu_measure_peak(cpu, threads, &table->peak_gflops));
    for (size_t i = 0; i < table->count && table->peak_int8_gops == 0; i++)
        if (table->items[i].has_integers) CLI_TRY(qn_cpu_measure_peak_int8(cpu, threads, &table->peak_int8_gops));
    for (size_t i = 0; i < table->count; i++) {
        layer *l = &table->items[i];
        l->profile.ns /= table->runs ? table->runs : 1;
        l->ms = 1e-6 * (double)l->profile.ns;
        table->total_ms += l->ms;
        l->gops = l->profile.ns ? 2.0 * (double)l->profile.macs / (double)l->profile.ns : 0;
        const double peak = l->has_integers ? table->peak_int8_gops : table->peak_gflops;
        l->peak_share = peak > 0 ? l->gops / peak : 0;
    }
    for (size_t i = 0; i < table->count; i++)
        table->items[i].share = table->total_ms > 0 ? table->items[i].ms / table->total_ms : 0;
    return NULL;
}

void layer_table_print(const layer_table *table) {
    cli_print("\nlayers, mean of %d runs; peak %.1f GOP/s: the convolution tile on cached operands", table->runs,
              table->peak_gflops);
    if (table->peak_int8_gops > 0) cli_print("; of integers %.1f GOP/s", table->peak_int8_gops);
    cli_print("\n");
    cli_print("  %9s %6s %9s %8s %6s %9s  %-16s %-24s %s\n", "ms", "share", "Mmac", "GOP/s", "peak", "MB", "operator",
              "kernel", "name");
    for (size_t i = 0; i < table->count; i++) {
        const layer *l = &table->items[i];
        cli_print("  %9.4f %5.1f%% %9.3f %8.1f %5.1f%% %9.3f  %-16s %-24s %s\n", l->ms, 100 * l->share,
                  1e-6 * (double)l->profile.macs, l->gops, 100 * l->peak_share, 1e-6 * (double)l->profile.bytes,
                  l->profile.op, l->profile.kernel, l->profile.name);
    }
    cli_print("  %9.4f all steps\n", table->total_ms);
}

void layer_table_to_json(const layer_table *table, json_t *object) {
    json_t *layers = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const layer *l = &table->items[i];
        json_array_append_new(
            layers, json_pack("{s:o,s:s,s:s,s:f,s:f,s:I,s:f,s:f,s:I,s:I}", "name", cli_json_text(l->profile.name),
                              "operator", l->profile.op, "kernel", l->profile.kernel, "ms", l->ms, "share", l->share,
                              "macs", (json_int_t)l->profile.macs, "gops", l->gops, "peak_share", l->peak_share,
                              "bytes", (json_int_t)l->profile.bytes, "tasks", (json_int_t)l->profile.tasks));
    }
    json_object_set_new(object, "layers", layers);
    json_object_set_new(object, "peak_gflops", json_real(table->peak_gflops));
    json_object_set_new(object, "peak_int8_gops", json_real(table->peak_int8_gops));
}
